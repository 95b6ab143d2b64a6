"""What kind of query an instruction asks for, as far as its words show it.

A small language model writes good questions and picks good columns, but slips on the frame: it filters where
something is to be shown, shows columns that nobody asked for, compares with numbers that nobody said. The words
of an instruction often decide the frame. What they decide is kept out of the decoding grammar's choice; what
they leave open the model decides. English only: other languages decide little here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from falconql.asking import parts
from falconql.asking.assignment import Assignment, assigned_numbers
from falconql.asking.conditions import (
    allowed_conditions,
    alternative_conditions,
    comparable,
    counted_at_all,
    holds,
    is_about_nulls,
    required_conditions,
    tells_column,
)
from falconql.asking.corpus import Column, Corpus
from falconql.asking.evidence import actions, content_words, cue, is_english, mentioned, said_values, stem, words
from falconql.asking.parts import Asked, Halves, Output
from falconql.asking.quantities import Slot, date_slots, either_numbers, limits_in, number_tests, unit_of
from falconql.asking.rows import PEOPLE, row_nouns
from falconql.asking.steps import Step, first_step
from falconql.types import BOOL, FLOAT, INT

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
_UNLESS = cue("unless")
_MIXED = cue("mixed")
_PARTS = cue("parts")
_SHARE = cue("share")
_OR_MORE = cue("or_more")
_ASKS_FOR = cue("asks_for")
_REQUEST = cue("request")
_NAME_OF_THING = cue("name_of_thing")


@dataclass(frozen=True, slots=True)
class Intent:
    """What the words decide.

    Attributes:
        conditions: columns that conditions may be about.
        values: for a column with few values those that the instruction names, when it names some.
        numbers: by column, the conditions on numbers, each as the ways to write it.
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
        listed: what is shown, in order; empty where that is not certain.
        shares: aggregates are shares.
        holds: for columns with required conditions, whether these are to hold.
        asked: the conditions that are questions, in order; empty where they are not certain.
    """

    conditions: frozenset[str]
    values: dict[str, tuple[str, ...]]
    numbers: dict[str, tuple[Slot, ...]]
    dates: tuple[Slot, ...]
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
    listed: tuple[Output, ...]
    shares: bool
    holds: dict[str, bool]
    asked: tuple[Asked, ...]


def intent(corpus: Corpus, instruction: str) -> Intent | None:
    """Return what the words of an instruction decide, None when they are not English words known here."""
    plain = " ".join(instruction.replace("\u2019", "'").split())
    if not is_english(plain):
        return None
    spoken = frozenset(mentioned(corpus, plain))
    step = first_step(corpus, plain)
    counts = bool(_COUNT.search(plain)) and (step is not None or _counts_rows(corpus, plain))
    shows = _shows(corpus, _ASKS_FOR.sub("", _without_time(corpus, plain)), step, counts)
    halves = parts.halves(corpus, plain) if step is None and not counts else None
    if shows == "no" and halves and _lists_some(corpus, halves.outputs):
        shows = "must"
    if shows == "may" and _lists_things(corpus, halves.outputs if halves else plain, halves is not None):
        shows = "must"
    limits = limits_in(plain)
    described = _described(plain, shows, step, halves)
    values = {c.name: named for c in corpus.columns if c.closed and (named := said_values(c, described))}
    either = _either(plain, values)
    alternatives = alternative_conditions(corpus, plain) if either == "must" else ()
    numbers = assigned_numbers(corpus, plain, limits)
    if either == "no" or alternatives:
        required = required_conditions(corpus, plain, spoken, values, numbers.slots, alternatives)
    else:
        required = _required_before_or(corpus, plain, limits)
    conditions = allowed_conditions(corpus, plain, spoken, values, numbers.slots, numbers.left)
    told = parts.told_words(corpus, plain, conditions | (spoken if counts else frozenset()))
    said = parts.questions_in(plain) if step is None else []
    shares = counts and bool(_SHARE.search(plain))
    questions = _questions(corpus, plain, shows, counts and step is None, halves, told)
    if said or shares:
        questions = (0, 0)
    options = parts.options_in(corpus, plain) if step is None and not counts else ()
    if options:
        shows, either = "must", "no"
    listed = () if shows != "must" or step or counts else _listed(corpus, plain, said, halves, options)
    settled = [c for c in corpus.columns if c.name in required and (c.type == BOOL or c.closed)]
    signs = {c.name: sign for c in settled if (sign := holds(c, plain)) is not None}
    asked: tuple[Asked, ...] = ()
    if either == "no" and step is None and questions[0] == questions[1] > 0 and not counts:
        text = halves.description if halves and shows == "must" else plain
        of_columns = not all(signs.values()) or (is_about_nulls(plain) and bool(conditions - set(required)))
        asked = parts.asked_parts(corpus, text, told, columns_deny=of_columns)
    return Intent(
        asked=asked if len(asked) == questions[0] else (),
        conditions=conditions,
        values=values,
        numbers={c.name: _slots(corpus, plain, numbers, c) for c in corpus.columns if c.type in (INT, FLOAT)},
        dates=date_slots(plain),
        # The first column mostly says which row it is.
        outputs=((spoken if step is None else frozenset()) | {corpus.columns[0].name}) - {corpus.text or ""},
        shows=shows,
        step=step,
        either=either,
        required=required,
        negated=bool(_NEGATED.search(_UNLESS.sub(" ", plain))),
        yes_no=_yes_no(plain, step),
        choices=bool(options) or bool(_CHOICE.search(plain)),
        counts=counts,
        grouped="must" if _is_grouped(corpus, plain) else "no",
        questions=questions,
        listed=listed,
        shares=shares,
        holds=signs,
        alternatives=alternatives,
        items=2 + len(_PARTS.findall(plain)),
        plain=shows == "must" and step is None and not counts and _lists_columns(corpus, plain, all_of_them=True),
        several=_several(corpus, plain),
        about=_about(corpus, plain, values),
        nulls=is_about_nulls(plain),
        unless=bool(_UNLESS.search(plain)),
        mixed=bool(_MIXED.search(halves.description if halves and shows == "must" else plain)),
        ordered="must" if limits or _SORTED.search(plain) else "may" if _ORDER.search(plain) else "no",
        limits=limits,
        asks_in_where=_asks_in_where(corpus, plain, shows, counts, questions, halves),
    )


def _required_before_or(corpus: Corpus, instruction: str, limits: tuple[int, ...]) -> tuple[str, ...]:
    """Return the columns with conditions that stand before the clause with an ``or``: pinned posts that are A or B."""
    either = re.search(r"\b(?:or|either|nor|neither)\b", instruction, re.IGNORECASE)
    if either is None or re.search(r",\s*$", instruction[: either.start()]):
        return ()
    clauses = [found.start() for found in parts.SOFT.finditer(instruction[: either.start()])]
    before = instruction[: clauses[-1]] if clauses else ""
    values = {c.name: said for c in corpus.columns if c.closed and (said := said_values(c, before))}
    numbers = assigned_numbers(corpus, before, limits)
    return required_conditions(corpus, before, frozenset(mentioned(corpus, before)), values, numbers.slots, ())


def _described(instruction: str, shows: Need, step: Step | None, halves: Halves | None) -> str:
    """Return the part of an instruction in which values of columns are conditions."""
    if halves is not None and shows == "must" and halves.description:
        return halves.description
    if step is not None:
        # "The main spice" is no main course.
        nouns = "|".join(map(re.escape, step.said.split()))
        return re.sub(rf"\b[\w-]+ (?={nouns})", " ", instruction, flags=re.IGNORECASE)
    return instruction


def _without_time(corpus: Corpus, instruction: str) -> str:
    """Return an instruction without a time or a value that it begins with: In 2023, which guests ...?"""
    before = re.match(r"(?:in|since|from|before|after|during|until)\b([^,:;]+),\s*", instruction, re.IGNORECASE)
    return instruction[before.end() :] if before and tells_column(corpus, before[1]) else instruction


def _is_grouped(corpus: Corpus, instruction: str) -> bool:
    named = {stem(word) for column in corpus.columns if not column.is_long for word in words(column.name)}
    return any(stem(found[1].lower()) in named for found in _GROUPED.finditer(instruction))


def _either(instruction: str, values: dict[str, tuple[str, ...]]) -> Need:
    """Return whether conditions are joined by ``or``; one between two values of a column is not of this kind."""
    instruction = _OR_MORE.sub(" ", instruction)
    said = len(re.findall(r"\bor\b", instruction, re.IGNORECASE)) - len(either_numbers(instruction))
    neither = len(re.findall(r"\bnor\b", instruction, re.IGNORECASE))
    within = sum(len(named) > 1 for named in values.values())
    if said + neither and said + neither <= within:
        return "no"
    if said and not re.search(r"\?|\b(?:is|are|into) [^.;]*\bor\b", instruction):
        return "must"
    return "may" if _EITHER.search(instruction) else "no"


def _slots(corpus: Corpus, instruction: str, numbers: Assignment, column: Column) -> tuple[Slot, ...]:
    """Return the conditions that there can be on a column: those certain, else with any number that is left."""
    counted = tuple((test,) for test in counted_at_all(corpus, instruction))
    if column.name in numbers.slots:
        return numbers.slots[column.name]
    unit = unit_of(words(column.name))
    fitting = comparable(column, numbers.left, corpus)
    return (*((test,) for test in number_tests(instruction, unit) if test[1] in fitting), *counted)


def _several(corpus: Corpus, instruction: str) -> Need:
    """Return whether all that is found of a kind is wanted, by the plurals of what is to be shown."""
    if re.search(r"\b(?:number|amount|sum|name) of\b", instruction, re.IGNORECASE):
        return "may"
    said = [words(_POLITE.sub("", part)) for part in _PARTS.split(_POLITE.sub("", instruction)) if part.strip()]
    plurals = [any(map(parts.is_plural, head)) for part in said if (head := _first_noun(part))]
    return "must" if plurals and all(plurals) else "no" if plurals and not any(plurals) else "may"


def _first_noun(part: list[str]) -> list[str]:
    """Return the first word that means something, and the next one where it follows at once."""
    at = next((i for i, word in enumerate(part) if content_words(word)), len(part))
    return [word for word in part[at : at + 2] if content_words(word)]


def _about(corpus: Corpus, instruction: str, values: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return beginnings of the words that questions can be about: what columns do not tell."""
    needless = {stem(word) for named in values.values() for value in named for word in words(value)}
    needless |= content_words(corpus.name) | actions()
    return parts.starts(instruction, needless)


