"""What a model is given: columns of a dataset as one matrix of numbers, by what was learnt of the training rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Encoder:
    """Columns, and for each that holds texts the texts in the order of their numbers."""

    columns: tuple[str, ...]
    texts: dict[str, pa.Array]

    @classmethod
    def learn(cls, rows: pa.Table, columns: Sequence[str]) -> Encoder:
        """From the training rows: a text that only the test rows have is missing there, as it will be in service."""
        words = {name: pc.unique(rows[name]).drop_null().sort() for name in columns if pa.types.is_string(rows[name].type)}
        return cls(tuple(columns), words)

    @property
    def categorical(self) -> list[bool]:
        """Which columns of the matrix are numbers of texts and not amounts."""
        return [name in self.texts for name in self.columns]

    def matrix(self, rows: pa.Table) -> Matrix:
        """One row a row; what is missing, and a column that is not there, is NaN."""
        matrix = np.full((rows.num_rows, len(self.columns)), np.nan)
        for index, name in enumerate(self.columns):
            if name in rows.column_names:
                matrix[:, index] = self._numbers(name, rows[name])
        return matrix

    def _numbers(self, name: str, column: pa.ChunkedArray) -> Matrix:
        if name in self.texts:
            column = pc.index_in(column.cast(pa.string()), self.texts[name])
        return column.cast(pa.float64()).to_numpy()
