"""Damage: to texts, to bytes and to JSON, drawn by Hypothesis so that what fails is made small."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

# What is likely to be read as something: signs of the language, of JSON and of terminals, ends of integer ranges.
WORDS = (
    *("where", "select", "each", "let", "in", "not", "and", "label(", 'spans("', "null", "true"),
    *("(", ")", "[", "]", "{", "}", '"', "'", "\\", "`", "$", "/", "--", "{x}", ":", ",", ".", ".."),
    *("1e999", "-1", "9223372036854775808", "\x00", "\n", "\r", "\x1b[31m", "%s", "../", "/etc/passwd", "file://"),
    *("é", "漢字", "👩\u200d👩\u200d👧", "\u202e", "\ud800", "\ufeff"),
)


@st.composite
def damaged_texts(draw: st.DrawFn, originals: Sequence[str]) -> str:
    """Return one of the texts after a few cuts, repetitions and insertions."""
    text = draw(st.sampled_from(list(originals)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        match draw(st.sampled_from(["cut", "repeat", "insert", "replace"])):
            case "cut":
                text = text[:start] + text[end:]
            case "repeat":
                text = text[:end] + text[start:]
            case "insert":
                text = text[:start] + draw(st.sampled_from(WORDS)) + text[start:]
            case _:
                text = text[:start] + draw(st.text(max_size=6)) + text[end:]
    return text


@st.composite
def damaged_bytes(draw: st.DrawFn, original: bytes) -> bytes:
    """Return bytes of which some are other ones, missing, or too many."""
    data = bytearray(original)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(0, len(data) - 1)))
        match draw(st.sampled_from(["flip", "cut", "end", "insert"])):
            case "flip" if data:
                data[place] ^= draw(st.integers(1, 255))
            case "cut":
                del data[place : place + draw(st.integers(1, 64))]
            case "end":
                del data[place:]
            case _:
                data[place:place] = draw(st.binary(max_size=16))
    return bytes(data)


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=8),
        st.sampled_from(WORDS),
        st.sampled_from([0, 1, -1, 2**31, 2**63, 1e308, ""]),
    ),
    lambda below: st.one_of(st.lists(below, max_size=3), st.dictionaries(st.text(max_size=5), below, max_size=3)),
    max_leaves=5,
)


@st.composite
def damaged_json(draw: st.DrawFn, originals: Sequence[Any]) -> Any:
    """Return one of the values with some places in it replaced, removed, doubled or exchanged."""
    value = copy.deepcopy(draw(st.sampled_from(list(originals))))
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(value))
        if not places:
            return draw(VALUES)
        holder, key = draw(st.sampled_from(places))
        match draw(st.sampled_from(["replace", "remove", "exchange", "nest"])):
            case "replace":
                holder[key] = draw(VALUES)
            case "remove":
                del holder[key]
            case "exchange":
                other, at = draw(st.sampled_from(places))
                holder[key] = copy.deepcopy(other[at])
            case _:
                holder[key] = [holder[key]]
    return value


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Return every place in a value as its container and its key."""
    found: list[tuple[Any, Any]] = []
    pending = [value]
    while pending:
        one = pending.pop()
        keys = list(one) if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
        for key in keys:
            found.append((one, key))
            pending.append(one[key])
    return found
