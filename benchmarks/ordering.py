"""Model tokens by the order of predicates: as written, as optimised, and the best there is.

    python benchmarks/ordering.py --data DIR [--proxy kestrel | --proxy keywords] [--scores DIR]

``DIR`` holds the corpora as Parquet files. Every query runs through the whole real path (parser,
checker, planner, executor) twice: with the order as written, most expensive first, and as optimised,
sampling included. Only the proxy is a stand-in: it replays scores that the real one gave once for every
text (kept in ``--scores``) and counts the tokens the real tokenizer counts. The best order is found by
trying every permutation of the predicates with the outcome of each on each row known. ``--proxy
keywords`` replaces the model's scores by keyword tests with some noise, for a run in seconds.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import re
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from ordering_cases import CASES, ERROR_SHARE, KEYWORDS, Case, read_corpus

import falconql
from falconql.runtime.belief import Residual
from falconql.runtime.calls import ModelCalls
from falconql.runtime.evaluate import evaluate, true_rows
from falconql.runtime.frame import Frame
from falconql.runtime.metrics import RunMetrics
from falconql.runtime.normalise import normalise
from falconql.runtime.plan import Filter, Plan, nodes, tests
from falconql.runtime.proxy import Proxy, SpanValue, open_proxy


class Scores:
    """The scores and tokens of one question on the distinct texts of one column."""

    def __init__(self, texts: Sequence[str], scores: NDArray[np.float32], tokens: NDArray[np.int64]) -> None:
        self.position = {text: number for number, text in enumerate(texts)}
        self.scores = scores
        self.tokens = tokens


class ReplayProxy:
    """Answers labels from scores computed before and counts the tokens that answering would take."""

    def __init__(self, real: Proxy, scores: dict[tuple[str, frozenset[str]], Scores]) -> None:
        self.name = real.name
        self.fingerprint = real.fingerprint
        self.label_threshold = real.label_threshold
        self.tokens_run = 0
        self._by_question: dict[str, list[Scores]] = {}
        for (question, _), known in scores.items():
            self._by_question.setdefault(question, []).append(known)

    def label_threshold_of(self, instruction: str) -> float:
        return self.label_threshold

    def label(self, texts: Sequence[str], instructions: Sequence[str]) -> NDArray[np.float32]:
        found = [self._find(text, question) for text, question in zip(texts, instructions, strict=True)]
        self.tokens_run += sum(int(known.tokens[place]) for known, place in found)
        return np.array([known.scores[place] for known, place in found], dtype=np.float32)

    def count_tokens(self, texts: Sequence[str], instructions: Sequence[str]) -> NDArray[np.int64]:
        found = [self._find(text, question) for text, question in zip(texts, instructions, strict=True)]
        return np.array([known.tokens[place] for known, place in found], dtype=np.int64)

    def spans(
        self, texts: Sequence[str], instructions: Sequence[str], threshold: float | None = None
    ) -> list[list[SpanValue]]:
        raise AssertionError("the benchmark's queries ask for labels only")

    def _find(self, text: str, question: str) -> tuple[Scores, int]:
        for known in self._by_question[question]:
            if text in known.position:
                return known, known.position[text]
        raise KeyError(text)


def score_all(real: Proxy, texts: Sequence[str], question: str, folder: Path | None, *, keywords: bool) -> Scores:
    """Return scores and tokens of a question for distinct texts, from disk if they are there."""
    digest = hashlib.blake2b(f"{'keywords' if keywords else real.fingerprint}\0{question}".encode(), digest_size=16)
    for text in texts:
        digest.update(text.encode() + b"\0")
    path = None if folder is None else folder / f"{digest.hexdigest()}.npz"
    if path is not None and path.is_file():
        with np.load(path) as kept:
            return Scores(texts, kept["scores"], kept["tokens"])
    tokens = real.count_tokens(texts, [question] * len(texts))
    started = time.perf_counter()
    scores = _keyword_scores(texts, question) if keywords else real.label(texts, [question] * len(texts))
    print(f"{question}: {len(texts)} texts, {time.perf_counter() - started:.0f} s", file=sys.stderr)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, scores=scores, tokens=tokens)
    return Scores(texts, scores, tokens)


def _keyword_scores(texts: Sequence[str], question: str) -> NDArray[np.float32]:
    words = re.compile(KEYWORDS[question], re.IGNORECASE)
    scores = []
    for text in texts:
        digest = hashlib.blake2b(f"{question}\0{text}".encode(), digest_size=8).digest()
        errs = int.from_bytes(digest, "little") / 2**64 < ERROR_SHARE
        scores.append(0.9 if (words.search(text) is not None) != errs else 0.1)
    return np.array(scores, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Model tokens of one query; ``shares`` are the selectivities of its model predicates."""

    case: Case
    predicates: int
    rows: int
    kept: int
    written: int
    optimised: int
    best: int
    shares: tuple[float, ...]


