"""Delta tables: where they lie, how they come to be, and the one door every write goes through."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, DataFrameWriter, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, StructType

from headrace.config import Storage
from headrace.errors import ConfigError, InfrastructureError
from headrace.io.lease import turn
from headrace.io.local_path import local_path
from headrace.io.logged_schema import logged_schema
from headrace.io.paths import literal, sql_path
from headrace.io.table_commits import Commit, commits_after, latest_version, read_commit
from headrace.io.table_log import files_between, opens_without_spark, writes_without_spark
from headrace.io.table_rows import append_rows
from headrace.tables import Column, Table, View

__all__ = ["Append", "Lake", "Writer", "in_spark", "local_rows"]

log = logging.getLogger("headrace.lake")

_PROPERTIES = {
    "delta.enableDeletionVectors": "false",
    "delta.appendOnly": "false",
    "delta.checkpointInterval": "50",
    # A feature set or a model that is added later reads its signal from the first commit on.
    "delta.logRetentionDuration": "interval 3650 days",
}

# A text is matched too, so that a double quote in it is left alone.
_TEXT_OR_NAME = re.compile(r"""'[^']*'|"(?P<name>[^"]*)["]""")

# A stream that reads a table is seldom farther behind its end than so many versions.
_LATER = 8

# Of more files Spark would rather be given the table.
_FEW_FILES = 400


@dataclass(frozen=True, slots=True)
class Writer:
    """One batch of one query: who writes. A new checkpoint has a new query id, and so is a new writer."""

    query_id: str
    batch_id: int

    @property
    def before(self) -> Writer:
        """The batch before this one, of the same query."""
        return Writer(self.query_id, self.batch_id - 1)

    @property
    def stamp(self) -> str:
        """How the next hop knows this batch: kept as metadata of every commit it makes."""
        return json.dumps({"query_id": self.query_id, "batch_id": self.batch_id})


@dataclass(frozen=True, slots=True)
class Append:
    """What one batch committed to one table, by the table's log: as which version, and how many rows.

    files: those it added, where the log was read as it is.
    """

    version: int
    writer: Writer
    rows: int
    files: tuple[Path, ...] | None = None


