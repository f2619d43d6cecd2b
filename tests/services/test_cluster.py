from __future__ import annotations

import zipfile
from pathlib import Path

from tests.services.cluster import Cluster

JOB = """
import os, sys
from pyspark.sql import SparkSession
from pyspark.sql.functions import udf
from shipped import double

spark = SparkSession.builder.getOrCreate()
pid = udf(lambda _: os.getpid(), "int")
rows = spark.range(20).select(udf(double, "bigint")("id").alias("twice"), pid("id").alias("pid")).collect()
print("sum", sum(row.twice for row in rows), "elsewhere", os.getpid() not in {row.pid for row in rows}, sys.argv[1])
"""


def test_a_submitted_job_runs_python_from_a_zip_on_the_executors(cluster: Cluster, tmp_path: Path) -> None:
    job, package = tmp_path / "job.py", tmp_path / "shipped.zip"
    job.write_text(JOB)
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("shipped.py", "def double(number):\n    return 2 * number\n")

    done = cluster.submit(job, "here", py_files=[package])

    assert done.returncode == 0, done.stderr[-2000:]
    assert "sum 380 elsewhere True here" in done.stdout


def test_a_job_that_raises_ends_with_its_error(cluster: Cluster, tmp_path: Path) -> None:
    job = tmp_path / "job.py"
    job.write_text("raise ValueError('told')\n")

    done = cluster.submit(job)

    assert done.returncode != 0
    assert "ValueError: told" in done.stdout + done.stderr
