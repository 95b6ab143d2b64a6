"""What a writer does with words: asks, thanks, apologises, warns, laughs, gives a reason.

Cues find it in raw text (``manners.toml``): where one stands the answer is yes, where nothing stands that could be
one it is no, and other texts are not asked. So that a question is not known by its mark alone, some lose theirs.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Iterator, Sequence
from importlib import resources
from typing import Any

from falconql.training.examples import Example
from falconql.training.phrasing import vary
from falconql.training.silver import stretch

_TABLES: dict[str, dict[str, Any]] = tomllib.loads(
    (resources.files(__package__) / "manners.toml").read_text(encoding="utf-8")
)
_WRITERS = ("author", "author", "writer", "sender", "customer", "user", "speaker", "person")
_MARK = re.compile(r"\s*\?+(?=\s|$)")
_ASKS = re.compile(
    r"^\W*(?:who|what|when|where|why|how|which|whose|is|are|was|were|do|does|did|can|could|would|will|should|have|has)\b",
    re.IGNORECASE,
)
LONGEST = 300
UNMARKED_SHARE = 0.4


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.MULTILINE)


CUES = {name: _compiled(table["cue"]) for name, table in _TABLES.items()}
PERHAPS = {name: _compiled(table["perhaps"]) for name, table in _TABLES.items()}


def manner_examples(texts: Sequence[str], rng: random.Random) -> Iterator[Example]:
    """Yield an example for each text of which something is certain: half of the answers of a manner are yes."""
    surplus = dict.fromkeys(CUES, 0)
    for whole in texts:
        text = stretch(whole, rng, LONGEST)
        said = {name: truth for name in CUES if (truth := does(text, name)) is not None}
        # A manner that has had too few such answers comes first.
        open_ = [name for name, truth in said.items() if (surplus[name] <= 0 if truth else surplus[name] > 0)]
        if not open_:
            continue
        rare = [name for name in open_ if said[name]]
        name = rng.choice(rare or open_)
        surplus[name] += 1 if said[name] else -1
        if name == "question" and said[name] and _ASKS.match(text) and rng.random() < UNMARKED_SHARE:
            text = _MARK.sub("", text)
        yield Example(_asked(name, rng), text, said[name])


def does(text: str, name: str) -> bool | None:
    """Return whether a text does what a manner is, None where its words do not say."""
    if CUES[name].search(text):
        return True
    return None if PERHAPS[name].search(text) else False


def _asked(name: str, rng: random.Random) -> str:
    return vary(rng.choice(_TABLES[name]["asked"]).format(who=rng.choice(_WRITERS)), rng)
