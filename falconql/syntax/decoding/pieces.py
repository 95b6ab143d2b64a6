"""Pieces that decoding grammars are made of: conditions on columns, and how parts are joined."""

from __future__ import annotations

from collections.abc import Sequence

from falconql.syntax.decoding.frame import Column
from falconql.syntax.decoding.model import Chars, Literal, Node, Rule, choice, listed, optional, seq
from falconql.syntax.keywords import keywords
from falconql.syntax.printer import name_text, quoted

MOST_CHOICES = 8


def settled_test(column: Column, holds: bool) -> Node:
    """Return the condition on a column whose sign is certain."""
    name, no = name_text(column.name), seq("") if holds else seq(written("NOT"), " ")
    if column.kind == "bool":
        return seq(no, name)
    one = choice(*map(quoted, column.values))
    if len(column.values) == 1:
        return seq(f"{name} {'=' if holds else '!='} ", one)
    return seq(no, f"{name} {keywords()['IN']} (", listed(one, MOST_CHOICES), ")")


def column_tests(column: Column, *, negated: bool) -> list[Node]:
    """Return the conditions that there can be on a column; ``negated``: ``not`` may stand before them."""
    name = name_text(column.name)
    null = seq(f"{name} {keywords()['IS']} ", optional(seq(written("NOT"), " ")), written("NULL"))
    nulls = [null] if column.nullable else []
    if column.nullable == "only":
        return [null]
    if column.kind in ("number", "date"):
        if column.slots:
            return [slot_test(column, slot) for slot in column.slots] + nulls
        return [seq(name, compared(), Rule(column.kind)), *nulls]
    if column.kind == "bool":
        # Its name may be the opposite of what people say: "open" for one called `closed`.
        return [Literal(name)] if negated else [Literal(name), seq(written("NOT"), f" {name}")]
    if column.kind not in ("text", "list"):
        return nulls
    contains = seq(f"{name} {keywords()['CONTAINS']} ", Rule("quoted"))
    if column.kind == "list" or column.question:
        return [contains, *nulls]
    one = choice(*map(quoted, column.values)) if column.values else Rule("quoted")
    signs = choice(" = ", " != ") if negated else Literal(" = ")
    tests: list[Node] = [seq(name, signs, one)]
    if len(column.values) != 1:
        tests.append(seq(f"{name} {keywords()['IN']} (", listed(one, MOST_CHOICES), ")"))
    if column.values and column.open:
        return [*tests, seq(f"{name} {keywords()['CONTAINS']} ", one), *nulls]
    return [*tests, *nulls] if column.values else [*tests, contains, *nulls]


def slot_test(column: Column, slot: tuple[tuple[str, str], ...]) -> Node:
    """Return one condition on a number or a date, as the ways to write it."""
    shown = [(sign, quoted(value) if column.kind == "date" else value) for sign, value in slot]
    return choice(*(f"{name_text(column.name)} {sign} {value}" for sign, value in shown))


def parts_of_dates(columns: Sequence[Column]) -> list[Node]:
    """Return parts of a column of dates; nothing where there is none."""
    dates = [name_text(column.name) for column in columns if column.kind == "date"]
    timed = [name_text(column.name) for column in columns if column.kind == "date" and column.timed]
    day = [seq(choice("year(", "quarter(", "month(", "day(", "weekday("), choice(*dates), ")")] if dates else []
    return [*day, seq("hour(", choice(*timed), ")")] if timed else day


def compared() -> Node:
    """Return the signs of comparisons."""
    return choice(*(f" {sign} " for sign in ("=", "!=", "<=", ">=", "<", ">")))


def plain(also: str = "") -> Chars:
    """Return a character of a text that nothing has to escape, and none of some others."""
    return Chars(tuple((char, char) for char in f'"\\\n{{}}{also}'), negated=True)


def line(clause: Node, *, before: bool = True) -> Node:
    """Return a clause on a line of its own."""
    return seq("\n", clause) if before else seq(clause, "\n")


def two(low: str, high: str) -> Node:
    """Return a number of two digits."""
    return seq(Chars(((low, high),)), Chars((("0", "9"),)))


def all_of(conditions: Sequence[Node]) -> Node:
    """Return conditions all of which hold."""
    return seq(*(seq(spaced("AND") if number else "", each) for number, each in enumerate(conditions)))


def any_of(conditions: Sequence[Node]) -> Node:
    """Return conditions one of which holds."""
    return seq(*(seq(spaced("OR") if number else "", each) for number, each in enumerate(conditions)))


def spaced(terminal: str) -> Node:
    """Return a keyword with a space on both sides."""
    return Literal(f" {keywords()[terminal]} ")


def written(terminal: str) -> Node:
    """Return a keyword."""
    return Literal(keywords()[terminal])
