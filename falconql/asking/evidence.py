"""What an instruction speaks of: its content words, its shape, and the columns it has evidence for.

Pure functions over words. They know common English; an instruction in another language gives no evidence,
and what has no evidence is then not narrowed (see ``mentioned``).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib import resources

from falconql.asking.corpus import Column, Corpus
from falconql.types import BOOL, DATE, FLOAT, INT, TEXT, TIMESTAMP

_VOCABULARY = tomllib.loads((resources.files(__package__) / "vocabulary.toml").read_text(encoding="utf-8"))
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?|[$€]")
_STOP = frozenset(_VOCABULARY["stop"].split())
_SHAPES = {name: re.compile(cues, re.IGNORECASE) for name, cues in _VOCABULARY["shapes"].items()}
_CUES = {name: re.compile("".join(cues.splitlines()), re.IGNORECASE) for name, cues in _VOCABULARY["cues"].items()}
_REWORDINGS = tuple(
    (re.compile("".join(each["said"].splitlines()), re.IGNORECASE), each["means"]) for each in _VOCABULARY["rewordings"]
)
_Phrases = re.Pattern[str] | None


def _phrases(said: str) -> _Phrases:
    return re.compile(rf"\b(?:{said})\b", re.IGNORECASE) if said else None


_YES_NO: tuple[tuple[frozenset[str], _Phrases, _Phrases], ...] = tuple(
    (frozenset(each["of"].split()), _phrases(each["yes"]), _phrases(each["no"])) for each in _VOCABULARY["yes_no"]
)
_CURLY = str.maketrans("\u2018\u2019", "''")
_TIMES = re.compile(
    r"\b(1[89]|20)\d\d\b|\b(january|february|march|april|may|june|july|august|september|october|november|december|"
    r"jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|before|after|since|until|recent\w*|latest|newest|oldest|newer|older|"
    r"last (year|month|week)|this (year|month)|dates?)\b",
    re.IGNORECASE,
)


_NUMBER_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NUMBERS = {word: str(value) for value, word in enumerate(_NUMBER_WORDS, 1)}
_LONG: dict[str, str] = {short: word for word, shorts in _VOCABULARY["short_for"].items() for short in shorts.split()}


# The rules ask for the words of one instruction and of every column again and again.
@lru_cache(maxsize=1 << 14)
def stem(word: str) -> str:
    """Return a word without the commonest English endings; a number word is its digits, a short form its word."""
    word = _NUMBERS.get(word.lower(), word.lower()).removesuffix("'s")
    word = _LONG.get(word, word)
    for endings in ((("ies", 4), ("sses", 5), ("es", 5), ("s", 4)), (("ied", 5), ("ing", 6), ("ed", 5))):
        for ending, least in endings:
            if len(word) >= least and word.endswith(ending) and not word.endswith("ss"):
                root = word[: -len(ending)]
                word = root + "y" if ending in ("ies", "ied") else root + "ss" if ending == "sses" else root
                break
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


def long_form(word: str) -> str:
    """Return the word that a short form stands for, any other word as it is."""
    return _LONG.get(word.lower(), word.lower())


def words(text: str) -> list[str]:
    """Return the words of a text or of a column name in lower case."""
    return list(_words(text))


@lru_cache(maxsize=1 << 12)
def _words(text: str) -> tuple[str, ...]:
    split = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text.translate(_CURLY).replace("_", " "))
    return tuple(word.lower() for word in _WORD.findall(split))


def content_words(text: str) -> frozenset[str]:
    """Return the stems of the words that carry meaning."""
    return frozenset(stem(word) for word in words(text) if word not in _STOP)


def shape(instruction: str) -> frozenset[str]:
    """Return which kinds of cue words an instruction has."""
    return frozenset(name for name, cues in _SHAPES.items() if cues.search(instruction.translate(_CURLY)))


def cue(name: str) -> re.Pattern[str]:
    """Return the words that decide something, as the vocabulary has them."""
    return _CUES[name]


def rewordings() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return what people say in several ways, and the one wording that rules know, as ``re.sub`` takes them."""
    return _REWORDINGS


def yes_no_phrases() -> tuple[tuple[frozenset[str], _Phrases, _Phrases], ...]:
    """Return names of columns of yes and no with what people say for yes and for no."""
    return _YES_NO


def is_english(text: str) -> bool:
    """Return whether nothing shows that a text is in another language.

    What shows it: another script; a word that English lacks; or, where no small word without a capital is English, an
    accent on such a word (but café), or two words that are names or short forms in English, too. What is quoted may be
    a name. In doubt it is another language: that costs a note, the other mistake a condition.
    """
    if any(char.isalpha() and ord(char) >= 0x250 for char in text):
        return False
    rest = _QUOTED.sub(" ", text)
    written = [word for word in _WORD.findall(rest) if word[0].isalpha() and not word.isupper()]
    said = {word.lower() for word in written}
    if said & _FOREIGN or cue("foreign_number").search(rest):
        return False
    if not _ENGLISH.isdisjoint(written):
        return True
    accents = {word for word in written if word.islower() and not word.isascii()}
    return accents <= _ACCENTED and len(said & _PERHAPS_FOREIGN) < 2


