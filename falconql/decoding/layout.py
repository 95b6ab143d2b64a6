"""White space as part of the rules, where the formatter puts it.

Lark skips white space and comments; what a model writes has to have them. Between two symbols stands one of
the terminals defined here, told by the tokens that can end the first and begin the second. Only where a
formatter has a choice is anything known of single rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from falconql.decoding.model import EMPTY, Choice, Literal, Node, Ref, Repeat, Seq, choice, nullable, optional, seq
from falconql.decoding.reading import Alternative, Syntax, is_terminal

# Between words; where columns are aligned; where a list may be broken; between clauses; before and after all.
SPACE, PAD, BREAK, CLAUSE, LEADING, TRAILING = "SPACE", "PAD", "BREAK", "CLAUSE", "LEADING", "TRAILING"
_HEADERS = frozenset({"FROM", "TEXT_WORD", "USING", "LLM"})
# A minus sign at another begins a comment.
_GLUED = "MINUS"


@dataclass(frozen=True, slots=True)
class Layout:
    """Puts white space into the rules of a grammar."""

    syntax: Syntax
    _chain: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_chain", frozenset(_clause_chain(self.syntax)))

    def rules(self) -> dict[str, tuple[Alternative, ...]]:
        """Return every rule with its white space."""
        return {
            name: tuple(Alternative(option.alias, self._spaced(name, option.body)) for option in options)
            for name, options in self.syntax.rules.items()
        }

    def _spaced(self, rule: str, node: Node) -> Node:
        match node:
            case Choice(options):
                return choice(self._spaced(rule, option) for option in options)
            case Seq(parts):
                return self._row(rule, parts)
            case Repeat():
                return self._row(rule, (node,))
            case _:
                return node

    def _row(self, rule: str, parts: tuple[Node, ...]) -> Node:
        """Return symbols with white space between them; what may be left out takes its own along."""
        row: list[Node] = []
        before: Node | None = None
        for index, part in enumerate(parts):
            body = part.body if isinstance(part, Repeat) else part
            spaced = self._spaced(rule, body)
            if before is None and nullable(part):
                row.append(optional(spaced, self._between(rule, body, parts[index + 1])))
                continue
            gap = EMPTY if before is None else self._between(rule, before, body)
            if isinstance(part, Repeat):
                again = seq(self._between(rule, body, body), spaced) if part.most is None else EMPTY
                if part.least:
                    row.append(seq(gap, spaced, Repeat(again, 0, None)))
                else:
                    row.append(Repeat(seq(gap, spaced), 0, part.most))
                    before = choice([before, body]) if before is not None else body
                    continue
            elif index == 1 and self._lasts(parts[0]) == {_GLUED}:
                row.append(choice([seq(Ref(SPACE), spaced), self._not_glued(body)]))
            else:
                row.append(seq(gap, spaced))
            before = body
        return seq(*row)

    def _not_glued(self, node: Node) -> Node:
        """Return the ways to write a rule that can stand at a minus sign."""
        assert isinstance(node, Ref), "an operand is a rule"
        fitting = (option.body for option in self.syntax.rules[node.name])
        return choice(self._spaced(node.name, body) for body in fitting if _GLUED not in self._firsts(body))

    def _between(self, rule: str, left: Node, right: Node) -> Node:
        lasts, firsts = self._lasts(left), self._firsts(right)
        if firsts <= {",", ")", ":", ";"} or lasts <= {"("}:
            return EMPTY
        if rule in self._chain:
            return Ref(CLAUSE)
        if lasts == {"NAME"} and firsts == {"("}:
            return EMPTY
        if lasts <= {","} or firsts <= {"AND", "OR"}:
            return Ref(BREAK)
        if lasts <= {":"} or lasts <= _HEADERS or (rule == "let" and firsts == {"EQUAL"}):
            return Ref(PAD)
        return Ref(SPACE)

    def _firsts(self, node: Node) -> frozenset[str]:
        return frozenset(self._edge(node, set(), last=False))

    def _lasts(self, node: Node) -> frozenset[str]:
        return frozenset(self._edge(node, set(), last=True))

    def _edge(self, node: Node, seen: set[str], *, last: bool) -> Iterator[str]:
        """Yield the tokens that a node can begin with, or end with."""
        match node:
            case Literal(text):
                yield text
            case Ref(name) if is_terminal(name):
                yield name
            case Ref(name) if name not in seen:
                seen.add(name)
                for alternative in self.syntax.rules[name]:
                    yield from self._edge(alternative.body, seen, last=last)
            case Choice(options):
                for option in options:
                    yield from self._edge(option, seen, last=last)
            case Repeat(body, _, _):
                yield from self._edge(body, seen, last=last)
            case Seq(parts):
                for part in reversed(parts) if last else parts:
                    yield from self._edge(part, seen, last=last)
                    if not nullable(part):
                        break


def formatted(comment: Node) -> Mapping[str, Node]:
    """Return the white space that ``falconql fmt`` writes, with comments in all its places."""
    space = Repeat(Literal(" "), 0, None)
    behind = optional("  ", Ref("COMMENT"))
    line = seq(space, Ref("COMMENT"), "\n", optional("\n"))
    lines = Repeat(line, 0, None)
    return {
        "COMMENT": comment,
        PAD: Repeat(Literal(" "), 1, None),
        BREAK: choice([" ", seq(behind, "\n", Repeat(seq(space, Ref("COMMENT"), "\n"), 0, None), space)]),
        CLAUSE: seq(behind, "\n", optional("\n"), lines),
        LEADING: Repeat(line, 1, None),
        TRAILING: choice([seq("  ", Ref("COMMENT")), seq(behind, "\n", optional("\n"), lines)]),
    }


def compact(*, broken: bool) -> Mapping[str, Node]:
    """Return white space without comments: a line per clause; ``broken`` allows lists over several lines."""
    indent = Repeat(Literal(" "), 2, 32)
    return {
        PAD: Repeat(Literal(" "), 1, 16) if broken else Literal(" "),
        BREAK: choice([" ", seq("\n", indent)]) if broken else Literal(" "),
        CLAUSE: seq("\n", optional("\n")) if broken else Literal("\n"),
        TRAILING: Literal("\n"),
    }


def _clause_chain(syntax: Syntax) -> Iterator[str]:
    """Yield the rules that put clauses one after the other: those that the start leads to, up to the clauses."""
    waiting, seen = ["query"], set()
    while waiting:
        name = waiting.pop()
        if name in seen or (name != "query" and not name.startswith("_")):
            continue
        seen.add(name)
        yield name
        for option in syntax.rules[name]:
            for part in option.body.parts if isinstance(option.body, Seq) else (option.body,):
                inner = part.body if isinstance(part, Repeat) else part
                if isinstance(inner, Ref):
                    waiting.append(inner.name)
