"""A dataset in a lake: 95 rows to learn from in four files, 20 to choose by, 10 to judge by."""

from __future__ import annotations

from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

import pytest
from publish import flights, publish

# Where the package is installed MLflow finds the source by its entry point; the tests may run from the sources.
if find_spec("mlflow") and not any(entry.name == "tributary" for entry in entry_points(group="mlflow.dataset_source")):
    from mlflow.data.dataset_source_registry import register_dataset_source

    from tributary_data.mlflow_source import TributaryDatasetSource

    register_dataset_source(TributaryDatasetSource)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    splits = {"train": flights(0, 95), "val": flights(95, 20), "test": flights(115, 10)}
    return publish(tmp_path / "lake", splits, shards=4)
