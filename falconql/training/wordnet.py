"""WordNet's nouns: which words are of which kind.

Reads the files of WordNet 3.0 (Miller, "WordNet: a lexical database for English", Communications of the ACM 1995).
Its licence allows any use; Debian has them as the package ``wordnet-base``.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Collection, Iterable
from importlib import resources
from pathlib import Path

FOLDER = Path("/usr/share/wordnet")
_PARTS = {"noun": "1", "verb": "2", "adj": "3", "adv": "4"}
# What a sense weighs that was never met in the texts counted: the first of a word, and any later one.
_FIRST, _LATER = 1.0, 0.3


class WordNet:
    """The nouns, their senses by how common they are, and what is a kind of what.

    Raises:
        FileNotFoundError: the folder does not hold WordNet.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        if not (folder / "data.noun").is_file():
            raise FileNotFoundError(f"{folder} does not hold WordNet; Debian has it as the package wordnet-base")
        counts = _counts(folder / "cntlist.rev")
        self._nouns: dict[str, list[tuple[int, float]]] = {}
        self._total: dict[str, float] = defaultdict(float)
        for part, number in _PARTS.items():
            for lemma, offsets in _index(folder / f"index.{part}"):
                weights = [
                    counts.get((lemma, number, place), 0) + (_FIRST if place == 1 else _LATER)
                    for place in range(1, len(offsets) + 1)
                ]
                self._total[lemma] += sum(weights)
                if part == "noun":
                    self._nouns[lemma] = list(zip(offsets, weights, strict=True))
        self._kinds, self._words = _nouns(folder / "data.noun")
        self._plurals = dict(
            line.split()[:2] for line in (folder / "noun.exc").read_text(encoding="ascii").splitlines() if line.strip()
        )

    def synset(self, name: str) -> int:
        """Return the number of a sense such as ``fruit#1``.

        Raises:
            KeyError: there is no such sense.
        """
        lemma, _, place = name.partition("#")
        senses = self._nouns.get(lemma, [])
        if not place.isdecimal() or not 0 < int(place) <= len(senses):
            raise KeyError(name)
        return senses[int(place) - 1][0]

    def below(self, synsets: Iterable[int]) -> frozenset[int]:
        """Return these senses and all kinds of them."""
        found: set[int] = set()
        todo = list(synsets)
        while todo:
            synset = todo.pop()
            if synset not in found:
                found.add(synset)
                todo.extend(self._kinds.get(synset, ()))
        return frozenset(found)

    def words(self, synsets: Collection[int]) -> dict[str, float]:
        """Return the words with a sense among these, each with how much of its use, as any part of speech, they are."""
        lemmas = {lemma for synset in synsets for lemma in self._words[synset]}
        return {lemma: self._share(lemma, synsets) for lemma in lemmas}

    def _share(self, lemma: str, synsets: Collection[int]) -> float:
        own = sum(weight for offset, weight in self._nouns.get(lemma, ()) if offset in synsets)
        return own / self._total[lemma] if own else 0.0

    def is_noun(self, word: str) -> bool:
        """Return whether a word is mostly used as a noun."""
        lemma = self.singular(word)
        return lemma in self._nouns and sum(w for _, w in self._nouns[lemma]) > 0.7 * self._total[lemma]

    def singular(self, word: str) -> str:
        """Return a noun in the form that WordNet has it, underscores for spaces, or as it is where it has none."""
        word = word.lower().replace(" ", "_")
        if word in self._plurals:
            return self._plurals[word]
        endings: tuple[tuple[str, str], ...] = (("", ""), ("ies", "y"), ("es", ""), ("s", ""))
        if word.endswith("ss"):
            endings = endings[:1]
        for ending, instead in endings:
            stem = word.removesuffix(ending) + instead
            if word.endswith(ending) and stem in self._nouns:
                return stem
        return word


def words(name: str) -> list[str]:
    """Return a list of words from ``words.toml``."""
    read = tomllib.loads((resources.files(__package__) / "words.toml").read_text(encoding="utf-8"))
    found: list[str] = read[name]
    return found


def _counts(path: Path) -> dict[tuple[str, str, int], int]:
    """Return how often a sense was met, by word, part of speech and place among the word's senses."""
    found = {}
    for line in path.read_text(encoding="ascii").splitlines():
        key, place, count = line.split()
        lemma, _, rest = key.partition("%")
        part = "3" if rest[0] == "5" else rest[0]
        found[lemma, part, int(place)] = int(count)
    return found


def _index(path: Path) -> Iterable[tuple[str, list[int]]]:
    """Yield each word of a part of speech with its senses, the commonest first."""
    for line in path.read_text(encoding="ascii").splitlines():
        if not line.startswith(" "):
            fields = line.split()
            yield fields[0], [int(offset) for offset in fields[-int(fields[2]) :]]


def _nouns(path: Path) -> tuple[dict[int, list[int]], dict[int, list[str]]]:
    """Return the kinds of each sense, and its words."""
    kinds: dict[int, list[int]] = {}
    words: dict[int, list[str]] = {}
    for line in path.read_text(encoding="ascii").splitlines():
        if line.startswith(" "):
            continue
        fields = line.partition(" | ")[0].split()
        count = int(fields[3], 16)
        synset, after = int(fields[0]), 4 + 2 * count
        words[synset] = [word.lower() for word in fields[4:after:2]]
        pointers = fields[after + 1 :]
        kinds[synset] = [int(pointers[i + 1]) for i in range(0, len(pointers) - 3, 4) if pointers[i] == "~"]
    return kinds, words
