"""Which names are visible, and what they stand for.

Columns are visible everywhere, ``let`` and ``each`` names to what follows them, output columns to
``order by`` alone. Names are case-sensitive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, count

from falconql.catalog import Catalog
from falconql.check.functions import FUNCTIONS, NOW, SAID_OTHERWISE
from falconql.check.problems import BROKEN, Problems, flattening, nested
from falconql.diagnostics.model import Edit, Help, Label
from falconql.diagnostics.suggest import near_names
from falconql.runtime.display import quoted_name, shown_name
from falconql.runtime.expression import ColumnRef, Expr
from falconql.runtime.plan import Field
from falconql.source import Span
from falconql.types import UNKNOWN, Type

_MOST_LISTED = 12


@dataclass(frozen=True, slots=True)
class Bound:
    """A name given by ``let`` or ``each``."""

    value: Expr
    span: Span
    clause: str


@dataclass(slots=True)
class Scope:
    """The names visible at one point of the query.

    ``later`` holds the names that are given further down, the one being given included, ``named`` the items of
    ``select`` by the names it gives; ``outputs`` is filled for ``order by``, where they hide columns and lets,
    but not in the braces of an instruction; ``instead`` is what else the name to resolve may have been meant as,
    ``null`` how it is said if null was meant.
    """

    catalog: Catalog
    problems: Problems
    lost: frozenset[str]
    bound: dict[str, Bound] = field(default_factory=dict)
    outputs: Mapping[str, Expr] = field(default_factory=dict)
    later: dict[str, Span] = field(default_factory=dict)
    named: Mapping[str, Span] = field(default_factory=dict)
    instead: Help | None = None
    null: Help | None = None
    _columns: dict[str, list[Field]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for column in self.catalog.fields or ():
            self._columns.setdefault(column.name, []).append(column)

    def fields(self, name: str) -> list[Field]:
        """Return the columns called ``name``; several when the corpus repeats it."""
        return self._columns.get(name, [])

    def resolve(self, name: str, span: Span, *, code: str = "FQL101", in_braces: bool = False) -> Expr:
        """Return what a name stands for; if nothing, report it and return ``BROKEN``."""
        if name in self.outputs and not in_braces:
            return replace(self.outputs[name])
        if name in self.bound:
            # A copy, so that every mention is an object of its own and has its own place.
            return replace(self.bound[name].value)
        if name in self.lost:
            return BROKEN
        if self.catalog.fields is None:
            return ColumnRef(name, UNKNOWN)
        found = self.fields(name)
        if len(found) > 1:
            return self.ambiguous(name, span)
        if found:
            return self.reserved(name, span) or ColumnRef(name, found[0].type)
        if name in self.outputs:
            return self.outputs[name]
        return self._unknown(name, span, code, in_braces)

    def column(self, name: str, span: Span) -> Expr:
        """Return a column, never a let; report it if there is none."""
        if name not in self.lost and name in self.bound:
            what = f"`{name}` is a `{self.bound[name].clause}`, not a column"
            return self.problems.error("FQL101", what, span)
        return self.resolve(name, span)

    def ambiguous(self, name: str, span: Span) -> Expr:
        """Report a column name that the corpus has more than once."""
        count = len(self.fields(name))
        return self.problems.error(
            "FQL105",
            f"{self.catalog.corpus} has {count} columns called `{name}`",
            span,
            "rename the columns in the corpus; a query cannot tell them apart",
        )

    def reserved(self, name: str, span: Span) -> Expr | None:
        """Report a name that FalconQL keeps for itself; None if it is not one."""
        if not name.startswith("$"):
            return None
        message = f"the name `{name}` begins with `$`, as only FalconQL's own columns do"
        return self.problems.error("FQL115", message, span, "rename it, in the corpus if it is a column")

    def bind(self, name: str, span: Span, value: Expr, clause: str) -> None:
        """Make a name visible to what follows."""
        self.later.pop(name, None)
        if not self._clash(name, span, clause):
            self.bound[name] = Bound(value, span, clause)

    def names(self) -> list[str]:
        """Return every visible name, the query's own first."""
        return list(dict.fromkeys([*self.bound, *self.outputs, *self._columns]))

    def sees(self, name: str) -> bool:
        """Return whether a name is visible."""
        return name in self.bound or name in self.outputs or name in self._columns

    def _clash(self, name: str, span: Span, clause: str) -> bool:
        if self.reserved(name, span):
            return True
        if name in self.bound:
            first = self.bound[name]
            self.problems.error(
                "FQL103",
                f"the name `{name}` is given twice",
                span,
                "give one of them another name",
                label="given again here",
                secondary=(Label(first.span, f"first given by this `{first.clause}`"),),
            )
            return True
        if self.fields(name):
            self.problems.error(
                "FQL104",
                f"`{name}` is already a column of {self.catalog.corpus}",
                span,
                f"give the `{clause}` another name, for example {shown_name(self.free_name(name))}",
            )
            self.bound[name] = Bound(BROKEN, span, clause)
            return True
        return False

    def free_name(self, name: str) -> str:
        """Return a name that can be given: this one, or this one with a number."""
        numbered = (f"{name}_{i}" for i in count(2))
        return next(n for n in chain((name,), numbered) if not self.sees(n))

    def _unknown(self, name: str, span: Span, code: str, in_braces: bool) -> Expr:
        what = "name" if in_braces else "column"
        if name in self.later:
            message = f"`{name}` is not known yet"
            help_ = "a name is visible only to what follows the clause that gives it"
            given = Label(self.later[name], "given here")
            return self.problems.error(code, message, span, help_, secondary=(given,))
        advice = self.advice(name, span, in_braces)
        item = self.named.get(name)
        if item is not None and not item.start <= span.start < item.end and advice[0].edit is None:
            message = f"`{name}` is not known yet"
            help_ = f"only `order by` knows what `select` names; name it before, `let {quoted_name(name)} = ...`"
            given = Label(item, "named here")
            return self.problems.error(code, message, span, help_, secondary=(given,))
        message = f"there is no {what} `{name}`"
        if self.instead:
            advice = (*advice, self.instead) if advice[0].edit else (self.instead, *advice)
        return self.problems.error(code, message, span, *advice)

    def advice(self, name: str, span: Span, in_braces: bool) -> tuple[Help, ...]:
        """Return what may have been meant by an unknown name."""
        visible = self.names()
        nested = self._nested(name)
        if nested:
            return (nested,)
        same = [n for n in visible if n.casefold() == name.casefold()]
        if same:
            return (_instead(f"names are case-sensitive; write {shown_name(same[0])}", same[0], span, in_braces),)
        if self.null:
            return (self.null,)
        near = near_names(name, visible)
        if near:
            listed = " or ".join(map(shown_name, near))
            return (_instead(f"did you mean {listed}?", near[0], span, in_braces),)
        if not in_braces and name.lower() in FUNCTIONS:
            return (Help(f"`{name}` is a function: `{FUNCTIONS[name.lower()].forms[0]}`"),)
        if name.lower() in NOW:
            return (Help(SAID_OTHERWISE[name.lower()]),)
        if not visible:
            return (Help(f"{self.catalog.corpus} has no columns"),)
        more = f" and {len(visible) - _MOST_LISTED} more" if len(visible) > _MOST_LISTED else ""
        return (Help("the names here are " + ", ".join(map(quoted_name, visible[:_MOST_LISTED])) + more),)

    def _nested(self, name: str) -> Help | None:
        """Return what to do when a name is the path to a field of a nested object."""
        outer, dot, _ = name.partition(".")
        if not dot or not any(nested(f.type) for f in self.fields(outer)):
            return None
        return Help(f"{shown_name(outer)} is a nested object: {flattening(name)}")

    def text_fields(self, wanted: Type) -> list[Field]:
        """Return the columns of a type, each name once."""
        return [f for f in self.catalog.fields or () if f.type == wanted and len(self.fields(f.name)) == 1]


def _instead(text: str, name: str, span: Span, in_braces: bool) -> Help:
    return Help(text, Edit(span, name if in_braces else quoted_name(name)))
