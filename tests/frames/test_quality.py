"""Great Expectations on real flights: what a suite finds in a table, and the pages it leaves. No JVM."""

from __future__ import annotations

import json
import re
import socket
from dataclasses import replace
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote

import pandas as pd
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from tests import flights
from typer.testing import CliRunner

from headrace.cli import app
from headrace.contracts.demands import demands
from headrace.contracts.expectations import Expectation
from headrace.contracts.model import Contract, Criticality, Field, Kind, Rule
from headrace.expressions import compile_condition
from headrace.flows.project import load
from headrace.flows.quality import assess
from headrace.flows.quality_check import check
from headrace.io import pages
from headrace.io.data_docs import run

pytestmark = pytest.mark.skipif(find_spec("great_expectations") is None, reason="needs the extra quality")

CONF = str(flights.CONF)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("the network was tried")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


def departures() -> list[dict[str, Any]]:
    """The 697 flights that left on 1 January 2013 UTC, or did not, as the contract's fields."""
    sent = [each for each in flights.sent(date(2013, 1, 1), date(2013, 1, 2), share=0.0) if each.signal == "departures"]
    return [json.loads(each.value) for each in sent]


def stored(home: Path, rows: list[dict[str, Any]], *, former: frozenset[int] = frozenset()) -> None:
    """The table of departures as ingest leaves it: the contract's fields, the ids of record and query, the version.

    former: the places of rows that the contract before accepted.
    """
    frame = pd.DataFrame(rows)
    table = pa.table(
        {
            **{name: pa.array(frame[name]) for name in ("flight_id", "status", "carrier", "tailnum", "origin", "dest")},
            **{
                name: pa.array(pd.to_datetime(frame[name]).dt.as_unit("us")) for name in ("scheduled_at", "occurred_at")
            },
            **{name: pa.array(frame[name].astype("Int64"), pa.int64()) for name in ("flight", "distance", "dep_delay")},
            "event_time": pa.array(pd.to_datetime(frame["occurred_at"]).dt.as_unit("us")),
            "record_id": [f"departures/{place}" for place in range(len(rows))],
            "query_id": ["first"] * len(rows),
            "contract_version": ["0.9.0" if place in former else "1.0.0" for place in range(len(rows))],
        }
    )
    write_deltalake(str(home / "tables" / "signals_departures"), table, mode="overwrite")


