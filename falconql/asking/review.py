"""A second look at a query that checks: does it say what the instruction says, no more and no less?

Each rule looks at the checked query and the instruction, and gives a sentence for the model when something
seems to have slipped. Rules err on the side of silence: a sentence that is wrong costs a good query.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from falconql.asking.corpus import Corpus
from falconql.asking.evidence import actions, content_words, is_english, mentioned, says_any, stem, stems_of, words
from falconql.asking.frame.quantities import numbers_in, values_in_any_unit
from falconql.check.describe import describe
from falconql.check.typed import TypedQuery
from falconql.source import Source

_NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?")
_COUNTING = re.compile(r"\bhow many\b|\bnumber of\b|\bcount (of|the|how)\b|^\s*count\b", re.IGNORECASE)
_PARTS = re.compile(r"[,;:.?]|\b(?:and|but|or|nor)\b", re.IGNORECASE)
_AVERAGING = re.compile(r"\b(average|mean)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Subject:
    """What the rules look at: ``said`` is the checked query as ``describe`` tells it."""

    instruction: str
    corpus: Corpus
    source: Source
    said: dict[str, Any]


Rule = Callable[[Subject], Iterator[str]]


def slips(instruction: str, corpus: Corpus, source: Source, typed: TypedQuery) -> list[str]:
    """Return a sentence for everything that seems to have slipped, none when the query looks right."""
    subject = Subject(instruction, corpus, source, describe(typed))
    rules = RULES if is_english(instruction) else [rule for rule in RULES if rule not in _OF_ENGLISH]
    return [sentence for rule in rules for sentence in rule(subject)]


def conditions(tree: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    """Yield the leaves of a described condition."""
    if tree is None:
        return
    for key in ("and", "or"):
        if key in tree:
            for below in tree[key]:
                yield from conditions(below)
            return
    if "not" in tree:
        yield from conditions(tree["not"])
        return
    yield tree


def label_for_a_column(subject: Subject) -> Iterator[str]:
    """Find labels that ask the text for what a column holds."""
    spoken = mentioned(subject.corpus, subject.instruction)
    for leaf in conditions(subject.said["where"]):
        if "call" not in leaf:
            continue
        call = subject.said["calls"][leaf["call"]]
        about = mentioned(subject.corpus, call["instruction"])
        for name in about:
            column = subject.corpus.column(name)
            assert column is not None
            used = re.search(rf"(?<![\w]){re.escape(name)}(?![\w])", _without_texts(subject.source.text))
            stated = column.closed and says_any(call["instruction"], column.values)
            if name in spoken and not column.is_long and not used and (stated or _NUMBER.search(call["instruction"])):
                yield (
                    f'label("{call["instruction"]}") asks the text for what the column `{name}` holds: '
                    f"write a condition on `{name}` instead"
                )


def labels_alike(subject: Subject) -> Iterator[str]:
    """Find two labels that ask the same."""
    asked = [call for call in subject.said["calls"] if call["kind"] == "label"]
    for i, one in enumerate(asked):
        for other in asked[:i]:
            if one["column"] != other["column"] or one["uses"] != other["uses"]:
                continue
            if content_words(one["instruction"]) == content_words(other["instruction"]):
                yield f'label("{one["instruction"]}") repeats label("{other["instruction"]}"): ask it once'


def numbers_left_out(subject: Subject) -> Iterator[str]:
    """Find numbers of the instruction that the query does not have."""
    have = {_plain(number) for number in _NUMBER.findall(subject.source.text)}
    have |= {
        part.lstrip("0") for number in re.findall(r"\d{4}-\d\d-\d\d", subject.source.text) for part in number.split("-")
    }
    if values_in_any_unit(subject.instruction) - set(numbers_in(subject.instruction)) & have:
        return  # a time, in the unit of a column
    for number in _NUMBER.findall(subject.instruction):
        plain = _plain(number)
        neighbours = {str(int(plain) + 1), str(int(plain) - 1)} if re.fullmatch(r"\d{1,20}", plain) else set()
        if plain not in have and not neighbours & have:
            yield f"the instruction says {number}, the query does nothing with it"


def columns_left_out(subject: Subject) -> Iterator[str]:
    """Find values of columns that the instruction names and the query does not use."""
    text = subject.source.text
    for column in subject.corpus.columns:
        if not column.closed or column.name in subject.said["calls"]:
            continue
        for value in column.values:
            telling = len(str(value)) >= 3 or any(char.isdigit() for char in str(value))
            if telling and says_any(subject.instruction, [value]) and not says_any(text, [value]):
                yield f'the instruction says "{value}", which is a value of the column `{column.name}`: use that column'


def aggregates_left_out(subject: Subject) -> Iterator[str]:
    """Find countings and averages that the instruction wants and the query lacks."""
    text = subject.source.text.lower()
    if _COUNTING.search(subject.instruction) and not re.search(r"\b(count|sum)\(", text):
        yield "the instruction wants a number of rows: select count()"
    if _AVERAGING.search(subject.instruction) and "avg(" not in text:
        yield "the instruction wants an average: select avg(...)"


def parts_left_out(subject: Subject) -> Iterator[str]:
    """Find a part of the instruction, between commas and conjunctions, of which the query has no word."""
    have = {stem(word) for word in words(subject.source.text)}
    told = mentioned(subject.corpus, subject.instruction)
    spoken = {stem(word) for said in told.values() for word in words(said)}
    needless = actions() | content_words(subject.corpus.name) | spoken
    unsaid = needless | _needs_no_mention(subject)
    for part in _PARTS.split(subject.instruction):
        if mentioned(subject.corpus, part) or any(char.isdigit() for char in part):
            continue  # what is said of columns may be said in other words
        wanted = {word for word in content_words(part) - needless if not word.isdigit() and len(word) > 2}
        if wanted - unsaid and not any(_has(have, word) for word in wanted):
            yield f"the query says nothing of: {part.strip()}"


def words_left_out(subject: Subject) -> Iterator[str]:
    """Find an instruction most of whose content is not in the query."""
    wanted = content_words(subject.instruction) - content_words(subject.corpus.name) - actions()
    have = {stem(word) for word in words(subject.source.text)}
    spoken = {stem(word) for said in mentioned(subject.corpus, subject.instruction).values() for word in words(said)}
    said = have | spoken
    asked = wanted - _needs_no_mention(subject)
    missing = [
        word
        for word in words(subject.instruction)
        if stem(word) in asked and not word.isdigit() and not _has(said, stem(word))
    ]
    if len(missing) >= 3 and len(missing) * 2 > len(wanted):
        yield f"the query says nothing of: {', '.join(dict.fromkeys(missing))}"


def _needs_no_mention(subject: Subject) -> frozenset[str]:
    """Return the words for which queries have none: for rows, for who wrote them, for all, for how numbers compare."""
    generic = stems_of("rows") | stems_of("people") | stems_of("counted")
    numbers = {_plain(number) for number in _NUMBER.findall(_without_texts(subject.source.text))}
    if not values_in_any_unit(subject.instruction) & numbers:
        return generic
    return generic | stems_of("comparing") | {stem(word) for word in words(subject.instruction) if stem(word).isdigit()}


def _has(have: set[str], word: str) -> bool:
    return word in have or any(len(word) >= 5 and len(h) >= 5 and (h[:5] == word[:5]) for h in have)


def _plain(number: str) -> str:
    plain = number.replace(",", "")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _without_texts(text: str) -> str:
    return re.sub(r'"(?:[^"\\]|\\.)*"', '""', text)


RULES: tuple[Rule, ...] = (
    label_for_a_column,
    labels_alike,
    numbers_left_out,
    columns_left_out,
    aggregates_left_out,
    parts_left_out,
    words_left_out,
)
# They know which words of an instruction mean something.
_OF_ENGLISH = (aggregates_left_out, parts_left_out, words_left_out)
