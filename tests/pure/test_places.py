"""Folders whose path somebody who reads them would take for another: refused by name before anything starts."""

from __future__ import annotations

import pytest
from tests.flights import CONF

from headrace.errors import ConfigError
from headrace.flows.project import load


def refused(home: str) -> list[tuple[str, str]]:
    """The key of each mistake, and what is said of it, for a project whose data lies in ``home``."""
    try:
        load(CONF, "local", {"HEADRACE_HOME": home})
    except ConfigError as error:
        return [(line.split(": ")[1], line.split(": ", 2)[2]) for line in error.mistakes]
    return []


@pytest.mark.parametrize(
    "name",
    ["plain", "data [1] {x}", "st*r", "100%", "a#b", "a:b", "a b", "é", "`", "'\"", "x,y;z", "a+b&c=d@e"],
)
def test_a_folder_that_is_read_as_it_is_written(name: str) -> None:
    assert refused(f"/data/{name}") == []


SOURCES = ["signals.departures.source.path", "signals.weather.source.path", "signals.arrivals.source.path"]


@pytest.mark.parametrize(
    ("name", "keys", "why"),
    [
        ("back\\slash", ["storage.root"], "has a '\\' in it, which readers of Delta tables take for '/'"),
        ("a%20b", ["storage.root", "registry.tracking_uri"], "has '%20' in it"),
        ("wh?t", ["registry.tracking_uri"], "has a '?' in it, behind which a URI has its options"),
        ("a:b [1]", ["storage.root", *SOURCES], "has both a ':' and one of { } [ ] * ? \\ in it"),
        ("a\nb", ["storage.root", *SOURCES], "has a line break or another control character in it"),
        ("${HOME}", ["storage.root", *SOURCES], "has '${' in it, which Spark takes for a variable"),
    ],
)
def test_a_folder_that_would_be_read_as_another(name: str, keys: list[str], why: str) -> None:
    mistakes = refused(f"/data/{name}")
    assert sorted(key for key, _ in mistakes) == sorted(keys)
    assert all(why in said and repr(f"/data/{name}")[1:-1] in said for _, said in mistakes)
    assert all(said.endswith(": rename the folder, or choose another") for _, said in mistakes)
