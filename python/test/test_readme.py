"""The README says what is so: its examples run, and it lists every code."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from publish import flights, publish

from tributary_data import errors

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_the_readme_lists_exactly_the_codes_and_each_has_its_kind_and_its_function() -> None:
    listed = re.findall(r"^\| `([A-Z0-9_]+)` \|", README, re.MULTILINE)
    source = Path(errors.__file__).read_text()
    made = re.findall(r'_error\(\s*"([A-Z0-9_]+)"', source)
    assert listed == list(errors.KINDS) == made


def test_the_examples_of_the_readme_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(tmp_path / "lake", {"train": flights(0, 95), "val": flights(95, 20), "test": flights(115, 10)})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "runs").as_uri())
    names: dict[str, object] = {}
    blocks = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 4
    for block in blocks:
        if all(find_spec(package) for package in ("torch", "mlflow") if f"import {package}" in block):
            exec(block, names)
    assert len(names["frame"]) == 95  # type: ignore[arg-type]
