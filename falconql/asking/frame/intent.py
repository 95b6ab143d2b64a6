"""What kind of query an instruction asks for, as far as its words show it.

A small language model writes good questions and picks good columns, but slips on the frame: it filters where
something is to be shown, shows columns that nobody asked for, compares with numbers that nobody said. The words
of an instruction often decide the frame. What they decide is kept out of the decoding grammar's choice; what
they leave open the model decides. English only: other languages decide little here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from falconql.asking.corpus import Column, Corpus
from falconql.asking.evidence import actions, content_words, cue, is_english, mentioned, said_values, stem, words
from falconql.asking.frame.asked import SOFT, Asked, asked_bounds, asked_parts, told_words
from falconql.asking.frame.assignment import Assignment, assigned_numbers, shared_by
from falconql.asking.frame.choices import options_in, without_options
from falconql.asking.frame.conditions import (
    allowed_conditions,
    alternative_conditions,
    alternative_words,
    comparable,
    counted_at_all,
    dated_part,
    happened,
    holds,
    is_about_nulls,
    required_conditions,
    tells_column,
)
from falconql.asking.frame.counting import aggregates, by_period, column_shares, computes, counts_groups, groups
from falconql.asking.frame.halves import Halves, cut_in_halves
from falconql.asking.frame.open_values import open_values, possible_values
from falconql.asking.frame.ordering import Ordering, is_ordered, ordering, so_many, way_of, without_order
from falconql.asking.frame.outputs import Output, is_plural, questions_in
from falconql.asking.frame.quantities import Slot, date_slots, either_numbers, limits_in, number_tests, unit_of
from falconql.asking.frame.rows import PERIODS
from falconql.asking.frame.shown import (
    CHOICE,
    COUNT,
    POLITE,
    Need,
    counts_rows,
    filters,
    listed_outputs,
    lists_columns,
    lists_some,
    lists_things,
    ranked_groups,
    shows_outputs,
)
from falconql.asking.frame.stems import starts
from falconql.asking.frame.steps import Step, first_step
from falconql.asking.wording import column_wording, plain_wording
from falconql.types import BOOL, FLOAT, INT

# What is longer tells more than rules follow, and some of them look at every two places of it.
MOST_CHARACTERS = 1_500
_YES_NO = cue("yes_no")
_ORDER = cue("order")
_EITHER = cue("either")
_NEGATED = cue("negated")
_GROUPED = cue("grouped")
_UNLESS = cue("unless")
_MIXED = cue("mixed")
_PARTS = cue("parts")
_SHARE = cue("share")
_OR_MORE = cue("or_more")
_ASKS_FOR = cue("asks_for")
_EXTREME = re.compile(r"\b(?:highest|lowest|maximum|minimum)\b", re.IGNORECASE)
_COUNTS_THINGS = cue("counts_things")
_ALL_OF = re.compile(r"(?:every|each|all) ", re.IGNORECASE)
_NAMED = re.compile(
    r"\w+s (?:named|mentioned|cited|used|listed|reported|discussed|quoted|described)\s*$", re.IGNORECASE
)


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
        shares: there are shares; beside them only what ``aggregates`` has.
        holds: for columns with required conditions, whether these are to hold.
        asked: the conditions that are questions, in order; empty where they are not certain.
        aggregates: what is computed over rows, as queries write it; empty where that is not certain.
        groups: what rows are grouped by, as a query writes it; empty where that is not certain.
        sorted_by: by which columns rows are sorted, and which way.
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
    aggregates: tuple[str, ...]
    groups: tuple[str, ...]
    sorted_by: Ordering


def intent(corpus: Corpus, instruction: str) -> Intent | None:
    """Return what the words of an instruction decide, None when it is long or not in English words known here."""
    if len(instruction) > MOST_CHARACTERS:
        return None
    plain = column_wording(corpus, plain_wording(instruction))
    if not is_english(plain):
        return None
    spoken = frozenset(mentioned(corpus, plain))
    step = first_step(corpus, plain)
    ranked = ranked_groups(corpus, plain) if step is None else None
    counts = ranked is not None or (bool(COUNT.search(plain)) and (step is not None or counts_rows(corpus, plain)))
    counts = counts or (step is not None and _COUNTS_THINGS.search(plain) is not None)
    extremes = step is None and _EXTREME.search(plain) is not None and _is_grouped(corpus, plain)
    counts = counts or (extremes and bool(aggregates(corpus, plain)))
    counts = counts or (step is None and counts_groups(corpus, plain))
    unsorted = without_order(plain)
    shows = shows_outputs(corpus, _ASKS_FOR.sub("", _without_time(corpus, unsorted)), step, counts)
    options = options_in(corpus, plain) if step is None and not counts else ()
    halves = cut_in_halves(corpus, without_options(corpus, unsorted)) if step is None and not counts else None
    if shows == "no" and halves and (lists_some(corpus, halves.outputs) or _NAMED.search(halves.outputs)):
        shows = "must"
    if shows == "may" and lists_things(corpus, halves.outputs if halves else plain, halves is not None):
        shows = "must"
    if options:
        shows = "must"
    limits = limits_in(plain)
    if ranked and not limits and not is_plural(ranked[0]):
        limits = (1,)
    few = so_many(corpus, plain) if not (limits or counts) else ()
    limits = limits or few
    described = _described(plain, shows, step, halves)
    values = {c.name: named for c in corpus.columns if c.closed and (named := said_values(c, described))}
    names = open_values(corpus, plain)
    perhaps = possible_values(corpus, plain, names)
    either = _either(plain, values | names)
    alternatives = alternative_conditions(corpus, plain) if either == "must" else ()
    numbers = assigned_numbers(corpus, plain, limits)
    if all((c := corpus.column(name)) and c.type in (INT, FLOAT) for name in alternatives):
        numbers = shared_by(numbers, alternatives)
    if either == "no" or alternatives:
        required = required_conditions(corpus, plain, spoken, values, names, numbers.slots, alternatives)
    else:
        required = _required_before_or(corpus, plain, limits)
    conditions = allowed_conditions(corpus, plain, spoken, values, names, numbers.slots, numbers.left)
    told = told_words(corpus, plain, conditions | (spoken if counts else frozenset()))
    if counts and by_period(corpus, plain):
        told |= set(map(stem, PERIODS))
    if alternatives:
        told |= alternative_words(corpus, plain)
    said = questions_in(plain) if step is None else []
    counted = tuple((test,) for test in counted_at_all(corpus, plain))
    is_grouped = ranked is not None or _is_grouped(corpus, plain)
    computed, own_shares = aggregates(corpus, plain), column_shares(corpus, plain)
    if counts:
        required = tuple(name for name in required if name not in own_shares)
    # Of more shares than columns tell the text decides the others.
    texts_share = len(_SHARE.findall(plain)) > len(own_shares)
    shares = counts and texts_share and (bool(computed) or not computes(plain))
    other_words = _in_other_words(corpus, plain, required)
    questions = _questions(corpus, unsorted, shows, counts and step is None, halves, told, other_words)
    beside_choice = bool(options) and halves is None and without_options(corpus, plain) != plain
    if said or shares or beside_choice:
        questions = (0, 0)
    if step is not None and step.keeps == "must":
        questions = (1, max(1, questions[1]))
    if perhaps:
        questions = (max(0, questions[0] - len({name for names in perhaps.values() for name in names})), questions[1])
    if options:
        either = "no"
    listed = () if shows != "must" or step or counts else listed_outputs(corpus, plain, said, halves, options)
    settled = [c for c in corpus.columns if c.name in required and (c.type == BOOL or c.closed)]
    signs = {c.name: sign for c in settled if (sign := holds(c, plain)) is not None}
    asked: tuple[Asked, ...] = ()
    certain = questions[0] == questions[1] if either == "no" else either == "must" and conditions <= set(required)
    if certain and questions[1] > 0 and step is None and not counts and not alternatives:
        text = halves.description if halves and shows == "must" else unsorted
        of_columns = not all(signs.values()) or (is_about_nulls(plain) and bool(conditions - set(required)))
        asked = asked_parts(corpus, text, told, columns_deny=of_columns)
    return Intent(
        asked=asked if len(asked) == questions[1] else (),
        conditions=conditions | perhaps.keys(),
        values=values | perhaps | names,
        numbers={c.name: _slots(corpus, plain, numbers, c, counted) for c in corpus.columns if c.type in (INT, FLOAT)},
        dates=date_slots(dated_part(corpus, plain, numbers.slots)),
        # The first column mostly says which row it is.
        outputs=((spoken if step is None else frozenset()) | {corpus.columns[0].name}) - {corpus.text or ""},
        shows=shows,
        step=step,
        either=either,
        required=required,
        negated=bool(_NEGATED.search(_UNLESS.sub(" ", plain))),
        yes_no=_yes_no(plain, step),
        choices=bool(options) or bool(CHOICE.search(plain)),
        counts=counts,
        grouped="must" if is_grouped else "no",
        questions=questions,
        listed=listed,
        shares=shares,
        holds=signs,
        alternatives=alternatives,
        items=2 + len(_PARTS.findall(plain)),
        plain=shows == "must" and step is None and not counts and lists_columns(corpus, plain, all_of_them=True),
        several=_several(corpus, plain),
        about=_about(corpus, plain, values),
        nulls=is_about_nulls(plain) or bool(happened(corpus, plain)),
        unless=bool(_UNLESS.search(plain)),
        mixed=bool(_MIXED.search(halves.description if halves and shows == "must" else plain)),
        ordered=is_ordered(plain, ranked is not None or (bool(limits) and not few)),
        limits=limits,
        aggregates=computed if counts and step is None else (),
        groups=groups(corpus, plain, ranked[0] if ranked else "") if counts and step is None and is_grouped else (),
        sorted_by=Ordering((), descending=way_of(ranked[1]) if ranked else None) if counts else ordering(corpus, plain),
        asks_in_where=_asks_in_where(corpus, plain, shows, counts, questions, halves),
    )


def _required_before_or(corpus: Corpus, instruction: str, limits: tuple[int, ...]) -> tuple[str, ...]:
    """Return the columns with conditions that stand before the clause with an ``or``: pinned posts that are A or B."""
    either = re.search(r"\b(?:or|either|nor|neither)\b", instruction, re.IGNORECASE)
    if either is None or re.search(r",\s*$", instruction[: either.start()]):
        return ()
    clauses = [found.start() for found in SOFT.finditer(instruction[: either.start()])]
    before = instruction[: clauses[-1]] if clauses else ""
    values = {c.name: said for c in corpus.columns if c.closed and (said := said_values(c, before))}
    numbers = assigned_numbers(corpus, before, limits)
    return required_conditions(corpus, before, frozenset(mentioned(corpus, before)), values, (), numbers.slots, ())


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
    if any(stem(found[1].lower()) in named for found in _GROUPED.finditer(instruction)):
        return True
    return by_period(corpus, instruction)


def _either(instruction: str, values: dict[str, tuple[str, ...]]) -> Need:
    """Return whether conditions are joined by ``or``; one between two values of a column is not of this kind."""
    instruction = _OR_MORE.sub(" ", instruction)
    said = len(re.findall(r"\bor\b", instruction, re.IGNORECASE)) - len(either_numbers(instruction))
    neither = len(re.findall(r"\bnor\b", instruction, re.IGNORECASE))
    within = sum(len(named) > 1 for named in values.values())
    if said + neither and said + neither <= within:
        return "no"
    if neither and not said:
        return "no"
    if said + neither == 0 and either_numbers(instruction) and "either" not in instruction.lower():
        return "no"
    if said and not re.search(r"\?|\b(?:is|are|into) [^.;]*\bor\b", instruction):
        return "must"
    return "may" if _EITHER.search(instruction) else "no"


def _slots(
    corpus: Corpus, instruction: str, numbers: Assignment, column: Column, counted: tuple[Slot, ...]
) -> tuple[Slot, ...]:
    """Return the conditions that there can be on a column: those certain, else with any number that is left."""
    if column.name in numbers.slots:
        return numbers.slots[column.name]
    unit = unit_of(words(column.name))
    fitting = comparable(column, numbers.left, corpus)
    return (*((test,) for test in number_tests(instruction, unit) if test[1] in fitting), *counted)


def _several(corpus: Corpus, instruction: str) -> Need:
    """Return whether all that is found of a kind is wanted, by the plurals of what is to be shown."""
    if re.search(r"\b(?:number|amount|sum|name) of\b", instruction, re.IGNORECASE):
        return "may"
    said = [part.strip() for part in _PARTS.split(POLITE.sub("", instruction)) if part.strip()]
    heads = [(part, _first_noun(words(POLITE.sub("", part)))) for part in said]
    plurals = [bool(_ALL_OF.match(part)) or any(map(is_plural, head)) for part, head in heads if head]
    return "must" if plurals and all(plurals) else "no" if plurals and not any(plurals) else "may"


def _first_noun(part: list[str]) -> list[str]:
    """Return the first word that means something, and the next one where it follows at once."""
    at = next((i for i, word in enumerate(part) if content_words(word)), len(part))
    return [word for word in part[at : at + 2] if content_words(word)]


def _about(corpus: Corpus, instruction: str, values: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return beginnings of the words that questions can be about: what columns do not tell."""
    needless = {stem(word) for named in values.values() for value in named for word in words(value)}
    needless |= content_words(corpus.name) | actions()
    return starts(instruction, needless)


