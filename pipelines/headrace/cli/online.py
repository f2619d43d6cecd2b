"""``headrace features get`` and ``features online``: the newest values of an entity, and the view they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from headrace.cli.options import ConfDir, Env, Json, project, utc
from headrace.cli.output import as_json as json_of
from headrace.cli.output import cell, notes, results
from headrace.errors import UsageError

if TYPE_CHECKING:
    from headrace.flows.online import Answer

__all__ = ["app", "get", "rebuild"]

app = typer.Typer(help="The online view: the newest values of each entity.", no_args_is_help=True, add_completion=False)

FeatureSet = Annotated[str, typer.Argument(help="Feature set.")]


@app.callback()
def online() -> None:
    """The online view: the newest values of each entity."""


@app.command()
def rebuild(feature_set: FeatureSet, conf_dir: ConfDir = Path("conf"), env: Env = "local") -> None:
    """Build a set's part of the view again from its log. Who reads meanwhile sees the old until the new is whole."""
    from headrace.cli.session import session_with_tables
    from headrace.flows import features
    from headrace.flows.online_follow import rebuild as build

    loaded = project(conf_dir, env)
    follower = features.job(loaded, feature_set).online
    if follower is None:
        raise UsageError("there is no online view: the settings name none under 'online'")
    cut = build(session_with_tables(loaded, conf_dir, notes().print), follower)
    typer.echo(f"The online view of {feature_set} holds its log up to batch {cut.batch_id}.")


def get(
    feature_set: FeatureSet,
    entity: Annotated[list[str], typer.Argument(help="The entity: each of the set's entity columns as column=value.")],
    at: Annotated[datetime | None, typer.Option("--at", help="As of then, UTC. Default: now.")] = None,
    conf_dir: ConfDir = Path("conf"),
    env: Env = "local",
    as_json: Json = False,
) -> None:
    """Say what the online view has of an entity: the values of its newest window that has ended, and their age."""
    from headrace.flows.online import open_view

    asked = _pairs(entity)
    with open_view(project(conf_dir, env), feature_set) as view:
        (answer,) = view.get([asked], utc(at))
    if as_json:
        typer.echo(json_of(_plain(answer)))
        return
    results().print(_table(answer))
    typer.echo(_told(answer))


def _pairs(texts: Sequence[str]) -> Mapping[str, str]:
    pairs = [text.partition("=") for text in texts]
    wrong = [text for text, (_, sign, _) in zip(texts, pairs, strict=True) if not sign]
    if wrong:
        raise UsageError(f"{wrong[0]}: an entity is given as column=value, as in origin=EWR")
    given = {name: value for name, _, value in pairs}
    if len(given) < len(pairs):
        raise UsageError("an entity has one value for each of its columns, and one is given twice")
    return given


def _table(answer: Answer) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("feature", "value"):
        table.add_column(title)
    for name, value in answer.values.items():
        table.add_row(name, cell(value))
    return table


def _told(answer: Answer) -> str:
    entity = " ".join(f"{name}={value}" for name, value in answer.entity.items())
    if answer.window_end is None or answer.computed_at is None:
        return f"{entity} has no window that had ended by then."
    gone = "" if answer.alive else ", too old to be used"
    end, computed_at = (each.replace(microsecond=0, tzinfo=None) for each in (answer.window_end, answer.computed_at))
    return f"{entity}: window that ended {end}, {answer.age} before{gone}; computed {computed_at}."


def _plain(answer: Answer) -> Mapping[str, object]:
    return {
        "entity": answer.entity,
        "values": answer.values,
        "window_end": answer.window_end and answer.window_end.isoformat(),
        "computed_at": answer.computed_at and answer.computed_at.isoformat(),
        "age_seconds": None if answer.age is None else answer.age.total_seconds(),
        "alive": answer.alive,
    }
