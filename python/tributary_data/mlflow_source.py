"""Datasets in MLflow: a split is logged as an input of a run, and `mlflow.data.get_source` finds it again.

MLflow learns of the source by the entry point `mlflow.dataset_source`, so that a reader of a run only needs this package installed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from mlflow.data.dataset import Dataset as MlflowDataset
from mlflow.data.dataset_source import DatasetSource

from .dataset import load
from .split import Split

# MLflow's own names of types, by those of the lake.
TYPES: Mapping[str, str] = {
    "boolean": "boolean",
    "byte": "integer",
    "short": "integer",
    "integer": "integer",
    "long": "long",
    "float": "float",
    "double": "double",
    "decimal": "double",
    "date": "datetime",
    "timestamp": "datetime",
    "timestamp_ntz": "datetime",
    "binary": "binary",
}


class TributaryDatasetSource(DatasetSource):
    """A split of a dataset that Tributary published."""

    def __init__(self, *, url: str, split: str | None) -> None:
        """`url` ends in the dataset's id, so that it never means another one."""
        self.url = url
        self.split = split

    @staticmethod
    def _get_source_type() -> str:
        return "tributary"

    def load(self) -> Any:
        """The split that was logged; the whole dataset where the source names none. Raises what `load` raises."""
        dataset = load(self.url)
        return dataset if self.split is None else dataset[self.split]

    @staticmethod
    def _can_resolve(raw_source: Any) -> bool:
        return isinstance(raw_source, str) and re.search(r"/_datasets/[^/@]+(/|@)[0-9a-f]+/?$", raw_source) is not None

    @classmethod
    def _resolve(cls, raw_source: Any) -> TributaryDatasetSource:
        return cls(url=raw_source, split=None)

    def to_dict(self) -> dict[str, Any]:
        """What MLflow keeps of it, as JSON."""
        return {"url": self.url} if self.split is None else {"url": self.url, "split": self.split}

    @classmethod
    def from_dict(cls, source_dict: Mapping[Any, Any]) -> TributaryDatasetSource:
        """The other way."""
        return cls(url=source_dict["url"], split=source_dict.get("split"))


class TributarySplit(MlflowDataset):
    """A split as MLflow shows it: name, digest, columns, and how many rows it has."""

    def __init__(self, split: Split, source: TributaryDatasetSource) -> None:
        """The digest is ours: MLflow's own covers some rows and some columns only."""
        self._split = split
        super().__init__(source, name=split.manifest.name, digest=split.digest)

    def _compute_digest(self) -> str:
        return self._split.digest

    def to_dict(self) -> dict[str, str]:
        """As MLflow keeps it."""
        base: dict[str, str] = super().to_dict()
        return {**base, "schema": json.dumps(self.schema), "profile": json.dumps(self.profile)}

    @property
    def schema(self) -> dict[str, Any]:
        """Names and types of the columns."""
        columns = [
            {"type": TYPES.get(column.type.partition("(")[0], "string"), "name": column.name, "required": False}
            for column in self._split.manifest.columns
        ]
        return {"mlflow_colspec": columns}

    @property
    def profile(self) -> dict[str, Any]:
        """The number of rows and the mean of the label."""
        part = self._split.part
        return {"num_rows": part.rows, "label_mean": part.label_mean, "rows_digest": part.rows_digest}


def mlflow_dataset(split: Split, url: str) -> TributarySplit:
    """A split for `mlflow.log_input`."""
    return TributarySplit(split, TributaryDatasetSource(url=url, split=split.name))
