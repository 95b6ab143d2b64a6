"""Names that are not among certain words, as a grammar: there is no subtraction in the notations."""

from __future__ import annotations

from collections.abc import Collection

from falconql.decoding import charset
from falconql.decoding.charset import Ranges
from falconql.decoding.model import Chars, Node, choice, optional, repeat, seq


def all_but(words: Collection[str], first: Ranges, further: Ranges, *, most: int | None = None) -> Node:
    """Return the names of a first and any further characters that are none of the words, whatever their case.

    A name leaves the words letter by letter: where it has a letter that no word has there, anything may follow;
    where it has followed a word to its end, something must.

    Args:
        words: in lower case; those that cannot be such names do no harm.
        first: what a name begins with.
        further: what it goes on with.
        most: the most characters after the one in which it leaves the words.
    """
    tail = repeat(Chars(further), 0, most)

    def after(prefix: str, allowed: Ranges) -> Node:
        nexts = {word[len(prefix)] for word in words if word.startswith(prefix) and word != prefix}
        spellings = {letter: charset.common(_spellings(letter), allowed) for letter in sorted(nexts)}
        options = [seq(Chars(chars), after(prefix + letter, further)) for letter, chars in spellings.items() if chars]
        options.append(seq(Chars(charset.minus(allowed, charset.union(spellings.values()))), tail))
        return choice(options) if not prefix or prefix in words else optional(choice(options))

    return after("", first)


def _spellings(letter: str) -> Ranges:
    """Return the characters that a keyword takes for a letter, for it ignores case."""
    return charset.matching(f"[{letter}]" if letter.isalnum() else f"\\{letter}", ignore_case=True)
