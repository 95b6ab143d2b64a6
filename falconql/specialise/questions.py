"""Which questions a query puts to its proxy: for each model call, the texts and instructions that reach it.

A call in ``where``, or in an ``each`` that ``where`` needs, is reached by the rows that pass the conditions that need
no model: the order of tests changes while a query runs and after training, so that any of those rows may be asked
about. A call that only other ``each``, ``select`` or ``order by`` mention is reached by the rows that the current proxy
lets through.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from falconql.plan.logical import inputs_of, references
from falconql.plan.planner import plan_query
from falconql.runtime.answers import Answers
from falconql.runtime.context import ExecContext
from falconql.runtime.executor import execute, output_schema
from falconql.runtime.expression import And, CallRef, Expr, Score
from falconql.runtime.io.memory import MemorySource
from falconql.runtime.plan import ModelCall, Output

if TYPE_CHECKING:
    from falconql.check.typed import TypedQuery
    from falconql.runtime.cache import ResultCache
    from falconql.runtime.io.base import TableSource
    from falconql.runtime.proxy.base import Proxy

# Rows that the current proxy reads to find rare answers among: minutes of work for it, whatever the corpus.
POOL_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Pool:
    """Rows of a corpus drawn at random from those that pass the conditions without a model.

    Attributes:
        table: the rows, in corpus order, with the columns that the query reads.
        rows: how many rows of the corpus pass.
    """

    table: pa.Table
    rows: int

    @property
    def scale(self) -> float:
        """Return how many rows of the corpus each row here stands for."""
        return self.rows / max(1, int(self.table.num_rows))


@dataclass(frozen=True, slots=True)
class Asked:
    """The distinct questions that reach one model call.

    Attributes:
        index: the call's number in the query.
        call: the call.
        texts, instructions: what is asked of what; an option of ``choose`` is not part of the instruction.
        counts: rows of the pool that ask each question.
        scores: what the current proxy says: the label's score, or the best span's (0 without one); for ``choose``
            the number of the option.
    """

    index: int
    call: ModelCall
    texts: tuple[str, ...]
    instructions: tuple[str, ...]
    counts: NDArray[np.int64]
    scores: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.texts)


def draw_pool(typed: TypedQuery, source: TableSource, *, most: int = POOL_ROWS, seed: int = 0) -> Pool:
    """Read the corpus once and return at most ``most`` of its rows, each equally likely.

    Raises:
        DataError: the corpus cannot be read.
    """
    cheap, _ = conditions(typed)
    needed = references(_all_expressions(typed), typed.calls).columns
    columns = [field for field in typed.columns if field.name in needed]
    outputs = tuple(Output(field.name, _column(typed, field.name)) for field in columns)
    query = derived(typed, where=cheap, outputs=outputs, each=())
    rng = np.random.default_rng(seed)
    kept: list[pa.RecordBatch] = []
    keys: NDArray[np.float64] = np.zeros(0)
    rows = 0
    for batch in batches_of(query, source, None):
        rows += batch.num_rows
        # The rows with the smallest keys stay: a uniform sample without replacement, in one pass.
        keys = np.append(keys, rng.random(batch.num_rows))
        kept.append(batch)
        if len(keys) > 2 * most:
            table, keys = _smallest(pa.Table.from_batches(kept), keys, most)
            kept = table.combine_chunks().to_batches()
    schema = output_schema(plan_query(query).plan, source.schema)
    table, _ = _smallest(pa.Table.from_batches(kept, schema=schema), keys, most)
    return Pool(table, rows)


def _smallest(table: pa.Table, keys: NDArray[np.float64], most: int) -> tuple[pa.Table, NDArray[np.float64]]:
    if len(keys) <= most:
        return table, keys
    chosen = np.sort(np.argpartition(keys, most)[:most])
    return table.take(pa.array(chosen)), keys[chosen]


def conditions(typed: TypedQuery) -> tuple[Expr | None, Expr | None]:
    """Return the part of ``where`` that needs neither a model nor an ``each`` variable, and the rest."""
    if typed.where is None:
        return None, None
    parts = typed.where.operands if isinstance(typed.where, And) else (typed.where,)
    cheap: list[Expr] = []
    rest: list[Expr] = []
    for part in parts:
        needed = references((part,), typed.calls)
        (rest if needed.calls or needed.variables else cheap).append(part)
    return _all_of(cheap), _all_of(rest)


def _all_of(parts: Sequence[Expr]) -> Expr | None:
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def asked(
    typed: TypedQuery,
    pool: Pool,
    proxy: Proxy,
    *,
    answers: Answers | None = None,
    cache: ResultCache | None = None,
) -> list[Asked]:
    """Return the questions of every model call, asking the current proxy for its answers.

    Args:
        typed: the query.
        pool: rows of the corpus.
        proxy: the current proxy.
        answers: where to find and keep its answers in memory.
        cache: where to find and keep them on disk.

    Raises:
        ProxyError: the proxy fails.
    """
    answers = Answers(1 << 30) if answers is None else answers
    source = MemorySource(pool.table)
    return [_asked(typed, index, source, proxy, answers, cache) for index in range(len(typed.calls))]


def _asked(
    typed: TypedQuery, index: int, source: MemorySource, proxy: Proxy, answers: Answers, cache: ResultCache | None
) -> Asked:
    call = typed.calls[index]
    _, model_part = conditions(typed)
    in_where = model_part is not None and index in calls_of(typed, model_part)
    where = None if in_where or model_part is None else model_part
    quoted = [part for part in call.instruction if not isinstance(part, str)]
    result: Expr = CallRef(index, call.type)
    outputs = [Output("text", call.text), *(Output(f"part{i}", part) for i, part in enumerate(quoted))]
    outputs.append(Output("said", Score(result) if call.kind == "label" else result))
    each: tuple[Any, ...]
    if in_where:
        each = _variables(typed, references(inputs_of(call), typed.calls).variables)
    else:
        # A row without anything for an ``each`` never gets to what comes after it, whether that mentions it or not.
        own = [place for place, binding in enumerate(typed.each) if index in calls_of(typed, binding.value)]
        tested = _variables(typed, references(() if where is None else (where,), typed.calls).variables)
        before = typed.each[: min(own, default=len(typed.each))]
        each = tuple(binding for binding in typed.each if binding in before or binding in tested)
    query = derived(typed, where=where, outputs=tuple(outputs), each=each)
    found: dict[tuple[str, str], int] = {}
    counts: list[int] = []
    scores: list[float] = []
    for batch in batches_of(query, source, proxy, answers, cache):
        for row in batch.to_pylist():
            values = [row[f"part{i}"] for i in range(len(quoted))]
            if row["text"] is None or None in values:
                continue
            question = (row["text"], _filled(call, values))
            place = found.setdefault(question, len(found))
            if place == len(counts):
                counts.append(0)
                scores.append(_score(call, row["said"]))
            counts[place] += 1
    texts, instructions = (tuple(part) for part in zip(*found, strict=True)) if found else ((), ())
    return Asked(index, call, texts, instructions, np.array(counts, dtype=np.int64), np.array(scores))


def _filled(call: ModelCall, values: Sequence[Any]) -> str:
    own = iter(values)
    return "".join(part if isinstance(part, str) else str(next(own)) for part in call.instruction)


def _score(call: ModelCall, said: Any) -> float:
    if call.kind == "label":
        return float(said)
    if call.kind == "choose":
        return float(call.options.index(said))
    spans = said if isinstance(said, list) else [] if said is None else [said]
    return max((float(span["score"]) for span in spans), default=0.0)


def calls_of(typed: TypedQuery, expr: Expr) -> set[int]:
    """Return the calls that an expression needs, also through the ``each`` variables in it."""
    needed = references((expr,), typed.calls)
    bindings = _variables(typed, needed.variables)
    return set(needed.calls | references((binding.value for binding in bindings), typed.calls).calls)


def _variables(typed: TypedQuery, needed: frozenset[str]) -> tuple[Any, ...]:
    """Return the ``each`` bindings with these names, and those that they need."""
    wanted = set(needed)
    for binding in reversed(typed.each):
        if binding.name in wanted:
            wanted |= references((binding.value,), typed.calls).variables
    return tuple(binding for binding in typed.each if binding.name in wanted)


def _all_expressions(typed: TypedQuery) -> Iterator[Expr]:
    for call in typed.calls:
        yield from inputs_of(call)
    yield from (binding.value for binding in typed.each)
    if typed.where is not None:
        yield typed.where
    yield from decided(typed)


def decided(typed: TypedQuery) -> list[Expr]:
    """Return the outputs of a query that need a model; of one that groups, the keys and what is aggregated."""
    values = [output.value for output in typed.outputs]
    if typed.grouping is not None:
        operands = [aggregate.operand for aggregate in typed.grouping.aggregates]
        values = [*typed.grouping.keys, *(operand for operand in operands if operand is not None)]
    return [value for value in values if references((value,), typed.calls).calls]


def _column(typed: TypedQuery, name: str) -> Expr:
    from falconql.runtime.expression import ColumnRef

    return ColumnRef(name, next(field.type for field in typed.columns if field.name == name))


def derived(typed: TypedQuery, *, where: Expr | None, outputs: tuple[Output, ...], each: tuple[Any, ...]) -> TypedQuery:
    """Return a query of the same calls without groups, order and limit."""
    return replace(typed, where=where, outputs=outputs, each=each, lets=(), grouping=None, order_by=(), limit=None)


def batches_of(
    query: TypedQuery,
    source: TableSource,
    proxy: Proxy | None,
    answers: Answers | None = None,
    cache: ResultCache | None = None,
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a query."""
    yield from execute(plan_query(query).plan, ExecContext(source, proxy, answers=answers, cache=cache))
