"""Draws the AUC against how old the inputs are: plot.py RESULTS PLOT, from the results of train.py to an SVG file."""

from __future__ import annotations

import json
import pathlib
import sys
from collections.abc import Mapping
from typing import Any

import matplotlib as mpl

mpl.use("svg")
# Texts as texts, and the same bytes for the same numbers.
mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "tributary", "font.family": "sans-serif"})

from matplotlib import pyplot as plt  # noqa: E402


def draw(results: Mapping[str, Any], path: pathlib.Path) -> None:
    hours = sorted(results["staleness"], key=float)
    figure, axes = plt.subplots(figsize=(7, 4.2))
    axes.plot(range(len(hours)), [results["staleness"][hour]["auc"] for hour in hours], marker="o", label="as known, so many hours ago")
    static = results["ways"]["static"]["service"]["auc"]
    axes.axhline(static, linestyle="--", color="grey", label="static columns and fresh weather only")
    axes.set_xticks(range(len(hours)), ["fresh" if hour == "0" else f"{hour} h" for hour in hours])
    axes.set_xlabel("age of all inputs when the model is asked")
    axes.set_ylabel("AUC, flights of November and December 2013")
    axes.set_title("What freshness is worth: will this flight arrive late?")
    axes.grid(axis="y", alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None, "Title": "AUC by the age of the inputs"})


if __name__ == "__main__":
    draw(json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")), pathlib.Path(sys.argv[2]))
