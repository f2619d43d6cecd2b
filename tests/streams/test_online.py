"""The online view follows the log through a crash and a store that is down, and equals what analysts see."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from tests import flights
from tests.redis_server import running_redis
from tests.streams.conftest import Taken
from tests.writes import Write, around_writes

from headrace.config import Online, SqliteOnline
from headrace.flows import features, online_follow
from headrace.flows.backfill import backfill
from headrace.flows.catalog import tables, views
from headrace.flows.online import Answer, open_view
from headrace.flows.online_follow import rebuild
from headrace.flows.status import status
from headrace.io.cuts import cuts
from headrace.io.online import Held, open_store
from headrace.io.reader import open_tables

SET, AIRPORTS = "airport_weather", ("EWR", "JFK", "LGA")


class File:
    """A view in a file, whose place can be taken by something else."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place: Online = SqliteOnline(kind="sqlite", path=str(folder / "online.db"))

    def stop(self) -> None:
        if self.folder.exists():
            self.folder.rename(self.folder.with_suffix(".aside"))
        self.folder.write_text("in the way")

    def start(self) -> None:
        self.folder.unlink()
        if self.folder.with_suffix(".aside").exists():
            self.folder.with_suffix(".aside").rename(self.folder)


@pytest.fixture(params=["sqlite", pytest.param("redis", marks=pytest.mark.long)])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    if request.param == "sqlite":
        yield File(tmp_path / "view")
    else:
        with running_redis() as running:
            yield running


def seen_by_analysts(taken: Taken) -> list[Answer]:
    loaded = taken.project
    with open_tables(loaded.settings.storage, tables(loaded), views(loaded)) as connection:
        rows = connection.execute(f"SELECT * FROM features_{SET}_latest ORDER BY origin").df().to_dict("records")
    names = loaded.feature_sets[SET].columns
    return [
        Answer(
            entity={"origin": row["origin"]},
            values={name: row[name] for name in names},
            alive=True,
            window_end=row["window_end"].tz_localize(UTC),
            computed_at=row["computed_at"].tz_localize(UTC),
            age=latest - row["window_end"].tz_localize(UTC),
        )
        for row in rows
        for latest in [max(one["window_end"] for one in rows).tz_localize(UTC)]
    ]


def answers(taken: Taken, at: datetime) -> list[Answer]:
    with open_view(taken.project, SET) as view:
        return view.get([{"origin": airport} for airport in AIRPORTS], at)


def standing(taken: Taken) -> str | None:
    (one,) = (one for one in status(taken.project) if one.query == f"features.{SET}")
    return one.online


def held(taken: Taken) -> Held:
    assert taken.project.settings.online is not None
    with open_store(taken.project.settings.online) as store:
        found = store.held(SET)
        assert found is not None
        return found


class Crowded:
    """A store in which others are first, twice: one moves what counts, and one rebuilds the view."""

    others = 2

    def __init__(self, spark: SparkSession, follower: online_follow.Follower, place: Online) -> None:
        self._rebuild, self._store = partial(rebuild, spark, follower), open_store(place)

    def swap(self, feature_set: str, old: Held | None, new: Held) -> bool:
        Crowded.others -= 1
        if Crowded.others == 1:
            assert old is not None
            assert self._store.swap(feature_set, old, replace(old, cut=replace(old.cut, batch_id=0)))
        elif Crowded.others == 0:
            assert self._rebuild()
        return self._store.swap(feature_set, old, new)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def __enter__(self) -> Crowded:
        return self

    def __exit__(self, *error: object) -> None:
        self._store.__exit__(None, None, None)


def test_it_follows_through_a_crash_and_a_store_that_is_down(
    spark: SparkSession,
    day_by_day: Taken,
    server: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    home = Path(shutil.copytree(day_by_day.home, tmp_path / "home"))
    # The stream from its beginning, beside a log that holds the rows of another.
    shutil.rmtree(home / "tables/checkpoints/features" / SET)
    DeltaTable.forPath(spark, f"{home}/tables/ledger").delete(f"subject = '{SET}'")
    taken = Taken(flights.with_settings(flights.project(home), online=server.place), home, day_by_day.sent)
    assert standing(taken) is None

    def cut_off(write: Write) -> None:
        write.make()
        if write.table.name == "ledger" and write.writer.batch_id == 1:
            raise RuntimeError("cut off")

    with around_writes(cut_off), pytest.raises(AssertionError, match="cut off"):
        flights.taken(spark, taken.project, f"features.{SET}")
    assert held(taken).cut.batch_id == 0
    assert standing(taken) == "1 batch behind"

    server.stop()
    with caplog.at_level(logging.WARNING, "headrace.online"):
        flights.taken(spark, taken.project, f"features.{SET}")
    assert f"online view of {SET} is behind: the online view in" in caplog.text
    assert "cannot be used" in str(standing(taken)), "three batches are in the ledger all the same"
    server.start()
    assert standing(taken) in ("2 batches behind", "not built"), "Redis has forgotten the first as well"

    flights.taken(spark, taken.project, f"features.{SET}")
    assert standing(taken) == "up to date"
    expected = seen_by_analysts(taken)
    latest = max(one.window_end for one in expected if one.window_end is not None)
    assert [one.entity["origin"] for one in expected] == [*AIRPORTS]
    assert answers(taken, latest) == expected

    assert len([*backfill(spark, taken.project, SET)]) == 1
    assert answers(taken, latest) == seen_by_analysts(taken)
    hours = [latest - timedelta(hours=back) for back in range(60)]
    followed, given = held(taken), [answers(taken, hour) for hour in hours]
    assert followed.cut == cuts(spark, taken.lake, [SET])[SET]
    assert followed.cut.backfilled == 0

    follower = features.job(taken.project, SET).online
    assert follower is not None
    monkeypatch.setattr(Crowded, "others", 2)
    monkeypatch.setattr(online_follow, "open_store", partial(Crowded, spark, follower))
    assert rebuild(spark, follower) == followed.cut
    assert Crowded.others < 0
    assert held(taken).space != followed.space
    assert [answers(taken, hour) for hour in hours] == given
    assert [one.alive for one in given[10]] == [True] * 3, "with the clock's jump of twelve hours, ten are kept"
