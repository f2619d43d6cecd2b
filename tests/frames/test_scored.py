"""On Spark's workers too each record is answered by the code of the version it names."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.types import DoubleType, StringType, StructField, StructType
from tests.versions import log_file, written

from headrace.config import Registry
from headrace.io import registry as registries
from headrace.io.registry import Pinned, scored
from headrace.models.scoring import REASON, answered
from headrace.models.spec import Inputs, Model, Output

MODEL = Model.model_construct(inputs=Inputs(signal=("x",)), output=Output(name="y"))
CODE = """
    import mlflow

    class Model(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            from helper import answer

            return [answer(x) for x in model_input["x"]]

    mlflow.models.set_model(Model())
    """


def asked(spark: SparkSession, pinned: Pinned, values: list[float]) -> list[tuple[float, float | None, str | None]]:
    """Input, answer and reason of each record, in one partition: one worker asks one version after the other."""
    kinds = {"y": DoubleType(), "confidence": DoubleType(), REASON: StringType()}
    added = StructType([StructField(name, kind) for name, kind in kinds.items()])
    rows = spark.createDataFrame([(value,) for value in values], "x DOUBLE").coalesce(1)
    found, _ = scored(rows, pinned, partial(answered, MODEL), added, count=registries.ON_DRIVER + 1)
    return [(row["x"], row["y"], row[REASON]) for row in found.orderBy("x").collect()]


def test_versions_with_modules_of_one_name_answer_by_their_own_on_a_worker(spark: SparkSession, tmp_path: Path) -> None:
    registry = Registry(tracking_uri=f"sqlite:///{tmp_path}/mlflow.db")
    two, thousand = (
        log_file(
            registry, name, written(tmp_path / name, {"model.py": CODE, "helper.py": f"def answer(x):\n    {does}\n"})
        )
        for name, does in (
            ("two", "return x * 2 if x != 3 else None"),
            ("thousand", "return x * 1000 if x < 9 else 1 / 0"),
        )
    )
    assert asked(spark, two, [1.0, 3.0]) == [(1.0, 2.0, None), (3.0, None, "answered null, and y is a finite number")]
    assert asked(spark, thousand, [1.0, 9.0]) == [
        (1.0, 1000.0, None),
        (9.0, None, "raised ZeroDivisionError: division by zero"),
    ]
    assert asked(spark, two, [1.0]) == [(1.0, 2.0, None)]
    with pytest.raises(Exception, match="thousand version 1 answers none of 10 records: raised ZeroDivisionError"):
        asked(spark, thousand, [float(value) for value in range(10, 20)])
