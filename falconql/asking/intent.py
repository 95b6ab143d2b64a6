"""What kind of query an instruction asks for, as far as its words show it.

A small language model writes good questions and picks good columns, but slips on the frame: it filters where
something is to be shown, shows columns that nobody asked for, compares with numbers that nobody said. The words
of an instruction often decide the frame. What they decide is kept out of the decoding grammar's choice; what
they leave open the model decides. English only: other languages decide little here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from falconql.asking.conditions import (
    allowed_conditions,
    alternative_conditions,
    counted_at_all,
    is_about_nulls,
    required_conditions,
    tells_column,
)
from falconql.asking.corpus import Column, Corpus
from falconql.asking.evidence import actions, content_words, cue, is_english, mentioned, said_values, stem, words
from falconql.asking.quantities import Test, date_slots, limits_in, number_tests, unit_of
from falconql.asking.rows import PEOPLE, row_nouns
from falconql.asking.steps import Step, first_step

Need = Literal["no", "may", "must"]

_POLITE = cue("polite")
_EXTRACT = cue("extract")
_SHOWN_LATER = cue("shown_later")
_RELATIVE = r"(?:that|which|who|whose|where|with|without|about|on|of|for|in|to|from|are|is|saying|asking|\w+ing|\w+ed)"
_CONDITION = cue("condition")
_NAMES_OUTPUT = cue("names_output")
_GIVE = cue("give")
_QUESTION = cue("question")
_YES_NO = cue("yes_no")
_CHOICE = cue("choice")
_COUNT = cue("count")
_ORDER = cue("order")
_SORTED = cue("sorted")
_EITHER = cue("either")
_NEGATED = cue("negated")
_GROUPED = cue("grouped")
_CONNECTOR = cue("connector")
_UNLESS = cue("unless")
_MIXED = cue("mixed")
_PARTS = cue("parts")


@dataclass(frozen=True, slots=True)
class Intent:
    """What the words decide.

    Attributes:
        conditions: columns that conditions may be about.
        values: for a column with few values those that the instruction names, when it names some.
        numbers: signs and numbers that conditions on a column may compare with, in the column's unit.
        dates: the conditions on a time, each as the ways to write it.
        outputs: columns that may be shown.
        shows: whether outputs are named.
        step: several steps; None without.
        either: whether ``or`` is written.
        negated: ``not`` may be written.
        yes_no: whether outputs are yes or no.
        choices: outputs may be choices.
        counts: there are aggregates.
        grouped: whether they are by group.
        questions: how many questions conditions ask, at least and at most.
        alternatives: columns one of which holds.
        items: how many outputs there are at most.
        plain: outputs are columns and no questions.
        several: whether all that is found of a kind is wanted.
        about: beginnings of the words of which every question has one.
        nulls: conditions may ask whether there is a value.
        unless: the last condition must not hold.
        mixed: ``or`` joins only some of the conditions.
        ordered: whether there is an order.
        required: columns that conditions are about in any case, one for each condition.
        limits: how many rows there may be.
        asks_in_where: conditions may be questions.
    """

    conditions: frozenset[str]
    values: dict[str, tuple[str, ...]]
    numbers: Callable[[Column], tuple[Test, ...]]
    dates: tuple[tuple[Test, ...], ...]
    outputs: frozenset[str]
    shows: Need
    step: Step | None
    either: Need
    negated: bool
    yes_no: Need
    choices: bool
    counts: bool
    grouped: Need
    questions: tuple[int, int]
    alternatives: tuple[str, ...]
    items: int
    plain: bool
    several: Need
    about: tuple[str, ...]
    nulls: bool
    unless: bool
    mixed: bool
    ordered: Need
    required: tuple[str, ...]
    limits: tuple[int, ...]
    asks_in_where: bool


def intent(corpus: Corpus, instruction: str) -> Intent | None:
    """Return what the words of an instruction decide, None when they are not English words known here."""
    plain = " ".join(instruction.replace("\u2019", "'").split())
    if not is_english(plain):
        return None
    spoken = frozenset(mentioned(corpus, plain))
    step = first_step(corpus, plain)
    counts = bool(_COUNT.search(plain)) and (step is not None or _counts_rows(corpus, plain))
    shows = _shows(corpus, plain, step, counts)
    limits = limits_in(plain)
    values = {c.name: said_values(c, plain) for c in corpus.columns if c.closed and said_values(c, plain)}
    either = _either(plain, values)
    alternatives = alternative_conditions(corpus, plain) if either == "must" else ()
    certain = either == "no" or alternatives
    required = required_conditions(corpus, plain, spoken, values, alternatives) if certain else ()
    return Intent(
        conditions=allowed_conditions(corpus, plain, spoken, values),
        values=values,
        numbers=partial(_number_tests, corpus, plain, limits),
        dates=date_slots(plain),
        # The first column mostly says which row it is.
        outputs=((spoken if step is None else frozenset()) | {corpus.columns[0].name}) - {corpus.text or ""},
        shows=shows,
        step=step,
        either=either,
        required=required,
        negated=bool(_NEGATED.search(_UNLESS.sub(" ", plain))),
        yes_no=_yes_no(plain, step),
        choices=bool(_CHOICE.search(plain)),
        counts=counts,
        grouped="must" if _is_grouped(corpus, plain) else "no",
        questions=_questions(corpus, plain, shows, step),
        alternatives=alternatives,
        items=2 + len(_PARTS.findall(plain)),
        plain=shows == "must" and step is None and not counts and _lists_columns(corpus, plain, all_of_them=True),
        several=_several(corpus, plain),
        about=_about(corpus, plain, values),
        nulls=is_about_nulls(plain),
        unless=bool(_UNLESS.search(plain)),
        mixed=bool(_MIXED.search(plain)),
        ordered="must" if limits or _SORTED.search(plain) else "may" if _ORDER.search(plain) else "no",
        limits=limits,
        asks_in_where=shows != "must" or counts or _filters(corpus, plain),
    )


def _is_grouped(corpus: Corpus, instruction: str) -> bool:
    named = {stem(word) for column in corpus.columns if not column.is_long for word in words(column.name)}
    return any(stem(found[1].lower()) in named for found in _GROUPED.finditer(instruction))


def _either(instruction: str, values: dict[str, tuple[str, ...]]) -> Need:
    """Return whether conditions are joined by ``or``; one between two values of a column is not of this kind."""
    said = len(re.findall(r"\bor\b", instruction, re.IGNORECASE))
    within = sum(len(named) > 1 for named in values.values())
    if said and said <= within:
        return "no"
    if said and not re.search(r"\?|\b(?:is|are|into) [^.;]*\bor\b", instruction):
        return "must"
    return "may" if _EITHER.search(instruction) else "no"


def _number_tests(corpus: Corpus, instruction: str, limits: tuple[int, ...], column: Column) -> tuple[Test, ...]:
    unit = unit_of(words(column.name))
    tests = [(sign, value) for sign, value in number_tests(instruction, unit) if not _is_one_of(value, limits)]
    return (*tests, *counted_at_all(corpus, instruction))


def _is_one_of(value: str, limits: tuple[int, ...]) -> bool:
    return value.isdigit() and int(value) in limits


def _several(corpus: Corpus, instruction: str) -> Need:
    """Return whether all that is found of a kind is wanted, by the plurals of what is to be shown."""
    if re.search(r"\b(?:number|amount|sum|name) of\b", instruction, re.IGNORECASE):
        return "may"
    parts = [words(_POLITE.sub("", part)) for part in _PARTS.split(_POLITE.sub("", instruction)) if part.strip()]
    plurals = [any(map(_is_plural, head)) for part in parts if (head := _first_noun(part))]
    return "must" if plurals and all(plurals) else "no" if plurals and not any(plurals) else "may"


def _shared_start(word: str, other: str) -> str:
    """Return the letters that two words begin with, all of the first one when that is nothing."""
    same = next((i for i, (a, b) in enumerate(zip(word, other, strict=False)) if a != b), min(len(word), len(other)))
    return word[:same] or word


def _first_noun(part: list[str]) -> list[str]:
    """Return the first word that means something, and the next one where it follows at once."""
    at = next((i for i, word in enumerate(part) if content_words(word)), len(part))
    return [word for word in part[at : at + 2] if content_words(word)]


def _is_plural(word: str) -> bool:
    return len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is", "'s"))


def _about(corpus: Corpus, instruction: str, values: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return beginnings of the words that questions can be about: what columns do not tell."""
    needless = {stem(word) for named in values.values() for value in named for word in words(value)}
    needless |= content_words(corpus.name) | actions()
    found = [word for word in words(instruction) if stem(word) not in needless and content_words(word)]
    starts = [_shared_start(word, stem(word)) for word in found if word[0].isalpha()]
    either_case = [start for word in dict.fromkeys(starts) for start in (word, word.capitalize(), word.upper())]
    return tuple(dict.fromkeys(either_case))


