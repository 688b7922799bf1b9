"""Publishes datasets for the tests, in the shape in which `tributary dataset build` writes them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

TYPES = {
    "int64": "long",
    "int32": "integer",
    "double": "double",
    "float": "float",
    "bool": "boolean",
    "string": "string",
}


def flights(first: int, count: int) -> pa.Table:
    """Rows as a flights dataset has them: key, time, features of several types, label, weight."""
    numbers = range(first, first + count)
    return pa.table(
        {
            "fid": pa.array(numbers, pa.int64()),
            "at": pa.array([1_388_534_400_000_000 + n * 60_000_000 for n in numbers], pa.timestamp("us", "UTC")),
            "origin": pa.array([None if n % 7 == 6 else f"AP{n % 3}" for n in numbers]),
            "delay": pa.array([None if n % 5 == 4 else n / 8 for n in numbers], pa.float64()),
            "legs": pa.array([n % 4 for n in numbers], pa.int32()),
            "hub": pa.array([n % 2 == 0 for n in numbers]),
            "label": pa.array([n % 3 == 0 for n in numbers]).cast(pa.int32()),
            "weight": pa.array([1.0 + n % 2 for n in numbers], pa.float64()),
        }
    )


def publish(
    lake: Path,
    splits: Mapping[str, pa.Table],
    *,
    name: str = "late_flights",
    id: str = "9c1f0b7a62de",
    created_at: str = "2026-11-26T07:00:00.000Z",
    shards: int = 2,
    group_rows: int = 10,
    change: Mapping[str, Any] | None = None,
) -> Path:
    """Write files and manifest; `change` replaces fields of the manifest. Returns the dataset's folder."""
    folder = lake / "_datasets" / name / id
    parts = {}
    for split, table in splits.items():
        files = []
        for shard in range(shards):
            start, stop = table.num_rows * shard // shards, table.num_rows * (shard + 1) // shards
            path = folder / split / f"{shard:05}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(table.slice(start, stop - start), path, row_group_size=group_rows, compression="zstd")
            data = path.read_bytes()
            digest = hashlib.sha256(data).hexdigest()
            files.append({"path": f"{split}/{path.name}", "bytes": len(data), "rows": stop - start, "sha256": digest})
        rows_digest = hashlib.md5(split.encode()).hexdigest()
        parts[split] = {
            "rows": table.num_rows,
            "label_mean": 0.25,
            "rows_digest": f"{table.num_rows}-{rows_digest[:16]}-{rows_digest[16:]}",
            "files": files,
        }
    schema = next(iter(splits.values())).schema
    manifest = {
        "schema": "tributary.dataset/1",
        "name": name,
        "id": id,
        "created_at": created_at,
        "spec": {"sha256": "0" * 64, "yaml": "dataset: late_flights\n"},
        "cut": {
            "until": None,
            "known_until": None,
            "known_at": {"clock": "source", "delay_ms": 0, "trust_load": False},
        },
        "sources": [
            {
                "table": "shop.flights",
                "table_id": "t",
                "version": 412,
                "committed_at": "",
                "snapshot": "",
                "pinned": False,
            }
        ],
        "engine": {"tributary": "0.1.0", "duckdb": "1.5.5", "float_policy": "exact"},
        "key": ["fid"],
        "at": "at",
        "label": "label",
        "columns": [
            {
                "name": field.name,
                "type": TYPES.get(str(field.type), "timestamp"),
                "from": "sample" if field.name == "weight" else "spine",
            }
            for field in schema
        ],
        "splits": parts,
        "left_out": {},
        "guards": [],
        **(change or {}),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    return folder


def edit_manifest(folder: Path, edit: Any) -> None:
    """Change a manifest that was published."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    edit(manifest)
    path.write_text(json.dumps(manifest))
