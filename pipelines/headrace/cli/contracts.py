"""``headrace contracts``: look at contract files, compare two, propose one from records. No JVM."""

from __future__ import annotations

import gzip
import json
import re
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, cast

import typer
from rich.table import Table

from headrace.cli.options import ConfDir, Json
from headrace.cli.output import in_one_line, notes, results
from headrace.contracts.diff import diff as compare
from headrace.contracts.model import Contract, Field, Kind
from headrace.contracts.odcs import read_contract
from headrace.contracts.odcs_notes import Note, notes_on_rules
from headrace.documents import Mistakes, Node, read
from headrace.errors import CheckFailed, ConfigError, UsageError

if TYPE_CHECKING:
    from headrace.contracts.sample import Sample

__all__ = ["app", "diff", "infer", "lint"]

_CONTRACT = "*.odcs.yaml"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_PATIENCE = 3.0
"""Seconds without a word."""

app = typer.Typer(help="The agreements on signals: lint, compare, propose.", no_args_is_help=True, add_completion=False)


@app.callback()
def contracts() -> None:
    """The agreements on signals: lint, compare, propose."""


# lint


@app.command()
def lint(
    file: Annotated[
        list[Path] | None, typer.Argument(help="Contract files. Default: all of the configuration.")
    ] = None,
    conf_dir: ConfDir = Path("conf"),
    as_json: Json = False,
) -> None:
    """Read contract files: say what is wrong in them, or, if nothing is, what they leave open or unenforced.

    Exit 0: they are right; a note is advice. Exit 2: they are not, and each mistake is one line, with its file and key.
    """
    try:
        found = _read(file) if file else _read(_declared(conf_dir), conf_dir.resolve().parent)
    except ConfigError as error:
        if not as_json:
            raise
        typer.echo(json.dumps({"valid": False, "mistakes": error.mistakes, "notes": []}))
        raise typer.Exit(error.exit_code) from error
    advice = [note for document, contract in found for note in _notes(document, contract)]
    if as_json:
        typer.echo(json.dumps({"valid": True, "mistakes": [], "notes": [asdict(note) for note in advice]}))
        return
    for note in advice:
        typer.echo(in_one_line(str(note)))
    typer.echo(f"{_counted(len(found), 'contract')}, no mistake, {_counted(len(advice), 'note')}.")


def _declared(conf_dir: Path) -> Sequence[Path]:
    found = sorted((conf_dir.resolve() / "contracts").glob(_CONTRACT))
    if not found:
        raise UsageError(f"{conf_dir}/contracts holds no {_CONTRACT}: name files, or the configuration with --conf-dir")
    return found


def _read(files: Iterable[Path], base: Path | None = None) -> Sequence[tuple[Node, Contract]]:
    """Each file as a document and its contract. Raises ``ConfigError`` with the mistakes of all."""
    mistakes, found = Mistakes(), []
    for path in files:
        with mistakes.gathered():
            document = read(path, base)
            found.append((document, read_contract(document)))
    mistakes.done()
    return found


def _notes(document: Node, contract: Contract) -> Iterator[Note]:
    record = document.at("schema", 0)
    if not contract.owner:
        yield Note(document.file, document.line, "the contract", "names no team: who answers for its records?")
    if not contract.description:
        yield Note(document.file, document.line, "the contract", "has no description.purpose: what is one record?")
    if not contract.primary_key:
        yield Note(record.file, record.line, "the record", "has no primaryKey: what tells two records apart?")
    for node, field in zip(record.at("properties").items, contract.fields, strict=True):
        yield from _of_property(node, field, field.name, contract.event_time)
    yield from notes_on_rules(document)


def _of_property(node: Node, field: Field, path: str, event_time: str) -> Iterator[Note]:
    """The advice on a field and on all that is nested in it."""
    for advice in _of_field(field, is_event_time=path == event_time):
        yield Note(node.file, node.line, path, advice)
    for child, member in zip(node.at("properties").items, field.members, strict=False):
        yield from _of_property(child, member, f"{path}.{member.name}", event_time)
    if field.items:
        yield from _of_property(node.at("items"), field.items, f"{path}[]", event_time)


def _of_field(field: Field, *, is_event_time: bool) -> Iterator[str]:
    lowest = field.minimum is not None or field.exclusive_minimum is not None
    highest = field.maximum is not None or field.exclusive_maximum is not None
    shaped = field.pattern or field.format or field.allowed or field.max_length or field.min_length
    if field.name and not field.description:
        yield "has no description"
    if field.kind is Kind.STRING and not shaped:
        yield "takes any text: give it a pattern, a format, a length or its values"
    if field.kind in (Kind.INTEGER, Kind.NUMBER, Kind.DECIMAL) and not (lowest or highest or field.allowed):
        yield "takes any number: give it a minimum or a maximum"
    if field.kind is Kind.ARRAY and field.max_items is None:
        yield "takes any number of items: give it maxItems"
    if is_event_time and not lowest:
        yield "is the event time and has no minimum: a clock that was never set is accepted"


