"""What may come next, by the grammar and the schema. Pure: text in, candidates out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lark.exceptions import UnexpectedInput

from falconql.check.functions import FUNCTIONS
from falconql.diagnostics.suggest import near_names
from falconql.syntax.keywords import keywords
from falconql.syntax.lexemes import Lexeme, lexemes
from falconql.syntax.printer import name_text
from falconql.syntax.tables import lark_parser


@dataclass(frozen=True, slots=True)
class Candidate:
    """A completion: ``text`` replaces everything from ``start`` to the cursor."""

    text: str
    start: int
    kind: str


@dataclass(frozen=True, slots=True)
class Known:
    """The names that a session knows.

    Attributes:
        columns: by name, the type for people.
        definitions: names of ``let`` clauses kept.
        commands: dot commands.
        settings: what ``.set`` takes.
    """

    columns: dict[str, str]
    definitions: Sequence[str] = ()
    commands: Sequence[str] = ()
    settings: Sequence[str] = ()


def candidates(before: str, known: Known) -> list[Candidate]:
    """Return what the text before the cursor may go on with, likeliest first."""
    if before.startswith("."):
        return _commands(before, known)
    if before.startswith("?"):
        return []
    words = lexemes(before)
    last = words[-1] if words else None
    if last is not None and last.kind == "comment" and "\n" not in before[last.start :]:
        return []
    if last is not None and last.kind == "open_text":
        return _quoted(before, last, known)
    typed = last if last is not None and last.end == len(before) and last.kind in ("word", "open_name") else None
    start = typed.start if typed else len(before)
    accepted = _accepted(before[:start])
    pool = _pool(before[:start], words[:-1] if typed else words, accepted, known)
    if before[start:].startswith("`"):
        # In back-ticks stands a name, which no keyword and no function is.
        pool = [offer for offer in pool if offer[2] != "keyword" and not offer[1].endswith("(")]
    return _fitting(before[start:].lstrip("`"), start, pool)


def _commands(before: str, known: Known) -> list[Candidate]:
    name, space, rest = before[1:].partition(" ")
    if not space:
        return _fitting(name, 1, [_as_it_is(command, "command") for command in known.commands])
    if name == "set" and " " not in rest:
        return _fitting(rest, len(before) - len(rest), [_as_it_is(setting, "setting") for setting in known.settings])
    if name in ("explain", "analyze", "rules"):
        moved = len(before) - len(rest)
        return [Candidate(c.text, c.start + moved, c.kind) for c in candidates(rest, known)]
    return []


def _quoted(before: str, last: Lexeme, known: Known) -> list[Candidate]:
    """Complete a name inside braces of an instruction."""
    opened = re.search(r"\{(\w*)$", before[last.start :])
    if not opened:
        return []
    names = [*_bound(before[: last.start]), *known.definitions, *known.columns]
    fitting = [_as_it_is(name, "name") for name in names if name and _NEEDS_ESCAPE.isdisjoint(name)]
    return _fitting(opened[1], len(before) - len(opened[1]), fitting)


_NEEDS_ESCAPE = frozenset("{}\"'\\\n")


def _pool(before: str, words: Sequence[Lexeme], accepted: frozenset[str], known: Known) -> list[_Offer]:
    """Return all that the grammar accepts, names first where a name is likely."""
    word_of = keywords()
    spoken = [_as_it_is(word_of[name], "keyword") for name in word_of if name in accepted]
    if "NAME" not in accepted or (words and words[-1].lower in ("let", "each")):
        return spoken
    # No query can write a name of nothing, or of several lines.
    columns = [(name, name_text(name), type_) for name, type_ in known.columns.items() if name and "\n" not in name]
    bound = [(name, name_text(name), "definition") for name in [*_bound(before), *known.definitions]]
    if "NOT" not in accepted and "INTEGER" not in accepted:
        return [*columns, *spoken]
    functions = [_as_it_is(f"{name}(", signature.gives) for name, signature in FUNCTIONS.items()]
    return [*bound, *columns, *functions, *spoken]


def _bound(before: str) -> list[str]:
    """Return the names that ``let`` and ``each`` of the text itself define."""
    return re.findall(r"\b(?:let|each)\s+(\w+)", before, re.IGNORECASE)


def _accepted(before: str) -> frozenset[str]:
    """Return the terminals that the grammar accepts after a text, all of them after one that it does not know."""
    parser = lark_parser().parse_interactive(before)
    try:
        parser.exhaust_lexer()
    except UnexpectedInput:
        return frozenset({*keywords(), "NAME", "INTEGER"})
    return frozenset(parser.accepts())  # type: ignore[no-untyped-call]


# What it begins with when typed, how it is written, and its kind.
_Offer = tuple[str, str, str]


def _as_it_is(text: str, kind: str) -> _Offer:
    return text, text, kind


def _fitting(typed: str, start: int, pool: Iterable[_Offer]) -> list[Candidate]:
    """Return those that begin with what was typed, else those that are near it, each once."""
    offered = list(pool)
    found = [offer for offer in offered if offer[0].casefold().startswith(typed.casefold())]
    if not found and len(typed) >= 3:
        near = near_names(typed, dict.fromkeys(said for said, _, _ in offered))
        found = sorted((offer for offer in offered if offer[0] in near), key=lambda offer: near.index(offer[0]))
    kinds = {written: kind for _, written, kind in reversed(found)}
    return [Candidate(written, start, kinds[written]) for written in dict.fromkeys(each[1] for each in found)]
