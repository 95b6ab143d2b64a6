"""A whole query: clause by clause, every error reported."""

from __future__ import annotations

from falconql.catalog import Catalog
from falconql.check.aggregates import Grouped, has_aggregate, plain_key
from falconql.check.comparisons import coerce, operand_error
from falconql.check.expressions import ExpressionChecker
from falconql.check.state import UNKNOWN_EXPR, State, is_unknown
from falconql.check.typed import Binding, EachBinding, Grouping, TypedQuery
from falconql.diagnostics.model import Diagnostic, Edit, Help, Label, Severity
from falconql.runtime.expression import CallRef, ColumnRef, Expr, Literal, VariableRef
from falconql.runtime.plan import Field, Output, ProxyRef, SortKey
from falconql.source import Span
from falconql.syntax import ast
from falconql.types import BOOL, LABEL, TEXT, UNKNOWN

HIDDEN_PREFIX = "$"


def check_query(
    query: ast.Query,
    catalog: Catalog,
    *,
    lost_names: frozenset[str] = frozenset(),
    lost_clauses: frozenset[str] = frozenset(),
) -> tuple[TypedQuery | None, list[Diagnostic]]:
    """Return the typed query, None if it has errors, and every diagnostic in source order.

    ``lost_names`` and ``lost_clauses`` are what syntax errors kept from being read: what depends on
    them is not reported again. Without a corpus (``catalog.fields`` is None) types may be Unknown.
    """
    checker = _QueryChecker(query, State(catalog, lost_names, lost_clauses))
    typed = checker.check()
    found = sorted(checker.state.diagnostics, key=lambda diagnostic: diagnostic.primary.span)
    failed = any(diagnostic.severity is Severity.ERROR for diagnostic in found)
    return (None if failed or lost_names or lost_clauses else typed), found


