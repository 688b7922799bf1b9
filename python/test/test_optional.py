"""Polars and Hugging Face. Each test is skipped where its package is not installed."""

from __future__ import annotations

from pathlib import Path

import pytest
from publish import flights

import tributary_data as td


def test_polars_has_the_same_rows(folder: Path) -> None:
    polars = pytest.importorskip("polars")
    frame = td.load(folder).train.to_polars()
    assert frame.equals(polars.from_arrow(flights(0, 95)))


def test_hugging_face_has_the_same_rows_under_a_fingerprint_that_is_the_same_each_time(folder: Path) -> None:
    pytest.importorskip("datasets")
    dataset = td.load(folder)
    rows = dataset.train.to_hf()
    assert rows.to_dict() == flights(0, 95).to_pydict()
    assert str(rows.split) == "train"
    prints = [
        split.to_hf(names)._fingerprint for _ in range(2) for split in dataset.values() for names in (None, ["fid"])
    ]
    assert prints[:6] == prints[6:]
    assert len(set(prints)) == 6
