"""All of ``conf/`` as one value, and every mistake in it as one line that names file, line and key."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from headrace.cli import app
from headrace.config import DeltaSource, FileSource
from headrace.contracts.model import Criticality, Kind
from headrace.errors import ConfigError
from headrace.flows import score_job
from headrace.flows.project import Project, load

CONF = Path(__file__).parents[2] / "conf"
BASE, SIGNALS, DEPARTURES = "base/headrace.yml", "base/signals.yml", "contracts/departures.odcs.yaml"
SET, MODEL = "features/origin_departures.yml", "models/arrives_late.yml"


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """A copy of the repository's configuration, to break."""
    return Path(shutil.copytree(CONF, tmp_path / "conf", ignore=shutil.ignore_patterns("jars", "locks")))


@pytest.fixture(scope="module")
def flights() -> Project:
    return load(CONF, "local", {})


def mistakes(conf: Path, env: str = "local", **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        load(conf, env, environ)
    return list(raised.value.mistakes)


def change(file: Path, old: str, new: str) -> int:
    """Replace the first ``old`` in the file; the number of the line it stood in."""
    before, found, after = file.read_text().partition(old)
    assert found, f"{old!r} is not in {file.name}"
    file.write_text(before + new + after)
    return before.count("\n") + 1


def test_the_repository_loads(flights: Project) -> None:
    assert list(flights.contracts) == ["departures", "weather", "arrivals"]
    assert list(flights.feature_sets) == ["airport_weather", "origin_arrivals", "origin_departures"]
    assert list(flights.models) == ["arrives_late"]
    assert flights.environment == "local"
    assert flights.root == CONF.parent


def test_the_overlay_lies_over_the_base(flights: Project) -> None:
    assert flights.settings.spark.master == "local[2]"
    assert flights.settings.trigger == timedelta(seconds=5)


def test_expressions_are_in_their_safe_form(flights: Project) -> None:
    model = flights.models["arrives_late"]

    assert model.where == "(`status` = 'departed')"
    assert model.training is not None
    assert model.training.label.expression == "(`arr_delay` > 15)"
    assert flights.contracts["departures"].rules[0].expression == (
        "((`status` = 'departed') = (NOT (`dep_delay` IS NULL)))"
    )


def test_an_impossible_wind_is_marked_and_kept(flights: Project) -> None:
    wind = flights.contracts["weather"].field("wind_speed")

    assert (wind.kind, wind.minimum, wind.maximum, wind.criticality) == (Kind.NUMBER, 0, 200, Criticality.WARN)
    assert flights.contracts["weather"].field("visib").criticality is Criticality.ERROR


def test_keys_are_in_their_declared_order(flights: Project) -> None:
    assert flights.contracts["weather"].primary_key == ("origin", "occurred_at")


@pytest.mark.parametrize("relative", [True, False])
def test_places_start_at_the_folder_that_holds_conf(
    conf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relative: bool
) -> None:
    monkeypatch.chdir(conf)
    loaded = load(Path("../conf") if relative else conf, "local", {})
    source = loaded.settings.signals["weather"].source

    assert isinstance(source, FileSource)
    assert source.path == str(tmp_path / "var/landing/weather")
    assert loaded.settings.storage.checkpoint_root == str(tmp_path / "var/tables/checkpoints")
    assert loaded.settings.registry.tracking_uri == f"sqlite:///{tmp_path}/var/mlflow.db"


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ("path: landing/orders", "{}/landing/orders"),
        ("path: 's3://b/orders'", "s3://b/orders"),
        ("table: a.b.c", "a.b.c"),
    ],
)
def test_a_table_is_found_by_path_or_name(conf: Path, tmp_path: Path, place: str, found: str) -> None:
    (conf / "local" / "signals.yml").write_text(
        f"signals:\n  weather:\n    source: {{kind: delta, {place}, key: [origin], starting: 7}}\n"
    )
    source = load(conf, "local", {}).settings.signals["weather"].source

    assert isinstance(source, DeltaSource)
    assert (source.place, source.key, source.max_files, source.starting) == (found.format(tmp_path), ("origin",), 4, 7)


