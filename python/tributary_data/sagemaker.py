"""What a SageMaker training job needs to read a dataset: its channels, and one list of files for each. No AWS SDK is needed.

A channel names a list of files and not a prefix: a prefix would also match what somebody else put beside the files. FastFile takes
only prefixes. `ml/src/datasets/sagemaker.ts` has the same rules.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import argument_invalid, not_in_s3, store_failed
from .place import Place, split_query

if TYPE_CHECKING:
    from .dataset import Dataset

INPUT_MODES = ("File", "FastFile")
DISTRIBUTIONS = ("FullyReplicated", "ShardedByS3Key")
# SageMaker's own name of the second channel: built-in algorithms look for that one.
CHANNEL_NAMES = {"val": "validation"}
# AWS, "Choosing an input mode and a storage unit": File for small sets, FastFile for larger ones in files of more than 50 MB.
STREAMED_BYTES_MIN = 50_000_000_000
STREAMED_FILE_BYTES_MIN = 50_000_000


@dataclass(frozen=True)
class SageMakerInputs:
    """Channels of a training job, and the lists of files that they name."""

    input_data_config: list[dict[str, Any]]
    """For `create_training_job(InputDataConfig=...)`: one channel a split."""
    manifests: Mapping[str, str]
    """The content of each list of files, by the S3 address where it has to lie."""
    tags: list[dict[str, str]]
    """For `Tags=...` of the job and of the model package: they lead back to the dataset."""
    _place: Place

    def write(self) -> None:
        """Write the lists of files to where the channels look for them. Raises STORE_FAILED."""
        for url, content in self.manifests.items():
            path = f"{self._place.folder}/{url.rpartition('/')[2]}"
            try:
                with self._place.filesystem.open_output_stream(path) as stream:
                    stream.write(content.encode())
            except OSError as cause:
                raise store_failed(path, cause) from cause


def plan_inputs(dataset: Dataset, *, input_mode: str | None, distribution: str, instances: int) -> SageMakerInputs:
    """Plan the channels. Raises NOT_IN_S3, ARGUMENT_INVALID."""
    base = split_query(dataset.place.url)[0]
    if not base.startswith("s3://"):
        raise not_in_s3(base)
    if input_mode is not None and input_mode not in INPUT_MODES:
        raise argument_invalid("input_mode", input_mode, f"it is one of {', '.join(INPUT_MODES)}")
    if distribution not in DISTRIBUTIONS:
        raise argument_invalid("distribution", distribution, f"it is one of {', '.join(DISTRIBUTIONS)}")
    channels: list[dict[str, Any]] = []
    manifests: dict[str, str] = {}
    for name, split in dataset.items():
        shards = len(split.part.files)
        if distribution == "ShardedByS3Key" and shards < instances:
            raise argument_invalid(
                "instances",
                instances,
                f"the split {name!r} has {shards} files, and an instance without a file would train on nothing. "
                f"Build the dataset with shards: {instances} or more, or take distribution='FullyReplicated'",
            )
        mode = input_mode or advised_mode([file.bytes for file in split.part.files])
        if mode == "FastFile":
            source = {"S3DataType": "S3Prefix", "S3Uri": f"{base}/{shared_prefix([file.path for file in split.part.files])}"}
        else:
            url = f"{base}/{name}.manifest"
            listed = [{"prefix": f"{base}/"}, *(file.path for file in split.part.files)]
            manifests[url] = json.dumps(listed, indent=1) + "\n"
            source = {"S3DataType": "ManifestFile", "S3Uri": url}
        source["S3DataDistributionType"] = distribution
        channels.append(
            {
                "ChannelName": CHANNEL_NAMES.get(name, name),
                "DataSource": {"S3DataSource": source},
                "ContentType": "application/x-parquet",
                "CompressionType": "None",
                "RecordWrapperType": "None",
                "InputMode": mode,
            }
        )
    tags = [{"Key": "tributary:dataset", "Value": f"{dataset.name}@{dataset.id}"}]
    return SageMakerInputs(channels, manifests, tags, dataset.place)


def shared_prefix(paths: Sequence[str]) -> str:
    """How the names of all files begin, up to a - or /; what a killed build left beside them begins otherwise."""
    prefix = os.path.commonprefix(list(paths))
    return prefix[: max(prefix.rfind("-"), prefix.rfind("/")) + 1]


def advised_mode(sizes: Sequence[int]) -> str:
    """How a job should read files of these sizes."""
    total = sum(sizes)
    return "FastFile" if total >= STREAMED_BYTES_MIN and total >= STREAMED_FILE_BYTES_MIN * len(sizes) else "File"
