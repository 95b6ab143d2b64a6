"""Evaluating expressions while planning, with the very semantics they have while running."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from falconql.runtime import evaluate as runtime
from falconql.runtime.expression import Expr, Literal
from falconql.runtime.normalise import normalise

_ONE_ROW = pa.record_batch([pa.array([0])], names=["$"])


def true_rows(condition: Expr, batch: pa.RecordBatch, needed: Iterable[str]) -> NDArray[np.bool_] | None:
    """Return for each row of a sample whether a condition without model calls and variables is true.

    None where the sample does not have exactly one column for each name that is ``needed``, or Arrow
    cannot compute the condition: the run will say so, with the name of the operator.
    """
    names = sorted(needed)
    places = [batch.schema.get_all_field_indices(name) for name in names]
    if not all(len(place) == 1 for place in places):
        return None
    columns = [normalise(batch.column(place[0])) for place in places]
    frame = runtime.Frame(pa.RecordBatch.from_arrays([_numbers(batch), *columns], names=["$row", *names]))
    try:
        return np.asarray(runtime.true_rows(condition, frame), dtype=np.bool_)
    except pa.ArrowException:
        return None


def _numbers(batch: pa.RecordBatch) -> pa.Array:
    """Return row numbers: a batch without columns would forget how many rows it has."""
    return pa.array(np.arange(batch.num_rows))


def constant_value(expr: Expr) -> Literal | None:
    """Return the value of an expression over literals; None where a literal cannot hold it.

    That is so for timestamps (their zone is the column's), NaN and infinities (no notation), and
    whatever Arrow refuses to compute: that fails while running, if the row ever gets there.
    """
    try:
        value = runtime.evaluate(expr, runtime.Frame(_ONE_ROW))[0].as_py()
    except pa.ArrowInvalid:
        return None
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        value = value.isoformat()
    finite = not isinstance(value, float) or math.isfinite(value)
    held = value is None or isinstance(value, bool | int | float | str)
    return Literal(value, expr.type) if held and finite else None
