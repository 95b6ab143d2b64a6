"""What one check of a query knows and finds: names in scope, model calls, diagnostics."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from falconql.catalog import Catalog
from falconql.diagnostics.model import Diagnostic, Edit, Help, Label, Severity
from falconql.diagnostics.suggest import near_names
from falconql.runtime.expression import CallRef, ColumnRef, Expr, Literal
from falconql.runtime.plan import AggregateCall, ModelCall
from falconql.source import Span
from falconql.syntax import ast
from falconql.types import TEXT, UNKNOWN

MOST_LISTED = 8

UNKNOWN_EXPR = Literal(None, UNKNOWN)


def is_unknown(expr: Expr) -> bool:
    """Return whether an expression already has a diagnostic, or no corpus says its type."""
    return expr.type == UNKNOWN


@dataclass(slots=True)
class State:
    """The state of one check.

    Attributes:
        names: what each let and each variable stands for, in order of definition.
        places: where it was defined.
        text_name: the column after ``text``, None if the clause is missing.
        aggregates: the aggregate calls met so far, None where none are allowed.
    """

    catalog: Catalog
    lost_names: frozenset[str] = frozenset()
    lost_clauses: frozenset[str] = frozenset()
    diagnostics: list[Diagnostic] = field(default_factory=list)
    calls: list[ModelCall] = field(default_factory=list)
    names: dict[str, Expr] = field(default_factory=dict)
    places: dict[str, Span] = field(default_factory=dict)
    text_name: ast.Name | None = None
    aggregates: list[AggregateCall] | None = None
    text_reported: bool = False

    def error(self, code: str, message: str, span: Span, label: str = "", helps: Iterable[Help | str] = ()) -> Expr:
        """Report an error and return the expression that silences what follows."""
        self.report(code, message, span, label, helps)
        return UNKNOWN_EXPR

    def report(
        self,
        code: str,
        message: str,
        span: Span,
        label: str = "",
        helps: Iterable[Help | str] = (),
        severity: Severity = Severity.ERROR,
        secondary: tuple[Label, ...] = (),
    ) -> None:
        """Add a diagnostic; the same one is not said twice of the same words."""
        advice = tuple(Help(help_) if isinstance(help_, str) else help_ for help_ in helps)
        diagnostic = Diagnostic(code, message, Label(span, label), severity=severity, secondary=secondary, helps=advice)
        if diagnostic not in self.diagnostics:
            self.diagnostics.append(diagnostic)

    @property
    def column_names(self) -> list[str]:
        """The distinct column names of the corpus; empty when it is not known."""
        return list(dict.fromkeys(f.name for f in self.catalog.fields or ()))

    def resolve(self, name: ast.Name, code: str = "FQL101") -> Expr:
        """Return what a name stands for: a let or each name before a column."""
        if name.text in self.names:
            return self.names[name.text]
        if name.text in self.lost_names:
            return UNKNOWN_EXPR
        if self.catalog.fields is None:
            return ColumnRef(name.text, UNKNOWN)
        found = [f for f in self.catalog.fields if f.name == name.text]
        if len(found) == 1:
            return ColumnRef(name.text, found[0].type)
        if found:
            return self.error(
                "FQL103",
                f"`{name.text}` is ambiguous: {self.catalog.corpus} has {len(found)} columns of that name",
                name.span,
                helps=("rename the columns in the corpus, so that each name occurs once",),
            )
        return self._unknown_name(name, code)

    def _unknown_name(self, name: ast.Name, code: str) -> Expr:
        known = [*self.names, *self.column_names]
        same = [other for other in known if other.casefold() == name.text.casefold()]
        message = f"there is no column or name `{name.text}`"
        if same:
            written = quoted(same[0])
            help_ = Help(f"names are case-sensitive: `{same[0]}`", Edit(name.span, written))
            return self.error(code, message, name.span, helps=(help_,))
        near = near_names(name.text, known)
        if near:
            shown = " or ".join(f"`{other}`" for other in near)
            help_ = Help(f"did you mean {shown}?", Edit(name.span, quoted(near[0])))
            return self.error(code, message, name.span, helps=(help_,))
        return self.error(code, message, name.span, helps=(self.columns_help(),))

    def columns_help(self) -> str:
        """Return a sentence that lists the columns."""
        names = self.column_names
        listed = ", ".join(f"`{name}`" for name in names[:MOST_LISTED])
        more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
        return f"the columns are {listed}{more}" if names else f"{self.catalog.corpus} has no columns"

    def text_column(self, span: Span) -> Expr:
        """Return the column model calls read; ``span`` is a call that needs it."""
        if self.text_name is not None:
            return self.resolve(self.text_name)
        if self.catalog.fields is None or "text" in self.lost_clauses:
            return ColumnRef("text", UNKNOWN if self.catalog.fields is None else TEXT)
        texts = [f.name for f in self.catalog.fields if f.type == TEXT]
        if texts.count("text") == 1:
            return ColumnRef("text", TEXT)
        if len(texts) == 1:
            return ColumnRef(texts[0], TEXT)
        if not self.text_reported:
            self.text_reported = True
            if texts:
                listed = ", ".join(f"`{name}`" for name in texts[:MOST_LISTED])
                helps = (f"say which with a `text` clause; the text columns are {listed}",)
                message = "it is not clear which column this call reads"
            else:
                helps = (self.columns_help(),)
                message = f"{self.catalog.corpus} has no text column for this call to read"
            self.report("FQL106", message, span, helps=helps)
        return UNKNOWN_EXPR

    def call(self, call: ModelCall) -> CallRef:
        """Return a reference to a model call, the same for the same call."""
        for index, known in enumerate(self.calls):
            if replace(known, name=None) == call:
                return CallRef(index, call.type)
        self.calls.append(call)
        return CallRef(len(self.calls) - 1, call.type)

    def name_call(self, expr: Expr, name: str) -> None:
        """Give the call behind an expression the name it was bound to, unless it has one."""
        if isinstance(expr, CallRef) and self.calls[expr.index].name is None:
            self.calls[expr.index] = replace(self.calls[expr.index], name=name)


def quoted(name: str) -> str:
    """Return a name as it is written in a query."""
    return name if name.isidentifier() else f"`{name}`"
