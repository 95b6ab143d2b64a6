"""The syntax as a grammar over characters, computed from ``grammar/``.

Lark leaves out white space and comments between tokens; here they stand between them: where two tokens
would run together there must be some, elsewhere there may be. Keywords are in lower case.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

from lark import Token, Tree
from lark.grammar import NonTerminal, Terminal
from lark.load_grammar import load_grammar

from falconql.syntax.builder import ESCAPE
from falconql.syntax.decoding.model import (
    Chars,
    Choice,
    Grammar,
    Literal,
    Node,
    Repeat,
    Rule,
    Sequence,
    choice,
    optional,
    seq,
)
from falconql.syntax.decoding.regex import from_regex
from falconql.syntax.keywords import keywords, reserved_words

GAP, MAYBE_GAP = "gap", "maybe-gap"
_NAME = "NAME"


@cache
def whole_grammar() -> Grammar:
    """Return the grammar of the whole language; every formatted query is one of its sentences."""
    with resources.as_file(resources.files("falconql.grammar")) as folder:
        text = (folder / "falconql.lark").read_text(encoding="utf-8")
        loaded, _ = load_grammar(text, "falconql.lark", [str(folder)], False)  # type: ignore[no-untyped-call]
    return _Export(loaded).grammar()


class _Export:
    def __init__(self, loaded: Any) -> None:
        self.rule_trees = {str(name): tree for name, _, tree, _ in loaded.rule_defs}
        self.terminal_trees = {str(name): tree for name, (tree, _) in loaded.term_defs}
        self.ignored = tuple(str(name) for name in loaded.ignore)
        self.rules: dict[str, Node] = {}

    def grammar(self) -> Grammar:
        for name, tree in self.rule_trees.items():
            self.rules[_rule_name(name)] = self._rule(name, tree)
        for name in self.terminal_trees:
            if name not in self.ignored:
                self.rules[_rule_name(name)] = self._terminal(name)
        self.rules.update(_name_rules(self.rules[_rule_name(_NAME)]))
        self.rules[GAP] = Repeat(choice(Chars(_SPACE), Rule("comment")), 1, None)
        self.rules[MAYBE_GAP] = optional(Rule(GAP))
        # A comment ends its line, or what follows would be part of it.
        self.rules["comment"] = seq("--", Repeat(Chars((("\n", "\n"), ("\r", "\r")), negated=True), 0, None), "\n")
        self.rules["root"] = seq(Rule(MAYBE_GAP), Rule("query"), Rule(MAYBE_GAP))
        tokens = frozenset(name for name in self.rules if name.startswith(("t-", "name-")))
        return Grammar(self.rules, tokens | {"comment"})

    def _rule(self, name: str, tree: Any) -> Node:
        """Return a rule; ``a: b | a x`` becomes ``a: b (x)*``, since decoders read from the left, too."""
        own = Rule(_rule_name(name))
        bases: list[Node] = []
        further: list[Node] = []
        for option in tree.children:
            node = self._expansion(option)
            if isinstance(node, Sequence) and node.parts[0] == own:
                further.append(seq(*node.parts[1:]))
            else:
                bases.append(node)
        return seq(choice(*bases), Repeat(choice(*further), 0, None)) if further else choice(*bases)

    def _expansion(self, tree: Any) -> Node:
        symbols = (tree.children[0] if tree.data == "alias" else tree).children
        parts: list[Node] = []
        ready = True  # whether what comes next needs no gap before it
        for before, symbol, after in zip([None, *symbols], symbols, [*symbols[1:], None], strict=False):
            body, least, most = _repeated(symbol)
            node = self._symbol(body)
            if before is not None and not parts[1:] and _is_sign(before):
                # A sign may stand at its number, but never at another sign: two of them begin a comment.
                parts.append(choice(seq(Rule(GAP), node), Rule("atom")))
                continue
            gap = seq("") if ready else self._gap(before, body)
            if least == 0 and ready and after is not None:
                # What may be left out at the beginning ends with its gap, so that none is left dangling.
                parts.append(Repeat(seq(node, self._gap(body, after)), least, most))
                continue
            if least == 0:
                parts.append(Repeat(seq(gap, node), least, most))
            elif most is None:
                parts.append(seq(gap, node, Repeat(seq(self._gap(body, body), node), 0, None)))
            else:
                parts.append(seq(gap, node))
            ready = False
        return seq(*parts)

    def _symbol(self, symbol: Any) -> Node:
        match symbol:
            case Tree(data="value", children=[inner]):
                return self._symbol(inner)
            case Tree(data="literal", children=[Token() as token]):
                return Literal(str(token)[1:-1])
            case Tree(data="expansions"):
                return choice(*(self._expansion(option) for option in symbol.children))
            case NonTerminal() | Terminal():
                return Rule(_rule_name(symbol.name))
        raise ValueError(f"the export does not know {symbol}")

    def _gap(self, before: Any, after: Any) -> Node:
        return Rule(MAYBE_GAP if _punctuation(before) or _punctuation(after) else GAP)

    def _terminal(self, name: str) -> Node:
        if name in keywords():
            return Literal(keywords()[name])
        options: list[Node] = []
        for option in self.terminal_trees[name].children:
            token = str(option.children[0].children[0].children[0])
            if token.startswith('"'):
                options.append(Literal(token[1:-1]))
            else:
                options.append(from_regex(token[1 : token.rindex("/")]))
        node = choice(*options)
        return _with_escapes_that_mean_something(node) if name == "TEXT" else node


def _with_escapes_that_mean_something(text: Node) -> Node:
    """Return a text whose backslashes can be understood; the lexer takes any, to say better what is wrong."""
    any_escape = from_regex(r"\\.")
    escape = from_regex(ESCAPE.pattern, ESCAPE.flags)

    def mended(node: Node) -> Node:
        if node == any_escape:
            return escape
        match node:
            case Sequence(parts):
                return seq(*map(mended, parts))
            case Choice(options):
                return choice(*map(mended, options))
            case Repeat(part, least, most):
                return Repeat(mended(part), least, most)
        return node

    return mended(text)


_SPACE = ((" ", " "), ("\t", "\t"), ("\r", "\r"), ("\n", "\n"))


def _rule_name(name: str) -> str:
    """Return a name that every notation takes: lower case with dashes; terminals get a mark of their own."""
    plain = name.strip("_").lower().replace("_", "-")
    return f"t-{plain}" if name.isupper() else f"of-{plain}" if name.startswith("_") else plain


def _is_sign(symbol: Any) -> bool:
    match symbol:
        case Tree(data="value", children=[Terminal(name="MINUS")]):
            return True
    return False


def _repeated(symbol: Any) -> tuple[Any, int, int | None]:
    """Return what a symbol repeats, and how often."""
    if isinstance(symbol, Tree) and symbol.data == "expr":
        least, most = {"?": (0, 1), "*": (0, None), "+": (1, None)}[str(symbol.children[1])]
        return symbol.children[0], least, most
    return symbol, 1, 1


def _punctuation(symbol: Any) -> bool:
    """Return whether a symbol is a mark that no word can run into."""
    match symbol:
        case Tree(data="value", children=[inner]):
            return _punctuation(inner)
        case Tree(data="literal"):
            return True
        case Tree(data="expansions", children=options):
            return all(_punctuation(option) for option in options)
        case Tree(data="expansion", children=[first, *_]):
            return _punctuation(first)
        case Tree(data="expr", children=[body, _]):
            return _punctuation(body)
    return False


def _name_rules(name: Node) -> dict[str, Node]:
    """Return the rules of a plain name that is no reserved word, in any mixture of cases.

    A name leaves the words letter by letter: at each prefix of a reserved word another letter may follow,
    or the name may end there unless the prefix is a whole word.
    """
    assert isinstance(name, Sequence), "a name is a first character and further ones"
    first, further = name.parts
    assert isinstance(first, Chars), "a name begins with one character of a class"
    assert isinstance(further, Repeat), "any number of characters follows"
    rest = further.part
    assert isinstance(rest, Chars), "further characters are of a class"
    prefixes = sorted({word[:i] for word in reserved_words() for i in range(len(word) + 1)})
    rules: dict[str, Node] = {"name-rest": Repeat(rest, 0, None)}
    for prefix in prefixes:
        allowed = first if not prefix else rest
        following = {word[len(prefix)] for word in reserved_words() if word.startswith(prefix) and word != prefix}
        options: list[Node] = [seq(_either_case(c), Rule(_prefix_rule(prefix + c))) for c in sorted(following)]
        options.append(seq(_less(allowed, following), Rule("name-rest")))
        whole = bool(prefix) and prefix not in reserved_words()
        rules[_prefix_rule(prefix)] = optional(choice(*options)) if whole else choice(*options)
    return rules


def _prefix_rule(prefix: str) -> str:
    return f"name-{prefix}" if prefix else "t-name"


def _either_case(char: str) -> Chars:
    return Chars(((char, char), (char.upper(), char.upper())))


def _less(chars: Chars, letters: set[str]) -> Chars:
    """Return a class without some ASCII letters in both cases."""
    ranges: list[tuple[str, str]] = []
    for low, high in chars.ranges:
        dropped = sorted(c for letter in letters for c in (letter, letter.upper()) if low <= c <= high)
        for char in dropped:
            if low < char:
                ranges.append((low, chr(ord(char) - 1)))
            low = chr(ord(char) + 1)
        if low <= high:
            ranges.append((low, high))
    return Chars(tuple(ranges))
