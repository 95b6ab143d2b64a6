"""What texts are about, as the sentence encoder that training starts from sees it.

No labelled set that may be used has many topics. The base encoder (all-MiniLM-L6-v2, Apache-2.0) places texts and
topic names in one space: a text is taken to be about a topic that it is near to, or nearer than hardly any other text,
and not to be about one that is far from it. A distillation of the encoder into itself.

In a corpus of one field every text is near every topic of that field, so most of the topics denied are near ones: of
those that the text is clearly further from than from its own, and that have little to do with its own. The encoder says
little about wide topics (a report on a company is hardly nearer to *business* than to much else): ``wide.toml`` lists
narrower ones by which a text is about them, and where it is near to any of those, they are not denied.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from falconql.training import phrasing
from falconql.training.examples import Example

ABOUT = 0.34  # cosine of a text and a topic that it is taken to be about
STANDS_OUT = 3.2  # standard deviations over the texts, for topics that few texts are as near to
STANDS_OUT_FROM = 0.2
NEAREST = 3
NEVER_ABOUT = 0.22
CLEARLY_FURTHER = 0.12
RELATED = 0.36  # cosine of two topics' names
NEAR_SHARE = 0.7
WIDE_SHARE = 0.3
_CHARACTERS = 700


def topic_names() -> list[str]:
    """Return the names of topics, from ``topics.txt``, and of wide ones."""
    listed = (resources.files(__package__) / "topics.txt").read_text(encoding="utf-8").split("\n")[:-1]
    return list(dict.fromkeys([*listed, *wide_topics()]))


def wide_topics() -> Mapping[str, Sequence[str]]:
    """Return wide topics with narrower ones, from ``wide.toml``."""
    read: dict[str, list[str]] = tomllib.loads((resources.files(__package__) / "wide.toml").read_text(encoding="utf-8"))
    return read


def topic_examples(texts: Sequence[str], base: Path, rng: random.Random) -> Iterator[Example]:
    """Yield, for each text that is near a topic, that topic and one that it is not about."""
    names = topic_names()
    place = embed([f"This text is about {name}." for name in names], base)
    named = embed(names, base)
    scores = embed([text[:_CHARACTERS] for text in texts], base) @ _unit(place + named).T
    standing = (scores - scores.mean(axis=0)) / scores.std(axis=0)
    chooser = _Chooser(names, named @ named.T, rng)
    for text, row, stands in zip(texts, scores, standing, strict=True):
        order = np.argsort(-row)
        about = [int(i) for i in order[:NEAREST] if row[i] > ABOUT]
        about += [int(i) for i in np.argsort(-stands)[:2] if stands[i] > STANDS_OUT and row[i] > STANDS_OUT_FROM]
        if not about:
            continue
        yield Example(phrasing.topic_instruction(names[chooser.own(about)], rng), text, True)
        near = [*about, *(int(i) for i in order[: NEAREST + 1] if row[i] >= NEVER_ABOUT)]
        other = chooser.other(text, near, row)
        if other is not None:
            yield Example(phrasing.topic_instruction(names[other], rng), text, False)


class _Chooser:
    """Chooses topics, by their numbers."""

    def __init__(self, names: Sequence[str], related: NDArray[np.float32], rng: random.Random) -> None:
        self.names, self.related, self.rng = names, related, rng
        number = {name: i for i, name in enumerate(names)}
        self.narrower = {number[wide]: [number[name] for name in own] for wide, own in wide_topics().items()}

    def own(self, about: Sequence[int]) -> int:
        """Return one of the topics that a text is about, sometimes a wide one that one of them belongs to."""
        wide = [topic for topic, narrower in self.narrower.items() if set(narrower) & set(about)]
        return self.rng.choice(wide if wide and self.rng.random() < WIDE_SHARE else about)

    def other(self, text: str, near: Sequence[int], row: NDArray[np.float32]) -> int | None:
        """Return a topic that a text is not about, which has cosines with the topics; None if there is none."""
        limit = min(NEVER_ABOUT, float(row.max()) - CLEARLY_FURTHER)
        allowed = (row < limit) & (self.related[near].max(axis=0) < RELATED)
        for wide, narrower in self.narrower.items():
            allowed[wide] &= bool(row[narrower].max() < limit)
        others = [int(i) for i in np.argsort(-row) if allowed[i] and not _named(self.names[i], text)]
        wide_ones = [topic for topic in others if topic in self.narrower]
        if wide_ones and self.rng.random() < WIDE_SHARE:
            others = wide_ones
        elif self.rng.random() < NEAR_SHARE:
            others = others[:12]
        return self.rng.choice(others) if others else None


def _named(name: str, text: str) -> bool:
    """Tell whether a text has a longer word of a topic's name."""
    low = text.lower()
    return any(len(word) > 3 and word.removesuffix("s") in low for word in name.lower().split())


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def embed(texts: Sequence[str], base: Path, batch: int = 64) -> NDArray[np.float32]:
    """Return unit sentence embeddings [texts, hidden], means of the last hidden states as the encoder was trained."""
    import torch
    from tokenizers import Tokenizer
    from transformers import BertModel

    from falconql.training.precision import fastest

    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    tokenizer.enable_truncation(128)
    tokenizer.enable_padding()
    # Attention as matrix products: with heads 32 wide, torch's fused kernel for CPUs is far slower.
    model = BertModel.from_pretrained(base, attn_implementation="eager").eval()  # type: ignore[no-untyped-call]
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    found = np.zeros((len(texts), model.config.hidden_size), dtype=np.float32)
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        encoded = tokenizer.encode_batch([texts[i] for i in chosen])
        ids = torch.tensor([e.ids for e in encoded])
        mask = torch.tensor([e.attention_mask for e in encoded])
        with torch.inference_mode(), fastest("cpu"):
            hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        pooled = (hidden * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)
        found[chosen] = torch.nn.functional.normalize(pooled, dim=1).numpy()
    return found
