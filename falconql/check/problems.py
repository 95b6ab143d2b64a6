"""Collects what is wrong, and speaks of values in the user's terms.

The checker goes on after an error: whatever is wrong becomes ``BROKEN``, an expression of type
Unknown, and nothing more is said about what is built on it.
"""

from __future__ import annotations

from dataclasses import dataclass

from falconql.diagnostics.model import Diagnostic, Edit, Help, Label, Severity
from falconql.runtime.display import quoted_name, quoted_text, shown_name
from falconql.runtime.expression import Expr, Literal
from falconql.source import Span
from falconql.syntax import ast
from falconql.types import BOOL, DATE, FLOAT, INT, LABEL, NULL, SPAN, TEXT, TIMESTAMP, UNKNOWN, Type

BROKEN = Literal(None, UNKNOWN)

_SPOKEN = {
    BOOL: "true or false",
    INT: "a whole number",
    FLOAT: "a number",
    TEXT: "a text",
    DATE: "a date",
    TIMESTAMP: "a date with time",
    LABEL: "a label",
    SPAN: "a span",
    NULL: "null",
}
_PLURAL = {
    BOOL: "booleans",
    INT: "whole numbers",
    FLOAT: "numbers",
    TEXT: "texts",
    DATE: "dates",
    TIMESTAMP: "dates with time",
    SPAN: "spans",
}
_LONGEST_QUOTE = 40


@dataclass(frozen=True, slots=True)
class Operand:
    """An expression together with the words it was made from."""

    node: ast.Expr
    expr: Expr

    @property
    def type(self) -> Type:
        return self.expr.type

    @property
    def span(self) -> Span:
        return self.node.span

    @property
    def broken(self) -> bool:
        return self.type == UNKNOWN


class Problems:
    """The diagnostics so far; the same one is kept once."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, Span, str], Diagnostic] = {}
        # How often something failed, whether or not it was said before; only ever grows.
        self.failures = 0

    def error(
        self,
        code: str,
        message: str,
        span: Span,
        *helps: Help | str | None,
        label: str = "",
        secondary: tuple[Label, ...] = (),
        severity: Severity = Severity.ERROR,
    ) -> Literal:
        """Add a diagnostic and return ``BROKEN`` to go on with."""
        advice = tuple(Help(h) if isinstance(h, str) else h for h in helps if h)
        primary = Label(span, label)
        diagnostic = Diagnostic(code, message, primary, severity, secondary, helps=advice)
        self._found.setdefault((code, span, message), diagnostic)
        self.failures += severity is Severity.ERROR
        return BROKEN

    def warn(self, code: str, message: str, span: Span, *helps: Help | str | None) -> None:
        """Add a diagnostic that does not stop the query."""
        self.error(code, message, span, *helps, severity=Severity.WARNING)

    def in_order(self) -> list[Diagnostic]:
        """Return the diagnostics in the order of their places."""
        return sorted(self._found.values(), key=lambda d: (d.primary.span, d.code))

    def said(self, code: str, within: Span | None = None) -> bool:
        """Return whether there is a diagnostic of this code already, anywhere or within a place."""
        places = [diagnostic.primary.span for diagnostic in self._found.values() if diagnostic.code == code]
        return any(within is None or (within.start <= span.start and span.end <= within.end) for span in places)

    @property
    def fatal(self) -> bool:
        return any(d.severity is Severity.ERROR for d in self._found.values())


def spoken(type_: Type) -> str:
    """Return a type as people say it, with its article."""
    if type_.item is not None:
        return f"a list of {_PLURAL.get(type_.item, str(type_.item))}"
    return _SPOKEN.get(type_, f"a value of type `{type_}`")


def nested(type_: Type) -> bool:
    """Return whether the values of a type are objects with fields of their own."""
    return type_.name == "Other" and (type_.arrow or "").startswith(("struct", "map"))


def flattening(name: str) -> str:
    """Return what to do to read a field of a nested object, which ``name`` is the path to."""
    return (
        "its fields cannot be read; flatten it first, so that "
        f"{shown_name(name)} is a column of its own, as `pandas.json_normalize` does"
    )


def words(node: ast.Expr) -> str:
    """Return what to call an expression in a message: itself when it is short."""
    match node:
        case ast.Name(name):
            return shown_name(name)
        case ast.Parameter(name):
            return f"`${name}`"
        case ast.Text(value):
            short = value if len(value) <= _LONGEST_QUOTE else value[:_LONGEST_QUOTE] + "..."
            return quoted_text(short)
        case ast.Integer(number) | ast.Decimal(number):
            return f"{number!r:.40}"
        case ast.Boolean(truth):
            return str(truth).lower()
        case ast.Null():
            return "null"
        case ast.Call(function):
            return f"`{function.text}(...)`"
        case _:
            return "this expression"


def rewrite(advice: str, node: ast.Expr, before: str, after: str) -> Help:
    """Return advice to put something around an expression; it can be applied if that is a name or literal."""
    plain = plain_text(node)
    shown = code(f"{before}{plain or '...'}{after}")
    return Help(f"{advice}: {shown}", Edit(node.span, f"{before}{plain}{after}") if plain else None)


def code(text: str) -> str:
    """Return a piece of a query as it stands in a sentence: in back-ticks, unless it has some itself."""
    return text if "`" in text else f"`{text}`"


def plain_text(node: ast.Expr) -> str | None:
    """Return a name or literal as it can be written; None for anything larger."""
    match node:
        case ast.Name(name):
            return quoted_name(name)
        case ast.Parameter(name):
            return f"${name}"
        case ast.Text(value):
            return quoted_text(value)
        case ast.Integer(number) | ast.Decimal(number):
            return repr(number)
        case ast.Boolean(truth):
            return str(truth).lower()
        case _:
            return None
