"""The settings of one deployment: frozen values, one class a noun, read from ``conf/base`` and one overlay.

What a signal, a feature set or a model *is* stands in files of its own (``contracts/``, ``features/``,
``models/``); here stands where data comes from, where it goes and how the queries run.
"""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SecretStr,
    field_validator,
    model_validator,
)

__all__ = [
    "Clock",
    "DeadLetterTopic",
    "DeltaSource",
    "Duplicates",
    "Duration",
    "FileSource",
    "KafkaSource",
    "Lasting",
    "Limits",
    "Maintenance",
    "Name",
    "Online",
    "Quality",
    "RedisOnline",
    "Registry",
    "Restarts",
    "Retention",
    "Section",
    "Settings",
    "Signal",
    "Source",
    "Spark",
    "SqliteOnline",
    "Storage",
    "Topic",
    "duration",
    "duration_text",
]

_UNITS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800}
_DURATION = re.compile(r"(\d+) (second|minute|hour|day|week)s?")


def duration(value: object) -> timedelta:
    """``30 minutes`` as a timedelta. Whole seconds, minutes, hours, days or weeks; nothing else is guessed.

    Raises ValueError where it is none, OverflowError where it is longer than a timedelta can be.
    """
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(str(value).strip())
    if match is None:
        raise ValueError(f"{value!r} is no duration: write a number and a unit, as in '30 minutes'")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def duration_text(value: timedelta) -> str:
    """The same duration in the largest unit that keeps it whole: what Spark and people both read."""
    seconds = int(value.total_seconds())
    unit, size = next(
        ((unit, size) for unit, size in reversed(_UNITS.items()) if seconds and seconds % size == 0), ("second", 1)
    )
    count = seconds // size
    return f"{count} {unit}{'' if count == 1 else 's'}"


def _duration(value: object) -> timedelta:
    try:
        return duration(value)
    except OverflowError:  # which pydantic would let through
        raise ValueError(f"{value!r} is longer than a duration can be") from None


