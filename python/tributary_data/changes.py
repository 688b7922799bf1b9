"""What has changed in a live table, by the command `tributary`: only it reads the log, so the rules are in one place.

The rows come as a Parquet file in a temporary folder, and what the command says of an error becomes our error with the same code.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from .errors import TributaryError, argument_invalid, command_failed, command_missing, command_said

Op = Literal["insert", "update", "delete"]
Moment = str | int | datetime
StrPath = str | os.PathLike[str]


def changes(
    table: str,
    *,
    project: StrPath | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    net: bool = False,
    op: Op | Sequence[Op] = (),
    columns: Sequence[str] = (),
    cursor: str | None = None,
    bootstrap: bool = False,
    command: str | Sequence[str] = "tributary",
) -> pa.Table:
    """What has changed in a table, a row a change; an update is two rows. See `tributary changes --help`.

    `project` is the folder of `tributary.yaml`, or that file, also in S3. `since` and `until` are versions (12 or "v12"), times, or
    how long ago ("15m"). With `cursor` only what came after the last `acknowledge` comes, and comes again until then.
    The table is held in memory. Raises COMMAND_MISSING, COMMAND_FAILED, ARGUMENT_INVALID, and the codes of the command.
    """
    ops = [op] if isinstance(op, str) else op
    texts = {
        "since": _moment("since", since),
        "until": _moment("until", until),
        "op": ",".join(ops),
        "columns": ",".join(columns),
        "cursor": cursor,
    }
    flags = [f"--{name}={text}" for name, text in texts.items() if text]
    if net:
        flags.append("--net")
    if bootstrap:
        flags.append("--bootstrap")
    if cursor is not None:
        flags.append("--peek")
    with tempfile.TemporaryDirectory(prefix="tributary-changes-") as folder:
        path = Path(folder) / "changes.parquet"
        _run(command, project, [*flags, "--output=parquet", f"--out={path}", "--", table])
        return pq.read_table(path)


def acknowledge(
    table: str,
    *,
    cursor: str,
    project: StrPath | None = None,
    command: str | Sequence[str] = "tributary",
) -> None:
    """Move a cursor past what `changes` handed out last: it has arrived where it was wanted. Raises what `changes` raises."""
    _run(command, project, [f"--cursor={cursor}", "--ack", "--", table])


def _moment(name: str, value: Moment | None) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return f"v{value}"
    if value.tzinfo is None:
        raise argument_invalid(name, value, "a time has a zone, such as datetime.now(timezone.utc)")
    return value.isoformat()


def _run(command: str | Sequence[str], project: StrPath | None, arguments: Sequence[str]) -> None:
    program = [command] if isinstance(command, str) else [*command]
    line = [*program, *_place(project), "--json", "--quiet", "changes", *arguments]
    try:
        # An interrupt of ours reaches the command too, and it is waited for.
        done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except OSError as cause:
        raise command_missing(program[0], cause) from cause
    if done.returncode != 0:
        raise _told(done.stderr.decode(errors="replace"), done.returncode)


def _place(project: StrPath | None) -> list[str]:
    if project is None:
        return []
    path = os.fspath(project)
    return ["-C", path] if Path(path).is_dir() else ["--config", path]


def _told(said: str, exit_code: int) -> TributaryError:
    """The error that the command wrote as the last line of JSON."""
    for line in reversed(said.splitlines()):
        try:
            error = json.loads(line)["error"]
            return command_said(error["code"], error["message"], exit_code)
        except (ValueError, KeyError, TypeError):
            continue
    return command_failed(said.strip()[-1000:], exit_code)
