"""How good answers are: spans exactly and by word, questions, labels and choices.

Pure functions on values, for calibration before a proxy is registered, for ``falconql eval`` and
for the benchmarks. Nothing here runs a model.
"""

from __future__ import annotations

import re
import string
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Span = tuple[int, int]

_WORD = re.compile(r"\w+|[^\w\s]")
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True, slots=True)
class Counts:
    """Right, predicted and wanted items, to be added over rows."""

    right: int = 0
    predicted: int = 0
    wanted: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.right + other.right, self.predicted + other.predicted, self.wanted + other.wanted)

    @property
    def f1(self) -> float:
        """Return the harmonic mean of precision and recall; 1 when nothing was wanted or found."""
        total = self.predicted + self.wanted
        return 2 * self.right / total if total else 1.0


def exact_spans(predicted: Iterable[Span], wanted: Iterable[Span]) -> Counts:
    """Count spans with both ends right."""
    found, gold = set(predicted), set(wanted)
    return Counts(len(found & gold), len(found), len(gold))


def word_spans(text: str, predicted: Iterable[Span], wanted: Iterable[Span]) -> Counts:
    """Count the words of the text, by position, that the spans cover."""
    words = [match.span() for match in _WORD.finditer(text)]
    found, gold = _covered(words, predicted), _covered(words, wanted)
    return Counts(len(found & gold), len(found), len(gold))


def _covered(words: Sequence[Span], spans: Iterable[Span]) -> set[Span]:
    starts, ends = [start for start, _ in words], [end for _, end in words]
    found: set[Span] = set()
    for start, end in spans:
        found.update(words[bisect_right(ends, start) : bisect_left(starts, end)])
    return found


def answer_f1(predicted: str, wanted: Sequence[str]) -> float:
    """Return the best word F1 with any of the accepted answers, as SQuAD scores it.

    No accepted answer means that there is none: only an empty prediction is right.
    """
    if not wanted:
        return float(not predicted)
    return max(_overlap(_answer_words(predicted), _answer_words(answer)) for answer in wanted)


def _answer_words(answer: str) -> list[str]:
    return _ARTICLES.sub(" ", answer.casefold().translate(_NO_PUNCTUATION)).split()


def _overlap(predicted: Sequence[str], wanted: Sequence[str]) -> float:
    if not predicted or not wanted:
        return float(list(predicted) == list(wanted))
    common = sum((Counter(predicted) & Counter(wanted)).values())
    return 2 * common / (len(predicted) + len(wanted))


def accuracy(predicted: Sequence[object], wanted: Sequence[object]) -> float:
    """Return the share of equal pairs."""
    return sum(p == w for p, w in zip(predicted, wanted, strict=True)) / len(wanted)


def ranking(scores: NDArray[np.floating[Any]], truths: NDArray[np.bool_]) -> float:
    """Return the area under the ROC curve: how often a true one scores higher than a false one, ties half.

    Both answers must occur.
    """
    apart = scores[truths][:, None] - scores[~truths][None, :]
    return float(((apart > 0) + 0.5 * (apart == 0)).mean())


def class_f1(predicted: Sequence[object], wanted: Sequence[object], class_: object) -> float:
    """Return the F1 of one class."""
    pairs = list(zip(predicted, wanted, strict=True))
    right = sum(p == class_ and w == class_ for p, w in pairs)
    return Counts(right, sum(p == class_ for p, _ in pairs), sum(w == class_ for _, w in pairs)).f1


def macro_f1(predicted: Sequence[object], wanted: Sequence[object]) -> float:
    """Return the mean F1 over the classes that are wanted anywhere."""
    classes = set(wanted)
    return sum(class_f1(predicted, wanted, class_) for class_ in classes) / len(classes)


def balanced_accuracy(predicted: Sequence[object], wanted: Sequence[object]) -> float:
    """Return the mean over the wanted classes of the share of each that was recognised."""
    shares = []
    for class_ in set(wanted):
        answers = [p for p, w in zip(predicted, wanted, strict=True) if w == class_]
        shares.append(sum(answer == class_ for answer in answers) / len(answers))
    return sum(shares) / len(shares)


def calibration_error(scores: Sequence[float], truth: Sequence[bool], bins: int = 10) -> float:
    """Return the expected calibration error of probabilities.

    The mean distance between score and share of truth over bins of equal width, weighted by size (Naeini, Cooper and
    Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", AAAI 2015).
    """
    given, true = np.asarray(scores, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    places = np.minimum((given * bins).astype(int), bins - 1)
    size = np.bincount(places, minlength=bins)
    distance = np.bincount(places, given, bins) - np.bincount(places, true, bins)
    return float(np.abs(distance).sum() / size.sum())


def threshold_loss(scores: Sequence[float], truth: Sequence[bool], threshold: float) -> float:
    """Return how much F1 a threshold loses against the best one for these very answers."""
    given, true = np.asarray(scores, dtype=np.float64), np.asarray(truth, dtype=np.bool_)
    order = np.argsort(-given, kind="stable")
    right, found = np.cumsum(true[order]), np.arange(1, len(order) + 1)
    last = np.append(given[order][1:] != given[order][:-1], True)  # equal scores pass together
    best = float((2 * right / (found + true.sum()))[last].max())
    kept = given >= threshold
    own = Counts(int((kept & true).sum()), int(kept.sum()), int(true.sum())).f1
    return max(0.0, best - own)


def bootstrap(
    statistic: Callable[[NDArray[np.int64]], float], rows: int, *, samples: int = 400, seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % percentile interval of a statistic over rows drawn with replacement.

    Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 1979.

    Args:
        statistic: of the rows with these numbers, which may repeat.
        rows: how many there are.
        samples: how often they are drawn.
        seed: for the drawing.
    """
    rng = np.random.default_rng(seed)
    drawn = [statistic(rng.integers(0, rows, rows)) for _ in range(samples)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(low), float(high)
