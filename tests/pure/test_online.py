"""One suite for every store of the online view: what it holds does not depend on order or repetition of what came."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from secrets import token_hex

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from tests.redis_server import PASSWORD, RedisServer, running_redis

from headrace.cli.doctor import Examined, examine
from headrace.config import Online, RedisOnline, SqliteOnline
from headrace.errors import InfrastructureError, UsageError
from headrace.features.online import kept
from headrace.features.spec import FeatureSet
from headrace.flows.online import Answer, OnlineView, behind
from headrace.flows.project import load
from headrace.io.cut import Cut
from headrace.io.online import Held, OnlineStore, Row, Stored, open_store
from headrace.io.online.codec import Codec
from headrace.tables import Column

HOUR = 3_600
SET = FeatureSet.model_validate(
    {
        "name": "load",
        "signal": "orders",
        "entity": ["kitchen", "table"],
        "window": {"length": "1 hour", "slide": "30 minutes"},
        "delay": "5 minutes",
        "time_to_live": "2 hours",
        "features": {"orders": {"op": "count"}, "dishes": {"op": "sum", "of": "dishes"}},
    }
)
CODEC = Codec(
    (Column("kitchen", "STRING"), Column("table", "BIGINT")), (Column("orders", "BIGINT"), Column("dishes", "DOUBLE"))
)


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Online:
    if request.param == "sqlite":
        return SqliteOnline(kind="sqlite", path=str(tmp_path_factory.mktemp("online") / "view" / "online.db"))
    server: RedisServer = request.getfixturevalue("redis_server")
    return server.place


@pytest.fixture(scope="module")
def store(place: Online) -> Iterator[OnlineStore]:
    with open_store(place) as opened:
        yield opened


@pytest.fixture
def name() -> str:
    """A set nobody else in this run has."""
    return f"set_{token_hex(4)}"


def held(space: str, batch_id: int = 0, definition: str = SET.fingerprint) -> Held:
    return Held(space=space, definition=definition, cut=Cut("query", batch_id, 1_700_000_000))


def row(entity: str, end: int, *, backfilled: int = 0, batch: int = 0) -> Row:
    return Row(entity, end, backfilled, batch, f"{end} by {backfilled}/{batch}")


def newest(rows: Sequence[Row], entity: str, keep: int, at: int) -> Stored | None:
    """What an entity has at an instant, said in another way."""
    counting: dict[int, Row] = {}
    for one in sorted(rows, key=lambda one: (one.backfilled, one.batch_id)):
        if one.entity == entity:
            counting[one.window_end] = one
    ended = [end for end in sorted(counting)[-keep:] if end <= at]
    return Stored(ended[-1], counting[ended[-1]].value) if ended else None


ROWS = st.builds(
    row, st.sampled_from("abc"), st.integers(-4, 5), backfilled=st.integers(0, 1), batch=st.sampled_from([0, 1, 9, 10])
)


@given(batches=st.lists(st.lists(ROWS, max_size=8), max_size=8), keep=st.integers(1, 4), data=st.data())
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_and_any_repetition_leave_the_same(
    store: OnlineStore, batches: list[list[Row]], keep: int, data: st.DataObject
) -> None:
    name = f"set_{token_hex(4)}"
    retried = batches + data.draw(st.lists(st.sampled_from(batches), max_size=4) if batches else st.just([]))
    for batch in data.draw(st.permutations(retried)):
        store.put(name, "one", batch, keep)
    assert store.swap(name, None, held("one"))
    every = [one for batch in batches for one in batch]
    for at in range(-5, 7):
        _, found = store.get(name, ["a", "b", "c"], at)
        assert found == [newest(every, entity, keep, at) for entity in "abc"]


def test_readers_see_one_space_or_another_and_writers_who_come_too_late_are_told(store: OnlineStore, name: str) -> None:
    assert store.held(name) is None
    assert store.get(name, ["a"], 9) == (None, [None])
    store.put(name, "first", [row("a", 1)], 2)
    assert store.get(name, ["a"], 9) == (None, [None]), "nothing counts yet"
    assert store.swap(name, None, held("first"))
    store.put(name, "second", [row("a", 2)], 2)
    assert store.get(name, ["a", "b", "a"], 9)[1] == [Stored(1, "1 by 0/0"), None, Stored(1, "1 by 0/0")]
    assert not store.swap(name, None, held("second")), "something counts by now"
    assert not store.swap(name, held("first", 7), held("second"))
    assert store.held(name) == held("first")
    assert store.swap(name, held("first"), held("first", 1))
    assert store.swap(name, held("first", 1), held("second", 1))
    assert store.get(name, ["a"], 9) == (held("second", 1), [Stored(2, "2 by 0/0")])
    assert store.swap(name, held("second", 1), held("first", 1))
    assert store.get(name, ["a"], 9)[1] == [None], "what no longer counted is gone"


def test_a_space_is_swapped_whole_under_its_readers(place: Online, store: OnlineStore, name: str) -> None:
    entities = [str(number) for number in range(50)]
    ended, halves = threading.Event(), list[object]()

    def read() -> None:
        with open_store(place) as mine:
            while not ended.is_set():
                _, found = mine.get(name, entities, 99)
                if len(set(found)) != 1:
                    halves.append(found)

    store.put(name, "0", [row(entity, 0) for entity in entities], 1)
    assert store.swap(name, None, held("0", 0))
    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(1, 40):
        store.put(name, str(turn), [row(entity, turn) for entity in entities], 1)
        assert store.swap(name, held(str(turn - 1), turn - 1), held(str(turn), turn))
    ended.set()
    reader.join()
    assert halves == []


@pytest.fixture
def view(store: OnlineStore, name: str) -> OnlineView:
    return OnlineView(SET.model_copy(update={"name": name}), CODEC, store)


def fill(view: OnlineView, entities: Sequence[tuple[str, int]], ends: Sequence[int], *, batch: int = 0) -> None:
    """A window of each entity at each end, in seconds: its number of orders is the batch's, its dishes are null."""
    every = [(kitchen, table, end) for kitchen, table in entities for end in ends]
    times = pa.timestamp("us", tz="UTC")
    windows = pa.table(
        {
            "kitchen": [kitchen for kitchen, _, _ in every],
            "table": pa.array([table for _, table, _ in every], pa.int64()),
            "window_end": pa.array([end * 1_000_000 for _, _, end in every], times),
            "backfilled": [0] * len(every),
            "batch_id": [batch] * len(every),
            "computed_at": pa.array([end * 1_000_000 + 5 for _, _, end in every], times),
            "orders": pa.array([batch] * len(every), pa.int64()),
            "dishes": pa.array([None] * len(every), pa.float64()),
        }
    )
    keep, name = kept(SET, timedelta(minutes=5)), view.feature_set.name
    view.store.put(name, "space", view.codec.rows(windows), keep)
    assert view.store.swap(name, view.store.held(name), held("space", batch, view.feature_set.fingerprint))


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)


