"""The parser's tables, prepared once.

Building LALR tables and terminals takes longer than a whole ``falconql check`` may. ``tables.json``
holds them, computed from the grammar by ``python -m falconql.syntax``; it is used only if it was
made from this very grammar by this very version of Lark. With another version of Lark the tables
are built once and kept in the user's cache folder. They are JSON and not Lark's own pickle cache:
reading a pickle that somebody else may have written runs their code.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import lark
from lark import Lark
from lark.grammar import Rule
from lark.lexer import TerminalDef

FILE = "tables.json"
_OPTIONS: dict[str, Any] = {"parser": "lalr", "propagate_positions": True, "maybe_placeholders": False}


@cache
def lark_parser() -> Lark:
    """Return the parser, from prepared tables where some fit the installed grammar and Lark."""
    prepared = load(shipped())
    if prepared is not None:
        return prepared
    return load(_cached()) or _built_and_kept()


def build(*, strict: bool = False) -> Lark:
    """Return a parser built from the grammar; ``strict`` refuses any ambiguity (needs interegular)."""
    return Lark.open_from_package("falconql.grammar", "falconql.lark", start="query", strict=strict, **_OPTIONS)


def load(text: str) -> Lark | None:
    """Return a parser from the text of prepared tables, None when they do not fit."""
    try:
        stored = json.loads(text)
    except ValueError:
        return None
    if not isinstance(stored, dict) or stored.get("made_from") != made_from():
        return None
    data, memo = _numbered(stored["data"]), _numbered(stored["memo"])
    loaded: Lark = Lark._load_from_dict(data, memo)  # type: ignore[no-untyped-call]
    return loaded


def shipped() -> str:
    """Return the text of the tables that come with the package."""
    return resources.files("falconql.syntax").joinpath(FILE).read_text(encoding="utf-8")


def made_from() -> str:
    """Return a hash of the grammar files and the version of Lark."""
    digest = hashlib.blake2b(lark.__version__.encode(), digest_size=16)
    for name in ("falconql.lark", "terminals.lark"):
        digest.update(resources.files("falconql.grammar").joinpath(name).read_bytes())
    return digest.hexdigest()


def dump(parser: Lark) -> str:
    """Return the tables of a parser as JSON text."""
    data, memo = parser.memo_serialize([TerminalDef, Rule])
    data["options"] = {**data["options"], "import_paths": [], "source_path": None}
    stored = {"made_from": made_from(), "data": data, "memo": memo}
    return json.dumps(stored, separators=(",", ":")) + "\n"


def _cached() -> str:
    try:
        return _cache_path().read_text(encoding="utf-8")
    except (OSError, RuntimeError, ValueError):
        return ""


def _built_and_kept() -> Lark:
    parser = build()
    # Where nothing can be kept, or no home folder is known, the next start builds again.
    with contextlib.suppress(OSError, RuntimeError):
        path = _cache_path()
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
            file.write(dump(parser))
        os.replace(file.name, path)
    return parser


def _cache_path() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("falconql") / f"tables-{made_from()}.json"


def _numbered(value: Any) -> Any:
    """Return a structure read from JSON with its whole-number keys as numbers again."""
    if isinstance(value, dict):
        return {int(key) if key.isdecimal() else key: _numbered(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbered(item) for item in value]
    return value
