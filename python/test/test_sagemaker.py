"""What a training job of SageMaker is given."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.fs as pafs
import pytest
from botocore.session import get_session
from botocore.validate import ParamValidator
from publish import flights, publish

import tributary_data as td
from tributary_data.dataset import Dataset
from tributary_data.files import Files
from tributary_data.manifest import parse_manifest
from tributary_data.place import Place
from tributary_data.sagemaker import advised_mode


def in_s3(folder: Path) -> Dataset:
    """The dataset as if its folder were a bucket."""
    lake = folder.parents[2]
    tree = pafs.SubTreeFileSystem(str(lake.parent), pafs.LocalFileSystem())
    place = Place(
        tree, str(folder.relative_to(lake.parent)), f"s3://bucket/{folder.relative_to(lake)}?region=eu-west-1"
    )
    manifest = parse_manifest("manifest.json", (folder / "manifest.json").read_bytes())
    return Dataset(place, manifest, Files(place, None))


def test_channels_are_what_create_training_job_takes(folder: Path) -> None:
    inputs = in_s3(folder).sagemaker_inputs(input_mode="FastFile", distribution="ShardedByS3Key", instances=4)
    shape = get_session().get_service_model("sagemaker").shape_for("CreateTrainingJobRequest")
    for member, value in (("InputDataConfig", inputs.input_data_config), ("Tags", inputs.tags)):
        report = ParamValidator().validate(value, shape.members[member])
        assert report.generate_report() == ""
    assert [channel["ChannelName"] for channel in inputs.input_data_config] == ["train", "validation", "test"]
    assert inputs.input_data_config[0]["InputMode"] == "FastFile"
    # "Fast file currently supports S3 prefixes only (it does not support manifest and augmented manifest)."
    assert inputs.input_data_config[1]["DataSource"]["S3DataSource"] == {
        "S3DataType": "S3Prefix",
        "S3Uri": "s3://bucket/_datasets/late_flights/9c1f0b7a62de/val/",
        "S3DataDistributionType": "ShardedByS3Key",
    }
    assert inputs.manifests == {}
    assert inputs.tags == [{"Key": "tributary:dataset", "Value": "late_flights@9c1f0b7a62de"}]


def test_the_list_of_a_channel_names_the_files_of_its_split_and_no_other(folder: Path) -> None:
    inputs = in_s3(folder).sagemaker_inputs()
    base = "s3://bucket/_datasets/late_flights/9c1f0b7a62de"
    assert json.loads(inputs.manifests[f"{base}/train.manifest"]) == [
        {"prefix": f"{base}/"},
        *(f"train/0000{shard}.parquet" for shard in range(4)),
    ]
    named = [channel["DataSource"]["S3DataSource"]["S3Uri"] for channel in inputs.input_data_config]
    assert named == list(inputs.manifests)


def test_many_bytes_in_large_files_are_streamed_and_all_else_is_copied_first() -> None:
    assert [advised_mode(sizes) for sizes in ([10**8] * 500, [10**8] * 499, [10**6] * 50_000)] == [
        "FastFile",
        "File",
        "File",
    ]


def test_lists_are_written_beside_the_manifest(folder: Path) -> None:
    inputs = in_s3(folder).sagemaker_inputs()
    inputs.write()
    for url, content in inputs.manifests.items():
        assert (folder / url.rpartition("/")[2]).read_text() == content
    assert td.load(folder).train.to_arrow().num_rows == 95


def test_what_cannot_be_trained_on_is_refused(folder: Path) -> None:
    with pytest.raises(td.TributaryError, match="NOT_IN_S3"):
        td.load(folder).sagemaker_inputs()
    dataset = in_s3(folder)
    wrong = [
        {"input_mode": "Pipe"},
        {"distribution": "Random"},
        {"distribution": "ShardedByS3Key", "instances": 5},
    ]
    for how in wrong:
        with pytest.raises(td.TributaryError, match="ARGUMENT_INVALID"):
            dataset.sagemaker_inputs(**how)


def test_a_split_that_is_one_file_serves_one_instance(tmp_path: Path) -> None:
    dataset = in_s3(publish(tmp_path / "lake", {"train": flights(0, 9)}, shards=1))
    assert len(dataset.sagemaker_inputs(distribution="ShardedByS3Key").input_data_config) == 1
