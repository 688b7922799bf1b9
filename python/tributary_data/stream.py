"""Batches of an epoch, read as the plan of `epoch.py` says. One row group and one block are in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from .epoch import Consumer, RowGroup, Span, cut_blocks, permutation, plan_epoch
from .errors import argument_invalid, file_unreadable
from .files import Files, open_parquet
from .manifest import DataFile

SHUFFLE_BUFFER = 65_536


@dataclass(frozen=True)
class Reading:
    """How a split is read: the columns, the rows of a batch, and the order."""

    columns: tuple[str, ...]
    batch: int
    seed: int | None
    shuffle_buffer: int = SHUFFLE_BUFFER
    even: bool = False
    drop_last: bool = False

    def __post_init__(self) -> None:
        """Raise ARGUMENT_INVALID for numbers that cannot be."""
        if self.batch < 1:
            raise argument_invalid("batch", self.batch, "a batch has one row or more")
        if self.shuffle_buffer < 1:
            raise argument_invalid("shuffle_buffer", self.shuffle_buffer, "1 leaves the rows of a group in their order")


@dataclass(frozen=True)
class CheckedFiles:
    """Files that are checked: where they lie, what the manifest says of them, and who keeps them there."""

    paths: tuple[str, ...]
    files: tuple[DataFile, ...]
    # A temporary cache goes with its owner; a loader that outlives the dataset must not lose its files.
    owner: Files


def list_groups(checked: CheckedFiles) -> list[RowGroup]:
    """The row groups of the files, from their footers. Raises FILE_UNREADABLE."""
    groups = []
    for index, (path, file) in enumerate(zip(checked.paths, checked.files, strict=True)):
        with open_parquet(path, file) as parquet:
            metadata = parquet.metadata
            groups += [RowGroup(index, one, metadata.row_group(one).num_rows) for one in range(metadata.num_row_groups)]
    return groups


def read_batches(
    checked: CheckedFiles,
    groups: Sequence[RowGroup],
    consumer: Consumer,
    reading: Reading,
    *,
    epoch: int = 0,
    skip: int = 0,
) -> Iterator[pa.Table]:
    """The batches of one consumer in one epoch; the first `skip` of them are not even read.

    Raises FILE_UNREADABLE.
    """
    spans = plan_epoch(groups, consumer, epoch=epoch, seed=reading.seed, even=reading.even)
    size = reading.shuffle_buffer if reading.seed is not None else SHUFFLE_BUFFER
    blocks = cut_blocks(spans, size)
    first, offset = divmod(skip * reading.batch, size)
    with _Groups(checked, reading.columns) as reader:
        rest: pa.Table | None = None
        for number in range(first, len(blocks)):
            block = pa.concat_tables([reader.read(span) for span in blocks[number]])
            if reading.seed is not None:
                place = (consumer.rank, consumer.world_size, consumer.worker, consumer.workers)
                block = block.take(permutation(block.num_rows, reading.seed, epoch, *place, number))
            block = block.slice(offset)
            offset = 0
            rows = block if rest is None else pa.concat_tables([rest, block])
            while rows.num_rows >= reading.batch:
                yield rows.slice(0, reading.batch)
                rows = rows.slice(reading.batch)
            rest = rows
        if rest is not None and rest.num_rows > 0 and not reading.drop_last:
            yield rest


class _Groups:
    """Reads spans. The last file stays open and the last row group in memory: blocks seldom end where groups do."""

    def __init__(self, checked: CheckedFiles, columns: tuple[str, ...]) -> None:
        self._checked = checked
        self._columns = list(columns)
        self._file: tuple[int, pq.ParquetFile] | None = None
        self._group: tuple[tuple[int, int], pa.Table] | None = None

    def __enter__(self) -> _Groups:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file[1].close()

    def read(self, span: Span) -> pa.Table:
        if self._group is None or self._group[0] != (span.file, span.group):
            self._group = ((span.file, span.group), self._read_group(span))
        return self._group[1].slice(span.start, span.stop - span.start)

    def _read_group(self, span: Span) -> pa.Table:
        path = self._checked.paths[span.file]
        if self._file is None or self._file[0] != span.file:
            if self._file is not None:
                self._file[1].close()
            self._file = (span.file, open_parquet(path, self._checked.files[span.file]))
        try:
            return self._file[1].read_row_group(span.group, columns=self._columns)
        except (pa.ArrowException, OSError) as cause:
            raise file_unreadable(path, cause) from cause
