"""Spark as a peer: `spark.py DELTA_JARS FOLDER TABLE KEY,KEY vectors|rewrite WARM-UP.csv… BATCH.csv` merges one batch after the other, with two
cores, and prints how long the last MERGE took. The session runs already then, and its code is compiled: so is ours."""

import json
import os
import pathlib
import sys
import time
from typing import Any


def start(jars: pathlib.Path, folder: pathlib.Path) -> Any:
    from pyspark.sql import SparkSession

    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    settings = {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraClassPath": str(jars / "*"),
        "spark.driver.extraJavaOptions": f"-Djava.io.tmpdir={folder} -Dderby.system.home={folder}",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "6g",
        "spark.local.dir": str(folder),
        "spark.log.level": "ERROR",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.session.timeZone": "UTC",
        # The defaults of 200 and 50 are for clusters and large logs; these favour Spark here.
        "spark.sql.shuffle.partitions": "8",
        "spark.databricks.delta.snapshotPartitions": "2",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    builder = SparkSession.builder.master("local[2]").appName("bench")
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def merge(spark: Any, table: str, key: list[str], batch: str) -> float:
    schema = spark.read.format("delta").load(table).schema
    columns = ", ".join(f"`{field.name}` {field.dataType.simpleString()}" for field in schema)
    changes = spark.read.csv(batch, header=True, schema=f"Op string, {columns}").cache()
    changes.createOrReplaceTempView("changes")
    changes.count()
    matched = " AND ".join(f"t.{name} = s.{name}" for name in key)
    assigned = ", ".join(f"t.{field.name} = s.{field.name}" for field in schema)
    names, values = ", ".join(field.name for field in schema), ", ".join(f"s.{field.name}" for field in schema)
    started = time.perf_counter()
    spark.sql(
        f"""MERGE INTO delta.`{table}` t USING changes s ON {matched}
            WHEN MATCHED AND s.Op = 'D' THEN DELETE
            WHEN MATCHED THEN UPDATE SET {assigned}
            WHEN NOT MATCHED AND s.Op <> 'D' THEN INSERT ({names}) VALUES ({values})"""
    ).collect()
    took = (time.perf_counter() - started) * 1000
    changes.unpersist()
    return took


def main() -> None:
    jars, folder, table, key, mode, *batches = sys.argv[1:]
    spark = start(pathlib.Path(jars), pathlib.Path(folder))
    if mode == "vectors":
        spark.sql(f"ALTER TABLE delta.`{table}` SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')")
    took = [merge(spark, table, key.split(","), batch) for batch in batches]
    spark.stop()
    print(json.dumps({"ms": took[-1], "firstMs": took[0]}, separators=(",", ":")))


if __name__ == "__main__":
    main()
