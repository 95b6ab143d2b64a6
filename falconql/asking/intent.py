"""What kind of query an instruction asks for, as far as its words show it.

A small language model writes good questions and picks good columns, but slips on the frame: it filters where
something is to be shown, shows columns that nobody asked for, compares with numbers that nobody said. The words
of an instruction often decide the frame. What they decide is kept out of the decoding grammar's choice; what
they leave open the model decides. English only: other languages decide nothing here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from falconql.asking.corpus import Column, Corpus
from falconql.asking.evidence import actions, content_words, mentioned, said_values, shape, stem, words
from falconql.asking.quantities import dates_in, limits_in, numbers_in
from falconql.types import BOOL, DATE, FLOAT, INT, TEXT, TIMESTAMP

Need = Literal["no", "may", "must"]

# What people call a row whatever it is, and whom they mean by a row that somebody wrote or that is about somebody.
_ROWS = frozenset(
    stem(word)
    for word in [
        "row",
        "text",
        "document",
        "entry",
        "record",
        "item",
        "post",
        "article",
        "review",
        "note",
        "story",
        "decision",
        "work",
        "case",
        "message",
        "mail",
        "piece",
        "one",
        "anyone",
        "everyone",
        "everybody",
        "everything",
        "anything",
        "those",
        "something",
    ]
)
_PEOPLE = frozenset(
    stem(word) for word in ["person", "people", "customer", "guest", "patient", "author", "writer", "somebody", "user"]
)
_POLITE = re.compile(
    r"^(?:(?:please|kindly|can you|could you|would you|i am|i'm|i'd|i would|i|want|need|like|to|looking|look|for|see|have|"
    r"show|find|get|give|keep|list|return|only|just|me|us|all|every|each|any|the|those|these|of|a|an|pull|out|filter|select|"
    r"then|first|which|what)\b[ ,]*)+",
    re.IGNORECASE,
)
_EXTRACT = re.compile(
    r"^(?:please |can you |could you |i want |i need )*(?:extract|pull|what|who|whom|when|which|how (?:much|many|old|long)|"
    r"name|names|list|get|give|identify|find|collect|first find|tell)\b",
    re.IGNORECASE,
)
_SHOWN_LATER = re.compile(
    r"(?:[;:,.]|\band\b)\s*(?:please )?(?:also )?(?:give|show|list|get|pull|tell|extract|return|name|report|what|with both|"
    r"which|who|mark|say)\b|[;:]\s*\w",
    re.IGNORECASE,
)
_RELATIVE = r"(?:that|which|who|whose|where|with|without|about|on|of|for|in|to|from|are|is|saying|asking|\w+ing|\w+ed)"
_CONDITION = re.compile(r"\b(?:if|when|where|in which|whose|unless|except|excluding)\b", re.IGNORECASE)
_QUESTION = re.compile(r"^(?:is|are|was|were|does|do|did|has|have|had|can|could|will)\b", re.IGNORECASE)
_YES_NO = re.compile(
    r"\bwhether\b|\byes or no\b|\b(?:tell|say|show|know|see|mark|check)\b[^.;]*\bif\b|\bmark\b|\b(?:both|the) answers?\b|"
    r"(?:^|[,;:.?]|\band\b)\s*(?:is|are|was|were|does|do|did|has|have|had|can|could|will)\b|\bwhich (?:ones|of)\b",
    re.IGNORECASE,
)
_CHOICE = re.compile(
    r"\bclassif|\bcategori[sz]e|\bsort\b|\w+,? or (?:an? )?\w+\s*\?|,? (?:is|are|was) .* or \w+", re.IGNORECASE
)
_COUNT = re.compile(
    r"\bhow many\b|\bnumber of\b|\bcount\b|\bshare of\b|\bfraction\b|\bpercentage\b|\bproportion\b|\baverages?\b|\bmean\b|\btotals?\b|"
    r"\bsum of\b|\bmaximum\b|\bminimum\b|\bbreak(?:down| down)\b",
    re.IGNORECASE,
)
_ORDER = re.compile(
    r"\b(?:top|latest|newest|oldest|(?<!at )most|(?<!at )least|highest|lowest|best|worst|sort(?:ed)?|order(?:ed)?|rank(?:ed)?|first|last|"
    r"longest|shortest|descending|ascending|\w{3,}iest|\w{4,}est)\b",
    re.IGNORECASE,
)
_EITHER = re.compile(r"\b(?:or|either|any of|unless|neither|nor)\b", re.IGNORECASE)
_NEGATED = re.compile(
    r"\b(?:not|no|never|without|except|excluding|exclude|unless|neither|nor|nobody|none|nothing|other than|un\w+|drop|still|"
    r"outside|open)\b|n't\b|\bnon-",
    re.IGNORECASE,
)
_GROUPED = re.compile(r"\b(?:per|by|each|every|across)\s+(?:the\s+)?(\w+)", re.IGNORECASE)
_CONNECTOR = re.compile(
    r"\b(?:and|or|but|nor|as well as|also|both|plus|except|unless|without|not)\b|[,;]", re.IGNORECASE
)
_UNLESS = re.compile(r"\bbut (?:no|not|without|never|\w+ no)\b|\bunless\b", re.IGNORECASE)
_MIXED = re.compile(
    r"\bor (?!(?:that|which|who|whose|where|with|anything|any|those)\b)\w+.*?\b(?:and|but|who|that|whose|which|where|unless)\b",
    re.IGNORECASE,
)
_KEEP_OF_EACH = re.compile(r"\b(?:keep|only)\b|\bwhich (?:ones|of)\b|\bwho became\b", re.IGNORECASE)

_NOT_IN_NOUN = (
    r"(?!(?:in|on|at|that|which|who|with|and|or|its|his|her|their|the|of|for|to|from|give|find|say|tell|is|was|are|were|if|"
    r"mentioned|named|how|what|as|it|they|by|do|did|does|list|one|them|except|excluding|whether|all|both|during|about|over|"
    r"under|per|before|after|since|until|also|then|when|where|why|than|concerns?|collect|each|every|have|has|had)\b)"
)
_NOUN = rf"(?P<noun>(?:(?:piece|kind|type|sort|name|part)s? of )?(?:{_NOT_IN_NOUN}(?!\w+(?:ed)\b)[a-z'-]+ ?){{1,3}})"
_EACH = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b(?:each|every) (?:of the )?{_NOUN}",
        rf"\b(?:for|of|from) all (?:the )?{_NOUN}",
        rf"\bgo(?:ing)? through (?:all )?(?:the )?{_NOUN}",
        rf"\btake (?:all )?(?:the )?{_NOUN}.*\bone by one\b",
        rf"\ball (?:of )?(?:the )?{_NOUN}.*\b(?:with|and) (?:their|its|his|her|the \w+ (?:they|it|he|she))\b",
        rf"\ball (?:of )?(?:the )?{_NOUN}.*\bfor each\b",
        rf"\b(?:the|all|which|what) {_NOUN}.*\bwhich of (?:these|those|them)\b",
        rf"\b(?:the|all|which) {_NOUN}.*\b(?:each one|each of them|in turn|(?:for|of) each(?= (?:of|whether|if|what|how|when|where|who)\b|[,;:.]|$))",
        rf"\bpairs of {_NOUN}",
    )
)
_THEN = re.compile(r"\bthen\b|\bafter that\b|\bafterwards\b", re.IGNORECASE)
_BACK = re.compile(r"\b(?:that|this|the) (?:same )?(?P<noun>[a-z]+)\b", re.IGNORECASE)
_FIRST_NOUN = re.compile(
    rf"\b(?:find|identify|determine|get|take|name|which|what|who is|extract)(?: out)? (?:the |an? )?{_NOUN}",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Step:
    """Something found first, about which something is asked.

    Attributes:
        kind: ``each`` for several of them, ``let`` for one.
        name: what the query calls it.
        said: how the instruction calls it.
        keeps: rows are kept by what is asked about it.
        further: another thing may be found from it.
    """

    kind: Literal["each", "let"]
    name: str
    said: str
    keeps: bool = False
    further: bool = False


@dataclass(frozen=True, slots=True)
class Intent:
    """What the words decide.

    Attributes:
        conditions: columns that conditions may be about.
        values: for a column with few values those that the instruction names, when it names some.
        numbers: numbers that a condition may compare with.
        dates: dates likewise, in ISO format.
        outputs: columns that may be shown.
        shows: whether outputs are named.
        step: several steps; None without.
        either: whether ``or`` is written.
        negated: ``not`` may be written.
        yes_no: whether outputs are yes or no.
        choices: outputs may be choices.
        counts: there are aggregates.
        grouped: whether they are by group.
        questions: how many questions conditions ask at most.
        unless: the last condition must not hold.
        mixed: ``or`` joins only some of the conditions.
        ordered: whether there is an order.
        required: columns that conditions are about in any case, one for each condition.
        limits: how many rows there may be.
        asks_in_where: conditions may be questions.
    """

    conditions: frozenset[str]
    values: dict[str, tuple[str, ...]]
    numbers: tuple[str, ...]
    dates: tuple[str, ...]
    outputs: frozenset[str]
    shows: Need
    step: Step | None
    either: Need
    negated: bool
    yes_no: Need
    choices: bool
    counts: bool
    grouped: Need
    questions: int
    unless: bool
    mixed: bool
    ordered: Need
    required: tuple[str, ...]
    limits: tuple[int, ...]
    asks_in_where: bool


def intent(corpus: Corpus, instruction: str) -> Intent | None:
    """Return what the words of an instruction decide, None when they are not English words known here."""
    plain = " ".join(instruction.replace("\u2019", "'").split())
    if not shape(plain) and not _POLITE.match(plain) and len(words(plain)) < 2:
        return None
    spoken = frozenset(mentioned(corpus, plain))
    step = _step(corpus, plain)
    counts = bool(_COUNT.search(plain)) and (step is not None or _counts_rows(corpus, plain))
    shows = _shows(corpus, plain, step, counts)
    limits = limits_in(plain)
    values = {c.name: said_values(c, plain) for c in corpus.columns if c.closed and said_values(c, plain)}
    either = _either(plain, values)
    return Intent(
        conditions=_conditions(corpus, plain, spoken, values),
        values=values,
        numbers=(
            *(n for n in numbers_in(plain) if not (n.isdigit() and int(n) in limits)),
            *(("0",) if _counted_at_all(corpus, plain) else ()),
        ),
        dates=dates_in(plain),
        # The first column mostly says which row it is.
        outputs=(spoken | {corpus.columns[0].name}) - {corpus.text or ""},
        shows=shows,
        step=step,
        either=either,
        required=_required(corpus, plain, spoken, values) if either == "no" else (),
        negated=bool(_NEGATED.search(plain)),
        yes_no=_yes_no(plain, step),
        choices=bool(_CHOICE.search(plain)),
        counts=counts,
        grouped="must" if _is_grouped(corpus, plain) else "no",
        questions=_most_questions(corpus, plain),
        unless=bool(_UNLESS.search(plain)),
        mixed=bool(_MIXED.search(plain)),
        ordered="must" if limits else "may" if _ORDER.search(plain) else "no",
        limits=limits,
        asks_in_where=shows != "must" or _filters(corpus, plain),
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


def _required(
    corpus: Corpus, instruction: str, spoken: frozenset[str], values: dict[str, tuple[str, ...]]
) -> tuple[str, ...]:
    """Return the columns that an instruction certainly puts conditions on: by a value, a date, a number of theirs."""
    found = [name for name in values if name in spoken]
    found += [c.name for c in corpus.columns if c.type == BOOL and _is_said(c, instruction)]
    twice = bool(re.search(r"\bbetween\b|\d0s\b", instruction, re.IGNORECASE))
    dated = [c.name for c in corpus.columns if c.type in (DATE, TIMESTAMP)]
    if len(dated) == 1 and dates_in(instruction) and not _years_of_numbers(corpus, instruction):
        found += dated * (2 if twice else 1)
        return tuple(found)
    numbers = [n for n in numbers_in(instruction) if n != "0" and int(float(n)) not in limits_in(instruction)]
    numeric = [c for c in corpus.columns if c.type in (INT, FLOAT) and not _is_number_of_row(c, corpus)]
    told = [c.name for c in numeric if c.name in spoken and comparable(c, numbers)]
    if len(told) == 1 and numbers:
        found += told * (2 if twice and len(numbers) > 1 else 1)
    return tuple(found)


def _is_said(column: Column, instruction: str) -> bool:
    """Return whether all words of a column's name stand in the instruction."""
    said = {stem(word) for word in words(instruction)}
    return {stem(word) for word in words(column.name)} <= said


