"""Why the records of a signal may not expire yet, whatever their age."""

from __future__ import annotations

from datetime import timedelta

from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from headrace.config import duration_text
from headrace.flows.kept_cuts import unfinished
from headrace.flows.project import Project
from headrace.io.cut import backfill_of
from headrace.io.cuts import cuts
from headrace.io.lake import Lake
from headrace.io.training_runs import training_runs

__all__ = ["needed"]


def needed(spark: SparkSession, project: Project, signal: str, age: timedelta) -> str | None:
    """What needs records of the signal that are older than ``age``, and what to do; None where nothing does.

    A training run needs all that its model, or its labels, came from: which of it, no cut says. A backfill or replay
    that was begun reads what it was planned on.
    """
    duplicates = project.settings.signals[signal].duplicates
    if duplicates is not None and (project.settings.signals[signal].clock.kind == "replay" or duplicates.within > age):
        return (
            f"duplicates of {signal} are looked for within {duration_text(duplicates.within)} of event time: "
            "retention.signals has to be longer, and the clock wall"
        )
    begun = _begun(spark, project, signal)
    if begun is not None:
        again = "features backfill" if begun["flow"] == "backfill" else "dead-letters replay --signal"
        return (
            f"{begun['flow']} {begun['subject']} was begun and not ended: 'headrace {again} {begun['subject']}' ends it"
        )
    return _learned(project, signal)


def _begun(spark: SparkSession, project: Project, signal: str) -> Row | None:
    """A replay of the signal, or a backfill of a generation that is served, that has not ended."""
    lake = Lake(project.settings.storage)
    sets = [name for name, one in project.feature_sets.items() if one.signal == signal]
    backfills = [backfill_of(cut.query_id) for cut in cuts(spark, lake, sets).values()]
    of_signal = (F.col("flow") == "replay") & (F.col("subject") == signal)
    of_sets = (F.col("flow") == "backfill") & F.col("query_id").isin(backfills)
    return unfinished(spark, lake).where(of_signal | of_sets).first()


def _learned(project: Project, signal: str) -> str | None:
    prefix = project.settings.registry.experiments
    learning = {
        f"{prefix}{model.registered_model}": name
        for name, model in project.models.items()
        if signal == model.signal or (model.training is not None and signal == model.training.label.signal)
    }
    runs = [run for run in training_runs(project.settings.registry) if run.experiment in learning] if learning else []
    if not runs:
        return None
    return (
        f"{len(runs)} training run{'' if len(runs) == 1 else 's'} of {learning[runs[0].experiment]} learned from "
        f"{signal}, such as {runs[0].id}: delete them in MLflow first"
    )
