"""A run in MLflow knows its dataset, and the dataset is found again by the run. Skipped where MLflow is not installed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from publish import flights

import tributary_data as td

mlflow = pytest.importorskip("mlflow")
from mlflow.data.dataset_source_registry import resolve_dataset_source  # noqa: E402

from tributary_data.mlflow_source import TributaryDatasetSource  # noqa: E402


@pytest.fixture(autouse=True)
def tracking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri((tmp_path / "runs").as_uri())


def test_a_run_has_a_split_as_each_of_its_inputs_and_tags_that_name_the_sources(folder: Path) -> None:
    dataset = td.load(folder)
    with mlflow.start_run() as run:
        dataset.log_mlflow()
    data = mlflow.get_run(run.info.run_id)
    inputs = {one.tags[0].value: one.dataset for one in data.inputs.dataset_inputs}
    assert {name: one.digest for name, one in inputs.items()} == {name: part.digest for name, part in dataset.items()}
    assert inputs["train"].name == "late_flights"
    assert json.loads(inputs["train"].profile)["num_rows"] == 95
    columns = json.loads(inputs["train"].schema)["mlflow_colspec"]
    assert [(one["name"], one["type"]) for one in columns][:4] == [
        ("fid", "long"),
        ("at", "datetime"),
        ("origin", "string"),
        ("delay", "double"),
    ]
    assert data.data.tags["tributary.dataset"] == "late_flights@9c1f0b7a62de"
    assert data.data.tags["tributary.sources"] == "shop.flights@412"


def test_the_dataset_of_a_run_is_loaded_again_and_checked(folder: Path) -> None:
    with mlflow.start_run() as run:
        td.load(f"{folder.parents[2]}/late_flights@latest").train.log_mlflow(context="training")
    logged = mlflow.get_run(run.info.run_id).inputs.dataset_inputs[0]
    assert logged.tags[0].value == "training"
    source = mlflow.data.get_source(logged)
    assert isinstance(source, TributaryDatasetSource)
    # `latest` was meant then and would be another dataset today: the source holds the id.
    assert source.url == str(folder)
    assert source.load().to_arrow().equals(flights(0, 95))

    (folder / "train/00000.parquet").write_bytes(b"x")
    with pytest.raises(td.TributaryError, match="FILE_CHANGED"):
        source.load().to_arrow()


def test_an_address_of_a_dataset_resolves_to_the_source_and_others_do_not(folder: Path) -> None:
    source = resolve_dataset_source(str(folder), [TributaryDatasetSource])
    assert source.load().id == "9c1f0b7a62de"
    for other in ("s3://bucket/data.csv", "/lake/_datasets/late_flights@latest", 7, None):
        assert not TributaryDatasetSource._can_resolve(other)
