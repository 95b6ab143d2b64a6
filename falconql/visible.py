"""Texts that others wrote, as a terminal may show them: nothing in them drives it, or reorders what it shows."""

from __future__ import annotations

import json
from typing import Any

_SIGNS = {code: chr(0x2400 + code) for code in range(0x20)}
_SIGNS |= dict.fromkeys((*range(0x7F, 0xA0), *range(0xD800, 0xE000)), "\ufffd")
_MARKS_OF_DIRECTION = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\ufffd")
_LINES = {code: sign for code, sign in _SIGNS.items() if chr(code) not in "\t\n"} | _MARKS_OF_DIRECTION
# Texts of a corpus have marks of direction of their own right.
_ONE_LINE = _SIGNS | dict.fromkeys((9, 10, 11, 12, 13, 0x85, 0x2028, 0x2029), " ")
# What JSON need not escape, but a terminal obeys.
_ESCAPED = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), *range(0xD800, 0xE000), *_MARKS_OF_DIRECTION)}


def visible(text: str) -> str:
    """Return a text with pictures of its control characters; line breaks and tabs stay."""
    return text.replace("\r\n", "\n").translate(_LINES)


def in_one_line(text: str) -> str:
    """Return a text with pictures of its control characters and spaces for its line breaks and tabs."""
    return text.translate(_ONE_LINE)


def json_text(value: Any) -> str:
    """Return data as JSON that a terminal may show, too: what could drive it is escaped, what is no number is null."""
    plain = json.loads(json.dumps(value), parse_constant=lambda _: None)
    return json.dumps(plain, ensure_ascii=False, indent=2).translate(_ESCAPED)


def quoted(text: str, most: int = 80) -> str:
    """Return a text in quotes, in one line, as Python writes it; of a longer one the beginning.

    >>> print(quoted("two\\nlines"), quoted("abcdef", most=4))
    'two\\nlines' 'abc…'
    """
    return repr(text if len(text) <= most else f"{text[: most - 1]}…")
