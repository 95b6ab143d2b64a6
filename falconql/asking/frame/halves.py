"""Telling what an instruction shows from what it says of the rows.

::

    "hotel and price, for guests who complain about noise and paid over 200"
     `-- outputs --'      `-- description
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from falconql.asking.corpus import Corpus
from falconql.asking.evidence import content_words, cue, said_values, stem, stems_of, words
from falconql.asking.frame.asked import own_words
from falconql.asking.frame.outputs import OUTPUT_VERB, column_meant, columns_named, cut_list, is_asked, without_verbs
from falconql.asking.frame.rows import PEOPLE, row_nouns

_ROWS_FIRST = re.compile(
    rf"^(?:(?:{OUTPUT_VERB.pattern}\s*)+(?=for )|)(?:for|from|of) (?:all |the |each |every )?(.*?)"
    rf"(?:[:,]\s*|\s+(?=(?:{OUTPUT_VERB.pattern}))|\s+(?=(?:what|whether|how|why)\b))(.+)$",
    re.IGNORECASE,
)
_EACH_ROW = re.compile(
    rf"^(?:{OUTPUT_VERB.pattern}\s*)*for (?:each|every|all)(?: the| of the)? (\w+),? "
    r"((?:whether|if|what|how|who|which|when|where|is|was|does|did)\b.+)$",
    re.IGNORECASE,
)
_OF_EACH = re.compile(r"^\w+ (?:each|every)\b", re.IGNORECASE)
_SHOWN_THEN = re.compile(
    rf"^(.+?)(?:[,.;:]|\band\b)\s*(?:and |then |also )*(?=(?:{OUTPUT_VERB.pattern}))(.+)$", re.IGNORECASE
)
_PREPOSITION = re.compile(r"\b(?:of|for|from|in|across|among)\s+(?:the |all |those |any )*", re.IGNORECASE)
_CONDITION = re.compile(r"\b(?:if|where|when|whose|in which)\b\s*(.+)$", re.IGNORECASE)
# A thing and what is said of it: the material they are made of.
_OF_THING = re.compile(
    r"(?:the |its |their )?\w+ (?:they|it|he|she) (?:is|are|was|were|has|have|had|\w+s|\w+ed)\b[\w ]{0,30}$", re.I
)
# What ends the noun behind a preposition.
_NEXT = re.compile(r"[,;:.?]|\b(?:of|for|from|in|on|with|about|that|which|who|whose|where|if|and|or)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Halves:
    """What an instruction shows and what it says of the rows; either may be empty."""

    outputs: str
    description: str


def cut_in_halves(corpus: Corpus, instruction: str) -> Halves | None:
    """Tell the outputs of an instruction from what it says of the rows, None where the words leave that open."""
    text = re.sub(r"\bplease\b[ ,]*", "", instruction, flags=re.IGNORECASE).strip(" .!")
    for cut in (_of_each_row, _of_rows_first, _last_sentence, _cut_in_two, _told_to_show, _columns_last, _of_rows_last):
        found = cut(corpus, text)
        if found is not None:
            # "Every stay where" names no output but the rows themselves.
            return None if _is_rows_only(corpus, found.outputs) else found
    return None


def _is_rows_only(corpus: Corpus, text: str) -> bool:
    listed = re.search(r",|\band\b", text) is not None
    named = content_words(without_verbs(text)) - row_nouns(corpus) - PEOPLE
    return not listed and not named and not _only_columns(text)


def _only_columns(text: str) -> bool:
    return bool(re.search(r"\bonly\b|\bjust\b", text, re.IGNORECASE))


def _of_each_row(corpus: Corpus, text: str) -> Halves | None:
    """Mark for each stay whether it was long."""
    found = _EACH_ROW.match(text)
    return Halves(found[2], "") if found and stem(found[1].lower()) in row_nouns(corpus) else None


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


def _last_sentence(corpus: Corpus, text: str) -> Halves | None:
    """Stays that are long or dear. Give the hotel and the town; the five longest stays. Only hotel and town."""
    found = re.match(r"^(.+?)[.;]\s+([^.;]+)$", text)
    if found is None or OUTPUT_VERB.match(found[1]):
        return None
    only = re.match(r"(?:only|just)\b", found[2], re.IGNORECASE)
    told = OUTPUT_VERB.match(found[2]) and re.search(r",|\band\b", found[2])
    return Halves(found[2], found[1]) if told or (only and _names_columns_only(corpus, found[2])) else None


def _cut_in_two(corpus: Corpus, text: str) -> Halves | None:
    """The hotel: long stays; long stays: the hotel."""
    found = re.match(r"^([^;:]+)[;:]\s*(.+)$", text)
    if found is None:
        return None
    first, second = found[1], found[2]
    if _is_output_list(corpus, second) and not content_words(without_verbs(first)) - row_nouns(corpus):
        return Halves(second, "")
    if _names_columns_only(corpus, first):
        return Halves(first, second)
    return Halves(second, first) if _is_output_list(corpus, second) else None


def _told_to_show(corpus: Corpus, text: str) -> Halves | None:
    """Long stays, and give the hotel."""
    found = _SHOWN_THEN.match(text)
    shown = found is not None and _heads(corpus, found[1]) and not OUTPUT_VERB.match(found[1])
    return Halves(found[2], found[1]) if found and shown else None


def _columns_last(corpus: Corpus, text: str) -> Halves | None:
    """Long stays, longest first, hotel and town."""
    *before, last = re.split(r",|\.\s", text)
    described = text[: len(text) - len(last) - 1]
    goes_on = re.match(r"\s*and\b", last) is not None
    if not before or goes_on or not _names_columns_only(corpus, last) or _names_columns_only(corpus, described):
        return None
    return Halves(last, described)


def _of_rows_last(corpus: Corpus, text: str) -> Halves | None:
    """The hotel of long stays; the hotel if the stay was long."""
    for found in _PREPOSITION.finditer(text):
        before, behind = text[: found.start()], text[found.end() :]
        of_people = found[0].lower().startswith(("for", "from")) or bool(re.search(r",|\band\b", before))
        nouns = (
            row_nouns(corpus)
            | _kinds_of_rows(corpus, text)
            | (PEOPLE | stems_of("doings") if of_people else frozenset())
        )
        after = re.split(_NEXT, behind, maxsplit=1)[0]
        goes_on = "," in before and not re.search(r"\band\b|,\s*$", before) and re.search(r"\band\b", behind)
        value = found[0].lower().startswith("for") and any(said_values(c, after) for c in corpus.columns)
        counted = re.search(r"\bnumber\s*$", before) and columns_named(corpus, after)
        if (
            before
            and not goes_on
            and not counted
            and (value or set(map(stem, words(after)[:6])) & nouns)
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
    said = [str(v) for c in corpus.columns for v in (*said_values(c, text), *own_words(c))]
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
    if OUTPUT_VERB.match(text) or is_asked(text):
        return True
    if cue("no_list").search(text):
        return False
    listed = [part for part in cut_list(text) if part]
    return (
        bool(listed)
        and all(
            is_asked(part) or _OF_THING.match(part) or (len(part.split()) <= 4 and not _is_clause(part))
            for part in listed
        )
        and (len(listed) > 1 or bool(columns_named(corpus, listed[0])) or len(listed[0].split()) <= 2)
    )


def _is_clause(text: str) -> bool:
    """Return whether a text says something of somebody, which a name of a thing does not."""
    return bool(cue("clause").search(text))


def _names_columns_only(corpus: Corpus, text: str) -> bool:
    listed = cut_list(text)
    return bool(listed) and all(columns_named(corpus, part) or column_meant(corpus, part) for part in listed)