@dataclass(frozen=True, slots=True)
class Lake:
    """The tables of one deployment, as folders under a root or as three-level names."""

    storage: Storage

    def sql_name(self, table: str) -> str:
        """The table as SQL writes it."""
        if self.storage.root is None:
            return f"`{self.storage.catalog}`.`{self.storage.schema_}`.`{table}`"
        return sql_path(f"{self.storage.root}/{table}")

    def exists(self, spark: SparkSession, table: str) -> bool:
        """Whether the table is there."""
        if self.storage.root is None:
            return spark.catalog.tableExists(self.sql_name(table))
        return DeltaTable.isDeltaTable(spark, f"{self.storage.root}/{table}")

    def create(self, spark: SparkSession, table: Table) -> None:
        """Make the table if it is not there, with comments; one that is there is given the columns it lacks.

        So are the members that an object in it lacks. Raises ConfigError where one has another type. What the table has
        beside is left to it, and is null in new rows.
        """
        if self._holds(table):
            return
        if self.storage.root is not None and self.exists(spark, table.name):
            self.widen(spark, table)
            return
        columns = ", ".join(map(_declared, table.columns))
        by = (
            f"PARTITIONED BY ({', '.join(f'`{name}`' for name in table.partitioned_by)})"
            if table.partitioned_by
            else ""
        )
        ranged = {"delta.dataSkippingStatsColumns": ",".join(f"`{name}`" for name in table.ranged)}
        properties = ", ".join(f"'{key}' = '{value}'" for key, value in (_PROPERTIES | ranged).items())
        spark.sql(
            f"CREATE TABLE IF NOT EXISTS {self.sql_name(table.name)} ({columns}) USING DELTA {by} "
            f"COMMENT {_quoted(table.grain)} TBLPROPERTIES ({properties})"
        )
        if self.storage.root is None:
            self.widen(spark, table)

    def widen(self, spark: SparkSession, table: Table) -> None:
        """Give the table the columns it lacks, whoever writes to it meanwhile.

        Raises ConfigError where a column of it has another type.
        """
        if self._holds(table):
            return
        with self.turn(table.name):
            self._widen(spark, table)

    def _holds(self, table: Table) -> bool:
        """Whether the table is known, by its log alone, to have every column as declared: a look costs no Spark job."""
        there = None if self.storage.root is None else logged_schema(f"{self.storage.root}/{table.name}")
        return there is not None and not any(_apart(there, _schema(table)))

    def turn(self, table: str) -> AbstractContextManager[None]:
        """For every commit that is made: the other writers wait meanwhile, where the store does not part them."""
        return nullcontext() if self.storage.root is None else turn(f"{self.storage.root}/{table}")

    def _widen(self, spark: SparkSession, table: Table) -> None:
        declared = {column.name: _declared(column) for column in table.columns}
        lacking, differing = list[str](), list[str]()
        for path, there, wanted in _apart(self.read(spark, table.name).schema, _schema(table)):
            if there is None:
                lacking.append(declared.get(path) or f"{_quoted_path(path)} {wanted.simpleString()}")
            else:
                differing.append(
                    f"{table.name}: {path} is {there.simpleString()} in the table and {wanted.simpleString()} in "
                    "conf/: give the new one another name, or move the table away"
                )
        if differing:
            raise ConfigError(differing)
        if lacking:
            spark.sql(f"ALTER TABLE {self.sql_name(table.name)} ADD COLUMNS ({', '.join(lacking)})")

    def create_view(self, spark: SparkSession, view: View) -> None:
        """Make or replace the view beside the tables, where those have names; folders have no place for a view."""
        if self.storage.root is not None:
            return
        self._use_schema(spark)
        spark.sql(f"CREATE OR REPLACE VIEW `{view.name}` COMMENT {_quoted(view.grain)} AS {in_spark(view)}")

    def use(self, spark: SparkSession, tables: Iterable[Table], views: Iterable[View]) -> None:
        """Let queries in this session name tables and views plainly, as ``open_tables`` does for DuckDB.

        A schema of a catalog holds both, and becomes the session's own. Of folders, temporary views are made.
        """
        if self.storage.root is None:
            self._use_schema(spark)
            return
        for table in tables:
            self.read(spark, table.name).createOrReplaceTempView(table.name)
        for view in views:
            spark.sql(f"CREATE OR REPLACE TEMP VIEW `{view.name}` AS {in_spark(view)}")

    def _use_schema(self, spark: SparkSession) -> None:
        spark.sql(f"USE `{self.storage.catalog}`.`{self.storage.schema_}`")

    def read(self, spark: SparkSession, table: str) -> DataFrame:
        """The table as it is now."""
        if self.storage.root is None:
            return spark.read.table(self.sql_name(table))
        return spark.read.format("delta").load(f"{self.storage.root}/{table}")

    def types(self, spark: SparkSession, table: str) -> dict[str, str]:
        """The columns of the table as it is now, each with its type."""
        return {field.name: field.dataType.simpleString() for field in self.read(spark, table).schema}

    def batches(self, spark: SparkSession, table: str, query_id: str, first: int, last: int) -> DataFrame:
        """The rows that batches ``first`` to ``last`` of one query committed; no other data file is opened."""
        mine = (F.col("query_id") == query_id) & F.col("batch_id").between(first, last)
        return self.read(spark, table).where(mine)

    def committed(self, spark: SparkSession, table: str, writer: Writer, after: int | None) -> DataFrame | None:
        """The rows that one batch committed; None where it is known that there are none.

        after: a version of a table in a folder behind which it did. Then exactly the files that its entry names are
        read, and nothing of the table's state is put together.
        """
        if after is None:
            return self.batches(spark, table, writer.query_id, writer.batch_id, writer.batch_id)
        commit = self.commit_of(table, writer, after)
        if commit is None or not commit.files:
            return None
        return self.files(spark, table, [file.path for file in commit.files])

    def files(self, spark: SparkSession, table: str, files: Sequence[Path]) -> DataFrame:
        """The rows of some files of a table in a folder, with the columns that the table has now."""
        schema = logged_schema(f"{self.storage.root}/{table}") or self.read(spark, table).schema
        if not files:
            return spark.createDataFrame([], schema)
        reader = spark.read.schema(schema).option("basePath", f"{self.storage.root}/{table}")
        return reader.parquet(*[literal(str(file)) for file in files]).select(*schema.names)

    def between(self, spark: SparkSession, table: str, column: str, first: int, last: int) -> DataFrame:
        """All rows whose time in ``column`` lies between two seconds, and others: few files', if no others can."""
        folder = self.folder(table)
        found = files_between(folder, column, first, last, most=_FEW_FILES) if folder is not None else None
        return self.read(spark, table) if found is None else self.files(spark, table, found)

    def as_of(self, spark: SparkSession, table: str, cut: Mapping[str, int]) -> DataFrame:
        """The rows of each query up to its batch in the cut; of a query that is not in it, none."""
        if not cut:
            return self.read(spark, table).where(F.lit(False))
        last = F.create_map(*[F.lit(part) for pair in sorted(cut.items()) for part in pair])
        return self.read(spark, table).where(F.col("batch_id") <= F.try_element_at(last, F.col("query_id")))

    def append(
        self, rows: DataFrame, table: Table, writer: Writer, *, after: int | None = None, few: bool = False
    ) -> None:
        """Append one batch's rows to one table, once however often the batch is tried, whatever the rows are then.

        after: a version of the table behind which any earlier attempt of the batch has committed, if it has; only of a
        table in a folder (see ``versions``). Without one a transaction id of Delta's does the same
        (https://docs.delta.io/latest/delta-streaming.html#idempotent-table-writes-in-foreachbatch): query and table,
        with the batch as its version. To look that up takes the table's whole state; to look for the batch in the
        entries behind a version, one small file a commit.
        few: whether the rows can be fetched into this process; a table in a folder is written from here then, which
        takes half the time.
        One file a commit: readers that stream the table then never see half of a batch.
        """
        if few and after is not None and self._append_few(rows, table, writer, after):
            return
        door = _door(rows, table, writer)
        if after is None:
            door = door.option("txnAppId", f"{writer.query_id}/{table.name}").option("txnVersion", writer.batch_id)
        self._commit(door, table, unless=lambda: after is not None and self.commit_of(table.name, writer, after))

    def _append_few(self, rows: DataFrame, table: Table, writer: Writer, after: int) -> bool:
        """Whether the rows are written, now or before; not where their types are others than the table's."""
        folder = self.folder(table.name)
        schema = logged_schema(str(folder)) if folder is not None and writes_without_spark(folder) else None
        columns = rows.select(*table.names)
        if folder is None or schema is None or not _is_alike(columns.schema, schema):
            return False
        if self.commit_of(table.name, writer, after) is not None:
            return True
        values, app_id = columns.toArrow(), f"{writer.query_id}/{table.name}"
        with self.turn(table.name), _left_to_spark(table.name):
            if self.commit_of(table.name, writer, after) is None:
                append_rows(str(folder), values, app_id=app_id, app_version=writer.batch_id, metadata=writer.stamp)
            return True
        return False

    def append_rows(
        self,
        spark: SparkSession,
        rows: Sequence[Mapping[str, object]],
        table: Table,
        writer: Writer,
        *,
        output: str | None = None,
    ) -> None:
        """Append a few rows given as plain values, once however often the batch is tried.

        output: tells apart what one batch writes to the table at several times.
        """
        app_id, folder = f"{writer.query_id}/{output or table.name}", self.folder(table.name)
        if folder is not None and writes_without_spark(folder):
            with self.turn(table.name), _left_to_spark(table.name):
                append_rows(str(folder), rows, app_id=app_id, app_version=writer.batch_id, metadata=writer.stamp)
                return
        door = _door(local_rows(spark, table, rows), table, writer)
        self._commit(door.option("txnAppId", app_id).option("txnVersion", writer.batch_id), table)

    def _commit(self, door: DataFrameWriter, table: Table, unless: Callable[[], object] = lambda: None) -> None:
        with self.turn(table.name):
            if unless():
                return
            if self.storage.root is None:
                door.saveAsTable(self.sql_name(table.name))
            else:
                door.save(f"{self.storage.root}/{table.name}")

    def folder(self, table: str) -> Path | None:
        """The table's folder on this machine, where its log can be read and written without Spark."""
        folder = None if self.storage.root is None else local_path(f"{self.storage.root}/{table}")
        return folder if folder is not None and opens_without_spark(folder) else None

    def versions(self, tables: Iterable[Table]) -> dict[str, int]:
        """The newest version of each table in a folder of this machine; of others none."""
        folders = {table.name: self.folder(table.name) for table in tables}
        return {name: latest_version(folder) for name, folder in folders.items() if folder is not None}

    def commit_of(self, table: str, writer: Writer, after: int) -> Commit | None:
        """What a batch has committed behind a version of a table in a folder; None if nothing yet."""
        folder = self.folder(table)
        if folder is None:
            return None
        return next((commit for commit in commits_after(folder, after) if commit.metadata == writer.stamp), None)

    def stream(self, spark: SparkSession, table: str, *, version: int, max_files: int) -> DataFrame:
        """The table's appends from one version on, in commit order, at most ``max_files`` a batch.

        Never its snapshot: a snapshot is one unordered heap, and a stateful query would drop most of it as late.
        """
        reader = (
            spark.readStream.format("delta")
            .option("startingVersion", version)
            .option("maxFilesPerTrigger", max_files)
            .option("skipChangeCommits", "true")
        )
        if self.storage.root is None:
            return reader.table(self.sql_name(table))
        return reader.load(f"{self.storage.root}/{table}")

    def commits(self, spark: SparkSession, table: str, first: int = 0, last: int | None = None) -> list[Append]:
        """The batches committed as versions ``first`` to ``last``. No other commits."""
        folder = self.folder(table)
        if folder is None or last is None:
            return self._commits_by_history(spark, table, first, last)
        entries = [read_commit(folder, version) for version in range(first, last + 1)]
        if None not in entries:
            return [
                Append(
                    entry.version,
                    Writer(**json.loads(entry.metadata)),
                    entry.rows,
                    tuple(file.path for file in entry.files),
                )
                for entry in entries
                if entry is not None and entry.metadata
            ]
        return self._commits_by_history(spark, table, first, last)

    def _commits_by_history(self, spark: SparkSession, table: str, first: int, last: int | None) -> list[Append]:
        found = self._history(spark, table, None if last is None else last - first + 1 + _LATER)
        if found and found[-1]["version"] > first:
            # All of it: how much is enough changes with every commit.
            found = self._history(spark, table, None)
        mine = [
            row
            for row in reversed(found)
            if row["userMetadata"] and first <= row["version"] <= (row["version"] if last is None else last)
        ]
        return [
            Append(row["version"], Writer(**json.loads(row["userMetadata"])), int(row["rows"] or 0)) for row in mine
        ]

    def has_commit(self, spark: SparkSession, table: str, writer: Writer) -> bool:
        """Whether the batch has committed to the table, be it no row: what it appends again is left out."""
        return writer in {commit.writer for commit in self.commits(spark, table)}

    def _history(self, spark: SparkSession, table: str, most: int | None) -> list[Row]:
        """The table's newest versions, the newest first."""
        limit = "" if most is None else f" LIMIT {most}"
        history = spark.sql(f"DESCRIBE HISTORY {self.sql_name(table)}{limit}")
        metrics = F.col("operationMetrics")
        # The second is what delta-rs calls it.
        rows = F.coalesce(metrics["numOutputRows"], metrics["num_added_rows"]).cast("long").alias("rows")
        return history.select("version", "userMetadata", rows).orderBy(F.desc("version")).collect()


