"""Gathering what a report shows while a run gives its rows: the first rows whole, of the others only counts."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from falconql.plan.estimates import estimate_nodes
from falconql.runtime.calls import label_threshold
from falconql.runtime.display import call_text
from falconql.runtime.io.json_values import python_values
from falconql.table import is_span

if TYPE_CHECKING:
    from falconql.result import Run

MOST_ROWS = 10_000
# What the page may hold of texts in all, and of one text; browsers take much more, readers do not.
MOST_CHARACTERS = 30_000_000
MOST_OF_ONE_TEXT = 20_000
COMMONEST = 15
# Distinct values counted of one column; rarer ones beyond are not told apart.
MOST_DISTINCT = 100_000
# JavaScript's numbers are floats: a greater whole number would come out as one of its neighbours.
MOST_EXACT = 2**53


class Collector:
    """Takes the batches of a run, and gives the data of its report.

    Args:
        run: the run; its metrics are read when ``data`` is called.
        query: the text of the query.
        corpus: the name of what it read.
    """

    def __init__(self, run: Run, query: str, corpus: str) -> None:
        self._run = run
        self._query = query
        self._corpus = corpus
        self._rows: list[list[Any]] = []
        self._characters = 0
        self._total = 0
        self._counts = {i: Counter[str]() for i, field in enumerate(run.schema) if is_span(field.type)}
        self._found = dict.fromkeys(self._counts, 0)
        self._shown: dict[int, dict[str, str]] = {i: {} for i in self._counts}

    def watch(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield batches on, taking each."""
        for batch in batches:
            self.add(batch)
            yield batch

    def add(self, batch: pa.RecordBatch) -> None:
        """Take a batch."""
        self._total += batch.num_rows
        columns = [python_values(column) for column in batch.columns]
        for index, counts in self._counts.items():
            columns[index] = [_without_nulls(value) for value in columns[index]]
            for value in columns[index]:
                for span in value if isinstance(value, list) else [value]:
                    if span is not None and span["text"] is not None:
                        self._count(index, counts, span["text"])
        for row in zip(*columns, strict=True) if columns else ():
            if len(self._rows) >= MOST_ROWS or self._characters >= MOST_CHARACTERS:
                break
            shown = [(_spans if i in self._counts else _plain)(value) for i, value in enumerate(row)]
            self._characters += sum(map(_length, shown))
            self._rows.append(shown)

    def _count(self, index: int, counts: Counter[str], text: str) -> None:
        key = _key(text)
        self._found[index] += 1
        if key in counts or len(counts) < MOST_DISTINCT:
            counts[key] += 1
            self._shown[index].setdefault(key, " ".join(text.split()))

    def data(self) -> dict[str, Any]:
        """Return everything the page shows, as plain data."""
        run, metrics = self._run, self._run.metrics
        explained = run.explained().to_dict()
        return {
            "corpus": self._corpus,
            "query": self._query,
            "proxy": None if run.ctx.proxy is None or not run.plan.calls else run.ctx.proxy.name,
            "summary": {
                "rows_in": metrics.rows_in,
                "rows_out": self._total,
                "seconds": metrics.seconds,
                "model_calls": metrics.model_calls,
                "saved": metrics.calls_avoided + metrics.cache_hits,
                "tokens": metrics.model_tokens,
            },
            "funnel": explained["predicates"],
            "plan": self._plan(explained["plan"]),
            "llm": explained.get("llm"),
            "scores": list(self._scores()),
            "values": [
                {
                    "column": run.schema.field(index).name,
                    "found": self._found[index],
                    "distinct": len(counts),
                    "top": self._top(index, counts),
                }
                for index, counts in self._counts.items()
            ],
            "columns": [{"name": field.name, "kind": _kind(field.type)} for field in run.schema],
            "highlights": _by_position(run.schema.names, run.highlights),
            "rows": self._rows,
            "total": self._total,
            "most_of_one_text": MOST_OF_ONE_TEXT,
        }

    def _top(self, index: int, counts: Counter[str]) -> list[tuple[str, int, list[str]]]:
        """Return the commonest values of a column, how many there are, and how the rows of the page write them.

        A browser does not ignore case and spaces in the same way as is counted here.
        """
        top = counts.most_common(COMMONEST)
        written: dict[str, dict[str, None]] = {key: {} for key, _ in top}
        for row in self._rows:
            for span in row[index] if isinstance(row[index], list) else [row[index]]:
                if span is not None and span["t"] is not None and (key := _key(span["t"])) in written:
                    written[key][span["t"]] = None
        return [(self._shown[index][key], count, list(written[key])) for key, count in top]

    def _plan(self, tree: Mapping[str, Any]) -> list[dict[str, Any]]:
        planned = self._run.planned
        expected = estimate_nodes(planned.plan, planned.estimated, float(self._run.metrics.rows_in))
        return [
            step | {"seconds_estimated": estimate.seconds}
            for step, estimate in zip(_steps(tree), expected, strict=True)
        ]

    def _scores(self) -> Iterator[dict[str, Any]]:
        calls = self._run.plan.calls
        proxy = self._run.ctx.proxy
        for index, bins in sorted(self._run.metrics.label_scores.items()):
            call = calls[index]
            yield {
                "name": call.name,
                "text": call_text(call, calls),
                "bins": bins,
                "threshold": call.threshold if proxy is None else label_threshold(call, proxy),
            }


def _key(text: str) -> str:
    """Return what values that are counted as one have in common."""
    return " ".join(text.split()).casefold()


def _steps(node: Mapping[str, Any] | None, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the nodes of a plan from the root down, without their inputs."""
    if node is None:
        return
    yield {key: value for key, value in node.items() if key not in ("input", "predicate")} | {"depth": depth}
    yield from _steps(node["input"], depth + 1)


def _by_position(names: Sequence[str], highlights: Mapping[str, Sequence[str]]) -> dict[str, list[int]]:
    positions = {name: index for index, name in reversed(list(enumerate(names)))}
    return {str(positions[text]): [positions[span] for span in spans] for text, spans in highlights.items()}


def _kind(type_: pa.DataType) -> str:
    if is_span(type_):
        return "span"
    if pa.types.is_boolean(type_):
        return "bool"
    if pa.types.is_integer(type_) or pa.types.is_floating(type_):
        return "number"
    return "text"


def _without_nulls(spans: Any) -> Any:
    return [span for span in spans if span is not None] if isinstance(spans, list) else spans


def _spans(value: Any) -> Any:
    """Return a span, or a list of them, as a script reads it from JSON."""
    if value is None:
        return None
    if isinstance(value, list):
        return [_spans(span) for span in value]
    score = None if value["score"] is None else _plain(round(value["score"], 3))
    return {"t": value["text"], "s": value["start"], "e": value["end"], "p": score}


def _plain(value: Any) -> Any:
    """Return a value as a script reads it from JSON, long texts cut."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= MOST_EXACT else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return value if len(value) <= MOST_OF_ONE_TEXT else value[:MOST_OF_ONE_TEXT] + "…"
    if isinstance(value, (dt.date, dt.datetime)):
        return value.isoformat()
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    return _plain(json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, (list, dict)) else str(value))


def _length(shown: Any) -> int:
    """Return how many characters of texts a value of the page has."""
    if isinstance(shown, str):
        return len(shown)
    if isinstance(shown, list):
        return sum(map(_length, shown))
    return len(shown["t"] or "") if isinstance(shown, dict) else 0
