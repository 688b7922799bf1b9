"""One part of a dataset: the rows, in the shape that the next tool wants."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from .epoch import Consumer
from .errors import argument_invalid, column_not_found, extra_missing, file_unreadable
from .files import Files, open_parquet
from .manifest import Manifest, Part
from .stream import SHUFFLE_BUFFER, CheckedFiles, Reading, list_groups, read_batches

if TYPE_CHECKING:
    import datasets
    import pandas as pd
    import polars as pl

    from .torch_loader import TorchBatches


class Split:
    """A split of a dataset. Its files are checked against the manifest before the first row of them is given out.

    Every method that reads rows raises FILE_MISSING, FILE_CHANGED, FILE_UNREADABLE, STORE_FAILED, and COLUMN_NOT_FOUND
    where columns are named.
    """

    def __init__(self, manifest: Manifest, part: Part, files: Files) -> None:
        """Made by `load`."""
        self.manifest = manifest
        self.part = part
        self._files = files

    @property
    def name(self) -> str:
        """`train`, `val`, `test` or as the definition names it."""
        return self.part.name

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, in their order."""
        return tuple(column.name for column in self.manifest.columns)

    @property
    def features(self) -> tuple[str, ...]:
        """The columns to learn from: all but the key, the time of prediction, the label and the weight."""
        return self.manifest.features

    @property
    def digest(self) -> str:
        """What names this split for good, in 32 digits: the dataset's id and the beginning of the digest of its rows."""
        return self.manifest.id + "".join(self.part.rows_digest.split("-")[1:])[:20]

    def __len__(self) -> int:
        """The number of rows."""
        return self.part.rows

    def __repr__(self) -> str:
        """Name and rows, for a person at a prompt."""
        return f"Split({self.manifest.name}@{self.manifest.id}/{self.name}, {len(self)} rows)"

    def check(self) -> list[str]:
        """Check every file now; return where they lie on this machine, for tools that read Parquet themselves."""
        return self._files.check(self.part.files)

    def to_arrow(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All rows as an Arrow table, in the order in which they were published."""
        names = self._known(columns)
        paths = self.check()
        if not paths:
            return pa.table({name: pa.nulls(0) for name in names})
        tables = []
        for path, file in zip(paths, self.part.files, strict=True):
            with open_parquet(path, file) as parquet:
                self._compare_columns(path, parquet.schema_arrow.names)
                try:
                    tables.append(parquet.read(columns=list(names)))
                except (pa.ArrowException, OSError) as cause:
                    raise file_unreadable(path, cause) from cause
        return pa.concat_tables(tables)

    def to_pandas(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """All rows as a pandas DataFrame. A whole number that is missing makes its column floating point, as ever in pandas."""
        optional("pandas", "pandas", "to_pandas()")
        frame: pd.DataFrame = self.to_arrow(columns).to_pandas()
        return frame

    def to_polars(self, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """All rows as a Polars DataFrame, without a copy where that is possible."""
        polars = optional("polars", "polars", "to_polars()")
        frame: pl.DataFrame = polars.from_arrow(self.to_arrow(columns))
        return frame

    def to_hf(self, columns: Sequence[str] | None = None) -> datasets.Dataset:
        """All rows as a Hugging Face dataset. Its fingerprint comes from the digest, so that what it caches is found again."""
        hf = optional("datasets", "hf", "to_hf()")
        names = self._known(columns)
        table = hf.table.InMemoryTable(self.to_arrow(names))
        suffix = "" if names == self.columns else "/" + "/".join(names)
        return hf.Dataset(
            table, split=hf.NamedSplit(self.name), fingerprint=hf.fingerprint.Hasher.hash(self.digest + suffix)
        )

    def batches(
        self,
        batch: int,
        *,
        columns: Sequence[str] | None = None,
        seed: int | None = None,
        epoch: int = 0,
        shuffle_buffer: int = SHUFFLE_BUFFER,
        rank: int = 0,
        world_size: int = 1,
        skip: int = 0,
    ) -> Iterator[pa.Table]:
        """The rows in Arrow tables of `batch` rows, for loops without PyTorch.

        With a seed each epoch has an order of its own, the same on every machine. Raises ARGUMENT_INVALID.
        """
        if skip < 0 or epoch < 0:
            raise argument_invalid("skip" if skip < 0 else "epoch", min(skip, epoch), "it counts from 0 on")
        consumer = Consumer(rank, world_size)
        reading = Reading(self._known(columns), batch, seed, shuffle_buffer, even=world_size > 1)
        checked = self._checked()
        return read_batches(checked, list_groups(checked), consumer, reading, epoch=epoch, skip=skip)

    def to_torch(
        self,
        batch: int,
        *,
        form: Literal["matrix", "columns"] = "matrix",
        features: Sequence[str] | None = None,
        columns: Sequence[str] | None = None,
        seed: int | None = None,
        shuffle_buffer: int = SHUFFLE_BUFFER,
        rank: int | None = None,
        world_size: int | None = None,
        even: bool | None = None,
        drop_last: bool = False,
    ) -> TorchBatches:
        """The rows as an `IterableDataset` of batches; give it to a `DataLoader` with `batch_size=None`.

        `form="matrix"` gives `Batch(x, y, weight)` of 32-bit floats with the features as columns of `x`; `form="columns"`
        gives one tensor a column by name, and a list where PyTorch has no such type. Without a seed the rows keep their
        order. `even` makes all ranks have as many rows, which is the default for more than one; up to `world_size - 1`
        rows are then left out, others in each epoch. Raises ARGUMENT_INVALID, COLUMN_NOT_NUMERIC, COLUMN_HAS_NULLS.
        """
        optional("torch", "torch", "to_torch()")
        from .arrays import column_arrays, matrix
        from .torch_loader import TorchBatches, ranks

        consumer = Consumer(*ranks(rank, world_size))
        if form == "matrix":
            if columns is not None:
                raise argument_invalid("columns", columns, "they are for form='columns'; a matrix is of features=[...]")
            chosen = self._known(self.features if features is None else features)
            extra = tuple(name for name in (self.manifest.label, self.manifest.weight) if name is not None)
            names = (*chosen, *(name for name in extra if name not in chosen))
            make: Callable[[pa.Table], Any] = partial(
                matrix, features=chosen, label=self.manifest.label, weight=self.manifest.weight
            )
        elif form == "columns":
            if features is not None:
                raise argument_invalid("features", features, "they are for form='matrix'; this form has columns=[...]")
            names, make = self._known(columns), column_arrays
        else:
            raise argument_invalid("form", form, "it is 'matrix' or 'columns'")
        is_even = consumer.world_size > 1 if even is None else even
        reading = Reading(names, batch, seed, shuffle_buffer, even=is_even, drop_last=drop_last)
        checked = self._checked()
        return TorchBatches(checked, list_groups(checked), reading, consumer=consumer, form=make)

    def log_mlflow(self, context: str | None = None) -> None:
        """Log this split as an input of MLflow's active run, or of a new one; the context is the split's name if left out."""
        mlflow = optional("mlflow", "mlflow", "log_mlflow()")
        source = importlib.import_module("tributary_data.mlflow_source")
        mlflow.log_input(source.mlflow_dataset(self, self._files.place.url), context=context or self.name)

    def _checked(self) -> CheckedFiles:
        """All files, here and checked: worker processes then read them from the disk and need no network of their own."""
        checked = CheckedFiles(tuple(self.check()), self.part.files, self._files)
        for path, file in zip(checked.paths, checked.files, strict=True):
            with open_parquet(path, file) as parquet:
                self._compare_columns(path, parquet.schema_arrow.names)
        return checked

    def _known(self, columns: Sequence[str] | None) -> tuple[str, ...]:
        if columns is None:
            return self.columns
        if isinstance(columns, str):
            raise argument_invalid("columns", columns, f"it is a list of names: [{columns!r}]")
        for name in columns:
            if name not in self.columns:
                raise column_not_found(name, self.columns)
        return tuple(columns)

    def _compare_columns(self, path: str, found: Sequence[str]) -> None:
        if tuple(found) != self.columns:
            raise file_unreadable(path, f"its columns are {', '.join(found)} and not {', '.join(self.columns)}")


def optional(package: str, extra: str, need: str) -> Any:
    """Import what is optional. Raises EXTRA_MISSING."""
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as cause:
        if cause.name != package:
            raise
        raise extra_missing(package, extra, need) from cause
