"""What deciding a condition costs per row, and how often it is true: estimates.

Seconds for conditions on columns come from a table measured once; model calls cost tokens, and a
token costs what the proxy on this machine takes for it. Pure arithmetic on ``Stats``; ordering is
``falconql.plan.chooser``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from falconql.plan.logical import references
from falconql.plan.stats import Stats, Vector
from falconql.runtime.expression import (
    And,
    Arithmetic,
    CallRef,
    ColumnRef,
    Comparison,
    Expr,
    Function,
    In,
    IsNull,
    Literal,
    Matches,
    Not,
    Or,
    TextTest,
    walk,
)
from falconql.runtime.plan import ModelCall

# Seconds per row of the runtime's evaluator on one core of a 2026 server, and per character where the
# whole text is read. A table and not a measurement at each start, so that a plan is always the same;
# only the order of magnitude matters, since a model call costs a thousand times as much.
NUMBER_S = 1e-9
TEXT_S = 1e-8
READ_S_PER_CHARACTER = 1.8e-9
REGEX_S_PER_CHARACTER = 4e-9
PARSED_S = 1e-7

# Shares of rows for which a condition is true when nothing else is known.
EQUAL, RANGE, SUBSTRING, REGEX, NULL, LABEL, FOUND, OTHER = 0.1, 0.33, 0.1, 0.1, 0.1, 0.35, 0.6, 0.5

QUOTED_TOKENS = 5.0


@dataclass(frozen=True, slots=True)
class RowCost:
    """Per sampled row (or once, for all): seconds, model tokens, and the chance of being true."""

    seconds: Vector
    tokens: Vector
    chance: Vector


def condition_cost(condition: Expr, calls: tuple[ModelCall, ...], stats: Stats) -> RowCost:
    """Return the estimates of a condition that is decided as a whole."""
    needed = references((condition,), calls)
    tokens = np.zeros(1)
    for index in needed.calls:
        tokens = tokens + call_tokens(calls[index], calls, stats)
    seconds = tokens * stats.seconds_per_token + column_seconds(condition, stats)
    truth = None
    if not needed.calls and not needed.variables:
        truth = stats.truth(condition, needed.columns)
    chance = np.array([selectivity(condition, calls)]) if truth is None else truth
    return RowCost(seconds, tokens, chance)


def call_tokens(call: ModelCall, calls: tuple[ModelCall, ...], stats: Stats) -> Vector:
    """Return the model tokens of one call, per sampled row."""
    fixed = [part for part in call.instruction if isinstance(part, str)]
    quoted = len(call.instruction) - len(fixed)
    instruction = float(sum(stats.count_tokens(fixed))) + quoted * QUOTED_TOKENS
    text = np.zeros(1)
    for column in sorted(references((call.text,), calls).columns):
        text = text + stats.text_tokens(column)
    if stats.chooses:
        options = float(sum(stats.count_tokens(call.options)))
        return text + (instruction + stats.special_tokens + options) * call_requests(call, calls, stats)
    return (text + instruction + stats.special_tokens) * max(1, len(call.options))


def call_requests(call: ModelCall, calls: tuple[ModelCall, ...], stats: Stats) -> Vector:
    """Return in how many parts the text of one call is read, per sampled row."""
    requests = np.ones(1)
    for column in sorted(references((call.text,), calls).columns):
        requests = np.maximum(requests, stats.text_requests(column))
    return requests


def column_seconds(expr: Expr, stats: Stats) -> float:
    """Return the seconds per row of everything in an expression but its model calls."""
    return sum(_node_seconds(part, stats) for part in walk(expr))


def _node_seconds(expr: Expr, stats: Stats) -> float:
    match expr:
        case Matches(value):
            return TEXT_S + REGEX_S_PER_CHARACTER * _characters(value, stats)
        case TextTest("contains", value) | Function("lower" | "length", (value,)):
            return TEXT_S + READ_S_PER_CHARACTER * _characters(value, stats)
        case TextTest() | In():
            return TEXT_S
        case Function("number" | "date"):
            return PARSED_S
        case Comparison(_, left):
            return TEXT_S if left.type.name == "Text" else NUMBER_S
        case Function("year" | "quarter" | "month" | "day" | "weekday" | "hour"):
            return NUMBER_S
        case Arithmetic() | IsNull() | Not() | And() | Or():
            return NUMBER_S
        case _:
            return 0.0


def _characters(value: Expr, stats: Stats) -> float:
    return sum(stats.characters(part.name) for part in walk(value) if isinstance(part, ColumnRef))


def selectivity(condition: Expr, calls: tuple[ModelCall, ...]) -> float:
    """Return the share of rows for which a condition is true by its kind alone."""
    match condition:
        case Literal(value):
            return 1.0 if value is True else 0.0
        case Not(operand):
            return 1.0 - selectivity(operand, calls)
        case And(operands):
            return float(np.prod([selectivity(operand, calls) for operand in operands]))
        case Or(operands):
            return 1.0 - float(np.prod([1.0 - selectivity(operand, calls) for operand in operands]))
        case Comparison("=", left, right):
            return _equal(left, right, calls)
        case Comparison("!=", left, right):
            return 1.0 - _equal(left, right, calls)
        case Comparison():
            return RANGE
        case In(value, options):
            return min(0.9, sum(_equal(value, option, calls) for option in options))
        case TextTest():
            return SUBSTRING
        case Matches():
            return REGEX
        case IsNull():
            return NULL
        case Function("exists"):
            return FOUND
        case _:
            return LABEL if any(isinstance(part, CallRef) for part in walk(condition)) else OTHER


def _equal(left: Expr, right: Expr, calls: tuple[ModelCall, ...]) -> float:
    """Return the chance that two values are equal: one in n for a choice among n options."""
    for side in (left, right):
        if isinstance(side, CallRef) and calls[side.index].kind == "choose":
            return 1.0 / max(1, len(calls[side.index].options))
    return EQUAL