def _questions(corpus: Corpus, instruction: str, shows: Need, step: Step | None) -> tuple[int, int]:
    """Return how many conditions only the text answers, at least and at most: one for each part of an instruction."""
    most = _most_questions(corpus, instruction)
    if shows == "must" or step is not None:
        return 0, most
    needless = actions() | content_words(corpus.name) | row_nouns(corpus)
    said = [part for part in _PARTS.split(instruction) if not _SORTED.search(part)]
    parts = [part for part in said if content_words(part) - needless]
    return min(sum(not tells_column(corpus, part) for part in parts), most), most


def _most_questions(corpus: Corpus, instruction: str) -> int:
    """Return how many conditions an instruction can hold that only the text answers: one for each part of it."""
    nouns = row_nouns(corpus) | PEOPLE
    relatives = re.finditer(r"(\w+)[ ,]+(?:that|which|who|whose|where|with|without|about)\b", instruction.lower())
    further = sum(stem(found[1]) not in nouns for found in relatives)
    head = words(_POLITE.sub("", instruction))[:3]
    at = next((place for place, word in enumerate(head) if stem(word) in nouns), 0)
    told = {stem(word) for said in mentioned(corpus, instruction).values() for word in words(said)}
    described = sum(stem(word) not in told for word in head[:at])
    return 1 + len(_CONNECTOR.findall(instruction)) + further + described


