"""Whether an instruction names what to show, or only says which rows it is about."""

from __future__ import annotations

import re
from typing import Literal

from falconql.asking.corpus import Corpus
from falconql.asking.evidence import content_words, cue, mentioned, said_values, stem, words
from falconql.asking.frame.choices import with_choice
from falconql.asking.frame.conditions import numbers_the_rows, tells_column
from falconql.asking.frame.counting import by_period
from falconql.asking.frame.halves import Halves, cut_in_halves
from falconql.asking.frame.outputs import Output, cut_list, is_asked, outputs
from falconql.asking.frame.rows import PEOPLE, periods_of, row_nouns
from falconql.asking.frame.steps import Step
from falconql.types import FLOAT, INT

Need = Literal["no", "may", "must"]


POLITE = cue("polite")
_EXTRACT = cue("extract")
_SHOWN_LATER = cue("shown_later")
_WHAT = re.compile(
    r"^(?:what|which) ((?:(?!is\b|are\b|was\b|were\b|do\b|does\b|did\b|has\b|have\b|had\b)[a-z-]+ ){1,2})"
    r"(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should)\b",
    re.IGNORECASE,
)
_RELATIVE = (
    r"(?:that|which|who|whose|where|with|without|about|on|of|for|in|to|from|are|is|saying|asking|\w+ing|\w+ed|built|made|"
    r"born|sold|sent|found|bought|written|given|held|kept)"
)
_CONDITION = cue("condition")
_NAMES_OUTPUT = cue("names_output")
_GIVE = cue("give")
_QUESTION = cue("question")
CHOICE = cue("choice")
COUNT = cue("count")
SORTED = cue("sorted")
_REQUEST = cue("request")
_NAME_OF_THING = cue("name_of_thing")


def lists_things(corpus: Corpus, text: str, cut: bool) -> bool:
    """Return whether a text is a list of columns, things and questions."""
    listed = outputs(corpus, text)
    kinds = {each.kind for each in listed}
    if not cut and any(_says_something(corpus, part) for part in cut_list(text)):
        return False
    if cut and kinds == {"column"}:
        return True
    sure = (
        cut
        or any(re.match(r"(?:how|what|why|when|who)\b", part, re.IGNORECASE) for part in cut_list(text)[1:])
        or "column" in kinds
        or re.search(r"\bwhether\b", text) is not None
        or (kinds == {"label", "found"} and "?" in text)
        or _NAME_OF_THING.search(text.split(",")[0])
        or re.search(r"(?:,|\band)\s*(?:its|their|his|her) \w+", text)
    )
    return len(listed) > 1 and not heads_rows(corpus, text) and bool(sure)


def _says_something(corpus: Corpus, part: str) -> bool:
    """Return whether a part of a list is a clause or a value of a column, and so no name of a thing."""
    valued = any(said_values(column, part) for column in corpus.columns)
    return valued or (not is_asked(part) and bool(cue("clause").search(part)))


def lists_some(corpus: Corpus, text: str) -> bool:
    """Return whether a text that seems to be about rows lists columns or names of things: hotel name and complaint."""
    listed = outputs(corpus, text)
    return len(listed) > 1 and any(each.kind == "column" for each in listed)


def listed_outputs(
    corpus: Corpus, instruction: str, said: list[str], halves: Halves | None, options: tuple[str, ...]
) -> tuple[Output, ...]:
    """Return what is shown, where every part of it is understood."""
    if options:
        return with_choice(corpus, instruction, options)
    if halves is None and (said or (_asks_for_thing(corpus, instruction) and not tells_column(corpus, instruction))):
        return outputs(corpus, instruction)
    if CHOICE.search(halves.outputs if halves else instruction):
        return ()
    if halves is not None:
        return outputs(corpus, halves.outputs)
    return outputs(corpus, instruction) if said or not filters(corpus, instruction) else ()