_QUOTED = re.compile(r'"[^"]*"|\u201c[^\u201d]*\u201d')
_ENGLISH, _ACCENTED, _FOREIGN, _PERHAPS_FOREIGN = (
    frozenset(_VOCABULARY[name].split()) for name in ("english", "accented", "foreign", "perhaps_foreign")
)


def vocabulary(name: str) -> tuple[str, ...]:
    """Return a list of words of the vocabulary."""
    return tuple(_VOCABULARY[name].split())


@cache
def stems_of(name: str) -> frozenset[str]:
    """Return the stems of a list of words of the vocabulary."""
    return frozenset(stem(word) for word in _VOCABULARY[name].split())


@cache
def actions() -> frozenset[str]:
    """Return the stems of words that say what to do and not what about."""
    return frozenset(stem(word) for word in _VOCABULARY["actions"].split())


def mentioned(corpus: Corpus, instruction: str) -> dict[str, str]:
    """Return the columns an instruction has evidence for, and the word that is the evidence.

    Evidence is a word of the column's name, one of its values, or what people say for such a column.
    """
    found = {}
    for column in corpus.columns:
        word = _evidence(column, instruction)
        if word is not None:
            found[column.name] = word
    return found


def _evidence(column: Column, instruction: str) -> str | None:
    said = {stem(word): word for word in words(instruction)}
    names = [stem(word) for word in words(column.name) if word not in ("id", "is", "has", "of", "the", "n")]
    for name in names:
        if name in said:
            return said[name]
        for word in said:
            if min(len(word), len(name)) >= 5 and (word.startswith(name[:5]) and name.startswith(word[:5])):
                return said[word]
    if column.closed:
        for value in column.values:
            if _says(instruction, str(value)):
                return str(value)
    if column.type in (DATE, TIMESTAMP) and (time := _TIMES.search(instruction)):
        return time[0]
    if column.type in (INT, FLOAT, DATE, TIMESTAMP, TEXT, BOOL):
        for stems in _said_together():
            if any(name in stems for name in names) and (hit := stems & said.keys()):
                return said[min(hit)]
    return None


def said_for(column: Column) -> frozenset[str]:
    """Return the stems of what people say when they mean a column of such a name."""
    names = {stem(word) for word in words(column.name)}
    return frozenset(word for stems in _said_together() if names & stems for word in stems)


@cache
def _said_together() -> tuple[frozenset[str], ...]:
    return tuple(frozenset(stem(word) for word in group.split()) for group in _VOCABULARY["said_for"])


def _says(instruction: str, value: str) -> bool:
    """Return whether the instruction has the words of a value one after the other."""
    wanted, have = words(value), words(instruction)
    places = range(len(have) - len(wanted) + 1)
    return bool(wanted) and any(all(map(_is_form, have[i:], wanted)) for i in places)


def _is_form(word: str, wanted: str) -> bool:
    """Return whether two words are forms of one; a parent is not parenting."""
    return stem(word) == stem(wanted) and word.endswith("ing") == wanted.endswith("ing")


def said_values(column: Column, instruction: str) -> tuple[str, ...]:
    """Return those values of a column that stand in the instruction.

    Of a column with many values those that were seen and are names, as they are written: "an invoice" is not the
    subject Invoice, and what was "too hard" need not be the title of a review.
    """
    if column.closed:
        return tuple(str(value) for value in column.values if _says(instruction, str(value)))
    found = [value for value in column.seen if _is_name(value) and _is_written(value, instruction)]
    return tuple(sorted(v for v in found if not any(v != other and v in other for other in found)))


def perhaps_said(column: Column, instruction: str) -> tuple[str, ...]:
    """Return the values that an instruction may mean: seen ones in small letters, Lyon for the Lyon plant."""
    low = instruction.lower()
    if not column.closed:
        return tuple(sorted(v for v in column.seen if len(words(v)) > 1 and _is_written(v.lower(), low)))
    values = [str(value) for value in column.values]
    return tuple(value for value in values if _says_name(instruction, value, values))


def _says_name(instruction: str, value: str, values: Iterable[str]) -> bool:
    """Return whether the instruction has a name that no other value has."""
    others = {word for other in values if other != value for word in other.split()}
    names = [word for word in value.split() if word[0].isupper() and content_words(word) and word not in others]
    return len(value.split()) > 1 and any(_is_written(name, instruction) for name in names)


def _is_name(value: str) -> bool:
    """Return whether all that carries meaning has a capital or is a version; a number alone could be any number."""
    said = [word for word in value.split() if content_words(word)]
    numeric = re.fullmatch(r"\d+(?:[.,]\d+)?", value) is not None
    return bool(said) and not numeric and all(any(c.isupper() or c.isdigit() for c in word) for word in said)


def _is_written(value: str, text: str) -> bool:
    return value in text and re.search(rf"(?<!\w){re.escape(value)}(?:s|'s)?(?!\w)", text) is not None


def says_any(instruction: str, values: Iterable[object]) -> bool:
    """Return whether one of the values stands in the instruction."""
    return any(_says(instruction, str(value)) for value in values)
