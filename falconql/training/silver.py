"""Examples without annotators: raw text supervises itself.

Three kinds, each with negatives made from another text:

* *next-token extraction* (Peng et al., "Cuckoo: An IE free rider hatched by massive nutrition in LLM's nest", 2025): a
  span that occurs again is what the words before its second occurrence ask for, in the text before it;
* *is-a*: "Ada is a horror film by ..." is an example of "Extract the film" with the answer "Ada";
* *lists* (Hearst, "Automatic acquisition of hyponyms from large text corpora", 1992): "fruits such as apples and pears"
  is one of "Extract the fruits", with the words "fruits such as" mostly taken out of the text.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from falconql.training import phrasing
from falconql.training.examples import Example, disjoint

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'])")
_REPEATED = re.compile(r"\b(?:[A-Z][\w'-]+(?: (?:of |the |and )?[A-Z][\w'-]+){0,3}|\d[\d,.]*(?: [a-z]+)?|[a-z]{7,})\b")
_IS_A = re.compile(
    r"^(?:The )?(?P<title>[A-Z0-9][^,(]{1,50}?)(?: \([^)]*\))?,? (?:is|was|are|were) (?:an?|the|one of the) "
    r"(?P<type>[a-zA-Z][\w' -]{2,60}?)(?= (?:in|of|from|by|located|which|that|who|born|published|based|on|at|and|for|"
    r"with|to|set|made|known|released|written|directed|first|under|near|created)\b|[,.;(])"
)
_LISTED = re.compile(
    r"(?P<cue>\b(?P<type>[a-z]{3,}s),? (?:such as|including|like|e\.g\.,?) )"
    r"(?P<list>(?:[\w' -]{2,30}, ){0,5}[\w' -]{2,30},? (?:and|or) [\w'-]{2,20}(?: [\w'-]+)?)(?=[,.;)]|$)"
)
_NO_TYPE = frozenset(
    ("one", "some", "name", "part", "list", "series", "kind", "type", "way", "result", "number", "same")
)
NEGATIVE_SHARE = 0.25
MOVED_SHARE = 0.5


def next_token_examples(texts: Sequence[str], rng: random.Random) -> Iterator[Example]:
    """Yield an example for each text that repeats a span."""
    prefix = ""
    for text in texts:
        found = _repetition(text, rng)
        if found is None:
            continue
        if prefix and rng.random() < NEGATIVE_SHARE:
            other, prefix = prefix, found.instruction
            yield Example(other, found.text, ())
        else:
            prefix = found.instruction
            yield found


def _repetition(text: str, rng: random.Random) -> Example | None:
    """Return the words before a span's later occurrence as an instruction on the text before that sentence."""
    starts = [0, *(found.end() for found in _SENTENCE.finditer(text))]
    made = []
    for start, end in pairwise([*starts[1:], len(text)]):
        before = text[:start].rstrip()
        for found in _REPEATED.finditer(text, start, end):
            asked = text[start : found.start()].split()
            if len(asked) >= 4 and found[0] in before and (spans := _occurrences(found[0], before)):
                made.append(Example(" ".join(asked[-20:]), before, spans))
                break
    return rng.choice(made) if made else None


def _occurrences(span: str, text: str) -> tuple[tuple[int, int], ...]:
    pattern = rf"(?<!\w){re.escape(span)}(?!\w)"
    return disjoint([found.span() for found in re.finditer(pattern, text)])


def is_a_examples(texts: Sequence[str], rng: random.Random) -> Iterator[Example]:
    """Yield an example for each text whose first sentence says what something is."""
    seen: list[str] = ["company", "river", "album", "film", "village", "plant"]
    for text in texts:
        found = _IS_A.match(text)
        if found is None:
            continue
        type_ = _type_of(found["type"], rng)
        text = _turned(text) if rng.random() < MOVED_SHARE else text
        spans = _occurrences(found["title"].strip(), text)
        if type_ is None or not spans:
            continue
        if rng.random() < NEGATIVE_SHARE:
            other = rng.choice(seen)
            if not set(other.split()) & set(text.lower().split()):
                yield Example(phrasing.span_instruction(other, rng), text, ())
                continue
        seen = [*seen[-400:], type_]
        yield Example(phrasing.span_instruction(type_, rng), text, spans)


def _turned(text: str) -> str:
    """Return a text with its first sentence last, so that answers do not always come first."""
    first, *rest = _SENTENCE.split(text)
    return " ".join([*rest, first])


def _type_of(said: str, rng: random.Random) -> str | None:
    """Return the last words of a noun phrase, as many as somebody might use."""
    words = said.split()
    if words[-1].lower() in _NO_TYPE or len(words[-1]) < 3:
        return None
    return " ".join(words[-rng.choice((1, 1, 2, 3)) :])


def list_examples(texts: Sequence[str], rng: random.Random) -> Iterator[Example]:
    """Yield an example for each sentence that lists things of a kind."""
    seen: list[str] = ["countries", "languages", "animals", "tools", "drugs"]
    for text in texts:
        for sentence in _SENTENCE.split(text):
            found = _LISTED.search(sentence)
            if found is None or found["type"].split()[-1].rstrip("s") in _NO_TYPE:
                continue
            if rng.random() < NEGATIVE_SHARE:
                other = rng.choice(seen)
                if other not in sentence:
                    yield Example(f"Extract the {other}", sentence, ())
                    continue
            seen = [*seen[-400:], found["type"]]
            yield _listed(sentence, found, rng)


def _listed(sentence: str, found: re.Match[str], rng: random.Random) -> Example:
    shift = 0
    if rng.random() < 0.7:
        sentence = sentence[: found.start("cue")] + sentence[found.end("cue") :]
        shift = len(found["cue"])
    spans = []
    for item in re.finditer(r"(?:(?!,| and | or ).)+", found["list"]):
        plain = re.sub(r"^\s*(?:and |or |the |an? )*", "", item[0])
        start = found.start("list") + item.end() - len(plain) - shift
        plain = plain.rstrip()
        if plain:
            spans.append((start, start + len(plain)))
    template = rng.choice(("Extract the {}", "Which {} are mentioned?", "{}", "List the {}", "What {}?", "Find all {}"))
    return Example(template.format(found["type"]), sentence, disjoint(spans))


def stretch(text: str, rng: random.Random, longest: int = 420) -> str:
    """Return a text, or some neighbouring sentences of a long one: about ``longest`` characters."""
    if len(text) <= longest:
        return text
    sentences = _SENTENCE.split(text)
    first = rng.randrange(len(sentences))
    kept = sentences[first]
    for sentence in sentences[first + 1 :]:
        if len(kept) + len(sentence) > longest:
            break
        kept += " " + sentence
    return kept[: 2 * longest]
