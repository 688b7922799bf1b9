"""Reads Delta tables with other readers and tells what they saw: compare.py TABLE… [--rows FOLDER] [--version N].

Prints one JSON object a table and reader: {"table", "reader", "rows", "digest", "columns"}. The digest is a SHA-256 over the sorted
canonical rows, so it does not depend on the order in which a reader returns them. With --rows each reader's canonical rows are
also written to FOLDER/<last part of TABLE>/<reader>.ndjson, sorted, in the form that `tributary cat -o ndjson` prints, with the
keys sorted by name. Exits 1 when the readers disagree. A table may be in S3; the environment says where and with which keys.
"""

import argparse
import base64
import datetime
import decimal
import hashlib
import json
import math
import os
import pathlib
import sys
import urllib.parse
from collections.abc import Iterator
from typing import Any

BATCH_ROWS = 10_000
JSON_INTEGER_MAX = 2**53


def canonical(value: Any) -> Any:
    """A value as `tributary cat -o ndjson` prints it."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return value if abs(value) <= JSON_INTEGER_MAX else str(value)
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        # JSON has one number type: JavaScript prints 10.0 as 10 and so do we.
        return int(value) if value.is_integer() and abs(value) <= JSON_INTEGER_MAX else value
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, datetime.datetime):
        # strftime would not pad the years before 1000.
        text = value.replace(tzinfo=None).isoformat(timespec="microseconds")
        return text + "Z" if value.tzinfo else text
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {name: canonical(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        # Arrow returns a map as a list of pairs.
        if value and all(isinstance(item, tuple) and len(item) == 2 for item in value):
            return [{"key": canonical(key), "value": canonical(inner)} for key, inner in value]
        return [canonical(item) for item in value]
    return str(value)


def read_delta_rs(table: str, version: int | None) -> Iterator[dict[str, Any]]:
    """Through QueryBuilder: delta-rs's own to_pandas refuses deletion vectors."""
    import pyarrow
    from deltalake import DeltaTable, QueryBuilder

    opened = DeltaTable(table, version=version)
    reader = QueryBuilder().register("t", opened).execute("SELECT * FROM t")
    for batch in reader:
        yield from pyarrow.record_batch(batch).to_pylist()


def read_duckdb(table: str, version: int | None) -> Iterator[dict[str, Any]]:
    import duckdb
    import duckdb_extension_delta

    connection = duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
    connection.execute("SET TimeZone = 'UTC'")
    if table.startswith("s3://"):
        open_s3(connection)
    connection.load_extension(extension_of(duckdb_extension_delta))
    at = "" if version is None else f", version => {version}"
    relation = connection.execute(f"SELECT * FROM delta_scan('{table.replace(chr(39), chr(39) * 2)}'{at})")
    reader = relation.to_arrow_reader(BATCH_ROWS)
    for batch in reader:
        yield from batch.to_pylist()


def open_s3(connection: Any) -> None:
    """delta-rs looks into the environment by itself, DuckDB has to be told."""
    import duckdb_extension_httpfs

    connection.load_extension(extension_of(duckdb_extension_httpfs))
    endpoint = urllib.parse.urlparse(os.environ["AWS_ENDPOINT_URL"])
    connection.execute(
        "CREATE SECRET (TYPE s3, KEY_ID $key, SECRET $secret, REGION $region, ENDPOINT $host, URL_STYLE 'path', USE_SSL $tls)",
        {
            "key": os.environ["AWS_ACCESS_KEY_ID"],
            "secret": os.environ["AWS_SECRET_ACCESS_KEY"],
            "region": os.environ["AWS_REGION"],
            "host": endpoint.netloc,
            "tls": endpoint.scheme == "https",
        },
    )


def extension_of(package: Any) -> str:
    return str(next(pathlib.Path(package.__file__).parent.rglob("*.duckdb_extension")))


READERS = {"delta-rs": read_delta_rs, "duckdb": read_duckdb}


def compare(table: str, version: int | None, folder: pathlib.Path | None) -> bool:
    digests = set()
    for name, read in READERS.items():
        columns: list[str] = []
        rows = []
        for row in read(table, version):
            columns = columns or list(row)
            rows.append(json.dumps(canonical(row), sort_keys=True, ensure_ascii=False, separators=(",", ":")))
        rows.sort()
        text = "".join(row + "\n" for row in rows)
        digest = hashlib.sha256(text.encode()).hexdigest()
        digests.add(digest)
        print(json.dumps({"table": table, "reader": name, "rows": len(rows), "digest": digest, "columns": columns}), flush=True)
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.ndjson").write_text(text, encoding="utf-8")
    return len(digests) == 1


def main() -> int:
    parser = argparse.ArgumentParser(description="Read Delta tables with delta-rs and DuckDB and compare all rows.")
    parser.add_argument("tables", nargs="+", metavar="TABLE")
    parser.add_argument("--version", type=int)
    parser.add_argument("--rows", type=pathlib.Path)
    arguments = parser.parse_args()
    agreed = [
        compare(table, arguments.version, arguments.rows and arguments.rows / pathlib.Path(table).name)
        for table in arguments.tables
    ]
    return 0 if all(agreed) else 1


if __name__ == "__main__":
    sys.exit(main())