# diff


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="The contract file as it was.", show_default=False)],
    new: Annotated[Path, typer.Argument(help="The contract file as it is to be.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Say what changed between two contract files, and whom it breaks: senders of records, or readers of the signal.

    Exit 0: every change is compatible. Exit 1: one is breaking, or the version does not say what changed.
    """
    (_, before), (_, after) = _read([old, new])
    changes = compare(before, after)
    if as_json:
        typer.echo(
            json.dumps(
                [
                    {"field": one.field, "change": one.change, "class": one.compatibility, "why": one.why}
                    for one in changes
                ]
            )
        )
    elif not changes:
        typer.echo("No change.")
    else:
        table = Table("field", "change", "class", "why", box=None, pad_edge=False)
        for one in changes:
            cells = (one.field or "(contract)", one.change, one.compatibility, one.why)
            table.add_row(*[in_one_line(cell) for cell in cells])
        results().print(table)
    breaking = sum(one.breaking for one in changes)
    if breaking:
        raise CheckFailed(
            f"{breaking} of {_counted(len(changes), 'change')} {'is' if breaking == 1 else 'are'} breaking: "
            "make them compatible, or agree on them with senders and readers before the new version applies."
        )


# infer


@app.command()
def infer(
    data: Annotated[Path, typer.Argument(help="A file of JSON lines, or a folder of them.", show_default=False)],
    name: Annotated[str | None, typer.Option("--name", help="Name of the contract. Default: that of the data.")] = None,
    event_time: Annotated[
        str | None, typer.Option("--event-time", help="Field that says when it happened. Default: the first that can.")
    ] = None,
    rows: Annotated[int, typer.Option("--rows", min=1, help="Lines to read at most.")] = 100_000,
) -> None:
    """Propose a contract for records, as a file on standard output. It accepts each record it was made from.

    Exit 0: it is written; what was left out of it is said on standard error. Exit 2: no contract fits.
    """
    from headrace.contracts.infer import propose
    from headrace.contracts.sample import Sample

    if name is not None and not _NAME.fullmatch(name):
        raise UsageError(f"{name} is no name: small letters, digits and _, a letter first, 63 at most")
    told, files = notes(), _files(data)
    sample, unreadable = Sample(), Counter[str]()
    lines = _gather(islice(_lines(files), rows), sample, unreadable, told.print)
    told.print(f"{_counted(sample.read, 'record')} read.")
    if lines == rows:
        told.print(f"Stopped after {_counted(rows, 'line')}; --rows reads more.")
    for reason, count in unreadable.most_common():
        told.print(f"Left out: {_counted(count, 'line')}, {reason}")
    if not sample.read:
        raise UsageError(f"{data} holds no record: each line has to be one JSON object")
    proposal = propose(sample, name=name or _named(data), event_time=event_time)
    for each in proposal.left_out:
        told.print(in_one_line(f"Left out: {each}"))
    # As bytes, for the file is UTF-8 whatever the terminal is.
    typer.echo(proposal.text.encode(), nl=False)


def _files(data: Path) -> Sequence[Path]:
    """The file, or those in the folder that a source of files would take."""
    found = sorted(path for path in data.glob("[!._]*") if path.is_file()) if data.is_dir() else [data]
    if not found:
        raise UsageError(f"{data} holds no file of JSON lines")
    return found


def _lines(files: Iterable[Path]) -> Iterator[bytes]:
    """Every line, one that is too long cut behind the longest there may be."""
    from headrace.contracts.sample import LONGEST_LINE

    for path in files:
        try:
            with _opened(path) as stream:
                while line := stream.readline(LONGEST_LINE + 1):
                    yield line.removesuffix(b"\n")
                    while len(line) > LONGEST_LINE and not line.endswith(b"\n"):
                        line = stream.readline(LONGEST_LINE + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise UsageError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _opened(path: Path) -> IO[bytes]:
    """The file's bytes, unpacked if they are compressed by gzip."""
    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    return cast(IO[bytes], gzip.open(path)) if packed else path.open("rb")


def _gather(lines: Iterable[bytes], sample: Sample, unreadable: Counter[str], say: Callable[[str], None]) -> int:
    """Take the records of the lines into the sample, count those that are none by reason; how many lines there were."""
    from headrace.contracts.sample import Unreadable, parsed

    count, said = 0, time.monotonic()
    for count, line in enumerate(lines, start=1):
        try:
            sample.add(parsed(line))
        except Unreadable as reason:
            unreadable[str(reason)] += 1
        if count % 1_000 == 0 and time.monotonic() - said > _PATIENCE:
            said = time.monotonic()
            say(f"{count:,} lines read")
    return count


def _named(data: Path) -> str:
    """A name from that of the file or folder, without the date or number it may end in."""
    plain = re.sub(r"[^a-z0-9]+", "_", data.resolve().name.split(".")[0].lower())
    return re.sub(r"^[^a-z]+|[^a-z]+$", "", plain)[:63] or "records"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
