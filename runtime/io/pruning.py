"""Row groups that a filter cannot match, by their statistics.

Only what the statistics prove is left out: of a conjunction any part may prove it, a comparison of
a column with a constant by the smallest and largest value, ``is not null`` by the null count. NaN is
outside of every range and makes no comparison true but ``!=``, which is never used.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from falconql.runtime.evaluate import literal_scalar
from falconql.runtime.expression import And, ColumnRef, Comparison, Expr, In, IsNull, Literal, Not

_FLIPPED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def may_match(condition: Expr | None, group: Any, schema: pa.Schema) -> bool:
    """Return False only if no row of a Parquet row group can make the condition true."""
    match condition:
        case And(operands):
            return all(may_match(operand, group, schema) for operand in operands)
        case Comparison(op, ColumnRef(name), Literal() as literal) if op in _FLIPPED:
            return _in_range(op, name, literal, group, schema)
        case Comparison(op, Literal() as literal, ColumnRef(name)) if op in _FLIPPED:
            return _in_range(_FLIPPED[op], name, literal, group, schema)
        case In(ColumnRef(name), options) if all(isinstance(option, Literal) for option in options):
            found = [o for o in options if isinstance(o, Literal) and o.value is not None]
            return any(_in_range("=", name, option, group, schema) for option in found)
        case Not(IsNull(ColumnRef(name))):
            statistics = _statistics(name, group, schema)
            return statistics is None or not statistics.has_null_count or statistics.null_count < group.num_rows
    return True


def _statistics(name: str, group: Any, schema: pa.Schema) -> Any:
    """Return the statistics of a flat column, None if there are none."""
    for number in range(group.num_columns):
        column = group.column(number)
        if column.path_in_schema == name:
            return column.statistics
    return None


def _in_range(op: str, name: str, literal: Literal, group: Any, schema: pa.Schema) -> bool:
    if literal.value is None:
        return False
    statistics = _statistics(name, group, schema)
    if statistics is None or not statistics.has_min_max:
        return True
    type_ = schema.field(name).type
    if pa.types.is_timestamp(type_) or pa.types.is_decimal(type_):
        return True
    low, high, value = statistics.min, statistics.max, literal_scalar(literal).as_py()
    try:
        if op == "=":
            return bool(low <= value <= high)
        if op in ("<", "<="):
            return bool(low < value if op == "<" else low <= value)
        return bool(high > value if op == ">" else high >= value)
    except TypeError:
        return True
