"""The parts of an instruction: which of them say what rows are about, which say what to show, and what columns tell.

::

    "hotel and price, for guests who complain about noise and paid over 200"
     `-- outputs --'      `-- description: noise is asked, 200 is told by a column
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from falconql.asking.corpus import Column, Corpus
from falconql.asking.evidence import (
    actions,
    content_words,
    cue,
    mentioned,
    said_for,
    said_values,
    stem,
    stems_of,
    words,
)
from falconql.asking.quantities import limits_in, numbers_in
from falconql.asking.rows import PEOPLE, row_nouns
from falconql.types import BOOL, DATE, FLOAT, INT, TEXT, TIMESTAMP

_HARD = cue("hard_boundary")
SOFT = cue("soft_boundary")
_ORDER = cue("order")
_ASKS = cue("asks")
_DENIES = cue("denies")
_ONLY = cue("only")
_OUTPUT_VERB = cue("output_verb")
_YES_NO_START = cue("question")
_WHETHER = re.compile(r"^(?:whether|if|yes or no)\b", re.IGNORECASE)
_MOST_WORDS = 9
_ROWS_FIRST = re.compile(
    rf"^(?:for|from|of) (?:all |the |each |every )?(.*?)(?:[:,]\s*|\s+(?=(?:{_OUTPUT_VERB.pattern})))(.+)$",
    re.IGNORECASE,
)
_OF_EACH = re.compile(r"^\w+ (?:each|every)\b", re.IGNORECASE)
_SHOWN_THEN = re.compile(
    rf"^(.+?)(?:[,.;:]|\band\b)\s*(?:and |then |also )*(?=(?:{_OUTPUT_VERB.pattern}))(.+)$", re.IGNORECASE
)
_PREPOSITION = re.compile(r"\b(?:of|for|from|in|across|among)\s+(?:the |all |those |any )*", re.IGNORECASE)
_CONDITION = re.compile(r"\b(?:if|where|when|whose|in which)\b\s*(.+)$", re.IGNORECASE)
# What ends the noun behind a preposition.
_NEXT = re.compile(r"[,;:.?]|\b(?:of|for|from|in|on|with|about|that|which|who|whose|where|if|and|or)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Output:
    """One thing to be shown.

    Attributes:
        kind: a column, a question that is answered with yes or no, something found in the text, or a choice.
        column: the name of the column, else empty.
        about: beginnings of words one of which a question has.
        several: whether all that is found of a kind is wanted; None leaves it open.
        options: what is chosen from.
    """

    kind: Literal["column", "label", "found", "choice"]
    column: str = ""
    about: tuple[str, ...] = ()
    several: bool | None = None
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Halves:
    """What an instruction shows and what it says of the rows; either may be empty."""

    outputs: str
    description: str


def halves(corpus: Corpus, instruction: str) -> Halves | None:
    """Tell the outputs of an instruction from what it says of the rows, None where the words leave that open."""
    text = re.sub(r"\bplease\b[ ,]*", "", instruction, flags=re.IGNORECASE).strip(" .!")
    for cut in (_of_rows_first, _cut_in_two, _told_to_show, _columns_last, _of_rows_last):
        found = cut(corpus, text)
        if found is not None:
            # "Every stay where" names no output but the rows themselves.
            rows_only = not content_words(_without_verbs(found.outputs)) - row_nouns(corpus) - PEOPLE - {"only"}
            return None if rows_only and not _only_columns(found.outputs) else found
    return None


def _only_columns(text: str) -> bool:
    return bool(re.search(r"\bonly\b|\bjust\b", text, re.IGNORECASE))


def _of_rows_first(corpus: Corpus, text: str) -> Halves | None:
    """For long stays: the hotel."""
    found = _ROWS_FIRST.match(text)
    if found is None or not _is_output_list(corpus, found[2]):
        return None
    if _OF_EACH.match(text):
        first = words(found[1])[:1]
        if not first or stem(first[0]) not in row_nouns(corpus):
            return None
        return Halves(found[2], found[1] if content_words(found[1]) - row_nouns(corpus) else "")
    return Halves(found[2], found[1])


def _cut_in_two(corpus: Corpus, text: str) -> Halves | None:
    """The hotel: long stays; long stays: the hotel."""
    found = re.match(r"^([^;:]+)[;:]\s*(.+)$", text)
    if found is None:
        return None
    first, second = found[1], found[2]
    if _is_output_list(corpus, second) and not content_words(_without_verbs(first)) - row_nouns(corpus):
        return Halves(second, "")
    if _names_columns_only(corpus, first):
        return Halves(first, second)
    return Halves(second, first) if _is_output_list(corpus, second) else None


def _told_to_show(corpus: Corpus, text: str) -> Halves | None:
    """Long stays, and give the hotel."""
    found = _SHOWN_THEN.match(text)
    shown = found is not None and _heads(corpus, found[1]) and not _OUTPUT_VERB.match(found[1])
    return Halves(found[2], found[1]) if found and shown else None


def _columns_last(corpus: Corpus, text: str) -> Halves | None:
    """Long stays, longest first, hotel and town."""
    *before, last = text.split(",")
    if not before or not _names_columns_only(corpus, last) or _names_columns_only(corpus, ",".join(before)):
        return None
    return Halves(last, ",".join(before))


def _of_rows_last(corpus: Corpus, text: str) -> Halves | None:
    """The hotel of long stays; the hotel if the stay was long."""
    for found in _PREPOSITION.finditer(text):
        before, behind = text[: found.start()], text[found.end() :]
        of_people = found[0].lower().startswith(("for", "from")) or bool(re.search(r",|\band\b", before))
        nouns = row_nouns(corpus) | _kinds_of_rows(corpus, text) | (PEOPLE if of_people else frozenset())
        after = re.split(_NEXT, behind, maxsplit=1)[0]
        goes_on = "," in before and not re.search(r"\band\b|,\s*$", before) and re.search(r"\band\b", behind)
        counted = re.search(r"\bnumber\s*$", before) and _columns_named(corpus, after)
        if (
            before
            and not goes_on
            and not counted
            and set(map(stem, words(after)[:6])) & nouns
            and not _ends_in_verb(before)
        ):
            return Halves(before, behind)
    condition = _CONDITION.search(text)
    # "Where" and "when" ask, too: the hotel, where it is, and when it was built.
    if condition and condition.start() and not re.search(r"(?:,|\band)\s*$", text[: condition.start()]):
        return Halves(text[: condition.start()], condition[1])
    return None


def _kinds_of_rows(corpus: Corpus, text: str) -> set[str]:
    """Return the stems of plurals behind the value of a column: remote positions, urgent cases."""
    said = [str(v) for c in corpus.columns for v in (*_said(c, text), *_own_words(c))]
    return {
        stem(word) for value in said for word in re.findall(rf"\b{re.escape(value.lower())} ([a-z]+s)\b", text.lower())
    }


def _ends_in_verb(text: str) -> bool:
    return bool(re.search(r"\b(?:is|are|was|were|be)\s*$", text, re.IGNORECASE))


def _heads(corpus: Corpus, text: str) -> bool:
    """Return whether one of the first words means a row or the one behind it."""
    return any(stem(word) in row_nouns(corpus) | PEOPLE for word in words(text)[:5])


def _is_output_list(corpus: Corpus, text: str) -> bool:
    """Return whether a text lists what to show: verbs for that, questions, or short names of things."""
    if _OUTPUT_VERB.match(text) or _is_asked(text):
        return True
    if cue("no_list").search(text):
        return False
    listed = [part for part in _listed(text) if part]
    return (
        bool(listed)
        and all(_is_asked(part) or (len(part.split()) <= 4 and not _is_clause(part)) for part in listed)
        and (len(listed) > 1 or bool(_columns_named(corpus, listed[0])) or len(listed[0].split()) <= 2)
    )


def _is_asked(text: str) -> bool:
    return bool(_ASKS.match(text) or _YES_NO_START.match(text) or _WHETHER.match(text))


def _is_clause(text: str) -> bool:
    """Return whether a text says something of somebody, which a name of a thing does not."""
    return bool(cue("clause").search(text))


def _listed(text: str) -> list[str]:
    cut = re.split(r"[,;?]|\band\b|\bas well as\b|\bplus\b", _without_verbs(text), flags=re.IGNORECASE)
    return [_without_verbs(part) for part in cut if part.strip(" .:")]


def _without_verbs(text: str) -> str:
    """Return a text without the words that ask for it to be shown."""
    plain = re.sub(r"\byes or no\b", " ", text).strip(" .:")
    while (
        shorter := re.sub(
            rf"^(?:{_OUTPUT_VERB.pattern}|also|then|and|only|me|us|the|its|their|with|both)\b\s*",
            "",
            plain,
            flags=re.IGNORECASE,
        )
    ) != plain:
        plain = shorter
    return re.sub(r"\bonly$", "", plain).strip(" .:")


def _names_columns_only(corpus: Corpus, text: str) -> bool:
    listed = _listed(text)
    return bool(listed) and all(_columns_named(corpus, part) or _column_meant(corpus, part) for part in listed)


def _columns_named(corpus: Corpus, part: str) -> list[str]:
    """Return the short columns whose name is all that a part says."""
    said = content_words(part) - stems_of("glue") - actions()
    found = []
    for column in corpus.columns:
        name = frozenset(stem(word) for word in words(column.name))
        if column.name != corpus.text and not column.is_long and said and (said <= name or _alike(said, name)):
            found.append(column.name)
    return found


def _column_meant(corpus: Corpus, part: str) -> list[str]:
    """Return the one short column that a single word means: time, for one of minutes."""
    if len(part.split()) != 1:
        return []
    first = corpus.columns[0]
    if stem(part.lower()) in ("titl", "nam") and first.type == TEXT and not first.closed:
        return [first.name]
    short = [c for c in corpus.columns if not (c.is_long or c.closed) and c.name != corpus.text]
    found = [c.name for c in short if content_words(part) & said_for(c)]
    return found if len(found) == 1 else []


def _alike(said: frozenset[str], name: frozenset[str]) -> bool:
    """Return whether one word has the root of a name: citations, of cited."""
    return len(said) == 1 and bool(set(map(root, said)) & set(map(root, name)))


def root(word: str) -> str:
    """Return a word without its ending, as far as three letters are left: cit, of citation and cited."""
    return re.sub(r"(?<=\w{3})(?:ations?|ings?|ions?|ments?|ed|es|e|s)$", "", word)


def outputs(corpus: Corpus, text: str) -> tuple[Output, ...]:
    """Return what a list of outputs wants, none where a part of it is not understood."""
    found: list[Output] = []
    for part in _listed(text):
        if re.search(r"\bor\b", part) or len(part.split()) > _MOST_WORDS:
            return ()
        named = _columns_named(corpus, part) or _column_meant(corpus, part)
        yes_no = bool(_WHETHER.match(part) or _YES_NO_START.match(part))
        if len(named) == 1 and not yes_no:
            found.append(Output("column", named[0]))
            continue
        part = re.sub(r"^each\b(?! (?:of|one)\b)", "every", part)
        about = starts(part, stems_of("glue") | actions())
        if (named or not about) and not yes_no:
            return ()
        found.append(Output("label", about=about) if yes_no else Output("found", about=about, several=_several(part)))
    return tuple(dict.fromkeys(found))


_AFTER_NOUN = (
    r"\b(?:of|that|which|who|in|on|for|to|from|with|by|is|are|was|were|they|he|she|it|each|the|a|an|did|does|do|"
    r"mentioned|named|given|used|needed)\b"
)
_PLURALS = frozenset("people children men women criteria media data feet teeth".split())  # noqa: SIM905


_WHICH = re.compile(r"(?:which|what) ([a-z]+)\b", re.IGNORECASE)
_ALL = re.compile(r"(?:all|every|each|any)\b", re.IGNORECASE)


def _several(part: str) -> bool | None:
    """Return whether the first noun of a part is a plural or every one is meant, None without a noun."""
    said = [word for word in words(part) if content_words(word) or word in _PLURALS]
    before = re.split(_AFTER_NOUN, re.sub(r"^(?:the|a|an|all|any|every|each) ", "", part))[0]
    head = [word for word in words(before) if content_words(word) or word in _PLURALS]
    if which := _WHICH.match(part):
        return True if is_plural(which[1]) else None
    if not said or not head or _ASKS.match(part):
        return None
    # The second of two nouns decides, unless the first one already is what somebody does something with.
    return True if _ALL.match(part) else any(map(is_plural, head[:2]))


def is_plural(word: str) -> bool:
    """Return whether a noun looks like a plural."""
    return word in _PLURALS or (len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is", "'s")))


def starts(text: str, needless: Collection[str]) -> tuple[str, ...]:
    """Return beginnings of the words of a text that carry meaning, in lower and upper case."""
    kept = [word for word in words(text) if word[0].isalpha() and content_words(word) and stem(word) not in needless]
    cut = [_shared_start(word, stem(word)) for word in kept]
    return tuple(
        dict.fromkeys(case for start in dict.fromkeys(cut) for case in (start, start.capitalize(), start.upper()))
    )


def _shared_start(word: str, other: str) -> str:
    """Return the letters that two words begin with, all of the first one when that is nothing."""
    same = next((i for i, (a, b) in enumerate(zip(word, other, strict=False)) if a != b), min(len(word), len(other)))
    return word[:same] or word


def told_words(corpus: Corpus, instruction: str, conditions: Collection[str]) -> frozenset[str]:
    """Return the stems of the words that say nothing that only the text answers: columns tell them."""
    told = stems_of("comparing") | stems_of("glue") | actions() | content_words(corpus.name)
    told |= row_nouns(corpus) | PEOPLE | {stem(number) for number in numbers_in(instruction)}
    ordered = _ORDER.search(instruction) is not None or bool(limits_in(instruction))
    for column in corpus.columns:
        if column.name in conditions or (ordered and _sorts(column)):
            told |= _names(column)
            told |= {stem(word) for value in _said(column, instruction) for word in words(value)}
    before = [str(v) for c in corpus.columns if c.name in conditions for v in (*_said(c, instruction), *_own_words(c))]
    for value in before:
        told |= {stem(word) for word in re.findall(rf"\b{re.escape(value.lower())} ([a-z]+s)\b", instruction.lower())}
    if ordered:
        told |= {stem(word) for found in _ORDER.findall(instruction) for word in words(found)}
    told |= {stem(word) for word in re.findall(r"\d[\d,.]*k? ([a-z]+s)\b", instruction.lower())}
    return frozenset(told)


def _own_words(column: Column) -> tuple[str, ...]:
    name = " ".join(words(column.name))
    return (name, f"un{name}") if column.type == BOOL else ()


def _sorts(column: Column) -> bool:
    return column.type in (INT, FLOAT, DATE, TIMESTAMP)


def _said(column: Column, instruction: str) -> tuple[str, ...]:
    return said_values(column, instruction) if column.closed else ()


def _names(column: Column) -> frozenset[str]:
    """Return the stems of what people call a column, opposites included."""
    own = frozenset(each for word in words(column.name) for each in (stem(word), root(word)))
    return own | {f"un{word}" for word in own} | said_for(column)


def asked(corpus: Corpus, text: str, told: Collection[str]) -> tuple[int, int]:
    """Return how many questions the description of rows holds, at least and at most."""
    hard = [part for _, part in _asking_parts(corpus, text, told)]
    least = len(hard)
    if re.search(r"\b(?:or|nor)\b", text, re.IGNORECASE) and least > 1:
        least -= 1  # "cats or dogs" may be one question
    most = sum(bool(_rest(part, told)) for piece in hard for part in _softly(corpus, piece, told))
    return min(least, most), most


@dataclass(frozen=True, slots=True)
class Asked:
    """A condition that only the text answers.

    Attributes:
        about: beginnings of words one of which the question has.
        denied: whether it is not to hold; None leaves that open.
    """

    about: tuple[str, ...]
    denied: bool | None


def asked_parts(corpus: Corpus, text: str, told: Collection[str], *, columns_deny: bool) -> tuple[Asked, ...]:
    """Return the conditions that only the text answers, one for each part; none where a part may hold several.

    Args:
        corpus: the table.
        text: the description of rows, without ``or``.
        told: stems of what columns tell.
        columns_deny: a condition on a column is denied, too, so that a negation may be its own.
    """
    found = []
    for before, part in _asking_parts(corpus, text, told):
        if sum(bool(_rest(piece, told)) for piece in _softly(corpus, part, told)) != 1:
            return ()
        said = f"{before} {part}"
        denied: bool | None = bool(_DENIES.search(said)) and not _ONLY.search(said)
        if denied and (columns_deny or _ONLY.search(said)):
            denied = None
        needless = {word for word in content_words(part) if word not in _rest(part, told)}
        found.append(Asked(starts(part, needless), denied))
    return tuple(found)


def _asking_parts(corpus: Corpus, text: str, told: Collection[str]) -> list[tuple[str, str]]:
    """Return the parts that columns do not tell, each with the words that part it from the one before."""
    short = {
        word for c in corpus.columns if not c.is_long and c.name != corpus.text for word in map(stem, words(c.name))
    }
    cut, start, before = [], 0, ""
    for found in [*_HARD.finditer(text), None]:
        part = text[start : found.start() if found else len(text)]
        rest = _rest(part, told)
        needless = _tells_open(corpus, part) or (rest <= short and _has_values(corpus, part))
        if rest and not needless:
            cut.append((before, part))
        if found:
            # "But" and "not" stand before one part: a boundary with nothing behind it goes on.
            before = f"{before} {found[0]}" if not part.strip() else found[0]
            start = found.end()
    return cut


def _tells_open(corpus: Corpus, part: str) -> bool:
    """Return whether a part says what a column of texts contains: sender contains enron, assigned to IBM."""
    found = [corpus.column(name) for name in mentioned(corpus, part)]
    names = [
        c.name
        for c in found
        if c is not None and c.type == TEXT and not (c.closed or c.is_long) and c.name != corpus.text
    ]
    return bool(names) and bool(re.search(r"\bcontain|[\"\u201c]|\w (?!I\b)[A-Z]\w", part))


def _has_values(corpus: Corpus, part: str) -> bool:
    return bool(numbers_in(part)) or any(said_values(c, part) for c in corpus.columns if c.closed)


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


_OPTIONS = re.compile(
    r"(?:\b(?:as|into|either|is it|are they|is (?:the|this|its) [\w ]+?)\s+|^|[:?]\s*|\bwhether (?:it is|the \w+ is) )"
    r"(?P<list>(?:[\w-]+(?: [\w-]+)?, )+(?:an? )?[\w-]+(?: [\w-]+)?,? or (?:an? )?[\w-]+(?: [\w-]+)?|"
    r"[\w-]+ or (?:an? )?[\w-]+)\s*(?=[.?;:]|$)",
    re.IGNORECASE,
)
_SORTS_INTO = re.compile(
    r"\b(?:classif\w*|categori[sz]\w*|label|sort|group|tag|mark|assign)\b.*\b(?:as|into|to)\b", re.IGNORECASE
)


def options_in(corpus: Corpus, instruction: str) -> tuple[str, ...]:
    """Return what is to be chosen from: positive, negative or mixed? Nothing where a condition may be meant."""
    found = _OPTIONS.search(instruction)
    if found is None:
        return ()
    options = [re.sub(r"^(?:an?|the) ", "", part.strip()) for part in re.split(r",\s*(?:or )?|\bor\b", found["list"])]
    options = [option for option in options if option]
    asks = instruction[found.end() :].lstrip().startswith("?") or _SORTS_INTO.search(instruction)
    values = any(said_values(column, found["list"]) for column in corpus.columns if column.closed)
    enough = len(options) > 2 or _SORTS_INTO.search(instruction)
    return tuple(options) if asks and enough and not values and found["list"] != instruction.strip(" .") else ()


def with_choice(corpus: Corpus, instruction: str, options: tuple[str, ...]) -> tuple[Output, ...]:
    """Return a choice and what else is asked beside it; nothing where that is not understood."""
    found = _OPTIONS.search(instruction)
    assert found is not None
    chosen = Output("choice", options=options)
    rest = instruction[found.end() :].strip(" .?;:,")
    before = instruction[: found.start()].strip(" .?;:,")
    if not rest:
        return (chosen,)
    if before and not _SORTS_INTO.search(instruction):
        return ()
    rest = re.sub(
        r"^(?:and |also )+", "", re.sub(r"\bwhat does each [\w ]+ (?:on|about),?\s*(?:and\b)?", "", rest).strip()
    )
    others = outputs(corpus, rest)
    return (chosen, *others) if others else ()


def questions_in(instruction: str) -> list[str]:
    """Return the sentences that end in a question mark, when there are several."""
    found = [part.strip(" ,.;") for part in re.findall(r"[^?]+\?", instruction)]
    return found if len(found) > 1 else []
