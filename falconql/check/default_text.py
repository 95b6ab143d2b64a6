"""Which column model calls read when they name none."""

from __future__ import annotations

from falconql.check.literals import scalar
from falconql.check.problems import BROKEN, spoken
from falconql.check.scope import Scope
from falconql.diagnostics.model import Help
from falconql.runtime.display import quoted_name
from falconql.runtime.expression import ColumnRef, Expr
from falconql.source import Span
from falconql.syntax import ast
from falconql.types import SPAN, TEXT, UNKNOWN

_USUAL = "text"
_MOST_LISTED = 8


class TextClause:
    """The ``text`` clause, or what stands in for it.

    ``name`` is the column, None until a call needs it; a missing one is reported once.
    """

    def __init__(self, scope: Scope, clause: ast.TextColumn | None, *, lost: bool) -> None:
        self.name: str | None = None
        self._scope = scope
        self._clause = clause
        self._lost = lost
        self._found: Expr | None = None

    def check(self) -> None:
        """Check the clause itself, whether or not a call needs it."""
        if self._clause is None:
            return
        column = self._clause.column
        self._found = self._scope.column(column.text, column.span)
        if self._found.type in (TEXT, SPAN, UNKNOWN):
            return
        message = f"`{column.text}` is {spoken(self._found.type)}, not a text to read"
        self._found = self._scope.problems.error("FQL107", message, column.span, self._candidates())

    def column(self, span: Span) -> Expr:
        """Return the default text for the call at ``span``; ``BROKEN``, and reported, if there is none."""
        if self._found is None:
            self._found = self._default(span)
        if isinstance(self._found, ColumnRef):
            self.name = self._found.name
        return scalar(self._found)

    def _default(self, span: Span) -> Expr:
        scope = self._scope
        if self._lost:
            return BROKEN
        if scope.catalog.fields is None:
            return ColumnRef(_USUAL, UNKNOWN)
        texts = scope.text_fields(TEXT)
        for field in texts:
            if field.name == _USUAL or len(texts) == 1:
                return ColumnRef(field.name, TEXT)
        if texts:
            message = f"{scope.catalog.corpus} has {len(texts)} text columns, and none is called `{_USUAL}`"
        else:
            message = f"{scope.catalog.corpus} has no text column that this call could read"
        return scope.problems.error("FQL107", message, span, self._candidates())

    def _candidates(self) -> Help | None:
        names = [quoted_name(f.name) for f in self._scope.text_fields(TEXT)]
        if not names:
            found = [f"{quoted_name(f.name)} ({f.type})" for f in self._scope.catalog.fields or ()]
            return Help("its columns are " + ", ".join(found[:_MOST_LISTED])) if found else None
        more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
        return Help(
            f"say which one, as in `text {names[0]}`; the text columns are {', '.join(names[:_MOST_LISTED])}{more}"
        )
