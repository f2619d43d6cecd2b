"""What a contract file asks for that headrace does not enforce, and leaves to people or other tools."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from headrace.contracts.odcs_parts import text
from headrace.contracts.odcs_quality import QualityType, quality_type
from headrace.documents import Node

__all__ = ["Note", "notes_on_rules"]


@dataclass(frozen=True, slots=True)
class Note:
    """Something to know of a contract that is right."""

    file: str
    line: int
    subject: str
    advice: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: note: {self.subject} {self.advice}"


def notes_on_rules(document: Node) -> Iterator[Note]:
    """A note on each rule in the file that no record is judged by. The file is one that ``read_contract`` took."""
    for record in document.at("schema").items:
        yield from _notes(record, "the record")
        for node in record.at("properties").items:
            yield from _notes_within(node, text(node, "name"))


def _notes_within(node: Node, path: str) -> Iterator[Note]:
    yield from _notes(node, path)
    properties, items = node.child("properties"), node.child("items")
    for member in properties.items if properties else ():
        yield from _notes_within(member, f"{path}.{text(member, 'name')}")
    if items is not None and items.mapping:
        yield from _notes_within(items, f"{path}[]")


def _notes(node: Node, path: str) -> Iterator[Note]:
    quality, relationships = node.child("quality"), node.child("relationships")
    for entry in quality.items if quality else ():
        if quality_type(entry) is QualityType.DESCRIBED:
            yield Note(entry.file, entry.line, path, f"has a rule {_why_not(entry)}")
    if relationships is not None and relationships.items:
        advice = "has relationships, which are not enforced: no other table is looked into"
        yield Note(relationships.file, relationships.line, path, advice)


def _why_not(entry: Node) -> str:
    match text(entry, "type"):
        case "text":
            return "in words, which is not enforced"
        case "sql":
            return (
                "in SQL, which is not enforced: what it asks of one record can be said by "
                "{type: custom, engine: headrace, name: …, implementation: …} in the quality of the record"
            )
        case _:
            return f"for {text(entry, 'engine')}, which is not enforced here"
