"""Aggregates and what may stand beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

from falconql.check.comparisons import operand_error
from falconql.check.functions import BUILTINS
from falconql.check.state import UNKNOWN_EXPR, State, is_unknown
from falconql.runtime.expression import AggregateName, Cast, ColumnRef, Expr
from falconql.runtime.plan import AggregateCall
from falconql.syntax import ast
from falconql.syntax.walk import children, walk
from falconql.types import BOOL, FLOAT, INT, LABEL, NULL, SPAN, TEXT, Type, is_number, list_of

if TYPE_CHECKING:
    from falconql.check.expressions import ExpressionChecker

ORDERED = ("Int", "Float", "Text", "Date", "Timestamp", "Bool")


def is_aggregate(node: ast.Node) -> bool:
    """Return whether a node is a call of an aggregate function."""
    if not isinstance(node, ast.Call):
        return False
    builtin = BUILTINS.get(node.function.text.lower())
    return builtin is not None and builtin.kind == "aggregate"


def has_aggregate(node: ast.Node) -> bool:
    """Return whether there is an aggregate anywhere in an expression."""
    return any(is_aggregate(below) for below in walk(node))


def check_aggregate(checker: ExpressionChecker, node: ast.Call, name: str) -> Expr:
    """Return a reference to the aggregate's column."""
    state = checker.state
    if state.aggregates is None:
        message = f"`{name}` cannot stand here"
        helps = ("aggregates belong in `select` or `order by`; rows are filtered before they are grouped",)
        return state.error("FQL209", message, node.span, helps=helps)
    if (not node.arguments and name != "count") or len(node.arguments) > 1:
        helps = (f"write `{BUILTINS[name].signatures[-1]}`",)
        return state.error("FQL206", f"`{name}` takes one argument", node.span, helps=helps)
    operand: Expr | None = None
    if node.arguments:
        collected, state.aggregates = state.aggregates, None
        if name == "share":
            operand = checker.condition(node.arguments[0].value, "`share`")
        else:
            operand = checker.check(node.arguments[0].value)
        state.aggregates = collected
        if operand is UNKNOWN_EXPR or (is_unknown(operand) and state.catalog.fields is not None):
            return UNKNOWN_EXPR
    aggregate = _aggregate(state, node, cast(AggregateName, name), operand)
    if aggregate is None:
        return UNKNOWN_EXPR
    if aggregate not in state.aggregates:
        state.aggregates.append(aggregate)
    return ColumnRef(f"$agg{state.aggregates.index(aggregate)}", aggregate.type)


def _aggregate(state: State, node: ast.Call, name: AggregateName, operand: Expr | None) -> AggregateCall | None:
    if operand is None or name == "count":
        return AggregateCall("count", operand, INT)
    place = node.arguments[0].value.span
    operand = _plain(operand)
    type_ = operand.type
    if is_unknown(operand) or name == "share":
        return AggregateCall(name, operand, FLOAT)
    if name in ("sum", "avg"):
        if not is_number(type_) and type_ != NULL:
            helps = ("`share(condition)` gives the fraction that is true",) if type_ == BOOL else ()
            operand_error(state, place, type_, f"`{name}` needs numbers", helps)
            return None
        return AggregateCall(name, operand, INT if name == "sum" and type_ == INT else FLOAT)
    if type_.name == "Other" or (type_.item is not None and name != "collect"):
        helps = () if type_.item is None else ("go through its elements with `each`",)
        operand_error(state, place, type_, f"`{name}` needs single values", helps)
        return None
    return AggregateCall(name, operand, list_of(type_) if name == "collect" else type_)


def _plain(operand: Expr) -> Expr:
    if operand.type == LABEL:
        return Cast(operand, BOOL)
    return Cast(operand, TEXT) if operand.type == SPAN else operand


def plain_key(state: State, expr: Expr, node: ast.Expr) -> Expr:
    """Return a group key as a value that can be grouped by."""
    expr = _plain(expr)
    if expr.type.name == "Other" or expr.type.item is not None:
        helps = ("go through its elements with `each`",) if expr.type.item is not None else ()
        return operand_error(state, node.span, expr.type, "`group by` needs single values", helps)
    return expr


class Grouped:
    """Checks expressions of a grouped query: over keys and aggregates only."""

    def __init__(self, checker: ExpressionChecker, keys: list[tuple[Expr, Expr]]) -> None:
        self.checker = checker
        self.keys = keys

    def check(self, node: ast.Expr) -> Expr:
        """Return the expression with keys and aggregates replaced by their columns."""
        state = self.checker.state
        kept = len(state.diagnostics)
        expr = self.checker.check(node)
        if len(state.diagnostics) > kept and any(d.severity == "error" for d in state.diagnostics[kept:]):
            return UNKNOWN_EXPR
        if not self._covered(node):
            return UNKNOWN_EXPR
        return self._replace(expr)

    def _replace(self, expr: Expr) -> Expr:
        from falconql.runtime.expression import children as below
        from falconql.runtime.expression import replace_children

        for index, (raw, plain) in enumerate(self.keys):
            if expr in (raw, plain):
                return ColumnRef(f"$key{index}", plain.type)
        replaced = tuple(self._replace(child) for child in below(expr))
        if isinstance(expr, Cast) and replaced[0].type == expr.type:
            return replaced[0]
        return replace_children(expr, replaced)

    def _covered(self, node: ast.Expr) -> bool:
        """Whether everything in an expression is a key, an aggregate or a constant; report what is not."""
        state = self.checker.state
        if is_aggregate(node):
            return True
        expr = self.checker.check(node)
        if any(expr in pair for pair in self.keys):
            return True
        if isinstance(node, ast.Name) or (isinstance(node, ast.Call) and not children(node)):
            return self._report(node)
        if isinstance(node, ast.Call) and BUILTINS[node.function.text.lower()].kind == "model":
            return self._report(node)
        parts = [part for part in children(node) if not isinstance(part, ast.Argument)]
        parts += [part.value for part in children(node) if isinstance(part, ast.Argument)]
        del state
        return all([self._covered(cast("ast.Expr", part)) for part in parts if _is_expression(node, part)])

    def _report(self, node: ast.Expr) -> bool:
        shown = f"`{node.text}`" if isinstance(node, ast.Name) else "this value"
        self.checker.state.report(
            "FQL210",
            f"{shown} is neither a group key nor inside an aggregate",
            node.span,
            helps=("add it to `group by`, or say how to combine it: `count(...)`, `max(...)`, `collect(...)`",),
        )
        return False


def _is_expression(parent: ast.Node, child: ast.Node) -> bool:
    return not (isinstance(parent, ast.Call) and child is parent.function) and not isinstance(child, ast.Regex)


SelectKind = Literal["rows", "groups"]


def type_name(type_: Type) -> str:
    """Return the name of a type for the reference."""
    return str(type_)
