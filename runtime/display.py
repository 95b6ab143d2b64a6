"""Expressions of a plan printed back as FalconQL text, for ``explain`` and for ``check``.

Coercions are not shown, for nobody wrote them. What was a ``let`` is shown by its name where it is a
model call, and written out otherwise. Knows the syntax only as far as it prints it; that what is
printed can be read back is tested against the grammar.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import assert_never

from falconql.runtime.expression import (
    And,
    Arithmetic,
    CallRef,
    Cast,
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
    Score,
    TextTest,
    VariableRef,
)
from falconql.runtime.plan import ModelCall

# How tightly each form binds; an operand that binds less tightly than its place asks is put in parentheses.
_OR, _AND, _NOT, _COMPARISON, _SUM, _PRODUCT, _SIGN, _ATOM = range(8)

_PLAIN_NAME = re.compile(r"[^\W\d]\w*")
# Words that would be read as something else where a name may stand; as names they need back-ticks.
RESERVED_WORDS = frozenset({"and", "or", "not", "in", "is", "null", "true", "false"})
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"})


def expr_text(
    expr: Expr,
    calls: Sequence[ModelCall],
    *,
    text_column: str | None = None,
    internal: Mapping[str, Expr | str] | None = None,
) -> str:
    """Return an expression as FalconQL text with no more parentheses than it needs.

    Args:
        expr: what to print.
        calls: the model calls that ``CallRef.index`` points to.
        text_column: the column that calls read by default; calls that read it are shown without it.
        internal: what to show for internal columns such as ``$agg0``, an expression or the text of
            a call; without it their own names.
    """
    return _Printer(calls, text_column, internal or {}).show(expr, _OR)


def call_text(call: ModelCall, calls: Sequence[ModelCall], *, text_column: str | None = None) -> str:
    """Return a model call written out in full, whether or not it has a name."""
    return _Printer(calls, text_column, {}).call(call)


def quoted_name(name: str) -> str:
    """Return a name as it must be written: in back-ticks when it is odd or a keyword."""
    if name.startswith("$") or (_PLAIN_NAME.fullmatch(name) and name.lower() not in RESERVED_WORDS):
        return name
    return "`" + name.replace("`", "``") + "`"


def shown_name(name: str) -> str:
    """Return a name as it stands in a sentence: in one pair of back-ticks, whether or not it needs them."""
    written = quoted_name(name)
    return written if written.startswith("`") else f"`{written}`"


def quoted_text(value: str) -> str:
    """Return a text literal."""
    return f'"{value.translate(_ESCAPES)}"'


class _Printer:
    def __init__(self, calls: Sequence[ModelCall], text_column: str | None, internal: Mapping[str, Expr | str]) -> None:
        self._calls = calls
        self._text_column = text_column
        self._internal = internal

    def show(self, expr: Expr, least: int) -> str:
        text, binds = self._form(expr)
        return f"({text})" if binds < least else text

    def _form(self, expr: Expr) -> tuple[str, int]:
        match expr:
            case ColumnRef(name) | VariableRef(name):
                known = self._internal.get(name) or quoted_name(name)
                return (known, _ATOM) if isinstance(known, str) else self._form(known)
            case CallRef(index):
                call = self._calls[index]
                return quoted_name(call.name) if call.name else self.call(call), _ATOM
            case Literal(value):
                return _literal(value)
            case Cast(operand):
                return self._form(operand)
            case Score(operand):
                return f"score({self.show(operand, _OR)})", _ATOM
            case Function(name, arguments):
                return f"{name}({', '.join(self.show(a, _OR) for a in arguments)})", _ATOM
            case Arithmetic():
                return self._arithmetic(expr)
            case Not(IsNull(operand)):
                return f"{self.show(operand, _SUM)} is not null", _COMPARISON
            case Not(operand):
                return f"not {self.show(operand, _NOT)}", _NOT
            case And(operands):
                return " and ".join(self.show(o, _NOT) for o in operands), _AND
            case Or(operands):
                return " or ".join(self.show(o, _AND) for o in operands), _OR
            case Comparison() | In() | TextTest() | Matches() | IsNull():
                return self._test(expr), _COMPARISON
            case _:
                assert_never(expr)

    def _arithmetic(self, expr: Arithmetic) -> tuple[str, int]:
        if expr.op == "-" and isinstance(expr.left, Literal) and expr.left.value == 0:
            return f"-{self.show(expr.right, _ATOM)}", _SIGN
        binds = _SUM if expr.op in "+-" else _PRODUCT
        return f"{self.show(expr.left, binds)} {expr.op} {self.show(expr.right, binds + 1)}", binds

    def _test(self, expr: Comparison | In | TextTest | Matches | IsNull) -> str:
        match expr:
            case Comparison(op, left, right):
                return f"{self.show(left, _SUM)} {op} {self.show(right, _SUM)}"
            case In(value, options):
                return f"{self.show(value, _SUM)} in ({', '.join(self.show(o, _SUM) for o in options)})"
            case TextTest(test, value, pattern):
                return f"{self.show(value, _SUM)} {test} {self.show(pattern, _SUM)}"
            case Matches(value, pattern, flags):
                return f"{self.show(value, _SUM)} matches /{pattern.replace('/', chr(92) + '/')}/{flags}"
            case IsNull(operand):
                return f"{self.show(operand, _SUM)} is null"
            case _:
                assert_never(expr)

    def call(self, call: ModelCall) -> str:
        arguments = []
        read = call.text.operand if isinstance(call.text, Cast) else call.text
        if not (isinstance(read, ColumnRef) and read.name == self._text_column):
            arguments.append(self.show(call.text, _OR))
        arguments.append(quoted_text(self.instruction(call)))
        arguments.extend(quoted_text(option) for option in call.options)
        if call.threshold is not None:
            arguments.append(f"threshold: {_literal(call.threshold)[0]}")
        return f"{call.kind}({', '.join(arguments)})"

    def instruction(self, call: ModelCall) -> str:
        return "".join(
            part.replace("{", "{{").replace("}", "}}") if isinstance(part, str) else "{" + self.show(part, _OR) + "}"
            for part in call.instruction
        )


def _literal(value: bool | int | float | str | None) -> tuple[str, int]:
    match value:
        case None:
            return "null", _ATOM
        case bool():
            return str(value).lower(), _ATOM
        case str():
            return quoted_text(value), _ATOM
        case _:
            return repr(value), _SIGN if value < 0 else _ATOM
