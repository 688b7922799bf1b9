"""The rows of a split in every shape."""

from __future__ import annotations

import hashlib
import random
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from publish import flights, publish

import tributary_data as td
from tributary_data.arrays import column_arrays, matrix

ALL = flights(0, 95)


def fids(tables: object) -> list[int]:
    return [fid for table in tables for fid in table["fid"].to_pylist()]  # type: ignore[attr-defined]


def test_arrow_and_pandas_have_the_rows_as_they_were_published(folder: Path) -> None:
    train = td.load(folder).train
    assert train.to_arrow().equals(ALL)
    assert train.to_arrow(["label", "fid"]).equals(ALL.select(["label", "fid"]))
    frame = train.to_pandas()
    assert list(frame.columns) == ALL.column_names
    assert frame.fid.sum() == sum(range(95))
    assert str(frame["at"].dtype).startswith("datetime64")


def test_a_split_without_rows_has_its_columns(tmp_path: Path) -> None:
    for shards in (1, 0):
        dataset = td.load(publish(tmp_path, {"train": flights(0, 0), "test": flights(0, 0)}, shards=shards))
        empty = dataset.test
        assert empty.to_arrow().column_names == ALL.column_names
        assert list(empty.batches(4)) == []
        assert list(empty.batches(4, seed=1)) == []


def test_names_of_columns_are_checked(folder: Path) -> None:
    train = td.load(folder).train
    with pytest.raises(
        td.TributaryError, match="COLUMN_NOT_FOUND: The dataset has no column 'price'. It has: fid, at, "
    ):
        train.to_arrow(["price"])
    with pytest.raises(td.TributaryError, match="ARGUMENT_INVALID"):
        train.to_arrow("label")


def test_batches_without_a_seed_are_the_rows_in_their_order(folder: Path) -> None:
    batches = list(td.load(folder).train.batches(10))
    assert [batch.num_rows for batch in batches] == [10] * 9 + [5]
    assert pa.concat_tables(batches).equals(ALL)


def test_batches_with_a_seed_are_all_rows_in_an_order_that_seed_and_epoch_decide(folder: Path) -> None:
    train = td.load(folder).train
    orders = [fids(train.batches(7, seed=1, epoch=epoch, shuffle_buffer=40)) for epoch in (0, 1, 0)]
    assert orders[0] == orders[2] != orders[1]
    assert all(sorted(order) == list(range(95)) for order in orders)
    shuffled = pa.concat_tables(train.batches(7, seed=1, shuffle_buffer=40))
    assert shuffled.sort_by("fid").equals(ALL)


def test_rows_of_one_group_have_another_order_in_each_epoch_and_each_block(tmp_path: Path) -> None:
    train = td.load(publish(tmp_path, {"train": flights(0, 60)}, shards=1, group_rows=60)).train
    orders = [fids(train.batches(60, seed=1, epoch=epoch, shuffle_buffer=30)) for epoch in (0, 1)]
    assert orders[0] != orders[1]
    assert orders[0][:30] != [fid - 30 for fid in orders[0][30:]]