class _QueryChecker:
    def __init__(self, query: ast.Query, state: State) -> None:
        self.query = query
        self.state = state
        self.expressions = ExpressionChecker(state)
        self.lets: list[Binding] = []
        self.each: list[EachBinding] = []
        self.aliases: dict[str, Expr] = {}
        self.grouped: Grouped | None = None

    def check(self) -> TypedQuery:
        query, state = self.query, self.state
        self._has_work()
        self._text_clause()
        for binding in query.bindings:
            self._binding(binding)
        where = self._where()
        self._grouping()
        outputs = self._outputs()
        order_by = self._order_by()
        grouping = None
        if self.grouped is not None:
            keys = tuple(plain for _, plain in self.grouped.keys)
            grouping = Grouping(keys, tuple(state.aggregates or ()))
        return TypedQuery(
            source=query.source.path.value if query.source else None,
            columns=state.catalog.fields or (),
            text=self._text_name(),
            proxy=ProxyRef(query.using.model.value, query.using.llm) if query.using else ProxyRef(),
            calls=tuple(state.calls),
            lets=tuple(self.lets),
            each=tuple(self.each),
            where=where,
            grouping=grouping,
            outputs=outputs,
            order_by=order_by,
            limit=self._limit(),
        )

    def _has_work(self) -> None:
        query, lost = self.query, self.state.lost_clauses
        if query.where or query.select or query.group_by or lost & {"where", "select", "each", "group"}:
            return
        if not any(isinstance(binding, ast.Each) for binding in query.bindings):
            helps = ('add at least one of them, for example `where label("...")` or `select *`',)
            self.state.report("FQL214", "a query needs a `where`, an `each` or a `select`", query.span, helps=helps)

    def _text_clause(self) -> None:
        clause = self.query.text
        if clause is None:
            return
        column = self.state.resolve(clause.column)
        self.state.text_name = clause.column
        if not is_unknown(column) and column.type != TEXT:
            texts = [f"`{f.name}`" for f in self.state.catalog.fields or () if f.type == TEXT]
            helps = (f"the text columns are {', '.join(texts)}",) if texts else ()
            message = f"`{clause.column.text}` is no text column, it has the type {column.type}"
            self.state.report("FQL106", message, clause.column.span, helps=helps)

    def _text_name(self) -> str | None:
        reads = [call.text for call in self.state.calls if isinstance(call.text, ColumnRef)]
        if self.query.text is not None:
            return self.query.text.column.text
        return reads[0].name if reads else None

    def _binding(self, binding: ast.Let | ast.Each) -> None:
        name = binding.name
        value = self.expressions.check(binding.value)
        if not self._may_define(name):
            return
        if isinstance(binding, ast.Let):
            if has_aggregate(binding.value):
                value = UNKNOWN_EXPR
            self.state.name_call(value, name.text)
            self.lets.append(Binding(name.text, value))
            self._define(name, value)
            return
        item = value.type.item
        if item is None and not is_unknown(value):
            what = "`each` goes through a list"
            helps = ("use `spans(...)`, which gives a list",) if value.type.name == "Span" else ()
            operand_error(self.state, binding.value.span, value.type, what, helps)
        self.state.name_call(value, name.text)
        self.each.append(EachBinding(name.text, value))
        known = item is not None
        self._define(name, VariableRef(name.text, item or UNKNOWN) if known else self._open_variable(name))

    def _open_variable(self, name: ast.Name) -> Expr:
        return VariableRef(name.text, UNKNOWN) if self.state.catalog.fields is None else UNKNOWN_EXPR

    def _may_define(self, name: ast.Name) -> bool:
        first = self.state.places.get(name.text)
        if first is not None:
            self.state.report(
                "FQL104",
                f"`{name.text}` is defined twice",
                name.span,
                "again here",
                helps=("give it another name",),
                secondary=(Label(first, "first here"),),
            )
            return False
        if name.text in self.state.column_names:
            message = f"`{name.text}` is a column already"
            self.state.report("FQL104", message, name.span, helps=("give it another name",))
        return True

    def _define(self, name: ast.Name, value: Expr) -> None:
        self.state.names[name.text] = value
        self.state.places[name.text] = name.span

    def _where(self) -> Expr | None:
        if self.query.where is None:
            return None
        condition = self.expressions.condition(self.query.where.condition, "`where`")
        if isinstance(condition, Literal) and condition is not UNKNOWN_EXPR:
            span = self.query.where.condition.span
            message = f"this condition is always {'true' if condition.value else 'false'}"
            if condition.value is None:
                message = "this condition is never true: it is null"
            self.state.report("FQL219", message, span, severity=Severity.WARNING)
        return condition

    def _grouping(self) -> None:
        query = self.query
        items = query.select.items if query.select else ()
        written = [i.value for i in items if isinstance(i, ast.Item)]
        written += [key.value for key in query.order_by.keys] if query.order_by else []
        if query.group_by is None and not any(has_aggregate(node) for node in written):
            return
        keys = []
        for node in query.group_by.keys if query.group_by else ():
            raw = self.expressions.check(node)
            plain = raw if is_unknown(raw) else plain_key(self.state, raw, node)
            keys.append((raw, plain))
        self.state.aggregates = []
        self.grouped = Grouped(self.expressions, keys)
        if query.select is None and "select" not in self.state.lost_clauses and query.group_by:
            helps = ("for example `select section, n: count()`",)
            message = "a query that groups needs a `select`"
            self.state.report("FQL214", message, query.group_by.span, helps=helps)

    def _value(self, node: ast.Expr) -> Expr:
        return self.grouped.check(node) if self.grouped else self.expressions.check(node)

    def _outputs(self) -> tuple[Output, ...]:
        if self.query.select is None:
            return () if self.grouped else self._everything(self.query.span, lets=True)
        outputs: list[Output] = []
        for item in self.query.select.items:
            if isinstance(item, ast.Star):
                if self.grouped:
                    helps = ("name the group keys and aggregates you want",)
                    self.state.report("FQL210", "`*` cannot be selected from groups", item.span, helps=helps)
                else:
                    outputs.extend(self._everything(item.span, lets=False))
                continue
            output = self._item(item)
            if output is None:
                continue
            same = next((o for o in outputs if o.name == output.name), None)
            if same is not None:
                place = item.name.span if item.name else item.value.span
                helps = ("give one of them another name: `name: expression`",)
                self.state.report("FQL108", f"two output columns are called `{output.name}`", place, helps=helps)
                continue
            outputs.append(output)
            self.aliases.setdefault(output.name, output.value)
        return tuple(outputs)

    def _everything(self, span: Span, *, lets: bool) -> tuple[Output, ...]:
        fields = self.state.catalog.fields or ()
        names = [field.name for field in fields]
        repeated = next((name for name in names if names.count(name) > 1), None)
        if repeated is not None:
            helps = ("name the columns you want with `select`, or rename them in the corpus",)
            message = f"{self.state.catalog.corpus} has more than one column called `{repeated}`"
            self.state.report("FQL103", message, span, helps=helps)
        outputs = [Output(field.name, ColumnRef(field.name, field.type)) for field in fields]
        if lets:
            outputs += [Output(let.name, _shown(let.value)) for let in self.lets]
            outputs += [Output(e.name, self.state.names[e.name]) for e in self.each if e.name in self.state.names]
        return tuple(outputs)

    def _item(self, item: ast.Item) -> Output | None:
        if item.name is None and self._meant_name(item.value):
            return None
        value = self._value(item.value)
        name = item.name.text if item.name else self._derived_name(item.value)
        if name is None:
            if value is not UNKNOWN_EXPR:
                helps = ("write `name: expression`",)
                self.state.report("FQL108", "this output column needs a name", item.value.span, helps=helps)
            return None
        if name.startswith(HIDDEN_PREFIX):
            self.state.report("FQL108", "a name cannot begin with `$`", (item.name or item).span)
            return None
        if item.name is not None:
            self.state.name_call(value, name)
        return Output(name, _shown(value))

    def _meant_name(self, node: ast.Expr) -> bool:
        """Report ``name = expression`` in a select, which compares where a name was meant."""
        if not isinstance(node, ast.Comparison) or node.op != "=" or not isinstance(node.left, ast.Name):
            return False
        name = node.left
        if name.text in self.state.names or name.text in self.state.column_names + list(self.state.lost_names):
            return False
        edit = Edit(Span(name.span.end, node.right.span.start), ": ")
        help_ = Help(f"an output column is named with a colon: `{name.text}: ...`", edit)
        message = f"there is no column `{name.text}` to compare with"
        self.state.report("FQL216", message, name.span.join(node.span), helps=(help_,))
        return True

    def _derived_name(self, node: ast.Expr) -> str | None:
        if isinstance(node, ast.Name):
            return node.text
        if isinstance(node, ast.Call):
            inner = [a.value.text for a in node.arguments if isinstance(a.value, ast.Name)]
            lower = node.function.text.lower()
            return f"{lower}_{inner[0]}" if inner else lower
        return None

    def _order_by(self) -> tuple[SortKey, ...]:
        if self.query.order_by is None:
            return ()
        return tuple(self._sort_key(key) for key in self.query.order_by.keys)

    def _sort_key(self, key: ast.Order) -> SortKey:
        node = key.value
        known = isinstance(node, ast.Name) and (node.text in self.state.names or node.text in self.state.column_names)
        alias = self.aliases.get(node.text) if isinstance(node, ast.Name) else None
        value = alias if alias is not None and (self.grouped or not known) else self._value(node)
        if value.type == LABEL:
            value = coerce(value, BOOL)
        elif value.type.name == "Span":
            value = coerce(value, TEXT)
        elif value.type.name in ("Other", "List"):
            helps = ("sort by `length(...)` or `first(...)`",) if value.type.item else ()
            value = operand_error(self.state, node.span, value.type, "`order by` needs single values", helps)
        return SortKey(value, bool(key.descending))

    def _limit(self) -> int | None:
        clause = self.query.limit
        if clause is None:
            return None
        if isinstance(clause.count, ast.Integer):
            if clause.count.value < 2**63:
                return clause.count.value
            self.state.report("FQL217", "this number of rows is too large", clause.count.span)
            return None
        value = self.expressions.check(clause.count)
        number = getattr(value, "value", None)
        if isinstance(number, str) and number.isdecimal():
            number = int(number)
        if is_unknown(value):
            return None
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            message = f"`limit` needs a whole number of rows, and `${clause.count.name}` is {number!r}"
            self.state.report("FQL217", message, clause.count.span)
            return None
        return number


def _shown(value: Expr) -> Expr:
    """Return a label as the boolean that an output column holds."""
    return coerce(value, BOOL) if value.type == LABEL and isinstance(value, (CallRef, ColumnRef)) else value


def columns_of(typed: TypedQuery) -> tuple[Field, ...]:
    """Return the names and types of the result."""
    return tuple(Field(output.name, output.value.type) for output in typed.outputs)


__all__ = ["check_query", "columns_of"]
