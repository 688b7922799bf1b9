"""A lake in S3, on a real HTTP server of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import pyarrow.fs as pafs
import pytest
from moto.server import ThreadedMotoServer
from publish import flights

import tributary_data as td


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    server = ThreadedMotoServer("127.0.0.1", 0)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in keys.items():
            patch.setenv(name, value)
        server.start()
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
        server.stop()


@pytest.fixture
def lake(folder: Path, endpoint: str) -> str:
    client = boto3.client("s3", endpoint_url=endpoint)
    client.create_bucket(Bucket="lake")
    root = folder.parents[2]
    for base, _, names in os.walk(root):
        for name in names:
            path = Path(base, name)
            client.put_object(Bucket="lake", Key=f"prod/{path.relative_to(root)}", Body=path.read_bytes())
    return "s3://lake/prod"


def query(endpoint: str) -> str:
    return f"?scheme=http&endpoint_override={endpoint.removeprefix('http://')}"


def test_a_dataset_in_a_bucket_is_found_fetched_and_checked(lake: str, endpoint: str, tmp_path: Path) -> None:
    for address in (f"{lake}/_datasets/late_flights/9c1f0b7a62de", f"{lake}/late_flights@latest"):
        dataset = td.load(address + query(endpoint), cache=tmp_path / "cache")
        assert dataset.train.to_arrow().equals(flights(0, 95))
    assert dataset.place.url == f"{lake}/_datasets/late_flights/9c1f0b7a62de" + query(endpoint)
    # The address in the object is enough to find it again: this is what MLflow keeps.
    assert td.load(dataset.place.url).id == "9c1f0b7a62de"


def test_a_file_system_may_be_given(lake: str, endpoint: str) -> None:
    store = pafs.S3FileSystem(endpoint_override=endpoint, region="us-east-1")
    assert td.load(f"{lake}/late_flights@9c1f", filesystem=store).test.to_arrow().num_rows == 10


def test_an_altered_object_and_a_missing_one_are_noticed(lake: str, endpoint: str) -> None:
    client = boto3.client("s3", endpoint_url=endpoint)
    key = "prod/_datasets/late_flights/9c1f0b7a62de/val/00000.parquet"
    dataset = td.load(f"{lake}/late_flights@latest" + query(endpoint))
    data = client.get_object(Bucket="lake", Key=key)["Body"].read()
    client.put_object(Bucket="lake", Key=key, Body=data[:-1] + b"x")
    with pytest.raises(td.TributaryError, match="FILE_CHANGED"):
        dataset.val.to_arrow()
    client.delete_object(Bucket="lake", Key=key)
    with pytest.raises(td.TributaryError, match="FILE_MISSING"):
        dataset.val.to_arrow()


def test_the_lists_of_a_training_job_are_written_into_the_bucket(lake: str, endpoint: str) -> None:
    inputs = td.load(f"{lake}/late_flights@latest" + query(endpoint)).sagemaker_inputs()
    inputs.write()
    client = boto3.client("s3", endpoint_url=endpoint)
    for url, content in inputs.manifests.items():
        body = client.get_object(Bucket="lake", Key=url.removeprefix("s3://lake/"))["Body"].read()
        assert body.decode() == content


def test_a_bucket_that_is_not_there_or_a_server_that_does_not_answer_is_an_error_of_ours(endpoint: str) -> None:
    with pytest.raises(td.TributaryError, match="DATASET_NOT_FOUND|STORE_FAILED"):
        td.load(f"s3://none/x/_datasets/a/b{query(endpoint)}")
    gone = pafs.S3FileSystem(
        endpoint_override="http://127.0.0.1:9",
        region="us-east-1",
        connect_timeout=1,
        retry_strategy=pafs.AwsStandardS3RetryStrategy(1),
    )
    with pytest.raises(td.TributaryError, match="STORE_FAILED"):
        td.load("s3://lake/x/_datasets/a/b", filesystem=gone)
