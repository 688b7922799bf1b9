"""Executes a notebook afresh and compares what it shows with what is stored: execute.py NOTEBOOK [--write].

With --write the fresh outputs are stored instead. Exits 1 when a cell fails, when outputs differ, and when the file would hold a path of
this machine or be too large to read on a web page. Durations, times of today and ids are no part of the comparison, nor are the pixels of
plots: only that there is one.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client import KernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

BYTES_MAX = 300_000
CELL_SECONDS_MAX = 120
# What another run may say in other words.
PASSING = (
    (re.compile(r"\b\d+(\.\d+)? (ms|s|min|kB)\b"), "…"),
    (re.compile(r"\b202\d-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00)?"), "…"),
    (re.compile(r"@[0-9a-f]{12}\b"), "@…"),
)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    stored = nbformat.read(options.notebook, as_version=4)
    fresh = nbformat.read(options.notebook, as_version=4)
    try:
        execute(fresh, options.notebook.parent)
    except CellExecutionError as error:
        print(error, file=sys.stderr)
        return 1
    findings = [] if options.write else differences(stored, fresh)
    findings += unfit(nbformat.writes(fresh))
    for finding in findings:
        print(finding, file=sys.stderr)
    if not findings and options.write:
        nbformat.write(fresh, options.notebook)
    if not findings:
        print(f"{options.notebook.name}: {sum(cell.cell_type == 'code' for cell in fresh.cells)} cells executed")
    return 1 if findings else 0


def execute(notebook: Any, folder: Path) -> None:
    # Sockets in a folder of its own: no port is opened, and nothing stays in the home directory.
    with tempfile.TemporaryDirectory() as own:
        os.environ |= {"IPYTHONDIR": own, "JUPYTER_RUNTIME_DIR": own}
        kernel = KernelManager(kernel_name="python3", transport="ipc", ip=f"{own}/kernel")
        client = NotebookClient(
            notebook,
            km=kernel,
            timeout=CELL_SECONDS_MAX,
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": str(folder)}},
        )
        try:
            client.execute()
        finally:
            kernel.shutdown_kernel()
    notebook.metadata.language_info = {"name": "python"}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            # A command runs in a terminal, which ends its lines in its own way.
            if output.output_type == "stream":
                output.text = output.text.replace("\r\n", "\n")


def differences(stored: Any, fresh: Any) -> list[str]:
    found = []
    for number, (before, after) in enumerate(zip(stored.cells, fresh.cells, strict=True), start=1):
        old, new = shown(before), shown(after)
        if old != new:
            lines = difflib.unified_diff(old, new, "stored", "executed", lineterm="", n=1)
            found.append(f"Cell {number} shows something else. If that is right, run make notebook.\n" + "\n".join(lines))
    return found


def shown(cell: Any) -> list[str]:
    """What a cell shows, line by line. Tables are taken in at the same time, so the order of a command's lines is chance."""
    lines = []
    text = ""
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            text += output.text
            continue
        for kind, data in sorted(output.get("data", {}).items()):
            lines.append(f"[{kind}]")
            if not kind.startswith("image/"):
                lines += settled(data if isinstance(data, str) else json.dumps(data))
    return sorted(settled(text)) + lines


def settled(text: str) -> list[str]:
    for pattern, stand_in in PASSING:
        text = pattern.sub(stand_in, text)
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def unfit(text: str) -> list[str]:
    found = []
    if len(text.encode()) > BYTES_MAX:
        found.append(f"The notebook has {len(text.encode())} bytes, more than {BYTES_MAX}: show less.")
    for place in {tempfile.gettempdir(), str(Path.home()), str(Path.cwd())} - {"/"}:
        if f"{place}/" in text:
            found.append(f"The notebook shows a path of this machine: {place}")
    return found


if __name__ == "__main__":
    sys.exit(main())
