"""A whole query: clause by clause, every error reported."""

from __future__ import annotations

from collections.abc import Mapping

from falconql.catalog import Catalog
from falconql.check.comparisons import adapt, unusable
from falconql.check.context import Context, ModelCalls
from falconql.check.default_text import TextClause
from falconql.check.expressions import check_condition, check_operand
from falconql.check.grouping import Groups
from falconql.check.literals import scalar
from falconql.check.outputs import Outputs
from falconql.check.parts import has_aggregate, is_constant
from falconql.check.problems import BROKEN, Operand, Problems, spoken, words
from falconql.check.scope import Scope
from falconql.check.size import too_large
from falconql.check.typed import Binding, EachBinding, Grouping, TypedQuery
from falconql.diagnostics.model import Diagnostic, Edit, Help
from falconql.runtime.expression import Expr, Literal, VariableRef
from falconql.runtime.plan import Field, Output, ProxyRef, SortKey
from falconql.source import Span
from falconql.syntax import ast
from falconql.types import INT, SPAN, UNKNOWN

# A query whose only clauses are among these does nothing; a misspelt clause may have been any other.
_IDLE_CLAUSES = frozenset({"from", "text", "using", "let", "order", "limit"})


def check_query(
    query: ast.Query,
    catalog: Catalog,
    *,
    lost_names: frozenset[str] = frozenset(),
    lost_clauses: frozenset[str] = frozenset(),
) -> tuple[TypedQuery | None, list[Diagnostic]]:
    """Return the typed query and every diagnostic in source order.

    The query is None if it has errors. ``lost_names`` and ``lost_clauses`` are what syntax errors
    kept from being read: what depends on them is not reported again, and there is no typed query.
    Without a corpus (``catalog.fields`` is None) types may be Unknown, and the query cannot be run.
    """
    checker = _QueryChecker(query, catalog, lost_names, lost_clauses)
    typed = checker.check()
    failed = checker.problems.fatal or bool(lost_names or lost_clauses)
    return None if failed else typed, checker.problems.in_order()


def columns_of(typed: TypedQuery) -> tuple[Field, ...]:
    """Return the names and types of the result."""
    return tuple(Field(output.name, output.value.type) for output in typed.outputs)


