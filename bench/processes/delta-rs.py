"""delta-rs as a peer: `make FOLDER` turns a folder of Parquet files into a Delta table; `merge TABLE KEY,KEY CSV` applies one batch of
changes and prints how long the MERGE alone took, and `merge-with-feed` writes a change feed with it; `feed TABLE REPEATS` reads that of the last commit; `read TABLE REPEATS SQL` answers a query over `t`, and prints the median."""

import json
import statistics
import sys
import time

import pyarrow as pa
import pyarrow.csv as csv
from deltalake import DeltaTable, QueryBuilder, convert_to_deltalake


def tell(figures: dict[str, float]) -> None:
    print(json.dumps(figures, separators=(",", ":")))


def read_changes(table: DeltaTable, path: str) -> pa.Table:
    types = {field.name: field.type for field in pa.schema(table.schema().to_arrow())}
    # pyarrow reads no instant without a zone as one with: DMS writes them in UTC.
    plain = {name: pa.timestamp("us") if pa.types.is_timestamp(kind) else kind for name, kind in types.items()}
    options = csv.ConvertOptions(column_types={"Op": pa.string()} | plain, strings_can_be_null=True, null_values=[""])
    changes = csv.read_csv(path, convert_options=options)
    return changes.cast(pa.schema([("Op", pa.string())] + [(name, types[name]) for name in changes.schema.names if name != "Op"]))


def merge(path: str, key: list[str], batch: str) -> None:
    target = DeltaTable(path)
    changes = read_changes(target, batch)
    columns = {name: f"s.{name}" for name in changes.schema.names if name != "Op"}
    started = time.perf_counter()
    (
        target.merge(changes, " AND ".join(f"t.{name} = s.{name}" for name in key), source_alias="s", target_alias="t")
        .when_matched_delete("s.\"Op\" = 'D'")
        .when_matched_update(columns)
        .when_not_matched_insert(columns, "s.\"Op\" <> 'D'")
        .execute()
    )
    tell({"ms": (time.perf_counter() - started) * 1000})


def feed(path: str, repeats: int) -> None:
    took, rows = [], 0
    for _ in range(repeats + 1):
        started = time.perf_counter()
        table = DeltaTable(path)
        rows = pa.table(table.load_cdf(starting_version=table.version())).num_rows
        took.append((time.perf_counter() - started) * 1000)
    tell({"ms": statistics.median(took[1:]), "rows": rows})


def read(path: str, repeats: int, sql: str) -> None:
    took = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        # A new builder for each: one that was asked before may keep what it found.
        rows = QueryBuilder().register("t", DeltaTable(path)).execute(sql).read_all()
        took.append((time.perf_counter() - started) * 1000)
    tell({"ms": statistics.median(took[1:]), "rows": pa.table(rows)["rows"][0].as_py()})


if __name__ == "__main__":
    verb, table, *rest = sys.argv[1:]
    if verb == "make":
        convert_to_deltalake(table)
    elif verb == "merge":
        merge(table, rest[0].split(","), rest[1])
    elif verb == "merge-with-feed":
        DeltaTable(table).alter.set_table_properties({"delta.enableChangeDataFeed": "true"})
        merge(table, rest[0].split(","), rest[1])
    elif verb == "feed":
        feed(table, int(rest[0]))
    else:
        read(table, int(rest[0]), rest[1])
