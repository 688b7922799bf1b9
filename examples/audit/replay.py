"""Walks through the files that AWS DMS wrote, change by change, and tells which rows of a table were known at a time.

It reads CSV files with Python's own library and nothing else: no Delta table, no SQL, no code of Tributary's. So what it says is a second
opinion. It is slow on purpose: each step can be followed with a pencil.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]
NULL = "\\N"


def timestamp(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def boolean(text: str) -> bool:
    return {"true": True, "false": False}[text]


@dataclass(frozen=True)
class Schema:
    """The columns of a table that are wanted, with what makes values of their texts, and its key."""

    key: tuple[str, ...]
    columns: Mapping[str, Callable[[str], Any]]


@dataclass(frozen=True)
class Change:
    """One line of a landing file."""

    op: str  # L for a row of a full load, then I, U or D
    source_at: datetime  # when the source committed it; for a loaded row, when its file was written
    file: str
    order: tuple[Any, ...]  # later changes of a key have greater ones
    key: tuple[Any, ...]
    row: Row


def read_changes(folder: Path, schema: Schema) -> list[Change]:
    """All changes of a table's landing folder, in no particular order."""
    return [change for path in sorted(folder.glob("*.csv")) for change in read_file(path, schema)]


def read_file(path: Path, schema: Schema) -> Iterator[Change]:
    is_load = path.name.startswith("LOAD")
    written_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    with path.open(newline="", encoding="utf-8") as lines:
        for number, line in enumerate(csv.DictReader(lines)):
            row = {name: None if line[name] == NULL else parse(line[name]) for name, parse in schema.columns.items()}
            source_at = written_at if is_load else timestamp(line["dms_ts"])
            yield Change(
                op="L" if is_load else line["Op"],
                source_at=source_at,
                file=path.name,
                order=(source_at, not is_load, line["change_seq"], path.name, number),
                key=tuple(row[name] for name in schema.key),
                row=row,
            )


@dataclass(frozen=True)
class Known:
    """A row that is known, by which change, and since when."""

    row: Row
    since: datetime
    order: tuple[Any, ...]


class Replay:
    """The rows of a table as they are known, from one time to the next."""

    def __init__(self, changes: list[Change], known_at: Callable[[Change], datetime]) -> None:
        self.waiting = sorted(((known_at(change), change.order, change) for change in changes), reverse=True)
        self.newest: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        self.live: dict[tuple[Any, ...], Known] = {}

    def advance(self, until: datetime) -> None:
        """Take in all that is known by then, that moment included."""
        while self.waiting and self.waiting[-1][0] <= until:
            known_at, order, change = self.waiting.pop()
            # One that comes late undoes nothing that is newer, and brings back nothing that was deleted after it.
            if change.key in self.newest and order < self.newest[change.key]:
                continue
            self.newest[change.key] = order
            if change.op == "D":
                self.live.pop(change.key, None)
            else:
                self.live[change.key] = Known(change.row, known_at, order)

    def rows(self, **wanted: Any) -> list[Known]:
        """The rows that are live and have these values; a NULL equals nothing."""
        found = list(self.live.values())
        for name, value in wanted.items():
            found = [known for known in found if value is not None and known.row[name] == value]
        return found
