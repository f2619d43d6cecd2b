"""What Delta says when it ends a stream, and what the driver makes of it."""

from __future__ import annotations

import pytest

from headrace.flows.failures import explain
from headrace.io.delta_failures import explained

BEFORE = "[STREAM_FAILED] Query [id = 1, runId = 2] terminated with exception: "

SAID = {
    "an overwrite": (
        "[DELTA_SOURCE_TABLE_IGNORE_CHANGES] Detected a data update (for example WRITE (Map(mode -> Overwrite))) in "
        "the source table at version 12. This is currently not supported. If this is going to happen regularly and you "
        "are okay to skip changes, set the option 'skipChangeCommits' to 'true'.",
        "SourceChanged",
        "version 12 of the source table (WRITE) changed or deleted rows: ",
    ),
    "a deleted file": (
        "[DELTA_SOURCE_IGNORE_DELETE] Detected deleted data (for example city=Rome/part-0.parquet) from streaming "
        "source at version 2. This is currently not supported.",
        "SourceChanged",
        "version 2 of the source table changed or deleted rows: ",
    ),
    "another table": (
        "[DIFFERENT_DELTA_TABLE_READ_BY_STREAMING_SOURCE] The streaming query was reading from an unexpected Delta "
        "table (id = 'a')",
        "SourceChanged",
        "the source table was deleted and made anew",
    ),
    "a log that was cut": (
        "[DELTA_VERSION_NOT_FOUND] Cannot time travel Delta table to version 0. Available versions: [2, 3].",
        "SourceChanged",
        "the log of the source table no longer has the version to start from (it has [2, 3]): set starting to",
    ),
    "a renamed column": (
        "[DELTA_STREAMING_INCOMPATIBLE_SCHEMA_CHANGE_USE_SCHEMA_LOG] Streaming read is not supported",
        "SourceChanged",
        "a column of the source table was renamed, dropped or given another type",
    ),
    "a new column": (
        "[DELTA_SCHEMA_CHANGED_WITH_STARTING_OPTIONS] Detected schema change in version 1",
        "OtherColumns",
        "the columns of the source table changed: the query goes on with those it has when it starts again",
    ),
    "a new column before the first batch": (
        "assertion failed: Invalid batch: id#1L != id#2L,x#3",
        "OtherColumns",
        "the columns of the source table changed: the query goes on with those it has when it starts again",
    ),
}


@pytest.mark.parametrize(("text", "kind", "begins"), SAID.values(), ids=SAID)
def test_it_is_told_in_words_that_say_what_to_do(text: str, kind: str, begins: str) -> None:
    found = explain(RuntimeError(BEFORE + text))
    assert found.kind == kind
    assert found.text.startswith(begins)
    assert "skipChangeCommits" not in found.text


def test_other_failures_are_not_its_business() -> None:
    assert explained(BEFORE + "[FAILED_READ_FILE.FILE_NOT_EXIST] File does not exist") is None
