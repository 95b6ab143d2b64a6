"""What holds for every query, right or wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falconql.catalog import Catalog, ParameterValue
from falconql.check import check_query, functions
from falconql.check.describe import describe
from falconql.diagnostics.model import Diagnostic, Edit, Severity
from falconql.runtime import expression
from falconql.runtime.expression import Expr, walk
from falconql.runtime.plan import Field
from falconql.source import Source, Span
from falconql.syntax import parse_tolerant
from falconql.types import BOOL, DATE, INT, TEXT, TIMESTAMP, UNKNOWN
from tests.case_runner import CASES, Case, diagnose, read_cases, read_schema
from tests.check.support import CATALOG, COLUMNS

NAMES = st.sampled_from([*COLUMNS, "good", "who", "n", "nowhere", "Stars", "`a b`"])
NUMBERS = ("1", "0", "2.5", "1e300", "99999999999999999999")
TEXTS = ('"x"', '"4"', '"2024-05-31"', '""')
LITERALS = st.sampled_from([*NUMBERS, *TEXTS, "true", "null", "$n", "$day", "$none", "$unbound"])
INSTRUCTIONS = st.sampled_from(
    ['"Is it good?"', '"of {who}"', '"{stars} {good}"', '"{{x"', '"{"', '""', '"{ nowhere }"']
)
FUNCTIONS = st.sampled_from([name for name, s in functions.FUNCTIONS.items() if s.kind != "model"] + ["len"])
OPERATORS = st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/"])


def _larger(below: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("({} {} {})".format, below, OPERATORS, below),
        st.builds("({} and {})".format, below, below),
        st.builds("({} or {})".format, below, below),
        st.builds("(not {})".format, below),
        st.builds("(-{})".format, below),
        st.builds("({} is null)".format, below),
        st.builds("({} in ({}, {}))".format, below, below, below),
        st.builds("({} contains {})".format, below, below),
        st.builds("({} starts with {})".format, below, below),
        st.builds("({} matches /a(b)?/i)".format, below),
        st.builds("{}({})".format, FUNCTIONS, below),
        st.builds("label({})".format, INSTRUCTIONS),
        st.builds("spans({}, {})".format, below, INSTRUCTIONS),
        st.builds("span({}, threshold: {})".format, INSTRUCTIONS, below),
        st.builds('choose({}, "a", "b")'.format, INSTRUCTIONS),
        st.just("count()"),
    )


EXPRESSIONS = st.recursive(st.one_of(NAMES, LITERALS), _larger, max_leaves=6)
CLAUSES = (
    st.sampled_from(["", "text body", "text stars", "text nowhere"]),
    st.builds("let good = {}".format, EXPRESSIONS),
    st.one_of(st.just(""), st.builds("each who in {}".format, EXPRESSIONS)),
    st.one_of(st.just(""), st.builds("let n = {}".format, EXPRESSIONS)),
    st.one_of(st.just(""), st.builds("where {}".format, EXPRESSIONS)),
    st.one_of(st.just(""), st.builds("group by {}, {}".format, EXPRESSIONS, NAMES)),
    st.one_of(st.just(""), st.builds("select {}, x: {}, *".format, EXPRESSIONS, EXPRESSIONS)),
    st.one_of(st.just(""), st.builds("select y: {}, x: {}".format, EXPRESSIONS, EXPRESSIONS)).filter(bool),
    st.one_of(st.just(""), st.builds("order by {}, x".format, EXPRESSIONS)),
    st.sampled_from(["", "limit 3", "limit $n", "limit $day"]),
)
QUERIES = st.tuples(*CLAUSES[:6], st.one_of(*CLAUSES[6:8]), *CLAUSES[8:]).map("\n".join)
PARAMETERS: dict[str, ParameterValue] = {"n": 3, "day": "2024-05-31", "none": None}


@given(QUERIES, st.booleans())
def test_checking_never_raises_and_speaks_of_places_in_the_query(text: str, with_corpus: bool) -> None:
    catalog = Catalog(CATALOG.fields if with_corpus else None, PARAMETERS)
    parsed = parse_tolerant(Source("q", text))
    assert parsed.query is not None
    assert parsed.diagnostics == ()
    typed, found = check_query(parsed.query, catalog)
    assert (typed is None) == any(d.severity is Severity.ERROR for d in found)
    assert [d.primary.span for d in found] == sorted(d.primary.span for d in found)
    for diagnostic in found:
        for span in _spans(diagnostic):
            assert 0 <= span.start <= span.end <= len(text)
    if typed is not None:
        json.dumps(describe(typed))


def _spans(diagnostic: Diagnostic) -> Iterator[Span]:
    yield diagnostic.primary.span
    yield from (label.span for label in diagnostic.secondary)
    yield from (help_.edit.span for help_ in diagnostic.helps if help_.edit)


@given(EXPRESSIONS)
def test_a_typed_expression_is_well_formed(text: str) -> None:
    parsed = parse_tolerant(Source("q", f'text body let good = label("x") each who in tags select x: {text}'))
    assert parsed.query is not None
    typed, _ = check_query(parsed.query, Catalog(CATALOG.fields, PARAMETERS))
    for output in typed.outputs if typed else ():
        for expr in walk(output.value):
            _well_formed(expr)


def _well_formed(expr: Expr) -> None:
    """What the nodes of ``falconql.runtime.expression`` promise of their operands."""
    assert expr.type != UNKNOWN
    match expr:
        case expression.Comparison(_, left, right):
            assert left.type == right.type
            assert left.type.item is None
        case expression.In(value, options):
            assert all(option.type == value.type for option in options)
        case expression.Arithmetic(_, left, right, type_):
            assert left.type == right.type == type_
        case expression.And(operands) | expression.Or(operands):
            assert len(operands) >= 2
            assert all(operand.type == BOOL for operand in operands)
        case expression.Not(operand):
            assert operand.type == BOOL
        case expression.Matches(value):
            assert value.type == TEXT
        case expression.Literal(value, type_) if type_ in (DATE, TIMESTAMP) and value is not None:
            assert isinstance(value, str)


def _cases_with_edits() -> list[Case]:
    cases = [case for path in sorted((CASES / "check").glob("*.md")) for case in read_cases(path)]
    return [case for case in cases if _edits(_diagnose(case, case.query))]


def _diagnose(case: Case, text: str) -> list[Diagnostic]:
    return diagnose(Source("query.fql", text), read_schema(case.schema))


def _edits(found: list[Diagnostic]) -> list[tuple[Diagnostic, Edit]]:
    return [(diagnostic, help_.edit) for diagnostic in found for help_ in diagnostic.helps if help_.edit]


CASES_WITH_EDITS = _cases_with_edits()


@pytest.mark.parametrize("case", CASES_WITH_EDITS, ids=[case.title for case in CASES_WITH_EDITS])
def test_every_fix_that_is_offered_repairs_what_it_is_offered_for(case: Case) -> None:
    found = _diagnose(case, case.query)
    for diagnostic, edit in _edits(found):
        repaired = case.query[: edit.span.start] + edit.new_text + case.query[edit.span.end :]
        left = _diagnose(case, repaired)
        assert (diagnostic.code, diagnostic.message) not in [(d.code, d.message) for d in left], repaired
        # A repaired part may bring to light what was hidden behind it, but only in a query with several errors.
        assert len(found) > 1 or left == [], repaired


@pytest.mark.parametrize(
    ("written", "offered"),
    [
        ("body = null", "body is null"),
        ("body != null", "body is not null"),
        ("null != body", "body is not null"),
        ("body < null", None),
        ('good = "yes"', "good"),
        ('good = "no"', "not good"),
        ('good != "yes"', "not good"),
        ('good != "no"', "good"),
        ('good in ("yes", "no")', None),
        ('tags = "x"', 'tags contains "x"'),
        ('tags != ("x")', 'not tags contains "x"'),
        ('tags in ("x")', None),
        ('title = "a" or "b" or "c"', 'title in ("a", "b", "c")'),
        ('title != "a" or "b"', 'not title in ("a", "b")'),
        ('title = "a" and "b"', 'title in ("a", "b")'),
        ('title in ("a", "b") or "c"', 'title in ("a", "b", "c")'),
        ('not title = "a" or "b"', 'not title in ("a", "b")'),
        ('verified and title = "a" or "b" or verified', 'verified and title in ("a", "b") or verified'),
        ('title contains "a" or "b" or "c"', 'title contains "a" or title contains "b" or title contains "c"'),
        ('not title contains "a" or "b"', None),
        ('(title = "a") or "b"', None),
        ("stars > 3 or 5", "stars > 3 or stars > 5"),
        ('title = "a" or "b" and verified', 'title in ("a", "b") and verified'),
        ('(title = "a" or "b") and verified', '(title in ("a", "b")) and verified'),
        ('title = "a" or ("b" and verified)', None),
        ('title contains "a" or "b" and verified', 'title contains "a" or title contains "b" and verified'),
        ('stars = 3 or "Is it good?"', 'stars = 3 or label("Is it good?")'),
        ("`a_b` > 3", "`a``b` > 3"),
    ],
)
def test_a_fix_says_what_the_query_meant(written: str, offered: str | None) -> None:
    catalog = Catalog((*(CATALOG.fields or ()), Field("a`b", INT)))
    before = 'text body let good = label("x") where '
    (diagnostic,) = diagnose(Source("q", before + written), catalog)
    fixed = {_applied(before + written, edit) for _, edit in _edits([diagnostic])}
    assert fixed == ({before + offered} if offered else set())
    assert not any(diagnose(Source("q", text), catalog) for text in fixed)
    # Of a text that is compared with others nobody asks whether it holds.
    assert "label(" in (offered or "") or not any("label(" in help_.text for help_ in diagnostic.helps)


def test_a_name_in_back_ticks_gets_no_second_pair() -> None:
    catalog = Catalog((Field("unit price", INT),))
    for text in ("where `unit prise` > 3", "where `Unit Price` > 3", "where `unit price`", "select `unit pricf` = 3"):
        (diagnostic,) = diagnose(Source("q", text), catalog)
        assert "``" not in diagnostic.message + "".join(help_.text for help_ in diagnostic.helps)


def _applied(text: str, edit: Edit) -> str:
    return text[: edit.span.start] + edit.new_text + text[edit.span.end :]


def test_many_fixes_can_be_applied() -> None:
    assert len(CASES_WITH_EDITS) >= 25
