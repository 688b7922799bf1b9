"""Prints the rows of a Delta table as delta-rs reads them, one sorted line of JSON a row: read-rows.py URL. S3 by the environment."""

import json
import sys

import pyarrow
from deltalake import DeltaTable, QueryBuilder


def main(url: str) -> None:
    rows = QueryBuilder().register("t", DeltaTable(url)).execute("SELECT * FROM t")
    for line in sorted(json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":")) for row in pyarrow.table(rows).to_pylist()):
        print(line)


if __name__ == "__main__":
    main(sys.argv[1])
