"""`croissant.json` is read by the reference reader of Croissant, where it is installed: pip install mlcroissant."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

mlcroissant = pytest.importorskip("mlcroissant")

COMMAND = Path(__file__).parents[2] / "bin/tributary"
PROJECT = """landing: landing
lake: lake
dms: {AddColumnName: true, TimestampColumnName: ts}
tables:
  shop.orders:
    key: [order_id]
    columns: {order_id: long, buyer: string, paid_at: timestamp, amount: 'decimal(12,2)'}
"""
DEFINITION = """dataset: spend
spine:
  sql: SELECT order_id, buyer, paid_at AS "at", amount, amount > 20 AS label, paid_at::DATE AS day FROM shop.orders
  key: [order_id]
  at: at
  label: label
split: {by: hash, salt: spend-1, train: 0.5, test: 0.5}
export: {shards: 2}
"""


def test_the_reference_reader_gives_all_rows_of_each_part(tmp_path: Path) -> None:
    if not COMMAND.exists():
        pytest.skip("the command is not here: this is no checkout")
    orders = tmp_path / "landing/shop/orders"
    for folder in (orders, tmp_path / "datasets"):
        folder.mkdir(parents=True)
    (tmp_path / "tributary.yaml").write_text(PROJECT)
    (tmp_path / "datasets/spend.yml").write_text(DEFINITION)
    lines = [f"I,2026-03-01 10:00:00,{n},Ada,2026-03-{n % 28 + 1:02} 10:00:00,{n}.50" for n in range(40)]
    (orders / "20260301-101502123.csv").write_text("\n".join(["Op,ts,order_id,buyer,paid_at,amount", *lines, ""]))
    for verb in (["ingest"], ["dataset", "build", "spend"]):
        subprocess.run([COMMAND, "-C", tmp_path, *verb], check=True, capture_output=True)
    (path,) = tmp_path.glob("lake/_datasets/spend/*/croissant.json")
    splits = json.loads((path.parent / "manifest.json").read_text())["splits"]
    dataset = mlcroissant.Dataset(jsonld=str(path))
    for part, split in splits.items():
        rows = list(dataset.records(part))
        assert len(rows) == split["rows"]
        assert {row[f"{part}/amount"] - row[f"{part}/order_id"] for row in rows} == {0.5}
