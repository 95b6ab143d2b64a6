"""From a model's reply to a query: found in what was written, cleared of what may not be in it, formatted."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from falconql.asking.corpus import Corpus
from falconql.diagnostics.model import Diagnostic, Label
from falconql.errors import QueryError
from falconql.llm.client import whole
from falconql.source import Source, Span
from falconql.syntax import ast, parse
from falconql.syntax.formatter import format_query
from falconql.syntax.keywords import keywords
from falconql.syntax.limits import screen
from falconql.syntax.reading import attempt, words_of
from falconql.syntax.walk import walk
from falconql.types import TEXT

REFUSAL = re.compile(r"^\s*(?:--\s*)?cannot(?: answer)?:\s*(.+)", re.IGNORECASE)
# A name may end in back-ticks, too.
_FENCE = re.compile(r"(?<![^\s:])```\w*\n(.*?)(?:```|\Z)", re.DOTALL)
# Some templates begin a thought themselves, so that a reply has only its end.
_THOUGHT = re.compile(r"^[ \t]*<think>.*?</think>|\A.*?</think>[ \t]*$", re.DOTALL | re.MULTILINE)
_SENTENCE_ENDS = (".", ":", "!", "?", "…")
# A reply of many lines like clauses is not looked at for ever.
_MOST_CUTS = 24
# No query is as long; a server that takes no limit of tokens may send megabytes, which would be parsed for minutes.
MOST_CHARACTERS = 10_000
_CLAUSES = ("FROM", "TEXT_WORD", "USING", "LET", "EACH", "WHERE", "GROUP", "SELECT", "ORDER", "LIMIT")


@dataclass(frozen=True, slots=True)
class Read:
    """A reply as a query.

    Attributes:
        source: the query in canonical form.
        query: its syntax tree.
        notes: what was taken out or put in, for the user.
        thoughts: the comment lines before the query.
    """

    source: Source
    query: ast.Query
    notes: tuple[str, ...]
    thoughts: tuple[str, ...]

    def as_mended(self, query: ast.Query) -> Read:
        """Return the same reply as another query, whose places are those of its canonical form."""
        source = Source("<query>", format_query(query))
        return replace(self, source=source, query=parse(source))


def is_thought(reply: str) -> bool:
    """Return whether a reply that was cut off began with something else than the query."""
    return not (_begins_query(reply.lstrip()) or reply.lstrip().startswith(("--", "{", "```")))


def refusal(reply: str) -> str | None:
    """Return why the model says that the corpus cannot answer, None if it says no such thing."""
    found = REFUSAL.match(unwrapped(reply))
    return found[1].strip() if found else None


def unwrapped(reply: str) -> str:
    """Return the query text in a reply: without thoughts, JSON around it, a fence, or prose before and after."""
    text = _THOUGHT.sub("", reply).replace("\r\n", "\n").strip()
    if text.startswith("{"):
        try:
            held = json.loads(text)
        except (ValueError, RecursionError):
            held = None
        query = held.get("query") if isinstance(held, dict) else None
        if query is None and isinstance(held, dict) and len(held) == 1:
            (query,) = held.values()
        if isinstance(query, str):
            text = whole(query).strip()
    fenced = _FENCE.search(text)
    if fenced:
        return fenced[1].strip()
    if REFUSAL.match(text):
        return text
    cuts = list(itertools.islice(_cuts(text.split("\n")), _MOST_CUTS if len(text) <= MOST_CHARACTERS else 1))
    if len(cuts) < 2:
        return cuts[0] if cuts else text
    return next((cut for cut in cuts if _is_query(cut)), cuts[0])


def _cuts(lines: list[str]) -> Iterator[str]:
    """Yield what may be the query in some lines, the likeliest first: lines of prose, too, begin with words of clauses.

    Only what looks like prose is cut off. A clause with a mistake in it has to be handed back: left out, what it asks
    for would be lost in silence.
    """
    begun: list[int] = []
    last = -1
    for i, line in enumerate(lines):
        if not _begins_query(line):
            continue
        start = i
        while start and lines[start - 1].lstrip().startswith("--"):
            start -= 1
        if not begun or any(_is_prose(lines, one, start, line, several=one != last) for one in begun):
            begun.append(start)
            yield from _ends_cut_off(_until_prose(lines[start:]), titled=_is_titled(line))
        last = start


def _is_prose(lines: list[str], start: int, end: int, clause: str, *, several: bool) -> bool:
    """Return whether lines before a clause are sentences: of three signs two, since a query may have each of them.

    ``several`` lines that begin like clauses are sentences wrapped there only if they end as sentences do. What goes on
    with a line of prose is another sign where the clause is one of those in it: few may stand in a query twice.
    """
    own = lines[start:end]
    titled, blank = _is_titled(own[0]) and not _is_titled(clause), _is_blank(own[-1])
    if not _ends_sentence(own):
        return titled and blank and not several
    goes_on = start > 0 and not _is_blank(lines[start - 1]) and not _ends_sentence(lines[start - 1 : start])
    return titled or blank or (goes_on and any(_first_word(line) == _first_word(clause) for line in own))


def _ends_cut_off(lines: list[str], *, titled: bool) -> Iterator[str]:
    """Yield lines as one text, then without the sentences at its end; ``titled`` is whether clauses have capitals."""
    yield "\n".join(lines).strip()
    sentence = _ends_sentence(lines)
    for end in range(len(lines) - 1, 0, -1):
        if _is_titled(lines[end]) and (not titled) + _is_blank(lines[end - 1]) + sentence >= 2:
            yield "\n".join(lines[:end]).strip()


def _is_titled(line: str) -> bool:
    return line.partition(" ")[0].istitle()


def _is_blank(line: str) -> bool:
    return not line.strip()


def _ends_sentence(lines: list[str]) -> bool:
    last = next((line for line in reversed(lines) if line.strip()), "")
    return last.rstrip().endswith(_SENTENCE_ENDS) and "--" not in last


def _is_query(text: str) -> bool:
    """Return whether a text is in the language; without the second readings for which ``parse`` takes its time."""
    words = words_of(text)
    return screen(text, words) is None and isinstance(attempt(text, words), ast.Query)


def _begins_query(line: str) -> bool:
    return _first_word(line) in {keywords()[name] for name in _CLAUSES}


def _first_word(line: str) -> str:
    return next(iter(line.split(maxsplit=1)), "").lower()


def _until_prose(lines: list[str]) -> list[str]:
    """Return the lines up to a fence, or an empty one after which no clause and nothing indented follows."""
    for i, line in enumerate(lines):
        if line.startswith("```"):
            return lines[:i]
        after = next((later for later in lines[i + 1 :] if later.strip()), None) if _is_blank(line) else None
        if after is not None and not (_begins_query(after) or after[0] in " -)"):
            return lines[:i]
    return lines


def read(reply: str, corpus: Corpus) -> Read:
    """Return the query of a reply.

    ``from`` and ``using`` are taken out: a model names no file, no endpoint and no proxy.

    Raises:
        QueryError: it is not in the language, or longer than any query.
    """
    written = unwrapped(reply)
    if len(written) > MOST_CHARACTERS:
        endless = Diagnostic("FQL001", "the answer is too long for a query; write a shorter one", Label(Span(0, 0)))
        raise QueryError([endless], Source("<answer>", ""))
    query = parse(Source("<answer>", written))
    query, notes = _cleared(query)
    query = _with_text(query, corpus)
    thoughts = [
        line.strip().removeprefix("--").strip() for line in written.split("\n") if line.lstrip().startswith("--")
    ]
    return Read(Source("<query>", ""), query, notes, tuple(thoughts)).as_mended(query)


def _cleared(query: ast.Query) -> tuple[ast.Query, tuple[str, ...]]:
    notes = []
    if query.source is not None:
        notes.append("the model named a file; it was left out: the corpus is the one you gave")
    if query.using is not None:
        notes.append("the model named a proxy; it was left out")
    kept = replace(query, source=None, using=None)
    if not (kept.bindings or kept.where or kept.select or kept.group_by or kept.order_by or kept.limit):
        nothing = Diagnostic("FQL001", "the answer has no `where`, `each` or `select`", Label(Span(0, 0)))
        raise QueryError([nothing], Source("<answer>", ""))
    return _with_output(kept), tuple(notes)


def _with_output(query: ast.Query) -> ast.Query:
    """Show every row, in order, where nothing else is said of them: that is no query, but can mean nothing else."""
    if query.where or query.select or query.group_by or any(isinstance(each, ast.Each) for each in query.bindings):
        return query
    if not (query.order_by or query.limit):
        return query
    nowhere = Span(0, 0)
    return replace(query, select=ast.Select((ast.Star(span=nowhere),), span=nowhere))


def _with_text(query: ast.Query, corpus: Corpus) -> ast.Query:
    """Name the text column where model calls need it and the corpus has several to choose from."""
    if query.text is not None or corpus.text is None:
        return query
    texts = [column for column in corpus.columns if column.type == TEXT]
    if corpus.text == "text" or len(texts) < 2 or not any(_reads_text(node) for node in walk(query)):
        return query
    nowhere = Span(0, 0)
    return replace(query, text=ast.TextColumn(ast.Name(corpus.text, span=nowhere), span=nowhere))


def _reads_text(node: ast.Node) -> bool:
    return isinstance(node, ast.Call) and node.function.text.lower() in ("label", "span", "spans", "choose")
