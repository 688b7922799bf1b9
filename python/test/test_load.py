"""Finding a dataset and reading its manifest."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from publish import edit_manifest, flights, publish

import tributary_data as td


def code_of(address: object) -> str:
    with pytest.raises(td.TributaryError) as caught:
        td.load(address)  # type: ignore[arg-type]
    return caught.value.code


def test_a_dataset_is_found_by_its_folder_its_manifest_its_id_the_beginning_of_it_and_as_a_url(folder: Path) -> None:
    lake = folder.parents[2]
    addresses = [
        folder,
        f"{folder}/",
        f"{folder}/manifest.json",
        folder.as_uri(),
        f"{lake}/late_flights@9c1f0b7a62de",
        f"{lake}/_datasets/late_flights@9c1f",
        f"{lake}/late_flights@latest",
    ]
    assert [td.load(address).id for address in addresses] == ["9c1f0b7a62de"] * len(addresses)


def test_a_folder_may_have_any_name_that_a_folder_can_have(tmp_path: Path) -> None:
    lake = tmp_path / "a?b#c %20@d é"
    publish(lake, {"train": flights(0, 3)})
    assert td.load(f"{lake}/late_flights@latest").train.to_arrow().num_rows == 3
    assert td.load((lake / "_datasets/late_flights/9c1f0b7a62de").as_uri()).train.to_arrow().num_rows == 3


def test_an_address_may_be_relative(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parents[2])
    assert td.load("late_flights@latest").train.to_arrow().num_rows == 95


def test_latest_is_the_one_that_was_published_last_whatever_its_id(folder: Path) -> None:
    lake = folder.parents[2]
    for id, created_at in (("ffff00000000", "2026-01-01"), ("000000000001", "2027-01-01")):
        publish(lake, {"train": flights(0, 3)}, id=id, created_at=created_at)
    assert td.load(f"{lake}/late_flights@latest").id == "000000000001"


def test_a_dataset_that_is_still_being_written_is_not_there(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    assert code_of(folder) == "DATASET_NOT_FOUND"
    assert code_of(f"{folder.parents[2]}/late_flights@latest") == "DATASET_NOT_FOUND"


def test_what_is_not_there_is_said_with_what_is(folder: Path) -> None:
    with pytest.raises(td.TributaryError, match=r"There is: 9c1f0b7a62de\."):
        (folder.parent / "aaaa00000000/train").mkdir(parents=True)
        td.load(f"{folder.parents[2]}/late_flights@aaaa")
    assert code_of(f"{folder.parents[2]}/none@latest") == "DATASET_NOT_FOUND"
    assert code_of("/no/such/folder") == "DATASET_NOT_FOUND"


def test_the_beginning_of_two_ids_is_not_enough(folder: Path) -> None:
    publish(folder.parents[2], {"train": flights(0, 3)}, id="9c1f00000000")
    assert code_of(f"{folder.parents[2]}/late_flights@9c1f") == "DATASET_AMBIGUOUS"


@pytest.mark.parametrize(
    "address", ["lake/@latest", "lake/late_flights@", "s3://key:secret@bucket/x", "s3://b/x?access_key=a", "ftp://x/y"]
)
def test_what_is_no_address_is_refused_and_no_secret_is_repeated(address: str) -> None:
    with pytest.raises(td.TributaryError) as caught:
        td.load(address)
    assert caught.value.code == "ADDRESS_INVALID"
    assert "secret@" not in str(caught.value)


def test_the_columns_have_their_parts_from_the_manifest(folder: Path) -> None:
    dataset = td.load(folder)
    assert dataset.label == "label"
    assert dataset.weight == "weight"
    assert dataset.key == ("fid",)
    assert dataset.features == ("origin", "delay", "legs", "hub")
    assert list(dataset) == ["train", "val", "test"]
    assert dataset["val"] is dataset.val
    assert repr(dataset) == "Dataset(late_flights@9c1f0b7a62de, train: 95 rows, val: 20 rows, test: 10 rows)"


def test_a_split_that_is_not_there_is_said_with_those_that_are(folder: Path) -> None:
    shutil.rmtree(folder)
    only = td.load(publish(folder.parents[2], {"train": flights(0, 3)}))
    with pytest.raises(td.TributaryError, match="SPLIT_NOT_FOUND: The dataset has no split 'val'. It has: train."):
        _ = only.val


def test_a_later_schema_is_refused_and_another_one_is_no_manifest(folder: Path) -> None:
    edit_manifest(folder, lambda manifest: manifest.update(schema="tributary.dataset/2"))
    assert code_of(folder) == "MANIFEST_UNSUPPORTED"
    edit_manifest(folder, lambda manifest: manifest.update(schema="croissant"))
    assert code_of(folder) == "MANIFEST_CORRUPT"


@pytest.mark.parametrize(
    "path",
    [
        "../other/00000.parquet",
        "/etc/passwd",
        "train/../../x",
        "train//x",
        "./x",
        "C:\\x",
        "s3://b/x",
        "",
        "a\0b",
        "train/..",
    ],
)
def test_a_manifest_that_names_a_file_outside_its_folder_is_refused(folder: Path, path: str) -> None:
    edit_manifest(folder, lambda manifest: manifest["splits"]["train"]["files"][0].update(path=path))
    assert code_of(folder) in ("PATH_CLIMBS", "MANIFEST_CORRUPT" if path == "" else "PATH_CLIMBS")


EDITS = {
    "no name": lambda manifest: manifest.pop("name"),
    "an id that is a number": lambda manifest: manifest.update(id=7),
    "columns that are no list": lambda manifest: manifest.update(columns={}),
    "two columns of one name": lambda manifest: manifest["columns"].append(manifest["columns"][0]),
    "a label that is no column": lambda manifest: manifest.update(label="price"),
    "a key that is no list": lambda manifest: manifest.update(key="fid"),
    "no splits": lambda manifest: manifest.pop("splits"),
    "a split that is a list": lambda manifest: manifest["splits"].update(train=[]),
    "rows that the files do not have": lambda manifest: manifest["splits"]["train"].update(rows=96),
    "a digest that is none": lambda manifest: manifest["splits"]["train"]["files"][0].update(sha256="abc"),
    "fewer bytes than none": lambda manifest: manifest["splits"]["train"]["files"][0].update(bytes=-1),
    "a count that is a truth": lambda manifest: manifest["splits"]["train"]["files"][0].update(bytes=True),
    "a mean that is a text": lambda manifest: manifest["splits"]["train"].update(label_mean="high"),
    "sources that are texts": lambda manifest: manifest.update(sources=["flights"]),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_a_manifest_with_a_field_that_is_wrong_is_corrupt(folder: Path, edit: object) -> None:
    edit_manifest(folder, edit)
    assert code_of(folder) == "MANIFEST_CORRUPT"


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'"text"'])
def test_bytes_that_are_no_manifest_are_corrupt(folder: Path, data: bytes) -> None:
    (folder / "manifest.json").write_bytes(data)
    assert code_of(folder) == "MANIFEST_CORRUPT"


def test_fields_that_a_later_release_adds_change_nothing(folder: Path) -> None:
    edit_manifest(folder, lambda manifest: manifest.update(stats="stats.json", croissant={"a": 1}))
    assert td.load(folder).id == "9c1f0b7a62de"
