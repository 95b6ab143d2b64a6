"""What a correct query becomes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from typing import overload

import pytest

from falconql.catalog import Catalog, ParameterValue
from falconql.check import check_query, columns_of, size
from falconql.check.conditions import any_of
from falconql.check.context import Context, ModelCalls
from falconql.check.expressions import check_operand
from falconql.check.problems import Operand, Problems
from falconql.check.scope import Scope
from falconql.runtime.display import expr_text
from falconql.runtime.expression import (
    Arithmetic,
    CallRef,
    Cast,
    ColumnRef,
    Comparison,
    Function,
    In,
    IsNull,
    Literal,
    Matches,
    Not,
    Score,
    TextTest,
    VariableRef,
)
from falconql.runtime.plan import AggregateCall, Field, ModelCall, Output, ProxyRef, SortKey
from falconql.source import Source
from falconql.syntax import ast, parse
from falconql.types import BOOL, DATE, FLOAT, INT, LABEL, SPAN, TEXT, TIMESTAMP, UNKNOWN, list_of, other
from tests.check.support import CATALOG, FIELDS, codes, diagnose, typed, value, where

BODY = ColumnRef("body", TEXT)
TITLE = ColumnRef("title", TEXT)
STARS = ColumnRef("stars", INT)


def test_a_query_from_end_to_end() -> None:
    query = typed(
        """
        from "reviews.parquet"
        text body
        using "laptops"
        let good = label("Is the reviewer satisfied?")
        where stars >= 4 and good
        select id, brand: span("Extract the brand of {title}")
        order by score(good) desc, brand
        limit 100
        """
    )
    assert query.source == "reviews.parquet"
    assert query.columns == FIELDS
    assert query.text == "body"
    assert query.proxy == ProxyRef("laptops")
    assert query.calls == (
        ModelCall("label", BODY, ("Is the reviewer satisfied?",), LABEL, name="good"),
        ModelCall("span", BODY, ("Extract the brand of ", TITLE), SPAN, name="brand"),
    )
    assert query.outputs == (Output("id", ColumnRef("id", INT)), Output("brand", CallRef(1, SPAN)))
    by_score = SortKey(Score(CallRef(0, LABEL)), descending=True)
    assert query.order_by == (by_score, SortKey(Cast(CallRef(1, SPAN), TEXT)))
    assert query.limit == 100
    assert columns_of(query) == (Field("id", INT), Field("brand", SPAN))


def test_a_label_in_a_condition_is_cast_to_bool() -> None:
    assert where('label("Is it good?")') == Cast(CallRef(0, LABEL), BOOL)
    assert where('not label("Is it good?")') == Not(Cast(CallRef(0, LABEL), BOOL))
    assert where('label("Is it good?") = true').type == BOOL


def test_the_same_call_is_one_call() -> None:
    query = typed(
        """
        text body
        let a = label("Is it good?")
        where a or label("Is it good?") or label("Is it good?", threshold: 0.9) or label(title, "Is it good?")
        """
    )
    assert [(c.name, c.threshold, c.text) for c in query.calls] == [
        ("a", None, BODY),
        (None, 0.9, BODY),
        (None, None, TITLE),
    ]


def test_a_name_that_is_taken_does_not_become_the_name_of_a_call() -> None:
    assert typed('text body select title: span("x")').calls[0].name is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("title contains body", TextTest("contains", TITLE, BODY)),
        ('tags contains "x"', TextTest("contains", ColumnRef("tags", list_of(TEXT)), Literal("x", TEXT))),
        ("ratings contains 4", TextTest("contains", ColumnRef("ratings", list_of(INT)), Literal(4, INT))),
        ("title matches /a b/si", Matches(TITLE, "a b", "is")),
        ("title is not null", Not(IsNull(TITLE))),
        ("verified", ColumnRef("verified", BOOL)),
        ("-stars < -3", Comparison("<", Arithmetic("-", Literal(0, INT), STARS, INT), Literal(-3, INT))),
        ("id = -9223372036854775808", Comparison("=", ColumnRef("id", INT), Literal(-(2**63), INT))),
        ("LENGTH(title) > 2", Comparison(">", Function("length", (TITLE,), INT), Literal(2, INT))),
        ('"x" in (title, body)', typed('where "x" in (title, body)').where),
    ],
)
def test_conditions(text: str, expected: object) -> None:
    assert where(text) == expected


def test_a_division_is_made_in_floats() -> None:
    assert value("stars / 2") == Arithmetic("/", Cast(STARS, FLOAT), Literal(2.0, FLOAT), FLOAT)
    assert value("stars * 2") == Arithmetic("*", STARS, Literal(2, INT), INT)


def test_instructions_quote_values_as_texts() -> None:
    (call,) = typed(
        'text body each who in spans("people") select x: span("{who}: {stars} {{raw}} on {published}")'
    ).calls[1:]
    assert call.instruction == (
        Cast(VariableRef("who", SPAN), TEXT),
        ": ",
        Cast(STARS, TEXT),
        " {raw} on ",
        Cast(ColumnRef("published", DATE), TEXT),
    )


def test_a_text_that_is_known_is_part_of_the_instruction() -> None:
    """An instruction has the threshold that it was trained with, however it is put together."""
    whole = typed('text body where label("Is this about a laptop?")').calls
    assert typed('text body let t = "laptop" where label("Is this about a {t}?")').calls == whole
    (call,) = typed('text body let t = "x" where label("{t}{section}{t}")').calls
    assert call.instruction == ("x", ColumnRef("section", TEXT), "x")


def test_an_odd_column_name_can_be_quoted() -> None:
    catalog = Catalog((Field("my text", TEXT), Field("a(b)", INT)))
    call = typed('where label("Is {my text} {a(b)} good?")', catalog=catalog).calls[0]
    assert call.instruction[1] == ColumnRef("my text", TEXT)
    assert call.instruction[3] == Cast(ColumnRef("a(b)", INT), TEXT)


def test_each_runs_over_lists_of_any_kind() -> None:
    query = typed("each tag in tags each r in ratings where r > 3 and tag = title select tag, r")
    assert [(each.name, each.value.type) for each in query.each] == [("tag", list_of(TEXT)), ("r", list_of(INT))]
    assert columns_of(query) == (Field("tag", TEXT), Field("r", INT))


def test_calls_may_read_spans_and_expressions() -> None:
    query = typed('text body each p in spans("people") where label(p, "x") and label(lower(title), "y")')
    assert [call.text for call in query.calls[1:]] == [
        Cast(VariableRef("p", SPAN), TEXT),
        Function("lower", (TITLE,), TEXT),
    ]


def test_without_select_everything_is_shown() -> None:
    query = typed('text body let good = label("x") each tag in tags let n = length(tag) where good')
    names = [output.name for output in query.outputs]
    assert names == [*(f.name for f in FIELDS), "good", "tag", "n"]
    assert query.outputs[len(FIELDS)].value == Cast(CallRef(0, LABEL), BOOL)


def test_names_of_unnamed_outputs() -> None:
    query = typed('text body let good = label("x") select *, good, score(good), count: length(body), $n', {"n": 3})
    assert [output.name for output in query.outputs[len(FIELDS) :]] == ["good", "score", "count", "n"]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ((Field("text", TEXT), Field("body", TEXT)), "text"),
        ((Field("id", INT), Field("body", TEXT)), "body"),
        ((Field("text", INT), Field("body", TEXT)), "body"),
    ],
)
def test_the_default_text(columns: tuple[Field, ...], expected: str) -> None:
    assert typed('where label("x")', catalog=Catalog(columns)).text == expected


def test_no_text_is_needed_when_no_call_reads_the_default() -> None:
    assert typed("where stars > 3").text is None
    assert typed('where label(title, "x")').text is None


def test_columns_with_the_names_of_keywords() -> None:
    names = ("select", "limit", "text", "label", "count", "where")
    catalog = Catalog(tuple(Field(name, TEXT) for name in names))
    query = typed('where text = "a" and label = "b" and `limit` = "c" select `select`, count, `where`', catalog=catalog)
    assert [output.name for output in query.outputs] == ["select", "count", "where"]


def test_grouping() -> None:
    query = typed(
        """
        text body
        let angry = label("Is the writer angry?")
        group by section, angry
        select section, angry, n: count(), share(angry), twice: count() * 2, long: lower(section)
        order by n desc, max(stars), section
        """
    )
    assert query.grouping is not None
    assert query.grouping.keys == (ColumnRef("section", TEXT), Cast(CallRef(0, LABEL), BOOL))
    assert query.grouping.aggregates == (
        AggregateCall("count", None, INT),
        AggregateCall("share", Cast(CallRef(0, LABEL), BOOL), FLOAT),
        AggregateCall("max", STARS, INT),
    )
    section, angry, count = ColumnRef("$key0", TEXT), ColumnRef("$key1", BOOL), ColumnRef("$agg0", INT)
    assert [output.value for output in query.outputs] == [
        section,
        angry,
        count,
        ColumnRef("$agg1", FLOAT),
        Arithmetic("*", count, Literal(2, INT), INT),
        Function("lower", (section,), TEXT),
    ]
    assert [key.value for key in query.order_by] == [count, ColumnRef("$agg2", INT), section]


def test_a_key_may_be_an_expression_and_stand_inside_others() -> None:
    query = typed("group by lower(section) select s: lower(section), n: length(lower(section))")
    key = ColumnRef("$key0", TEXT)
    assert [output.value for output in query.outputs] == [key, Function("length", (key,), INT)]


def test_a_span_is_grouped_by_its_text() -> None:
    query = typed('text body let brand = span("x") group by brand select brand, n: length(brand)')
    assert query.grouping is not None
    assert query.grouping.keys == (Cast(CallRef(0, SPAN), TEXT),)
    assert [o.value.type for o in query.outputs] == [TEXT, INT]


def test_aggregates_without_keys_give_one_group() -> None:
    query = typed("where stars > 3 select n: count(), best: max(price)")
    assert query.grouping is not None
    assert query.grouping.keys == ()


def test_order_by_means_the_output_first_and_knows_other_columns() -> None:
    query = typed("select title: lower(title) order by title, stars")
    assert [key.value for key in query.order_by] == [Function("lower", (TITLE,), TEXT), STARS]


@pytest.mark.parametrize(
    ("order", "meant"),
    [
        ("stars + 0", "length(title) + 0"),
        ("-stars", "-length(title)"),
        ("good", "not verified"),
        ("length(title)", "length(title)"),
        ("stars, price", "length(title), price"),
    ],
)
def test_an_output_is_meant_inside_an_expression_too(order: str, meant: str) -> None:
    query = typed(f"let good = verified select id, stars: length(title), good: not verified order by {order}")
    assert ", ".join(expr_text(key.value, query.calls) for key in query.order_by) == meant


def test_an_output_hides_a_column_from_no_aggregate() -> None:
    query = typed("group by section select section, stars: sum(stars) order by -stars, max(stars), section")
    assert query.grouping is not None
    assert query.grouping.aggregates == (AggregateCall("sum", STARS, INT), AggregateCall("max", STARS, INT))
    assert [expr_text(key.value, ()) for key in query.order_by] == ["-$agg0", "$agg1", "$key0"]
    assert codes("group by section select section, n: count() order by max(n)") == ["FQL101"]


def test_a_label_that_is_shown_still_has_its_score_in_order_by() -> None:
    for shown in ("good", "good: good", "*, good"):
        query = typed(f'text body let good = label("x") select {shown} order by score(good)')
        assert query.order_by == (SortKey(Score(CallRef(0, LABEL))),)


def test_an_instruction_in_order_by_quotes_what_it_quotes_elsewhere() -> None:
    query = typed('text body select title: lower(title) order by score(label("Is {title} good?"))')
    assert query.calls[0].instruction == ("Is ", TITLE, " good?")
    text = 'text body select title: lower(title) order by score(label("Is {title} good?"))'
    unknown = typed(text, catalog=Catalog(None))
    assert unknown.calls[0].instruction == ("Is ", ColumnRef("title", UNKNOWN), " good?")


def test_a_label_that_is_shown_still_has_its_score() -> None:
    by_score = (SortKey(Score(CallRef(0, LABEL)), descending=True),)
    let = 'text review let good = label("Is it good?") where good'
    catalog = Catalog((Field("review", TEXT),))
    shown = (("", "good"), ("select good", "good"), ("select better: good", "better"), ("select good: good", "good"))
    for select, name in shown:
        query = typed(f"{let} {select} order by score({name}) desc", catalog=catalog)
        assert query.order_by == by_score
        assert query.outputs[-1] == Output(name, Cast(CallRef(0, LABEL), BOOL))
    (key,) = typed(f"{let} select better: good order by better", catalog=catalog).order_by
    assert key.value == Cast(CallRef(0, LABEL), BOOL)


def test_a_constant_beside_in_is_read_as_what_it_is_compared_with() -> None:
    sent, published, stars = ColumnRef("sent", TIMESTAMP), ColumnRef("published", DATE), STARS
    noon = Literal("2024-05-31T12:00:00", TIMESTAMP)
    assert where('"2024-05-31 12:00" in (sent, null)') == In(noon, (sent, Literal(None, TIMESTAMP)))
    assert where('"2024-05-31T12:00:00Z" in (sent, published)') == In(noon, (sent, Cast(published, TIMESTAMP)))
    assert where('"2024-05-31" in (published)') == In(Literal("2024-05-31", DATE), (published,))
    for given in ("1_000", " 1000 ", "1000.0"):
        assert where("$p in (stars, null)", {"p": given}) == In(Literal(1000, INT), (stars, Literal(None, INT)))
    assert where("$p in (stars, price)", {"p": "4"}) == where("4.0 in (stars, price)")
    assert where("$p in (verified)", {"p": "TRUE "}) == where("true in (verified)")
    assert where("$p in (title)", {"p": "4"}) == where('"4" in (title)')


def test_the_least_whole_number_has_no_negative() -> None:
    assert codes("select x: - -9223372036854775808") == ["FQL215"]
    found = check_query(parse(Source("q", "select x: -$p")), Catalog((), {"p": -(2**63)}))[1]
    assert [diagnostic.code for diagnostic in found] == ["FQL215"]
    assert value("- -9223372036854775807") == Literal(2**63 - 1, INT)


def test_what_is_no_number_is_not_called_too_large() -> None:
    for number, said in ((float("nan"), "not a number"), (float("inf"), "too large")):
        (found,) = check_query(parse(Source("q", "select x: $p")), Catalog((), {"p": number}))[1]
        assert found.code == "FQL215"
        assert said in found.message


def test_parameters_take_the_type_that_is_needed() -> None:
    given: dict[str, ParameterValue] = {"least": "4", "half": "0.5", "all": "false", "n": "10", "whole": 3}
    query = typed(
        'text body where stars >= $least and ($all or price < $half) and label("x", threshold: $half) '
        "and stars * $whole > $least limit $n",
        given,
    )
    assert query.limit == 10
    assert query.calls[0].threshold == 0.5
    assert where("stars >= $least", given) == Comparison(">=", STARS, Literal(4, INT))
    assert where("$all or verified", given).type == BOOL
    assert where("title = $least", given) == Comparison("=", TITLE, Literal("4", TEXT))


def test_a_condition_of_parameters_alone_is_allowed() -> None:
    assert where("$all", {"all": True}) == Literal(True, BOOL)


def test_a_span_column_can_be_the_text() -> None:
    catalog = Catalog((Field("found", SPAN), Field("id", INT)))
    (call,) = typed('text found where label("x")', catalog=catalog).calls
    assert call.text == Cast(ColumnRef("found", SPAN), TEXT)


def test_columns_with_a_dollar_sign_are_refused_for_they_would_be_taken_for_internal_ones() -> None:
    catalog = Catalog((Field("$agg0", INT), Field("id", INT)))
    assert codes("select `$agg0`, n: count()", catalog) == ["FQL115"]
    assert codes("select *", catalog) == ["FQL115"]
    assert codes("let `$x` = 1 select id", catalog) == ["FQL115"]
    assert codes("select id", catalog) == []


def test_other_columns_pass_through() -> None:
    query = typed("where meta is not null select meta")
    assert columns_of(query) == (Field("meta", other("struct<a: int64>")),)


def test_without_a_corpus_names_are_taken_on_trust() -> None:
    query = typed(
        'let long = length(story) > 3 where label("x") and stars >= 4 and long and story contains "a" '
        "and first(list) = 3 select story, n: stars + 1 order by stars",
        catalog=Catalog(None),
    )
    assert query.columns == ()
    assert query.outputs[0] == Output("story", ColumnRef("story", UNKNOWN))


def test_without_a_corpus_everything_else_is_checked() -> None:
    assert codes('where label("x") > 3 and nothing() and body matches /(/', Catalog(None)) == [
        "FQL205",
        "FQL102",
        "FQL209",
    ]


def test_what_a_syntax_error_lost_is_not_missed() -> None:
    query = parse(Source("q", "text body where cheap and starz > 3 select cheap order by dear"))
    result, found = check_query(query, CATALOG, lost_names=frozenset({"cheap", "dear"}))
    assert result is None
    assert [d.code for d in found] == ["FQL101"]
    aggregated = parse(Source("q", "select section, n: count()"))
    assert check_query(aggregated, CATALOG, lost_clauses=frozenset({"group"}))[1] == []
    unnamed = parse(Source("q", 'where label("x")'))
    assert check_query(unnamed, CATALOG, lost_clauses=frozenset({"text"}))[1] == []
    assert check_query(parse(Source("q", "limit 3")), CATALOG, lost_clauses=frozenset({"where"}))[1] == []
    ordered = parse(Source("q", "where stars > 3 order by total"))
    assert check_query(ordered, CATALOG, lost_clauses=frozenset({"select"}))[1] == []


class _Counted(Sequence[Operand]):
    """Operands, and how often one was read."""

    def __init__(self, operands: list[Operand]) -> None:
        self.operands = operands
        self.read = 0

    @overload
    def __getitem__(self, index: int) -> Operand: ...
    @overload
    def __getitem__(self, index: slice) -> list[Operand]: ...
    def __getitem__(self, index: int | slice) -> Operand | list[Operand]:
        found = self.operands[index]
        self.read += len(found) if isinstance(found, list) else 1
        return found

    def __len__(self) -> int:
        return len(self.operands)


def test_a_long_or_is_looked_through_once() -> None:
    parsed = parse(Source("q", f"where {' or '.join(['stars > 3'] * 500)}")).where
    assert parsed is not None
    assert isinstance(parsed.condition, ast.Or)
    problems = Problems()
    scope = Scope(CATALOG, problems, frozenset())
    ctx = Context(problems, scope, ModelCalls(), lambda span: BODY)
    operands = _Counted([check_operand(ctx, node) for node in parsed.condition.operands])
    any_of(ctx, operands)
    assert operands.read < 4 * len(operands)


def test_lets_that_grow_beyond_all_bounds_are_refused_in_time() -> None:
    lets = "\n".join(f"let x{i} = x{i - 1} + x{i - 1}" for i in range(1, 60))
    assert codes(f"let x0 = stars + 1\n{lets}\nselect x59") == ["FQL250"]
    chain = "\n".join(f"let y{i} = y{i - 1} + 1" for i in range(1, 300))
    assert codes(f"let y0 = stars + 1\n{chain}\nselect y299") == ["FQL250"]


def test_the_constants_of_a_list_are_counted_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size, "MOST_NODES", 10)
    monkeypatch.setattr(size, "MOST_LISTED", 50)
    assert codes(f"where id in ({', '.join(map(str, range(50)))})") == []
    (found,) = diagnose(f"where id in ({', '.join(map(str, range(51)))})")
    assert (found.code, found.message) == ("FQL250", "there are more than 50 values in lists here")
    (found,) = diagnose(f"where {' or '.join(f'id = {i}' for i in range(5))}")
    assert "with the lets it uses written out" in found.message
    assert codes(f"where id in ({', '.join(['stars'] * 10)})") == ["FQL250"]


def test_checking_loads_no_arrow() -> None:
    program = (
        "import sys, falconql.check.describe\n"
        "from falconql.check import check_query\n"
        "from falconql.catalog import Catalog\n"
        "from falconql.syntax import parse\n"
        "from falconql.source import Source\n"
        "assert check_query(parse(Source('q', 'where stars > 3 and label(\"x\")')), Catalog(None))[0]\n"
        "assert 'pyarrow' not in sys.modules and 'numpy' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
