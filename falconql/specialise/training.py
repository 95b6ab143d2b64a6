"""``falconql train``, without the terminal: from a query and a corpus to a registered proxy."""

from __future__ import annotations

import hashlib
import random
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

from falconql.errors import ConfigError
from falconql.plan.planner import plan_query
from falconql.runtime.commit.identity import canonical
from falconql.runtime.errors import DataError
from falconql.runtime.io.fingerprint import fingerprint as content_of
from falconql.runtime.plan import Output
from falconql.runtime.proxy.base import with_holes
from falconql.specialise.gold import NOT_DRAWN, Gold, Parts, parted
from falconql.specialise.job import Drawn, Job
from falconql.specialise.questions import Asked, asked, decided, derived, draw_pool
from falconql.specialise.sampling import draw, size
from falconql.specialise.task import Answer, Task
from falconql.visible import quoted

if TYPE_CHECKING:
    from falconql.check.typed import TypedQuery
    from falconql.runtime.io.base import TableSource
    from falconql.runtime.plan import ModelCall
    from falconql.runtime.proxy.base import Proxy

LEAST_TEXTS = 20
AS_ASKED = (
    "`instruction` is the one in the query, letter by letter, and for `choose` has an option after it; "
    "a label takes true or false, spans take a list"
)


class Annotates(Protocol):
    """What answers tasks: a language model, or a person.

    Attributes:
        unasked: of the tasks without an answer, how many were never asked, since the budget was used up.
    """

    unasked: int

    def annotate(self, tasks: Sequence[Task]) -> Sequence[Answer | None]:
        """Return the answers in order; None where none can be had."""


@dataclass(frozen=True, slots=True)
class Annotated:
    """What came of annotating.

    Attributes:
        rows: the questions with an answer.
        unanswered: how many were asked and have none.
        unasked: how many the budget left unasked.
        warnings: what the user should know about the answers, a sentence each.
    """

    rows: tuple[Gold, ...]
    unanswered: int
    unasked: int
    warnings: tuple[str, ...] = field(default=())


def drawn(
    typed: TypedQuery, source: TableSource, proxy: Proxy, job: Job, *, count: int | None, seed: int
) -> list[Drawn]:
    """Return the questions to annotate: those drawn when the job began, or new ones.

    Args:
        typed: the query.
        source: the corpus.
        proxy: the current proxy, whose scores part a label's questions.
        job: where they are kept.
        count: per call; None takes 5 % of the rows that reach it, at least 64, at most 2,048.
        seed: the same seed draws the same questions.

    Raises:
        DataError: the corpus cannot be read.
        ConfigError: no question reaches any call.
    """
    found = job.drawn()
    if found is None:
        pool = draw_pool(typed, source, seed=seed)
        found = []
        for questions in asked(typed, pool, proxy):
            wanted = size(questions, pool.scale) if count is None else count
            found += _tasks(questions, pool.scale, wanted, seed)
        # Where a budget or patience ends early, what was answered is a sample of all, and not the corpus's beginning.
        random.Random(seed).shuffle(found)
        if not found:
            raise ConfigError(
                "there is nothing to train on: no row of the corpus reaches a model call of the query",
                hint="look at the conditions that use no model with `falconql explain --analyze`",
            )
        job.keep(found)
    return found


def _tasks(questions: Asked, scale: float, count: int, seed: int) -> list[Drawn]:
    sample = draw(questions, scale, count, seed)
    kind: Literal["label", "spans"] = "label" if questions.call.kind in ("label", "choose") else "spans"
    found = []
    for place, weight, stratum in zip(
        sample.chosen.tolist(), sample.weights.tolist(), sample.strata.tolist(), strict=True
    ):
        text, instruction = questions.texts[place], questions.instructions[place]
        for option in questions.call.options or ("",):
            asked_for = f"{instruction} {option}" if option else instruction
            found.append(Drawn(questions.index, Task(kind, text, asked_for), weight, stratum))
    return found


def annotated(
    typed: TypedQuery, drawn: Sequence[Drawn], people: Mapping[Task, Answer], annotator: Annotates | None
) -> Annotated:
    """Return the questions with their answers: those of people where there are any, else the annotator's.

    Questions that people answered and that were not drawn are taken too, each standing for one row, and for every call
    that asks them.

    Raises:
        ConfigError: there are too few answers, or people answered nothing that the query asks.
    """
    others = [each for each in drawn if each.task not in people]
    answers = annotator.annotate([each.task for each in others]) if annotator is not None else [None] * len(others)
    rows = [
        Gold(each.call, each.task, people[each.task], each.weight, each.stratum)
        for each in drawn
        if each.task in people
    ]
    rows += [
        Gold(each.call, each.task, answer, each.weight, each.stratum)
        for each, answer in zip(others, answers, strict=True)
        if answer is not None
    ]
    rows = _reweighted(drawn, rows)
    known = {each.task for each in drawn}
    more = {task: calls_asking(typed.calls, task) for task in people if task not in known}
    rows += [Gold(call, task, people[task], 1.0, NOT_DRAWN) for task, asking in more.items() for call in asking]
    strangers = [task for task, asking in more.items() if not asking]
    if strangers and not rows:
        raise ConfigError(
            f"the annotations are to nothing that the query asks, such as {told(strangers[0])}", hint=AS_ASKED
        )
    unasked = annotator.unasked if annotator is not None else 0
    missing = sum(answer is None for answer in answers) - unasked if annotator is not None else 0
    texts = len({row.task.text for row in rows})
    if texts < LEAST_TEXTS:
        few, needed = f"{texts} annotated texts are too few to learn from", f"at least {LEAST_TEXTS} are needed"
        if unasked:
            raise ConfigError(
                f"{few}: {_unasked(unasked)}; the answers are kept",
                hint=f"{needed}; a larger --budget goes on from here",
            )
        raise ConfigError(few, hint=needed)
    # Once there is a proxy, its name is taken.
    first = "to have them answered first, stop now (Ctrl-C) and give the command again with a larger --budget"
    warnings = [f"{_unasked(unasked)}; {first}"] if unasked else []
    warnings += _warnings(typed.calls, rows, strangers, missing)
    return Annotated(tuple(rows), missing, unasked, tuple(warnings))


