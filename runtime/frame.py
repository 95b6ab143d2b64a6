"""A batch on its way through the operators: columns, variables and results of model calls.

Results of model calls are filled in as expressions need them, row by row, and travel with their
rows, so that what a filter computed is there for ``select`` and ``order by``. Taking rows copies no
column: a frame remembers positions in the batch that was read, and a column is gathered when
somebody asks for it.
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
        variables: values of ``each`` variables, one per row of the frame.
        results: results of model calls by number, for the rows of the frame.
        rows: which rows of ``batch`` the frame has, in its order; None for all of them.
    """

    def __init__(
        self,
        batch: pa.RecordBatch,
        variables: Mapping[str, pa.Array] | None = None,
        results: dict[int, CallResult] | None = None,
        rows: Rows | None = None,
    ) -> None:
        self.variables = dict(variables or {})
        self.results = results if results is not None else {}
        self._batch = batch
        self._rows = rows
        self._gathered: dict[str, pa.Array] = {}

    @property
    def num_rows(self) -> int:
        """The number of rows."""
        return int(self._batch.num_rows) if self._rows is None else int(self._rows.size)

    @property
    def batch(self) -> pa.RecordBatch:
        """The columns of the frame's rows, gathered."""
        if self._rows is None:
            return self._batch
        arrays = [self.column(name) for name in self._batch.schema.names]
        return pa.RecordBatch.from_arrays(arrays, names=self._batch.schema.names)

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        names: list[str] = self._batch.schema.names
        return names

    def column(self, name: str, rows: Rows | None = None) -> pa.Array:
        """Return a column by name; with ``rows`` (positions in the frame) only the values of those."""
        if name in self._gathered:
            values = self._gathered[name]
            return values if rows is None else values.take(pa.array(rows))
        values = self._batch.column(name)
        if rows is not None:
            return values.take(pa.array(rows if self._rows is None else self._rows[rows]))
        if self._rows is None:
            return values
        self._gathered[name] = values.take(pa.array(self._rows))
        return self._gathered[name]

    def variable(self, name: str, rows: Rows | None = None) -> pa.Array:
        """Return the values of an ``each`` variable, like ``column``."""
        values = self.variables[name]
        return values if rows is None else values.take(pa.array(rows))

    def result(self, call: int) -> CallResult:
        """Return the results of a model call, to be filled in."""
        if call not in self.results:
            self.results[call] = CallResult.empty(self.num_rows)
        return self.results[call]

    def take(self, rows: Rows) -> Frame:
        """Return the given rows (positions, any order, repeats allowed) with all that is known of them."""
        return Frame(
            self._batch,
            {name: self.variable(name, rows) for name in self.variables},
            {call: result.take(rows) for call, result in self.results.items()},
            rows if self._rows is None else self._rows[rows],
        )

    def head(self, count: int) -> Frame:
        """Return the first ``count`` rows."""
        return self if count >= self.num_rows else self.take(np.arange(count))

    def compact(self) -> Frame:
        """Return the same rows without holding on to the others of the batch that was read."""
        return Frame(self.batch, self.variables, self.results)

    def with_variable(self, name: str, values: pa.Array) -> Frame:
        """Return the same rows with one more variable."""
        return Frame(self._batch, {**self.variables, name: values}, self.results, self._rows)

    def row_bytes(self) -> float:
        """Return how many bytes a row of the batch that was read takes on average."""
        return float(self._batch.nbytes / max(1, self._batch.num_rows))
