"""A dataset in a lake: 95 rows to learn from in four files, 20 to choose by, 10 to judge by."""

from __future__ import annotations

from pathlib import Path

import pytest
from publish import flights, publish


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    splits = {"train": flights(0, 95), "val": flights(95, 20), "test": flights(115, 10)}
    return publish(tmp_path / "lake", splits, shards=4)
