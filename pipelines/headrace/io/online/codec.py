"""Entities and values as the texts a store holds, and back as what they were, by the types of the set's log."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from headrace.errors import UsageError
from headrace.io.online.store import Row
from headrace.tables import Column, Table

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Codec"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_BATCH = 10_000
_JSON = json.JSONEncoder(separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Codec:
    """The entity columns and the value columns of one set's log."""

    entity: tuple[Column, ...]
    values: tuple[Column, ...]

    @classmethod
    def of(cls, log: Table, entity: Sequence[str], values: Sequence[str]) -> Codec:
        """By the types that the named columns have in the log."""
        columns = {column.name: column for column in log.columns}
        return cls(tuple(columns[name] for name in entity), tuple(columns[name] for name in values))

    def rows(self, windows: pa.Table) -> Iterator[Row]:
        """What a store takes, from the columns of ``features.online.newest_windows``, rows in their order."""
        for batch in windows.to_batches(max_chunksize=_BATCH):
            # Rounded up: nothing is told before it has ended.
            ends = (-(-end // 1_000_000) for end in _plain(batch, _WINDOW_END))
            ranks = (batch.column(name).to_pylist() for name in ("backfilled", "batch_id"))
            values = self._texts(batch, (_COMPUTED_AT, *self.values))
            yield from map(Row, self._texts(batch, self.entity), ends, *ranks, values)

    def key(self, entity: Mapping[str, object]) -> str:
        """The text of an entity, each of its columns given as its type or as a text of that.

        Raises UsageError where a column is missing, unknown, or of another type.
        """
        names = [column.name for column in self.entity]
        if sorted(entity) != sorted(names):
            wanted = " ".join(f"{name}=…" for name in names)
            raise UsageError(f"an entity of this set is {wanted}, and not {' '.join(entity) or 'nothing'}")
        return _text(_PLAIN[_kind(column)](_typed(column, entity[column.name])) for column in self.entity)

    def decoded(self, value: str) -> tuple[datetime, dict[str, object]]:
        """When a window was computed, and its values by name, as the log has them."""
        computed_at, *values = json.loads(value)
        pairs = zip(self.values, values, strict=True)
        found = {column.name: None if one is None else _BACK[_kind(column)](one) for column, one in pairs}
        return _instant(computed_at), found

    def _texts(self, batch: pa.RecordBatch, columns: tuple[Column, ...]) -> Iterator[str]:
        return map(_text, zip(*[_plain(batch, column) for column in columns], strict=True))


_WINDOW_END, _COMPUTED_AT = Column("window_end", "TIMESTAMP"), Column("computed_at", "TIMESTAMP")


def _plain(batch: pa.RecordBatch, column: Column) -> Iterable[Any]:
    kind, values = _kind(column), batch.column(column.name)
    # Spark's times are microseconds already.
    found: list[Any] = (values.cast("int64") if kind == "TIMESTAMP" else values).to_pylist()
    plain = _same if kind == "TIMESTAMP" else _PLAIN[kind]
    return found if plain is _same else [None if one is None else plain(one) for one in found]


def _text(values: Iterable[object]) -> str:
    """JSON in ASCII: no byte of it means anything to a store."""
    return _JSON.encode([*values])


def _kind(column: Column) -> str:
    return column.type.partition("(")[0]


def _typed(column: Column, value: object) -> Any:
    kind = _kind(column)
    try:
        typed: Any = _TYPES[kind].validate_python(value)
        if kind == "DECIMAL":
            return _exact(typed, column)
    except (ValidationError, DecimalException) as error:
        raise UsageError(f"{column.name}={value}: must be {column.type}") from error
    return typed.replace(tzinfo=typed.tzinfo or UTC) if kind == "TIMESTAMP" else typed


def _exact(value: Decimal, column: Column) -> Decimal:
    """With as many places as the column has, and none lost by it."""
    precision, scale = map(int, column.type.removeprefix("DECIMAL(").removesuffix(")").split(","))
    context = Context(prec=precision, traps=[InvalidOperation, Inexact])
    return value.quantize(Decimal(1).scaleb(-scale), context=context)


def _microseconds(value: datetime) -> int:
    return (value - _EPOCH) // _MICROSECOND


def _instant(microseconds: int) -> datetime:
    return _EPOCH + microseconds * _MICROSECOND


def _same(value: object) -> object:
    return value


def _number(value: float) -> float:
    """Of the two zeros the one without a sign, as a grouping has it."""
    return value + 0.0


_TYPES: Mapping[str, TypeAdapter[Any]] = {
    "BIGINT": TypeAdapter(int),
    "DOUBLE": TypeAdapter(float),
    "DECIMAL": TypeAdapter(Decimal),
    "STRING": TypeAdapter(str),
    "BOOLEAN": TypeAdapter(bool),
    "TIMESTAMP": TypeAdapter(datetime),
    "DATE": TypeAdapter(date),
}
_PLAIN: Mapping[str, Callable[[Any], object]] = {
    **dict.fromkeys(_TYPES, _same),
    "DOUBLE": _number,
    "DECIMAL": str,
    "TIMESTAMP": _microseconds,
    "DATE": str,
}
_BACK: Mapping[str, Callable[[Any], object]] = {
    **dict.fromkeys(_TYPES, _same),
    "DECIMAL": Decimal,
    "TIMESTAMP": _instant,
    "DATE": date.fromisoformat,
}
