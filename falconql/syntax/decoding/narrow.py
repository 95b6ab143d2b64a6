"""The part of the language that answers an instruction over one corpus, as a grammar that cannot run on.

Made of the words of the whole language: its keywords, its names. What is left out cannot be written: files and
proxies, columns that the corpus does not have, comparisons that the types forbid, ``or`` and ``and`` mixed
without parentheses, endless lists.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from falconql.syntax.decoding.model import (
    Chars,
    Grammar,
    Literal,
    Node,
    Repeat,
    Rule,
    choice,
    listed,
    optional,
    seq,
)
from falconql.syntax.keywords import keywords
from falconql.syntax.printer import name_text, quoted

MOST_BINDINGS = 3
MOST_CONDITIONS = 6
MOST_ALTERNATIVES = 4
MOST_ITEMS = 8
MOST_CHOICES = 8
WORD_CHARACTERS = 24
TEXT_CHARACTERS = 100
NAME_CHARACTERS = 24


@dataclass(frozen=True, slots=True)
class Column:
    """A column as conditions may use it.

    Attributes:
        name: as in the corpus.
        kind: ``number``, ``date``, ``bool``, ``text``, ``list`` or ``other``.
        values: for a text with few values, all of them; a condition then names one of these.
        question: whether model calls may read it.
    """

    name: str
    kind: str
    values: tuple[str, ...] = ()
    question: bool = False


def narrow_grammar(
    columns: Sequence[Column],
    *,
    text: str | None,
    conditions: Collection[str] | None = None,
    thinking: bool = False,
    steps: bool = True,
) -> Grammar:
    """Return the grammar of queries over a corpus.

    Args:
        columns: the columns that may be used.
        text: the column that model calls read when none is named.
        conditions: the columns that conditions may be about; None allows all.
        thinking: comment lines with conditions and outputs come first.
        steps: whether ``let`` and ``each`` may be used.

    Example:
        >>> from falconql.syntax.decoding import gbnf
        >>> grammar = narrow_grammar([Column("stars", "number")], text=None)
        >>> print(gbnf(grammar).splitlines()[0])
        root ::= query | refusal
    """
    allowed = [c for c in columns if conditions is None or c.name in conditions]
    return _Narrow(columns, allowed, text).grammar(thinking=thinking, steps=steps)


class _Narrow:
    def __init__(self, columns: Sequence[Column], allowed: Sequence[Column], text: str | None) -> None:
        self.columns = columns
        self.allowed = allowed
        self.text = text

    def grammar(self, *, thinking: bool, steps: bool) -> Grammar:
        rules: dict[str, Node] = {"root": choice(Rule("query"), Rule("refusal"))}
        rules["line"] = Repeat(Chars((("\n", "\n"),), negated=True), 1, 2 * TEXT_CHARACTERS)
        rules["refusal"] = seq("-- cannot: ", Rule("line"))
        if thinking:
            rules["root"] = choice(seq(Rule("thoughts"), Rule("query")), Rule("refusal"))
            step = optional(seq("-- step: ", Rule("line"), "\n"))
            rules["thoughts"] = seq("-- keep: ", Rule("line"), "\n", step, "-- give: ", Rule("line"), "\n")
        rules["var"] = seq(Chars((("a", "z"),)), Repeat(Chars((("a", "z"), ("_", "_"))), 0, NAME_CHARACTERS))
        steps = steps and self.text is not None
        if steps:
            rules["binding"] = self._binding()
        rules["query"] = self._query(steps)
        if self.text is not None or self.allowed:
            rules["where"] = seq(_word("WHERE"), " ", Rule("condition"))
            rules |= self._conditions()
        rules["select"] = seq(_word("SELECT"), " ", listed(Rule("item"), MOST_ITEMS))
        rules["item"] = self._item()
        rules["order"] = seq(_word("ORDER"), " ", _word("BY"), " ", listed(Rule("key"), 2))
        rules["key"] = seq(self._sort_value(), optional(seq(" ", _word("DESC"))))
        rules["limit"] = seq(_word("LIMIT"), " ", Rule("positive"))
        rules["positive"] = seq(Chars((("1", "9"),)), Repeat(Chars((("0", "9"),)), 0, 3))
        rules["group"] = seq(_word("GROUP"), " ", _word("BY"), " ", listed(self._group_key(), 2))
        rules["aggregate"] = self._aggregate()
        rules |= self._texts()
        return Grammar(rules, _TOKENS).reachable()

    def _query(self, steps: bool) -> Node:
        """Return clauses with a line break between them and none at the end: a model stops where it likes."""
        limit, order = _then(Rule("limit")), _then(Rule("order"))
        tail = seq(optional(order), optional(limit))
        rows = seq(Rule("select"), tail)
        grouped = seq(Rule("group"), "\n", Rule("select"), tail)
        options: list[Node] = [grouped, rows]
        if self.text is not None or self.allowed:
            options.append(seq(Rule("where"), choice(_then(grouped), _then(rows), tail)))
        body = choice(*options)
        return seq(Repeat(seq(Rule("binding"), "\n"), 0, MOST_BINDINGS), body) if steps else body

    def _binding(self) -> Node:
        each = seq(_word("EACH"), " ", Rule("var"), " ", _word("IN"), " ", self._found("spans"))
        let = seq(_word("LET"), " ", Rule("var"), " = ", choice(self._found("span"), Rule("label"), Rule("choose")))
        return choice(each, let)

    def _conditions(self) -> dict[str, Node]:
        term = seq(optional(seq(_word("NOT"), " ")), choice(Rule("atom"), Rule("alternatives")))
        option = seq(optional(seq(_word("NOT"), " ")), choice(Rule("atom"), Rule("together")))
        joined_and, joined_or = f" {keywords()['AND']} ", f" {keywords()['OR']} "
        inner = seq(optional(seq(_word("NOT"), " ")), Rule("atom"))
        return {
            "condition": choice(
                listed(Rule("term"), MOST_CONDITIONS, joined_and),
                seq(Rule("option"), Repeat(seq(joined_or, Rule("option")), 1, MOST_ALTERNATIVES - 1)),
            ),
            "term": term,
            "option": option,
            "alternatives": seq("(", inner, Repeat(seq(joined_or, inner), 1, MOST_ALTERNATIVES - 1), ")"),
            "together": seq("(", inner, Repeat(seq(joined_and, inner), 1, MOST_ALTERNATIVES - 1), ")"),
            "atom": choice(*self._atoms()),
        }

    def _atoms(self) -> list[Node]:
        atoms: list[Node] = []
        if self.text is not None:
            value = seq("number(", Rule("var"), ")", self._compared(), Rule("number"))
            atoms = [Rule("label"), seq("exists(", Rule("var"), ")"), value]
        for column in self.allowed:
            atoms.extend(self._column_tests(column))
        return atoms

    def _column_tests(self, column: Column) -> list[Node]:
        name = name_text(column.name)
        compared = self._compared()
        null = seq(f"{name} {keywords()['IS']} ", optional(seq(_word("NOT"), " ")), _word("NULL"))
        if column.kind == "number":
            return [seq(name, compared, Rule("number")), null]
        if column.kind == "date":
            return [seq(name, compared, Rule("date")), null]
        if column.kind == "bool":
            return [Literal(name)]
        if column.kind not in ("text", "list"):
            return [null]
        contains = seq(f"{name} {keywords()['CONTAINS']} ", Rule("quoted"))
        if column.kind == "list" or column.question:
            return [contains, null]
        one = choice(*map(quoted, column.values)) if column.values else Rule("quoted")
        return [
            seq(name, choice(" = ", " != "), one),
            seq(f"{name} {keywords()['IN']} (", listed(one, MOST_CHOICES), ")"),
            contains,
            null,
        ]

    def _compared(self) -> Node:
        return choice(*(f" {sign} " for sign in ("=", "!=", "<=", ">=", "<", ">")))

    def _item(self) -> Node:
        # A name alone could not be told from a column's: what has a value of its own is given one.
        values: list[Node] = [Rule("aggregate")]
        if self.text is not None:
            values += [self._found("span"), self._found("spans"), Rule("label"), Rule("choose")]
            values.append(seq("score(", Rule("var"), ")"))
        named = seq(Rule("var"), ": ", choice(*values))
        plain = [Literal(name_text(column.name)) for column in self.columns]
        return choice(*plain, Rule("var"), named)

    def _sort_value(self) -> Node:
        columns = [Literal(name_text(column.name)) for column in self.columns if column.kind != "other"]
        return choice(*columns, Rule("var"), *([seq("score(", Rule("var"), ")")] if self.text is not None else []))

    def _group_key(self) -> Node:
        return choice(
            *(Literal(name_text(c.name)) for c in self.columns if c.kind not in ("other", "list")), Rule("var")
        )

    def _aggregate(self) -> Node:
        numbers = [Literal(name_text(column.name)) for column in self.columns if column.kind == "number"]
        ordered = [Literal(name_text(column.name)) for column in self.columns if column.kind in ("number", "date")]
        found: list[Node] = [Literal("count()")]
        if numbers:
            found.append(seq(choice("avg(", "sum("), choice(*numbers), ")"))
        if ordered:
            found.append(seq(choice("min(", "max("), choice(*ordered), ")"))
        if self.text is not None or self.allowed:
            found.append(seq("share(", Rule("term"), ")"))
        found.append(seq("collect(", choice(*(Literal(name_text(c.name)) for c in self.columns), Rule("var")), ")"))
        return choice(*found)

    def _found(self, function: str) -> Node:
        return seq(f"{function}(", self._which(), Rule("instruction"), ")")

    def _which(self) -> Node:
        others = [f"{name_text(c.name)}, " for c in self.columns if c.question and c.name != self.text]
        return optional(choice(*others)) if others else seq("")

    def _texts(self) -> dict[str, Node]:
        plain = Chars((('"', '"'), ("\\", "\\"), ("\n", "\n"), ("{", "{"), ("}", "}")), negated=True)
        digits = Repeat(Chars((("0", "9"),)), 1, 9)
        pair = Repeat(Chars((("0", "9"),)), 2, 2)
        step = seq("{", Rule("var"), "}")
        piece = Repeat(plain, 1, TEXT_CHARACTERS)
        return {
            "instruction": seq('"', piece, optional(seq(step, Repeat(plain, 0, TEXT_CHARACTERS))), '"'),
            "quoted": seq('"', Repeat(plain, 1, 2 * WORD_CHARACTERS), '"'),
            "label": seq("label(", self._which(), Rule("instruction"), ")"),
            "choose": seq(
                "choose(", self._which(), Rule("instruction"), Repeat(seq(", ", Rule("quoted")), 2, MOST_CHOICES), ")"
            ),
            "number": seq(optional("-"), digits, optional(seq(".", Repeat(Chars((("0", "9"),)), 1, 4)))),
            "date": seq('"', choice("19", "20"), pair, "-", _two("0", "1"), "-", _two("0", "3"), '"'),
        }


_TOKENS = frozenset({"line", "var", "quoted", "number", "date", "positive"})


def _then(clause: Node) -> Node:
    return seq("\n", clause)


def _two(low: str, high: str) -> Node:
    return seq(Chars(((low, high),)), Chars((("0", "9"),)))


def _word(terminal: str) -> Node:
    return Literal(keywords()[terminal])
