"""Random queries: syntax trees that some text could have given, and texts that are nearly queries."""

from __future__ import annotations

from typing import Literal

from hypothesis import strategies as st

from falconql.source import Span
from falconql.syntax import ast
from falconql.syntax.keywords import keywords, reserved_words

NOWHERE = Span(0, 0)
_WORDS = ["id", "body", "stars", "Größe", "価格", "_x1", *keywords().values()]
_SURROGATES: tuple[Literal["Cs"]] = ("Cs",)
_characters = st.characters(exclude_categories=_SURROGATES)
_regex_parts = st.one_of(
    st.characters(exclude_categories=_SURROGATES, exclude_characters="\\\n"),
    st.characters(exclude_categories=_SURROGATES, exclude_characters="/\n").map(lambda char: "\\" + char),
)

plain_names = st.sampled_from(_WORDS)
odd_names = st.text(st.characters(exclude_categories=_SURROGATES, exclude_characters="\n"), min_size=1, max_size=6)
names = st.one_of(plain_names, odd_names).map(lambda text: ast.Name(text, span=NOWHERE))
function_names = plain_names.filter(lambda text: text not in reserved_words()).map(
    lambda text: ast.Name(text, span=NOWHERE)
)
parameters = plain_names.map(lambda name: ast.Parameter(name, span=NOWHERE))
texts = st.text(_characters, max_size=12).map(lambda value: ast.Text(value, (), span=NOWHERE))
integers = st.integers(0, 10**20).map(lambda value: ast.Integer(value, span=NOWHERE))
decimals = st.floats(0, allow_nan=False, allow_infinity=False).map(lambda value: ast.Decimal(value, span=NOWHERE))
regexes = st.builds(
    lambda parts, flags: ast.Regex("".join(parts), "".join(flags), span=NOWHERE),
    st.lists(_regex_parts, min_size=1, max_size=6),
    st.lists(st.sampled_from("ims"), unique=True),
)
_atoms = st.one_of(
    names,
    parameters,
    texts,
    integers,
    decimals,
    st.booleans().map(lambda value: ast.Boolean(value, span=NOWHERE)),
    st.just(ast.Null(span=NOWHERE)),
)


def _several(below: st.SearchStrategy[ast.Expr], least: int) -> st.SearchStrategy[tuple[ast.Expr, ...]]:
    return st.lists(below, min_size=least, max_size=4).map(tuple)


def _composed(below: st.SearchStrategy[ast.Expr]) -> st.SearchStrategy[ast.Expr]:
    nowhere = st.just(NOWHERE)
    arguments = st.lists(st.builds(ast.Argument, st.none() | names, below, span=nowhere), max_size=3).map(tuple)
    comparison_ops = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
    return st.one_of(
        st.builds(ast.Call, function_names, arguments, span=nowhere),
        st.builds(ast.Negate, below, span=nowhere),
        st.builds(ast.Arithmetic, st.sampled_from(["+", "-", "*", "/"]), below, below, span=nowhere),
        st.builds(ast.Comparison, comparison_ops, below, below, span=nowhere),
        st.builds(ast.In, below, _several(below, 1), span=nowhere),
        st.builds(ast.TextTest, st.sampled_from(["contains", "starts with"]), below, below, span=nowhere),
        st.builds(ast.Matches, below, regexes, span=nowhere),
        st.builds(ast.IsNull, below, st.booleans(), span=nowhere),
        st.builds(ast.Not, below, span=nowhere),
        st.builds(ast.And, _several(below, 2), span=nowhere),
        st.builds(ast.Or, _several(below, 2), span=nowhere),
    )


expressions: st.SearchStrategy[ast.Expr] = st.recursive(_atoms, _composed, max_leaves=8)


@st.composite
def queries(draw: st.DrawFn) -> ast.Query:
    """Any query that the grammar allows, at least one clause."""
    nowhere = st.just(NOWHERE)
    lists = st.lists(expressions, min_size=1, max_size=3).map(tuple)
    lets = st.builds(ast.Let, names, expressions, span=nowhere)
    eaches = st.builds(ast.Each, names, expressions, span=nowhere)
    items = st.one_of(
        st.just(ast.Star(span=NOWHERE)), st.builds(ast.Item, st.none() | names, expressions, span=nowhere)
    )
    orders = st.builds(ast.Order, expressions, st.none() | st.booleans(), span=nowhere)
    query = ast.Query(
        source=draw(st.none() | st.builds(ast.From, texts, span=nowhere)),
        text=draw(st.none() | st.builds(ast.TextColumn, names, span=nowhere)),
        using=draw(st.none() | st.builds(ast.Using, texts, st.booleans(), span=nowhere)),
        bindings=tuple(draw(st.lists(lets | eaches, max_size=3))),
        where=draw(st.none() | st.builds(ast.Where, expressions, span=nowhere)),
        group_by=draw(st.none() | st.builds(ast.GroupBy, lists, span=nowhere)),
        select=draw(
            st.none() | st.builds(ast.Select, st.lists(items, min_size=1, max_size=4).map(tuple), span=nowhere)
        ),
        order_by=draw(
            st.none() | st.builds(ast.OrderBy, st.lists(orders, min_size=1, max_size=3).map(tuple), span=nowhere)
        ),
        limit=draw(st.builds(ast.Limit, integers | parameters, span=nowhere)),
        span=NOWHERE,
    )
    return query
