"""The grammar files as data: rules over tokens, and what each token is made of. Lark reads the files.

Nothing is between the tokens yet; ``layout`` puts white space there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from lark import Token, Tree
from lark.grammar import NonTerminal, Terminal
from lark.lexer import PatternRE, PatternStr
from lark.load_grammar import FromPackageLoader, PrepareLiterals, load_grammar

from falconql.decoding.model import Literal, Node, Ref, choice, repeat, seq
from falconql.decoding.regex import from_regex

_TIMES = {"?": (0, 1), "*": (0, None), "+": (1, None)}


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way to write a rule; ``alias`` tells it from the others where the tree does."""

    alias: str | None
    body: Node


@dataclass(frozen=True, slots=True)
class Syntax:
    """The grammar as its files have it.

    Attributes:
        rules: the alternatives of each rule, over references to rules and tokens and over literals.
        terminals: what Lark knows of each token; ``terminal`` turns it into a node.
        ignored: the tokens that may stand anywhere.
    """

    rules: Mapping[str, tuple[Alternative, ...]]
    terminals: Mapping[str, Any]
    ignored: frozenset[str]

    def terminal(self, name: str) -> Node:
        """Return what a token is made of; where case is ignored, as the grammar spells it."""
        return _node(PrepareLiterals().transform(self.terminals[name]))


@cache
def read_syntax() -> Syntax:
    """Return the grammar of the language, read by Lark."""
    loader = FromPackageLoader("falconql.grammar")
    path, text = loader(None, "falconql.lark")
    loaded, _ = load_grammar(text, path, [loader], False)  # type: ignore[no-untyped-call]
    rules = {str(name): _alternatives(tree) for name, _, tree, _ in loaded.rule_defs}
    terminals = {str(name): tree for name, (tree, _) in loaded.term_defs}
    return Syntax(rules, terminals, frozenset(map(str, loaded.ignore)))


def _alternatives(tree: Any) -> tuple[Alternative, ...]:
    found = []
    for option in PrepareLiterals().transform(tree).children:
        aliased = option.data == "alias"
        body, alias = option.children if aliased else (option, None)
        found.append(Alternative(alias.name if alias is not None else None, _node(body)))
    return tuple(found)


def _node(tree: Any) -> Node:
    match tree:
        case Terminal() | NonTerminal():
            return Ref(tree.name)
        case Tree(data="expansions", children=options):
            return choice(map(_node, options))
        case Tree(data="expansion", children=parts):
            return seq(*map(_node, parts))
        case Tree(data="value" | "literal", children=[only]):
            return _node(only)
        case Tree(data="expr", children=[body, Token(type="OP") as op]):
            return repeat(_node(body), *_TIMES[str(op)])
        case Tree(data="pattern", children=[PatternRE() as pattern]):
            # Flags are left out: `i` allows further spellings, and one is enough to write.
            return from_regex(pattern.value)
        case Tree(data="pattern", children=[PatternStr() as pattern]):
            return Literal(pattern.value)
    raise ValueError(f"the grammar uses what the decoding grammars do not know: {tree}")


def is_terminal(name: str) -> bool:
    """Return whether a name is that of a token, which Lark writes in upper case."""
    return re.fullmatch("[A-Z_]+", name) is not None
