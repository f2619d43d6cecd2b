"""Fields whose column has another name than the member they are sent as: read, told of, mended and succeeded."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from pyspark.sql import Row, SparkSession

from headrace.contracts.drift import Drift, drifts
from headrace.contracts.evolve import evolved, new_members
from headrace.contracts.judge import judge
from headrace.contracts.misfits import misfits
from headrace.contracts.model import Contract, Field, Kind, Rule, Unknown
from headrace.contracts.patch import patched

USER = (
    Field(name="id", kind=Kind.INTEGER, required=True, physical_name="_id"),
    Field(name="name", kind=Kind.STRING, max_length=5, physical_name="full name"),
    Field(name="since", kind=Kind.DATE, physical_name="@since"),
)
FIELDS = (
    Field(name="at", kind=Kind.TIMESTAMP, required=True, physical_name="@timestamp"),
    Field(name="sent_source", kind=Kind.STRING, required=True, primary_key=1, physical_name="source"),
    Field(name="user_id", kind=Kind.INTEGER, minimum=1, physical_name="user.id"),
    Field(name="user", kind=Kind.OBJECT, physical_name='a"\\b', members=USER),
    Field(
        name="lines",
        kind=Kind.ARRAY,
        physical_name="ärger$['x']",
        items=Field(name="", kind=Kind.OBJECT, members=(Field(name="n", kind=Kind.INTEGER, physical_name="#n"),)),
    ),
)
CONTRACT = Contract(
    id="test",
    version="1",
    event_time="at",
    fields=FIELDS,
    rules=(Rule(name="known", expression="`user`.`id` > 0 OR `user_id` IS NULL OR `user_id` < 9"),),
)
AT = {"@timestamp": "2026-01-02T00:00:00Z", "source": "app"}


def said(row: Row) -> list[str]:
    return [reason["rule"] for reason in row["reasons"]]


def judged(spark: SparkSession, contract: Contract, *records: dict[str, Any]) -> list[Row]:
    """Each record's row, in their order, by one job."""
    rows = [(place, json.dumps(record).encode()) for place, record in enumerate(records)]
    frame = spark.createDataFrame(rows, "place INT, value BINARY").coalesce(1)
    return judge(frame, contract).orderBy("envelope.place").collect()


def test_members_are_read_by_what_they_are_sent_as(spark: SparkSession) -> None:
    user = {"_id": 7, "full name": "Ada", "@since": "2026-01-31"}
    good, bare, broken, cased, named, unknown = judged(
        spark,
        CONTRACT,
        AT | {"user.id": 1, 'a"\\b': user, "ärger$['x']": [{"#n": 1}]},
        {},
        AT | {"user.id": 0, 'a"\\b': {"full name": "too long", "@since": "1.1.2026"}, "ärger$['x']": [{"#n": "1"}]},
        AT | {"SOURCE": "x", "User.Id": 1, 'a"\\b': user | {"@Since": ""}},
        AT | {"sent_source": "x", "user_id": 5, 'a"\\b': user | {"id": 9}, "ärger$['x']": [{"n": 3}]},
        AT | {"new": 1},
    )

    assert (good["sent_source"], good["user_id"], good["user"]["name"], good["lines"]) == ("app", 1, "Ada", [Row(n=1)])
    assert f"{good['event_time']:%F}" == "2026-01-02"
    assert (said(good), good["others"]) == ([], None)
    assert said(bare) == ["at.required", "sent_source.required"]
    assert said(broken) == [
        "user.id.required",
        "lines[].n.wrong_type",
        "user_id.out_of_range",
        "user.name.length",
        "user.since.wrong_format",
    ]
    assert said(cased) == ["sent_source.wrong_case", "user_id.wrong_case", "user.since.wrong_case"]
    # What has the name of a column is another member than the one the column is read from.
    assert said(named) == []
    assert (named["sent_source"], named["user_id"], named["user"]["id"], named["lines"]) == (
        "app",
        None,
        7,
        [Row(n=None)],
    )
    assert {name: json.loads(text) for name, text in named["others"].items()} == {
        "sent_source": "x",
        "user_id": 5,
        'a"\\b': user | {"id": 9},
        "ärger$['x']": [{"n": 3}],
    }
    assert unknown["others"] == {"new": "1"}


