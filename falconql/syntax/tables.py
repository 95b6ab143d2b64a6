"""The parser's tables, prepared once.

Building LALR tables and terminals takes several times as long as a whole ``falconql check`` may.
``tables.json`` holds them, computed from the grammar by ``python -m falconql.syntax``; it is
used only if it was made from this very grammar by this very version of Lark, otherwise the tables
are built. It is JSON and not Lark's own pickle cache: a pickle in a shared folder is code.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib import resources
from typing import Any

import lark
from lark import Lark
from lark.grammar import Rule
from lark.lexer import TerminalDef

FILE = "tables.json"
_OPTIONS: dict[str, Any] = {"parser": "lalr", "propagate_positions": True, "maybe_placeholders": False}


@cache
def lark_parser() -> Lark:
    """Return the parser, from the prepared tables when they fit the installed grammar and Lark."""
    return load() or build()


def build(*, strict: bool = False) -> Lark:
    """Return a parser built from the grammar; ``strict`` refuses any ambiguity (needs interegular)."""
    return Lark.open_from_package("falconql.grammar", "falconql.lark", start="query", strict=strict, **_OPTIONS)


def load() -> Lark | None:
    """Return a parser from the prepared tables, None when they are missing or do not fit."""
    try:
        stored = json.loads(resources.files("falconql.syntax").joinpath(FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if stored.get("made_from") != made_from():
        return None
    data, memo = _numbered(stored["data"]), _numbered(stored["memo"])
    loaded: Lark = Lark._load_from_dict(data, memo)  # type: ignore[no-untyped-call]
    return loaded


def made_from() -> str:
    """Return a hash of the grammar files and the version of Lark."""
    digest = hashlib.blake2b(lark.__version__.encode(), digest_size=16)
    for name in ("falconql.lark", "terminals.lark"):
        digest.update(resources.files("falconql.grammar").joinpath(name).read_bytes())
    return digest.hexdigest()


def dump() -> str:
    """Return the tables of the grammar as JSON text."""
    data, memo = build().memo_serialize([TerminalDef, Rule])
    data["options"] = {**data["options"], "import_paths": [], "source_path": None}
    stored = {"made_from": made_from(), "data": data, "memo": memo}
    return json.dumps(stored, separators=(",", ":")) + "\n"


def _numbered(value: Any) -> Any:
    """Return a structure read from JSON with its whole-number keys as numbers again."""
    if isinstance(value, dict):
        return {int(key) if key.isdecimal() else key: _numbered(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbered(item) for item in value]
    return value
