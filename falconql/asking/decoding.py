"""The decoding grammar of one instruction over one corpus."""

from __future__ import annotations

from collections.abc import Collection

from falconql.asking import corpus as seen
from falconql.asking.constraint import Grammars
from falconql.asking.corpus import Corpus
from falconql.asking.evidence import mentioned, shape
from falconql.syntax.decoding import Column, Grammar, ebnf, gbnf, lark, narrow_grammar
from falconql.types import BOOL, DATE, FLOAT, INT, TEXT, TIMESTAMP

_KINDS = {INT: "number", FLOAT: "number", DATE: "date", TIMESTAMP: "date", BOOL: "bool", TEXT: "text"}


def grammars_for(corpus: Corpus, instruction: str, *, thinking: bool) -> Grammars:
    """Return the grammar in which an instruction can be answered.

    Conditions can be only about columns for which the instruction has evidence; yes/no columns always are,
    since there are too many words for each.
    """
    spoken = mentioned(corpus, instruction)
    founded = [c.name for c in corpus.columns if c.name in spoken or c.type == BOOL or c.name == corpus.text]
    grammar = corpus_grammar(corpus, conditions=founded if shape(instruction) else None, thinking=thinking)
    return Grammars(lambda: lark(grammar), lambda: gbnf(grammar), lambda: ebnf(grammar))


def corpus_grammar(corpus: Corpus, *, conditions: Collection[str] | None = None, thinking: bool = False) -> Grammar:
    """Return the grammar of queries over a corpus; see :func:`narrow_grammar` for the arguments."""
    columns = [_column(column, corpus) for column in corpus.columns]
    return narrow_grammar(columns, text=corpus.text, conditions=conditions, thinking=thinking)


def _column(column: seen.Column, corpus: Corpus) -> Column:
    kind = _KINDS.get(column.type, "list" if column.type.item is not None else "other")
    values = tuple(str(value) for value in column.values) if column.closed and kind == "text" else ()
    return Column(column.name, kind, values, kind == "text" and (column.is_long or column.name == corpus.text))
