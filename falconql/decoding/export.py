"""The decoding grammar of the whole language, computed from the grammar files.

Everything that ``falconql fmt`` prints is one of its sentences, and every sentence is a query, up to the limits
that no grammar can say: expressions nested too deeply, numbers too large.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from falconql.decoding import charset
from falconql.decoding.layout import LEADING, SPACE, TRAILING, Layout, formatted
from falconql.decoding.model import Chars, Grammar, Literal, Node, Ref, Repeat, Seq, optional, rewrite, seq, walk
from falconql.decoding.reading import Syntax, read_syntax
from falconql.decoding.regex import from_regex
from falconql.decoding.shaping import inlined, shaped
from falconql.decoding.sharing import with_shared_sets
from falconql.decoding.words import all_but
from falconql.syntax.builder import ESCAPE
from falconql.syntax.keywords import reserved_words


@cache
def whole_grammar() -> Grammar:
    """Return the grammar of every query, in the spelling and layout of ``falconql fmt``."""
    syntax = read_syntax()
    words = {**constant_tokens(syntax), SPACE: Literal(" ")}
    rules = {
        name: inlined(shaped(name, [option.body for option in options]), words)
        for name, options in Layout(syntax).rules().items()
    }
    rules["root"] = seq(optional(Ref(LEADING)), Ref("query"), optional(Ref(TRAILING)))
    tokens = with_shared_sets(_varying_tokens(syntax))
    return Grammar({**rules, **tokens, **formatted(syntax.terminal("COMMENT"))}).reachable()


def constant_tokens(syntax: Syntax) -> dict[str, Node]:
    """Return the tokens that are one of a few words or signs."""
    found = {name: syntax.terminal(name) for name in syntax.terminals if name not in syntax.ignored}
    return {name: node for name, node in found.items() if not any(isinstance(n, (Chars, Repeat)) for n in walk(node))}


def name_characters(syntax: Syntax) -> tuple[charset.Ranges, charset.Ranges]:
    """Return what a name without back-ticks begins with, and what it goes on with."""
    match syntax.terminal("NAME"):
        case Seq((Chars(first), Repeat(Chars(further), _, _))):
            return first, further
    raise ValueError("a name is no longer a first character and any number of further ones")


def _varying_tokens(syntax: Syntax) -> Mapping[str, Node]:
    constant = constant_tokens(syntax)
    tokens = {
        name: syntax.terminal(name) for name in syntax.terminals if name not in constant and name not in syntax.ignored
    }
    first, further = name_characters(syntax)
    tokens["NAME"] = all_but(reserved_words(), first, further)
    tokens["TEXT"] = _with_escapes_that_mean_something(tokens["TEXT"])
    return tokens


def _with_escapes_that_mean_something(text: Node) -> Node:
    """Return a text whose backslashes the syntax tree understands; the lexer takes any, to complain better."""
    any_escape = seq("\\", Chars(charset.outside(charset.of("\n"))))
    escape = from_regex(ESCAPE.pattern, ESCAPE.flags)
    return rewrite(text, lambda node: escape if node == any_escape else node)
