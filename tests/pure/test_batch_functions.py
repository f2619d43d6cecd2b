"""What a batch runs is a module-level function and plain values: it can be sent to wherever the batch runs."""

from __future__ import annotations

import pickle
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from pydantic import SecretStr

from headrace.config import RedisOnline
from headrace.flows import features, ingest, ingest_job, score, score_job
from headrace.flows.project import load

PROJECT = load(Path(__file__).parents[2] / "conf", "local", {})
REDIS = RedisOnline(kind="redis", url=SecretStr("redis://:hidden@localhost"))
VIEWED = replace(PROJECT, settings=PROJECT.settings.model_copy(update={"online": REDIS}))
FUNCTIONS = {
    "ingest": partial(ingest.ingest_batch, ingest_job.job(PROJECT, "departures")),
    "features": partial(features.features_batch, features.job(PROJECT, "origin_departures")),
    "features with an online view": partial(features.features_batch, features.job(VIEWED, "origin_departures")),
    "score": partial(score.score_batch, score_job.job(PROJECT, "arrives_late")),
}


@pytest.mark.parametrize("flow", FUNCTIONS)
def test_a_batch_function_survives_pickling(flow: str) -> None:
    there = pickle.loads(pickle.dumps(FUNCTIONS[flow]))
    assert (there.func, there.args) == (FUNCTIONS[flow].func, FUNCTIONS[flow].args)
    assert "hidden" not in repr(there)
