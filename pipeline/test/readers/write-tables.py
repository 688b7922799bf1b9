"""Writes Delta tables with delta-rs for us to read: write-tables.py FOLDER. Each table is one kind of thing that others write."""

import datetime
import decimal
import pathlib
import sys

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

UTC = datetime.timezone.utc


def all_types() -> pa.Table:
    rows = 4
    point = pa.struct([("x", pa.int32()), ("names", pa.list_(pa.string()))])
    columns = {
        "id": pa.array(range(rows), pa.int64()),
        "s": pa.array(["plain", "", None, 'quote " and \n line'], pa.string()),
        "long": pa.array([2**63 - 1, -(2**63), None, 0], pa.int64()),
        "integer": pa.array([2**31 - 1, -(2**31), None, 0], pa.int32()),
        "short": pa.array([32767, -32768, None, 0], pa.int16()),
        "byte": pa.array([127, -128, None, 0], pa.int8()),
        "float": pa.array([1.5, -0.25, None, 0.0], pa.float32()),
        "double": pa.array([1.5, -1e300, None, 0.125], pa.float64()),
        "decimal": pa.array([decimal.Decimal("123456789012345678.90"), decimal.Decimal("-0.01"), None, decimal.Decimal("0.00")], pa.decimal128(38, 2)),
        "small": pa.array([decimal.Decimal("99.9"), decimal.Decimal("-0.1"), None, decimal.Decimal("0.0")], pa.decimal128(3, 1)),
        "boolean": pa.array([True, False, None, True], pa.bool_()),
        "binary": pa.array([b"\x00\xff", b"", None, b"text"], pa.binary()),
        "date": pa.array([datetime.date(1, 1, 1), datetime.date(9999, 12, 31), None, datetime.date(2026, 3, 1)], pa.date32()),
        "at": pa.array([datetime.datetime(1969, 12, 31, 23, 59, 59, 999999, UTC), datetime.datetime(2026, 3, 1, tzinfo=UTC), None, datetime.datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)], pa.timestamp("us", "UTC")),
        "local": pa.array([datetime.datetime(1999, 1, 1, 12, 0, 0, 5), datetime.datetime(2026, 3, 1), None, datetime.datetime(1583, 1, 1)], pa.timestamp("us")),
        "list": pa.array([[1, None, 3], [], None, [4]], pa.list_(pa.int32())),
        "nested": pa.array([[[1], []], [None], None, []], pa.list_(pa.list_(pa.int64()))),
        "point": pa.array([{"x": 1, "names": ["a", None]}, {"x": None, "names": []}, None, {"x": 2, "names": None}], point),
        "map": pa.array([[("a", 1), ("b", None)], [], None, [("ü", 3)]], pa.map_(pa.string(), pa.int32())),
    }
    return pa.table(columns)


def plain(first: int, count: int) -> pa.Table:
    ids = range(first, first + count)
    return pa.table({"id": pa.array(ids, pa.int64()), "day": pa.array([f"d{n % 3}" for n in ids]), "note": pa.array([None if n % 5 == 0 else f"note {n}" for n in ids])})


def main(folder: pathlib.Path) -> None:
    write_deltalake(folder / "all-types", all_types())
    write_deltalake(folder / "all-types", all_types(), mode="append")

    parts = folder / "partitions"
    for first in (0, 100):
        write_deltalake(parts, plain(first, 100), mode="append", partition_by=["day"])

    odd = pa.table({"id": pa.array([1, 2, 3, 4], pa.int64()), "part": pa.array(["a b", "c/d=%20", None, "ü?"]), "day": pa.array([datetime.date(2026, 3, 1)] * 4)})
    write_deltalake(folder / "odd-partitions", odd, partition_by=["part", "day"])

    deleted = folder / "deleted"
    write_deltalake(deleted, plain(0, 200))
    DeltaTable(deleted).delete("id % 7 = 0")
    DeltaTable(deleted).update(updates={"note": "'changed'"}, predicate="id % 11 = 0")

    checkpoints = folder / "checkpoints"
    for first in range(0, 260, 10):
        write_deltalake(checkpoints, plain(first, 10), mode="append")
        if first == 150:
            DeltaTable(checkpoints).create_checkpoint()
    DeltaTable(checkpoints).delete("day = 'd1'")
    DeltaTable(checkpoints).optimize.compact()

    overwritten = folder / "overwritten"
    write_deltalake(overwritten, plain(0, 50))
    write_deltalake(overwritten, plain(500, 5), mode="overwrite")

    evolved = folder / "evolved"
    write_deltalake(evolved, plain(0, 10))
    write_deltalake(evolved, plain(10, 10).append_column("extra", pa.array([1.5] * 10)), mode="append", schema_mode="merge")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
