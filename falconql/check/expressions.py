"""Expressions: from what was written to typed plan expressions."""

from __future__ import annotations

from typing import assert_never, cast

from falconql.check import instructions
from falconql.check.aggregates import check_aggregate
from falconql.check.comparisons import check_comparison, check_in, coerce, operand_error, shown
from falconql.check.functions import BUILTINS, FOREIGN, SAID_OTHERWISE
from falconql.check.regex import regex_problem
from falconql.check.state import UNKNOWN_EXPR, State, is_unknown
from falconql.diagnostics.model import Edit, Help
from falconql.diagnostics.suggest import near_names
from falconql.runtime.expression import (
    And,
    Arithmetic,
    CallRef,
    Cast,
    Expr,
    Function,
    IsNull,
    Literal,
    Matches,
    Not,
    Or,
    Score,
    TextTest,
    VariableRef,
)
from falconql.runtime.plan import CallKind
from falconql.source import Span
from falconql.syntax import ast
from falconql.types import BOOL, DATE, FLOAT, INT, LABEL, NULL, SPAN, TEXT, UNKNOWN, is_number, stands_for

MOST_INT = 2**63


class ExpressionChecker:
    """Checks expressions against one state."""

    def __init__(self, state: State) -> None:
        self.state = state

    def check(self, node: ast.Expr) -> Expr:
        """Return the typed expression; type Unknown after a diagnostic."""
        match node:
            case ast.Name():
                return self.state.resolve(node)
            case ast.Parameter():
                return self._parameter(node)
            case ast.Text(value):
                return Literal(value, TEXT)
            case ast.Integer(value):
                return self._integer(value, node.span)
            case ast.Decimal(value):
                return self._decimal(value, node.span)
            case ast.Boolean(value):
                return Literal(value, BOOL)
            case ast.Null():
                return Literal(None, NULL)
            case ast.Call():
                return self._call(node)
            case ast.Negate(operand):
                return self._negate(node, operand)
            case ast.Arithmetic():
                return self._arithmetic(node)
            case ast.Comparison():
                return check_comparison(self.state, node, self.check(node.left), self.check(node.right))
            case ast.In():
                return check_in(self.state, node, self.check(node.value), [self.check(o) for o in node.options])
            case ast.TextTest():
                return self._text_test(node)
            case ast.Matches():
                return self._matches(node)
            case ast.IsNull(value, negated):
                return self._is_null(value, negated)
            case ast.Not(operand):
                inner = self.condition(operand, "`not`")
                return UNKNOWN_EXPR if self._fails(inner) else Not(inner)
            case ast.And(operands):
                return self._connective(And, operands, "`and`")
            case ast.Or(operands):
                return self._connective(Or, operands, "`or`")
            case _:
                assert_never(node)

    def _fails(self, *exprs: Expr) -> bool:
        """Whether a diagnostic was made; without a corpus open types do not count."""
        if self.state.catalog.fields is None:
            return any(expr is UNKNOWN_EXPR for expr in exprs)
        return any(is_unknown(expr) for expr in exprs)

    def _parameter(self, node: ast.Parameter) -> Expr:
        parameters = self.state.catalog.parameters
        if node.name not in parameters:
            near = near_names(node.name, parameters)
            helps = [f"give it a value: `-p {node.name}=...`, or `query(text, {node.name}=...)` in Python"]
            if near:
                helps.insert(0, f"did you mean `${near[0]}`?")
            return self.state.error("FQL105", f"the parameter `${node.name}` has no value", node.span, helps=helps)
        value = parameters[node.name]
        if value is None:
            return Literal(None, NULL)
        if isinstance(value, bool):
            return Literal(value, BOOL)
        if isinstance(value, int):
            return self._integer(value, node.span)
        return Literal(value, FLOAT if isinstance(value, float) else TEXT)

    def _integer(self, value: int, span: Span) -> Expr:
        if -MOST_INT <= value < MOST_INT:
            return Literal(value, INT)
        return self.state.error(
            "FQL204", "this number does not fit into 64 bits", span, helps=("write it as a decimal",)
        )

    def _decimal(self, value: float, span: Span) -> Expr:
        if value in (float("inf"), float("-inf")):
            return self.state.error("FQL204", "this number is too large", span)
        return Literal(value, FLOAT)

    def condition(self, node: ast.Expr, what: str) -> Expr:
        """Return an expression as a Bool; ``what`` needs it."""
        expr = self.check(node)
        if is_unknown(expr) or expr.type == BOOL:
            return expr
        if expr.type == LABEL:
            return Cast(expr, BOOL)
        if expr.type == NULL:
            return Literal(None, BOOL)
        helps: tuple[str, ...] = ()
        if expr.type == SPAN or expr.type.item is not None:
            said = node.text if isinstance(node, ast.Name) else "..."
            helps = (f"ask whether there is one: `exists({said})`, or ask a yes/no question: `label(...)`",)
        elif isinstance(node, ast.Text):
            helps = (f"ask the proxy: `label({self._written(node)})`",)
        elif is_number(expr.type):
            helps = ("compare it, for example with `> 0`",)
        elif expr.type == TEXT:
            helps = ('compare it, for example with `contains "..."`',)
        message = f"{what} needs a condition, and this is {shown(expr.type)}"
        return self.state.error("FQL202", message, node.span, helps=helps)

    def _written(self, node: ast.Text) -> str:
        short = node.value if len(node.value) <= 40 else node.value[:39] + "…"
        return f'"{short}"'

    def _connective(self, kind: type[And] | type[Or], operands: tuple[ast.Expr, ...], what: str) -> Expr:
        typed = tuple(self.condition(operand, what) for operand in operands)
        return UNKNOWN_EXPR if self._fails(*typed) else kind(typed)

    def _negate(self, node: ast.Negate, operand: ast.Expr) -> Expr:
        value = self.check(operand)
        if is_unknown(value):
            return value
        if isinstance(value, Literal) and isinstance(value.value, (int, float)) and is_number(value.type):
            return Literal(-value.value, value.type)
        if not is_number(value.type):
            return operand_error(self.state, node.span, value.type, "`-` needs a number")
        zero = Literal(0, INT) if value.type == INT else Literal(0.0, FLOAT)
        return Arithmetic("-", zero, value, value.type)

    def _arithmetic(self, node: ast.Arithmetic) -> Expr:
        left, right = self._number(node.left, node.op), self._number(node.right, node.op)
        if self._fails(left, right):
            return UNKNOWN_EXPR
        floating = node.op == "/" or FLOAT in (left.type, right.type) or UNKNOWN in (left.type, right.type)
        type_ = FLOAT if floating else INT
        return Arithmetic(node.op, coerce(left, type_), coerce(right, type_), type_)

    def _number(self, node: ast.Expr, op: str) -> Expr:
        value = self.check(node)
        if is_unknown(value) or is_number(value.type):
            return value
        if value.type == NULL:
            return Literal(None, FLOAT)
        if isinstance(node, ast.Parameter) and isinstance(value, Literal) and isinstance(value.value, str):
            return self._read_number(node, value.value)
        helps: tuple[str, ...] = ()
        if value.type in (TEXT, SPAN):
            name = node.text if isinstance(node, ast.Name) else "text"
            helps = (
                ("texts cannot be joined",)
                if op == "+" and isinstance(node, ast.Text)
                else (f"read the number out of the text: `number({name})`",)
            )
        elif value.type == LABEL:
            helps = ("use its score: `score(...)`",)
        return operand_error(self.state, node.span, value.type, f"`{op}` needs numbers", helps)

    def _read_number(self, node: ast.Parameter, text: str) -> Expr:
        from falconql.check.literals import read_as

        read = read_as(text, INT) or read_as(text, FLOAT)
        if read is not None:
            return read
        return self.state.error("FQL204", f"`${node.name}` is {text!r}, which is no number", node.span)

    def text_of(self, node: ast.Expr, what: str) -> Expr:
        """Return an expression as a Text; ``what`` needs it."""
        value = self.check(node)
        if is_unknown(value) or value.type == TEXT:
            return value
        if stands_for(value.type, TEXT):
            return coerce(value, TEXT)
        return operand_error(self.state, node.span, value.type, f"{what} needs a text")

    def _text_test(self, node: ast.TextTest) -> Expr:
        value, what = self.check(node.value), f"`{node.op}`"
        if node.op == "contains" and value.type.item is not None:
            return self._list_contains(node, value)
        pattern = self.text_of(node.pattern, what)
        if self._fails(value, pattern):
            return UNKNOWN_EXPR
        if not is_unknown(value) and not stands_for(value.type, TEXT):
            helps = ("compare numbers with `=`",) if is_number(value.type) else ()
            return operand_error(self.state, node.value.span, value.type, f"{what} needs a text", helps)
        return TextTest(node.op, value if is_unknown(value) else coerce(value, TEXT), pattern)

    def _list_contains(self, node: ast.TextTest, value: Expr) -> Expr:
        item = self.check(node.pattern)
        if self._fails(item):
            return UNKNOWN_EXPR
        wanted = value.type.item
        assert wanted is not None
        wanted = TEXT if wanted == SPAN else wanted
        if item.type != wanted and not stands_for(item.type, wanted):
            message = f"a list of {wanted} cannot contain {shown(item.type)}"
            return self.state.error("FQL203", message, node.pattern.span)
        return TextTest("contains", value, coerce(item, wanted))

    def _matches(self, node: ast.Matches) -> Expr:
        value = self.text_of(node.value, "`matches`")
        problem = regex_problem(node.regex.pattern, node.regex.flags)
        if problem is not None:
            message, help_ = problem
            return self.state.error("FQL211", message, node.regex.span, helps=(help_,) if help_ else ())
        return UNKNOWN_EXPR if self._fails(value) else Matches(value, node.regex.pattern, node.regex.flags)

    def _is_null(self, node: ast.Expr, negated: bool) -> Expr:
        value = self.check(node)
        if self._fails(value):
            return UNKNOWN_EXPR
        return Not(IsNull(value)) if negated else IsNull(value)

    def _call(self, node: ast.Call) -> Expr:
        name = node.function.text.lower()
        builtin = BUILTINS.get(name)
        if builtin is None:
            return self._unknown_function(node)
        if builtin.kind == "model":
            return instructions.check_model_call(self, node, cast(CallKind, name))
        for argument in node.arguments:
            if argument.name is not None:
                message = f"`{name}` has no argument `{argument.name.text}`"
                return self.state.error("FQL109", message, argument.name.span)
        if builtin.kind == "aggregate":
            return check_aggregate(self, node, name)
        if len(node.arguments) != 1:
            helps = (f"write `{builtin.signatures[0]}`",)
            return self.state.error("FQL206", f"`{name}` takes one argument", node.span, helps=helps)
        return self._function(node, name, node.arguments[0].value)

    def _unknown_function(self, node: ast.Call) -> Expr:
        written, lower = node.function.text, node.function.text.lower()
        span = node.function.span
        helps: list[Help | str] = []
        if lower in SAID_OTHERWISE:
            helps.append(SAID_OTHERWISE[lower])
        elif lower in FOREIGN:
            right = FOREIGN[lower]
            helps.append(Help(f"FalconQL calls it `{BUILTINS[right].signatures[0]}`", Edit(span, right)))
        else:
            near = near_names(written, BUILTINS)
            if near:
                helps.append(Help(f"did you mean `{near[0]}`?", Edit(span, near[0])))
            else:
                helps.append("the functions are " + ", ".join(f"`{name}`" for name in BUILTINS))
        return self.state.error("FQL102", f"there is no function `{written}`", span, helps=helps)

    def _function(self, node: ast.Call, name: str, argument: ast.Expr) -> Expr:
        value = self.check(argument)
        if self._fails(value):
            return UNKNOWN_EXPR
        if name == "score":
            return self._score(argument, value)
        if name == "exists":
            return Function("exists", (value,), BOOL)
        if name == "first":
            if value.type.item is None and not is_unknown(value):
                return operand_error(self.state, argument.span, value.type, "`first` needs a list")
            return Function("first", (value,), value.type.item or UNKNOWN)
        if name == "length" and value.type.item is not None:
            return Function("length", (value,), INT)
        if name in ("number", "date") and value.type in ((INT, FLOAT) if name == "number" else (DATE,)):
            helps = (f"it is {shown(value.type)} already",)
            return operand_error(self.state, argument.span, value.type, f"`{name}` needs a text", helps)
        if not is_unknown(value) and not stands_for(value.type, TEXT):
            return operand_error(self.state, argument.span, value.type, f"`{name}` needs a text")
        text = value if is_unknown(value) else coerce(value, TEXT)
        if name == "length":
            return Function("length", (text,), INT)
        if name == "lower":
            return Function("lower", (text,), TEXT)
        if name == "number":
            return Function("number", (text,), FLOAT)
        return Function("date", (text,), DATE)

    def _score(self, node: ast.Expr, value: Expr) -> Expr:
        if (value.type in (LABEL, SPAN) and isinstance(value, (CallRef, VariableRef, Function))) or is_unknown(value):
            return Score(value)
        helps = ("`score(label(...))` or `score(span(...))`",)
        return operand_error(self.state, node.span, value.type, "`score` needs a label or a span", helps)
