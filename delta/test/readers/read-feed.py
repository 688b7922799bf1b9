"""Prints the change feed of a Delta table as delta-rs reads it: read-feed.py TABLE FROM_VERSION. One sorted line of JSON a change."""

import json
import sys

import pyarrow
from deltalake import DeltaTable


def main(table: str, from_version: int) -> None:
    feed = pyarrow.table(DeltaTable(table).load_cdf(starting_version=from_version))
    lines = []
    for row in feed.to_pylist():
        row.pop("_commit_timestamp")
        lines.append(json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":")))
    print("".join(line + "\n" for line in sorted(lines)), end="")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
