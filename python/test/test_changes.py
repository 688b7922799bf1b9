"""What has changed in a live table, by the real command where this is a checkout, and by a stand-in for what it seldom does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import pytest

import tributary_data as td

COMMAND = Path(__file__).parents[2] / "bin/tributary"
README = (Path(__file__).parents[1] / "README.md").read_text()

PROJECT = """landing: landing
lake: lake
dms: {DataFormat: csv, AddColumnName: true, IncludeOpForFullLoad: true, TimestampColumnName: dms_ts, BucketFolder: out}
tables:
  shop.orders:
    key: [order_id]
    columns: {order_id: long, note: string}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose table has a load of two rows, and a commit that changes one and deletes one."""
    if not COMMAND.exists():
        pytest.skip("the command is not here: this is no checkout")
    orders = tmp_path / "landing/out/shop/orders"
    orders.mkdir(parents=True)
    (tmp_path / "tributary.yaml").write_text(PROJECT)
    head = "Op,dms_ts,order_id,note\n"
    (orders / "LOAD00000001.csv").write_text(f"{head}I,2026-03-01 10:00:00,1,first\nI,2026-03-01 10:00:00,2,\n")
    (orders / "20260301-101502123.csv").write_text(f"{head}U,2026-03-01 10:15:00,1,new\nD,2026-03-01 10:15:01,2,\n")
    subprocess.run([COMMAND, "-C", tmp_path, "ingest", "--quiet"], check=True, capture_output=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", os.pathsep.join([str(COMMAND.parent), os.environ["PATH"]]))
    return tmp_path


def test_the_example_of_the_readme_runs_in_a_project(project: Path) -> None:
    found = re.search(r"<!-- run by test_changes.py.*?-->\n```py\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert found is not None
    names: dict[str, object] = {"td": td}
    exec(found[1], names)
    news = names["news"].select(["order_id", "note", "_change_type"]).to_pylist()  # type: ignore[attr-defined]
    assert sorted(news, key=str) == [
        {"order_id": 1, "note": "first", "_change_type": "update_preimage"},
        {"order_id": 1, "note": "new", "_change_type": "update_postimage"},
        {"order_id": 2, "note": None, "_change_type": "delete"},
    ]
    assert names["fresh"].num_rows == 1  # type: ignore[attr-defined]
    assert td.changes("shop.orders", cursor="nightly").num_rows == 0


def test_an_error_of_the_command_keeps_its_code(project: Path) -> None:
    with pytest.raises(td.TributaryError, match="There is no table") as raised:
        td.changes("shop.nothing", project=project)
    assert (raised.value.code, raised.value.kind) == ("TABLE_UNKNOWN", "not-found")


def test_what_was_asked_is_what_the_command_is_told(tmp_path: Path) -> None:
    asked = stand_in(tmp_path, "print(*sys.argv[1:], file=sys.stderr); sys.exit(9)")
    since = datetime(2026, 3, 1, 10, tzinfo=timezone.utc)
    with pytest.raises(td.TributaryError, match="COMMAND_FAILED") as raised:
        td.changes(
            "-t", project=tmp_path, since=since, until=12, net=True, op="update", columns=["a", "b"], command=asked
        )
    assert re.sub(r"--out=\S+", "--out=FILE", str(raised.value)).split(" said: ")[1].split(". Run")[0] == (
        f"-C {tmp_path} --json --quiet changes --since=2026-03-01T10:00:00+00:00 --until=v12 --op=update --columns=a,b "
        "--net --output=parquet --out=FILE -- -t"
    )
    assert raised.value.kind == "unknown"


def test_a_cursor_stays_until_it_is_told_to_move(tmp_path: Path) -> None:
    asked = stand_in(tmp_path, "print(*sys.argv[1:], file=sys.stderr); sys.exit(9)")
    with pytest.raises(td.TributaryError, match="--cursor=nightly --bootstrap --peek"):
        td.changes("t", cursor="nightly", bootstrap=True, command=asked)
    with pytest.raises(td.TributaryError, match="said: --json --quiet changes --cursor=nightly --ack -- t"):
        td.acknowledge("t", cursor="nightly", command=asked)


def test_a_command_that_is_not_there_and_a_time_without_a_zone_are_told(tmp_path: Path) -> None:
    with pytest.raises(td.TributaryError, match="COMMAND_MISSING"):
        td.changes("t", command=str(tmp_path / "tributary"))
    with pytest.raises(td.TributaryError, match="ARGUMENT_INVALID: since="):
        td.changes("t", since=datetime(2026, 3, 1), command="never")


def stand_in(folder: Path, body: str) -> list[str]:
    """A command of our own, to see what it is told."""
    path = folder / "command.py"
    path.write_text(f"import sys\n{body}\n")
    return [sys.executable, str(path)]
