"""The decoding grammar of one instruction over one corpus."""

from __future__ import annotations

from dataclasses import replace

from falconql.asking import corpus as seen
from falconql.asking.constraint import Grammars
from falconql.asking.corpus import Corpus
from falconql.asking.evidence import vocabulary, words
from falconql.asking.frame.intent import Intent, intent
from falconql.syntax.decoding import Asked, Column, Frame, Grammar, Shown, Step, ebnf, gbnf, lark, narrow_grammar
from falconql.types import BOOL, DATE, FLOAT, INT, TEXT, TIMESTAMP

_KINDS = {INT: "number", FLOAT: "number", DATE: "date", TIMESTAMP: "date", BOOL: "bool", TEXT: "text"}


def grammars_for(corpus: Corpus, instruction: str, *, thinking: bool, framed: bool = True) -> Grammars:
    """Return the grammar in which an instruction can be answered.

    Args:
        corpus: the table.
        instruction: what was asked.
        thinking: thoughts come before the query.
        framed: keep to what the words of the instruction decide; without, to the corpus alone.
    """
    decided = intent(corpus, instruction) if framed else None
    grammar = corpus_grammar(corpus, decided, thinking=thinking)
    return Grammars(lambda: lark(grammar), lambda: gbnf(grammar), lambda: ebnf(grammar))


def corpus_grammar(corpus: Corpus, decided: Intent | None = None, *, thinking: bool = False) -> Grammar:
    """Return the grammar of queries over a corpus, narrowed to what an instruction decides."""
    columns = [_column(column, corpus) for column in corpus.columns]
    if decided is None:
        return narrow_grammar(columns, text=corpus.text, frame=Frame(thinking=thinking))
    told = [_narrowed(column, seen_, decided) for column, seen_ in zip(columns, corpus.columns, strict=True)]
    return narrow_grammar(told, text=corpus.text, frame=_frame(decided, corpus, thinking))


def _column(column: seen.Column, corpus: Corpus) -> Column:
    kind = _KINDS.get(column.type, "list" if column.type.item is not None else "other")
    values = tuple(str(value) for value in column.values) if column.closed and kind == "text" else ()
    is_text = kind == "text" and (column.is_long or column.name == corpus.text)
    return Column(column.name, kind, values, timed=column.type == TIMESTAMP, question=is_text)


def _narrowed(column: Column, seen_: seen.Column, decided: Intent) -> Column:
    tested, shown = column.name in decided.conditions, column.name in decided.outputs
    values, slots = decided.values.get(column.name, column.values), column.slots
    column = replace(column, open=not seen_.closed)
    if column.kind == "number":
        slots = decided.numbers.get(column.name, ())
    elif column.kind == "date":
        slots = decided.dates
    if not slots and column.kind in ("number", "date"):
        # With nothing to compare with, a condition can only ask whether there is a value.
        return replace(column, tested=tested and decided.nulls, shown=shown, nullable="only")
    sign = decided.holds.get(column.name) if column.kind in ("bool", "text") else None
    return replace(column, values=values, slots=slots, tested=tested, shown=shown, nullable=decided.nulls, holds=sign)


def _common_words(corpus: Corpus) -> tuple[str, ...]:
    """Return the words that a question may have beside those of the instruction: of people, of rows, and small ones."""
    named = f"{corpus.name} {corpus.text or ''} {corpus.columns[0].name}"
    rows = [form for word in words(named) for form in (word, word.removesuffix("s"))]
    return tuple(dict.fromkeys((*rows, *vocabulary("people"), *vocabulary("question_words"))))


def _frame(decided: Intent, corpus: Corpus, thinking: bool) -> Frame:
    step = decided.step
    return Frame(
        shows=decided.shows,
        step=None if step is None else Step(step.kind, step.name, step.said, step.keeps, step.further),
        asks=decided.asks_in_where,
        either=decided.either,
        negated=decided.negated,
        yes_no=decided.yes_no,
        grouped=decided.grouped,
        questions=decided.questions,
        unless=decided.unless,
        alternatives=decided.alternatives,
        items=decided.items,
        plain=decided.plain,
        several=decided.several,
        about=decided.about,
        mixed=decided.mixed,
        choices=decided.choices,
        counts="no" if not decided.counts else "must" if step is None else "may",
        ordered=decided.ordered,
        aggregates=decided.aggregates,
        groups=decided.groups,
        sorted_by=decided.sorted_by.columns,
        descending=decided.sorted_by.descending,
        required=tuple(name for name in decided.required if name in decided.conditions),
        limits=decided.limits,
        listed=tuple(
            Shown(each.kind, each.column, each.about, each.said, each.several, each.options) for each in decided.listed
        ),
        shares=decided.shares,
        common=_common_words(corpus),
        asked=tuple(Asked(each.about, each.said, each.denied, each.joined) for each in decided.asked),
        thinking=thinking,
    )