def _questions(
    corpus: Corpus, instruction: str, shows: Need, counts: bool, halves: Halves | None, told: frozenset[str]
) -> tuple[int, int]:
    """Return how many conditions only the text answers, at least and at most."""
    if counts:
        return parts.asked(corpus, instruction, told)
    if shows != "must":
        least, most = parts.asked(corpus, instruction, told)
        return max(0, least - _in_other_words(corpus, instruction)), most
    if halves is not None:
        return parts.asked(corpus, halves.description, told)
    return 0, parts.asked(corpus, instruction, told)[1]


def _in_other_words(corpus: Corpus, instruction: str) -> bool:
    """Return whether a part may say in other words what a column of yes and no holds."""
    return any(c.type == BOOL for c in corpus.columns) and bool(cue("other_words").search(instruction))


def _lists_things(corpus: Corpus, text: str, cut: bool) -> bool:
    """Return whether a text is a list of columns, things and questions."""
    listed = parts.outputs(corpus, text)
    kinds = {each.kind for each in listed}
    if cut and kinds == {"column"}:
        return True
    sure = (
        cut
        or "column" in kinds
        or (kinds == {"label", "found"} and "?" in text)
        or _NAME_OF_THING.search(text.split(",")[0])
    )
    return len(listed) > 1 and not _heads_rows(corpus, text) and bool(sure)