def _years_of_numbers(corpus: Corpus, instruction: str) -> bool:
    """Return whether some column of numbers holds years, so that a year may be meant for it."""
    years = [date[:4] for date in dates_in(instruction)]
    return any(c.type == INT and c.values and comparable_strictly(c, years) for c in corpus.columns)


def comparable_strictly(column: Column, numbers: Sequence[str]) -> bool:
    """Return whether one of some numbers lies between the least and the greatest value of a column."""
    return any(float(column.values[0]) <= float(n) <= float(column.values[-1]) for n in numbers) and (
        float(column.values[0]) > 1000
    )


def _most_questions(corpus: Corpus, instruction: str) -> int:
    """Return how many conditions an instruction can hold that only the text answers: one for each part of it."""
    nouns = row_nouns(corpus) | _PEOPLE
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


def row_nouns(corpus: Corpus) -> frozenset[str]:
    """Return the stems of the words that mean a row of this table."""
    named = words(f"{corpus.name} {corpus.text or ''}")
    keys = [word for column in corpus.columns[:2] if not column.closed for word in words(column.name)]
    return _ROWS | {stem(word) for word in (*named, *keys)}


def _is_number_of_row(column: Column, corpus: Corpus) -> bool:
    """Return whether a column only numbers the rows."""
    return column.name.lower() in ("id", "no", "number") or (
        column == corpus.columns[0] and bool({stem(word) for word in words(column.name)} & row_nouns(corpus))
    )