class _QueryChecker:
    def __init__(
        self, query: ast.Query, catalog: Catalog, lost_names: frozenset[str], lost_clauses: frozenset[str]
    ) -> None:
        self.query = query
        self.lost_clauses = lost_clauses
        self.problems = Problems()
        self.scope = Scope(catalog, self.problems, lost_names)
        self.text = TextClause(self.scope, query.text, lost="text" in lost_clauses)
        self.ctx = Context(self.problems, self.scope, ModelCalls(), self.text.column)
        self.bindings: list[Binding | EachBinding] = []
        self.groups: Groups | None = None
        # What the names of the output columns stand for in `order by`.
        self.shown: Mapping[str, Expr] = {}

    def check(self) -> TypedQuery:
        query = self.query
        self._does_something()
        self._names_something()
        self.text.check()
        self.scope.later = {binding.name.text: binding.name.span for binding in query.bindings}
        items = query.select.items if query.select else ()
        named = [item for item in items if isinstance(item, ast.Item) and not has_aggregate(item.value)]
        self.scope.named = {item.name.text: item.span for item in named if item.name is not None}
        for binding in query.bindings:
            self._bind(binding)
        where = self._where()
        self._group_by()
        outputs = self._select()
        order_by = self._order_by()
        return TypedQuery(
            source=query.source.path.value if query.source else None,
            columns=self.scope.catalog.fields or (),
            text=self.text.name,
            proxy=ProxyRef(query.using.model.value, query.using.llm) if query.using else ProxyRef(),
            calls=self.ctx.calls.all(),
            lets=tuple(b for b in self.bindings if isinstance(b, Binding)),
            each=tuple(b for b in self.bindings if isinstance(b, EachBinding)),
            where=where,
            grouping=self._grouping(),
            outputs=outputs,
            order_by=order_by,
            limit=self._limit(),
        )

    def _does_something(self) -> None:
        query = self.query
        works = query.where or query.select or query.group_by or self.lost_clauses - _IDLE_CLAUSES
        if not works and not any(isinstance(binding, ast.Each) for binding in query.bindings):
            message = "a query needs a `where`, an `each` or a `select`"
            self.problems.error("FQL112", message, query.span, "to see the whole corpus write `select *`")

    def _names_something(self) -> None:
        clauses = ((self.query.source, "corpus"), (self.query.using, "proxy"))
        for clause, what in clauses:
            if clause is None:
                continue
            name = clause.path if isinstance(clause, ast.From) else clause.model
            if not name.value.strip():
                self.problems.error("FQL114", f"the name of the {what} is empty", name.span, "leave the clause out")

    def _operand(self, node: ast.Expr) -> Operand:
        operand = check_operand(self.ctx, node)
        return Operand(node, BROKEN) if too_large(self.problems, operand) else operand

    def _bind(self, binding: ast.Let | ast.Each) -> None:
        name = binding.name
        self.ctx.clause = "let" if isinstance(binding, ast.Let) else "each"
        operand = self._operand(binding.value)
        value = operand.expr
        if isinstance(binding, ast.Let):
            self.bindings.append(Binding(name.text, value))
        else:
            self.bindings.append(EachBinding(name.text, value))
            value = self._element(name.text, operand)
        self.ctx.calls.give_name(operand.expr, name.text)
        self.scope.bind(name.text, name.span, value, self.ctx.clause)

    def _element(self, name: str, operand: Operand) -> Expr:
        if operand.broken:
            return VariableRef(name, UNKNOWN) if self.ctx.open_types(operand.expr) else BROKEN
        if operand.type.item is not None:
            return VariableRef(name, operand.type.item)
        if operand.type.name == "Other":
            return self.problems.error("FQL211", *unusable(operand))
        help_: str | None = None
        if operand.type == SPAN:
            help_ = "`spans(...)` gives a list of all of them"
        message = f"`each` goes through a list, and {words(operand.node)} is {spoken(operand.type)}"
        return self.problems.error("FQL218", message, operand.span, help_)

    def _where(self) -> Expr | None:
        if self.query.where is None:
            return None
        self.ctx.clause = "where"
        node = self.query.where.condition
        before = self.problems.failures
        condition = check_condition(self.ctx, node)
        if self.problems.failures == before and is_constant(node) and not self.problems.said("FQL224", node.span):
            message = "this condition is the same for every row"
            self.problems.warn("FQL216", message, node.span, "leave `where` out, or test a column or a `label(...)`")
        return BROKEN if too_large(self.problems, Operand(node, condition)) else condition

    def _group_by(self) -> None:
        query = self.query
        written = [item.value for item in query.select.items if isinstance(item, ast.Item)] if query.select else []
        written += [key.value for key in query.order_by.keys] if query.order_by else []
        if query.group_by is None and not any(has_aggregate(node) for node in written):
            return
        self.groups = Groups(self.ctx)
        self.ctx.clause = "group by"
        for node in query.group_by.keys if query.group_by else ():
            self.groups.add(self._operand(node))
        self.ctx.aggregates = []

    def _grouping(self) -> Grouping | None:
        if self.groups is None:
            return None
        return Grouping(tuple(key.value for key in self.groups.keys), tuple(self.ctx.aggregates or ()))

    def _value(self, node: ast.Expr) -> Operand:
        operand = self._operand(node)
        if self.groups is None or "group" in self.lost_clauses:
            return operand
        return Operand(node, self.groups.regroup(operand))

    def _select(self) -> tuple[Output, ...]:
        self.ctx.clause = "select"
        outputs = Outputs(self.ctx, self._value, grouped=self.groups is not None)
        self.shown = outputs.values
        if self.query.select is not None:
            return outputs.of(self.query.select)
        if self.groups is None:
            return outputs.everything(self.query.span, self.scope.bound) if not self.lost_clauses else ()
        if "select" not in self.lost_clauses and self.query.group_by is not None:
            keys = ", ".join(k.text for k in self.query.group_by.keys if isinstance(k, ast.Name)) or "..."
            help_ = f"say what to show of each group: `select {keys}, n: count()`"
            self.problems.error("FQL243", "a query that groups needs a `select`", self.query.group_by.span, help_)
        return ()

    def _order_by(self) -> tuple[SortKey, ...]:
        if self.query.order_by is None:
            return ()
        self.ctx.clause = "order by"
        items = self.query.select.items if self.query.select else ()
        written = [item for item in items if isinstance(item, ast.Item)]
        keys = []
        sorted_by: ast.Order | None = None
        for key in self.query.order_by.keys:
            self.scope.instead, sorted_by = _direction_apart(key, sorted_by), key
            # What is written as in `select` is what it is there: `select title: length(title) order by length(title)`.
            again = not isinstance(key.value, ast.Name) and any(item.value == key.value for item in written)
            self.scope.outputs = {} if again else self.shown
            keys.append(self._sort_key(key))
        self.scope.instead = None
        return tuple(keys)

    def _sort_key(self, key: ast.Order) -> SortKey:
        node = key.value
        if "select" in self.lost_clauses and isinstance(node, ast.Name) and node.text not in self.scope.names():
            operand = Operand(node, BROKEN)
        else:
            operand = self._value(node)
        value = scalar(operand.expr)
        if value.type.name == "Other":
            value = self.problems.error("FQL211", *unusable(operand))
        elif value.type.item is not None:
            message = f"rows are sorted by single values, and {words(node)} is {spoken(value.type)}"
            value = self.problems.error("FQL219", message, node.span, "sort by `length(...)` or `first(...)`")
        elif isinstance(value, Literal) and not operand.broken and not isinstance(node, ast.Parameter):
            message = "a constant puts the rows in no order"
            value = self.problems.error("FQL219", message, node.span, "sort by a column, a score or an output column")
        return SortKey(value, bool(key.descending))

    def _limit(self) -> int | None:
        if self.query.limit is None:
            return None
        self.ctx.clause = "limit"
        node = self.query.limit.count
        operand = check_operand(self.ctx, node)
        if operand.broken:
            return None
        adapted = adapt(self.ctx, operand, INT)
        if adapted is None:
            return None
        value = adapted.expr.value if isinstance(adapted.expr, Literal) else None
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        message = f"`limit` needs a whole number of rows, and {words(node)} is {value!r}"
        help_ = f"for example `-p {node.name}=100`" if isinstance(node, ast.Parameter) else None
        self.problems.error("FQL220", message, node.span, help_)
        return None


def _direction_apart(key: ast.Order, before: ast.Order | None) -> Help | None:
    """Return what to write for a direction behind a comma: ``order by stars, desc``."""
    if before is None or before.descending is not None:
        return None
    if not isinstance(key.value, ast.Name) or key.value.text.lower() not in ("asc", "desc"):
        return None
    direction = key.value.text.lower()
    edit = Edit(Span(before.span.end, key.span.end), f" {direction}")
    return Help(f"write `{direction}` right behind {words(before.value)}, without a comma", edit)
