"""delta-rs comes second: delta-rs-late.py TABLE VERSION merge|compact. Prints `committed`, or `refused` when the commit lost to a conflict."""

import sys

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError


def main(folder: str, version: int, operation: str) -> None:
    table = DeltaTable(folder, version=version)
    try:
        if operation == "compact":
            table.optimize.compact()
        else:
            rows = pa.table({"id": pa.array([3], pa.int64()), "v": pa.array(["theirs"])})
            merge = table.merge(rows, "t.id = s.id", source_alias="s", target_alias="t")
            merge.when_matched_update_all().when_not_matched_insert_all().execute()
    except CommitFailedError as error:
        print(error, file=sys.stderr)
        print("refused")
    else:
        print("committed")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