@pytest.mark.parametrize("place", ["s3://bucket/headrace", "dbfs:/headrace", "/data/headrace"])
def test_uris_and_absolute_paths_are_left_alone(conf: Path, place: str) -> None:
    (conf / "local" / "places.yml").write_text(
        f"storage: {{root: '{place}'}}\nregistry: {{tracking_uri: databricks}}\n"
    )
    loaded = load(conf, "local", {})

    assert loaded.settings.storage.root == place
    assert loaded.settings.registry.tracking_uri == "databricks"


def test_a_source_of_another_kind_replaces_the_whole_source(conf: Path) -> None:
    (conf / "local" / "signals.yml").write_text(
        "signals:\n  weather:\n    source: {kind: kafka, bootstrap: 'localhost:9092', topic: weather}\n"
    )
    source = load(conf, "local", {}).settings.signals["weather"].source

    assert source.model_dump(exclude_defaults=True) == {
        "kind": "kafka",
        "bootstrap": "localhost:9092",
        "topic": "weather",
    }


def test_the_key_of_a_table_names_its_columns_as_they_are_there(conf: Path) -> None:
    change(conf / DEPARTURES, "- name: origin\n", "- name: origin\n        physicalName: ORIG\n")
    change(conf / "base" / "signals.yml", "kind: files,", "kind: delta, key: [ORIG],")

    source = load(conf, "local", {}).settings.signals["departures"].source

    assert isinstance(source, DeltaSource)
    assert source.key == ("ORIG",)