def comparable(column: Column, numbers: Sequence[str]) -> tuple[str, ...]:
    """Return those numbers that a column could hold, or nearly."""
    if not column.values:
        return tuple(numbers)
    least, greatest = float(column.values[0]), float(column.values[-1])
    room = greatest - least
    return tuple(n for n in numbers if least - room <= float(n) <= greatest + room)


def _counted_at_all(corpus: Corpus, instruction: str) -> bool:
    """Return whether a column of numbers is only to be some or none: with injuries, without replies."""
    said = re.findall(r"\b(?:with|without|any|no|zero) (?:any )?(\w+)", instruction.lower())
    named = {stem(word) for c in corpus.columns if c.type in (INT, FLOAT) for word in words(c.name)}
    return any(stem(word) in named for word in said)


def _conditions(
    corpus: Corpus, instruction: str, spoken: frozenset[str], values: dict[str, tuple[str, ...]]
) -> frozenset[str]:
    """Return the columns that conditions may be about: spoken of, with something to compare with."""
    # A column of yes and no often is said in other words; not so where all is about something found in the text.
    in_texts = any(pattern.search(instruction) for pattern in _EACH[:2])
    yes_no = {c.name for c in corpus.columns if c.type == BOOL and (c.name in spoken or not in_texts)}
    found = yes_no | set(values)
    numbers = numbers_in(instruction)
    if _counted_at_all(corpus, instruction):
        numbers = (*numbers, "0")
    numeric = [
        column
        for column in corpus.columns
        if column.type in (INT, FLOAT) and not _is_number_of_row(column, corpus) and comparable(column, numbers)
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
    missing = re.search(r"\b(?:no|without|missing|lacks?|unknown|null|empty|any)\b", instruction, re.IGNORECASE)
    for column in corpus.columns:
        open_text = column.type == TEXT and not column.closed
        if column.name in spoken and (missing or open_text) and (column.name != corpus.text or quotes):
            found.add(column.name)
    return frozenset(found)


def _counts_rows(corpus: Corpus, instruction: str) -> bool:
    """Tell rows that are counted from a number that stands in the text."""
    found = re.search(r"\b(?:number of|how many) (?:the )?(?:[a-z]+ )?([a-z]+)", instruction, re.IGNORECASE)
    if not found:
        return True
    after = [stem(word) for word in words(found[0])[2:]]
    return bool(row_nouns(corpus) & set(after)) or bool(re.search(r"\bper\b|\bfor each\b|\bby\b", instruction))


def _step(corpus: Corpus, instruction: str) -> Step | None:
    rows = row_nouns(corpus)
    for pattern in _EACH:
        for found in pattern.finditer(instruction):
            said = _trimmed(found["noun"])
            name = _variable(said, corpus)
            several = _plural(said) == said or pattern in _EACH[:2]
            if name is None or not several or stem(words(said)[-1]) in rows or _is_column(corpus, said):
                continue
            further = any(
                back["noun"].lower() not in said.lower() and stem(back["noun"].lower()) not in rows
                for back in re.finditer(r"\b(?:that|this) (?P<noun>[a-z]+)'s\b", instruction, re.IGNORECASE)
            )
            return Step("each", name, _plural(said), bool(_KEEP_OF_EACH.search(instruction)), further)
    return _step_of_one(corpus, instruction, rows)


def _step_of_one(corpus: Corpus, instruction: str, rows: frozenset[str]) -> Step | None:
    for back in _BACK.finditer(instruction):
        noun = back["noun"].lower()
        before = words(instruction[: back.start()])
        again = any(stem(word) == stem(noun) or (len(noun) > 5 and word.startswith(noun[:5])) for word in before)
        pointed = back[0].lower().startswith(("that", "this")) or _THEN.search(instruction)
        if again and pointed and stem(noun) not in rows and noun not in _NO_NOUN:
            if noun == "person" and (first := _FIRST_NOUN.search(instruction)) and _variable(first["noun"], corpus):
                return _one(first["noun"], corpus)
            return _one(noun, corpus)
    if _THEN.search(instruction) or re.search(r"\b(?:that|this) person\b", instruction, re.IGNORECASE):
        found = _FIRST_NOUN.search(instruction)
        if found and stem(words(found["noun"])[-1]) not in rows:
            return _one(found["noun"], corpus)
    return None


def _one(said: str, corpus: Corpus) -> Step | None:
    name = _variable(_trimmed(said), corpus)
    return None if name is None else Step("let", name, _trimmed(said))


_NO_NOUN = frozenset(
    [
        "was",
        "were",
        "is",
        "are",
        "the",
        "it",
        "they",
        "he",
        "she",
        "did",
        "does",
        "do",
        "had",
        "has",
        "have",
        "not",
        "gave",
        "time",
    ]
)


def _trimmed(noun: str) -> str:
    return " ".join(noun.strip().removesuffix("'s").split())


def _variable(said: str, corpus: Corpus) -> str | None:
    """Return a name for what is called so, one that no column has."""
    parts = [word for word in re.findall(r"[a-z]+", said.lower()) if len(word) > 1]
    if not parts or not content_words(said) - actions():
        return None
    name = _singular(parts[-1])
    return f"{name}_found" if corpus.column(name) else name


_IRREGULAR = {"children": "child", "people": "person", "men": "man", "women": "woman", "criteria": "criterion"}


def _singular(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _plural(said: str) -> str:
    *before, last = said.split()
    if last in _IRREGULAR or (last.endswith("s") and not last.endswith(("ss", "us", "is"))):
        return said
    many = (
        last[:-1] + "ies"
        if re.search(r"[^aeiou]y$", last)
        else last + ("es" if re.search(r"(s|x|ch|sh)$", last) else "s")
    )
    if len(before) > 1 and before[1] == "of":
        return " ".join([before[0] + "s", *before[1:], last])
    return " ".join([*before, many])


def _is_column(corpus: Corpus, said: str) -> bool:
    """Return whether a noun is a short column, whose values are groups and not found in texts."""
    last = stem(words(said)[-1])
    return any(
        last in {stem(word) for word in words(c.name)}
        for c in corpus.columns
        if not c.is_long and c.name != corpus.text
    )


def _shows(corpus: Corpus, instruction: str, step: Step | None, counts: bool) -> Need:
    if counts or step is not None:
        return "must"
    if _QUESTION.match(instruction):
        several = instruction.count("?") > 1 or re.search(r"\banswers?\b", instruction, re.IGNORECASE)
        return "must" if several else "no"
    if re.match(
        r"^for (?:.*?)[:,]|^(?:the )?(?:names?|number|amount|title|price|size|kind|type) of\b|^(?:who|whom|when|where|why|how)\b",
        instruction,
        re.IGNORECASE,
    ):
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
        if root in nouns or (place == 0 and root in _PEOPLE) or (root in _PEOPLE and place < 2):
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


def _lists_columns(corpus: Corpus, instruction: str) -> bool:
    """Return whether columns are listed as outputs: before ``of``, ``for``, ``if``, ``only``, a colon, or at the end."""
    plain = re.sub(
        r"^(?:please|give me|show me|show|give|list|get|i want|i need)\s+", "", instruction, flags=re.IGNORECASE
    )
    before = re.match(r"^([^:;]*?)(?:,?\s+(?:of|for|if|only)\b|:)", plain, re.IGNORECASE)
    if before and _all_columns(corpus, before[1]):
        return True
    *rest, last = re.split(r"[,;]", re.sub(r"\s*\bplease\b\W*$", "", plain))
    return bool(rest) and _all_columns(corpus, last)


def _all_columns(corpus: Corpus, text: str) -> bool:
    """Return whether a list of things begins with nothing but the name of a short column."""
    parts = [part for part in re.split(r",|\band\b", text) if part.strip()]
    if not parts:
        return False
    first = content_words(parts[0])
    for column in corpus.columns:
        if column.name != corpus.text and first and first <= {stem(word) for word in words(column.name)}:
            return len(parts[0].split()) <= 3
    return False


def _filters(corpus: Corpus, instruction: str) -> bool:
    """Return whether an instruction with outputs also says which rows it is about."""
    if _CONDITION.search(instruction) or _COUNT.search(instruction) or re.search(r"^(?:sort|classify)\b", instruction):
        return True
    if _heads_rows(corpus, _POLITE.sub("", instruction)) or re.match(r"^(?:for|from)\b", instruction, re.IGNORECASE):
        return True
    if re.search(r"\w+ \w+ \w+.*;", instruction):
        return True
    if re.search(r"\w+s (?:that|which|who|with|without|about|described|dealing|concerning|from)\b", instruction):
        return True
    nouns = row_nouns(corpus) | _PEOPLE
    followed = re.finditer(rf"\b([a-z]+)(?: \([^)]*\)| (?:after|before|since) \S+)? {_RELATIVE}\b", instruction.lower())
    return any(stem(found[1]) in nouns and not found[0].endswith(" in the") for found in followed)
