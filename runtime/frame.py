"""A batch on its way through the operators: columns, variables and results of model calls.

Results of model calls are filled in as expressions need them, row by row, and travel with their
rows, so that what a filter computed is there for ``select`` and ``order by``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Rows = NDArray[np.int64]


@dataclass(slots=True)
class CallResult:
    """Results of one model call for a frame's rows: ``values[i]`` counts where ``known[i]``.

    Values are Python objects: a score (float), a text, a span as a mapping like its Arrow struct, a
    list of those, or None for null.
    """

    values: NDArray[np.object_]
    known: NDArray[np.bool_]

    @classmethod
    def empty(cls, rows: int) -> CallResult:
        """Return a result of which no row is known."""
        return cls(np.empty(rows, dtype=object), np.zeros(rows, dtype=bool))

    def take(self, rows: Rows) -> CallResult:
        """Return the results of the given rows."""
        return CallResult(self.values[rows], self.known[rows])


class Frame:
    """Rows with everything that is known about them.

    Args:
        batch: the columns, types already normalised.
        variables: values of ``each`` variables, one per row.
        results: results of model calls by number.
    """

    def __init__(
        self,
        batch: pa.RecordBatch,
        variables: Mapping[str, pa.Array] | None = None,
        results: dict[int, CallResult] | None = None,
    ) -> None:
        self.batch = batch
        self.variables = dict(variables or {})
        self.results = results if results is not None else {}

    @property
    def num_rows(self) -> int:
        """The number of rows."""
        return int(self.batch.num_rows)

    def column(self, name: str) -> pa.Array:
        """Return a column by name."""
        return self.batch.column(name)

    def result(self, call: int) -> CallResult:
        """Return the results of a model call, to be filled in."""
        if call not in self.results:
            self.results[call] = CallResult.empty(self.num_rows)
        return self.results[call]

    def take(self, rows: Rows) -> Frame:
        """Return the given rows (positions, any order, repeats allowed) with all that is known of them."""
        positions = pa.array(rows)
        return Frame(
            self.batch.take(positions),
            {name: values.take(positions) for name, values in self.variables.items()},
            {call: result.take(rows) for call, result in self.results.items()},
        )

    def head(self, count: int) -> Frame:
        """Return the first ``count`` rows."""
        return self if count >= self.num_rows else self.take(np.arange(count))

    def with_variable(self, name: str, values: pa.Array) -> Frame:
        """Return the same rows with one more variable."""
        return Frame(self.batch, {**self.variables, name: values}, self.results)