# id · the file to break · what to replace · with what · what is said of that line
MISTAKES = {
    "unknown key": (BASE, "trigger:", "triger:", "triger: is not known; did you mean 'trigger'?"),
    "no duration": (
        BASE,
        "5 seconds",
        "5 sec",
        "trigger: '5 sec' is no duration: write a number and a unit, as in '30 minutes'",
    ),
    "too long a duration": (
        BASE,
        "5 seconds",
        "99999999999 weeks",
        "trigger: '99999999999 weeks' is longer than a duration can be",
    ),
    "unset variable": (
        BASE,
        "${HEADRACE_HOME:-var}",
        "${HEADRACE_HOME}",
        "storage.root: environment variable HEADRACE_HOME is not set: set it, or write ${HEADRACE_HOME:-default}",
    ),
    "half a reference": (
        BASE,
        "${HEADRACE_HOME:-var}",
        "${HEADRACE_HOME",
        "storage.root: has a reference that cannot be read: write ${NAME} or ${NAME:-default}",
    ),
    "kind of online view": (
        BASE,
        "trigger: 5 seconds",
        "online: {kind: sqlit, path: var/online.db}",
        "online.kind: must be one of sqlite, redis; did you mean 'sqlite'?",
    ),
    "key of the other kind": (
        BASE,
        "trigger: 5 seconds",
        "online: {kind: sqlite, path: var/online.db, prefix: x}",
        "online.prefix: is not known; there are: kind, path",
    ),
    "no address of Redis": (
        BASE,
        "trigger: 5 seconds",
        'online: {kind: redis, url: "redis://:hid/den@localhost:6379"}',
        "online.url: must be redis://, rediss:// or unix://, signs such as / in a password written as %2F",
    ),
    "kind of source": (
        SIGNALS,
        "kind: files",
        "kind: file",
        "signals.departures.source.kind: must be one of files, kafka, delta; did you mean 'files'?",
    ),
    "no former contract": (
        SIGNALS,
        "end_of_input: true",
        "former: departure\n    end_of_input: true",
        "signals.departures.former: contracts/ has no departure.odcs.yaml; did you mean 'departures'?",
    ),
    "former contract that does not fit": (
        SIGNALS,
        "end_of_input: true",
        "former: departures\n    end_of_input: true",
        "signals.departures.former: departures has version 1.0.0 too: rows could not tell which accepted them",
    ),
    "no kind of source": (SIGNALS, "kind: files, ", "", "signals.departures.source.kind: is missing"),
    "neither path nor table": (
        SIGNALS,
        'files, path: "${HEADRACE_HOME:-var}/landing/departures", max_files: 4',
        "delta, key: [flight]",
        "signals.departures.source: give either path (a folder or URI) or table (a three-level name)",
    ),
    "path and table": (
        SIGNALS,
        "kind: files,",
        "kind: delta, table: main.flights.departures, key: [flight],",
        "signals.departures.source: give either path (a folder or URI) or table (a three-level name)",
    ),
    "no three-level name": (
        SIGNALS,
        'files, path: "${HEADRACE_HOME:-var}/landing/departures", max_files: 4',
        "delta, table: flights.departures, key: [flight]",
        r"signals.departures.source.table: must match ^[^.`\s]+\.[^.`\s]+\.[^.`\s]+$",
    ),
    "no key": (SIGNALS, "kind: files,", "kind: delta,", "signals.departures.source.key: is missing"),
    "an empty key": (
        SIGNALS,
        "kind: files,",
        "kind: delta, key: [],",
        "signals.departures.source.key: must have at least 1",
    ),
    "option of another kind of source": (
        SIGNALS,
        "kind: files,",
        "kind: delta, key: [flight], max_file_bytes: 5,",
        "signals.departures.source.max_file_bytes: is not known; did you mean 'max_files'?",
    ),
    "no place to start": (
        SIGNALS,
        "kind: files,",
        "kind: delta, key: [flight], starting: first,",
        "signals.departures.source.starting: must be one of earliest, latest or must be a whole number",
    ),
    "a key the contract does not require": (
        SIGNALS,
        "kind: files,",
        "kind: delta, key: [flight, tailnum],",
        "signals.departures.source.key[1]: contract departures does not require tailnum: "
        "a row without its key must not be accepted",
    ),
    "no number": (
        SIGNALS,
        "max_files: 4",
        "max_files: many",
        "signals.departures.source.max_files: must be a whole number",
    ),
    "number too small": (
        SIGNALS,
        "max_files: 4",
        "max_files: 0",
        "signals.departures.source.max_files: must be at least 1",
    ),
    "kind of clock": (
        SIGNALS,
        "kind: replay",
        "kind: reply",
        "signals.departures.clock.kind: must be one of wall, replay; did you mean 'replay'?",
    ),
    "no such contract": (
        SIGNALS,
        "contract: departures",
        "contract: departure",
        "signals.departures.contract: contracts/ has no departure.odcs.yaml; did you mean 'departures'?",
    ),
    "column of headrace": (
        DEPARTURES,
        "name: tailnum",
        "name: record_id",
        "schema[0].properties[6].name: is the name of a column headrace adds: "
        "write name: sent_record_id, physicalName: record_id",
    ),
    "rule over no field": (
        DEPARTURES,
        "status = 'departed'",
        "stats = 'departed'",
        "schema[0].quality[0].implementation: field stats does not exist; did you mean 'status'?",
    ),
    "name of another file": (
        SET,
        "name: origin_departures",
        "name: departures",
        "name: must be origin_departures, the name of its file",
    ),
    "set of no signal": (
        SET,
        "signal: departures",
        "signal: departure",
        "signal: there is no signal departure; did you mean 'departures'?",
    ),
    "feature of no field": (
        SET,
        "of: dep_delay",
        "of: delay",
        "features.mean_dep_delay.of: departures has no field delay; did you mean 'dep_delay'?",
    ),
    "mean of texts": (
        SET,
        "op: mean, of: dep_delay",
        "op: mean, of: carrier",
        "features.mean_dep_delay.of: mean takes integer, number, decimal, but carrier is string",
    ),
    "mean of nothing": (
        SET,
        "op: mean, of: dep_delay",
        "op: mean",
        "features.mean_dep_delay: mean needs 'of': the field it is taken of",
    ),
    "windows that do not line up": (
        SET,
        "slide: 15 minutes",
        "slide: 7 minutes",
        "window: slide must be no longer than any length and divide it",
    ),
    "both a length and a gap": (
        SET,
        "slide: 15 minutes",
        "gap: 15 minutes",
        "window: give either length, how long a window is, or gap, what silence ends a session",
    ),
    "a length that its windows have not": (
        SET,
        "op: count,",
        "op: count, over: [2 hours],",
        "features.flights.over[0]: 2 hours is no length of the set's window; there are: 1 hour",
    ),
    "a quantile that is not told": (
        SET,
        "op: mean, of: dep_delay",
        "op: approx_quantile, of: dep_delay",
        "features.mean_dep_delay: approx_quantile needs 'at', as in 0.9",
    ),
    "a rate counted in no time": (
        SET,
        "op: mean, of: dep_delay",
        "op: rate, per: 0 hours",
        "features.mean_dep_delay.per: must be at least 1 second",
    ),
    "a rate that is a mean": (
        SET,
        "op: mean, of: dep_delay",
        "op: mean, of: dep_delay, per: 1 hour",
        "features.mean_dep_delay: 'per' goes with rate only",
    ),
    "a share of a number": (
        SET,
        "op: mean, of: dep_delay",
        "op: share, of: dep_delay * 2",
        "features.mean_dep_delay.of: is a number, where a condition (true or false) is due",
    ),
    "a mean of a condition": (
        SET,
        "op: mean, of: dep_delay",
        "op: mean, of: dep_delay > 2",
        "features.mean_dep_delay.of: is a condition, where a number is due",
    ),
    "a sum that could run anything": (
        SET,
        "op: mean, of: dep_delay",
        "op: sum, of: java_method('java.lang.System')",
        "features.mean_dep_delay.of: function java_method is not allowed",
    ),
    "a set's condition on a field there is not": (
        SET,
        "delay: 30 minutes",
        "where: dep_dely > 0\ndelay: 30 minutes",
        "where: field dep_dely does not exist; did you mean 'dep_delay'?",
    ),
    "a parameter without end": (
        MODEL,
        "learning_rate: 0.1",
        "learning_rate: .inf",
        "training.parameters.learning_rate: must be a finite number or must be text or must be true or false",
    ),
    "a default of another kind": (
        SET,
        "op: mean, of: dep_delay",
        "op: mean, of: dep_delay, default: none",
        "features.mean_dep_delay.default: is no number, which the value it stands for is",
    ),
    "derived from what there is not": (
        SET,
        "delay: 30 minutes",
        "derived: {busy: {expression: flight / 2}}\ndelay: 30 minutes",
        "derived.busy.expression: field flight does not exist; did you mean 'flights'?",
    ),
    "a derived value under a feature's name": (
        SET,
        "delay: 30 minutes",
        "derived: {flights: {expression: flights / 2}}\ndelay: 30 minutes",
        "derived.flights: is the name of another column of the set",
    ),
    "model of no signal": (
        MODEL,
        "signal: departures",
        "signal: departure",
        "signal: there is no signal departure; did you mean 'departures'?",
    ),
    "no such set": (
        MODEL,
        "set: airport_weather",
        "set: airport_wether",
        "inputs.features[1].set: there is no feature set airport_wether; did you mean 'airport_weather'?",
    ),
    "another entity": (
        MODEL,
        "by: {origin: origin}",
        "by: {airport: origin}",
        "inputs.features[0].by: must name the entity of origin_departures, exactly: origin",
    ),
    "entity of another kind": (
        MODEL,
        "by: {origin: origin}",
        "by: {origin: distance}",
        "inputs.features[0].by.origin: distance is integer, but origin of origin_departures is string",
    ),
    "no such feature": (
        MODEL,
        "mean_dep_delay",
        "mean_delay",
        "inputs.features[0].take[1]: origin_departures has no feature mean_delay; did you mean 'mean_dep_delay'?",
    ),
    "no such input": (
        MODEL,
        "dep_delay, distance",
        "dep_delay, distanc",
        "inputs.signal[4]: departures has no field distanc; did you mean 'distance'?",
    ),
    "time as input": (
        MODEL,
        "dep_delay, distance",
        "dep_delay, scheduled_at",
        "inputs.signal[4]: scheduled_at is timestamp: a model takes string, integer, number, decimal or boolean",
    ),
    "number against text": (
        MODEL,
        "status = 'departed'",
        "status = 1",
        "where: comparing with = mixes number and text: make them one type with try_cast",
    ),
    "label over no field": (
        MODEL,
        "arr_delay > 15",
        "arrdelay > 15",
        "training.label.expression: field arrdelay does not exist; did you mean 'arr_delay'?",
    ),
    "label by no field": (
        MODEL,
        "by: flight_id",
        "by: flight",
        "training.label.by: arrivals has no field flight; did you mean 'flight_id'?",
    ),
    "output in the way": (
        MODEL,
        "name: probability_late",
        "name: confidence",
        "output.name: confidence is a column headrace adds",
    ),
    "unknown estimator": (
        MODEL,
        "estimator: gradient_boosting",
        "estimator: forest",
        "training.estimator: must be one of gradient_boosting, logistic_regression, lightgbm, or a callable as "
        "package.module:name",
    ),
    "segment of no field": (
        MODEL,
        "segments: [origin, carrier]",
        "segments: [origin, carier]",
        "training.segments[1]: departures has no field carier; did you mean 'carrier'?",
    ),
    "segment of a time": (
        MODEL,
        "segments: [origin, carrier]",
        "segments: [scheduled_at]",
        "training.segments[0]: scheduled_at is timestamp: segments are values of string, integer, boolean",
    ),
    "estimators by what is no input": (
        MODEL,
        "holdout: 0.25",
        "per: tailnum",
        "training.per: tailnum is not in inputs.signal; there are: origin, carrier, dest, dep_delay, distance",
    ),
    "probability of one column": (
        MODEL,
        "column: 1, kind",
        "kind",
        "output: needs column: 1, the second of the two probabilities a trained model returns",
    ),
    "share beyond one": (MODEL, "holdout: 0.25", "holdout: 2", "training.holdout: must be less than 1.0"),
    "time without zone": (
        MODEL,
        "2013-01-22T00:00:00Z",
        "2013-01-22",
        "start: must be a time with its zone, as in 2026-01-31T00:00:00Z",
    ),
}