def test_unknown_members_are_told_of_beside_the_known_ones(spark: SparkSession) -> None:
    strict = replace(CONTRACT, unknown=Unknown.REJECT)
    record = AT | {"sent_source": "x", 'a"\\b': {"_id": 7, "id": 9}, "ärger$['x']": [{"#n": 1, "n": 3}]}
    (row,) = judged(spark, strict, record)
    assert said(row) == ["sent_source.unknown_field", "user.id.unknown_field", "lines[].n.unknown_field"]

    source = "STRUCT<arrived_at: STRING, name: STRING, partition: INT, position: INT>"
    columns = f"record_id STRING, value BINARY, source {source}"
    frame = spark.createDataFrame([("one", json.dumps(record).encode(), ("2026", "f", 0, 1))], columns)
    told = drifts(judge(frame, CONTRACT), CONTRACT)
    assert told == [
        Drift(kind="unknown_field", field="lines[].n", detail="number", records=1, record_id="one"),
        Drift(kind="unknown_field", field="sent_source", detail="string", records=1, record_id="one"),
        Drift(kind="unknown_field", field="user.id", detail="number", records=1, record_id="one"),
    ]


def test_no_member_takes_the_column_of_another(spark: SparkSession) -> None:
    growing = replace(CONTRACT, unknown=Unknown.EVOLVE)
    record = AT | {"user_id": 5, "sent_source": "x", "new": 1}
    frame = spark.createDataFrame([(json.dumps(record).encode(),)], "value BINARY")
    rows = judge(frame, growing)

    columns = new_members(rows, growing, ())
    assert columns == {"new": Kind.INTEGER}
    row = evolved(rows, columns).first()
    assert row is not None
    assert (row["new"], row["user_id"], row["sent_source"]) == (1, None, "app")
    assert row["others"] == {"user_id": "5", "sent_source": '"x"'}


def test_a_patch_speaks_of_fields_and_writes_members(spark: SparkSession) -> None:
    record = AT | {"user.id": "12 ", "user_id": "x"}
    frame = spark.createDataFrame([(json.dumps(record).encode(),)], "value BINARY")

    row = patched(frame, CONTRACT, {"user_id": "trim(user_id)", "sent_source": "upper(sent_source)"}).first()

    assert row is not None
    assert json.loads(row["value"]) == {
        "@timestamp": "2026-01-02T00:00:00Z",
        "user_id": "x",
        "user.id": 12,
        "source": "APP",
    }


FORMER = replace(
    CONTRACT,
    version="0",
    rules=(),
    fields=(FIELDS[0], replace(FIELDS[1], physical_name="src"), replace(FIELDS[2], physical_name="")),
)


def test_the_former_contract_reads_its_own_members(spark: SparkSession) -> None:
    old = {"@timestamp": "2026-01-01T00:00:00Z", "src": "web", "user_id": 3, "user.id": 4, "new": 1}
    current, former = judged(spark, replace(CONTRACT, former=FORMER), AT | {"src": "x"}, old)

    assert (current["contract_version"], current["sent_source"], current["others"]) == ("1", "app", {"src": '"x"'})
    assert (former["contract_version"], former["sent_source"], former["user_id"]) == ("0", "web", 3)
    assert former["others"] == {"user.id": "4", "new": "1"}


def test_one_member_has_one_name_in_two_versions() -> None:
    other = replace(FORMER, fields=(*FORMER.fields[:2], replace(FIELDS[2], name="uid")))

    assert list(misfits(CONTRACT, FORMER)) == []
    assert list(misfits(CONTRACT, other)) == [
        "reads the member user.id as uid, not as user_id: give it one name in both"
    ]
