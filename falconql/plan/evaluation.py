"""Evaluating expressions while planning, with the very semantics they have while running."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from falconql.runtime.expression import Expr


def true_rows(condition: Expr, batch: pa.RecordBatch) -> NDArray[np.bool_]:
    """Return for each row whether a condition without model calls and variables is true."""
    from falconql.runtime.evaluate import Frame, evaluate

    values = evaluate(condition, Frame(batch))
    return np.asarray(values.fill_null(False).to_numpy(zero_copy_only=False), dtype=np.bool_)
