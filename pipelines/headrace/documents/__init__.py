"""Declarations as documents: YAML whose every value knows its file, line and key, so that every mistake can name them.

``reading`` makes nodes of a file, ``overlay`` lays one over another, ``environment`` fills in ``${NAME}``, ``checking``
turns a node into a value of a pydantic class. Nothing here reads the environment or knows what a document is about.
"""

from headrace.documents.checking import check
from headrace.documents.environment import resolve
from headrace.documents.node import Mistakes, Node, Step, instead, nearest
from headrace.documents.overlay import join, lay_over
from headrace.documents.reading import read

__all__ = ["Mistakes", "Node", "Step", "check", "instead", "join", "lay_over", "nearest", "read", "resolve"]
