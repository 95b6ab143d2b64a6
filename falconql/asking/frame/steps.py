"""Several steps: what an instruction wants found first, to ask something about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from falconql.asking.corpus import Corpus
from falconql.asking.evidence import actions, content_words, cue, said_values, stem, stems_of, words
from falconql.asking.frame.rows import periods_of, row_nouns

_KEEP_OF_EACH = cue("keep_of_each")
_KEEP_THOSE = cue("keep_those")
_THEN = cue("then")
_NOT_IN_NOUN = (
    r"(?!(?:in|on|at|that|which|who|with|and|or|its|his|her|their|the|of|for|to|from|give|find|say|tell|is|was|are|"
    r"were|if|mentioned|named|how|what|as|it|they|by|do|did|does|list|one|them|except|excluding|whether|all|"
    r"both|during|about|over|under|per|before|after|since|until|also|then|when|where|why|than|concerns?|"
    r"collect|each|every|have|has|had|mentions?|says?|an?|appears?|comes?|occurs?|turns?|gets?|"
    r"some(?:body|one)|any(?:body|one)|no(?:body| one)|every(?:body|one)|we|i|you)\b)"
)
_NOUN = rf"(?P<noun>(?:(?:piece|kind|type|sort|name|part)s? of )?(?:{_NOT_IN_NOUN}(?!\w+(?:ed)\b)[a-z'-]+ ?){{1,3}})"
_EACH_ALONE = r"(?:for|of) each(?= (?:of|whether|if|what|how|when|where|who)\b|[,;:.]|$)"
_EACH = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?<!did )(?<!does )(?<!do )\b(?:each|every) (?:of the )?{_NOUN}",
        rf"\b(?:for|of|from) all (?:the )?(?:\w+ed (?=[a-z]+s\b))?{_NOUN}",
        rf"\bhow (?:often|frequently|many times) (?:(?:does|do|is|are|was|were) )?(?:each|every|the different) {_NOUN}"
        r"(?:comes?|appears?|occurs?|turns?|(?:is |are )?(?:mentioned|named))",
        rf"\bgo(?:ing)? (?:through|over) (?:all )?(?:of )?(?:the )?(?:\w+ed (?=[a-z]+s\b|people\b|children\b))?{_NOUN}",
        rf"\btake (?:all )?(?:the )?{_NOUN}.*\b(?:one by one|(?:keep|only) (?:the ones|those))\b",
        rf"\bwhich of (?:all )?(?:the|these|those) {_NOUN}",
        rf"\ball (?:of )?(?:the )?{_NOUN}.*\b(?:with|and) (?:their|its|his|her|the \w+ (?:they|it|he|she))\b",
        rf"\ball (?:of )?(?:the )?{_NOUN}.*\bfor each\b",
        rf"\b(?:the|all|which|what) {_NOUN}.*\bwhich of (?:these|those|them)\b",
        rf"\b(?:the|all|which) {_NOUN}.*\b(?:each one|each of them|in turn|{_EACH_ALONE})",
        rf"\b(?:which|what) {_NOUN}.*\b(?:did|does|do|was|were|is|are|has|have|will|would|can|could|should) each\b",
        rf"\b(?:the|all) {_NOUN}.*\b(?:keep|leave|retain|show)(?: me)? (?:only|just) (?:those|the ones)\b",
        rf"\b(?:which|what) {_NOUN}(?:is|are|was|were|get|gets|do they|does it) (?:\w+ )?"
        r"(?:mentioned|named|listed|described|quoted|cited|interviewed|mention|name)\b.*"
        r"\b(?:is|are|was|were|do|does|did|has|have) (?:they|it|he|she)\b",
        rf"\b(?:most (?:common|frequent|(?:often |frequently )?(?:mentioned|named|cited))|commonest) {_NOUN}",
        rf"\b(?:which|what) {_NOUN}(?:is|are|was|were|gets?|comes?|turns?|appears?|occurs?)\b.*"
        r"\b(?:the most|most (?:often|frequently))\s*(?:[?.]|$)",
        rf"\b(?:list|name|extract|find|show|give)(?: me)? (?:the |all )*{_NOUN}"
        r"(?:with|and|plus) (?:their|its|his|her)\b",
        rf"\b(?:the|all) {_NOUN}and (?:who|what|where|when|how|why)\b.*\b(?:them|they|it|him|her)\b",
        rf"\b(?:who|which|what) are (?:the )?{_NOUN}and (?:what|where|how|who) (?:is|are) (?:their|its|his|her)\b",
        rf"\b(?:the|all) {_NOUN}one by one\b",
        rf"\bpairs of {_NOUN}",
    )
)
# Patterns that say outright that things are gone through.
_TOLD = _EACH[3:6]
_MENTIONED = re.compile(
    r"\s*(?:(?:that|which) )?(?:(?:is|are|was|were) )?(?:\w+ )?(?:mentioned|named|cited)\b", re.IGNORECASE
)
_THINGS = frozenset(map(stem, ("item", "thing", "piece", "object", "one")))
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
        keeps: whether rows are kept by what is asked about it.
        further: another thing may be found from it.
    """

    kind: Literal["each", "let"]
    name: str
    said: str
    keeps: Literal["no", "may", "must"] = "no"
    further: bool = False