def ranked_groups(corpus: Corpus, instruction: str) -> tuple[str, str] | None:
    """Return which noun's groups are ranked by a number of rows or an average, and by what is most.

    "Which airline has the most claims?" has airline and most.
    """
    named = {stem(word) for c in corpus.columns if not c.is_long and c.name != corpus.text for word in words(c.name)}
    named |= set(map(stem, periods_of(corpus)))
    if (common := _MOST_COMMON.search(instruction)) and stem(common["of"].lower()) in named:
        return common["of"].lower(), "most"
    for pattern in (_MOST_IN, _TOP_BY):
        if (found := pattern.match(instruction)) and stem(found["of"].lower()) in named:
            return found["of"].lower(), "most"
    asked = _MOST_OF.match(instruction)
    if asked is None:
        return None
    # The most hours are a sum, an average or a record; the most complaints are so many rows.
    able = [c for c in corpus.columns if c.type in (INT, FLOAT) and not numbers_the_rows(c, corpus)]
    numbers = {stem(word) for c in able for word in words(c.name)}
    whats = [stem(word) for word in words(asked["what"])]
    counted = bool(whats) and asked["most"].lower() in ("most", "fewest", "least") and whats[0] not in numbers
    ranks = stem(asked["of"].lower()) in named and bool(asked["computed"] or counted)
    return (asked["of"].lower(), asked["most"].lower()) if ranks else None


_MOST_COMMON = re.compile(r"\b(?:most (?:common|frequent)|commonest) (?P<of>[a-z]+)\b", re.IGNORECASE)
_OF = r"(?P<of>[a-z]+)(?: of the (?:week|month|year))?"
_TOP_BY = re.compile(
    rf"^(?:show |give |list )?(?:me )?(?:the )?top \w+ {_OF} by (?:the )?(?:number|share|average|mean|total)\b",
    re.IGNORECASE,
)
_MOST_IN = re.compile(
    rf"^(?:in|at|on|for|by|from) (?:which|what) {_OF} (?:do|does|did|is|are|was|were)\b.*"
    r"\b(?:the most|most(?: often)?)[\s.?]*$",
    re.IGNORECASE,
)
_MOST_OF = re.compile(
    rf"^(?:(?:which|what) |the )?{_OF} "
    r"(?:with|has|have|had|gets?|got|gives?|gave|sees?|saw|draws?|shows?|earns?|makes?|made|takes?|took|sells?|writes?|wrote|"
    r"receives?|spends?|causes?|caused|comes? with) the "
    r"(?P<most>most|fewest|least|highest|lowest|longest|shortest|largest|biggest|smallest|greatest|best|worst)\b"
    r"(?P<computed> (?:average|mean|total|number of|share of))?(?P<what>(?: [\w-]+){0,3})",
    re.IGNORECASE,
)


def counts_rows(corpus: Corpus, instruction: str) -> bool:
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
    by_group = re.search(r"\bper\b|\b(?:for|in) each\b|\bby\b", instruction)
    return bool(rows & set(after)) or by_group is not None or by_period(corpus, instruction)


def shows_outputs(corpus: Corpus, instruction: str, step: Step | None, counts: bool) -> Need:
    """Return whether an instruction names what to show."""
    if counts or step is not None:
        return "must"
    if _QUESTION.match(instruction) and not _REQUEST.match(instruction):
        several = re.search(
            r"\?.+\?|\? for\b|\band (?:whom?|what|why|how|when|where)\b", instruction, re.I
        ) or re.search(r"\banswers?\b", instruction, re.IGNORECASE)
        return "must" if several else "no"
    if _NAMES_OUTPUT.match(instruction):
        return "must"
    if _asks_for_thing(corpus, instruction):
        return "must"
    if _lists_nouns(corpus, instruction):
        return "must"
    if _is_kind(corpus, instruction):
        return "no"
    if lists_columns(corpus, instruction):
        return "must"
    if re.search(r"\bclassif|\bcategori[sz]e|\bsort\b.*\binto\b", instruction, re.IGNORECASE):
        return "must"
    later = _shown_later(corpus, instruction)
    if heads_rows(corpus, POLITE.sub("", instruction)):
        *before, last = [part for part in instruction.split(",") if not SORTED.search(part)] or [instruction]
        if before and _NAME_OF_THING.search(last) and len(last.split()) <= 3:
            return "must"
        return "must" if later else "may" if before and len(last.split()) <= 3 else "no"
    if later:
        return "must"
    return "must" if _EXTRACT.match(instruction) else "may"


