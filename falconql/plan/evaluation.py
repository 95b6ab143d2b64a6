"""Evaluating expressions while planning, with the very semantics they have while running."""

from __future__ import annotations

import datetime
import math

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from falconql.runtime import evaluate as runtime
from falconql.runtime.expression import Expr, Literal

_ONE_ROW = pa.record_batch([pa.array([0])], names=["$"])


def true_rows(condition: Expr, batch: pa.RecordBatch) -> NDArray[np.bool_]:
    """Return for each row whether a condition without model calls and variables is true."""
    return np.asarray(runtime.true_rows(condition, runtime.Frame(batch)), dtype=np.bool_)


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
