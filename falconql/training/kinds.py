"""What kind of text a text is, as the set that it comes from says: a review, a tweet, an abstract, a policy.

And of which genres a film or a game is, as those who list them say.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from typing import Any

from falconql.training.examples import Example
from falconql.training.silver import stretch

_TABLES: dict[str, dict[str, Any]] = tomllib.loads(
    (resources.files(__package__) / "kinds.toml").read_text(encoding="utf-8")
)
KINDS: dict[str, list[str]] = _TABLES["kinds"]
_TEMPLATES = (
    "Is this a {kind}?",
    "Is this {kind}?",
    "Is the text a {kind}?",
    "This is a {kind}.",
    "{kind}",
    "{kind}?",
    "What kind of text is it? a {kind}",
    "What kind of message is it? {kind}",
    "Does it read like a {kind}?",
)
_GENRE_TEMPLATES = (
    "Is it {genre}?", "Is this about {genre}?", "What genre is it? {genre}", "{genre}", "The genre is {genre}.",
    "Which category fits? {genre}", "Does it belong to {genre}?",
)  # fmt: skip
# Genres that often go together: one is not denied where the other is listed.
_NEAR = (
    {"drama", "romance", "crime", "thriller", "mystery", "teenagers", "religion and faith", "horror"},
    {"comedy", "stand-up comedy", "children and family", "romance"},
    {"documentary", "science and nature", "music", "sports", "crime", "religion and faith"},
    {"action and adventure", "science fiction and fantasy", "thriller", "horror", "crime", "children and family"},
)


def kind_examples(texts: Mapping[str, Sequence[str]], rng: random.Random) -> Iterator[Example]:
    """Yield an example for each text, by source, that asks for its kind or for one that it is not."""
    kinds = sorted({kind for name in texts for kind in KINDS[name]})
    for name, own in texts.items():
        others = [kind for kind in kinds if not _may_be(kind, name)]
        for text in own:
            true = not others or rng.random() < 0.5
            kind = rng.choice(KINDS[name] if true else others)
            yield Example(rng.choice(_TEMPLATES).format(kind=kind), stretch(text, rng), true)


def _may_be(kind: str, name: str) -> bool:
    return kind in KINDS[name] or any(
        name in sources for word, sources in _TABLES["maybe"].items() if word in kind.split()
    )


def genre_examples(films: Sequence[Mapping[str, Any]], rng: random.Random) -> Iterator[Example]:
    """Yield examples of rows with ``text`` and ``genres``."""
    names = sorted({genre for genre in _TABLES["genres"].values()})
    for film in films:
        own = {genre for said in film["genres"] if (genre := _TABLES["genres"].get(said))}
        near = own.union(*(group for group in _NEAR if group & own))
        far = [name for name in names if name not in near]
        if own and far:
            true = rng.random() < 0.5
            genre = rng.choice(sorted(own)) if true else rng.choice(far)
            yield Example(rng.choice(_GENRE_TEMPLATES).format(genre=genre), film["text"], true)
