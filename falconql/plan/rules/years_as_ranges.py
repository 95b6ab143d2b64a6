"""Compare the year of a column as a range of the column itself, which scans of files can use.

::

    year(published) = 2024   ->  published >= "2024-01-01" and published < "2025-01-01"
    year(published) > 2024   ->  published >= "2025-01-01"

Both are null for a null column. Must not fire on ``year(date(text))``, which would be read twice, nor on months.
"""

from __future__ import annotations

from falconql.plan.logical import LogicalPlan
from falconql.plan.rules.base import Rule, bottom_up, rewrite_conditions
from falconql.runtime.expression import And, ColumnRef, Comparison, ComparisonOp, Expr, Function, Literal, Or
from falconql.runtime.types import DATE, INT

_TURNED: dict[ComparisonOp, ComparisonOp] = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
# Years with a first day after them that a literal can hold.
_YEARS = range(1, 9999)


def apply(plan: LogicalPlan) -> LogicalPlan:
    """Rewrite every comparison of a column's year with a constant."""
    return rewrite_conditions(plan, lambda condition: bottom_up(condition, _as_range))


def _as_range(expr: Expr) -> Expr:
    match expr:
        case Comparison(op, Function("year", (ColumnRef() as column,)), Literal(int() as year, type)) if type == INT:
            return _range(op, column, year) if year in _YEARS else expr
        case Comparison(op, Literal(int() as year, type), Function("year", (ColumnRef() as column,))) if type == INT:
            return _range(_TURNED[op], column, year) if year in _YEARS else expr
        case _:
            return expr


def _range(op: ComparisonOp, column: ColumnRef, year: int) -> Expr:
    first, after = _new_year(year, column), _new_year(year + 1, column)
    match op:
        case "=":
            return And((Comparison(">=", column, first), Comparison("<", column, after)))
        case "!=":
            return Or((Comparison("<", column, first), Comparison(">=", column, after)))
        case "<":
            return Comparison("<", column, first)
        case "<=":
            return Comparison("<", column, after)
        case ">":
            return Comparison(">=", column, after)
        case ">=":
            return Comparison(">=", column, first)


def _new_year(year: int, column: ColumnRef) -> Literal:
    day = f"{year:04}-01-01"
    return Literal(day if column.type == DATE else f"{day}T00:00:00", column.type)


RULE = Rule(
    "years_as_ranges",
    apply,
    "compared years as ranges of dates",
    "after push_negations, which shows the comparison; before flatten, as a range is two conditions",
)
