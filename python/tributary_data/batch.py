"""What a loader gives at each step."""

from __future__ import annotations

from typing import Any, NamedTuple


class Batch(NamedTuple):
    """Rows for a model: `x` is (rows, features), `y` the label and `weight` the weight; None where the dataset has none."""

    x: Any
    y: Any = None
    weight: Any = None
