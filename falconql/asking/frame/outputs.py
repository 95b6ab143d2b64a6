"""What a list of outputs wants: columns, answers of yes or no, things found in the text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from falconql.asking.corpus import Corpus
from falconql.asking.evidence import actions, content_words, cue, said_for, stem, stems_of, words
from falconql.asking.frame.stems import raw_words, root, starts
from falconql.types import DATE, INT, TEXT, TIMESTAMP

OUTPUT_VERB = cue("output_verb")
_ASKS = cue("asks")
_YES_NO_START = cue("question")
_WHETHER = re.compile(r"^(?:whether|if|yes or no)\b", re.IGNORECASE)
_MOST_WORDS = 9


@dataclass(frozen=True, slots=True)
class Output:
    """One thing to be shown.

    Attributes:
        kind: a column, a question that is answered with yes or no, something found in the text, or a choice.
        column: the name of the column, else empty.
        about: beginnings of words one of which a question has.
        said: the words of the instruction for it.
        several: whether all that is found of a kind is wanted; None leaves it open.
        options: what is chosen from.
    """

    kind: Literal["column", "label", "found", "choice"]
    column: str = ""
    about: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    several: bool | None = None
    options: tuple[str, ...] = ()


def outputs(corpus: Corpus, text: str) -> tuple[Output, ...]:
    """Return what a list of outputs wants, none where a part of it is not understood."""
    found: list[Output] = []
    for part in cut_list(text):
        if re.search(r"\bor\b", part) or len(part.split()) > _MOST_WORDS:
            return ()
        named = columns_named(corpus, part) or column_meant(corpus, part)
        yes_no = bool(_WHETHER.match(part) or _YES_NO_START.match(part))
        if len(named) == 1 and not yes_no:
            found.append(Output("column", named[0]))
            continue
        part = re.sub(r"^each\b(?! (?:of|one)\b)", "every", part)
        about = starts(part, stems_of("glue") | actions())
        if (named or not about) and not yes_no:
            return ()
        several = None if yes_no else _several(part)
        found.append(Output("label" if yes_no else "found", about=about, said=raw_words(part), several=several))
    return tuple(dict.fromkeys(found))


def is_asked(text: str) -> bool:
    """Return whether a text is a question, be it a dependent one."""
    return bool(_ASKS.match(text) or _YES_NO_START.match(text) or _WHETHER.match(text))


def cut_list(text: str) -> list[str]:
    """Return the parts of a list, without what asks for them to be shown."""
    cut = re.split(r"[,;?]|\band\b|\bas well as\b|\bplus\b", without_verbs(text), flags=re.IGNORECASE)
    return [without_verbs(part) for part in cut if part.strip(" .:")]


def without_verbs(text: str) -> str:
    """Return a text without the words that ask for it to be shown."""
    plain = re.sub(r"\byes or no\b", " ", text).strip(" .:")
    while (
        shorter := re.sub(
            rf"^(?:{OUTPUT_VERB.pattern}|also|then|and|only|me|us|the|its|their|with|both)\b\s*",
            "",
            plain,
            flags=re.IGNORECASE,
        )
    ) != plain:
        plain = shorter
    return re.sub(r"\bonly$", "", plain).strip(" .:")


def columns_named(corpus: Corpus, part: str) -> list[str]:
    """Return the short columns whose name is all that a part says."""
    said = content_words(part) - stems_of("glue") - actions()
    found = []
    for column in corpus.columns:
        name = frozenset(stem(word) for word in words(column.name))
        if column.name != corpus.text and not column.is_long and said and (said <= name or _alike(said, name)):
            found.append(column.name)
    return found


def column_meant(corpus: Corpus, part: str) -> list[str]:
    """Return the one short column that a single word means: time, for one of minutes."""
    if len(part.split()) != 1:
        return []
    if stem(part.lower()) in ("number", "id", "no") and corpus.columns[0].type == INT:
        return [corpus.columns[0].name]
    dated = [c.name for c in corpus.columns if c.type in (DATE, TIMESTAMP)]
    if stem(part.lower()) in ("dat", "day") and len(dated) == 1:
        return dated
    first = corpus.columns[0]
    if stem(part.lower()) in ("titl", "nam") and first.type == TEXT and not first.closed:
        return [first.name]
    short = [c for c in corpus.columns if not (c.is_long or c.closed) and c.name != corpus.text]
    found = [c.name for c in short if content_words(part) & said_for(c)]
    return found if len(found) == 1 else []


def _alike(said: frozenset[str], name: frozenset[str]) -> bool:
    """Return whether one word has the root of a name: citations, of cited."""
    return len(said) == 1 and bool(set(map(root, said)) & set(map(root, name)))


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


def questions_in(instruction: str) -> list[str]:
    """Return the sentences that end in a question mark, when there are several."""
    found = [part.strip(" ,.;") for part in re.findall(r"[^?]+\?", instruction)]
    return found if len(found) > 1 else []
