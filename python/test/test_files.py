"""Every file is checked before a row of it is given out."""

from __future__ import annotations

import os
import pickle
import random
from pathlib import Path

import pyarrow.fs as pafs
import pyarrow.parquet as pq
import pytest
from publish import edit_manifest, flights

import tributary_data as td


def code_of(split: td.Split) -> str:
    with pytest.raises(td.TributaryError) as caught:
        split.to_arrow()
    return caught.value.code


def test_any_altered_byte_is_noticed_and_the_error_says_file_expected_and_found(folder: Path) -> None:
    path = folder / "train/00001.parquet"
    data = path.read_bytes()
    wanted = td.load(folder).train.part.files[1].sha256
    for place in [0, len(data) - 1, *random.Random(7).sample(range(len(data)), 30)]:
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(td.TributaryError) as caught:
            td.load(folder).train.to_arrow()
        assert caught.value.code == "FILE_CHANGED"
        assert str(path) in str(caught.value)
        assert f"should be {wanted} and is " in str(caught.value)
    path.write_bytes(data)
    assert td.load(folder).train.to_arrow().equals(flights(0, 95))


@pytest.mark.parametrize("kept", [0, 1, 100, -1])
def test_a_file_that_was_cut_off_is_noticed(folder: Path, kept: int) -> None:
    path = folder / "train/00000.parquet"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(
        td.TributaryError, match=rf"FILE_CHANGED: .*size in bytes should be \d+ and is {path.stat().st_size}\."
    ):
        td.load(folder).train.to_arrow()
    assert td.load(folder).val.to_arrow().num_rows == 20


def test_a_file_that_is_not_there_is_named(folder: Path) -> None:
    dataset = td.load(folder)
    (folder / "train/00003.parquet").unlink()
    assert code_of(dataset.train) == "FILE_MISSING"
    with pytest.raises(td.TributaryError, match=r"train/00003\.parquet is not there"):
        dataset.check()


def test_a_folder_in_the_place_of_a_file_is_an_error_of_ours(folder: Path) -> None:
    (folder / "train/00000.parquet").unlink()
    (folder / "train/00000.parquet").mkdir()
    assert code_of(td.load(folder).train) == "STORE_FAILED"


def test_a_file_is_read_once_for_its_digest_and_again_when_it_changes(folder: Path) -> None:
    split = td.load(folder).train
    split.check()
    path = folder / "train/00000.parquet"
    data = path.read_bytes()
    times = os.stat(path)
    # A change that leaves size and time as they were is beyond us between two reads of one process.
    path.write_bytes(data[:-1] + b"x")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert split.check()[0] == str(path)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns + 1))
    assert code_of(split) == "FILE_CHANGED"


def test_bytes_as_published_that_are_no_parquet_are_an_error_of_ours(folder: Path) -> None:
    path = folder / "train/00000.parquet"
    path.write_bytes(b"PAR1 and then nothing of the kind")
    edit_manifest(folder, lambda manifest: manifest["splits"]["train"]["files"][0].update(entry_of(path)))
    assert code_of(td.load(folder).train) == "FILE_UNREADABLE"


def test_other_columns_or_other_rows_than_the_manifest_promises_are_an_error(folder: Path) -> None:
    path = folder / "train/00000.parquet"
    rows = pq.read_table(path)
    for table in (rows.drop_columns(["hub"]), rows.slice(1)):
        pq.write_table(table, path)
        edit_manifest(folder, lambda manifest: manifest["splits"]["train"]["files"][0].update(entry_of(path)))
        assert code_of(td.load(folder).train) == "FILE_UNREADABLE"
        with pytest.raises(td.TributaryError, match="FILE_UNREADABLE"):
            list(td.load(folder).train.batches(10))


def entry_of(path: Path) -> dict[str, object]:
    import hashlib

    return {"bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


class CountingFiles(pafs.FileSystemHandler):  # type: ignore[misc]
    """A store that is not this machine's disk, and counts what is fetched from it."""

    def __init__(self) -> None:
        self.inner = pafs.LocalFileSystem()
        self.opened: list[str] = []

    def open_input_stream(self, path: str) -> object:
        self.opened.append(path)
        return self.inner.open_input_stream(path)

    def get_file_info(self, paths: list[str]) -> object:
        return self.inner.get_file_info(paths)

    def get_file_info_selector(self, selector: object) -> object:
        return self.inner.get_file_info(selector)

    def __getattr__(self, name: str) -> object:
        raise AttributeError(name)


for name in pafs.FileSystemHandler.__abstractmethods__ - set(vars(CountingFiles)):
    setattr(CountingFiles, name, lambda self, *args, _name=name: getattr(self.inner, _name)(*args))
CountingFiles.get_type_name = lambda self: "counting"
CountingFiles.__abstractmethods__ = frozenset()


def test_what_lies_elsewhere_is_fetched_once_and_checked_on_the_way(folder: Path, tmp_path: Path) -> None:
    handler = CountingFiles()
    cache = tmp_path / "cache"
    dataset = td.load(folder, filesystem=pafs.PyFileSystem(handler), cache=cache)
    assert dataset.train.to_arrow().equals(flights(0, 95))
    dataset.train.to_arrow()
    files = [f"{folder}/train/0000{shard}.parquet" for shard in range(4)]
    assert sorted(handler.opened) == [f"{folder}/manifest.json", *files]

    again = td.load(folder, filesystem=pafs.PyFileSystem(handler), cache=cache)
    again.train.to_arrow()
    assert len(handler.opened) == 6

    for copy in cache.iterdir():
        copy.write_bytes(b"x")
    third = td.load(folder, filesystem=pafs.PyFileSystem(handler), cache=cache)
    assert third.train.to_arrow().equals(flights(0, 95))
    assert len(handler.opened) == 11


def test_what_is_fetched_and_wrong_leaves_nothing_in_the_cache(folder: Path, tmp_path: Path) -> None:
    path = folder / "val/00000.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    cache = tmp_path / "cache"
    dataset = td.load(folder, filesystem=pafs.PyFileSystem(CountingFiles()), cache=cache)
    assert code_of(dataset.val) == "FILE_CHANGED"
    assert str(path) not in os.listdir(cache)
    assert not [name for name in os.listdir(cache) if name.endswith(".part")]
    path.unlink()
    assert code_of(td.load(folder, filesystem=pafs.PyFileSystem(CountingFiles()), cache=cache).val) == "FILE_MISSING"


def test_a_temporary_cache_goes_when_the_dataset_goes(folder: Path) -> None:
    dataset = td.load(folder, filesystem=pafs.PyFileSystem(CountingFiles()))
    paths = dataset.val.check()
    assert all(os.path.exists(path) for path in paths)
    del dataset
    assert not any(os.path.exists(path) for path in paths)


def test_a_cache_that_cannot_be_is_an_error_of_ours(folder: Path) -> None:
    dataset = td.load(folder, filesystem=pafs.PyFileSystem(CountingFiles()), cache=folder / "manifest.json")
    assert code_of(dataset.val) == "STORE_FAILED"


def test_an_error_keeps_its_code_on_its_way_between_processes(folder: Path) -> None:
    (folder / "val/00000.parquet").unlink()
    with pytest.raises(td.TributaryError) as caught:
        td.load(folder).val.to_arrow()
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (copy.kind, copy.code, str(copy)) == ("not-found", "FILE_MISSING", str(caught.value))