def first_step(corpus: Corpus, instruction: str) -> Step | None:
    """Return what is found first, None when the instruction has one step."""
    rows = row_nouns(corpus)
    for pattern in _EACH:
        for found in pattern.finditer(instruction):
            said = _trimmed(found["noun"])
            name = _variable(said, corpus)
            several = _plural(said) == said or pattern in (*_EACH[:3], _EACH[-1])
            behind = found["noun"][len(said) :].strip() or instruction[found.end("noun") :]
            if _is_all_there_is(corpus, instruction, said, behind) or _of_row(said, rows):
                continue
            if _is_row_and_more(corpus, said, behind):
                continue
            # What is mentioned stands in the text, whatever columns are called.
            in_text = _MENTIONED.match(behind) is not None
            is_row = _head(said) in rows and not (in_text or _is_thing(corpus, said, behind))
            is_row = is_row or _is_value(corpus, said)
            is_column = _is_column(corpus, said, told=pattern in _TOLD) or _is_period(corpus, said)
            is_column = is_column and not in_text
            if name is None or not several or is_row or is_column:
                continue
            further = any(
                back["noun"].lower() not in said.lower() and stem(back["noun"].lower()) not in rows
                for back in re.finditer(r"\b(?:that|this) (?P<noun>[a-z]+)'s\b", instruction, re.IGNORECASE)
            )
            return Step("each", name, _plural(said), _keeps(instruction), further)
    return _step_of_one(corpus, instruction, rows)


def _keeps(instruction: str) -> Literal["no", "may", "must"]:
    if _KEEP_THOSE.search(instruction):
        return "must"
    return "may" if _KEEP_OF_EACH.search(instruction) else "no"


def _is_thing(corpus: Corpus, said: str, behind: str) -> bool:
    """Return whether a word that may mean a row means something in the text: each item that was taken."""
    own = {stem(word) for word in words(f"{corpus.name} {corpus.text or ''}")}
    done = r"(?:\w+ed|lost|taken|found|bought|sold|made|stolen|given)\b"
    related = re.match(rf"(?:(?:that|which) (?:was|were|is|are|has been|have been|got) )?{done}", behind)
    return related is not None and _head(said) in _THINGS and _head(said) not in own


def _is_value(corpus: Corpus, said: str) -> bool:
    """Return whether a noun is a value of a column: every Volvo."""
    named = [value for column in corpus.columns for value in said_values(column, said)]
    return any(content_words(said) <= content_words(value) for value in named)


