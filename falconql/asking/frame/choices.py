"""What is to be chosen from: positive, negative or mixed?"""

from __future__ import annotations

import re

from falconql.asking.corpus import Corpus
from falconql.asking.evidence import said_values
from falconql.asking.frame.halves import cut_in_halves
from falconql.asking.frame.outputs import Output, cut_list, outputs

_OPTIONS = re.compile(
    r"(?:\b(?:as|into|either|is it|are they|is (?:the|this|its) [\w ]+?)\s+|^|[:?]\s*|\bwhether (?:it is|the \w+ is) )"
    r"(?P<list>(?:[\w-]+(?: [\w-]+)?, )+(?:an? )?[\w-]+(?: [\w-]+)?,? or (?:an? )?[\w-]+(?: [\w-]+)?|"
    r"[\w-]+ or (?:an? )?[\w-]+)\s*(?=[.?;:]|$)",
    re.IGNORECASE,
)


_SORTS_INTO = re.compile(
    r"\b(?:classif\w*|categori[sz]\w*|label|sort|group|tag|mark|assign|put|divide)\b.*\b(?:as|into|to|with|its|their)\b",
    re.IGNORECASE,
)


_BEHIND_COLON = re.compile(r":\s*(?P<list>[\w-]+(?: [\w-]+)?(?:, [\w-]+(?: [\w-]+)?)+)(?=[\s.]*$)")
# Options behind what they are options of: the weather (calm, windy or stormy).
_IN_BRACKETS = re.compile(r"\s*\((?:either |one of |is it )?(?P<list>[^()]*[,/ ]\s*(?:or )?[^()]*)\)")
# Beside other questions: is it a complaint, a request or a question, and are there photos?
_BESIDE = re.compile(
    r"\b(?:is|was|are) (?:it|this|the \w+) (?P<list>(?:(?:an? )?[\w-]+(?: [\w-]+)?, )+(?:an? )?[\w-]+(?: [\w-]+)?,? or "
    r"(?:an? )?[\w-]+(?: [\w-]+)?)\s*(?=[,.?;:]|$)",
    re.IGNORECASE,
)
_MARK = "thechoicehere"
_MOST_WORDS = 3


def options_in(corpus: Corpus, instruction: str) -> tuple[str, ...]:
    """Return what is to be chosen from: positive, negative or mixed? Nothing where a condition may be meant."""
    marked = _marked(corpus, instruction)
    if marked is not None:
        return marked[1]
    found = _listed(instruction)
    if found is None:
        return ()
    options = _options(found["list"])
    if re.match(r"(?:is|are) ", found[0], re.IGNORECASE):
        options = _without_noun(options)
    asks = instruction[found.end() :].lstrip().startswith("?") or _SORTS_INTO.search(instruction)
    values = any(said_values(column, found["list"]) for column in corpus.columns)
    enough = len(options) > 2 or _SORTS_INTO.search(instruction)
    return options if asks and enough and not values and found["list"] != instruction.strip(" .") else ()


def _listed(instruction: str) -> re.Match[str] | None:
    """Return the list of options: behind a colon, too, where things are put into them."""
    behind_colon = _BEHIND_COLON.search(instruction) if _SORTS_INTO.search(instruction) else None
    return _OPTIONS.search(instruction) or behind_colon


def with_choice(corpus: Corpus, instruction: str, options: tuple[str, ...]) -> tuple[Output, ...]:
    """Return a choice and what else is asked beside it; nothing where that is not understood."""
    marked = _marked(corpus, instruction)
    if marked is not None:
        halves = cut_in_halves(corpus, marked[0])
        text = halves.outputs if halves and _MARK in halves.outputs else marked[0]
        chosen = [part for part in cut_list(text) if _MARK in part]
        before, _, behind = text.partition(chosen[0]) if chosen else ("", "", "")
        others = outputs(corpus, before), outputs(corpus, behind)
        understood = all(found or not cut_list(part) for found, part in zip(others, (before, behind), strict=True))
        return (*others[0], Output("choice", options=options), *others[1]) if chosen and understood else ()
    found = _listed(instruction)
    assert found is not None
    chosen_ = Output("choice", options=options)
    rest = instruction[found.end() :].strip(" .?;:,")
    before = instruction[: found.start()].strip(" .?;:,")
    if not rest:
        return (chosen_,)
    if before and not _SORTS_INTO.search(instruction):
        return ()
    rest = re.sub(
        r"^(?:and |also )+", "", re.sub(r"\bwhat does each [\w ]+ (?:on|about),?\s*(?:and\b)?", "", rest).strip()
    )
    beside = outputs(corpus, rest)
    return (chosen_, *beside) if beside else ()


def without_options(corpus: Corpus, instruction: str) -> str:
    """Return an instruction without the options that stand in brackets or beside other questions."""
    marked = _marked(corpus, instruction)
    return instruction if marked is None else marked[0].replace(_MARK, "").replace("  ", " ")


def _marked(corpus: Corpus, instruction: str) -> tuple[str, tuple[str, ...]] | None:
    """Return an instruction with a mark for its options, and these."""
    for pattern in (_IN_BRACKETS, _BESIDE):
        for found in pattern.finditer(instruction):
            options = _options(found["list"])
            if pattern is _BESIDE:
                options = _without_noun(options)
            values = any(said_values(column, found["list"]) for column in corpus.columns)
            short = all(len(option.split()) <= _MOST_WORDS for option in options)
            if len(options) > 1 and short and not values and not re.search(r"\d", found["list"]):
                mark = f" {_MARK}" if pattern is _IN_BRACKETS else _MARK
                return instruction[: found.start()] + mark + instruction[found.end() :], options
    return None


def _without_noun(options: tuple[str, ...]) -> tuple[str, ...]:
    """Return options without a noun before the first one: is the tone of each article calm, alarmed or angry?"""
    if not options or any(" " in each for each in options[1:]):
        return options
    return (options[0].split()[-1], *options[1:])


def _options(said: str) -> tuple[str, ...]:
    options = [re.sub(r"^(?:an?|the) ", "", part.strip()) for part in re.split(r"[,/]\s*(?:or )?|\bor\b", said)]
    return tuple(option for option in options if option)