@contextmanager
def _left_to_spark(table: str) -> Iterator[None]:
    """What cannot be written from here is written by Spark, once all the same: some file systems take only one."""
    try:
        yield
    except InfrastructureError as error:
        log.warning("%s is written by Spark: %s", table, error)


def _is_alike(rows: StructType, table: StructType) -> bool:
    """Whether both have the same columns, each of the same type."""
    types = [{field.name: field.dataType.simpleString() for field in schema} for schema in (rows, table)]
    return types[0] == types[1]


def _door(rows: DataFrame, table: Table, writer: Writer) -> DataFrameWriter:
    columns = rows.select(*table.names).coalesce(1)
    return columns.write.format("delta").mode("append").option("userMetadata", writer.stamp)


def _apart(there: DataType, wanted: DataType, path: str = "") -> Iterator[tuple[str, DataType | None, DataType]]:
    """Where the second has a member that the first has not (None), or has as another type; with its path.

    What the first has beside, and the order of members, is of no account. Names know no case.
    """
    if isinstance(there, StructType) and isinstance(wanted, StructType):
        known = {field.name.casefold(): field.dataType for field in there}
        for field in wanted:
            inner = f"{path}.{field.name}" if path else field.name
            if field.name.casefold() in known:
                yield from _apart(known[field.name.casefold()], field.dataType, inner)
            else:
                yield inner, None, field.dataType
    elif isinstance(there, ArrayType) and isinstance(wanted, ArrayType):
        yield from _apart(there.elementType, wanted.elementType, f"{path}.element")
    elif there.simpleString() != wanted.simpleString():
        yield path, there, wanted


