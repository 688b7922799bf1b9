"""delta-rs beside our writers: delta-rs-writer.py TABLE SECONDS. Appends, merges and compacts until the time is over
and one of these won its race; a minute more at most.

Each commit carries its operation as custom metadata; who loses a race goes on with the next operation.
"""

import json
import random
import sys
import time

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

SHARED_IDS = 200
LATE_SECONDS_MAX = 60


def rows(operation: dict) -> pa.Table:
    ids = operation["ids"]
    return pa.table({"id": pa.array(ids, pa.int64()), "v": pa.array([operation["value"]] * len(ids))})


def perform(table: str, operation: dict) -> bool:
    """Whether it made a commit: to compact what is compact already makes none."""
    properties = CommitProperties(custom_metadata={"tributaryTest": json.dumps(operation)})
    if operation["kind"] == "append":
        write_deltalake(table, rows(operation), mode="append", commit_properties=properties)
    elif operation["kind"] == "upsert":
        merge = DeltaTable(table).merge(rows(operation), "t.id = s.id", source_alias="s", target_alias="t", commit_properties=properties)
        merge.when_matched_update_all().when_not_matched_insert_all().execute()
    else:
        return DeltaTable(table).optimize.compact(commit_properties=properties)["numFilesRemoved"] > 0
    return True


def main(table: str, seconds: float) -> None:
    dice = random.Random(7)
    end = time.monotonic() + seconds
    done = {"append": 0, "upsert": 0, "optimize": 0}
    turn = 0
    while time.monotonic() < (end if any(done.values()) else end + LATE_SECONDS_MAX):
        turn += 1
        kind = dice.choice(["append", "append", "upsert", "upsert", "optimize"])
        operation: dict = {"kind": kind}
        if kind == "append":
            operation |= {"ids": [900_000_000 + turn], "value": f"delta-rs {turn}"}
        elif kind == "upsert":
            operation |= {"ids": sorted(dice.sample(range(SHARED_IDS), 2)), "value": f"delta-rs {turn}"}
        try:
            done[kind] += perform(table, operation)
        except (CommitFailedError, DeltaError) as error:
            print(f"lost {kind}: {error}", file=sys.stderr)
    print(json.dumps(done))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
