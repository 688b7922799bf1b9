"""delta-rs as a peer: `make TABLE PARQUET…` writes its table, one data file a Parquet file as Tributary has one a LOAD file;
`merge TABLE CSV` applies one batch of changes and prints how long the MERGE alone took."""

import json
import sys
import time

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as parquet
from deltalake import DeltaTable, write_deltalake

TYPES = {
    "Op": pa.string(),
    "order_id": pa.int64(),
    "customer_id": pa.int64(),
    "product": pa.string(),
    "quantity": pa.int32(),
    "price": pa.decimal128(12, 2),
    "discount": pa.float64(),
    "status": pa.string(),
    "channel": pa.string(),
    "is_gift": pa.bool_(),
    "ordered_at": pa.timestamp("us"),
    "ship_date": pa.date32(),
    "note": pa.string(),
}


def make(table: str, files: list[str]) -> None:
    for path in files:
        source = parquet.ParquetFile(path)
        reader = pa.RecordBatchReader.from_batches(source.schema_arrow, source.iter_batches(batch_size=65536))
        write_deltalake(table, reader, mode="append", target_file_size=1 << 31)


def merge(table: str, path: str) -> None:
    changes = csv.read_csv(path, convert_options=csv.ConvertOptions(column_types=TYPES, strings_can_be_null=True, null_values=[""]))
    at = changes.schema.get_field_index("ordered_at")
    changes = changes.set_column(at, "ordered_at", changes["ordered_at"].cast(pa.timestamp("us", tz="UTC")))
    columns = {name: f"s.{name}" for name in TYPES if name != "Op"}
    target = DeltaTable(table)
    started = time.perf_counter()
    (
        target.merge(changes, "t.order_id = s.order_id", source_alias="s", target_alias="t")
        .when_matched_delete("s.\"Op\" = 'D'")
        .when_matched_update(columns)
        .when_not_matched_insert(columns, "s.\"Op\" <> 'D'")
        .execute()
    )
    print(json.dumps({"ms": (time.perf_counter() - started) * 1000}, separators=(",", ":")))


if __name__ == "__main__":
    verb, table, *files = sys.argv[1:]
    make(table, files) if verb == "make" else merge(table, files[0])
