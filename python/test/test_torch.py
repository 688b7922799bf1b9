"""The loader for PyTorch. Skipped where PyTorch is not installed; the order itself is tested in test_epoch.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow.fs as pafs
import pytest
from publish import flights
from test_files import CountingFiles

import tributary_data as td

torch = pytest.importorskip("torch")
from torch.utils.data import DataLoader  # noqa: E402

NUMBERS = ["delay", "legs", "hub"]


def loader(split: td.Split, workers: int = 0, **how: object) -> tuple[object, DataLoader]:
    rows = split.to_torch(4, form="columns", columns=["fid", "origin"], shuffle_buffer=16, **how)  # type: ignore[arg-type]
    return rows, DataLoader(rows, batch_size=None, num_workers=workers, persistent_workers=workers > 0)


def fids(batches: Iterator[dict[str, object]]) -> list[list[int]]:
    return [batch["fid"].tolist() for batch in batches]  # type: ignore[attr-defined]


def test_a_matrix_is_a_tensor_of_floats_with_label_and_weight(folder: Path) -> None:
    x, y, weight = next(iter(td.load(folder).train.to_torch(6, features=NUMBERS)))
    assert x.dtype == y.dtype == weight.dtype == torch.float32
    assert x.shape == (6, 3)
    assert y.tolist() == [1, 0, 0, 1, 0, 0]
    assert torch.isnan(x[4, 0])


def test_columns_are_tensors_by_name_and_lists_where_there_is_no_such_type(folder: Path) -> None:
    batch = next(iter(td.load(folder).train.to_torch(8, form="columns", columns=["fid", "hub", "origin"])))
    assert batch["fid"].dtype == torch.int64
    assert batch["hub"].dtype == torch.bool
    assert batch["origin"] == flights(0, 8)["origin"].to_pylist()


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_workers_share_an_epoch_and_each_row_comes_once(folder: Path, workers: int) -> None:
    rows, batches = loader(td.load(folder).train, workers, seed=1)
    given = fids(batches)
    assert sorted(fid for part in given for fid in part) == list(range(95))
    assert len(given) == rows.steps(workers)


def test_workers_that_outlive_an_epoch_are_told_the_next_one(folder: Path) -> None:
    rows, batches = loader(td.load(folder).train, 2, seed=1)
    orders = []
    for epoch in (0, 1, 0):
        rows.set_epoch(epoch)
        orders.append(fids(batches))
    assert orders[0] == orders[2] != orders[1]


@pytest.mark.parametrize("workers", [0, 2, 3])
def test_a_training_that_broke_off_goes_on_with_the_batch_it_would_have_had(folder: Path, workers: int) -> None:
    rows, batches = loader(td.load(folder).train, workers, seed=1)
    rows.set_epoch(2)
    whole = fids(batches)
    for used in (1, 7, len(whole) - 1, len(whole)):
        rows.set_epoch(2, batch=used)
        assert fids(batches) == whole[used:]


def test_ranks_make_as_many_steps_as_each_other_and_share_no_row(folder: Path) -> None:
    parts = [fids(loader(td.load(folder).train, 2, seed=1, rank=rank, world_size=3)[1]) for rank in range(3)]
    assert len({len(part) for part in parts}) == 1
    flat = [fid for part in parts for batch in part for fid in batch]
    assert len(flat) == len(set(flat)) == 93
    every = [fids(loader(td.load(folder).train, rank=rank, world_size=3, even=False)[1]) for rank in range(3)]
    assert sorted(fid for part in every for batch in part for fid in batch) == list(range(95))


def test_rank_and_world_size_come_from_torch_distributed_where_it_is_in_use(folder: Path, tmp_path: Path) -> None:
    torch.distributed.init_process_group("gloo", f"file://{tmp_path}/ranks", rank=0, world_size=1)
    try:
        assert len(fids(loader(td.load(folder).train)[1])) == 24
    finally:
        torch.distributed.destroy_process_group()


def test_workers_that_are_started_anew_read_what_was_fetched_before(folder: Path) -> None:
    handler = CountingFiles()
    dataset = td.load(folder, filesystem=pafs.PyFileSystem(handler))
    rows = dataset.train.to_torch(4, form="columns", columns=["fid"], seed=1)
    del dataset
    fetched = len(handler.opened)
    # The temporary cache lives as long as the loader, and workers need no network.
    given = fids(DataLoader(rows, batch_size=None, num_workers=2))
    assert sorted(fid for part in given for fid in part) == list(range(95))
    assert len(handler.opened) == fetched


def test_local_files_go_to_spawned_workers(folder: Path) -> None:
    rows = td.load(folder).train.to_torch(4, form="columns", columns=["fid"], seed=1)
    given = fids(DataLoader(rows, batch_size=None, num_workers=1, multiprocessing_context="spawn"))
    assert given == fids(rows)


def test_what_cannot_be_is_refused(folder: Path) -> None:
    train = td.load(folder).train
    wrong = [
        {"form": "rows"},
        {"rank": 1},
        {"world_size": 2},
        {"rank": 2, "world_size": 2},
        {"columns": ["fid"]},
        {"form": "columns", "features": ["hub"]},
    ]
    for how in wrong:
        with pytest.raises(td.TributaryError, match="ARGUMENT_INVALID"):
            train.to_torch(4, **how)  # type: ignore[arg-type]
    with pytest.raises(td.TributaryError, match="ARGUMENT_INVALID"):
        train.to_torch(4).set_epoch(0, batch=-1)


def test_a_column_that_is_no_number_is_named_at_the_first_batch(folder: Path) -> None:
    with pytest.raises(td.TributaryError, match="COLUMN_NOT_NUMERIC: The column 'origin'"):
        next(iter(td.load(folder).train.to_torch(4)))
    batches = DataLoader(td.load(folder).train.to_torch(4), batch_size=None, num_workers=1)
    with pytest.raises(td.TributaryError, match="COLUMN_NOT_NUMERIC"):
        next(iter(batches))
