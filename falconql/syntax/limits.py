"""What no parser should be asked to read: texts with nothing in them, or without bounds."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lark import Token, Tree

from falconql.diagnostics.model import Diagnostic, Help
from falconql.source import Span
from falconql.syntax.lexemes import Lexeme
from falconql.syntax.place import problem

MOST_NESTING = 100
MOST_DIGITS = 300
_SURROGATE = re.compile("[\ud800-\udfff]")


def screen(text: str, words: Sequence[Lexeme]) -> Diagnostic | None:
    """Return what makes a text unreadable as a whole: nothing in it, no Unicode, or too deep for any parser."""
    broken = _SURROGATE.search(text)
    if broken is not None:
        message = "the query is not valid Unicode here"
        return problem("FQL020", message, Span(*broken.span()), Help("save the query as UTF-8"))
    if not words:
        help_ = Help('a query needs at least a `where`, an `each` or a `select`, e.g. `where label("...")`')
        return problem("FQL001", "the query is empty", Span(0, 0), help_)
    depth = run = 0
    for word in words:
        depth += (word.text == "(") - (word.text == ")")
        run = run + 1 if word.lower in ("not", "-") else 0
        if max(depth, run) > MOST_NESTING:
            return too_deep(word.span)
        if word.kind == "number" and len(word.text) > MOST_DIGITS:
            return problem("FQL012", f"a number of {len(word.text)} signs is too long", word.span)
    return None


def deeper_than(tree: Tree[Token]) -> Span | None:
    """Return where a tree is nested too deeply for the recursive stages that follow."""
    stack = [(tree, 0)]
    while stack:
        node, depth = stack.pop()
        if depth > MOST_NESTING:
            return Span(node.meta.start_pos, node.meta.end_pos)
        # Parentheses leave no node in the syntax tree.
        below = depth + (node.data != "group")
        stack.extend((child, below) for child in node.children if isinstance(child, Tree))
    return None


def too_deep(span: Span) -> Diagnostic:
    """Return the diagnostic for an expression that the recursive stages could not take."""
    message = f"expressions nest more than {MOST_NESTING} levels deep here"
    return problem("FQL011", message, span, Help("take parts out with `let`"))
