"""Which right queries the words of an instruction rule out; no model is asked.

    python benchmarks/planning/frames.py

What the frame of an instruction rules out a model held to the grammar cannot write. Looks at the instructions
that rules are worked on with, never at those set aside. Takes seconds, where a run with a model takes half an hour.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import llguidance
from cases import FOLDER, Case, cases

from falconql.asking.decoding import grammars_for
from falconql.asking.evidence import stem, words
from falconql.asking.frame import intent

_TOKENS = llguidance.LLTokenizer("byte")
_CLAUSE = re.compile(
    r"\s+(?=(?:each|let|where|group by|select|order by|limit)\b(?![^\"]*\"(?:[^\"]*\"[^\"]*\")*[^\"]*$))"
)
_CALL = re.compile(r'\b(spans?|label|choose)\("([^"]*)"')
_OUTSIDE_TEXT = r'(?=[^"]*(?:"[^"]*"[^"]*)*$)'


def main() -> None:
    """Print the instructions none of whose right queries can be written."""
    found = cases(FOLDER)
    lost = [case for case in found if not admitted(case)]
    for case in lost:
        print(f"{case.name}: {case.instruction}\n    {case.right[0]}")
    print(f"{len(found) - len(lost)} of {len(found)} can be answered within their frame")


def admitted(case: Case) -> bool:
    """Return whether the grammar of an instruction has one of its right queries, in some wording and order."""
    grammar = llguidance.grammar_from("lark", grammars_for(case.corpus, case.instruction, thinking=False).lark())
    queries = (query for right in case.right for full in (False, True) for query in wordings(case, right, full))
    return any(_accepts(grammar, query) for query in queries)


def _accepts(grammar: str, query: str) -> bool:
    matcher = llguidance.LLMatcher(_TOKENS, grammar)
    tokens = _TOKENS.tokenize_str(query)
    return bool(matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting())


def wordings(case: Case, right: str, full: bool) -> Iterator[str]:
    """Yield a right query as a model would write it, in the words of the instruction, in every order.

    Args:
        case: the instruction.
        right: a right query with patterns.
        full: questions have more words of the instruction than those that patterns want.
    """
    decided = intent(case.corpus, case.instruction)
    step = decided.step if decided else None
    query = _CALL.sub(
        lambda call: f'{call[1]}("{_opening(call[1])} {_words_for(case, call[2], full)}{_closing(call[1])}"', right
    )
    bound = re.match(r"(?:each|let) (\w+)", right)
    if bound and step:
        # What is found first has the name and the words that the frame gives it.
        query = re.sub(r'(spans?)\("[^"]*"', rf'\1("Extract the {step.said}"', query, count=1)
        query = re.sub(rf"\b{bound[1]}\b{_OUTSIDE_TEXT}", step.name, query).replace(
            f"{{{bound[1]}}}", f"{{{step.name}}}"
        )
    for alike in _any_spans(query, right):
        yield from _in_every_order(alike)


def _any_spans(query: str, right: str) -> Iterator[str]:
    """Yield a query with one thing or all that there are, where either is right: patterns with a question mark."""
    either = [call[1].startswith("span") and "?" in call[2].split() for call in _CALL.finditer(right)]
    parts = _CALL.split(query)
    for chosen in itertools.product(*(("span", "spans") if each else ("",) for each in either)):
        written = [
            f'{parts[at]}{kind or parts[at + 1]}("{parts[at + 2]}"'
            for at, kind in zip(range(0, len(parts), 3), chosen, strict=False)
        ]
        yield "".join([*written, parts[-1]])


def _in_every_order(query: str) -> Iterator[str]:
    clauses = [clause.split(" ", 1) for clause in _CLAUSE.sub("\n", query).split("\n")]
    separators = {"where": " and ", "select": ", "}
    options = [
        [f"{word} {separators[word].join(order)}" for order in itertools.permutations(_cut(rest, separators[word]))]
        if word in separators
        else [f"{word} {rest}"]
        for word, rest in clauses
    ]
    for chosen in itertools.product(*options):
        yield "\n".join(chosen)


def _cut(text: str, separator: str) -> list[str]:
    """Cut a text outside parentheses and quotes."""
    parts, depth, quoted = [""], 0, False
    for place, char in enumerate(text):
        quoted ^= char == '"'
        depth += 0 if quoted else (char == "(") - (char == ")")
        if not quoted and depth == 0 and text.startswith(separator, place):
            parts.append("")
        parts[-1] += char
    return [part.removeprefix(separator) for part in parts]


def _words_for(case: Case, pattern: str, full: bool) -> str:
    """Return words of the instruction that a pattern wants, and what it quotes."""
    said = words(case.instruction)
    quoted = re.findall(r"\{[^}]*\}", pattern)
    chosen = []
    for group in re.sub(r"\{[^}]*\}", " ", pattern).split():
        if group == "?" or group.startswith("!"):
            continue
        starts = group.split("|")
        hits = (word for s in starts for word in said if word.startswith(s) or stem(word).startswith(s))
        chosen.append(next(hits, starts[0]))
    # A grammar wants some word of the instruction in each question, which a pattern need not name.
    beginning = [re.sub(r"[^\w ]", "", case.instruction)[:50].strip()] if full and not quoted else []
    return " ".join([*chosen, *beginning, *quoted])


def _opening(function: str) -> str:
    return "Is it" if function == "label" else "Extract the"


def _closing(function: str) -> str:
    return "?" if function == "label" else ""


if __name__ == "__main__":
    main()
