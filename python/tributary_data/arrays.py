"""From a batch to what a model takes: one array a column, or one matrix of all features. Needs NumPy and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from .batch import Batch
from .errors import column_has_nulls, column_not_numeric


def column_arrays(table: pa.Table) -> dict[str, Any]:
    """One array a column. Numbers and truths keep their type, times become microseconds since 1970, all else is a list.

    Raises COLUMN_HAS_NULLS where the type has no value for what is missing; in floating point it is NaN.
    """
    return {name: _array(name, table.column(name).combine_chunks()) for name in table.column_names}


def matrix(table: pa.Table, *, features: Sequence[str], label: str | None, weight: str | None) -> Batch:
    """All features as one matrix of 32-bit floats; what is missing is NaN. Raises COLUMN_NOT_NUMERIC."""
    x = np.empty((table.num_rows, len(features)), np.float32)
    for index, name in enumerate(features):
        x[:, index] = _floats(name, table.column(name))
    y = None if label is None else _floats(label, table.column(label))
    return Batch(x, y, None if weight is None else _floats(weight, table.column(weight)))


def _array(name: str, column: pa.Array) -> Any:
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    type_ = column.type
    if pa.types.is_decimal(type_):
        column, type_ = column.cast(pa.float64()), pa.float64()
    if pa.types.is_floating(type_):
        return np.array(column.to_numpy(zero_copy_only=False))
    if pa.types.is_timestamp(type_):
        column = column.cast(pa.timestamp("us", type_.tz)).cast(pa.int64())
    elif pa.types.is_date(type_):
        column = column.cast(pa.timestamp("us")).cast(pa.int64())
    elif not (pa.types.is_integer(type_) or pa.types.is_boolean(type_)):
        return column.to_pylist()
    if column.null_count:
        raise column_has_nulls(name, type_)
    return np.array(column.to_numpy(zero_copy_only=False))


def _floats(name: str, column: pa.ChunkedArray) -> Any:
    type_ = column.type
    if pa.types.is_boolean(type_):
        column = column.cast(pa.int8())
    elif not (pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_)):
        raise column_not_numeric(name, type_)
    # Doubles first: a decimal has no cast to 32 bits. What is missing becomes NaN on the way to NumPy.
    return column.cast(pa.float64(), safe=False).to_numpy().astype(np.float32)
