"""Which rows an epoch gives to whom, and in which order. Pure: it knows of row groups and numbers only.

The row groups are put in an order that seed and epoch decide, and their rows are thought of as one long line.
Each rank gets an equal stretch of that line, and each worker of a rank an equal stretch of the rank's. So no
rank waits for another, however few or uneven the groups are. A stretch is cut into blocks of `shuffle_buffer`
rows; the rows of a block are shuffled. Every position in an epoch can be found again without reading what
lies before it: this is how a training is resumed.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from .errors import argument_invalid


@dataclass(frozen=True)
class RowGroup:
    """A row group of a file, both by number."""

    file: int
    group: int
    rows: int


@dataclass(frozen=True)
class Span:
    """Rows of a row group, from `start` up to and without `stop`."""

    file: int
    group: int
    start: int
    stop: int


@dataclass(frozen=True)
class Consumer:
    """Who reads: a rank of a training, and a worker of that rank."""

    rank: int = 0
    world_size: int = 1
    worker: int = 0
    workers: int = 1

    def __post_init__(self) -> None:
        """Raise ARGUMENT_INVALID for a rank or a worker that cannot be."""
        if self.world_size < 1:
            raise argument_invalid("world_size", self.world_size, "it counts the ranks, so it is 1 or more")
        if not 0 <= self.rank < self.world_size:
            raise argument_invalid("rank", self.rank, f"ranks go from 0 to world_size - 1 = {self.world_size - 1}")
        if not 0 <= self.worker < self.workers:
            raise argument_invalid("worker", self.worker, f"workers go from 0 to {self.workers - 1}")


def permutation(count: int, *seed: object) -> pa.Array:
    """The numbers below `count` in an order that the seed decides: the same on every machine, today and in ten years."""
    # SHAKE-128 gives as many bytes as one asks for, and a standard says which. No library's generator promises that.
    name = "/".join(str(part) for part in seed)
    keys = pa.py_buffer(hashlib.shake_128(name.encode()).digest(8 * count))
    numbers = pa.Array.from_buffers(pa.uint64(), count, [None, keys])
    if sys.byteorder == "big":
        numbers = pa.array((int.from_bytes(keys[8 * i : 8 * i + 8], "little") for i in range(count)), pa.uint64())
    return pc.sort_indices(numbers)


def rank_rows(total: int, consumer: Consumer, *, even: bool) -> tuple[int, int]:
    """The stretch of the line that a rank gets. With `even`, the last rows of the line are left out so that all get as many."""
    if even:
        share = total // consumer.world_size
        return consumer.rank * share, (consumer.rank + 1) * share
    return _stretch(total, consumer.rank, consumer.world_size)


def worker_rows(total: int, consumer: Consumer, *, even: bool) -> tuple[int, int]:
    """The stretch of the line that a worker of a rank gets."""
    start, stop = rank_rows(total, consumer, even=even)
    first, last = _stretch(stop - start, consumer.worker, consumer.workers)
    return start + first, start + last


def _stretch(total: int, index: int, count: int) -> tuple[int, int]:
    return total * index // count, total * (index + 1) // count


def plan_epoch(
    groups: Sequence[RowGroup], consumer: Consumer, *, epoch: int, seed: int | None, even: bool
) -> list[Span]:
    """The rows of one consumer in one epoch. Without a seed the groups keep their order."""
    order = list(groups) if seed is None else [groups[i] for i in permutation(len(groups), seed, epoch).to_pylist()]
    start, stop = worker_rows(sum(group.rows for group in groups), consumer, even=even)
    spans = []
    place = 0
    for group in order:
        first, last = max(start, place), min(stop, place + group.rows)
        if first < last:
            spans.append(Span(group.file, group.group, first - place, last - place))
        place += group.rows
    return spans


def cut_blocks(spans: Sequence[Span], size: int) -> list[list[Span]]:
    """Cut the rows into blocks of `size`; the last may be shorter."""
    blocks: list[list[Span]] = []
    room = 0
    for span in spans:
        start = span.start
        while start < span.stop:
            if room == 0:
                blocks.append([])
                room = size
            taken = min(room, span.stop - start)
            blocks[-1].append(Span(span.file, span.group, start, start + taken))
            start += taken
            room -= taken
    return blocks


def batches_of(rows: int, batch: int, *, drop_last: bool) -> int:
    """How many batches so many rows make."""
    return rows // batch if drop_last else -(-rows // batch)


def worker_batches(total: int, consumer: Consumer, *, batch: int, even: bool, drop_last: bool) -> list[int]:
    """How many batches each worker of a rank makes in an epoch."""
    stretches = (
        worker_rows(total, Consumer(consumer.rank, consumer.world_size, worker, consumer.workers), even=even)
        for worker in range(consumer.workers)
    )
    return [batches_of(stop - start, batch, drop_last=drop_last) for start, stop in stretches]


def delivered_by(worker: int, totals: Sequence[int], delivered: int) -> int:
    """How many of the first `delivered` batches came from a worker, when all take turns and who has no more is left out."""
    # Stretches differ by a row at most, so totals differ by a batch at most.
    shortest = min(totals)
    if delivered <= shortest * len(totals):
        rounds, extra = divmod(delivered, len(totals))
        return rounds + (worker < extra)
    beyond = delivered - shortest * len(totals)
    longer = [index for index, total in enumerate(totals) if total > shortest]
    return shortest + (worker in longer[:beyond])


def turn_after(totals: Sequence[int], delivered: int) -> int:
    """Whose turn it is after `delivered` batches. A `DataLoader` always begins with its first worker: that one takes this part."""
    # At the end, where only the longer ones are left, who comes next is never before that number.
    return delivered % len(totals)
