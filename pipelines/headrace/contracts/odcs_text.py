"""A contract as the text of an ODCS file."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from headrace.contracts.model import Contract, Criticality, Field, Kind

__all__ = ["written"]

_WIDEST = 1_000_000


def written(contract: Contract, remarks: Mapping[str, str], *, heading: str) -> str:
    """The contract as a draft, with a comment above it and one beside each field whose path has a remark.

    Only what a proposal gives a field is written: kind, required, its place in the key, lower bound, list of values,
    severity, and what is nested in it.
    """
    yaml, stream = YAML(), io.StringIO()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = _WIDEST
    yaml.dump(_document(contract, remarks, heading), stream)
    return stream.getvalue()


def _document(contract: Contract, remarks: Mapping[str, str], heading: str) -> CommentedMap:
    times = [each.name for each in contract.fields if each.kind is Kind.TIMESTAMP and each.required]
    settings = CommentedSeq([_flow(property="eventTime", value=contract.event_time)])
    if len(times) > 1:
        settings.yaml_add_eol_comment(f"one of {', '.join(times)}", 0)
    record = CommentedMap(
        name=contract.id,
        logicalType="object",
        customProperties=settings,
        properties=[_property(each, remarks, each.name) for each in contract.fields],
    )
    document = CommentedMap(
        apiVersion="v3.1.0",
        kind="DataContract",
        id=contract.id,
        name=contract.id,
        version=contract.version,
        status="draft",
        schema=[record],
    )
    document.yaml_set_start_comment(heading)
    return document


def _property(each: Field, remarks: Mapping[str, str], path: str) -> CommentedMap:
    is_decimal = each.kind is Kind.DECIMAL
    type_ = Kind.NUMBER if is_decimal else each.kind
    names = {"name": each.name, "physicalName": each.physical_name}
    written = CommentedMap({key: name for key, name in names.items() if name}, logicalType=type_.value)
    if remarks[path]:
        written.yaml_add_eol_comment(remarks[path], next(iter(written)))
    if is_decimal:
        written["physicalType"] = f"decimal({each.precision},{each.scale})"
    if each.required:
        written["required"] = True
    if each.primary_key:
        written |= {"primaryKey": True, "primaryKeyPosition": each.primary_key}
    if each.minimum is not None:
        lowest = f"{each.minimum:%Y-%m-%dT%H:%M:%SZ}" if isinstance(each.minimum, datetime) else each.minimum
        written["logicalTypeOptions"] = _flow(minimum=lowest)
    if each.criticality is Criticality.WARN:
        written["customProperties"] = [_flow(property="severity", value=each.criticality.value)]
    if each.allowed:
        values = _flow(validValues=CommentedSeq(each.allowed))
        written["quality"] = [CommentedMap(metric="invalidValues", arguments=values, mustBe=0)]
    if each.members:
        written["properties"] = [_property(member, remarks, f"{path}.{member.name}") for member in each.members]
    if each.items:
        written["items"] = _property(each.items, remarks, f"{path}[]")
    return written


def _flow(**parts: Any) -> CommentedMap:
    """A mapping on one line."""
    mapping = CommentedMap(parts)
    mapping.fa.set_flow_style()
    return mapping