def test_what_expires_or_is_removed_too_soon_is_a_mistake(conf: Path) -> None:
    line = change(conf / BASE, "trigger: 5 seconds", "retention: {signals: 12 hours, predictions: for ever}")
    with (conf / BASE).open("a") as file:
        file.write("maintenance: {vacuum_after: 6 days}\n")
    last = len((conf / BASE).read_text().splitlines())
    assert mistakes(conf) == [
        f"conf/{BASE}:{line}: retention.signals: must be at least 1 day",
        (
            f"conf/{BASE}:{line}: retention.predictions: 'for ever' is no duration: write a number and a unit, "
            "as in '30 minutes'"
        ),
        f"conf/{BASE}:{last}: maintenance.vacuum_after: must be at least 1 week",
    ]


NESTED = """\
      - name: crew
        logicalType: object
        properties:
          - {name: pilots, logicalType: integer}
      - {name: gate_opens, logicalType: time}
"""


def test_nested_fields_are_for_conditions_alone(conf: Path) -> None:
    quality = "    quality:\n      - type: custom"
    change(conf / DEPARTURES, quality, NESTED + quality)
    change(conf / MODEL, "status = 'departed'", "crew.pilots > 1")
    assert load(conf, "local", {}).models["arrives_late"].where == "(`crew`.`pilots` > 1)"

    lines = (
        change(conf / SET, "op: mean, of: dep_delay", "op: mean, of: crew"),
        change(conf / MODEL, "dep_delay, distance", "crew.pilots, gate_opens"),
    )
    assert mistakes(conf) == [
        (
            f"conf/{SET}:{lines[0]}: features.mean_dep_delay.of: "
            "crew is nested: only plain fields of the record can be taken"
        ),
        (
            f"conf/{MODEL}:{lines[1]}: inputs.signal[3]: "
            "crew.pilots is nested: only plain fields of the record can be taken"
        ),
        (
            f"conf/{MODEL}:{lines[1]}: inputs.signal[4]: gate_opens is time: "
            "a model takes string, integer, number, decimal or boolean"
        ),
    ]