def test_an_instant_is_given_the_newest_window_that_had_ended_within_the_time_to_live(view: OnlineView) -> None:
    fill(view, [("harbour", 1)], [10 * HOUR, 11 * HOUR, 12 * HOUR])
    entity = {"kitchen": "harbour", "table": 1}

    def asked(seconds: float) -> Answer:
        (answer,) = view.get([entity], at(seconds))
        return answer

    before_the_end = asked(12 * HOUR - 0.001)
    assert before_the_end.window_end == at(11 * HOUR)
    assert before_the_end.age == timedelta(hours=1) - timedelta(milliseconds=1)
    assert asked(12 * HOUR) == Answer(
        entity=entity,
        values={"orders": 0, "dishes": None},
        alive=True,
        window_end=at(12 * HOUR),
        computed_at=at(12 * HOUR) + timedelta(microseconds=5),
        age=timedelta(0),
    )
    assert asked(14 * HOUR).values == {"orders": 0, "dishes": None}, "as old as it may be"
    too_old = asked(14 * HOUR + 1)
    assert too_old.values == {"orders": None, "dishes": None}
    assert not too_old.alive
    assert (too_old.window_end, too_old.age) == (at(12 * HOUR), timedelta(hours=2, seconds=1))
    assert asked(10 * HOUR - 1) == Answer(entity=entity, values={"orders": None, "dishes": None}, alive=False)
    (now,) = view.get([entity])
    assert now.age is not None
    assert now.age > timedelta(days=10_000), "left out, the instant is now"