def test_a_shuffle_mixes_row_groups_as_far_as_the_buffer_goes(folder: Path) -> None:
    train = td.load(folder).train
    first = fids([next(train.batches(20, seed=3, shuffle_buffer=95))])
    assert len({fid // 10 for fid in first}) > 5
    alone = fids([next(train.batches(9, seed=3, shuffle_buffer=1))])
    assert alone == list(range(alone[0], alone[0] + 9))


def test_a_reading_that_is_resumed_gives_what_it_would_have_given(folder: Path) -> None:
    train = td.load(folder).train
    chance = random.Random(5)
    for _ in range(40):
        how = {
            "seed": chance.choice([None, 9]),
            "epoch": chance.randrange(3),
            "shuffle_buffer": chance.randrange(1, 50),
            "world_size": chance.randrange(1, 4),
        }
        how["rank"] = chance.randrange(how["world_size"])
        batch = chance.randrange(1, 20)
        whole = list(train.batches(batch, **how))
        skip = chance.randrange(len(whole) + 2)
        assert [part.to_pydict() for part in train.batches(batch, skip=skip, **how)] == [
            part.to_pydict() for part in whole[skip:]
        ]


def test_ranks_share_the_rows_evenly_though_the_files_are_few(folder: Path) -> None:
    train = td.load(folder).train
    parts = [fids(train.batches(4, seed=1, rank=rank, world_size=30, shuffle_buffer=10)) for rank in range(30)]
    assert {len(part) for part in parts} == {3}
    assert len({fid for part in parts for fid in part}) == 90


@pytest.mark.parametrize(
    "wrong",
    [{"batch": 0}, {"shuffle_buffer": 0}, {"rank": 1}, {"skip": -1}, {"epoch": -1}, {"rank": 2, "world_size": 2}],
)
def test_numbers_that_cannot_be_are_refused_at_once(folder: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(td.TributaryError, match="ARGUMENT_INVALID"):
        td.load(folder).train.batches(**{"batch": 4, **wrong})


def test_a_matrix_has_the_features_as_floats_and_what_is_missing_as_nan() -> None:
    batch = matrix(ALL.slice(0, 6), features=["delay", "legs", "hub"], label="label", weight="weight")
    nan = float("nan")
    expected = [[0, 0, 1], [0.125, 1, 0], [0.25, 2, 1], [0.375, 3, 0], [nan, 0, 1], [0.625, 1, 0]]
    np.testing.assert_array_equal(batch.x, np.array(expected, np.float32))
    assert batch.y.tolist() == [1, 0, 0, 1, 0, 0]
    assert batch.weight.tolist() == [1, 2, 1, 2, 1, 2]
    assert {part.dtype for part in batch} == {np.dtype(np.float32)}


def test_a_matrix_takes_wide_numbers_and_decimals_and_refuses_texts() -> None:
    wide = pa.table({"n": pa.array([2**62 + 1, None]), "d": pa.array([None, 1]).cast(pa.decimal128(38, 9))})
    batch = matrix(wide, features=["n", "d"], label=None, weight=None)
    assert batch.x[0, 0] == np.float32(2**62)
    assert np.isnan(batch.x[1, 0]) and np.isnan(batch.x[0, 1])
    assert batch.y is None and batch.weight is None
    with pytest.raises(td.TributaryError, match="COLUMN_NOT_NUMERIC: The column 'origin' is of type string"):
        matrix(ALL, features=["origin"], label=None, weight=None)


def test_arrays_keep_their_types_and_a_missing_whole_number_is_an_error() -> None:
    arrays = column_arrays(ALL.slice(0, 5))
    assert {name: getattr(array, "dtype", list) for name, array in arrays.items()} == {
        "fid": np.int64,
        "at": np.int64,
        "origin": list,
        "delay": np.float64,
        "legs": np.int32,
        "hub": np.bool_,
        "label": np.int32,
        "weight": np.float64,
    }
    assert arrays["at"][1] == 1_388_534_460_000_000
    assert np.isnan(arrays["delay"][4])
    with pytest.raises(td.TributaryError, match="COLUMN_HAS_NULLS: The column 'n'"):
        column_arrays(pa.table({"n": pa.array([1, None])}))
    assert column_arrays(pa.table({"n": pa.chunked_array([], pa.int64())}))["n"].tolist() == []


def test_what_is_optional_and_missing_is_named_with_the_command_that_installs_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("pandas", "polars", "torch", "datasets", "mlflow"):
        monkeypatch.setitem(sys.modules, package, None)
    dataset = td.load(folder)
    asks = {
        "pandas": dataset.train.to_pandas,
        "polars": dataset.train.to_polars,
        "torch": lambda: dataset.train.to_torch(8),
        "hf": dataset.train.to_hf,
        "mlflow": dataset.log_mlflow,
    }
    for extra, ask in asks.items():
        with pytest.raises(td.TributaryError, match=rf"EXTRA_MISSING.*pip install './python\[{extra}\]'"):
            ask()


def test_the_digest_names_the_split_and_fits_into_mlflows_column(folder: Path) -> None:
    assert td.load(folder).train.digest == "9c1f0b7a62de" + hashlib.md5(b"train").hexdigest()[:20]
    assert len(td.load(folder).train.digest) <= 36
