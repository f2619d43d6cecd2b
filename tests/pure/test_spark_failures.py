"""Of Spark's account of a failure a user is shown what says what is wrong, on one line: no frame, no plan."""

from __future__ import annotations

import pytest

from headrace.errors import ConfigError, ModelFailed, error_text
from headrace.io.spark_failures import of_headrace, telling

HEAD = """\
An exception was raised by the Python Proxy. Return Message: Traceback (most recent call last):
  File "/lib/py4j/clientserver.py", line 644, in _call_proxy
    return_value = getattr(self.pool[obj_id], method)(*params)
                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
"""
TAIL = """

=== Streaming Query ===
Identifier: [id = d566572e-cd5d-46a8-bc8b-ae3ca43a4880, runId = eac97ad1-a634-49d2-b8cc-ef8b773bf881]
Current Committed Offsets: {}

Logical Plan:
~WriteToMicroBatchDataSourceV1 ForeachBatchSink, d566572e-cd5d-46a8-bc8b-ae3ca43a4880, Append
"""
MLFLOW = """\
mlflow.exceptions.MlflowException: Failed to enforce schema of data '     x       owner
0  2.5  J. Secret
1  NaN  J. Secret

[2 rows x 2 columns]' with schema '['x': long (required), 'owner': string (required)]'. Error: Incompatible \
input types for column x. Can not safely convert float64 to int64."""
WORKER = """\
pyspark.errors.exceptions.captured.PythonException: An exception was thrown from the Python worker:
Traceback (most recent call last):
  File "/tmp/exc.py", line 14, in f
    for x in it: raise ValueError("first line\\nsecond line")
                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
ValueError: first line
second line"""
ANALYSIS = """\
pyspark.errors.exceptions.captured.AnalysisException: [UNRESOLVED_COLUMN.WITH_SUGGESTION] A column with name `nope` \
cannot be resolved. Did you mean one of the following? [`value`]. SQLSTATE: 42703;
'Project ['nope]
+- LogicalRDD [timestamp#33, value#34L], false
"""
JAVA = """\
py4j.protocol.Py4JJavaError: An error occurred while calling o1.save.
: org.apache.spark.SparkException: Job aborted.
\tat org.apache.spark.sql.Some.call(Some.scala:1)
Caused by: java.io.IOException: No space left on device
\tat java.base/java.io.FileOutputStream.write(Native Method)
"""
JVM_ALONE = """\
Job aborted due to stage failure: Lost \
task 0.0 in stage 1.0: org.apache.spark.SparkRuntimeException: [USER_RAISED_EXCEPTION] boom
and more SQLSTATE: P0001
\tat org.apache.spark.sql.errors.QueryExecutionErrors$.raiseError(QueryExecutionErrors.scala:2854)
Driver stacktrace:"""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            f"{HEAD}ValueError: Input X contains NaN.\nIt does not accept nulls\n\n  see: a page\n- weight{TAIL}",
            "ValueError: Input X contains NaN. It does not accept nulls see: a page - weight",
        ),
        (
            HEAD + MLFLOW + TAIL,
            "mlflow.exceptions.MlflowException: Incompatible input types for column x. Can not safely convert float64 "
            "to int64.",
        ),
        (HEAD + WORKER + TAIL, "ValueError: first line second line"),
        (
            HEAD + ANALYSIS + TAIL,
            "pyspark.errors.exceptions.captured.AnalysisException: [UNRESOLVED_COLUMN.WITH_SUGGESTION] A column with "
            "name `nope` cannot be resolved. Did you mean one of the following? [`value`]. SQLSTATE: 42703",
        ),
        (HEAD + JAVA + TAIL, "java.io.IOException: No space left on device"),
        (
            JVM_ALONE + TAIL,
            "Job aborted due to stage failure: Lost task 0.0 in stage 1.0: org.apache.spark.SparkRuntimeException: "
            "[USER_RAISED_EXCEPTION] boom and more SQLSTATE: P0001",
        ),
        ("disk full", "disk full"),
        ("", ""),
        (f"{HEAD}ValueError: {'x' * 400}{'y' * 400}{TAIL}", f"ValueError: {'x' * 236} … {'y' * 248}"),
    ],
)
def test_all_of_what_is_wrong_is_told_and_nothing_around_it(text: str, told: str) -> None:
    assert telling(text) == told
    assert of_headrace(text) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            f"{HEAD}headrace.errors.ConfigError: a.yml:1: x: is wrong\na.yml:2: y: is wrong too{TAIL}",
            ("ConfigError", "a.yml:1: x: is wrong; a.yml:2: y: is wrong too"),
        ),
        (
            f"{HEAD}headrace.errors.ModelFailed: returned 1 answers for 2 records\n\n"
            "The above exception was the direct cause of the following exception:\n\n"
            f"{HEAD}headrace.errors.ModelFailed: wait version 3 fails{TAIL}",
            ("ModelFailed", "wait version 3 fails"),
        ),
        (
            f"{HEAD}headrace.errors.HeldBack: too many are bad\n\nDuring handling of the above exception, another "
            f"exception occurred:\n\n{HEAD}RuntimeError: closed{TAIL}",
            ("HeldBack", "too many are bad"),
        ),
    ],
)
def test_what_headrace_raised_is_told_whole(text: str, told: tuple[str, str]) -> None:
    assert of_headrace(text) == told


def test_an_error_in_one_line() -> None:
    assert error_text(KeyError("x")) == "KeyError: 'x'"
    assert error_text(ValueError()) == "ValueError"
    assert error_text(ValueError("a\n\x1b[31mb\t c")) == "ValueError: a  [31mb c"
    assert error_text(ModelFailed("raised")) == "raised"
    assert error_text(ConfigError(["a.yml:1: is wrong", "b.yml:2: is too"])) == "a.yml:1: is wrong b.yml:2: is too"
