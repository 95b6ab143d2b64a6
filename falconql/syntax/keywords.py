"""The words of the language, computed from the loaded grammar and never written twice."""

from __future__ import annotations

from functools import cache

from falconql.syntax.tables import lark_parser


@cache
def keywords() -> dict[str, str]:
    """Return the word of every keyword terminal, in lower case, by the terminal's name."""
    found = {}
    for terminal in lark_parser().terminals:
        word = terminal.pattern.value.removesuffix(r"\b")
        if "i" in terminal.pattern.flags and word.isalpha():
            found[terminal.name] = word.lower()
    return found


@cache
def reserved_words() -> frozenset[str]:
    """Return the keywords that cannot be names without back-ticks: those that may stand where a name may."""
    states = lark_parser().parser.parser._parse_table.states.values()
    terminals = {terminal for actions in states if "NAME" in actions for terminal in actions}
    return frozenset(word for terminal, word in keywords().items() if terminal in terminals)
