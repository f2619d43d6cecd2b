"""Why a query failed, told from what Spark hands out, and whether another start can help."""

from __future__ import annotations

import pytest

from headrace.errors import CheckpointDamaged, ConfigError, InfrastructureError, NotRegistered, SourceMissing
from headrace.flows.failures import Failure, explain

IN_A_BATCH = """[STREAM_FAILED] Query [id = 1, runId = 2] terminated with exception: [FOREACH_BATCH_USER_FUNCTION_ERROR]
py4j.Py4JException: An exception was raised by the Python Proxy. Return Message: Traceback (most recent call last):
  File "utils.py", line 120, in call
    raise e
{raised}

\tat py4j.Protocol.getReturnValue(Protocol.java:476) SQLSTATE: 39000 SQLSTATE: XXKST"""


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (RuntimeError(IN_A_BATCH.format(raised="TypeError: f() takes 1")), "TypeError", "TypeError: f() takes 1"),
        (RuntimeError(IN_A_BATCH.format(raised="requests.ConnectionError: no")), "ConnectionError", "requests.Conn"),
        (RuntimeError(IN_A_BATCH.format(raised="headrace.errors.HeldBack: 7 of 9")), "HeldBack", "7 of 9"),
        (OSError(28, "No space left on device"), "OSError", "[Errno 28] No space left on device"),
        (ConfigError(["a: b"]), "ConfigError", "a: b"),
        (
            RuntimeError("terminated with exception: batch 7 doesn't exist"),
            "CheckpointDamaged",
            "the checkpoint is dam",
        ),
        (
            RuntimeError("[FAILED_READ_FILE.FILE_NOT_EXIST] Error while reading file file:///a%20b/c.jsonl. x"),
            "SourceChanged",
            "/a b/c.jsonl is gone, or may no longer be read, since its batch was begun: put it back as it was",
        ),
        (
            RuntimeError(
                "[FAILED_READ_FILE.NO_HINT] Encountered error while reading file file:///a/c.jsonl. SQLSTATE: KD001\n"
                "Caused by: java.io.IOException: Input/output error\n"
            ),
            "RuntimeError",
            "/a/c.jsonl cannot be read (java.io.IOException: Input/output error): mend it, or the disk it lies on",
        ),
    ],
)
def test_what_is_told(error: Exception, kind: str, text: str) -> None:
    failure = explain(error)
    assert failure.kind == kind
    assert failure.text.startswith(text)


def final(failure: Failure) -> tuple[bool, bool]:
    """Whether a run that ends, and a driver that goes on, give up at once."""
    return failure.is_final(once=True), failure.is_final(once=False)


@pytest.mark.parametrize("raised", ["TypeError", "AttributeError", "KeyError", "ZeroDivisionError", "ImportError"])
def test_a_run_that_ends_does_not_try_again_what_the_code_fails_at(raised: str) -> None:
    assert final(explain(RuntimeError(IN_A_BATCH.format(raised=f"{raised}: x")))) == (True, False)


@pytest.mark.parametrize(
    "text",
    [
        "java.lang.NoSuchMethodError: 'void a.b.C.<init>()'",
        "java.lang.NullPointerException",
        "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column cannot be resolved",
    ],
)
def test_nor_what_spark_fails_at(text: str) -> None:
    assert final(explain(RuntimeError(text))) == (True, False)


def test_what_is_wrong_with_what_is_read_at_a_start_is_final() -> None:
    assert final(explain(ConfigError(["x"]))) == (True, True)
    assert final(explain(CheckpointDamaged("x"))) == (True, True)


def test_a_driver_that_goes_on_waits_for_what_is_still_to_come() -> None:
    assert final(explain(SourceMissing("x"))) == (True, False)
    assert final(explain(NotRegistered("x"))) == (True, False)


@pytest.mark.parametrize(
    "error",
    [
        InfrastructureError("broker away"),
        OSError(28, "No space left on device"),
        ConnectionRefusedError(111, "refused"),
        RuntimeError(IN_A_BATCH.format(raised="TimeoutError: x")),
        RuntimeError(IN_A_BATCH.format(raised="requests.exceptions.JSONDecodeError: Expecting value")),
        RuntimeError("org.apache.kafka.common.errors.TimeoutException: Timed out"),
    ],
)
def test_what_can_heal_is_tried_again(error: Exception) -> None:
    assert final(explain(error)) == (False, False)