def _schema(table: Table) -> DataType:
    return DataType.fromDDL(", ".join(f"`{column.name}` {column.type}" for column in table.columns))


def _quoted_path(path: str) -> str:
    return ".".join(f"`{name}`" for name in path.split("."))


def in_spark(view: View) -> str:
    """The view's query, with names quoted as Spark quotes them; in Spark, double quotes hold a text."""
    return _TEXT_OR_NAME.sub(lambda match: match[0] if match["name"] is None else f"`{match['name']}`", view.sql)


def local_rows(spark: SparkSession, table: Table, rows: Sequence[Mapping[str, object]]) -> DataFrame:
    """A few rows of a table from plain values, read by the JVM alone.

    ``createDataFrame`` would send them through a Python worker, which costs more than the write they are for.
    """
    members = ", ".join(f"`{column.name}`: {column.type}" for column in table.columns)
    text = json.dumps(rows, default=_text)
    return spark.range(0, 1, 1, 1).select(F.inline(F.from_json(F.lit(text), f"ARRAY<STRUCT<{members}>>")))


def _text(value: object) -> str:
    # What Spark hands out is in the zone of this process, and does not say so.
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)


def _declared(column: Column) -> str:
    return f"`{column.name}` {column.type} COMMENT {_quoted(column.comment)}"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