def told(answered: Task) -> str:
    """Return what was answered, and in which form, as messages name it."""
    return f"{quoted(answered.instruction)}, answered {'by yes or no' if answered.kind == 'label' else 'with spans'}"


def _unasked(count: int) -> str:
    return f"the budget is used up, and left {count:,} question{'s' * (count != 1)} unasked"


def _reweighted(drawn: Sequence[Drawn], answered: Sequence[Gold]) -> list[Gold]:
    """Return answered questions with the weights of those of their stratum that have no answer."""
    asked = Counter((each.call, each.stratum) for each in drawn)
    got = Counter((row.call, row.stratum) for row in answered)
    return [
        replace(row, weight=row.weight * asked[row.call, row.stratum] / got[row.call, row.stratum]) for row in answered
    ]


def _warnings(calls: Sequence[ModelCall], rows: Sequence[Gold], strangers: Sequence[Task], missing: int) -> list[str]:
    found = []
    if strangers:
        found.append(
            f"annotations to nothing that the query asks were left out: {len(strangers):,}, "
            f"such as {told(strangers[0])}"
        )
    if missing:
        found.append(f"{missing:,} questions have no usable answer; they were left out")
    counts = Counter((row.call, bool(row.answer)) for row in rows)
    for number, call in enumerate(calls):
        yes, no = counts[number, True], counts[number, False]
        name = f"`{call.name}`" if call.name else f"call {number + 1}"
        if not yes + no:
            # Calls may have an instruction in common.
            if not any(number in calls_asking(calls, row.task) for row in rows):
                found.append(f"{name} has no annotations: it stays as good as it is")
        elif not yes:
            found.append(
                f"{name}: nothing among {no:,} annotated questions satisfies it, so that it is learned as never"
            )
        elif not no and call.kind == "label":
            found.append(f"{name}: all of {yes:,} annotated questions satisfy it, so that it is learned as always")
    return found


def calls_asking(calls: Sequence[ModelCall], task: Task) -> tuple[int, ...]:
    """Return the numbers of the calls that put this question: several where they differ in a threshold, say."""
    found = []
    for number, call in enumerate(calls):
        kind = "label" if call.kind in ("label", "choose") else "spans"
        if kind != task.kind:
            continue
        pattern = "".join(re.escape(part) if isinstance(part, str) else ".*" for part in call.instruction)
        if call.options:
            pattern += " (?:" + "|".join(re.escape(option) for option in call.options) + ")"
        if re.fullmatch(pattern, task.instruction, re.DOTALL):
            found.append(number)
    return tuple(found)


def parts_of(rows: Sequence[Gold], seed: int, known: Collection[str] = frozenset()) -> Parts:
    """Part annotated questions; those about ``known`` texts, which the base learned, are only learned.

    Raises:
        DataError: a part is left without any.
    """
    parts = parted(rows, seed, known)
    if known and not (parts.calibrated and parts.measured):
        raise DataError(
            "the base has learned from nearly all of the annotated texts, so that none is left to measure on",
            hint="annotate others (another --seed, more with --sample N), or start from what it started from",
        )
    if not parts.learned or not parts.calibrated or not parts.measured:
        raise DataError("there are too few different texts to learn, calibrate and measure on")
    return parts


def fingerprint(typed: TypedQuery, source: TableSource) -> dict[str, Any]:
    """Return what tells one training from another: what the query asks of which rows, and the corpus.

    What only lays out the result (``limit``, ``order by``, groups) is not part of it.

    Raises:
        DataError: the corpus cannot be read.
    """
    outputs = tuple(Output(f"output{number}", value) for number, value in enumerate(decided(typed)))
    asking = plan_query(derived(typed, where=typed.where, outputs=outputs, each=typed.each)).plan
    query = hashlib.blake2b(canonical(asking).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    calls = [
        {
            "kind": call.kind,
            "instruction": with_holes(call.instruction),
            "options": list(call.options),
        }
        for call in typed.calls
    ]
    columns = [f"{f.name} {f.type}" for f in typed.columns]
    content = content_of(source)
    return {"calls": calls, "query": query, "corpus": source.name, "columns": columns, "rows of the corpus": content}