def test_windows_that_go_on_do_not_crowd_out_the_one_that_has_ended() -> None:
    """Half-hourly windows of an hour, records up to five minutes ahead: three can end later than an instant."""
    assert kept(SET, timedelta(minutes=5)) == 4
    assert kept(SET, timedelta(0)) == 3


@pytest.mark.parametrize(
    "kitchens",
    [
        ["a:b", "a", "b"],
        ['a","b', 'a"', "[1]", "a,1", "null", ""],
        ["Küche", "ku\u0308che", "厨房", "\U0001f373", "a\x00b", "a\nb", "%2F", "*", "set_0:held"],
    ],
)
def test_entities_of_any_text_are_kept_apart(view: OnlineView, kitchens: list[str]) -> None:
    entities = [(kitchen, table) for kitchen in kitchens for table in (1, -1)]
    for number, entity in enumerate(entities):
        fill(view, [entity], [HOUR], batch=number)
    asked = [{"table": table, "kitchen": kitchen} for kitchen, table in entities]
    assert [answer.values["orders"] for answer in view.get(asked, at(HOUR))] == [*range(len(entities))]


def test_a_view_that_is_not_built_or_of_another_definition_is_not_read(view: OnlineView) -> None:
    entity = {"kitchen": "harbour", "table": "1"}
    with pytest.raises(InfrastructureError, match=r"nothing of set_.* is in the online view yet"):
        view.get([entity])
    assert view.store.swap(view.feature_set.name, None, held("space", definition="other"))
    with pytest.raises(InfrastructureError, match=r"as it was defined before: .* rebuild"):
        view.get([entity])


def test_what_is_no_entity_is_refused(view: OnlineView) -> None:
    fill(view, [("harbour", 1)], [HOUR])
    for entity, why in (
        ({"kitchen": "harbour"}, "an entity of this set is kitchen=… table=…, and not kitchen"),
        ({"kitchen": "harbour", "tables": 1}, "and not kitchen tables"),
        ({"kitchen": "harbour", "table": "one"}, "table=one: must be BIGINT"),
        ({"kitchen": None, "table": 1}, "kitchen=None: must be STRING"),
    ):
        with pytest.raises(UsageError, match=why):
            view.get([entity], at(HOUR))


TYPED = {
    "BIGINT": (-(2**63), "-9223372036854775808", pa.int64()),
    "DOUBLE": (0.1 + 0.2, "0.30000000000000004", pa.float64()),
    "DECIMAL(38,6)": (Decimal("-12345678901234567890123456789012.345678"), None, pa.decimal128(38, 6)),
    "DECIMAL(8,7)": (Decimal("0.0000001"), "1E-7", pa.decimal128(8, 7)),
    "DECIMAL(8,2)": (Decimal("1.50"), "1.5", pa.decimal128(8, 2)),
    "STRING": ("né", "né", pa.string()),
    "BOOLEAN": (True, "true", pa.bool_()),
    "TIMESTAMP": (
        datetime(1931, 5, 6, 7, 8, 9, 123456, tzinfo=UTC),
        "1931-05-06T09:08:09.123456+02:00",
        pa.timestamp("us", tz="UTC"),
    ),
    "DATE": (date(2013, 2, 9), "2013-02-09", pa.date32()),
}


@pytest.mark.parametrize("kind", TYPED)
def test_values_and_entities_come_back_as_what_they_were(store: OnlineStore, name: str, kind: str) -> None:
    value, text, arrow = TYPED[kind]
    codec = Codec((Column("entity", kind),), (Column("value", kind), Column("missing", kind)))
    end = pa.array([HOUR * 1_000_000], pa.timestamp("us", tz="UTC"))
    one = {"backfilled": [0], "batch_id": [0], "window_end": end, "computed_at": end}
    windows = pa.table({"entity": pa.array([value], arrow), "value": pa.array([value], arrow), **one})
    windows = windows.append_column("missing", pa.nulls(1, arrow))
    store.put(name, "space", codec.rows(windows), 1)
    store.swap(name, None, held("space"))
    key = codec.key({"entity": value})
    assert text is None or codec.key({"entity": text}) == key
    _, (found,) = store.get(name, [key], HOUR)
    assert found is not None
    computed_at, values = codec.decoded(found.value)
    assert (computed_at, values) == (at(HOUR), {"value": value, "missing": None})
    assert type(values["value"]) is type(value)


