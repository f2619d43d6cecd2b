"""The ingest of one signal as plain values: what its batches need, wherever they run."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.config import Clock, DeadLetterTopic, Duplicates, KafkaSource, Limits, Quality
from headrace.contracts.model import Contract
from headrace.flows.checkpoints import checkpoint_path
from headrace.flows.project import Project
from headrace.io.checkpoint import Checkpoint
from headrace.io.lake import Lake

__all__ = ["ACCEPTING", "FLOW", "Ingest", "job"]

FLOW = "ingest"
ACCEPTING = (FLOW, "replay")
"""The flows that write to a signal's table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingest:
    """All that one signal's batches need. Plain values, so that it can be sent to wherever the batch runs.

    source_id: the id of the topic or table, by which it is known from one made anew under its name; a folder has none.
    continued: whether a slice goes on from batch to batch, as a topic's partition does; a file is one, and whole.
    ended_at: the high-water mark, in seconds, that a declared end of input left before this start of the query.
    quality: how often a sample is judged for people; None is never.
    """

    signal: str
    contract: Contract
    clock: Clock
    lake: Lake
    checkpoint: Checkpoint
    limits: Limits
    duplicates: Duplicates | None
    dead_letter_topic: DeadLetterTopic | None
    source_id: str | None = None
    continued: bool = False
    ended_at: int | None = None
    quality: Quality | None = None


def job(project: Project, signal: str, source_id: str | None = None) -> Ingest:
    """The ingest of one signal as the project declares it."""
    settings = project.settings.signals[signal]
    return Ingest(
        signal=signal,
        contract=project.contracts[signal],
        clock=settings.clock,
        limits=settings.limits,
        duplicates=settings.duplicates,
        dead_letter_topic=settings.dead_letter_topic,
        lake=Lake(project.settings.storage),
        checkpoint=Checkpoint(checkpoint_path(project, FLOW, signal)),
        source_id=source_id,
        continued=isinstance(settings.source, KafkaSource),
        quality=settings.quality,
    )
