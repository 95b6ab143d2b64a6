"""What is to be chosen from: positive, negative or mixed?"""

from __future__ import annotations

import re

from falconql.asking.corpus import Corpus
from falconql.asking.evidence import said_values
from falconql.asking.frame.outputs import Output, outputs

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
