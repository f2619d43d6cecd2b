"""A damaged checkpoint is refused before its query starts, with what it means and the command that goes on.

Spark would fail on most of them at every start, and on some begin at batch 0 again under the same query id, whose
batches the tables hold already. Only of a folder on this machine; of others Spark's own checks have to do.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from pyspark.sql import SparkSession

from headrace.errors import CheckpointDamaged
from headrace.io import ledger
from headrace.io.checkpoint import Checkpoint
from headrace.io.checkpoint_parts import Damage, Part, damage, parts_of
from headrace.io.lake import Lake
from headrace.io.local_path import local_path
from headrace.io.plans import newest_query

__all__ = ["refuse_damaged"]

_NEW_GENERATION = {
    "ingest": (
        "the source is then read from where a new checkpoint begins, and what was accepted before stands in "
        "signals_{subject} once more, under another query_id; not so if the files that were read are moved out of the "
        "source's folder first, or source.starting is set behind what was read"
    ),
    "features": "no window is lost or doubled: a new generation takes over once it is computed",
    "score": (
        "records from the model's start on are then decided once more, under another query_id; not so if start in "
        "models/{subject}.yml is set behind what was decided"
    ),
}


def refuse_damaged(spark: SparkSession, lake: Lake, flow: str, subject: str, checkpoint: Checkpoint) -> None:
    """Raise CheckpointDamaged where the checkpoint of a query lacks what the query has to go on from."""
    folder = local_path(checkpoint.path)
    if folder is None:
        return
    parts = parts_of(folder)
    found = damage(parts, stateful=flow == "features")
    if found is None and parts.metadata and not parts.offsets:
        ended = ledger.last_batches(spark, lake, (flow,), subject).get(checkpoint.query_id(spark) or "", -1)
        found = Damage(Part.OFFSETS, f"its offsets are gone, though batch {ended} has ended") if ended >= 0 else None
    if found is not None:
        raise CheckpointDamaged(
            f"the checkpoint {folder} of {flow}.{subject} is damaged: {found.text}. Nothing is lost or doubled so far. "
            f"{_remedy(spark, lake, flow, subject, folder, found)}"
        )


def _remedy(spark: SparkSession, lake: Lake, flow: str, subject: str, folder: Path, found: Damage) -> str:
    if found.entry is not None:
        entry = shlex.quote(str(folder / found.entry))
        return f"Remove that file, which is written anew, and nothing will be: rm {entry}"
    place = shlex.quote(str(folder))
    if found.part is Part.METADATA:
        query_id = newest_query(spark, lake, flow, subject)
        if query_id is None:
            return f"Its query has written nothing yet, and can begin anew: rm -r {place}"
        text = shlex.quote(json.dumps({"id": query_id}))
        # Its checksum, which Hadoop keeps beside it, is of other bytes.
        command = f"rm -f {place}/.metadata.crc && echo {text} > {place}/metadata"
        return f"Write down again which query it is of, and nothing will be: {command}"
    away = f"mv {place} {shlex.quote(f'{folder}.damaged')}"
    command = f"{away} && headrace features renew {subject}" if flow == "features" else away
    meaning = _NEW_GENERATION[flow].format(subject=subject)
    return f"Put the folder back from a backup, or go on without one: {command} ({meaning})"