def _yes_no(instruction: str, step: Step | None) -> Need:
    if not _YES_NO.search(instruction):
        return "no"
    after = instruction[_YES_NO.search(instruction).start() :]  # type: ignore[union-attr]
    only = step is not None and not re.search(r"\b(?:what|how|when|where|who|why|its|their)\b", after, re.IGNORECASE)
    return "must" if only else "may"


def _counts_rows(corpus: Corpus, instruction: str) -> bool:
    """Tell rows that are counted from a number that stands in the text."""
    found = re.search(r"\b(?:number of|how many) (?:the )?(?:[a-z]+ )?([a-z]+)", instruction, re.IGNORECASE)
    if not found:
        return True
    after = [stem(word) for word in words(found[0])[2:]]
    return bool(row_nouns(corpus) & set(after)) or bool(re.search(r"\bper\b|\bfor each\b|\bby\b", instruction))


def _shows(corpus: Corpus, instruction: str, step: Step | None, counts: bool) -> Need:
    if counts or step is not None:
        return "must"
    if _QUESTION.match(instruction):
        several = instruction.count("?") > 1 or re.search(r"\banswers?\b", instruction, re.IGNORECASE)
        return "must" if several else "no"
    if _NAMES_OUTPUT.match(instruction):
        return "must"
    if _lists_columns(corpus, instruction):
        return "must"
    if re.search(r"\bclassif|\bcategori[sz]e|\bsort\b.*\binto\b", instruction, re.IGNORECASE):
        return "must"
    later = _shown_later(instruction)
    if _heads_rows(corpus, _POLITE.sub("", instruction)):
        *before, last = instruction.split(",")
        return "must" if later else "may" if before and len(last.split()) <= 3 else "no"
    if later:
        return "must"
    return "must" if _EXTRACT.match(instruction) else "may"


