"""A dataset that was published: what it is, its splits, and the ways to hand it on."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

import pyarrow.fs as pafs

from .errors import split_not_found
from .files import Files
from .manifest import Manifest
from .place import Place, locate
from .split import Split, optional

if TYPE_CHECKING:
    from .sagemaker import SageMakerInputs


def load(
    address: str | os.PathLike[str],
    *,
    filesystem: pafs.FileSystem | None = None,
    cache: str | os.PathLike[str] | None = None,
) -> Dataset:
    """Open the dataset at an address: `LAKE/_datasets/NAME/ID`, `LAKE/NAME@ID` or `LAKE/NAME@latest`.

    The lake is a folder or an `s3://` URL; the beginning of an id is enough. Only the manifest is read now. Files that are
    not on this machine come into `cache` when they are needed: a folder that several processes and runs may share, or
    without one a temporary folder. Raises ADDRESS_INVALID, DATASET_NOT_FOUND, DATASET_AMBIGUOUS, MANIFEST_CORRUPT,
    MANIFEST_UNSUPPORTED, PATH_CLIMBS, STORE_FAILED.
    """
    place, manifest = locate(address, filesystem)
    return Dataset(place, manifest, Files(place, cache))


class Dataset(Mapping[str, Split]):
    """A published dataset: a mapping from names to splits. `ds["train"]` and `ds.train` are the same."""

    def __init__(self, place: Place, manifest: Manifest, files: Files) -> None:
        """Made by `load`."""
        self.place = place
        self.manifest = manifest
        self._splits = {name: Split(manifest, part, files) for name, part in manifest.splits.items()}

    @property
    def name(self) -> str:
        """The dataset's name."""
        return self.manifest.name

    @property
    def id(self) -> str:
        """The id: the same inputs give the same one, wherever they are built."""
        return self.manifest.id

    @property
    def label(self) -> str | None:
        """The column to predict; None where the dataset has none."""
        return self.manifest.label

    @property
    def weight(self) -> str | None:
        """The column that makes up for rows that were left out of the sample; None where all were kept."""
        return self.manifest.weight

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that name a row."""
        return self.manifest.key

    @property
    def features(self) -> tuple[str, ...]:
        """The columns to learn from."""
        return self.manifest.features

    @property
    def train(self) -> Split:
        """The rows to learn from. Raises SPLIT_NOT_FOUND."""
        return self["train"]

    @property
    def val(self) -> Split:
        """The rows to choose by. Raises SPLIT_NOT_FOUND."""
        return self["val"]

    @property
    def test(self) -> Split:
        """The rows to judge by. Raises SPLIT_NOT_FOUND."""
        return self["test"]

    def __getitem__(self, name: str) -> Split:
        """The split of that name. Raises SPLIT_NOT_FOUND."""
        if name not in self._splits:
            raise split_not_found(name, list(self._splits))
        return self._splits[name]

    def __contains__(self, name: object) -> bool:
        """Whether there is a split of that name."""
        return name in self._splits

    def __iter__(self) -> Iterator[str]:
        """The names of the splits."""
        return iter(self._splits)

    def __len__(self) -> int:
        """The number of splits."""
        return len(self._splits)

    def __repr__(self) -> str:
        """Name, id and splits, for a person at a prompt."""
        splits = ", ".join(f"{name}: {len(split)} rows" for name, split in self._splits.items())
        return f"Dataset({self.name}@{self.id}, {splits})"

    def check(self) -> None:
        """Check every file of every split. Raises FILE_MISSING, FILE_CHANGED, STORE_FAILED."""
        for split in self._splits.values():
            split.check()

    def log_mlflow(self) -> None:
        """Log every split as an input of MLflow's active run, or of a new one, and tag the run with the dataset and its sources.

        Raises EXTRA_MISSING.
        """
        mlflow = optional("mlflow", "mlflow", "log_mlflow()")
        for split in self._splits.values():
            split.log_mlflow()
        sources = ",".join(f"{source.table}@{source.version}" for source in self.manifest.sources)
        mlflow.set_tags({"tributary.dataset": f"{self.name}@{self.id}", "tributary.sources": sources})

    def sagemaker_inputs(
        self,
        *,
        input_mode: Literal["File", "FastFile"] | None = None,
        distribution: Literal["FullyReplicated", "ShardedByS3Key"] = "FullyReplicated",
        instances: int = 1,
    ) -> SageMakerInputs:
        """What a SageMaker training job needs to read this dataset. Raises NOT_IN_S3, ARGUMENT_INVALID.

        Without `input_mode` it is FastFile for a split of at least 50 GB in files of at least 50 MB, else File.
        """
        from .sagemaker import plan_inputs

        return plan_inputs(self, input_mode=input_mode, distribution=distribution, instances=instances)
