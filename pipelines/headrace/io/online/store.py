"""What every store of the online view does: hold windows by entity, in spaces, and say which space counts.

A space is one building of one set's view. Windows are folded into it in any order and any number of times; which space
counts, and up to which cut it is whole, is one short text that is replaced only by who knows what it was. So readers
see one space or another and never half of one, and of two writers the one who was too late is told.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from headrace.errors import InfrastructureError
from headrace.io.cut import Cut

__all__ = ["Held", "OnlineStore", "Row", "Stored"]


class Row(NamedTuple):
    """A window of an entity to be folded in.

    window_end: seconds since 1970. backfilled, batch_id: of two values of a window the one with more counts, compared
    in this order. entity, value: ASCII texts the store does not look into.
    """

    entity: str
    window_end: int
    backfilled: int
    batch_id: int
    value: str


class Stored(NamedTuple):
    """A window of an entity, as it was found."""

    window_end: int
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a store holds of one feature set.

    space: the one that counts. definition: fingerprint of the set it was computed by. cut: everything of the set's log
    up to there is in it; some of what came after may be too.
    """

    space: str
    definition: str
    cut: Cut

    @classmethod
    def from_text(cls, text: str) -> Held:
        """Raises InfrastructureError for a text that no version of this class wrote."""
        try:
            value = json.loads(text)
            return cls(space=value["space"], definition=value["definition"], cut=Cut.from_json(value["cut"]))
        except (ValueError, KeyError, TypeError) as error:
            raise InfrastructureError("the online view was written by something else: remove it") from error

    def to_text(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)


class OnlineStore(Protocol):
    """The newest windows of each entity, by feature set. A context manager: leaving it closes its connections.

    Every method raises InfrastructureError when the store cannot be reached or refuses; no text of it holds a password.
    """

    def held(self, feature_set: str) -> Held | None:
        """What is held of the set; None if nothing is."""
        ...

    def put(self, feature_set: str, space: str, rows: Iterable[Row], keep: int) -> None:
        """Fold windows into a space: the newest ``keep`` of each entity stay, each with the value that counts.

        rows: those of one entity one after another. Repeating it, in any order with others, leaves the same.
        """
        ...

    def swap(self, feature_set: str, old: Held | None, new: Held) -> bool:
        """Let ``new`` count if ``old`` did, whole or not at all, and remove what is in other spaces of the set.

        False, and nothing is changed, if something else counted.
        """
        ...

    def get(self, feature_set: str, entities: Sequence[str], at: int) -> tuple[Held | None, list[Stored | None]]:
        """What is held, and of each entity the newest window in the space that counts that ends by ``at``, if any.

        at: seconds since 1970. All is read as of one moment.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