Duration = Annotated[timedelta, BeforeValidator(_duration), PlainSerializer(duration_text)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


def _at_least(least: timedelta, value: timedelta) -> timedelta:
    if value < least:
        raise ValueError(f"must be at least {duration_text(least)}")
    return value


Lasting = Annotated[Duration, AfterValidator(partial(_at_least, timedelta(seconds=1)))]


class Section(BaseModel):
    """A part of the configuration: frozen, and any key it does not know, or number without end, is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Storage(Section):
    """Where tables and checkpoints lie.

    root: folder (or URI) under which every table is a Delta folder; or, with ``catalog`` and ``schema``,
        tables are three-level names and ``root`` is left out.
    checkpoints: folder (or URI) of the queries' checkpoints; default ``<root>/checkpoints``.
    """

    root: str | None = None
    catalog: Name | None = None
    schema_: Name | None = Field(default=None, alias="schema")
    checkpoints: str | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Storage:
        if (self.catalog is None) != (self.schema_ is None):
            raise ValueError("catalog and schema go together")
        if (self.root is None) == (self.catalog is None):
            raise ValueError("give either root (a folder) or catalog and schema (three-level names)")
        if self.root is None and self.checkpoints is None:
            raise ValueError("with catalog and schema, checkpoints must name a folder or volume")
        return self

    @property
    def checkpoint_root(self) -> str:
        return self.checkpoints or f"{self.root}/checkpoints"

    @property
    def place(self) -> str:
        """What tells these tables from those of another deployment."""
        return self.root or f"{self.catalog}.{self.schema_}"


class Spark(Section):
    """The session headrace builds when none is active. Ignored where the platform brings its own.

    master: left out, it is what ``spark-submit`` says.
    shuffle_partitions: frozen into a stateful checkpoint at its first start.
    conf: further Spark settings.
    """

    master: str | None = None
    shuffle_partitions: int = Field(default=8, ge=1)
    conf: dict[str, str] = {}


class Registry(Section):
    """The MLflow tracking server and registry.

    experiments: put before a model's name to make its experiment's; a Databricks workspace wants a folder.
    """

    tracking_uri: str
    registry_uri: str | None = None
    experiments: str = ""


class Clock(Section):
    """What a signal's event times are judged against.

    kind: ``wall``, the batch's own time; ``replay``, the signal's high-water mark, for data of another time.
    max_jump: how far ahead of that a record may be; farther is ``future_event_time``.
    support: how many records must have reached a time before the high-water mark moves to it, so that
        fewer than this many wrong clocks cannot move it.
    """

    kind: Literal["wall", "replay"] = "wall"
    max_jump: Duration = timedelta(minutes=5)
    support: int = Field(default=3, ge=1, le=1_000)


class FileSource(Section):
    """JSON lines in files that arrive by atomic rename into one folder."""

    kind: Literal["files"]
    path: str
    max_files: int = Field(default=8, ge=1)
    max_file_bytes: int = Field(default=64 * 1024 * 1024, ge=1, lt=2**31)

    @property
    def place(self) -> str:
        """The folder, as it is written."""
        return self.path


class Topic(Section):
    """A Kafka topic.

    options: the connector's ``kafka.*`` options without that prefix.
    """

    bootstrap: str
    topic: str
    options: dict[str, SecretStr] = {}

    @field_validator("bootstrap")
    @classmethod
    def _brokers(cls, value: str) -> str:
        if not all(re.fullmatch(r"\S+:\d{1,5}", one.strip()) for one in value.split(",")):
            raise ValueError("must name each broker as host:port, with commas between")
        return value

    @field_validator("topic")
    @classmethod
    def _named(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,249}", value):
            raise ValueError("is no name of a topic: letters, digits, '.', '_' and '-', at most 249")
        return value

    @property
    def opened(self) -> dict[str, str]:
        """The options with their secrets in them: for a client alone."""
        return {name: value.get_secret_value() for name, value in self.options.items()}


class KafkaSource(Topic):
    """One Kafka topic.

    gaps: offsets without a record are expected, as transactions and compaction leave them.
    """

    kind: Literal["kafka"]
    max_offsets: int = Field(default=20_000, ge=1)
    gaps: bool = False
    starting: Literal["earliest", "latest"] = "earliest"

    @model_validator(mode="after")
    def _ours(self) -> KafkaSource:
        if "group.id" in self.options:
            raise ValueError("group.id is not yours to set: two queries of one group take each other's records")
        return self


class DeltaSource(Section):
    """The rows appended to one Delta table, commit by commit.

    path, table: where it lies: a folder (or URI), or a three-level name; one of the two.
    key: columns that name a row; the contract has to require them.
    starting: where a new checkpoint begins: the table's first version, what is committed from now on, or a version.
    """

    kind: Literal["delta"]
    path: str | None = None
    table: str | None = Field(default=None, pattern=r"^[^.`\s]+\.[^.`\s]+\.[^.`\s]+$")
    key: tuple[str, ...] = Field(min_length=1)
    max_files: int = Field(default=4, ge=1)
    starting: Literal["earliest", "latest"] | Annotated[int, Field(ge=0)] = "earliest"

    @model_validator(mode="after")
    def _one_place(self) -> DeltaSource:
        if (self.path is None) == (self.table is None):
            raise ValueError("give either path (a folder or URI) or table (a three-level name)")
        return self

    @property
    def place(self) -> str:
        """The path or the name, as it is written."""
        return str(self.path or self.table)


Source = Annotated[FileSource | KafkaSource | DeltaSource, Field(discriminator="kind")]


class Quality(Section):
    """A sample of what is accepted, judged by Great Expectations for people to look at.

    every: of so many batches the first is sampled.
    rows: how many of its records at most.
    """

    every: int = Field(default=50, ge=1)
    rows: int = Field(default=1_000, ge=1, le=100_000)


class Limits(Section):
    """What a batch may hold before the whole of it is held back, with no effect in any table.

    max_invalid_ratio: the largest share of rejected records, judged from ``min_records`` on.
    max_consecutive_invalid: how many records in a row may be rejected, within one file or topic partition; in a
        partition the count goes on from batch to batch.
    on_breach: ``pause`` the source until it is resumed, the others go on; or ``stop`` the driver as well.
        The same goes for a batch that breaks a rule of severity error over many records.
    """

    max_invalid_ratio: float | None = Field(default=None, ge=0, le=1)
    min_records: int = Field(default=100, ge=1)
    max_consecutive_invalid: int | None = Field(default=None, ge=1)
    on_breach: Literal["pause", "stop"] = "pause"


class Duplicates(Section):
    """Records that repeat a primary key are set aside.

    within: how far apart in event time two records of one key may be for the later to come to be a duplicate.
    """

    within: Duration


class DeadLetterTopic(Topic):
    """A Kafka topic that gets a copy of every dead letter, at least once. The table stays the record of them.

    max_bytes: of a letter that is larger, headers that came with it counted, the copy has neither its value nor those.
    """

    max_bytes: int = Field(default=900_000, ge=1)


class Signal(Section):
    """One signal: its contract, where it comes from, its clock, how much may be wrong with it.

    former: the contract before, while senders move to this one: what this one rejects may still be accepted by that.
    duplicates: left out, every accepted record is kept, whatever its key.
    end_of_input: the source is finite; once it is drained nothing more comes, so its last windows close.
    quality: left out, nothing is sampled while the query runs.
    """

    contract: str
    former: str | None = None
    source: Source
    clock: Clock = Clock()
    limits: Limits = Limits()
    duplicates: Duplicates | None = None
    dead_letter_topic: DeadLetterTopic | None = None
    quality: Quality | None = None
    end_of_input: bool = False


class Restarts(Section):
    """When a failed query starts again: exponential backoff with jitter, given up after ``limit`` in ``within``."""

    first_wait: Duration = timedelta(seconds=1)
    longest_wait: Duration = timedelta(minutes=5)
    limit: int = Field(default=10, ge=0)
    within: Duration = timedelta(hours=1)


class SqliteOnline(Section):
    """The online view in one SQLite file on this machine: for a driver and the readers beside it.

    path: the file; it and its folder are made when something is first written.
    """

    kind: Literal["sqlite"]
    path: str = Field(min_length=1)


class RedisOnline(Section):
    """The online view in a Redis server, or one that speaks its protocol.

    url: ``redis://user:password@host:port/database``, ``rediss://`` for TLS, ``unix://`` for a socket; never shown.
    prefix: what every key of this project begins with.
    timeout: how long the server may take to answer before it counts as down.
    """

    kind: Literal["redis"]
    url: SecretStr
    prefix: str = Field(default="headrace", pattern=r"^[A-Za-z0-9_.-]+$")
    timeout: Duration = timedelta(seconds=5)

    @field_validator("url")
    @classmethod
    def _known(cls, url: SecretStr) -> SecretStr:
        if not _is_redis(url.get_secret_value()):
            raise ValueError("must be redis://, rediss:// or unix://, signs such as / in a password written as %2F")
        return url


Online = SqliteOnline | RedisOnline


def _is_redis(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("redis", "rediss", "unix") and parts.port != 0
    except ValueError:
        return False


# A day is longer than any batch takes between what it chooses and where that is stored.
Kept = Annotated[Duration, AfterValidator(partial(_at_least, timedelta(days=1)))] | None
Vacuumed = Annotated[Duration, AfterValidator(partial(_at_least, timedelta(days=7)))]


class Retention(Section):
    """How long rows are kept, by the time of the batch that wrote them. What is left out is kept for ever.

    features_log_provisional: values of a window that a newer batch has replaced; never the newest, nor one that a
        training run, or a decision younger than this, was made with.
    signals: accepted records; never those that a declared query has not read, or that a model has learned from.
    dead_letters: those replayed or discarded; never open or parked ones.
    """

    features_log_provisional: Kept = None
    signals: Kept = None
    dead_letters: Kept = None
    predictions: Kept = None
    measurements: Kept = None
    verdicts: Kept = None
    schema_drift: Kept = None


class Maintenance(Section):
    """When ``headrace maintain`` rewrites a table's files, and when it removes those no longer part of the table.

    files_per_table: the budget: small files that could be merged, from which on they are.
    small_file_bytes: what a small file is.
    vacuum_after: how long a file stays after it was replaced; Delta itself refuses less than a week.
    vacuum_signals: remove replaced files of ``signals_<signal>`` too: a set or model declared later, or given a new
        checkpoint, can then not begin at the first record.
    """

    files_per_table: int = Field(default=1_000, ge=2)
    small_file_bytes: int = Field(default=16 * 1024 * 1024, ge=1024)
    vacuum_after: Vacuumed = timedelta(days=7)
    vacuum_signals: bool = False


class Settings(Section):
    """All of ``conf/base`` with the overlay of one environment laid over it.

    trigger: how often a query looks for new records while ``headrace run`` goes on.
    upstream_batches: how many batches of ingest one batch of features or score takes at most.
    online: where the newest features of each entity are kept for whoever asks for one; left out, they are not.
    """

    project: Name
    storage: Storage
    spark: Spark = Spark()
    registry: Registry
    trigger: Duration = timedelta(seconds=10)
    upstream_batches: int = Field(default=16, ge=1)
    restarts: Restarts = Restarts()
    online: Online | None = Field(default=None, discriminator="kind")
    retention: Retention = Retention()
    maintenance: Maintenance = Maintenance()
    signals: dict[Name, Signal] = Field(min_length=1)