def _lists_some(corpus: Corpus, text: str) -> bool:
    """Return whether a text that seems to be about rows lists columns or names of things: hotel name and complaint."""
    listed = parts.outputs(corpus, text)
    return len(listed) > 1 and any(each.kind == "column" for each in listed)


def _listed(
    corpus: Corpus, instruction: str, said: list[str], halves: Halves | None, options: tuple[str, ...]
) -> tuple[Output, ...]:
    """Return what is shown, where every part of it is understood."""
    if options:
        return parts.with_choice(corpus, instruction, options)
    if said and halves is None:
        return parts.outputs(corpus, instruction)
    if _CHOICE.search(halves.outputs if halves else instruction):
        return ()
    if halves is not None:
        return parts.outputs(corpus, halves.outputs)
    return parts.outputs(corpus, instruction) if said or not _filters(corpus, instruction) else ()


def _asks_in_where(
    corpus: Corpus, instruction: str, shows: Need, counts: bool, questions: tuple[int, int], halves: Halves | None
) -> bool:
    if shows != "must" or counts:
        return True
    return questions[1] > 0 and (halves is not None or _filters(corpus, instruction))


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
    numbers = {stem(word) for c in corpus.columns[1:] if c.type in (INT, FLOAT) for word in words(c.name)}
    if numbers & set(after) and not re.search(r"\b(?:average|mean|total|sum|max|min)", instruction, re.IGNORECASE):
        return False
    who = PEOPLE - {stem("people"), stem("person"), stem("somebody")}
    rows = row_nouns(corpus) | (who if found[0].lower().startswith("how") else frozenset())
    return bool(rows & set(after)) or bool(re.search(r"\bper\b|\b(?:for|in) each\b|\bby\b", instruction))