def test_numbers_that_are_not_finite_come_back_and_zero_has_one_sign() -> None:
    codec = Codec((Column("entity", "DOUBLE"),), (Column("value", "DOUBLE"),))
    computed_at, values = codec.decoded("[0,Infinity]")
    assert (computed_at, values) == (at(0), {"value": float("inf")})
    assert codec.key({"entity": -0.0}) == codec.key({"entity": "0"}) == "[0.0]"


def test_a_decimal_is_never_rounded_to_an_entity() -> None:
    codec = Codec((Column("price", "DECIMAL(8,2)"),), ())
    for price in ("1.005", "1e9", "NaN"):
        with pytest.raises(UsageError, match=r"must be DECIMAL\(8,2\)"):
            codec.key({"price": price})


def test_how_far_the_view_is_behind() -> None:
    whole = Held(space="s", definition="d", cut=Cut("stream", 7, None, "backfill", 1))
    assert behind(whole, "d", "stream", {"stream": 7, "backfill": 1}) == 0
    assert behind(whole, "d", "stream", {"stream": 9, "backfill": 2}) == 3
    assert behind(whole, "other", "stream", {"stream": 7}) is None
    assert behind(whole, "d", "next", {"next": 0}) is None
    assert behind(None, "d", "stream", {"stream": 7}) is None


# What cannot be reached


def gone() -> list[Callable[[OnlineStore], object]]:
    return [
        lambda store: store.held("load"),
        lambda store: store.put("load", "space", [row("a", 1)], 1),
        lambda store: store.swap("load", None, held("space")),
        lambda store: store.get("load", ["a"], 9),
    ]


def test_a_file_that_is_none_of_ours_is_named(tmp_path: Path) -> None:
    (tmp_path / "online.db").write_text("This is a text, and long enough to be taken for one. " * 20)
    (tmp_path / "file").touch()
    for place in (tmp_path / "online.db", tmp_path, tmp_path / "file" / "online.db"):
        for use in gone():
            why = f"the online view in {place} cannot be used: "
            with (
                open_store(SqliteOnline(kind="sqlite", path=str(place))) as store,
                pytest.raises(InfrastructureError, match=why),
            ):
                use(store)


def test_a_server_that_is_down_or_refuses_is_named_without_its_password(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    url = redis_server.place.url.get_secret_value()
    with caplog.at_level(logging.DEBUG):
        for wrong in (
            "redis://user:s3cret%2Fof%20mine@127.0.0.1:1/0",
            url.replace("redis.sock", "other.sock"),
            url.replace("mine", "yours"),
        ):
            there = RedisOnline(kind="redis", url=SecretStr(wrong), timeout=timedelta(seconds=1))
            for use in gone():
                with open_store(there) as store, pytest.raises(InfrastructureError, match="in Redis at") as raised:
                    use(store)
                told = [str(raised.value), repr(there), str(there.model_dump()), caplog.text]
                assert not any("s3cret" in text for text in told)
    assert PASSWORD.startswith("s3cret")


def test_the_doctor_asks_the_server(redis_server: RedisServer) -> None:
    project = load(Path(__file__).parents[2] / "conf", "local", {})

    def examined(place: Online) -> Examined:
        settings = project.settings.model_copy(update={"online": place})
        return next(
            one for one in examine(replace(project, settings=settings), Path("conf")) if one.what == "online view"
        )

    place = redis_server.place
    assert examined(place) == Examined("online view", True, "the server answers; keys begin with tests")
    there = place.model_copy(update={"url": SecretStr("redis://:s3cret@127.0.0.1:1")})
    found = examined(there)
    assert not found.healthy
    assert "in Redis at 127.0.0.1:1 cannot be used" in found.found


def test_a_server_that_comes_back_empty_is_built_anew(redis_server: RedisServer, name: str) -> None:
    with open_store(redis_server.place) as store:
        store.put(name, "space", [row("a", 1)], 1)
        assert store.swap(name, None, held("space"))
        assert store.get(name, ["a"], 9)[1] == [Stored(1, "1 by 0/0")]
        redis_server.stop()
        with pytest.raises(InfrastructureError, match="cannot be used"):
            store.get(name, ["a"], 9)
        redis_server.start()
        assert store.get(name, ["a"], 9) == (None, [None])
        assert store.held(name) is None