def run_case(case: Case, table: pa.Table, real: Proxy, folder: Path | None, *, keywords: bool) -> Outcome:
    """Run a query in both orders, and find the best of all orders."""
    query = falconql.query(f"text {_text_column(case)} where {case.where} select *")
    written_plan = query.plan(table, order="written")
    scores: dict[tuple[str, frozenset[str]], Scores] = {}
    for call in written_plan.calls:
        column, question = call.text, str(call.instruction[0])
        texts = list(dict.fromkeys(t for t in table.column(column.name).to_pylist() if t is not None))  # type: ignore[union-attr]
        scores[question, frozenset((column.name,))] = score_all(real, texts, question, folder, keywords=keywords)  # type: ignore[union-attr]

    def tokens_and_rows(order: falconql.api.Order) -> tuple[int, pa.Table]:
        proxy = ReplayProxy(real, scores)
        result = query.run(table, proxy=proxy, order=order, cache=False)
        return proxy.tokens_run, result.to_arrow()

    written, rows = tokens_and_rows("written")
    optimised, same_rows = tokens_and_rows("cost")
    assert rows.equals(same_rows), "the order changed the result"
    best, kept, shares = best_order(written_plan, table, ReplayProxy(real, scores))
    assert kept == rows.num_rows, "the enumeration and the run disagree"
    count = sum(1 for _ in tests(_filter(written_plan).predicate))
    return Outcome(case, count, table.num_rows, kept, written, optimised, best, shares)


def _text_column(case: Case) -> str:
    found = re.search(r"label\((\w+),", case.where)
    assert found is not None
    return found.group(1)


def _filter(plan: Plan) -> Filter:
    (found,) = [node for node in nodes(plan.root) if isinstance(node, Filter)]
    return found


def best_order(plan: Plan, table: pa.Table, proxy: ReplayProxy) -> tuple[int, int, tuple[float, ...]]:
    """Return the tokens of the best permutation of the predicates, the rows kept, and selectivities.

    A predicate is asked, as the executor does, for the rows where it can still matter, and once for
    each distinct text among them. Which rows those are depends on the set of predicates before it,
    not on their order, so each (set, predicate) is counted once and permutations add them up.
    """
    predicate = _filter(plan).predicate
    leaves = list(tests(predicate))
    arrays = [normalise(table.column(name).combine_chunks()) for name in table.schema.names]
    frame = Frame(pa.RecordBatch.from_arrays(arrays, names=table.schema.names))
    calls = ModelCalls(plan.calls, proxy, RunMetrics())
    truth = [true_rows(leaf.condition, frame, None, calls) for leaf in leaves]
    residual = Residual(predicate, range(len(leaves)))
    cells = sum(values.astype(np.int64) << bit for bit, values in enumerate(truth))
    texts, sizes = zip(*[_questions(plan, leaf.calls, frame, proxy) for leaf in leaves], strict=True)
    known: dict[tuple[int, int], int] = {}

    def tokens(subset: int, leaf: int) -> int:
        if (subset, leaf) not in known:
            asked = np.unique(texts[leaf][(residual.matters[leaf, subset] > 0)[cells]])
            known[subset, leaf] = int(sizes[leaf][asked].sum())
        return known[subset, leaf]

    totals = []
    for permutation in itertools.permutations(range(len(leaves))):
        subset = total = 0
        for leaf in permutation:
            total += tokens(subset, leaf)
            subset |= 1 << leaf
        totals.append(total)
    everything = (1 << len(leaves)) - 1
    kept = int(_true_cells(plan, everything)[cells].sum())
    shares = tuple(float(values.mean()) for values, leaf in zip(truth, leaves, strict=True) if leaf.calls)
    return min(totals), kept, shares


