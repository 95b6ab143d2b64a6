"""How much of what is said of the rows only the text answers: one question for each part that columns do not tell."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from falconql.asking.corpus import Column, Corpus
from falconql.asking.evidence import (
    actions,
    content_words,
    cue,
    said_for,
    said_values,
    stem,
    stems_of,
    words,
)
from falconql.asking.frame.conditions import opposites
from falconql.asking.frame.open_values import open_values
from falconql.asking.frame.quantities import limits_in, numbers_in, words_for_numbers
from falconql.asking.frame.rows import PEOPLE, ROWS, row_nouns
from falconql.asking.frame.stems import raw_words, root, starts
from falconql.types import BOOL, DATE, FLOAT, INT, TIMESTAMP

_HARD = cue("hard_boundary")
SOFT = cue("soft_boundary")
_ORDER = cue("order")
_DENIES = cue("denies")
_ONLY = cue("only")
_SAYS = cue("says")
# What is over or under so much: standstill over 48 hours.
_MEASURED = re.compile(
    r"\b([a-z]+) (?:of )?(?:over|under|above|below|exceeding|(?:longer|shorter|more|less|fewer) than|at least|at most) "
    r"(?=[$€]?\d)"
)
# Letters that a word shares with the name of a column to be of it: played, for `playtime`.
_PREFIX = 4
_JOINS = re.compile(r"\bor\b", re.IGNORECASE)


def told_words(corpus: Corpus, instruction: str, conditions: Collection[str]) -> frozenset[str]:
    """Return the stems of the words that say nothing that only the text answers: columns tell them."""
    told = stems_of("comparing") | stems_of("glue") | actions() | content_words(corpus.name)
    told |= _rows_said(corpus, instruction) | PEOPLE | {stem(number) for number in numbers_in(instruction)}
    told |= set(map(stem, words_for_numbers(instruction)))
    ordered = _ORDER.search(instruction) is not None or bool(limits_in(instruction))
    for column in corpus.columns:
        if column.name in conditions or (ordered and _sorts(column)):
            told |= _names_of(column)
            told |= {stem(word) for value in said_values(column, instruction) for word in words(value)}
    for name, values in open_values(corpus, instruction).items():
        called = {word[:5] for word in words(name) if len(word) > 5}
        told |= {form for said in values for word in words(said) for form in (stem(word), root(word))} | {
            stem("contain")
        }
        told |= {stem(word) for word in words(instruction) if word[:5] in called}
    names = [w for c in corpus.columns if c.name in conditions for w in words(c.name)]
    told |= {
        stem(w) for w in words(instruction) if len(root(w)) >= _PREFIX and any(n.startswith(root(w)) for n in names)
    }
    before = [
        str(v) for c in corpus.columns if c.name in conditions for v in (*said_values(c, instruction), *own_words(c))
    ]
    for value in before:
        behind = re.findall(rf"\b{re.escape(value.lower())} ([a-z]+s)\b", instruction.lower())
        told |= {stem(word) for word in behind} - stems_of("doings")
    told |= {stem(word) for word in re.findall(r"\b(\w+er) than\b", instruction.lower())}
    if ordered:
        told |= {stem(word) for found in _ORDER.findall(instruction) for word in words(found)}
    told |= {stem(word) for word in re.findall(r"\d[\d,.]*k? ([a-z]+s)\b", instruction.lower())}
    if any((c := corpus.column(name)) and c.type in (INT, FLOAT) for name in conditions):
        told |= {stem(word) for word in _MEASURED.findall(instruction.lower())}
    return frozenset(told)


def _rows_said(corpus: Corpus, instruction: str) -> frozenset[str]:
    """Return the stems of words for rows; behind another one, the story or the note is what a row is about."""
    nouns = row_nouns(corpus)
    said = [stem(word) for word in words(instruction) if stem(word) in nouns]
    named = {stem(word) for word in words(f"{corpus.name} {corpus.text or ''}")}
    return nouns if not said or said[0] not in named else (nouns - ROWS) | named | {said[0]}


def own_words(column: Column) -> tuple[str, ...]:
    """Return what people call a yes/no column and its opposite."""
    name = " ".join(words(column.name))
    return (name, f"un{name}") if column.type == BOOL else ()


def _sorts(column: Column) -> bool:
    return column.type in (INT, FLOAT, DATE, TIMESTAMP)


def _names_of(column: Column) -> frozenset[str]:
    """Return the stems of what people call a column, opposites included."""
    own = frozenset(each for word in words(column.name) for each in (stem(word), root(word)))
    return own | {f"un{word}" for word in own} | {stem(word) for word in opposites(column)} | said_for(column)


def asked_bounds(corpus: Corpus, text: str, told: Collection[str]) -> tuple[int, int]:
    """Return how many questions the description of rows holds, at least and at most."""
    hard = [part for _, part, _ in _asking_parts(corpus, text, told)]
    least = len(hard)
    if _JOINS.search(text) and least > 1:
        least -= 1  # "cats or dogs" may be one question
    most = sum(bool(_rest(part, told)) for piece in hard for part in _softly(corpus, piece, told))
    return min(least, most), most


@dataclass(frozen=True, slots=True)
class Asked:
    """A condition that only the text answers.

    Attributes:
        about: beginnings of words one of which the question has.
        said: the words of the instruction for it.
        denied: whether it is not to hold; None leaves that open.
        joined: it, or the one before it, is to hold.
    """

    about: tuple[str, ...]
    said: tuple[str, ...]
    denied: bool | None
    joined: bool = False


def asked_parts(corpus: Corpus, text: str, told: Collection[str], *, columns_deny: bool) -> tuple[Asked, ...]:
    """Return the conditions that only the text answers, one for each part; none where a part may hold several.

    Args:
        corpus: the table.
        text: the description of rows.
        told: stems of what columns tell.
        columns_deny: a condition on a column is denied, too, so that a negation may be its own.
    """
    found: list[Asked] = []
    for before, part, follows in _asking_parts(corpus, text, told):
        if sum(bool(_rest(piece, told)) for piece in _softly(corpus, part, told)) != 1:
            return ()
        said = f"{before} {part}"
        denied: bool | None = _denies(said, told)
        # Who says that nothing was found does not just say nothing of a find.
        if denied and (columns_deny or _ONLY.search(said) or re.search(_SAYS.pattern + _DENIES.pattern, said, re.I)):
            denied = None
        joined = follows and bool(_JOINS.search(before)) and not (found and found[-1].denied)
        if _JOINS.search(before) and not joined and not _has_values(corpus, part):
            return ()
        needless = {word for word in content_words(part) if word not in _rest(part, told)}
        found.append(Asked(starts(part, needless), raw_words(part), denied, joined))
    return _sharing_words(found)


def _sharing_words(found: list[Asked]) -> tuple[Asked, ...]:
    """Let parts share a beginning and an end: complaints about the food or the waiters; neither A nor B was praised."""
    if len(found) < 2:
        return tuple(found)
    first, last = found[0].said, found[-1].said
    head = first[: next((i for i in reversed(range(len(first))) if content_words(first[i])), 0)]
    tail = last[next((i + 1 for i in range(len(last)) if content_words(last[i])), 0) :]
    return tuple(replace(each, said=tuple(dict.fromkeys((*each.said, *head, *tail)))) for each in found)


def _denies(said: str, told: Collection[str]) -> bool:
    """Return whether a part is denied; "no fatalities" is not, where a column tells how many there were."""
    for found in _DENIES.finditer(said):
        behind = next((word for word in words(said[found.end() :]) if content_words(word)), "")
        if not behind or found[0].lower() not in ("no", "without") or not {stem(behind), root(behind)} & set(told):
            return True
    return False


def _asking_parts(corpus: Corpus, text: str, told: Collection[str]) -> list[tuple[str, str, bool]]:
    """Return the parts that columns do not tell, what stands before each, and whether one of them precedes it."""
    short = {
        word for c in corpus.columns if not c.is_long and c.name != corpus.text for word in map(stem, words(c.name))
    }
    cut: list[tuple[str, str, bool]] = []
    start, before, follows = 0, "", False
    for found in [*_HARD.finditer(text), None]:
        part = text[start : found.start() if found else len(text)]
        rest = _rest(part, told)
        needless = rest <= short and _has_values(corpus, part)
        asks = bool(rest) and not needless
        if asks:
            cut.append((before, part, follows))
        follows = asks or (follows and not part.strip())
        if found:
            # "But" and "not" stand before one part: a boundary with nothing behind it goes on.
            before = f"{before} {found[0]}" if not part.strip() else found[0]
            start = found.end()
    return cut


def _has_values(corpus: Corpus, part: str) -> bool:
    return bool(numbers_in(part)) or any(said_values(c, part) for c in corpus.columns)


def _rest(part: str, told: Collection[str]) -> set[str]:
    return {word for word in content_words(part) if not {word, root(word)} & set(told) and not word[0].isdigit()}


def _softly(corpus: Corpus, piece: str, told: Collection[str]) -> list[str]:
    """Cut a piece behind a word for a row, where something new is said of it: angry guests / with children."""
    nouns = row_nouns(corpus) | PEOPLE
    cut, start = [], 0
    for found in SOFT.finditer(piece):
        before = words(piece[start : found.start()])
        if before and stem(before[-1]) in nouns:
            cut.append(piece[start : found.start()])
            start = found.end()
    last = piece[start:]
    for noun in re.finditer(r"[\w'-]+", last):
        if stem(noun[0].lower()) in nouns and _rest(last[: noun.start()], told) and _rest(last[noun.end() :], told):
            return [*cut, last[: noun.start()], last[noun.end() :]]  # meat dishes / suitable for beginners
    return [*cut, last]
