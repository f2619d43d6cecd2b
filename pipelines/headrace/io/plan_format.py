"""The form a plan is stored in: JSON of a numbered format, read back as the plan of its flow.

A format is a set of keys. The newest holds what ``to_json`` gives, no key less and none more, at any depth. What bears
no number is format 1, all that was stored before formats had one: a key it lacks has the value the plan gives it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, Self, TypeVar

from headrace.errors import InfrastructureError

__all__ = ["FORMAT", "P", "Plan", "plan_text", "read_plan"]

# Goes up with whatever is stored in another way. What was stored before then is still read: from_json tells it apart.
FORMAT = 2


class Plan(Protocol):
    """What one batch of a flow is fixed by.

    to_json gives plain values. from_json reads those of every format; it may raise KeyError, TypeError or ValueError.
    """

    flow: ClassVar[str]

    def to_json(self) -> dict[str, Any]: ...

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self: ...


P = TypeVar("P", bound=Plan)


def plan_text(plan: Plan) -> str:
    """The plan as it is stored: the same plan gives the same text."""
    return _text({**plan.to_json(), "format": FORMAT})


def read_plan(kind: type[P], text: str, name: str) -> P:
    """The plan that was stored as this text.

    name: of which batch it is, for the message. Raises InfrastructureError where it holds what this headrace does not
    know, or lacks what it needs.
    """
    stored = json.loads(text)
    number = stored.pop("format", 1)
    if number not in range(1, FORMAT + 1):
        raise InfrastructureError(
            f"batch_plans: the plan of {name} is of format {number}, and this headrace reads formats up to {FORMAT}: "
            "use the newer headrace that wrote it"
        )
    try:
        plan = kind.from_json(stored)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _not_readable(name, f"{type(error).__name__}: {error}") from error
    if number == FORMAT and (apart := _differing_keys(plan.to_json(), stored)):
        raise _not_readable(name, f"not as this version writes it: {', '.join(apart)}")
    return plan


def _differing_keys(written: Mapping[str, Any], stored: Mapping[str, Any]) -> list[str]:
    """The keys whose values are not the same, at any depth."""
    texts = ({(key, _text(value)) for key, value in values.items()} for values in (written, stored))
    return sorted({key for key, _ in next(texts) ^ next(texts)})


def _not_readable(name: str, detail: str) -> InfrastructureError:
    return InfrastructureError(
        f"batch_plans: the plan of {name} cannot be read whole ({detail}), so nothing of it is used: "
        "use the headrace that wrote it"
    )


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
