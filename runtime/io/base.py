"""What the runtime asks of a corpus and of an output.

Implementations: one module per format beside this one, ``open_source`` and ``open_sink`` in
``falconql.runtime.io`` pick by what is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import pyarrow as pa

from falconql.runtime.expression import Expr


class TableSource(Protocol):
    """A corpus: a schema and a way to read it in record batches, again and again.

    Attributes:
        name: what it is called in messages.
        schema: the Arrow schema as it is in the file, duplicate names included.
        rows: the number of rows when that is known without reading, else None.
    """

    name: str
    schema: pa.Schema
    rows: int | None

    def batches(self, columns: Sequence[str], filter: Expr | None, *, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Yield batches of at most ``batch_rows`` rows with exactly these columns, in file order.

        ``filter`` (no model calls, no variables) is a permission to leave rows out for which it is
        not true, never a duty: the scan applies it again.

        Raises:
            DataError: the corpus cannot be read; the message names file and row where known.
        """


class TableSink(Protocol):
    """Where a result goes."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Take the next rows."""

    def commit(self) -> None:
        """Finish: only now does the final name exist."""

    def abort(self) -> None:
        """Give up: nothing is left under the final name."""