def _is_row_and_more(corpus: Corpus, said: str, behind: str) -> bool:
    """Return whether a row is meant, with the first of some options behind it: is each article neutral or alarmed?"""
    own = {stem(word) for word in words(f"{corpus.name} {corpus.text or ''}")}
    listed = re.match(r"\s*(?:,|or\b)", behind) is not None
    return listed and len(said.split()) > 1 and stem(said.split()[0].lower()) in own


def _of_row(said: str, rows: frozenset[str]) -> bool:
    """Return whether something is that of a row: each letter's gift."""
    first = next(iter(words(said)), "")
    return first.endswith("'s") and stem(first) in rows


def _is_all_there_is(corpus: Corpus, instruction: str, said: str, behind: str) -> bool:
    """Return whether nothing is asked about the things found: get every ingredient, every amount of money."""
    of = re.match(r"\s*of ((?:[a-z-]+ ?){1,3})[\s.?!]*$", behind, re.IGNORECASE)
    said = f"{said} {of[1]}" if of else said
    asks = re.search(
        r"\b(?:whether|if|what|how|when|where|who|why|its|their|his|her|with|and)\b", instruction, re.IGNORECASE
    )
    return not asks and not content_words(instruction) - content_words(said) - actions() - content_words(corpus.name)


def _step_of_one(corpus: Corpus, instruction: str, rows: frozenset[str]) -> Step | None:
    for back in _BACK.finditer(instruction):
        noun = back["noun"].lower()
        before = words(instruction[: back.start()])
        again = any(stem(word) == stem(noun) or (len(noun) > 5 and word.startswith(noun[:5])) for word in before)
        owned = instruction[back.end() :].startswith("'s")
        pointed = back[0].lower().startswith(("that", "this")) or owned or _THEN.search(instruction)
        if again and pointed and stem(noun) not in rows and stem(noun) not in _NO_NOUN:
            if noun == "person" and (first := _FIRST_NOUN.search(instruction)) and _variable(first["noun"], corpus):
                return _one(first["noun"], corpus)
            return _one(noun, corpus, further=len(_THEN.findall(instruction)) > 1)
    if _THEN.search(instruction) or re.search(r"\b(?:that|this) person\b", instruction, re.IGNORECASE):
        found = _FIRST_NOUN.search(instruction)
        if found and _head(found["noun"]) not in rows:
            return _one(found["noun"], corpus)
    return None


def _one(said: str, corpus: Corpus, further: bool = False) -> Step | None:
    name = _variable(_trimmed(said), corpus)
    return None if name is None else Step("let", name, _trimmed(said), further=further)


_NO_NOUN = stems_of("no_noun")


def _trimmed(noun: str) -> str:
    """Return a noun without what was done with it: an item lost is an item."""
    said = noun.strip().removesuffix("'s").split()
    # "The methods drivers mention": who does it is a noun of its own.
    if len(said) > 1 and all(_plural(word) == word for word in said[-2:]):
        said.pop()
    while len(said) > 1 and re.fullmatch(
        r"(?:\w+ed|lost|taken|found|bought|sold|made|stolen|given)", said[-1], re.IGNORECASE
    ):
        said.pop()
    return " ".join(said)


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


def _head(said: str) -> str:
    """Return the stem of the last word, which says what a noun is."""
    return next((stem(word) for word in reversed(words(said))), "")


def _is_period(corpus: Corpus, said: str) -> bool:
    """Return whether a noun is a part of a date that rows have."""
    return said.lower() in periods_of(corpus)


def _is_column(corpus: Corpus, said: str, *, told: bool) -> bool:
    """Return whether a noun is a short column, whose values are groups and not found in texts.

    Where things are told to be gone through, it has to be all of the column's name: goals are not `home_goals`.
    """
    last, all_said = _head(said), {stem(word) for word in words(said)}
    return any(
        (last in (named := {stem(word) for word in words(c.name)}) and (not told or named <= all_said))
        for c in corpus.columns
        if not c.is_long and c.name != corpus.text
    )
