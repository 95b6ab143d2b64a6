"""The exported grammars against the parser, judged by matchers that servers use."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Protocol

import llguidance
import pytest

from falconql.asking.library import examples
from falconql.diagnostics.render import render
from falconql.errors import QueryError
from falconql.source import Source
from falconql.syntax import format_source, parse
from falconql.syntax.decoding import Column, Frame, Grammar, ebnf, gbnf, lark, narrow_grammar, whole_grammar
from falconql.syntax.decoding.regex import from_regex
from falconql.syntax.keywords import reserved_words
from tests.docs.pages import blocks
from tests.syntax.test_laws import VALID

_SHOWN = [block.text for block in blocks("falconql")] + [example.whole for example in examples()]
FORMATTED = sorted({format_source(Source("q", query)) for query in [*VALID, *_SHOWN]})
NARROW = narrow_grammar(
    [
        Column("id", "number"),
        Column("group", "text", ("red", "blue green")),
        Column("posted", "date"),
        Column("odd name", "bool"),
        Column("body", "text", question=True),
        Column("title", "text", question=True),
        Column("tags", "list"),
    ],
    text="body",
)
# What a query may be; the other thing that a model may say is that there is none.
QUERIES = Grammar(NARROW.rules, NARROW.tokens, "query").reachable()
END = 256


class Matcher(Protocol):
    """Reads bytes as long as a grammar allows them."""

    def take(self, byte: int) -> bool:
        """Read one byte, if it may come."""

    def may_end(self) -> bool:
        """Say whether what was read is a sentence."""

    def allowed(self) -> list[int]:
        """Return the bytes that may come."""


class LlguidanceMatcher:
    """Over Lark's notation, as OpenAI's custom tools and vLLM have it."""

    _tokenizer = llguidance.LLTokenizer("byte")

    def __init__(self, grammar: Grammar) -> None:
        self._matcher = llguidance.LLMatcher(self._tokenizer, llguidance.grammar_from("lark", lark(grammar)))
        assert not self._matcher.is_error(), self._matcher.get_error()

    def take(self, byte: int) -> bool:
        return self._matcher.try_consume_tokens([byte]) == 1

    def may_end(self) -> bool:
        return bool(self._matcher.is_accepting())

    def allowed(self) -> list[int]:
        mask = self._matcher.compute_bitmask()
        return [byte for byte in range(256) if mask[byte // 8] >> (byte % 8) & 1]


class XGrammarMatcher:
    """Over GBNF, as llama.cpp has it and vLLM in its own spelling."""

    def __init__(self, text: str) -> None:
        import torch
        import xgrammar

        vocabulary = [*(bytes([byte]) for byte in range(256)), b"</s>"]
        info = xgrammar.TokenizerInfo(vocabulary, vocab_type=xgrammar.VocabType.RAW, stop_token_ids=[END])
        compiled = xgrammar.GrammarCompiler(info).compile_grammar(xgrammar.Grammar.from_ebnf(text))
        self._matcher = xgrammar.GrammarMatcher(compiled)
        self._mask: torch.Tensor = xgrammar.allocate_token_bitmask(1, len(vocabulary))

    def take(self, byte: int) -> bool:
        return bool(self._matcher.accept_token(byte))

    def may_end(self) -> bool:
        return END in self._tokens()

    def allowed(self) -> list[int]:
        return [token for token in self._tokens() if token != END]

    def _tokens(self) -> list[int]:
        self._matcher.fill_next_token_bitmask(self._mask)
        words = self._mask[0].tolist()
        return [token for token in range(END + 1) if words[token // 32] >> (token % 32) & 1]


def unread(matcher: Matcher, text: str) -> str | None:
    """Return the rest of a text that a matcher does not take; None when it takes the whole as a sentence."""
    data = text.encode()
    for position, byte in enumerate(data):
        if not matcher.take(byte):
            return data[position:].decode(errors="replace")
    return None if matcher.may_end() else ""


def drawn(matcher: Matcher, rng: random.Random, length: int) -> str | None:
    """Return a random sentence; None when none ends within four times the length."""
    data = bytearray()
    while len(data) < 4 * length:
        allowed = matcher.allowed()
        if matcher.may_end() and (not allowed or rng.random() < len(data) / length / 4):
            # A matcher of bytes knows of no surrogates, which no text has.
            return data.decode() if _is_text(data) else None
        # Letters alone would make every name long: a mark is as likely as all letters together.
        letters = [byte for byte in allowed if chr(byte).isalnum() or byte > 127]
        marks = [byte for byte in allowed if byte not in letters]
        byte = rng.choice(marks if marks and (not letters or rng.random() < 0.4) else letters)
        assert matcher.take(byte)
        data.append(byte)
    return None


def _is_text(data: bytearray) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def sentences(make: Iterator[Matcher], rng: random.Random, count: int, length: int = 60) -> list[str]:
    found: list[str] = []
    while len(found) < count:
        sentence = drawn(next(make), rng, length)
        if sentence is not None:
            found.append(sentence)
    return found


def assert_parses(text: str) -> None:
    try:
        parse(Source("drawn", text))
    except QueryError as error:
        pytest.fail(f"{text!r} is of the grammar but:\n{render(error.diagnostics, error.source)}")


def test_every_formatted_query_is_accepted() -> None:
    assert len(FORMATTED) > 100
    for text in FORMATTED:
        rest = unread(LlguidanceMatcher(whole_grammar()), text)
        assert rest is None, f"stops before {rest!r} in\n{text}"


@pytest.mark.parametrize("seed", range(8))
def test_what_is_drawn_from_the_whole_grammar_parses(seed: int) -> None:
    for text in sentences(iter(lambda: LlguidanceMatcher(whole_grammar()), None), random.Random(seed), 10):
        assert_parses(text)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_drawn_from_a_narrow_grammar_parses(seed: int) -> None:
    for text in sentences(iter(lambda: LlguidanceMatcher(QUERIES), None), random.Random(seed), 10, 120):
        assert_parses(text)


@pytest.mark.xgrammar
@pytest.mark.parametrize("notation", [gbnf, ebnf], ids=["gbnf", "ebnf"])
def test_gbnf_accepts_every_formatted_query(notation) -> None:  # type: ignore[no-untyped-def]
    for text in FORMATTED:
        rest = unread(XGrammarMatcher(notation(whole_grammar())), text)
        assert rest is None, f"stops before {rest!r} in\n{text}"


@pytest.mark.xgrammar
@pytest.mark.parametrize("grammar", [whole_grammar(), QUERIES], ids=["whole", "narrow"])
def test_what_is_drawn_from_gbnf_parses(grammar: Grammar) -> None:
    rng = random.Random(1)
    for text in sentences(iter(lambda: XGrammarMatcher(gbnf(grammar)), None), rng, 60, 120):
        assert_parses(text)


@pytest.mark.parametrize("word", sorted(reserved_words()))
def test_a_reserved_word_is_no_name(word: str) -> None:
    for spelling in (word, word.upper(), word.title()):
        alone = unread(LlguidanceMatcher(whole_grammar()), f"select {spelling}")
        assert (alone is None) == (spelling in ("null", "true", "false"))
        assert unread(LlguidanceMatcher(whole_grammar()), f"select {spelling}x") is None
        assert unread(LlguidanceMatcher(whole_grammar()), f"select x{spelling}") is None


@pytest.mark.parametrize(
    "query",
    [
        'from "secrets.csv"\nselect id',
        'using "other-proxy"\nselect id',
        'using llm "gpt"\nselect id',
        "where salary = 1\nselect id",
        "where id = 1 or id = 2 and id = 3\nselect id",
        'where group = "pink"\nselect id',
        'where id = "one"\nselect id',
        'where label(id, "Is it one?")\nselect id',
        f"where {' and '.join(['id = 1'] * 7)}\nselect id",
        "select id\nselect id",
        "order by id\nlimit 5",
    ],
)
def test_a_narrow_grammar_leaves_out(query: str) -> None:
    assert unread(LlguidanceMatcher(NARROW), query) is not None


def test_a_narrow_grammar_has() -> None:
    query = (
        'each film in spans("Extract the films")\nlet liked = label("Did the writer like {film}?")\n'
        'where id >= -3.5 and not group in ("red", "blue green") and (`odd name` or title contains "new")\n'
        "select id, film, `odd name`, best: score(liked)\norder by score(liked) desc\nlimit 10"
    )
    assert unread(LlguidanceMatcher(NARROW), query) is None
    assert_parses(query)


@pytest.mark.parametrize(
    ("frame", "query"),
    [
        (Frame(), "select *\norder by posted desc\nlimit 5"),
        (Frame(), "where month(posted) = 12 and year(posted) > 2020\nselect id, year(posted)"),
        (Frame(), "where hour(sent) >= 22 and day(sent) = 1\ngroup by day(posted)\nselect day(posted), n: count()"),
        (
            Frame(),
            "group by year(posted), month(posted), id\nselect year(posted), n: count()\norder by n desc",
        ),
        (
            Frame(shows="must", step=None, counts="must", grouped="must", groups=("year(posted)", "id")),
            "group by year(posted), id\nselect year(posted), n: count()\norder by year(posted)",
        ),
        (Frame(shows="no", ordered="must", limits=(5,)), "select *\norder by posted desc\nlimit 5"),
        (Frame(shows="no", ordered="no", limits=(5,)), "select *\nlimit 5"),
    ],
)
def test_a_narrow_grammar_has_what_a_frame_leaves_open(frame: Frame, query: str) -> None:
    columns = [Column("id", "number"), Column("posted", "date"), Column("body", "text", question=True)]
    columns.append(Column("sent", "date", timed=True))
    assert unread(LlguidanceMatcher(narrow_grammar(columns, text="body", frame=frame)), query) is None
    assert_parses(query)


def test_a_narrow_grammar_has_no_hours_of_days() -> None:
    grammar = narrow_grammar([Column("posted", "date"), Column("sent", "date", timed=True)], text=None)
    assert unread(LlguidanceMatcher(grammar), "where hour(sent) = 3\nselect posted") is None
    assert unread(LlguidanceMatcher(grammar), "where hour(posted) = 3\nselect posted") is not None


def test_what_no_grammar_can_say_is_refused() -> None:
    with pytest.raises(ValueError, match="a grammar cannot say"):
        from_regex("(?=a)b")