def _shows(corpus: Corpus, instruction: str, step: Step | None, counts: bool) -> Need:
    if counts or step is not None:
        return "must"
    if _QUESTION.match(instruction) and not _REQUEST.match(instruction):
        several = instruction.count("?") > 1 or re.search(r"\banswers?\b", instruction, re.IGNORECASE)
        return "must" if several else "no"
    if _NAMES_OUTPUT.match(instruction):
        return "must"
    if _is_kind(corpus, instruction):
        return "no"
    if _lists_columns(corpus, instruction):
        return "must"
    if re.search(r"\bclassif|\bcategori[sz]e|\bsort\b.*\binto\b", instruction, re.IGNORECASE):
        return "must"
    later = _shown_later(corpus, instruction)
    if _heads_rows(corpus, _POLITE.sub("", instruction)):
        *before, last = [part for part in instruction.split(",") if not _SORTED.search(part)] or [instruction]
        if before and _NAME_OF_THING.search(last) and len(last.split()) <= 3:
            return "must"
        return "must" if later else "may" if before and len(last.split()) <= 3 else "no"
    if later:
        return "must"
    return "must" if _EXTRACT.match(instruction) else "may"


def _shown_later(corpus: Corpus, instruction: str) -> bool:
    later = _SHOWN_LATER.search(instruction)
    cut = re.search(r"[;:]", instruction) is not None and parts.halves(corpus, instruction) is not None
    return cut or (later is not None and later.start() > 4)


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


def _is_kind(corpus: Corpus, head: str) -> bool:
    """Return whether the first word is the plural of a value of a column: desserts, for a course."""
    if not re.match(rf"[\w'-]+s (?:{_RELATIVE}|under|over|after|before|since)\b", head):
        return False
    first = words(head)[0]
    values = {str(value).lower() for column in corpus.columns if column.closed for value in column.values}
    return first not in values and stem(first) in {stem(value) for value in values}


def _lists_columns(corpus: Corpus, instruction: str, *, all_of_them: bool = False) -> bool:
    """Return whether columns are listed as outputs, before ``of``, ``for``, ``if``, ``only``, a colon, or last."""
    plain = _GIVE.sub("", instruction)
    before = re.match(r"^([^:;]*?)(?:,?\s+(?:of|for|if|only)\b|:)", plain, re.IGNORECASE)
    # "Stays of two weeks" are the rows themselves.
    rows_only = before is not None and not content_words(before[1]) - row_nouns(corpus)
    if before and not rows_only and _all_columns(corpus, before[1], all_of_them):
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
