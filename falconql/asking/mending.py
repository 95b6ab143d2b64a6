"""Finding in a query what the instruction gives no reason for; no model is asked.

A small model adds conditions that nobody stated: on a column the instruction never speaks of, or a label
such as "Is this a review?" over a table of reviews. They are taken out, which is told to the user. A large
model rather knows words that mean such a column ("films" for ``type``, "satisfied" for ``stars``): its
conditions stay, and the user is told to look at them. So do all where the instruction is not English.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

from falconql.asking.corpus import Corpus
from falconql.asking.evidence import content_words, is_english, mentioned, says_any
from falconql.asking.frame.quantities import dates_in, values_in_any_unit
from falconql.source import Span
from falconql.syntax import ast
from falconql.syntax.printer import LOOSEST, ExpressionPrinter
from falconql.syntax.walk import walk
from falconql.types import BOOL

_ANYTHING = content_words(
    "text document record entry row item post comment review article message description story about relevant related "
    "valid real actual content"
)


@dataclass(frozen=True, slots=True)
class Mended:
    """A query, and what was taken out of it or should be looked at."""

    query: ast.Query
    notes: tuple[str, ...]


def mend(query: ast.Query, corpus: Corpus, instruction: str, *, removes: bool = True) -> Mended:
    """Return the query without conditions that nothing in the instruction speaks for.

    Args:
        query: what a model wrote.
        corpus: the table.
        instruction: what was asked.
        removes: take such conditions out; else only tell of them.
    """
    query, renamed = _columns_for_questions(query, corpus)
    query = _names_apart(query)
    has_more = query.bindings or query.select
    query, named = _columns_named(query, corpus)
    told = (*renamed, *named)
    if query.where is None:
        return Mended(query, told)
    spoken = mentioned(corpus, instruction)
    # In order, each once.
    needless: dict[str, None] = {}
    unspoken: dict[str, None] = {}

    def unfounded(condition: ast.Expr) -> bool:
        found = needless if _is_needless(condition, corpus) else unspoken
        if found is unspoken and not _is_unspoken(condition, corpus, spoken, instruction):
            return False
        found[ExpressionPrinter().flat(condition, LOOSEST)] = None
        return True

    kept = _without(query.where.condition, unfounded)
    if not (removes and is_english(instruction)) or (kept is None and not has_more):
        return Mended(query, (*told, *_doubts(needless, unspoken)))
    where = None if kept is None else replace(query.where, condition=kept)
    left_out = [f"left out {label}: every text is one" for label in needless]
    left_out += [f"left out `{condition}`: the instruction does not speak of it" for condition in unspoken]
    return Mended(replace(query, where=where), (*told, *left_out))


def _doubts(needless: Collection[str], unspoken: Collection[str]) -> Iterator[str]:
    if needless:
        yield f"please check: {' and '.join(needless)} may be true of every text"
    if unspoken:
        yield f"please check: the instruction does not seem to mention `{'` or `'.join(unspoken)}`"


def _columns_for_questions(query: ast.Query, corpus: Corpus) -> tuple[ast.Query, tuple[str, ...]]:
    """Take the column itself where a question has the name of one: ``price: span("What is the price?")``."""
    if query.select is None:
        return query, ()
    items: list[ast.Star | ast.Item] = []
    notes = []
    for item in query.select.items:
        column = corpus.column(item.name.text) if isinstance(item, ast.Item) and item.name else None
        if (
            isinstance(item, ast.Item)
            and item.name is not None
            and column is not None
            and not column.is_long
            and column.name != corpus.text
            and isinstance(item.value, ast.Call)
            and item.value.function.text in (("span", "spans", "label") if column.type == BOOL else ("span", "spans"))
            and column.name in mentioned(corpus, _instruction(item.value))
            and "{" not in _instruction(item.value)
        ):
            notes.append(f"`{column.name}` is taken from its column")
            item = replace(item, name=None, value=item.name)
        items.append(item)
    if not notes:
        return query, ()
    return replace(query, select=replace(query.select, items=tuple(items))), tuple(notes)


def _columns_named(query: ast.Query, corpus: Corpus) -> tuple[ast.Query, tuple[str, ...]]:
    """Show all columns by name where ``*``, which is what no ``select`` means, cannot: some share theirs."""
    nowhere = Span(0, 0)
    items = query.select.items if query.select else (ast.Star(span=nowhere),)
    if not corpus.shared or query.group_by or not any(isinstance(item, ast.Star) for item in items):
        return query, ()
    names = [*(column.name for column in corpus.columns), *(binding.name.text for binding in query.bindings)]
    all_ = [ast.Item(None, ast.Name(name, span=nowhere), span=nowhere) for name in names]
    told = tuple(each for item in items for each in (all_ if isinstance(item, ast.Star) else [item]))
    shared = " and ".join(f"`{name}`" for name in corpus.shared)
    note = f"columns called {shared} are not shown: several share the name"
    return replace(query, select=ast.Select(told, span=nowhere)), (note,)


def _instruction(call: ast.Call) -> str:
    return " ".join(a.value.value for a in call.arguments if isinstance(a.value, ast.Text))


def _names_apart(query: ast.Query) -> ast.Query:
    """Number outputs that have the name of one before them, or of a column that is shown."""
    if query.select is None:
        return query
    bare = [
        i.value.text
        for i in query.select.items
        if isinstance(i, ast.Item) and not i.name and isinstance(i.value, ast.Name)
    ]
    taken, shown = set(bare), set[str]()
    items: list[ast.Star | ast.Item] = []
    for item in query.select.items:
        name = item.name if isinstance(item, ast.Item) else None
        if isinstance(item, ast.Item) and name is None and isinstance(item.value, ast.Name):
            if item.value.text in shown:
                continue  # the same column once more
            shown.add(item.value.text)
        elif isinstance(item, ast.Item) and name is not None:
            free = (
                text for n in itertools.count(1) if (text := name.text if n == 1 else f"{name.text}_{n}") not in taken
            )
            name = replace(name, text=next(free))
            taken.add(name.text)
            item = replace(item, name=name)
        items.append(item)
    return replace(query, select=replace(query.select, items=tuple(items)))


def _without(condition: ast.Expr, unfounded: Callable[[ast.Expr], bool]) -> ast.Expr | None:
    if isinstance(condition, (ast.And, ast.Or)):
        kept = [below for operand in condition.operands if (below := _without(operand, unfounded)) is not None]
        once = tuple(dict.fromkeys(kept))
        if not once:
            return None
        return once[0] if len(once) == 1 else replace(condition, operands=once)
    return None if unfounded(condition) else condition


def _is_needless(condition: ast.Expr, corpus: Corpus) -> bool:
    """Return whether this is a label that every text of the table satisfies: it only names what the table is of."""
    if not (isinstance(condition, ast.Call) and condition.function.text == "label"):
        return False
    texts = [a.value.value for a in condition.arguments if isinstance(a.value, ast.Text)]
    return bool(texts) and content_words(texts[-1]) <= content_words(corpus.name) | _ANYTHING


def _is_unspoken(condition: ast.Expr, corpus: Corpus, spoken: dict[str, str], instruction: str) -> bool:
    """Return whether a condition is on columns only, with neither the columns nor the values in the instruction.

    Yes/no columns are left alone: there are too many words for each ("open" for one called ``fixed``).
    """
    below = list(walk(condition))
    if any(isinstance(node, ast.Call) for node in below):
        return False
    names = {node.text for node in below if isinstance(node, ast.Name)}
    columns = {name for name in names if (found := corpus.column(name)) and found.type != BOOL}
    if not names or names != columns or columns & spoken.keys() or corpus.text in columns:
        return False
    values = [node.value for node in below if isinstance(node, (ast.Text, ast.Integer, ast.Decimal))]
    said = {*dates_in(instruction), *values_in_any_unit(instruction)}
    return not (says_any(instruction, values) or any(str(value) in said for value in values))
