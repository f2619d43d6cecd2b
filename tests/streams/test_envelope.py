"""Changes of a database in their envelope, as they are captured: the event time is a number inside of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from tests import flights
from tests.differences import differences

from headrace.contracts.dead_letters import Action, Choice
from headrace.flows.project import Project, load
from headrace.flows.replay import act
from headrace.io.lake import Lake

FILES: Mapping[str, str] = {
    "base/headrace.yml": """\
project: mill
storage: {root: tables}
registry: {tracking_uri: none}
restarts: {limit: 0}
signals:
  changes:
    contract: changes
    source: {kind: files, path: landing, max_files: 1}
    clock: {kind: replay, max_jump: 365 days}
    limits: {max_invalid_ratio: 0.95}
    end_of_input: true
""",
    "contracts/changes.odcs.yaml": """\
apiVersion: v3.1.0
kind: DataContract
id: mill.changes
version: 1.0.0
schema:
  - name: changes
    logicalType: object
    customProperties: [{property: eventTime, value: payload.ts_ms}]
    quality:
      - {metric: rowCount, mustBeGreaterThan: 2.5, name: busy,
         customProperties: [{property: window, value: 1 hour}]}
    properties:
      - {name: mill, logicalType: string, required: true}
      - name: level
        logicalType: number
        logicalTypeOptions: {minimum: -0.5, maximum: 60.5}
        quality:
          - {metric: missingValues, arguments: {missingValues: [-0.25, 1e1]}, mustBeLessThan: 99.5, unit: percent}
      - name: step
        logicalType: number
        quality: [{metric: invalidValues, arguments: {validValues: [0.5, 1.0]}, mustBe: 0}]
      - name: payload
        logicalType: object
        required: true
        properties:
          - {name: op, logicalType: string, required: true}
          - name: ts_ms
            logicalType: timestamp
            required: true
            logicalTypeOptions: {format: epoch_millis, minimum: 2013-01-01T00:00:00Z}
          - name: after
            logicalType: object
            properties:
              - {name: wheel, logicalType: integer, required: true, logicalTypeOptions: {maximum: 1e3}}
              - {name: at, logicalType: timestamp, logicalTypeOptions: {format: epoch_micros}}
""",
    "features/mill_hour.yml": """\
name: mill_hour
signal: changes
entity: [mill]
window: {length: 1 hour, slide: 1 hour}
delay: 10 minutes
time_to_live: 2 hours
features:
  changes: {op: count}
  level_p75: {op: approx_quantile, of: level, at: 7.5e-1, default: -0.5}
