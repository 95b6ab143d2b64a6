"""A grammar in the notations that servers take."""

from __future__ import annotations

from typing import assert_never

from falconql.syntax.decoding.model import Chars, Choice, Grammar, Literal, Node, Repeat, Rule, Sequence

_LOOSE, _SEQUENCE, _TIGHT = range(3)


def gbnf(grammar: Grammar) -> str:
    """Return a grammar as llama.cpp reads it."""
    return _rules(grammar, "::=", lambda name: name)


def ebnf(grammar: Grammar) -> str:
    """Return a grammar in the EBNF of xgrammar, which vLLM's structured outputs take.

    It is GBNF with names in which no dash may stand.
    """
    return _rules(grammar, "::=", lambda name: name.replace("-", "_"))


def lark(grammar: Grammar) -> str:
    """Return one self-contained Lark grammar, as OpenAI's custom tools and llguidance read it.

    Without ``%ignore``: white space is in the rules. Rules of characters only are terminals, as lexers want.
    """
    terminals = _terminals(grammar)

    def name(rule: str) -> str:
        plain = rule.replace("-", "_")
        return plain.upper() if rule in terminals else "start" if rule == grammar.root else plain.lower()

    printer = _Lark(name)
    order = [grammar.root, *(rule for rule in grammar.rules if rule != grammar.root)]
    return "".join(f"{name(rule)}: {printer.text(grammar.rules[rule], _LOOSE)}\n" for rule in order)


def _rules(grammar: Grammar, sign: str, name) -> str:  # type: ignore[no-untyped-def]
    printer = _Gbnf(name)
    order = [grammar.root, *(rule for rule in grammar.rules if rule != grammar.root)]
    return "".join(f"{name(rule)} {sign} {printer.text(grammar.rules[rule], _LOOSE)}\n" for rule in order)


class _Printer:
    between_options = " | "
    nothing = '""'

    def __init__(self, name) -> None:  # type: ignore[no-untyped-def]
        self.name = name

    def text(self, node: Node, within: int) -> str:
        match node:
            case Literal(text):
                return self.literal(text) if text else self.nothing
            case Chars():
                return self.chars(node)
            case Rule(rule):
                return str(self.name(rule))
            case Sequence(parts):
                text = " ".join(self.text(part, _SEQUENCE) for part in parts) or self.nothing
                return f"({text})" if within == _TIGHT else text
            case Choice(options):
                text = self.between_options.join(self.text(option, _SEQUENCE) for option in options)
                return text if within == _LOOSE else f"({text})"
            case Repeat(part, least, most):
                return self.text(part, _TIGHT) + self.times(least, most)
        assert_never(node)

    def times(self, least: int, most: int | None) -> str:
        short = {(0, 1): "?", (0, None): "*", (1, None): "+"}.get((least, most))
        return short or (f"{{{least},{most}}}" if most is not None else f"{{{least},}}")

    def literal(self, text: str) -> str:
        raise NotImplementedError

    def chars(self, chars: Chars) -> str:
        raise NotImplementedError


class _Gbnf(_Printer):
    def literal(self, text: str) -> str:
        return '"' + "".join(_escaped(char, '"\\') for char in text) + '"'

    def chars(self, chars: Chars) -> str:
        return _class(chars)


class _Lark(_Printer):
    def times(self, least: int, most: int | None) -> str:
        return super().times(least, most)

    def literal(self, text: str) -> str:
        return '"' + "".join(_escaped(char, '"\\') for char in text) + '"'

    def chars(self, chars: Chars) -> str:
        return f"/{_class(chars).replace('/', chr(92) + '/')}/"


def _class(chars: Chars) -> str:
    inside = "".join(_one(low) if low == high else f"{_one(low)}-{_one(high)}" for low, high in chars.ranges)
    return f"[{'^' if chars.negated else ''}{inside}]"


def _one(char: str) -> str:
    return _escaped(char, "\\]^-[")


_NAMED = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def _escaped(char: str, special: str) -> str:
    if char in special:
        return "\\" + char
    return _NAMED.get(char) or (char if char.isprintable() else f"\\x{ord(char):02x}")


def _terminals(grammar: Grammar) -> frozenset[str]:
    return frozenset()
