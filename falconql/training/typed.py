"""Examples from questions that say of what kind their answer is: "What city hosted the games?" asks for a city.

Questions were written by people about thousands of kinds of thing; annotated sets of entities have a few dozen. The
text is cut to the sentence with the answer, in which little else of the kind is left unmarked.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from falconql.training import phrasing
from falconql.training.examples import Example, disjoint
from falconql.training.wordnet import WordNet, words

ABSENT_SHARE = 0.25
_ASKED = re.compile(
    r"^(?:in |on |at |to |from |for |by |of |with )?(?:what|which) (?P<kind>[a-z][a-z'-]+(?: [a-z][a-z'-]+){0,2}?) "
    r"(?:is|was|are|were|did|does|do|has|have|had|can|could|would|will|might|may|should|that|who|in|of|from|with|to|"
    r"caused|used|uses|became|made|won|hosted|led|wrote|designed|provides?|contains?|served?|named|called|known)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'(\[])")
_NO_KIND = frozenset(words("no_kind"))


def typed_examples(rows: Sequence[Mapping[str, Any]], wordnet: WordNet, rng: random.Random) -> Iterator[Example]:
    """Yield an example for each question, of the form of SQuAD, that names the kind of its answer."""
    found: dict[tuple[str, str], set[tuple[int, int]]] = defaultdict(set)
    for row in rows:
        kind = kind_of(row["question"], wordnet)
        if kind is None or not row["answers"]:
            continue
        context, answer = row["context"], row["answers"][0]
        start, end = _sentence(context, answer["start"])
        if answer["start"] + len(answer["text"]) <= end and kind not in answer["text"].lower():
            begin = answer["start"] - start
            found[kind, context[start:end].rstrip()].add((begin, begin + len(answer["text"])))
    kinds = sorted({kind for kind, _ in found})
    for (kind, text), spans in found.items():
        if rng.random() < ABSENT_SHARE:
            other = rng.choice(kinds)
            if not set(other.split()) & set(text.lower().split()) and (other, text) not in found:
                yield Example(phrasing.span_instruction(other, rng), text, ())
                continue
        yield Example(phrasing.span_instruction(kind, rng), text, disjoint(sorted(spans)))


def kind_of(question: str, wordnet: WordNet) -> str | None:
    """Return the noun by which a question says what it wants, such as "art museum"."""
    found = _ASKED.match(question.strip())
    if found is None:
        return None
    words = found["kind"].lower().split()
    last = words[-1]
    if last in _NO_KIND or words[0] in _NO_KIND or not wordnet.is_noun(last):
        return None
    return " ".join([*words[:-1], wordnet.singular(last).replace("_", " ")])


def _sentence(text: str, place: int) -> tuple[int, int]:
    """Return where the sentence around a place begins and ends."""
    cuts = [0, *(found.end() for found in _SENTENCE.finditer(text)), len(text)]
    start = max(cut for cut in cuts[:-1] if cut <= place)
    return start, min(cut for cut in cuts[1:] if cut > place)
