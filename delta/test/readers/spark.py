"""Answers what Spark reads in Delta tables, and writes to them: spark.py DELTA_JARS FOLDER, one line of JSON in, one out, until the input ends.

A question is {"table": PATH, "version": N or null, "select": [expression, …]}, or {"table": PATH, "fromVersion": N, "toVersion": N} for the change feed, without
the time of the commits, or {"table": PATH, "run": SQL, "note": TEXT} for a statement whose commit carries the text; its rows do not matter. The answer is {"rows": [line, …]}, sorted lines in the form of compare.py, or {"error": text}.
Whatever Spark itself writes goes into FOLDER or to stderr.
"""

import json
import os
import pathlib
import sys
from typing import Any, TextIO

sys.path.append(str(pathlib.Path(__file__).parents[3] / "cli/src/demo"))

from compare import canonical  # noqa: E402


def start(delta_jars: pathlib.Path, folder: pathlib.Path) -> Any:
    """One core, one partition after a shuffle, no page, nothing that listens beyond this machine."""
    from pyspark.sql import SparkSession

    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    settings = {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.delta.logStore.file.impl": "tributary.LinkLogStore",
        "spark.driver.extraClassPath": f"{delta_jars / '*'}:{delta_jars / 'classes'}",
        # Quick to start rather than quick for hours.
        "spark.driver.extraJavaOptions": f"-Djava.io.tmpdir={folder} -Dderby.system.home={folder} -XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "1g",
        "spark.local.dir": str(folder),
        "spark.log.level": "ERROR",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.session.timeZone": "UTC",
        # Nothing is compiled for queries that run once.
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # A table is replayed in as many tasks as this says; the default of 50 is for large logs.
        "spark.databricks.delta.snapshotPartitions": "1",
    }
    builder = SparkSession.builder.master("local[1]").appName("readers")
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def read(spark: Any, question: dict[str, Any]) -> list[str]:
    reader = spark.read.format("delta")
    if "fromVersion" in question:
        reader = reader.option("readChangeFeed", "true")
        reader = reader.option("startingVersion", question["fromVersion"]).option("endingVersion", question["toVersion"])
        rows = reader.load(question["table"]).drop("_commit_timestamp")
    else:
        if question["version"] is not None:
            reader = reader.option("versionAsOf", question["version"])
        rows = reader.load(question["table"]).selectExpr(*question["select"])
    return sorted(
        json.dumps(canonical(row), sort_keys=True, ensure_ascii=False, separators=(",", ":")) for row in rows.toArrow().to_pylist()
    )


def run(spark: Any, question: dict[str, Any]) -> list[str]:
    spark.conf.set("spark.databricks.delta.commitInfo.userMetadata", question["note"])
    spark.sql(question["run"]).collect()
    return []


def answer(spark: Any, line: str) -> dict[str, Any]:
    # Whatever goes wrong is an answer, so that one bad table does not end the process for the others.
    try:
        question = json.loads(line)
        return {"rows": run(spark, question) if "run" in question else read(spark, question)}
    except Exception as error:
        return {"error": str(error)}


def main(delta_jars: pathlib.Path, folder: pathlib.Path, answers: TextIO) -> None:
    spark = start(delta_jars, folder)
    for line in sys.stdin:
        answers.write(json.dumps(answer(spark, line), ensure_ascii=False) + "\n")
        answers.flush()
    spark.stop()


if __name__ == "__main__":
    # Spark's Java process inherits stdout: give it stderr, so that only answers are on ours.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as own_stdout:
        os.dup2(2, 1)
        main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), own_stdout)