@pytest.mark.parametrize(("file", "old", "new", "said"), MISTAKES.values(), ids=MISTAKES)
def test_each_mistake_is_one_exact_line(conf: Path, file: str, old: str, new: str, said: str) -> None:
    at = change(conf / file, old, new)

    result = CliRunner().invoke(app, ["validate", "--conf-dir", str(conf)])

    assert result.exit_code == 2
    assert [told for told in result.stderr.splitlines() if told.startswith("conf/")] == [f"conf/{file}:{at}: {said}"]


def test_all_mistakes_come_at_once(conf: Path) -> None:
    signal = change(conf / SIGNALS, "contract: weather", "contract: wether")
    feature = change(conf / SET, "op: max", "op: maximum")
    rule = change(conf / DEPARTURES, "severity: warn", "severity: warm")

    assert [line.split(": ")[0] for line in mistakes(conf)] == [
        f"conf/{DEPARTURES}:{rule}",
        f"conf/{SET}:{feature}",
        f"conf/{SIGNALS}:{signal}",
    ]


def test_names_that_differ_in_case_name_both_lines(conf: Path) -> None:
    second = change(conf / DEPARTURES, "name: tailnum", "name: Carrier")
    first = change(conf / DEPARTURES, "name: carrier", "name: carrier")

    assert mistakes(conf) == [
        (
            f"conf/{DEPARTURES}:{second}: schema[0].properties[6].name: "
            f"is the name of the field in line {first} too; case makes no difference"
        )
    ]


