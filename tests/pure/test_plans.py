"""Stored plans are read as what they meant when they were stored, or not at all."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.contracts.clock import Mark
from headrace.contracts.dead_letters import Action, Choice
from headrace.contracts.drift import Known
from headrace.contracts.model import Kind
from headrace.contracts.outliers import Quartiles, UsualValues
from headrace.errors import InfrastructureError
from headrace.flows.generation import Opening
from headrace.flows.limits import Weighed
from headrace.flows.plans.backfill import BackfillPlan
from headrace.flows.plans.expiry import ExpiryBounds, ExpiryPlan, Part
from headrace.flows.plans.features import FeaturesPlan
from headrace.flows.plans.ingest import IngestPlan
from headrace.flows.plans.replay import ReplayPlan
from headrace.flows.plans.score import ScorePlan
from headrace.flows.schema_drift import DriftReport, NewDrift
from headrace.flows.stretch import Stretch
from headrace.flows.verdicts import Verdict
from headrace.io.cut import Cut
from headrace.io.plan_format import Plan, plan_text, read_plan

NAME = "batch 3 of ingest departures"
AT = datetime(2026, 1, 8, 6, 30, tzinfo=UTC)

# What each headrace stored before formats were numbered, oldest first.
FORMAT_1: dict[str, tuple[str, Plan]] = {
    "ingest, of topics": (
        """{"before": {"ahead": [], "high_water": null}, "contract": "5f0c", "contract_version": "1.0.0",
            "limit": 1767258000, "mark": {"ahead": [1767247300, 1767247300], "high_water": 1767247200},
            "slices": {"departures/0": "2:4b1d"}, "topic_id": "qVbXkA"}""",
        IngestPlan(
            contract="5f0c",
            contract_version="1.0.0",
            source_id="qVbXkA",
            before=Mark(None, ()),
            mark=Mark(1767247200, (1767247300, 1767247300)),
            limit=1767258000,
            slices={"departures/0": "2:4b1d"},
            first_seen=None,
            limits=Weighed(tails={}, measured={}, verdicts=(), attempt=0),
            drift=DriftReport(known=Known(told=(), missed=(), present={}, records=0), new=()),
            columns={},
            outliers=UsualValues(bounds={}, trailing={}),
            accepted_before={},
            after={},
        ),
    ),
    "ingest, with limits and drift": (
        """{"accepted_before": {"other": 7, "q": 2}, "before": {"ahead": [], "high_water": 1767240000},
            "contract": "5f0c", "contract_version": "1.0.0",
            "drift": {"known": {"missed": ["gate"], "present": {"delay": 18}, "records": 20,
                                "told": [["unknown_field", "icao", "string"]]},
                      "new": [{"detail": "string", "field": "icao", "kind": "unknown_field", "policy": "kept aside",
                               "record_id": "a", "records": 5, "share": 0.25}]},
            "limit": 1767258000,
            "limits": {"attempt": 1, "measured": {"share": 0.75}, "tails": {"departures/0": 4},
                       "verdicts": [{"evidence": {"rule": "share of delay"}, "must": "at most 0.5",
                                     "objective": "share", "rows_in": 20, "value": 0.75, "verdict": "warn"}]},
            "mark": {"ahead": [], "high_water": 1767247200}, "slices": {"departures/0": "20:4b1d"},
            "topic_id": null}""",
        IngestPlan(
            contract="5f0c",
            contract_version="1.0.0",
            source_id=None,
            before=Mark(1767240000, ()),
            mark=Mark(1767247200, ()),
            limit=1767258000,
            slices={"departures/0": "20:4b1d"},
            first_seen=None,
            limits=Weighed(
                tails={"departures/0": 4},
                measured={"share": 0.75},
                verdicts=(
                    Verdict(
                        objective="share",
                        verdict="warn",
                        value=0.75,
                        must="at most 0.5",
                        rows_in=20,
                        evidence={"rule": "share of delay"},
                    ),
                ),
                attempt=1,
            ),
            drift=DriftReport(
                known=Known(
                    told=(("unknown_field", "icao", "string"),), missed=("gate",), present={"delay": 18}, records=20
                ),
                new=(
                    NewDrift(
                        kind="unknown_field",
                        field="icao",
                        detail="string",
                        records=5,
                        record_id="a",
                        share=0.25,
                        policy="kept aside",
                    ),
                ),
            ),
            columns={},
            outliers=UsualValues(bounds={}, trailing={}),
            accepted_before={"other": 7, "q": 2},
            after={},
        ),
    ),
    "ingest, the last without a number": (
        """{"accepted_before": {}, "after": {"dead_letters": 3, "signals_departures": 12},
            "before": {"ahead": [], "high_water": null}, "columns": {"icao": "string"}, "contract": "5f0c",
            "contract_version": "1.1.0",
            "drift": {"known": {"missed": [], "present": {}, "records": 0, "told": []}, "new": []},
            "first_seen": 1767225600, "limit": 1767258000,
            "limits": {"attempt": 0, "measured": {}, "tails": {}, "verdicts": []},
            "mark": {"ahead": [], "high_water": 1767247200},
            "outliers": {"bounds": {"delay": [-12.5, 40.25]},
                         "trailing": {"delay": [{"high": 20.0, "low": 5.0, "median": 10.5, "records": 300}]}},
            "slices": {"day.jsonl": "3:4b1d"}, "source_id": null}""",
        IngestPlan(
            contract="5f0c",
            contract_version="1.1.0",
            source_id=None,
            before=Mark(None, ()),
            mark=Mark(1767247200, ()),
            limit=1767258000,
            slices={"day.jsonl": "3:4b1d"},
            first_seen=1767225600,
            columns={"icao": Kind.STRING},
            outliers=UsualValues(
                bounds={"delay": (-12.5, 40.25)},
                trailing={"delay": (Quartiles(records=300, low=5.0, median=10.5, high=20.0),)},
            ),
            accepted_before={},
            after={"dead_letters": 3, "signals_departures": 12},
        ),
    ),
    "features": (
        '{"definition": "77aa", "high_water": null, "read": [], "watermark": null}',
        FeaturesPlan(definition="77aa", read=(), high_water=None, watermark=None, after={}),
    ),
    "features, with versions": (
        """{"after": {"features_route_log": 4}, "definition": "77aa", "high_water": 1767247200, "read": ["q/0", "q/1"],
            "watermark": 1767245400}""",
        FeaturesPlan(
            definition="77aa",
            read=("q/0", "q/1"),
            high_water=1767247200,
            watermark=1767245400,
            after={"features_route_log": 4},
        ),
    ),
    "score, nothing to score": ('{"cuts": {}, "version": null}', ScorePlan(version=None, cuts={}, after={})),
    "score, before there were backfills": (
        '{"cuts": {"route": {"batch_id": 5, "high_water": 1767247200, "query_id": "f"}}, "version": "2"}',
        ScorePlan(version="2", cuts={"route": Cut("f", 5, 1767247200, None, -1, -1)}, after={}),
    ),
    "score, with versions": (
        """{"after": {"dead_letters": 0, "predictions_late": 9},
            "cuts": {"route": {"backfill_id": "f.backfill", "backfilled": 1, "batch_id": 5, "high_water": null,
                               "history": 2, "query_id": "f"}}, "version": "2"}""",
        ScorePlan(
            version="2",
            cuts={"route": Cut("f", 5, None, "f.backfill", 1, 2)},
            after={"dead_letters": 0, "predictions_late": 9},
        ),
    ),
    "replay, before tables grew": (
        """{"action": "replay", "at": "2026-01-08T06:30:00+00:00",
            "choice": {"contract_version": null, "ids": [], "reasons": ["missing"],
                       "since": "2026-01-08T06:30:00+00:00", "states": ["open"], "until": null},
            "contract": "5f0c", "contract_version": "1.1.0", "cut": {"q": 4, "r": -1}, "limit": 1767258000,
            "note": "mended", "patch": {"delay": "0"}}""",
        ReplayPlan(
            action=Action.REPLAY,
            choice=Choice(reasons=("missing",), since=AT),
            patch={"delay": "0"},
            note="mended",
            cut={"q": 4, "r": -1},
            limit=1767258000,
            contract="5f0c",
            contract_version="1.1.0",
            at=AT,
            columns={},
        ),
    ),
    "replay, with columns": (
        """{"action": "discard", "at": "2026-01-08T06:30:00+00:00",
            "choice": {"contract_version": "1.0.0", "ids": ["a"], "reasons": [], "since": null,
                       "states": ["open", "parked"], "until": null},
            "columns": {"icao": "string"}, "contract": "5f0c", "contract_version": "1.1.0", "cut": {}, "limit": null,
            "note": "", "patch": {}}""",
        ReplayPlan(
            action=Action.DISCARD,
            choice=Choice(ids=("a",), contract_version="1.0.0", states=("open", "parked")),
            patch={},
            note="",
            cut={},
            limit=None,
            contract="5f0c",
            contract_version="1.1.0",
            at=AT,
            columns={"icao": Kind.STRING},
        ),
    ),
    "backfill": (
        """{"at": "2026-01-08T06:30:00+00:00", "definition": "77aa", "end": "2026-01-08T00:00:00+00:00",
            "features": {"backfill_id": null, "backfilled": -1, "batch_id": 5, "high_water": 1767247200,
                         "query_id": "f"},
            "first": "2026-01-01T00:00:00+00:00", "signals": {"q": 6}}""",
        BackfillPlan(
            stretch=Stretch(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 8, tzinfo=UTC)),
            signals={"q": 6},
            features=Cut("f", 5, 1767247200, None, -1, -1),
            definition="77aa",
            at=AT,
        ),
    ),
    "generation": (
        """{"at": "2026-01-08T06:30:00+00:00", "boundary": 1767247200, "definition": "77aa",
            "first": "2026-01-01T00:00:00+00:00", "high_water": null, "signals": {"q": 6}, "version": 3}""",
        Opening(
            definition="77aa",
            boundary=1767247200,
            version=3,
            first=datetime(2026, 1, 1, tzinfo=UTC),
            high_water=None,
            signals={"q": 6},
            at=AT,
        ),
    ),
    "maintain, without the age": (
        """{"at": "2026-01-08T06:30:00+00:00", "cuts": {"f": [1, 4]}, "last": {"f": 5}, "more": false,
            "removed": [["f", 3, "-", "12:ab"], ["f", 5, "-", "1:cd"]], "upto": {"f": 5}}""",
        ExpiryPlan(
            at=AT,
            before=None,
            bounds=ExpiryBounds(last={"f": 5}, cuts={"f": [1, 4]}, acted={}),
            removed=(Part("f", 3, "-", "12:ab"), Part("f", 5, "-", "1:cd")),
            upto={"f": 5},
            more=False,
            newest_event=None,
        ),
    ),
    "maintain, of records": (
        """{"at": "2026-01-08T06:30:00+00:00", "before": "2026-01-08T06:30:00+00:00", "last": {"q": 5}, "more": true,
            "newest_event": 1767247200, "removed": [["q", 0, "day.jsonl", "12:ab"]], "upto": {"q": 0}}""",
        ExpiryPlan(
            at=AT,
            before=AT,
            bounds=ExpiryBounds(last={"q": 5}, cuts={}, acted={}),
            removed=(Part("q", 0, "day.jsonl", "12:ab"),),
            upto={"q": 0},
            more=True,
            newest_event=1767247200,
        ),
    ),
    "maintain, of dead letters": (
        """{"acted": {"r": 1}, "at": "2026-01-08T06:30:00+00:00", "before": "2026-01-08T06:30:00+00:00",
            "last": {"q": 5}, "more": false, "removed": [["q", 0, "day.jsonl", "1:ab"]], "upto": {"q": 0}}""",
        ExpiryPlan(
            at=AT,
            before=AT,
            bounds=ExpiryBounds(last={"q": 5}, cuts={}, acted={"r": 1}),
            removed=(Part("q", 0, "day.jsonl", "1:ab"),),
            upto={"q": 0},
            more=False,
            newest_event=None,
        ),
    ),
}
PLANS = [plan for _, plan in FORMAT_1.values()]


@pytest.mark.parametrize(("text", "plan"), FORMAT_1.values(), ids=FORMAT_1)
def test_a_plan_from_before_formats_had_a_number_means_what_it_meant(text: str, plan: Plan) -> None:
    assert read_plan(type(plan), text, NAME) == plan


@pytest.mark.parametrize("plan", PLANS, ids=FORMAT_1)
def test_a_stored_plan_is_read_as_the_same_plan_with_the_same_text(plan: Plan) -> None:
    text = plan_text(plan)
    assert json.loads(text)["format"] == 2
    assert read_plan(type(plan), text, NAME) == plan
    assert plan_text(read_plan(type(plan), text, NAME)) == text


def test_the_newest_format_is_this() -> None:
    plan = ScorePlan(version="2", cuts={"route": Cut("f", 5, None)}, after={"predictions_late": 9})
    assert plan_text(plan) == (
        '{"after": {"predictions_late": 9}, "cuts": {"route": {"backfill_id": null, "backfilled": -1, "batch_id": 5, '
        '"high_water": null, "history": -1, "query_id": "f"}}, "format": 2, "version": "2"}'
    )


# The names that queries over the table look into stored plans by.
PATHS = {
    "ingest": {"limit", "source_id"},
    "score": {"cuts"},
    "backfill": {"features"},
    "maintain": {"newest_event", "before"},
}


@pytest.mark.parametrize("plan", PLANS, ids=FORMAT_1)
def test_what_queries_ask_stored_plans_for_has_the_name_it_had(plan: Plan) -> None:
    assert json.loads(plan_text(plan)).keys() >= PATHS.get(plan.flow, set())


@pytest.mark.parametrize("plan", PLANS, ids=FORMAT_1)
@pytest.mark.parametrize("number", [3, 0, "2", None])
def test_a_format_that_is_not_known_is_not_read(plan: Plan, number: object) -> None:
    text = json.dumps(json.loads(plan_text(plan)) | {"format": number})
    with pytest.raises(
        InfrastructureError, match=r"batch 3 of ingest departures is of format .*use the newer headrace"
    ):
        read_plan(type(plan), text, NAME)


@pytest.mark.parametrize(("text", "plan"), FORMAT_1.values(), ids=FORMAT_1)
def test_a_key_that_is_not_known_is_not_passed_over(text: str, plan: Plan) -> None:
    for stored in (text, plan_text(plan)):
        with pytest.raises(InfrastructureError, match=r"batch 3 of ingest departures cannot be read whole.*quorum"):
            read_plan(type(plan), json.dumps(json.loads(stored) | {"quorum": 2}), NAME)


FULL = FORMAT_1["ingest, with limits and drift"][1]
PARTS = ("mark", "limits", "limits verdicts 0", "drift", "drift known", "drift new 0", "outliers")


@pytest.mark.parametrize("path", PARTS)
def test_nor_is_one_within_a_part_of_it(path: str) -> None:
    stored = json.loads(plan_text(FULL))
    part = stored
    for step in path.split():
        part = part[int(step) if step.isdigit() else step]
    part["quorum"] = 2
    with pytest.raises(InfrastructureError, match="cannot be read whole"):
        read_plan(IngestPlan, json.dumps(stored), NAME)


@pytest.mark.parametrize("plan", PLANS, ids=FORMAT_1)
def test_what_a_plan_of_this_format_lacks_is_not_made_up(plan: Plan) -> None:
    stored = json.loads(plan_text(plan))
    for key in stored.keys() - {"format"}:
        with pytest.raises(InfrastructureError, match=f"cannot be read whole.*{key}"):
            read_plan(type(plan), json.dumps({name: stored[name] for name in stored if name != key}), NAME)


MOMENTS = st.datetimes(timezones=st.just(UTC))
SECONDS = st.none() | st.integers()
BATCHES = st.dictionaries(st.text(), st.integers())
CUTS = st.builds(Cut, st.text(), st.integers(), SECONDS, st.none() | st.text(), st.integers(), st.integers())
FLOATS = st.floats(allow_nan=False)
TEXTS = st.dictionaries(st.text(), st.text())
MARKS = st.builds(Mark, SECONDS, st.lists(st.integers()).map(tuple))
ANY_PLAN = st.one_of(
    st.builds(FeaturesPlan, high_water=SECONDS, watermark=SECONDS, after=BATCHES),
    st.builds(ScorePlan, cuts=st.dictionaries(st.text(), CUTS), after=BATCHES),
    st.builds(BackfillPlan, signals=BATCHES, stretch=st.builds(Stretch, MOMENTS, MOMENTS), features=CUTS, at=MOMENTS),
    st.builds(
        ReplayPlan,
        patch=TEXTS,
        cut=BATCHES,
        choice=st.builds(Choice, since=st.none() | MOMENTS, until=st.none() | MOMENTS, ids=st.tuples(st.text())),
        columns=st.dictionaries(st.text(), st.sampled_from(Kind)),
        at=MOMENTS,
    ),
    st.builds(
        IngestPlan,
        slices=TEXTS,
        before=MARKS,
        mark=MARKS,
        limits=st.builds(Weighed, measured=st.dictionaries(st.text(), FLOATS), tails=BATCHES),
        outliers=st.builds(UsualValues, bounds=st.dictionaries(st.text(), st.tuples(FLOATS, FLOATS))),
        drift=st.builds(DriftReport, known=st.builds(Known, records=st.integers(), missed=st.tuples(st.text()))),
        columns=st.dictionaries(st.text(), st.sampled_from(Kind)),
    ),
)


@given(ANY_PLAN)
def test_any_plan_comes_back_whole(plan: Plan) -> None:
    assert read_plan(type(plan), plan_text(plan), NAME) == plan
