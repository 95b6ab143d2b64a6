"""What may stand alone in a session without being a query: definitions, a ``text`` clause, comments."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from falconql.diagnostics.model import Diagnostic
from falconql.syntax import ast
from falconql.syntax.lexemes import CLAUSES, Lexeme, clause_starts, lexemes
from falconql.syntax.walk import children

_NEEDS_A_CLAUSE = "FQL112"


def words_in(text: str) -> list[Lexeme]:
    """Return the words and signs of a text, comments left out."""
    return [word for word in lexemes(text) if word.kind != "comment"]


def is_empty(text: str) -> bool:
    """Return whether there is nothing in a text but comments."""
    return all(word.text == ";" for word in words_in(text))


def ends_statement(line: str) -> bool:
    """Return whether a ``;`` ends a line, whatever comment stands behind it."""
    if ";" not in line:
        return False
    words = [word for word in words_in(line) if word.kind != "foreign_comment"]
    # The quote that is not closed is a mistake, which must not reach into the statements behind it.
    return bool(words) and (words[-1].text == ";" or (words[-1].kind.startswith("open_") and line.endswith(";")))


def goes_on(text: str, following: Callable[[], str]) -> bool:
    """Return whether an empty line behind a text stands inside a query: a clause follows that comes later in one.

    Definitions and a ``text`` clause end there all the same, because they hold for what follows anyway.

    Args:
        text: what came before the empty line.
        following: tells the next line that has more than comments; not called where it cannot matter.
    """
    words = words_in(text)
    held = {words[start].lower for start in clause_starts(text, words)}
    # The last clause has nothing behind it, and whoever writes into a pipe may wait for an answer before the next line.
    if held <= {"text", "let"} or "limit" in held:
        return False
    line = following()
    after = words_in(line)
    if 0 not in clause_starts(line, after):
        return False
    last, next_ = max(map(_place, held)), _place(after[0].lower)
    return next_ > last or next_ == last == _place("let")


def _place(clause: str) -> int:
    """Return the place of a clause in a query, one and the same for all bindings."""
    return CLAUSES.index("let" if clause == "each" else clause)


def is_settling(tree: ast.Query) -> bool:
    """Return whether a text only settles what later queries read and mean."""
    return all(isinstance(part, ast.Let | ast.TextColumn) for part in children(tree))


def without_need(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return what is wrong with a text that need not be a query."""
    return [diagnostic for diagnostic in found if diagnostic.code != _NEEDS_A_CLAUSE]
