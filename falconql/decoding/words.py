"""Names that are not among certain words, as a grammar: there is no subtraction in the notations."""

from __future__ import annotations

from collections.abc import Collection

from falconql.decoding import charset
from falconql.decoding.charset import Ranges
from falconql.decoding.model import Chars, Node, Ref, Repeat, choice, optional, seq

_ASCII: Ranges = ((0, 127),)


def all_but(words: Collection[str], first: Ranges, further: Ranges, *, most: int | None, beyond: dict[str, Node]) -> Node:
    """Return the names of a first and any further characters that are none of the words, whatever their case.

    A name leaves the words letter by letter: where it has a letter that no word has there, anything may follow;
    where it has followed a word to its end, something must.

    Args:
        words: in lower case; those that cannot be such names are no matter.
        first: what a name begins with.
        further: what it goes on with.
        most: the most characters after the one in which it leaves the words.
        beyond: takes terminals for the characters outside ASCII, which are many, so that they are written once.
    """
    odd = charset.union([_spellings(letter) for word in words for letter in word])
    odd = charset.minus(odd, _ASCII)

    def chars(allowed: Ranges, left_out: Ranges) -> Node:
        plain = charset.minus(charset.minus(allowed, left_out), charset.minus(charset.outside(_ASCII), odd))
        others = charset.minus(charset.minus(allowed, _ASCII), odd)
        if not others:
            return Chars(plain)
        name = "LETTER_BEYOND" if allowed == first else "WORD_BEYOND"
        beyond[name] = Chars(others)
        return choice([Chars(plain), Ref(name)])

    tail = Repeat(chars(further, ()), 0, most)

    def after(prefix: str, allowed: Ranges) -> Node:
        letters = sorted({word[len(prefix)] for word in words if word.startswith(prefix) and word != prefix})
        letters = [letter for letter in letters if charset.common(_spellings(letter), allowed)]
        taken = charset.union(map(_spellings, letters))
        options = [
            seq(Chars(charset.common(_spellings(letter), allowed)), after(prefix + letter, further)) for letter in letters
        ]
        options.append(seq(chars(allowed, taken), tail) if letters or not prefix else Repeat(chars(further, ()), 1, most))
        whole = choice(options)
        return whole if not prefix or prefix in words else optional(whole)

    return after("", first)


def _spellings(letter: str) -> Ranges:
    """Return the characters that a case-insensitive keyword takes for a letter."""
    return charset.matching(f"[{letter}]" if letter.isalnum() else f"\\{letter}", ignore_case=True)