""",
}
NEW_YEAR = 1_388_534_400_000


def _record(payload: object, **members: object) -> str:
    return json.dumps({"mill": "A", "payload": payload, **members})


def _at(minutes: float, **members: object) -> dict[str, object]:
    return {"op": "u", "ts_ms": NEW_YEAR + int(minutes * 60_000), "after": {"wheel": 7}, **members}


GOOD = (
    _record(_at(0, after={"wheel": 1_000, "at": 1_388_534_400_000_001}), level=60.5, step=0.5),
    _record(_at(1, after=None), level=-0.5, step=1),
    _record(_at(59.999), level=10),
    _record(_at(60), level=-0.25),
    _record(_at(200)),
)
# Each with the rules it breaks.
BAD: Mapping[str, tuple[str, ...]] = {
    _record(_at(2), level=60.6): ("level.out_of_range",),
    _record(_at(3), step=0.75): ("step.not_allowed",),
    _record(_at(4, after={"wheel": 1_001})): ("payload.after.wheel.out_of_range",),
    _record(None): ("payload.required",),
    json.dumps({"mill": "A"}): ("payload.required",),
    _record({"op": "u", "ts_ms": None}): ("payload.ts_ms.required",),
    _record({"op": "u", "ts_ms": NEW_YEAR * 1_000}): ("payload.ts_ms.implausible_time",),
    _record({"op": "u", "ts_ms": 1_356_998_399_999}): ("payload.ts_ms.implausible_time",),
    _record({"op": "u", "ts_ms": NEW_YEAR + 0.5}): ("payload.ts_ms.wrong_type",),
    _record({"op": "u", "ts_ms": "2014-01-01T00:00:00Z"}): ("payload.ts_ms.wrong_type",),
    _record({"op": "u", "ts_ms": NEW_YEAR + 2 * 366 * 86_400_000}): ("payload.ts_ms.future_event_time",),
}  # fmt: skip
QUOTED = _record({"op": "u", "ts_ms": str(NEW_YEAR + 30 * 60_000)})


def _project(home: Path) -> Project:
    for name, text in FILES.items():
        file = home / "conf" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return load(home / "conf", None, {})


def test_changes_go_by_the_time_inside_their_envelope(spark: SparkSession, tmp_path: Path) -> None:
    project, landing = _project(tmp_path), tmp_path / "landing"
    landing.mkdir()
    (landing / "1.jsonl").write_text("".join(f"{line}\n" for line in (*GOOD, *BAD, QUOTED)))
    flights.taken(spark, project, "ingest", "features")

    lake = Lake(project.settings.storage)
    rows = lake.read(spark, "signals_changes")
    found = rows.select(F.unix_millis("event_time"), F.unix_micros("payload.after.at"), "level", "step").collect()
    assert sorted(tuple(row) for row in found) == [
        (NEW_YEAR, 1_388_534_400_000_001, 60.5, 0.5),
        (NEW_YEAR + 60_000, None, -0.5, 1.0),
        (NEW_YEAR + 3_599_940, None, 10.0, None),
        (NEW_YEAR + 3_600_000, None, -0.25, None),
        (NEW_YEAR + 12_000_000, None, None, None),
    ]
    assert dict(rows.dtypes)["payload"] == "struct<op:string,ts_ms:timestamp,after:struct<wheel:bigint,at:timestamp>>"
    letters = lake.read(spark, "dead_letters").select("value", "reasons.rule").collect()
    assert {bytes(row["value"]).decode(): tuple(row["rule"]) for row in letters} == {
        **BAD,
        QUOTED: ("payload.ts_ms.wrong_type",),
    }
    windows = lake.read(spark, "features_mill_hour_log").select("window_end", "changes", "level_p75").collect()
    assert sorted((row[0].replace(tzinfo=UTC), *row[1:]) for row in windows) == [
        (datetime(2014, 1, 1, 1, tzinfo=UTC), 3, 60.5),
        (datetime(2014, 1, 1, 2, tzinfo=UTC), 1, -0.25),
        (datetime(2014, 1, 1, 4, tzinfo=UTC), 1, None),
    ]
    busy = lake.read(spark, "measurements").where("metric = 'rule' AND segment = 'busy'")
    measured = {row["window_start"].replace(tzinfo=UTC).hour: row["value"] for row in busy.collect()}
    assert measured == {0: 3.0, 1: 1.0, 2: 0.0, 3: 1.0}
    assert differences(spark, project) == {}

    mended = tmp_path / "conf/contracts/changes.odcs.yaml"
    coerce = "            customProperties: [{property: coerce, value: true}]\n          - name: after\n"
    mended.write_text(mended.read_text().replace("          - name: after\n", coerce).replace("1.0.0", "1.1.0"))
    again = load(tmp_path / "conf", None, {})
    (done,) = act(spark, again, "changes", Action.REPLAY, Choice(reasons=("wrong_type",)))
    assert done.outcomes == {"accepted": 1, "rejected": 2}
    back = lake.read(spark, "signals_changes").where("contract_version = '1.1.0'")
    assert [row[0] for row in back.select(F.unix_millis("event_time")).collect()] == [NEW_YEAR + 30 * 60_000]
    assert differences(spark, again) == {}
