"""What a query over a corpus may hold: the columns as it may use them, and what the words of an instruction decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as OneOf

MOST_CONDITIONS = 6
MOST_ITEMS = 8

Need = OneOf["no", "may", "must"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column as a query may use it.

    Attributes:
        name: as in the corpus.
        kind: ``number``, ``date``, ``bool``, ``text``, ``list`` or ``other``.
        values: texts, one of which a condition names; none allows any.
        open: there are more texts than ``values``, so that one may be a part of what the column holds.
        slots: for numbers and dates, the conditions there are, each as the ways to write it, a sign and a value;
            none allows any.
        timed: for dates, whether they have a time of day.
        question: whether model calls may read it.
        tested: whether conditions may be about it.
        shown: whether it may be an output.
        nullable: whether conditions may ask if there is a value; ``only``: nothing else.
        holds: whether a condition that there is in any case is to hold; None leaves it open.
    """

    name: str
    kind: str
    values: tuple[str, ...] = ()
    open: bool = False
    slots: tuple[tuple[tuple[str, str], ...], ...] = ()
    timed: bool = False
    question: bool = False
    tested: bool = True
    shown: bool = True
    nullable: bool | OneOf["only"] = True
    holds: bool | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """Something found first, about which something is asked.

    Attributes:
        kind: ``each`` for several of them, ``let`` for one.
        name: what the query calls it.
        said: what is extracted.
        keeps: whether a condition is about it.
        further: another thing may be found from it.
    """

    kind: OneOf["each", "let"]
    name: str
    said: str
    keeps: Need = "no"
    further: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """One output that is certain.

    Attributes:
        kind: ``column``, ``label``, ``found`` or ``choice``.
        column: its name, for a column.
        about: beginnings of words one of which the question has.
        said: the words of the instruction for it, of which the question is made; none allows any.
        several: whether all that is found of a kind is wanted; None leaves it open.
        options: what is chosen from.
    """

    kind: OneOf["column", "label", "found", "choice"]
    column: str = ""
    about: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    several: bool | None = None
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """One condition that the model answers and that is certain.

    Attributes:
        about: beginnings of words one of which the question has; none allows any.
        said: the words of the instruction for it, of which the question is made; none allows any.
        denied: whether it is not to hold; None leaves that open.
        joined: it, or the one before it, is to hold.
    """

    about: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    denied: bool | None = None
    joined: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """What kinds of clauses a query may have; by default all.

    Attributes:
        shows: whether outputs are named.
        step: a first step; ``any`` leaves steps to the model, None has none.
        asks: conditions may be questions.
        either: whether ``or`` is written.
        negated: ``not`` may be written.
        yes_no: whether outputs are yes or no.
        choices: outputs may be choices.
        counts: aggregates: ``must`` has nothing else.
        grouped: whether counts are by group.
        questions: how many questions conditions ask, at least and at most.
        alternatives: columns one of which holds, each in its own condition.
        items: how many outputs there are at most.
        plain: outputs are columns and no questions.
        unless: conditions end with one that must not hold.
        mixed: ``or`` stands only in parentheses, within ``and``.
        ordered: whether an order is written.
        aggregates: what is computed over rows, where that is certain; none allows any.
        groups: what rows are grouped by, as a query writes it, where that is certain.
        sorted_by: the columns that may decide the order; none allows any.
        descending: the direction; None leaves it open.
        limits: the numbers of rows that may be written; None allows any.
        required: columns that conditions are about in any case, one for each condition.
        several: whether all that is found of a kind is wanted, or one thing.
        about: beginnings of words one of which every question has; none allows any.
        listed: the outputs in order, where they are certain; what says which row it is may stand before them.
        shares: there are shares, and beside them only what ``aggregates`` has.
        asked: the conditions that are questions, in order, where they are certain.
        common: what else certain questions are made of, beside words of up to four letters.
        thinking: comment lines with conditions and outputs come first.
    """

    shows: Need = "may"
    step: Step | OneOf["any"] | None = "any"
    asks: bool = True
    either: Need = "may"
    negated: bool = True
    yes_no: Need = "may"
    choices: bool = True
    counts: Need = "may"
    grouped: Need = "may"
    questions: tuple[int, int] = (0, MOST_CONDITIONS)
    alternatives: tuple[str, ...] = ()
    items: int = MOST_ITEMS
    plain: bool = False
    unless: bool = False
    mixed: bool = False
    ordered: Need = "may"
    aggregates: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    sorted_by: tuple[str, ...] = ()
    descending: bool | None = None
    required: tuple[str, ...] = ()
    limits: tuple[int, ...] | None = None
    several: Need = "may"
    about: tuple[str, ...] = ()
    listed: tuple[Shown, ...] = ()
    shares: bool = False
    asked: tuple[Asked, ...] = ()
    common: tuple[str, ...] = ()
    thinking: bool = False