def test_a_feature_taken_twice_is_told_of_the_inputs(conf: Path) -> None:
    change(conf / MODEL, "take: [mean_arr_delay]", "take: [mean_arr_delay, mean_arr_delay]")
    inputs = change(conf / MODEL, "inputs:", "inputs:")

    assert mistakes(conf) == [
        f"conf/{MODEL}:{inputs}: inputs: gives the model column origin_arrivals_mean_arr_delay twice"
    ]


def test_a_set_is_named_once_in_a_model_or_by_prefixes(conf: Path) -> None:
    change(conf / MODEL, ", max_dep_delay]", "]")
    change(conf / MODEL, "set: origin_arrivals", "set: origin_departures")
    change(conf / MODEL, "[mean_arr_delay]", "[max_dep_delay]")
    features = change(conf / MODEL, "  features:", "  features:")

    assert mistakes(conf) == [
        f"conf/{MODEL}:{features}: inputs.features: names origin_departures twice: give one of them a prefix of its own"
    ]
    change(conf / MODEL, "by: {origin: origin}, take: [max", "prefix: there, by: {origin: dest}, take: [max")
    loaded = load(conf, "local", {})
    assert loaded.models["arrives_late"].inputs.columns[-1] == "there_max_dep_delay"
    assert score_job.job(loaded, "arrives_late").feature_sets.keys() == {"origin_departures", "airport_weather"}