def _questions(
    corpus: Corpus,
    instruction: str,
    shows: Need,
    counts: bool,
    halves: Halves | None,
    told: frozenset[str],
    other_words: bool,
) -> tuple[int, int]:
    """Return how many conditions only the text answers, at least and at most."""
    if counts:
        return asked_bounds(corpus, instruction, told)
    if shows != "must":
        least, most = asked_bounds(corpus, instruction, told)
        return max(0, least - other_words), most
    if halves is not None:
        return asked_bounds(corpus, halves.description, told)
    return 0, asked_bounds(corpus, instruction, told)[1]


def _in_other_words(corpus: Corpus, instruction: str, required: tuple[str, ...]) -> bool:
    """Return whether a part may say in other words what a column of yes and no holds."""
    left = any(c.type == BOOL and c.name not in required for c in corpus.columns)
    return left and bool(cue("other_words").search(instruction))


def _asks_in_where(
    corpus: Corpus, instruction: str, shows: Need, counts: bool, questions: tuple[int, int], halves: Halves | None
) -> bool:
    if shows != "must" or counts:
        return True
    return questions[1] > 0 and (halves is not None or filters(corpus, instruction))


def _yes_no(instruction: str, step: Step | None) -> Need:
    if not _YES_NO.search(instruction):
        return "no"
    after = instruction[_YES_NO.search(instruction).start() :]  # type: ignore[union-attr]
    open_ = re.search(r"\b(?:what|how|when|where|who|why|its|their)\b", after, re.IGNORECASE)
    asked = re.search(r"[,;:.]\s*(?:what|how|when|where|who|why)\b", instruction, re.IGNORECASE)
    return "must" if step is not None and not (open_ or asked) else "may"
