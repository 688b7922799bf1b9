"""A split as a dataset of PyTorch: batches, in the order of an epoch, shared by ranks and workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import torch
from torch.utils.data import IterableDataset, get_worker_info

from .batch import Batch
from .epoch import Consumer, RowGroup, delivered_by, turn_after, worker_batches
from .errors import argument_invalid
from .stream import CheckedFiles, Reading, read_batches


class TorchBatches(IterableDataset[Any]):
    """Batches of tensors. Give it to a `DataLoader` with `batch_size=None`: the rows are in batches already."""

    def __init__(
        self,
        checked: CheckedFiles,
        groups: Sequence[RowGroup],
        reading: Reading,
        *,
        consumer: Consumer,
        form: Callable[[pa.Table], Any],
    ) -> None:
        """`form` makes arrays of a batch of rows."""
        self._checked = checked
        self._groups = list(groups)
        self._reading = reading
        self._consumer = consumer
        self._form = form
        # Workers that outlive an epoch have a copy of this object; memory that they share tells them the next epoch.
        self._position = torch.zeros(2, dtype=torch.int64)
        self._position.share_memory_()  # type: ignore[no-untyped-call]

    def set_epoch(self, epoch: int, *, batch: int = 0) -> None:
        """The order of the next pass; `batch` batches of it were used before, in a run that broke off, and are left out.

        That run must have had as many ranks and workers as this one. Raises ARGUMENT_INVALID.
        """
        if epoch < 0 or batch < 0:
            raise argument_invalid("epoch" if epoch < 0 else "batch", min(epoch, batch), "it counts from 0 on")
        self._position[0] = epoch
        self._position[1] = batch

    def steps(self, workers: int = 1) -> int:
        """How many batches an epoch has on this rank, with so many workers of its `DataLoader`."""
        return sum(self._totals(Consumer(self._consumer.rank, self._consumer.world_size, 0, max(workers, 1))))

    def __iter__(self) -> Iterator[Any]:
        """The batches of this process in the epoch that was set."""
        info = get_worker_info()
        worker, workers = (0, 1) if info is None else (info.id, info.num_workers)
        rank, world_size = self._consumer.rank, self._consumer.world_size
        epoch, delivered = (int(number) for number in self._position)
        totals = self._totals(Consumer(rank, world_size, worker, workers))
        part = (worker + turn_after(totals, delivered)) % workers
        consumer = Consumer(rank, world_size, part, workers)
        skip = delivered_by(part, totals, delivered)
        tables = read_batches(self._checked, self._groups, consumer, self._reading, epoch=epoch, skip=skip)
        return (_tensors(self._form(table)) for table in tables)

    def _totals(self, consumer: Consumer) -> list[int]:
        reading = self._reading
        rows = sum(group.rows for group in self._groups)
        return worker_batches(rows, consumer, batch=reading.batch, even=reading.even, drop_last=reading.drop_last)


def ranks(rank: int | None, world_size: int | None) -> tuple[int, int]:
    """Rank and number of ranks: as given, or as `torch.distributed` knows them. Raises ARGUMENT_INVALID where one is missing."""
    if rank is not None and world_size is not None:
        return rank, world_size
    if rank is not None or world_size is not None:
        raise argument_invalid("rank", rank, f"it and world_size={world_size} go together: give both or neither")
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1


def _tensors(batch: Any) -> Any:
    if isinstance(batch, Batch):
        return Batch(*(None if part is None else torch.from_numpy(part) for part in (batch.x, batch.y, batch.weight)))
    return {name: part if isinstance(part, list) else torch.from_numpy(part) for name, part in batch.items()}