def test_one_unreadable_file_is_one_mistake(conf: Path) -> None:
    (conf / SET).write_text("name: [")

    (line,) = mistakes(conf)

    assert line.startswith("conf/features/origin_departures.yml:1: is no YAML: ")


def test_a_key_in_two_files_of_base_names_both(conf: Path) -> None:
    (conf / "base" / "more.yml").write_text("trigger: 1 second\n")
    first = change(conf / BASE, "trigger:", "trigger:")

    assert mistakes(conf) == [
        f"conf/base/more.yml:1: trigger: is also given in conf/{BASE}:{first}: keep it in one file"
    ]


def test_a_mistake_in_the_overlay_names_the_overlay(conf: Path) -> None:
    line = change(conf / "local" / "headrace.yml", "shuffle_partitions: 2", "shuffle_partitions: none")

    assert mistakes(conf) == [f"conf/local/headrace.yml:{line}: spark.shuffle_partitions: must be a whole number"]


def test_a_kafka_source_left_half_in_files_says_what_it_lacks(conf: Path) -> None:
    line = change(conf / SIGNALS, "kind: files", "kind: kafka")

    assert mistakes(conf)[-2:] == [
        f"conf/{SIGNALS}:{line}: signals.departures.source.bootstrap: is missing",
        f"conf/{SIGNALS}:{line}: signals.departures.source.topic: is missing",
    ]


def test_a_secret_is_never_shown(conf: Path) -> None:
    (conf / "local" / "signals.yml").write_text(
        "signals:\n  weather:\n    source:\n      kind: kafka\n      bootstrap: b:9092\n      topic: w\n"
        "      options: {sasl.jaas.config: ['${PASSWORD}'], group.id: '${PASSWORD}'}\n"
    )

    lines = mistakes(conf, PASSWORD="hunter2")

    assert len(lines) == 1
    assert "hunter2" not in lines[0]


def test_an_unknown_environment_names_the_nearest(conf: Path) -> None:
    assert mistakes(conf, "locl") == ["conf: has no environment locl; did you mean 'local'?"]


def test_a_field_that_is_called_as_what_is_learned(conf: Path) -> None:
    change(conf / DEPARTURES, "- name: flight\n", "- name: label\n")
    line = change(conf / MODEL, "training:", "training:")
    assert mistakes(conf)[0] == (
        f"conf/{MODEL}:{line}: training: calls what is learned label, and departures has a field label"
    )


def test_columns_of_a_model_that_would_be_called_the_same(conf: Path) -> None:
    change(conf / MODEL, "output: {name: probability_late", "output: {name: distance")
    line = change(conf / MODEL, "inputs:", "inputs:")
    assert mistakes(conf) == [f"conf/{MODEL}:{line}: inputs: gives the model column distance, which its answer has"]


@pytest.mark.parametrize(
    ("other", "ending"),
    [(SET, "_latest"), (SET, "_cuts"), (SET, "_delays"), (SET, "_log"), (SET, "_log_ledgered"), (MODEL, "_ledgered")],
)
def test_a_name_that_would_be_that_of_a_view(conf: Path, other: str, ending: str) -> None:
    name = Path(other).stem
    second = conf / other.replace(name, name + ending)
    shutil.copy(conf / other, second)
    line = change(second, f"name: {name}", f"name: {name}{ending}")
    what = f"conf/{other.replace(name, name + ending)}:{line}: name: is taken"
    assert mistakes(conf) == [f"{what}: {name} has a table or view that would be called the same"]


@pytest.mark.parametrize("env", ["base", "contracts", "features", "models", "..", ""])
def test_not_every_folder_is_an_environment(conf: Path, env: str) -> None:
    (line,) = mistakes(conf, env)

    assert line.startswith("conf: has no environment ")


def test_a_folder_that_is_no_configuration_says_what_to_do(tmp_path: Path) -> None:
    (line,) = mistakes(tmp_path)

    assert line.endswith("has no folder base: name the configuration with --conf-dir, or write one with headrace init")