def _shown_later(corpus: Corpus, instruction: str) -> bool:
    later = _SHOWN_LATER.search(instruction)
    cut = re.search(r"[;:]", instruction) is not None and cut_in_halves(corpus, instruction) is not None
    return cut or (later is not None and later.start() > 4)


def heads_rows(corpus: Corpus, head: str) -> bool:
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


def _asks_for_thing(corpus: Corpus, instruction: str) -> bool:
    """Return whether something in the text is asked for that is no row: what cargo is the ship carrying?"""
    asked = _WHAT.match(instruction)
    if asked is not None and (_said_of_values(corpus, asked[1]) or re.search(r"\bor\b", asked[1])):
        return False  # which Volvos are rusty?
    return asked is not None and not {stem(word) for word in words(asked[1])} & (row_nouns(corpus) | PEOPLE)


def _said_of_values(corpus: Corpus, text: str) -> bool:
    values = {stem(word) for c in corpus.columns if c.closed for value in c.values for word in words(str(value))}
    return bool(values & {stem(word) for word in words(text)})


def _lists_nouns(corpus: Corpus, instruction: str) -> bool:
    """Return whether an instruction is nothing but names of things: stolen goods, car, plate."""
    parts = instruction.strip(" .").split(",")
    return len(parts) > 2 and all(
        0 < len(part.split()) <= 3
        and content_words(part)
        and not cue("denies").search(part)
        and not cue("soft_boundary").search(part)
        and not cue("either").search(part)
        and not _says_something(corpus, part)
        and not tells_column(corpus, part)
        and not {stem(word) for word in words(part)} & row_nouns(corpus)
        for part in parts
    )


def _is_kind(corpus: Corpus, head: str) -> bool:
    """Return whether the first word is the plural of a value of a column: desserts, for a course."""
    head = POLITE.sub("", head)
    if not re.match(rf"[\w'-]+s (?:(?:and|or) [\w'-]+s )?(?:{_RELATIVE}|under|over|after|before|since)\b", head):
        return False
    first = words(head)[0]
    values = {
        str(v).lower() for c in corpus.columns if c.name != corpus.text for v in (c.values if c.closed else c.seen)
    }
    return first not in values and stem(first) in {stem(value) for value in values}


def lists_columns(corpus: Corpus, instruction: str, *, all_of_them: bool = False) -> bool:
    """Return whether columns are listed as outputs, before ``of``, ``for``, ``if``, ``only``, a colon, or last."""
    plain = _GIVE.sub("", instruction)
    before = re.match(r"^([^:;]*?)(?:,?\s+(?:of|for|if|only)\b|:)", plain, re.IGNORECASE)
    # "Stays of two weeks" are the rows themselves.
    rows_only = before is not None and not content_words(before[1]) - row_nouns(corpus)
    if before and not rows_only and _all_columns(corpus, before[1], all_of_them):
        return True
    *rest, last = re.split(r"[,;]|\.\s", re.sub(r"\s*\bplease\b\W*$", "", plain))
    return bool(rest) and _all_columns(corpus, _GIVE.sub("", last.strip()), all_of_them)


def _all_columns(corpus: Corpus, text: str, all_of_them: bool) -> bool:
    """Return whether a list of things begins with the name of a short column, or has nothing but such names."""
    parts = [part for part in re.split(r",|\band\b", text) if part.strip()]
    names = [{stem(word) for word in words(c.name)} for c in corpus.columns if c.name != corpus.text]
    named = []
    for part in parts:
        said = content_words(part)
        short = bool(said) and len(part.split()) <= 3
        named.append(short and (any(said <= name for name in names) or _means(corpus, part)))
    return bool(named) and (all(named) if all_of_them else named[0])


def _means(corpus: Corpus, part: str) -> bool:
    """Return whether one word is what people say for a short column."""
    found = [corpus.column(name) for name in mentioned(corpus, part)]
    return len(part.split()) == 1 and any(c is not None and not c.is_long and c.name != corpus.text for c in found)


def filters(corpus: Corpus, instruction: str) -> bool:
    """Return whether an instruction with outputs also says which rows it is about."""
    if _CONDITION.search(instruction) or re.search(r"^(?:sort|classify)\b", instruction):
        return True
    if heads_rows(corpus, POLITE.sub("", instruction)) or re.match(r"^from\b", instruction, re.IGNORECASE):
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