def _true_cells(plan: Plan, everything: int) -> NDArray[np.bool_]:
    """Return for each combination of outcomes whether the whole predicate is true."""
    from falconql.runtime.truth import NOT_TRUE, TRUE, outcome

    cells = np.arange(everything + 1)
    count = everything.bit_length()
    values = {bit: np.where(cells >> bit & 1, TRUE, NOT_TRUE) for bit in range(count)}
    states = outcome(_filter(plan).predicate, values)
    assert states is not None
    return np.asarray(states == TRUE)


def _questions(
    plan: Plan, calls: tuple[int, ...], frame: Frame, proxy: ReplayProxy
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return for each row the number of its text, and the tokens of each text; number 0 costs nothing."""
    if not calls:
        return np.zeros(frame.num_rows, dtype=np.int64), np.zeros(1, dtype=np.int64)
    (index,) = calls
    question = str(plan.calls[index].instruction[0])
    texts = evaluate(plan.calls[index].text, frame).to_pylist()
    number = {text: place for place, text in enumerate(dict.fromkeys(t for t in texts if t is not None), start=1)}
    rows = np.array([0 if text is None else number[text] for text in texts], dtype=np.int64)
    sizes = proxy.count_tokens(list(number), [question] * len(number))
    return rows, np.concatenate([np.zeros(1, dtype=np.int64), sizes])


def report(outcomes: Sequence[Outcome]) -> str:
    """Return the results as a Markdown table with median and worst."""
    lines = [
        "| query | corpus | rows | kept | predicates | selectivity of labels | as written | optimised | best order "
        "| optimised / best | as written / optimised |",
        "|---|---|--:|--:|--:|---|--:|--:|--:|--:|--:|",
    ]
    for o in outcomes:
        shares = " ".join(f"{share:.2f}" for share in o.shares)
        lines.append(
            f"| {o.case.name} | {o.case.corpus} | {o.rows:,} | {o.kept:,} | {o.predicates} | {shares} "
            f"| {o.written:,} | {o.optimised:,} | {o.best:,} | {o.optimised / o.best:.3f} "
            f"| {o.written / o.optimised:.2f} |"
        )
    to_best = [o.optimised / o.best for o in outcomes]
    saved = [o.written / o.optimised for o in outcomes]
    lines += [
        "",
        f"Optimised / best: median {statistics.median(to_best):.3f}, worst {max(to_best):.3f}.",
        f"As written / optimised: median {statistics.median(saved):.2f}, least {min(saved):.2f}.",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the corpora as Parquet files")
    parser.add_argument("--proxy", default="kestrel", help="a registered name, a path, or `keywords`")
    parser.add_argument("--scores", type=Path, help="folder where the proxy's scores are kept")
    arguments = parser.parse_args()
    keywords = arguments.proxy == "keywords"
    real = open_proxy("kestrel" if keywords else arguments.proxy)
    outcomes = []
    for case in CASES:
        table = read_corpus(arguments.data, case.corpus)
        outcomes.append(run_case(case, table, real, arguments.scores, keywords=keywords))
    print(report(outcomes))


if __name__ == "__main__":
    main()
