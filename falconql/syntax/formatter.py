"""Queries in canonical form, with their comments.

A clause is laid out as a head and parts (the conjuncts of a ``where``, the items of a ``select``):
on one line where that fits, else one part per line. Comments are found by position and printed
with the part or clause they stood at, on a line of their own before it or behind it; no comment
is lost, and formatting twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from falconql.source import Source, Span
from falconql.syntax import ast
from falconql.syntax.comments import ClauseNotes, Comment, place_comments
from falconql.syntax.parser import parse
from falconql.syntax.printer import CONJUNCT, DISJUNCT, LOOSEST, ExpressionPrinter, name_text, quoted
from falconql.syntax.walk import walk

Clause = (
    ast.From
    | ast.TextColumn
    | ast.Using
    | ast.Let
    | ast.Each
    | ast.Where
    | ast.GroupBy
    | ast.Select
    | ast.OrderBy
    | ast.Limit
)
Part = ast.Expr | ast.Star | ast.Item | ast.Order
# Clauses of one paragraph follow each other without an empty line.
_PARAGRAPHS: tuple[tuple[type[Clause], ...], ...] = (
    (ast.From, ast.TextColumn, ast.Using),
    (ast.Let, ast.Each),
    (ast.Where,),
    (ast.GroupBy, ast.Select),
    (ast.OrderBy, ast.Limit),
)
# Lists are read part by part, so they are broken sooner than single expressions.
LIST_WIDTH = 72
_HEADER_WIDTH = len("using ")


@dataclass(frozen=True, slots=True)
class _Layout:
    """A clause before its lines are made.

    ``head`` begins the first line and ``next_head`` every further one; ``between`` stands between
    parts on one line, ``line_end`` at the end of every broken line but the last. ``within`` is the
    loosest binding of a part that needs no parentheses.
    """

    head: str
    next_head: str
    between: str
    line_end: str
    parts: tuple[Part, ...]
    within: int = LOOSEST


def format_query(query: ast.Query) -> str:
    """Return a query in canonical form, ending with a line break."""
    return _Formatter(None).query(query, {}, ())


def format_source(source: Source) -> str:
    """Return a query text in canonical form, comments and the spelling of numbers kept.

    Raises:
        QueryError: the text has syntax errors.
    """
    query = parse(source)
    clauses = clauses_of(query)
    regexes = {node.span.start for node in walk(query) if isinstance(node, ast.Regex)}
    notes, tail = place_comments(source.text, [(clause.span, _part_spans(clause)) for clause in clauses], regexes)
    by_clause = {id(clause): note for clause, note in zip(clauses, notes, strict=True)}
    return _Formatter(source).query(query, by_clause, tail)


def clauses_of(query: ast.Query) -> list[Clause]:
    """Return the clauses that were written, in order."""
    before = (query.source, query.text, query.using, *query.bindings)
    after = (query.where, query.group_by, query.select, query.order_by, query.limit)
    return [clause for clause in (*before, *after) if clause is not None]


def _part_spans(clause: Clause) -> list[Span]:
    return [part.span for part in _parts(clause)] or [clause.span]


def _parts(clause: Clause) -> tuple[Part, ...]:
    match clause:
        case ast.Where(condition=ast.And() | ast.Or() as condition):
            return condition.operands
        case ast.Where():
            return (clause.condition,)
        case ast.GroupBy() | ast.OrderBy():
            return clause.keys
        case ast.Select():
            return clause.items
        case _:
            return ()


class _Formatter:
    def __init__(self, source: Source | None) -> None:
        self.expressions = ExpressionPrinter(source)

    def query(self, query: ast.Query, notes: dict[int, ClauseNotes], tail: Sequence[Comment]) -> str:
        lines: list[str] = []
        clauses = clauses_of(query)
        width = max((len(name_text(c.name.text)) for c in clauses if isinstance(c, ast.Let)), default=0)
        for index, clause in enumerate(clauses):
            if index and _paragraph(clauses[index - 1]) != _paragraph(clause):
                lines.append("")
            note = notes.get(id(clause)) or ClauseNotes()
            for comment in note.before:
                lines += [comment.text, ""] if comment.blank_after else [comment.text]
            lines += self._clause(clause, note, width)
        for comment in tail:
            lines += ["", comment.text] if comment.blank_before and lines else [comment.text]
        return "".join(line + "\n" for line in lines)

    def _clause(self, clause: Clause, note: ClauseNotes, name_width: int) -> list[str]:
        layout = self._layout(clause)
        if layout is None:
            return _with_comment(self._single(clause, name_width), note.behind.get(0))
        one_line = layout.head + layout.between.join(self._part(part, layout.within) for part in layout.parts)
        last = len(layout.parts) - 1
        if len(one_line) <= LIST_WIDTH and not note.inside and set(note.behind) <= {last}:
            return _with_comment(one_line, note.behind.get(last))
        return self._broken(layout, note)

    def _broken(self, layout: _Layout, note: ClauseNotes) -> list[str]:
        lines: list[str] = []
        width = max((len(_item_name(part)) for part in layout.parts), default=0)
        indent = " " * (len(layout.next_head) - len(layout.next_head.lstrip()))
        for index, part in enumerate(layout.parts):
            head = layout.head if index == 0 else layout.next_head
            end = layout.line_end if index < len(layout.parts) - 1 else ""
            lines += [indent + comment.text for comment in note.inside.get(index, ())]
            text = self._part(part, layout.within, column=len(head), name_width=width, tail=len(end))
            lines += _with_comment(head + text + end, note.behind.get(index))
        return lines

    def _layout(self, clause: Clause) -> _Layout | None:
        match clause:
            case ast.Where(condition=ast.Or()):
                return _Layout("where ", "   or ", " or ", "", _parts(clause), DISJUNCT)
            case ast.Where(condition=ast.And()):
                return _Layout("where ", "  and ", " and ", "", _parts(clause), CONJUNCT)
            case ast.Where():
                return _Layout("where ", "", "", "", _parts(clause))
            case ast.GroupBy():
                return _Layout("group by ", " " * 9, ", ", ",", _parts(clause))
            case ast.Select():
                return _Layout("select ", " " * 7, ", ", ",", _parts(clause))
            case ast.OrderBy():
                return _Layout("order by ", " " * 9, ", ", ",", _parts(clause))
            case _:
                return None

    def _single(self, clause: Clause, name_width: int) -> str:
        match clause:
            case ast.From():
                return "from".ljust(_HEADER_WIDTH) + quoted(clause.path.value)
            case ast.TextColumn():
                return "text".ljust(_HEADER_WIDTH) + name_text(clause.column.text)
            case ast.Using():
                return "using ".ljust(_HEADER_WIDTH) + ("llm " if clause.llm else "") + quoted(clause.model.value)
            case ast.Let():
                head = f"let {name_text(clause.name.text).ljust(name_width)} = "
                return head + self.expressions.text(clause.value, len(head))
            case ast.Each():
                head = f"each {name_text(clause.name.text)} in "
                return head + self.expressions.text(clause.value, len(head))
            case ast.Limit():
                return "limit " + self.expressions.text(clause.count, len("limit "))
            case ast.Where() | ast.GroupBy() | ast.Select() | ast.OrderBy():
                raise AssertionError("laid out in parts")
            case _:
                assert_never(clause)

    def _part(self, part: Part, within: int, *, column: int | None = None, name_width: int = 0, tail: int = 0) -> str:
        """Return a part: on one line, or from ``column`` on over as many lines as it needs."""
        match part:
            case ast.Star():
                return "*"
            case ast.Item():
                head = f"{_item_name(part).ljust(name_width)} " if part.name else ""
                return head + self._expression(part.value, within, column, len(head), tail)
            case ast.Order():
                direction = {None: "", False: " asc", True: " desc"}[part.descending]
                return self._expression(part.value, within, column, 0, tail + len(direction)) + direction
            case _:
                return self._expression(part, within, column, 0, tail)

    def _expression(self, expr: ast.Expr, within: int, column: int | None, before: int, tail: int) -> str:
        if column is None:
            return self.expressions.flat(expr, within)
        return self.expressions.text(expr, column + before, within=within, tail=tail)


def _item_name(part: Part) -> str:
    return f"{name_text(part.name.text)}:" if isinstance(part, ast.Item) and part.name else ""


def _paragraph(clause: Clause) -> int:
    return next(index for index, kinds in enumerate(_PARAGRAPHS) if isinstance(clause, kinds))


def _with_comment(text: str, comment: Comment | None) -> list[str]:
    return [f"{text}  {comment.text}" if comment else text]
