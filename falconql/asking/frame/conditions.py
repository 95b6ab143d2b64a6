"""Conditions on columns: which an instruction allows, and which it certainly states."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from falconql.asking.corpus import Column, Corpus
from falconql.asking.evidence import (
    actions,
    content_words,
    cue,
    mentioned,
    said_values,
    stem,
    stems_of,
    vocabulary,
    words,
)
from falconql.asking.frame.quantities import Slot, Test, date_slots, dates_in, numbers_in
from falconql.asking.frame.rows import PEOPLE, row_nouns
from falconql.asking.frame.steps import first_step
from falconql.types import BOOL, DATE, FLOAT, INT, TEXT, TIMESTAMP

_DENIED = cue("denied")
_INFINITIVE = re.compile(
    r"\b(?:to|can|could|will|would|should|must|may|might|the|"
    r"(?<!without )(?<!with )(?<!has )(?<!have )(?<!got )an?)\s+$",
    re.IGNORECASE,
)
_WHEN = ("on", "at", "date", "time", "day")
_LACKS = re.compile(r"\b(?:without|no|lacking)\b(?: \w+)?\s*$")
_HARD, _SOFT = cue("hard_boundary"), cue("soft_boundary")


def numbers_the_rows(column: Column, corpus: Corpus) -> bool:
    """Return whether a column only numbers the rows."""
    return column.name.lower() in ("id", "no", "number") or (
        column.type == INT
        and column == corpus.columns[0]
        and bool({stem(word) for word in words(column.name)} & row_nouns(corpus))
    )


def holds_years(column: Column) -> bool:
    """Return whether a column of numbers holds years."""
    return column.type == INT and bool(column.values) and all(1500 <= value <= 2100 for value in column.values)


def _is_year(number: str) -> bool:
    return number.isdigit() and 1500 <= int(number) <= 2100


def comparable(column: Column, numbers: Sequence[str], corpus: Corpus | None = None) -> tuple[str, ...]:
    """Return those numbers that a column could hold, or nearly; years belong to a column of years, if there is one."""
    if corpus is not None and holds_years(column):
        numbers = [number for number in numbers if _is_year(number)]
    elif corpus is not None and any(map(_is_year, numbers)) and any(map(holds_years, corpus.columns)):
        numbers = [number for number in numbers if not _is_year(number)]
    if not column.values:
        return tuple(numbers)
    least, greatest = float(column.values[0]), float(column.values[-1])
    room = greatest - least
    return tuple(n for n in numbers if least - room <= float(n) <= greatest + room)


def counted_at_all(corpus: Corpus, instruction: str) -> tuple[Test, ...]:
    """Return the tests on numbers that are only to be some or none: with injuries, without replies."""
    named = {stem(word) for c in corpus.columns if c.type in (INT, FLOAT) for word in words(c.name)}
    # "Without an answer" is `answered`, where there is such a column, and no number of minutes.
    named -= {stem(word) for c in corpus.columns if c.type == BOOL for word in words(c.name)}
    said = re.findall(r"\b(with|without|any|no|zero) (?:any )?(\w+)", instruction.lower())
    return tuple((">" if how in ("with", "any") else "=", "0") for how, word in said if stem(word) in named)


def tells_column(corpus: Corpus, part: str) -> bool:
    """Return whether a part of an instruction speaks of a column by its name, a value, a number or a time."""
    said = {stem(word) for word in words(part)}
    names = [c for c in corpus.columns if c.name != corpus.text and not c.is_long]
    named = any({stem(word) for word in words(c.name)} & said for c in names if not numbers_the_rows(c, corpus))
    return named or bool(numbers_in(part)) or any(said_values(c, part) for c in corpus.columns)


def allowed_conditions(
    corpus: Corpus,
    instruction: str,
    spoken: frozenset[str],
    values: dict[str, tuple[str, ...]],
    names: Mapping[str, tuple[str, ...]],
    assigned: Collection[str],
    left: Sequence[str],
) -> frozenset[str]:
    """Return the columns that conditions may be about: spoken of, with something to compare with.

    Args:
        corpus: the table.
        instruction: what was asked.
        spoken: columns that it has evidence for.
        values: by column, those of its few values that it names.
        names: by column of many texts, the names that it says for it.
        assigned: columns that certainly have conditions on numbers.
        left: numbers of which no column is certain.
    """
    # A column of yes and no often is said in other words; not so where all is about something found in the text.
    in_texts = first_step(corpus, instruction) is not None
    other_words = not in_texts and cue("other_words").search(instruction)
    yes_no = {c.name for c in corpus.columns if c.type == BOOL and (other_words or _is_said(c, corpus, instruction))}
    found = yes_no | set(values) | set(names) | set(assigned)
    numbers = (*left, *(value for _, value in counted_at_all(corpus, instruction)))
    numeric = [
        column
        for column in corpus.columns
        if column.type in (INT, FLOAT) and not numbers_the_rows(column, corpus) and comparable(column, numbers, corpus)
    ]
    told = [column.name for column in numeric if column.name in spoken]
    if set(numbers) == {"0"} and not re.search(r"\b(?:nobody|none|zero|loss|negative)", instruction, re.IGNORECASE):
        numeric = [column for column in numeric if column.name in told]
    pairs = len(re.findall(r"\bbetween\b", instruction, re.IGNORECASE))
    found |= set(told if len(told) >= len(numbers) - pairs else (column.name for column in numeric))
    dated = [column for column in corpus.columns if column.type in (DATE, TIMESTAMP)]
    if dates_in(instruction):
        told = [column.name for column in dated if column.name in spoken]
        found |= set(told or (column.name for column in dated))
    quotes = re.search(r"[\"\u201c]|\bcontain|\bthe words?\b|\bmentions? the\b", instruction)
    missing = is_about_nulls(instruction)
    found |= happened(corpus, instruction)
    for column in corpus.columns:
        if numbers_the_rows(column, corpus) or column.name not in spoken:
            continue
        in_text = bool(quotes) and column.type == TEXT and not column.closed
        if in_text or (missing and column.name != corpus.text and column.type != BOOL):
            found.add(column.name)
    return frozenset(found)


def is_about_nulls(instruction: str) -> bool:
    """Return whether conditions may be about missing values."""
    return bool(cue("nulls").search(instruction))


def happened(corpus: Corpus, instruction: str) -> set[str]:
    """Return the columns that tell when something was done, where it is said that it was or was not: still open.

    With a time in the instruction, such a column is compared with that.
    """
    if dates_in(instruction):
        return set()
    said = set(words(instruction))
    found = set()
    for column in corpus.columns:
        event = [word for word in words(column.name) if word not in _WHEN]
        if column.type in (DATE, TIMESTAMP) and len(event) == 1 and re.search(r"ed$", event[0]):
            undone = set(vocabulary("undone")) if event[0] in vocabulary("done") else set()
            if said & {event[0], *undone, f"un{event[0]}"}:
                found.add(column.name)
    return found


def alternative_conditions(corpus: Corpus, instruction: str) -> tuple[str, ...]:
    """Return the columns on both sides of an ``or``, when each side speaks of one of its own."""
    return _alternatives(corpus, instruction)[0]


def alternative_words(corpus: Corpus, instruction: str) -> frozenset[str]:
    """Return the stems of the words that speak of two columns of numbers of which one holds: home or away team."""
    names, phrase = _alternatives(corpus, instruction)
    numeric = all((c := corpus.column(name)) and c.type in (INT, FLOAT) for name in names)
    return content_words(phrase) if names and numeric else frozenset()


def _alternatives(corpus: Corpus, instruction: str) -> tuple[tuple[str, ...], str]:
    plain = cue("or_more").sub("", instruction)
    found = re.search(r"((?:\S+ ){1,4}?\S+),? or ((?:\S+ ){0,4}?\S+)(?=\s?,| and\b|\s*$)", plain, re.IGNORECASE)
    if found is None:
        return (), ""
    left, right = (
        [name for name in mentioned(corpus, side) if (c := corpus.column(name)) and (c.type != TEXT or c.closed)]
        for side in (found[1].split(",")[-1], found[2])
    )
    if len(left) == len(right) == 1 and left != right:
        return (left[0], right[0]), f"{found[1].split(',')[-1]} {found[2]}"
    return (), ""


def required_conditions(
    corpus: Corpus,
    instruction: str,
    spoken: frozenset[str],
    values: dict[str, tuple[str, ...]],
    names: Collection[str],
    numbers: Mapping[str, Sequence[Slot]],
    alternatives: tuple[str, ...],
) -> tuple[str, ...]:
    """Return the columns that an instruction certainly puts conditions on: by a value, a time, a number of theirs."""
    found = [name for name in values if name in spoken and name not in alternatives]
    found += [c.name for c in corpus.columns if c.type == BOOL and _is_said(c, corpus, instruction)]
    found += names
    found += [name for name, slots in numbers.items() for _ in slots]
    dated = [c.name for c in corpus.columns if c.type in (DATE, TIMESTAMP)]
    slots = date_slots(dated_part(corpus, instruction, numbers))
    taken = dated_part(corpus, instruction, numbers) != instruction
    if len(dated) == 1 and slots and (taken or not _years_of_numbers(corpus, instruction)):
        found += dated * len(slots)
    return tuple(name for name in found if name not in alternatives)


def dated_part(corpus: Corpus, instruction: str, numbers: Collection[str]) -> str:
    """Return an instruction without bare years when a column of years has conditions, and whole days are said, too."""
    of_years = any(holds_years(c) for c in corpus.columns if c.name in numbers)
    days = re.search(r"\b\d{4}-\d\d?-\d\d?\b", instruction)
    return re.sub(r"(?<![\d-])\d{4}(?![\d-])", " ", instruction) if of_years and days else instruction


def _is_said(column: Column, corpus: Corpus, instruction: str) -> bool:
    """Return whether an instruction says a yes/no column: all of its name, its opposite, or a part of nothing else."""
    said = {stem(word) for word in words(instruction)} - _done_otherwise(column, instruction)
    name = {stem(word) for word in words(column.name)} - {stem("is"), stem("has"), stem("was")}
    if (name and name <= said) or opposites(column) & set(words(instruction)):
        return True
    # "Without an arrest" is a column `arrest_made`, "complaints about the arrest" are not.
    needless = stems_of("comparing") | stems_of("glue") | actions() | content_words(corpus.name) | PEOPLE
    needless |= row_nouns(corpus)
    name -= needless
    parts = [content_words(part) for cut in _HARD.split(instruction) for part in _SOFT.split(cut)]
    return any(part & name and not part - name - needless - _told_by_values(corpus, instruction) for part in parts)


def _done_otherwise(column: Column, instruction: str) -> set[str]:
    """Return the stems that are said, but not of what was done: the time to answer is no matter of `answered`."""
    done = [word for word in words(column.name) if word.endswith("ed")]
    found = set()
    for name in done:
        forms = [match for match in re.finditer(r"[a-z]+", instruction.lower()) if stem(match[0]) == stem(name)]
        if forms and all(_INFINITIVE.search(instruction[: form.start()]) and form[0] != name for form in forms):
            found.add(stem(name))
    return found


def _told_by_values(corpus: Corpus, instruction: str) -> set[str]:
    return {stem(word) for c in corpus.columns for v in said_values(c, instruction) for word in words(v)}


def opposites(column: Column) -> frozenset[str]:
    """Return the words that say no to a yes/no column: unpaid, for paid, and open, for closed."""
    name = {stem(word) for word in words(column.name)}
    undone = frozenset(vocabulary("undone")) if name & stems_of("done") else frozenset()
    return undone | {f"un{column.name.lower()}", f"non-{column.name.lower()}"}


def holds(column: Column, instruction: str) -> bool | None:
    """Return whether the condition on a yes/no column, or on one with few values, is to hold; None leaves it open."""
    plain = instruction.lower()
    if column.type == BOOL:
        if opposites(column) & set(words(instruction)):
            return False
        whole = re.search(r"\b" + r"[\s_-]+".join(map(re.escape, words(column.name))) + r"\b", plain)
        first = next((word for word in words(column.name) if content_words(word)), "")
        named = [whole or re.search(rf"\b{re.escape(stem(first))}", plain) if first else whole]
        if named[0] and _LACKS.search(plain[: named[0].start()]):
            return False
    else:
        named = [re.search(rf"\b{re.escape(value.lower())}", plain) for value in said_values(column, instruction)]
    signs = {not _DENIED.search(plain[: found.start()]) if found else None for found in named}
    return signs.pop() if len(signs) == 1 else None


def _years_of_numbers(corpus: Corpus, instruction: str) -> bool:
    """Return whether some column of numbers holds years, so that a year may be meant for it."""
    years = [date[:4] for date in dates_in(re.sub(r"\b\d{4}-\d\d?-\d\d?\b", " ", instruction))]
    return any(c.type == INT and c.values and _lies_in(c, years) for c in corpus.columns)


def _lies_in(column: Column, numbers: Sequence[str]) -> bool:
    """Return whether one of some numbers lies between the least and the greatest value of a column."""
    return any(float(column.values[0]) <= float(n) <= float(column.values[-1]) for n in numbers) and (
        float(column.values[0]) > 1000
    )
