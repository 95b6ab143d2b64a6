"""Examples from a dictionary: the words of a kind that a text has, by WordNet.

"A man in a hat feeds pigeons" is an example of "Extract the birds" with the answer "pigeons", and of "Extract the
vehicle" with none. No annotated set has many types; a dictionary has hundreds. A word counts as of a kind when
``SURE`` of its use is; a text with a word that is of a kind by only some of its use is no example of it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources

from falconql.training import phrasing
from falconql.training.examples import Example
from falconql.training.silver import stretch
from falconql.training.wordnet import WordNet, words

SURE, DOUBTFUL = 0.75, 0.12
ABSENT_SHARE = 0.35
MENTION_SHARE = 0.15
_WORD = re.compile(r"[A-Za-z][A-Za-z'-]*")
_PLAIN = frozenset(words("plain"))


@dataclass(frozen=True, slots=True)
class Found:
    """What a stretch of text has: spans by kind, and the kinds of which it may have some."""

    spans: dict[str, list[tuple[int, int]]]
    doubtful: frozenset[str]


class Lexicon:
    """The kinds in ``nouns.txt`` and their words.

    Raises:
        FileNotFoundError: WordNet is not installed.
    """

    def __init__(self, wordnet: WordNet | None = None) -> None:
        self.wordnet = wordnet or WordNet()
        self.kinds: list[str] = []
        self._of: dict[str, list[tuple[str, bool]]] = {}
        for line in (resources.files(__package__) / "nouns.txt").read_text(encoding="utf-8").splitlines():
            kind, _, senses = line.partition(": ")
            below = self.wordnet.below(self.wordnet.synset(sense) for sense in senses.split())
            self.kinds.append(kind)
            for word, share in self.wordnet.words(below).items():
                if share >= DOUBTFUL and word not in _PLAIN and len(word) > 2:
                    self._of.setdefault(word, []).append((kind, share >= SURE))

    def find(self, text: str) -> Found:
        """Return the words of each kind in a text; the longest of those that begin alike."""
        spans: dict[str, list[tuple[int, int]]] = {}
        doubtful: set[str] = set()
        words = list(_WORD.finditer(text))
        place = 0
        while place < len(words):
            taken = 1
            for count in (3, 2, 1):
                group = words[place : place + count]
                lemma = self.wordnet.singular("_".join(word[0] for word in group))
                if len(group) == count and lemma in self._of:
                    start, end = group[0].start(), group[-1].end()
                    # A capital inside a sentence makes a name of a word.
                    name = text[start].isupper() and bool(re.search(r"[\w,]\s$", text[:start]))
                    for kind, sure in self._of[lemma]:
                        if sure and not name:
                            spans.setdefault(kind, []).append((start, end))
                        else:
                            doubtful.add(kind)
                    taken = count
                    break
            place += taken
        return Found(spans, frozenset(doubtful))


def lexicon_examples(texts: Sequence[str], lexicon: Lexicon, rng: random.Random) -> Iterator[Example]:
    """Yield an example for each text that has words of some kind."""
    for text in texts:
        text = stretch(text, rng)
        found = lexicon.find(text)
        present = [kind for kind in found.spans if kind not in found.doubtful]
        if not present:
            continue
        others = [kind for kind in lexicon.kinds if kind not in found.spans and kind not in found.doubtful]
        absent = bool(others) and rng.random() < ABSENT_SHARE
        # Rare kinds as often as common ones.
        kind = rng.choice(others) if absent else min(rng.sample(present, min(2, len(present))), key=_commonness)
        if rng.random() < MENTION_SHARE:
            yield Example(phrasing.mention_instruction(kind, rng), text, not absent)
        else:
            spans = () if absent else tuple(found.spans[kind])
            yield Example(phrasing.span_instruction(kind, rng), text, spans)


def _commonness(kind: str) -> int:
    """Return how general a kind is, roughly."""
    return {"animal": 2, "material": 2, "occupation": 2, "job title": 2, "container": 1, "building": 1}.get(kind, 0)
