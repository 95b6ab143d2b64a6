"""The output columns: what ``select`` names, or everything when it is left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from falconql.check.comparisons import column_meant
from falconql.check.context import Context
from falconql.check.literals import scalar
from falconql.check.problems import Operand, code
from falconql.check.scope import Bound
from falconql.diagnostics.model import Edit, Help, Label
from falconql.runtime.display import quoted_name
from falconql.runtime.expression import CallRef, ColumnRef, Expr
from falconql.runtime.plan import Output
from falconql.source import Span
from falconql.syntax import ast
from falconql.types import LABEL, UNKNOWN


class Outputs:
    """Makes output columns and sees that their names differ."""

    def __init__(self, ctx: Context, value: Callable[[ast.Expr], Operand], *, grouped: bool) -> None:
        self._ctx = ctx
        self._value = value
        self._grouped = grouped
        self._outputs: list[Output] = []
        self._places: dict[str, Span] = {}
        # The values as given: a label still has its score, which the output column does not hold.
        self.values: dict[str, Expr] = {}

    def of(self, select: ast.Select) -> tuple[Output, ...]:
        """Return the outputs of a ``select``."""
        for item in select.items:
            if isinstance(item, ast.Item):
                self._item(item)
            elif self._grouped:
                help_ = "name the group keys and the aggregates to show"
                self._ctx.problems.error("FQL243", "`*` cannot stand in a query that groups", item.span, help_)
            else:
                self._star(item.span)
        return tuple(self._outputs)

    def everything(self, span: Span, bound: Mapping[str, Bound]) -> tuple[Output, ...]:
        """Return what a query without ``select`` gives: ``*``, then every let and each in written order."""
        self._star(span)
        for name, binding in bound.items():
            # A name that is a column as well has been reported where it was given.
            if self._ctx.scope.fields(name):
                continue
            self._add(name, binding.value, binding.span)
        return tuple(self._outputs)

    def _star(self, span: Span) -> None:
        fields = self._ctx.scope.catalog.fields
        if fields is None:
            self._add("*", ColumnRef("*", UNKNOWN), span)
            return
        repeated = [f.name for f in fields if len(self._ctx.scope.fields(f.name)) > 1]
        if repeated and self._ctx.problems.said("FQL105"):
            return
        if repeated:
            message = (
                f"{self._ctx.scope.catalog.corpus} has {repeated.count(repeated[0])} columns called `{repeated[0]}`"
            )
            help_ = "name the columns to show in `select`, or rename them in the corpus"
            self._ctx.problems.error("FQL105", message, span, help_)
            return
        for field in fields:
            if self._ctx.scope.reserved(field.name, span):
                return
            self._add(field.name, ColumnRef(field.name, field.type), span)

    def _item(self, item: ast.Item) -> None:
        if item.name is None and self._meant_a_name(item.value):
            return
        operand = self._value(item.value)
        name = item.name.text if item.name else _derived(item.value)
        if name is None and operand.broken and not self._ctx.open_types(operand.expr):
            return
        if name is None:
            naming = Help("write `name: expression`", Edit(Span(item.span.start, item.span.start), "value: "))
            help_ = column_meant(self._ctx, item.value, None) or naming
            self._ctx.problems.error("FQL109", "this output column needs a name", item.value.span, help_)
            return
        if item.name is not None and self._ctx.scope.reserved(name, item.name.span):
            return
        if item.name is not None and not self._ctx.scope.sees(name):
            self._ctx.calls.give_name(operand.expr, name)
        self._add(name, operand.expr, item.name.span if item.name else item.value.span)

    def _meant_a_name(self, node: ast.Expr) -> bool:
        """Report ``name = expression``, which compares where a name was to be given."""
        if not isinstance(node, ast.Comparison) or node.op != "=" or not isinstance(node.left, ast.Name):
            return False
        name, scope = node.left, self._ctx.scope
        if scope.catalog.fields is None or scope.sees(name.text) or name.text in scope.lost:
            return False
        sign = Span(name.span.end, node.right.span.start)
        form = code(f"{quoted_name(name.text)}: ...")
        help_ = Help(f"an output column is named with a colon: {form}", Edit(sign, ": "))
        message = f"there is no column `{name.text}` to compare with"
        self._ctx.problems.error("FQL110", message, name.span.join(node.right.span), help_)
        self._places.setdefault(name.text, name.span)
        self._value(node.right)
        return True

    def _add(self, name: str, value: Expr, span: Span) -> None:
        if name in self._places:
            first = self._places[name]
            secondary = () if first == span else (Label(first, "the first one"),)
            self._ctx.problems.error(
                "FQL108",
                f"two output columns are called `{name}`",
                span,
                "give one of them another name: `name: expression`",
                secondary=secondary,
            )
            return
        self._places[name] = span
        self.values[name] = value
        self._outputs.append(Output(name, _shown(value)))


def _shown(value: Expr) -> Expr:
    """Return a label as the boolean that an output column holds."""
    return scalar(value) if value.type == LABEL and isinstance(value, CallRef) else value


def _derived(node: ast.Expr) -> str | None:
    """Return the name of an output column that was given none: the name or function it is."""
    match node:
        case ast.Name(name) | ast.Parameter(name):
            return name
        case ast.Call(function):
            return function.text.lower()
        case _:
            return None
