"""What texts are about, as the sentence encoder that training starts from sees it.

No labelled set that may be used has many topics. The base encoder (all-MiniLM-L6-v2, Apache-2.0) places texts and
topic names in one space: a text is taken to be about a topic when it is among the nearest of that topic and the topic
among the nearest of the text, and not to be about one that is far from it. A distillation of the encoder into itself.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from falconql.training import phrasing
from falconql.training.examples import Example

NEAR = 2.2
FAR = 0.6
NEAREST = 2
_CHARACTERS = 700


def topic_names() -> list[str]:
    """Return the names of topics, from ``topics.txt``."""
    return (resources.files(__package__) / "topics.txt").read_text(encoding="utf-8").split("\n")[:-1]


def topic_examples(texts: Sequence[str], base: Path, rng: random.Random) -> Iterator[Example]:
    """Yield, for each text that is near a topic, that topic and one that it is not about."""
    names = topic_names()
    place = embed([f"This text is about {name}." for name in names], base)
    scores = embed([text[:_CHARACTERS] for text in texts], base) @ place.T
    scores = (scores - scores.mean(axis=0)) / scores.std(axis=0)
    for text, row in zip(texts, scores, strict=True):
        order = np.argsort(-row)
        near = [int(i) for i in order[:NEAREST] if row[i] > NEAR]
        if not near:
            continue
        yield Example(phrasing.topic_instruction(names[rng.choice(near)], rng), text, True)
        # Half of the topics denied are the nearest of those that are far.
        far = [int(i) for i in order if row[i] < FAR]
        if far:
            chosen = rng.choice(far[:12] if rng.random() < 0.5 else far)
            yield Example(phrasing.topic_instruction(names[chosen], rng), text, False)


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