def _shown_later(instruction: str) -> bool:
    later = _SHOWN_LATER.search(instruction)
    return later is not None and later.start() > 4


def _heads_rows(corpus: Corpus, head: str) -> bool:
    """Return whether a phrase is about rows: a word for them comes first, or soon and with a relative after it."""
    nouns = row_nouns(corpus)
    for place, found in enumerate(re.finditer(r"[\w'-]+", head)):
        root = stem(found[0].lower())
        if root in nouns or (place == 0 and root in PEOPLE) or (root in PEOPLE and place < 2):
            after = head[found.end() :]
            listed = re.match(r"\s*(?:,|;|and\b)", after)
            following = re.match(r"\s+([\w'-]+)", after)
            if following and stem(following[1].lower()) in nouns:
                continue  # the former of two nouns that say what a row is
            if place == 0:
                return not listed
            over = r"over|under|before|after|since|of"
            if re.match(rf"\s+(?:{_RELATIVE}|{over})\b|\s*$|\s*\(", after):
                return True
        if place >= 3:
            break
    return False


def _lists_columns(corpus: Corpus, instruction: str, *, all_of_them: bool = False) -> bool:
    """Return whether columns are listed as outputs, before ``of``, ``for``, ``if``, ``only``, a colon, or last."""
    plain = _GIVE.sub("", instruction)
    before = re.match(r"^([^:;]*?)(?:,?\s+(?:of|for|if|only)\b|:)", plain, re.IGNORECASE)
    if before and _all_columns(corpus, before[1], all_of_them):
        return True
    *rest, last = re.split(r"[,;]", re.sub(r"\s*\bplease\b\W*$", "", plain))
    return bool(rest) and _all_columns(corpus, _GIVE.sub("", last.strip()), all_of_them)


def _all_columns(corpus: Corpus, text: str, all_of_them: bool) -> bool:
    """Return whether a list of things begins with the name of a short column, or has nothing but such names."""
    parts = [part for part in re.split(r",|\band\b", text) if part.strip()]
    names = [{stem(word) for word in words(c.name)} for c in corpus.columns if c.name != corpus.text]
    spoken = [bool(content_words(part)) and len(part.split()) <= 3 for part in parts]
    named = [
        fits and any(content_words(part) <= name or _means(corpus, part) for name in names)
        for part, fits in zip(parts, spoken, strict=True)
    ]
    return bool(named) and (all(named) if all_of_them else named[0])


def _means(corpus: Corpus, part: str) -> bool:
    """Return whether one word is what people say for a short column."""
    found = [corpus.column(name) for name in mentioned(corpus, part)]
    return len(part.split()) == 1 and any(c is not None and not c.is_long and c.name != corpus.text for c in found)


def _filters(corpus: Corpus, instruction: str) -> bool:
    """Return whether an instruction with outputs also says which rows it is about."""
    if _CONDITION.search(instruction) or re.search(r"^(?:sort|classify)\b", instruction):
        return True
    if _heads_rows(corpus, _POLITE.sub("", instruction)) or re.match(r"^from\b", instruction, re.IGNORECASE):
        return True
    if about := re.match(r"^for (.*?)(?:[:,]|\b(?:give|show|list|get|tell|find|say)\b)", instruction, re.I):
        return not tells_column(corpus, about[1])
    if re.search(r"\w+ \w+ \w+.*;", instruction):
        return True
    if re.search(r"\w+s (?:that|which|who|with|without|about|described|dealing|concerning|from)\b", instruction):
        return True
    nouns = row_nouns(corpus) | PEOPLE
    followed = re.finditer(rf"\b([a-z]+)(?: \([^)]*\)| (?:after|before|since) \S+)? {_RELATIVE}\b", instruction.lower())
    return any(stem(found[1]) in nouns and not found[0].endswith(" in the") for found in followed)
