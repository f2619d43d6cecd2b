"""``headrace dead-letters replay | park | discard``: what is done with rejected records."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from headrace.cli.options import ConfDir, Env, Json, known, project, utc
from headrace.cli.output import cell, notes, results
from headrace.cli.session import session_with_tables
from headrace.errors import UsageError

if TYPE_CHECKING:
    from headrace.contracts.dead_letters import Choice
    from headrace.contracts.model import Contract
    from headrace.flows.replay import Missed

__all__ = ["Reason", "Since", "Until", "Version", "codes", "discard", "park", "replay"]

# A backfill takes windows that end after its start.
_MOMENT = timedelta(microseconds=1)

Signal = Annotated[str, typer.Option("--signal", help="Signal it was sent as.")]
Reason = Annotated[list[str] | None, typer.Option("--reason", help="Code of a reason; may be given more than once.")]
Since = Annotated[datetime | None, typer.Option("--since", help="Rejected then or later, UTC.")]
Until = Annotated[datetime | None, typer.Option("--until", help="Rejected before then, UTC.")]
Version = Annotated[str | None, typer.Option("--contract-version", help="Rejected by that version of the contract.")]
Id = Annotated[list[str] | None, typer.Option("--id", help="One record; may be given more than once.")]
Parked = Annotated[bool, typer.Option("--parked", help="Parked ones too.")]
Said = Annotated[str, typer.Option("--note", help="Why; kept with the action.")]


def replay(
    signal: Signal,
    reason: Reason = None,
    since: Since = None,
    until: Until = None,
    contract_version: Version = None,
    id_: Id = None,
    parked: Parked = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would pass now; write nothing.")] = False,
    patch: Annotated[
        Path | None, typer.Option("--patch", help="File of expressions that mend the records on their way back.")
    ] = None,
    fill: Annotated[
        bool, typer.Option("--backfill", help="Then fold what came back into the windows that missed it.")
    ] = False,
    note: Said = "",
    conf_dir: ConfDir = Path("conf"),
    env: Env = "local",
    as_json: Json = False,
) -> None:
    """Judge dead letters again, by the contract as it is now. What passes goes to the signal's table.

    The third time a record is rejected it is parked. Doing it twice adds nothing.
    """
    choice = _choice(reason, since, until, contract_version, id_, parked)
    if dry_run:
        _rehearse(conf_dir, env, signal, choice, as_json, patch)
    else:
        _act("replay", conf_dir, env, signal, choice, note, as_json, patch=patch, fill=fill)


def park(
    signal: Signal,
    reason: Reason = None,
    since: Since = None,
    until: Until = None,
    contract_version: Version = None,
    id_: Id = None,
    note: Said = "",
    conf_dir: ConfDir = Path("conf"),
    env: Env = "local",
    as_json: Json = False,
) -> None:
    """Hold dead letters back from replay until they are asked for with --parked."""
    choice = _choice(reason, since, until, contract_version, id_, parked=False)
    _act("park", conf_dir, env, signal, choice, note, as_json)


def discard(
    signal: Signal,
    reason: Reason = None,
    since: Since = None,
    until: Until = None,
    contract_version: Version = None,
    id_: Id = None,
    parked: Parked = False,
    note: Said = "",
    conf_dir: ConfDir = Path("conf"),
    env: Env = "local",
    as_json: Json = False,
) -> None:
    """Close dead letters for good. They stay in their table; nothing replays them any more."""
    choice = _choice(reason, since, until, contract_version, id_, parked)
    _act("discard", conf_dir, env, signal, choice, note, as_json)


def _choice(
    reason: list[str] | None,
    since: datetime | None,
    until: datetime | None,
    contract_version: str | None,
    ids: list[str] | None,
    parked: bool,
) -> Choice:
    from headrace.contracts.dead_letters import Choice, State

    known("reason", reason or (), codes())
    return Choice(
        ids=tuple(ids or ()),
        reasons=tuple(reason or ()),
        since=utc(since),
        until=utc(until),
        contract_version=contract_version,
        states=(State.OPEN, State.PARKED) if parked else (State.OPEN,),
    )


def _act(
    action: str,
    conf_dir: Path,
    env: str,
    signal: str,
    choice: Choice,
    note: str,
    as_json: bool,
    *,
    patch: Path | None = None,
    fill: bool = False,
) -> None:
    from headrace.contracts.dead_letters import Action
    from headrace.flows.backfill import backfill
    from headrace.flows.replay import act

    loaded = project(conf_dir, env)
    mending = _patch(loaded.contract(signal), patch)
    spark = session_with_tables(loaded, conf_dir, notes().print)
    done = act(spark, loaded, signal, Action(action), choice, note=note, patch=mending)
    missed = [window for one in done for window in one.missed]
    filled = [
        (one.feature_set, each)
        for one in missed
        if fill
        for each in backfill(spark, loaded, one.feature_set, one.first - _MOMENT, one.end)
    ]
    reached = {name: each.end for name, each in filled}
    left = [one for one in missed if fill and one.end > reached.get(one.feature_set, one.first - _MOMENT)]
    if as_json:
        told = {
            "actions": [asdict(one) for one in done],
            "backfilled": [(name, asdict(one)) for name, one in filled],
            "not_final": [asdict(one) for one in left],
        }
        typer.echo(json.dumps(told, default=str))
        return
    for one in done:
        parts = ", ".join(f"{count:,} {name}" for name, count in one.outcomes.items())
        typer.echo(f"{one.action}: {one.letters:,} dead letters of {signal}: {parts}.")
    if not done:
        typer.echo(f"No dead letter of {signal} fits: nothing was done.")
    for window in missed:
        typer.echo(_missing(window))
    if filled:
        typer.echo(f"Backfilled: {sum(one.changed for _, one in filled):,} windows have another value now.")
    for window in left:
        since = reached.get(window.feature_set, window.first - _MOMENT)
        typer.echo(
            f"{window.feature_set}: those that end after {since:%Y-%m-%d %H:%M} are not final yet and were left out; "
            f"once they are: headrace features backfill {window.feature_set} --from {since:%Y-%m-%dT%H:%M:%S}"
        )
    if missed and not fill:
        typer.echo("headrace features backfill SET folds them in, as does --backfill here.")


def _patch(contract: Contract, file: Path | None) -> Mapping[str, str]:
    from headrace.contracts.patch import read_patch
    from headrace.documents import read

    if file is None:
        return {}
    if not file.is_file():
        raise UsageError(f"there is no file {file}")
    return read_patch(read(file), contract)


def _missing(window: Missed) -> str:
    return (
        f"{window.feature_set}: {window.windows:,} windows that end from {window.first:%Y-%m-%d %H:%M} "
        f"to {window.end:%Y-%m-%d %H:%M} were computed without them."
    )


def _rehearse(conf_dir: Path, env: str, signal: str, choice: Choice, as_json: bool, patch: Path | None) -> None:
    from pyspark.sql import functions as F

    from headrace.flows.replay import rehearse

    loaded = project(conf_dir, env)
    mending = _patch(loaded.contract(signal), patch)
    spark = session_with_tables(loaded, conf_dir, notes().print)
    would = rehearse(spark, loaded, signal, choice, mending)
    first = F.try_element_at("reasons", F.lit(1))
    counted = would.groupBy("outcome", first["code"].alias("reason"), first["field"].alias("field")).count()
    rows = [row.asDict() for row in counted.orderBy(F.desc("count")).collect()]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    table = Table("would be", "reason", "field", "letters", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*[cell(row[name]) for name in ("outcome", "reason", "field", "count")])
    results().print(table)
    typer.echo("Nothing was written.")


def codes() -> Sequence[str]:
    """Every code a reason can have."""
    from headrace.contracts.reasons import Reason as Code

    return [code.value for code in Code]
