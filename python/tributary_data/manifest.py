"""The manifest of a dataset: parsed once and checked, so that all the rest can trust it. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import manifest_corrupt, manifest_unsupported, path_climbs

SCHEMA = "tributary.dataset/1"


@dataclass(frozen=True)
class DataFile:
    """One Parquet file of a split, as it was published."""

    path: str
    bytes: int
    rows: int
    sha256: str


@dataclass(frozen=True)
class Part:
    """One split: how many rows, with which digest, in which files."""

    name: str
    rows: int
    rows_digest: str
    label_mean: float | None
    files: tuple[DataFile, ...]


@dataclass(frozen=True)
class Column:
    """One column: its type in the lake, and what it was made of."""

    name: str
    type: str
    origin: str


@dataclass(frozen=True)
class Source:
    """One table of the lake that the dataset was made of, at one version."""

    table: str
    version: int


@dataclass(frozen=True)
class Manifest:
    """What a dataset is."""

    name: str
    id: str
    created_at: str
    key: tuple[str, ...]
    at: str | None
    label: str | None
    weight: str | None
    columns: tuple[Column, ...]
    splits: Mapping[str, Part]
    sources: tuple[Source, ...]

    @property
    def features(self) -> tuple[str, ...]:
        """The columns to learn from: all but the key, the time of prediction, the label and the weight."""
        others = {*self.key, self.at, self.label, self.weight}
        return tuple(column.name for column in self.columns if column.name not in others)


def parse_manifest(path: str, data: bytes) -> Manifest:
    """Parse the bytes of the manifest at `path`.

    Raises MANIFEST_CORRUPT, MANIFEST_UNSUPPORTED, PATH_CLIMBS.
    """
    try:
        content = json.loads(data.decode("utf-8"))
    except ValueError as cause:
        raise manifest_corrupt(path, str(cause)) from cause
    if not isinstance(content, dict):
        raise manifest_corrupt(path, "it is not a JSON object")
    _check_schema(path, content.get("schema"))
    try:
        manifest = _parse_content(path, content)
    except _Mismatch as mismatch:
        raise manifest_corrupt(path, str(mismatch)) from mismatch
    return manifest


def _check_schema(path: str, schema: object) -> None:
    if schema == SCHEMA:
        return
    if isinstance(schema, str) and re.fullmatch(r"tributary\.dataset/\d+", schema):
        raise manifest_unsupported(path, schema)
    raise manifest_corrupt(path, f"its schema is {schema!r} and not {SCHEMA!r}")


class _Mismatch(Exception):
    """What is wrong with the content, in words."""


def _parse_content(path: str, content: dict[str, Any]) -> Manifest:
    columns = tuple(
        Column(_text(one, "name"), _text(one, "type"), str(one.get("from", ""))) for one in _objects(content, "columns")
    )
    names = [column.name for column in columns]
    if len(set(names)) != len(names):
        raise _Mismatch("two columns have one name")
    key = _texts(content, "key")
    at, label = (_text_or_none(content, field) for field in ("at", "label"))
    # The definition may leave the prediction time or the key out of the columns; a label that is not there is a fault.
    if label is not None and label not in names:
        raise _Mismatch(f"its label {label!r} is no column")
    return Manifest(
        name=_text(content, "name"),
        id=_text(content, "id"),
        created_at=_text(content, "created_at"),
        key=key,
        at=at,
        label=label,
        weight=next((one.name for one in columns if one.origin == "sample"), None),
        columns=columns,
        splits={name: _parse_part(path, name, part) for name, part in _object(content, "splits").items()},
        sources=tuple(Source(_text(one, "table"), _count(one, "version")) for one in _objects(content, "sources")),
    )


def _parse_part(path: str, name: str, part: object) -> Part:
    if not isinstance(part, dict):
        raise _Mismatch(f"its split {name!r} is not an object")
    files = tuple(_parse_file(path, one) for one in _objects(part, "files"))
    rows = _count(part, "rows")
    if sum(file.rows for file in files) != rows:
        raise _Mismatch(f"the files of the split {name!r} have {sum(file.rows for file in files)} rows, not {rows}")
    mean = part.get("label_mean")
    if mean is not None and (isinstance(mean, bool) or not isinstance(mean, (int, float))):
        raise _Mismatch(f"label_mean of the split {name!r} is not a number")
    return Part(name, rows, _text(part, "rows_digest"), mean, files)


def _parse_file(path: str, one: dict[str, Any]) -> DataFile:
    name = _text(one, "path")
    # Two slashes, a drive or a scheme would leave the folder as surely as dots do.
    if re.fullmatch(r"[^\\:\0]+", name) is None or any(part in ("", ".", "..") for part in name.split("/")):
        raise path_climbs(name, path)
    digest = _text(one, "sha256")
    if re.fullmatch(r"[0-9a-f]{64}", digest) is None:
        raise _Mismatch(f"the sha256 of {name} is not one")
    return DataFile(name, _count(one, "bytes"), _count(one, "rows"), digest)


def _object(content: dict[str, Any], field: str) -> dict[str, Any]:
    value = content.get(field)
    if not isinstance(value, dict):
        raise _Mismatch(f"{field} is not an object")
    return value


def _objects(content: dict[str, Any], field: str) -> list[dict[str, Any]]:
    value = content.get(field)
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise _Mismatch(f"{field} is not a list of objects")
    return value


def _texts(content: dict[str, Any], field: str) -> tuple[str, ...]:
    value = content.get(field)
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise _Mismatch(f"{field} is not a list of names")
    return tuple(value)


def _text(content: dict[str, Any], field: str) -> str:
    value = content.get(field)
    if not isinstance(value, str) or value == "":
        raise _Mismatch(f"{field} is not a text")
    return value


def _text_or_none(content: dict[str, Any], field: str) -> str | None:
    return None if content.get(field) is None else _text(content, field)


def _count(content: dict[str, Any], field: str) -> int:
    value = content.get(field)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _Mismatch(f"{field} is not a count")
    return value
