"""A whole evaluation: of a query's proxy against people's answers, or against another proxy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from falconql.errors import ConfigError, DataError
from falconql.evaluating.gold import compared_with
from falconql.evaluating.quality import Compared, Quality, quality
from falconql.evaluating.results import ResultQuality, compare_results
from falconql.evaluating.sides import Side
from falconql.evaluating.whole import Agreement, agreement
from falconql.evaluating.worst import Disagreement, disagreements
from falconql.runtime.display import call_text
from falconql.runtime.executor import output_schema
from falconql.runtime.plan import ModelCall
from falconql.specialise.questions import asked, draw_pool

if TYPE_CHECKING:
    from falconql.annotating.answers import Answer
    from falconql.annotating.prompt import Task
    from falconql.check.typed import TypedQuery
    from falconql.runtime.io.base import TableSource


@dataclass(frozen=True, slots=True)
class CallQuality:
    """One model call.

    Attributes:
        name: as people know it: the ``let``'s name, or the call as written.
        call: the call.
        quality: None when no question reached it.
        worst: questions that are answered differently, the worst first.
    """

    name: str
    call: ModelCall
    quality: Quality | None
    worst: tuple[Disagreement, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What came of an evaluation.

    Attributes:
        query, corpus: what was run on what.
        here: the proxy in question.
        there: what it was compared with.
        calls: one for each model call of the query.
        agreement: of the whole results, against another proxy.
        result: of the whole result, against gold rows.
        rows: how many rows of the corpus were drawn, of how many.
        notes: what the user should know, a sentence each.
    """

    query: str
    corpus: str
    here: str
    there: str
    calls: tuple[CallQuality, ...]
    agreement: Agreement | None = None
    result: ResultQuality | None = None
    rows: tuple[int, int] | None = None
    notes: tuple[str, ...] = field(default=())


def against_proxy(
    typed: TypedQuery, query: str, source: TableSource, here: Side, there: Side, *, rows: int, seed: int
) -> Evaluation:
    """Compare two proxies on rows of the corpus drawn evenly, those that pass the conditions without a model.

    Args:
        typed: the query.
        query: its text.
        source: the corpus.
        here: the proxy in question.
        there: the one whose answers are taken as right.
        rows: how many to draw.
        seed: the same seed draws the same rows.

    Raises:
        ConfigError: no row reaches a model call.
        DataError: the corpus cannot be read.
        ProxyError: a proxy fails.
    """
    pool = draw_pool(typed, source, most=rows, seed=seed)
    if not pool.table.num_rows:
        raise ConfigError(
            "there is nothing to compare: no row of the corpus reaches a model call of the query",
            hint="look at the conditions that use no model with `falconql explain --analyze`",
        )
    compared = []
    for questions in asked(typed, pool, here.proxy, answers=here.answers, cache=here.cache):
        first, second = (
            side.replies(typed, questions.call, questions.texts, questions.instructions) for side in (here, there)
        )
        compared.append(
            Compared(
                questions.index,
                questions.call,
                questions.texts,
                questions.instructions,
                tuple(first),
                tuple(second),
                questions.counts.astype(np.float64),
            )
        )
    return Evaluation(
        query,
        source.name,
        here.name,
        there.name,
        _of_calls(typed, compared),
        agreement=agreement(typed, pool.table, here, there),
        rows=(pool.table.num_rows, pool.rows),
    )


def against_answers(
    typed: TypedQuery, query: str, corpus: str, here: Side, answers: Mapping[Task, Answer], name: str
) -> Evaluation:
    """Compare a proxy with people's answers to questions that the query asks.

    Raises:
        ConfigError: the answers are for other instructions than the query's.
        ProxyError: the proxy fails.
    """
    matched = compared_with(typed, answers, here)
    notes = []
    if matched.strangers:
        notes.append(f"{matched.strangers:,} answers are for instructions that the query does not have; left out")
    if matched.undecided:
        notes.append(f"{matched.undecided:,} choices do not have exactly one right option; left out")
    return Evaluation(query, corpus, here.name, name, _of_calls(typed, matched.calls), notes=tuple(notes))


def against_rows(
    typed: TypedQuery, query: str, source: TableSource, here: Side, gold: pa.Table, name: str
) -> Evaluation:
    """Run the query and compare its rows with the right ones.

    Raises:
        ConfigError: nothing tells which rows belong together.
        DataError: the corpus cannot be read.
        ProxyError: the proxy fails.
    """
    from falconql.plan.planner import plan_query

    if not gold.num_rows:
        raise DataError(f"{name} has no rows", hint="gold rows are those that the query should return")
    schema = output_schema(plan_query(typed).plan, source.schema)
    found = pa.Table.from_batches(list(here.run(typed, source)), schema=schema)
    return Evaluation(query, source.name, here.name, name, (), result=compare_results(typed, found, gold))


def _of_calls(typed: TypedQuery, compared: list[Compared] | tuple[Compared, ...]) -> tuple[CallQuality, ...]:
    return tuple(
        CallQuality(
            one.call.name or call_text(one.call, typed.calls, text_column=typed.text),
            one.call,
            quality(one),
            tuple(disagreements(one)),
        )
        for one in compared
    )