def asked(home: Path, *arguments: str) -> Any:
    command = ["quality", "check", "departures", "--conf-dir", CONF, *arguments]
    return CliRunner().invoke(app, command, env={"HEADRACE_HOME": str(home)})


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table in which somebody changed two flights after they had been accepted."""
    rows = departures()
    rows[3]["distance"] = 20_000
    rows[5] |= {"status": "departed", "dep_delay": None}
    home = tmp_path_factory.mktemp("planted")
    stored(home, rows)
    return home


@pytest.fixture(scope="module")
def answer(home: Path) -> Any:
    return asked(home, "--json")


def test_a_planted_violation_is_found_and_nothing_else(answer: Any) -> None:
    assert answer.exit_code == 1, answer.output
    said = json.loads(answer.stdout)
    broken = [
        (each["type"], each["kwargs"]["column"], each["rows"], each["unexpected"], each["meta"]["rule"])
        for each in said["findings"]
        if not each["success"]
    ]
    assert said["rows"] == 697
    assert len(said["findings"]) == 35
    assert broken == [
        ("expect_column_values_to_be_between", "distance", 697, 1, "distance.out_of_range"),
        ("expect_column_values_to_not_be_null", "dep_delay", 694, 1, "delay_if_departed"),
    ]
    assert answer.stderr.splitlines()[-1] == (
        "Accepted records of departures break what its contract says: distance.out_of_range, delay_if_departed"
    )


def test_a_page_shows_it(home: Path, answer: Any) -> None:
    page = Path(json.loads(answer.stdout)["page"])
    text = page.read_text(encoding="utf-8")

    assert page.is_relative_to(home / "tables" / "data_docs" / "pages" / "validations" / "departures")
    assert "departures" in text
    assert "20000" in text
    assert "departures" in (home / "tables" / "data_docs" / "pages" / "index.html").read_text(encoding="utf-8")


def test_people_read_a_table_and_a_link(home: Path) -> None:
    answer = asked(home, "--rows", "100")

    lines = [line.split() for line in answer.stdout.splitlines()]
    assert lines[3][:7] == ["expect_column_values_to_not_be_null", "flight_id", "error", "holds", "100", "0", "(0.00%)"]
    assert lines[-2] == ["100", "rows", "of", "signals_departures."]
    assert lines[-1][0] == "Page:"
    assert lines[-1][1].startswith(f"file://{home}/tables/data_docs/pages/validations/departures/")


def test_good_flights_break_nothing(tmp_path: Path) -> None:
    stored(tmp_path, departures())

    answer = asked(tmp_path, "--json")

    assert answer.exit_code == 0, answer.output
    assert {each["success"] for each in json.loads(answer.stdout)["findings"]} == {True}


def test_what_the_former_contract_accepted_is_not_looked_at(tmp_path: Path) -> None:
    rows = departures()
    rows[3]["distance"] = 20_000
    stored(tmp_path, rows, former=frozenset({3}))
    project = load(flights.CONF, "local", {"HEADRACE_HOME": str(tmp_path)})
    contract = project.contracts["departures"]
    beside = replace(contract, former=replace(contract, version="0.9.0"))

    alone = check(project, "departures", 1_000)
    found = check(replace(project, contracts={**project.contracts, "departures": beside}), "departures", 1_000)

    assert (alone.rows, [each.expectation.rule for each in alone.findings if each.fails]) == (
        697,
        ["distance.out_of_range"],
    )
    assert (found.rows, [each.expectation.rule for each in found.findings if each.fails]) == (696, [])


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    answer = asked(tmp_path)

    assert answer.exit_code == 2
    assert "there is no table under" in answer.stderr


def test_a_missing_column_is_said_and_not_raised(tmp_path: Path) -> None:
    contract = Contract(id="c", version="1", event_time="at", fields=(Field(name="at", kind=Kind.TIMESTAMP),))
    project = load(flights.CONF, "local", {"HEADRACE_HOME": str(tmp_path)})

    found = assess("readings", contract, pd.DataFrame({"other": [1]}), project.settings.storage, occasion="test")

    assert [each.fails for each in found.findings] == [True, True, True]
    assert [each.outcome.error for each in found.findings] == [
        None,
        None,
        'Error: The column "at" in BatchData does not exist.',
    ]


def test_the_pages_forget_the_oldest_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "KEPT", 2)
    given = [{"type": "expect_column_to_exist", "kwargs": {"column": "a"}, "severity": "warning", "meta": {}}]

    for name in ("first", "second", "first", "first"):
        run(name, given, pd.DataFrame({"a": [1]}), tmp_path / "docs", occasion="test")

    found = [path.relative_to(tmp_path / "docs/pages/validations").parts[0] for path in tmp_path.rglob("sample-*.html")]
    assert sorted(found) == ["first", "first", "second"]


def test_the_pages_need_no_other_server_and_call_a_warning_a_warning(tmp_path: Path) -> None:
    def positive(severity: str) -> dict[str, Any]:
        kwargs = {"column": "a", "min_value": 1}
        return {"type": "expect_column_values_to_be_between", "kwargs": kwargs, "severity": severity}

    sample = pd.DataFrame({"a": [0, 1]})
    for occasion, severities in {"warns": ["warning"], "fails": ["warning", "critical"]}.items():
        run("orders", [positive(each) for each in severities], sample, tmp_path / "docs", occasion=occasion)
    run("orders", [positive("critical")], sample.tail(1), tmp_path / "docs", occasion="holds")

    site = tmp_path / "docs" / "pages"
    texts = {path.relative_to(site).parts[0]: path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    assert sorted(texts) == ["expectations", "index.html", "validations"]
    for path in site.rglob("*.html"):
        text = re.sub(r"<a [^>]*>", "", path.read_text(encoding="utf-8"))
        assert "default-src 'none'" in text
        assert re.findall(r"""(?:src|href)=["']https?:[^"']*|url\(['"]?https?:[^)]*""", text) == []
    rows = re.findall(r"<tr>(<td>.+?)</tr>", texts["index.html"])
    cells = [re.findall(r"(?:</i> )?([^<>]+)</td>", row) for row in rows]
    assert [(row[0].strip(), row[-2], row[-1]) for row in cells] == [
        ("Succeeded", "orders", "holds"),
        ("Failed", "orders", "fails"),
        ("Warnings only", "orders", "warns"),
    ]
    links = [site / unquote(link) for link in re.findall(r'<a href="([^"]+)"', texts["index.html"])]
    assert len(links) == 3
    assert all(link.is_file() for link in links)


# Every way a value can be there or not, and which rows break the rule: those where it is false or null.
ROWS = pd.DataFrame(
    {
        "kind": ["a", "a", "a", "b", "b", "b"],
        "n": pd.array([1, 9, None, 1, 9, None], dtype="Int64"),
        "m": pd.array([5, None, 5, 5, 5, None], dtype="Int64"),
    }
)
FIELDS = (
    Field(name="kind", kind=Kind.STRING, required=True),
    Field(name="n", kind=Kind.INTEGER),
    Field(name="m", kind=Kind.INTEGER),
)


@pytest.mark.parametrize(
    ("condition", "broken"),
    [
        ("n < 5", {1, 2, 4, 5}),
        ("n IS NULL OR n < 5", {1, 4}),
        ("kind = 'a' OR n < 5", {4, 5}),
        ("(kind = 'a') = (n IS NULL)", {0, 1, 5}),
        ("n < m", {1, 2, 4, 5}),
        ("n IS NULL OR n < m", {1, 4}),
        ("kind = 'b' OR (n IN (1, 2) AND m >= 5)", {1, 2}),
        ("NOT (kind = 'b' AND n IS NULL)", {5}),
    ],
)
def test_a_row_breaks_a_demand_where_it_breaks_the_rule(condition: str, broken: set[int]) -> None:
    contract = Contract(id="c", version="1", event_time="at", fields=FIELDS)
    rule = Rule(name="rule", expression=compile_condition(condition, contract.kinds))
    found = [
        Expectation(
            type=each.type, column=each.column, arguments=each.arguments, severity=Criticality.ERROR, rule="rule"
        ).configuration
        for each in demands(rule, contract)
    ]

    failing = {
        place
        for place in range(len(ROWS))
        if not all(each.success for each in run("rule", found, ROWS.iloc[[place]], None, occasion="test").outcomes)
    }

    assert failing == broken
