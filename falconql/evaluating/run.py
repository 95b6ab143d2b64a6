"""A whole evaluation: of a query's proxy against people's answers, or against another proxy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from falconql.annotating.billing import CONFIRM, bill_of
from falconql.annotating.proxy import LlmProxy
from falconql.annotating.task import Question
from falconql.consent import agree
from falconql.errors import ConfigError, DataError, ModelServerError
from falconql.evaluating.gold import compared_with, matched, questions_in
from falconql.evaluating.quality import Compared, Quality, quality
from falconql.evaluating.results import ResultQuality, compare_results
from falconql.evaluating.sides import Side, asked_of
from falconql.evaluating.whole import Agreement, agreement
from falconql.evaluating.worst import Disagreement, disagreements
from falconql.plan.logical import references
from falconql.plan.planner import plan_query
from falconql.runtime.display import call_text
from falconql.runtime.executor import output_schema
from falconql.runtime.expression import ColumnRef
from falconql.runtime.io.memory import MemorySource
from falconql.runtime.plan import ModelCall, Output
from falconql.runtime.types import TEXT
from falconql.specialise.questions import Asked, Pool, asked, batches_of, derived, draw_pool
from falconql.specialise.training import told

if TYPE_CHECKING:
    from falconql.check.typed import TypedQuery
    from falconql.consent import Confirm
    from falconql.runtime.io.base import TableSource
    from falconql.specialise.task import Answer, Task


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
    typed: TypedQuery,
    query: str,
    source: TableSource,
    here: Side,
    there: Side,
    *,
    rows: int,
    seed: int,
    confirm: Confirm | None = None,
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
        confirm: asked before a language model is, with what it is expected to cost; None agrees to what needs no
            consent.

    Raises:
        ConfigError: no row reaches a model call, or nobody agreed to the costs.
        DataError: the corpus cannot be read.
        ProxyError: a proxy fails.
    """
    pool = draw_pool(typed, source, most=rows, seed=seed)
    if not pool.table.num_rows:
        raise ConfigError(
            "there is nothing to compare: no row of the corpus reaches a model call of the query",
            hint="look at the conditions that use no model with `falconql explain --analyze`",
        )
    everything = all_questions(typed, pool)
    for side in (here, there):
        _agree(side, everything, confirm, sampled=True)
    put = asked(typed, pool, here.proxy, answers=here.answers, cache=here.cache)
    both = [_both(typed, each, here, there) for each in put]
    notes: list[str] = []
    if missing := sum(len(all_) - len(answered) for all_, answered in zip(put, both, strict=True)):
        notes.append(f"{there.name} gave no usable answer to {missing:,} questions; left out")
    same = None
    try:
        same = agreement(typed, pool.table, here, there)
    except ModelServerError as error:
        notes.append(f"whole results could not be compared: {error.message}")
    drawn = (pool.table.num_rows, pool.rows)
    calls = _of_calls(typed, both)
    return Evaluation(query, source.name, here.name, there.name, calls, agreement=same, rows=drawn, notes=tuple(notes))


def all_questions(typed: TypedQuery, pool: Pool) -> list[Question]:
    """Return every question that a side may be asked: what conditions leave out, and `limit`, is not known before.

    What an instruction quotes is not known either, and ``each`` may put a question several times about a row.
    """
    found: dict[Question, None] = {}
    for call in typed.calls:
        needed = references((call.text,), typed.calls)
        known = not needed.calls and not needed.variables
        text = call.text if known or typed.text is None else ColumnRef(typed.text, TEXT)
        query = derived(typed, where=None, outputs=(Output("text", text),), each=())
        texts = [
            value
            for batch in batches_of(query, MemorySource(pool.table), None)
            for value in batch.column(0).to_pylist()
            if value is not None
        ]
        instruction = "".join(part if isinstance(part, str) else "..." for part in call.instruction)
        found.update(dict.fromkeys(asked_of(call, texts, [instruction] * len(texts))))
    return list(found)


def _agree(side: Side, put: Sequence[Question], confirm: Confirm | None, *, sampled: bool) -> None:
    """Go on only when it costs little to put these questions to a side, or somebody agrees."""
    if not isinstance(side.proxy, LlmProxy):
        return
    annotator = side.proxy.annotator
    bill = bill_of(annotator, put)
    if not (confirm(bill) if confirm is not None else not bill.needs_consent):
        raise ConfigError(
            f"nothing was asked, since nobody agreed to the costs: {bill}",
            hint="--yes agrees; "
            + ("--sample N asks about fewer rows; " if sampled else "")
            + f"{CONFIRM}=AMOUNT asks from that many dollars on",
        )


def _both(typed: TypedQuery, questions: Asked, here: Side, there: Side) -> Compared:
    """Return the answers of both sides to those questions that both answer."""
    put = (typed, questions.call, questions.texts, questions.instructions)
    found = zip(here.replies(*put), there.answered(*put), strict=True)
    answered = [(place, first, second) for place, (first, second) in enumerate(found) if second is not None]
    places = [place for place, _, _ in answered]
    return Compared(
        questions.index,
        questions.call,
        tuple(questions.texts[place] for place in places),
        tuple(questions.instructions[place] for place in places),
        tuple(first for _, first, _ in answered),
        tuple(second for _, _, second in answered),
        questions.counts[places].astype(np.float64),
    )


def against_answers(
    typed: TypedQuery,
    query: str,
    corpus: str,
    here: Side,
    answers: Mapping[Task, Answer],
    name: str,
    *,
    confirm: Confirm | None = None,
) -> Evaluation:
    """Compare a proxy with people's answers to questions that the query asks.

    Raises:
        ConfigError: the answers are to nothing that the query asks, or nobody agreed to the costs.
        ProxyError: the proxy fails.
    """
    right = matched(typed, answers)
    _agree(here, questions_in(typed, right), confirm, sampled=False)
    compared = compared_with(typed, right, here)
    notes = []
    if right.strangers:
        notes.append(
            f"answers to nothing that the query asks were left out: {len(right.strangers):,}, "
            f"such as {told(right.strangers[0])}"
        )
    if right.undecided:
        notes.append(f"{right.undecided:,} choices do not have exactly one right option; left out")
    return Evaluation(query, corpus, here.name, name, _of_calls(typed, compared), notes=tuple(notes))


def against_rows(
    typed: TypedQuery,
    query: str,
    source: TableSource,
    here: Side,
    gold: pa.Table,
    name: str,
    *,
    confirm: Confirm | None = None,
) -> Evaluation:
    """Run the query and compare its rows with the right ones.

    Raises:
        ConfigError: nothing tells which rows belong together, or nobody agreed to the costs.
        DataError: the corpus cannot be read.
        ProxyError: the proxy fails.
    """
    if not gold.num_rows:
        raise DataError(f"{name} has no rows", hint="gold rows are those that the query should return")
    planned = plan_query(typed)
    agree(planned, source, here.proxy, confirm)
    schema = output_schema(planned.plan, source.schema)
    found = pa.Table.from_batches(list(here.run(typed, source)), schema=schema)
    return Evaluation(query, source.name, here.name, name, (), result=compare_results(typed, found, gold))


def _of_calls(typed: TypedQuery, compared: Sequence[Compared]) -> tuple[CallQuality, ...]:
    return tuple(
        CallQuality(
            one.call.name or call_text(one.call, typed.calls, text_column=typed.text),
            one.call,
            quality(one),
            tuple(disagreements(one)),
        )
        for one in compared
    )
