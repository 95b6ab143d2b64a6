"""From an instruction in plain words to a checked query.

::

    instruction, corpus --prompt--> messages --model--> reply --read--> query --mend, check, review--> Answer
                                       ^                                   |
                                       +------------- what is wrong -------+   at most three times
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from falconql.api import Query
from falconql.asking.constraint import FREE, Grammars, Ladder, Way, ways
from falconql.asking.corpus import Corpus
from falconql.asking.mending import mend
from falconql.asking.prompt import PromptSettings, conversation, repair
from falconql.asking.reading import MOST_CHARACTERS, Read, is_thought, read, refusal
from falconql.asking.review import slips
from falconql.asking.understanding import understanding
from falconql.asking.wording import column_wording, plain_wording
from falconql.catalog import Catalog
from falconql.check import TypedQuery, check_query
from falconql.diagnostics.model import Diagnostic, Severity
from falconql.diagnostics.render import render, to_json_object
from falconql.errors import AskError, ModelServerError, QueryError
from falconql.llm.client import ChatClient, Message, Refused, Reply
from falconql.source import Source
from falconql.visible import visible

REPAIRS = 3
MOST_TOKENS = 320
# For a model that thinks before it answers; less where what the server can hold has no room for that many.
ROOMS_TO_THINK = (8192, 4096, 2048)


@dataclass(frozen=True, slots=True)
class Settings:
    """How to ask.

    Attributes:
        prompt: what the prompt holds.
        constrained: hand the grammar over where the server can take it.
        framed: keep the grammar to what the words of the instruction decide, as long as that leads to a query; None
            does so where the models of a server gain from it (``Way.framed``).
        reviewed: look for semantic slips, mend what can be mended, and hand the rest back.
        repairs: how often a query is handed back at most.
        most_tokens: a reply's tokens at most; one of ``ROOMS_TO_THINK`` for a model that spends them on thoughts.
    """

    prompt: PromptSettings = field(default_factory=PromptSettings)
    constrained: bool = True
    framed: bool | None = None
    reviewed: bool = True
    repairs: int = REPAIRS
    most_tokens: int = MOST_TOKENS


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a reply, in the words that are handed back.

    Attributes:
        said: everything, empty when nothing is wrong.
        diagnostics: errors of the query, as ``check --format json`` shows them.
        slips: what seems not to be what the instruction says.
    """

    said: str = ""
    diagnostics: tuple[dict[str, Any], ...] = ()
    slips: tuple[str, ...] = ()

    @property
    def is_of_syntax(self) -> bool:
        """Whether the reply is not in the language at all."""
        return any(diagnostic["code"].startswith("FQL0") for diagnostic in self.diagnostics)

    @classmethod
    def of(cls, diagnostics: Sequence[Diagnostic], source: Source) -> Fault:
        """Return errors as a fault."""
        return cls(render(diagnostics, source), tuple(to_json_object(d, source) for d in diagnostics))


NO_FAULT = Fault()


@dataclass(frozen=True, slots=True)
class Try:
    """One reply.

    Attributes:
        reply: what the model wrote.
        way: how it was held to the grammar.
        fault: what was wrong with it.
    """

    reply: str
    way: str
    fault: Fault
    prompt_tokens: int
    completion_tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Answer:
    """A query for an instruction.

    Attributes:
        query: canonical, checked against the corpus.
        notes: what the user should know: what was left out, what may have been misunderstood.
        understood: what the query does, in words, read off the checked query and not off the model's reply.
        tries: every reply in order.
        left: the ways of constraining that the server refused, and why.
    """

    query: Query
    notes: tuple[str, ...]
    understood: tuple[str, ...]
    tries: tuple[Try, ...]
    left: tuple[tuple[str, str], ...] = ()

    @property
    def seconds(self) -> float:
        """How long the model took in all."""
        return sum(each.seconds for each in self.tries)

    @property
    def tokens(self) -> int:
        """Tokens read and written in all."""
        return sum(each.prompt_tokens + each.completion_tokens for each in self.tries)

    def to_dict(self) -> dict[str, Any]:
        """Return what ``ask --format json`` prints."""
        return {
            "query": self.query.text,
            "understood": list(self.understood),
            "notes": list(self.notes),
            "tries": [
                {
                    "reply": tried.reply,
                    "constraint": tried.way,
                    "diagnostics": list(tried.fault.diagnostics),
                    "slips": list(tried.fault.slips),
                    "prompt_tokens": tried.prompt_tokens,
                    "completion_tokens": tried.completion_tokens,
                    "seconds": round(tried.seconds, 3),
                }
                for tried in self.tries
            ],
            "tokens": self.tokens,
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A query that checks, and what may be wrong with it all the same."""

    read: Read
    typed: TypedQuery
    notes: tuple[str, ...]
    slips: tuple[str, ...]


@dataclass(slots=True)
class Planner:
    """Turns instructions into queries over one corpus.

    Args:
        chat: the model.
        corpus: what is known of the corpus.
        grammars: the decoding grammars of an instruction, and whether to keep to what its words decide.
        url: the endpoint, which decides what is tried first.
        settings: how to ask.
    """

    chat: ChatClient
    corpus: Corpus
    grammars: Callable[[str, bool], Grammars]
    url: str
    settings: Settings = field(default_factory=Settings)
    _room: int = field(default=0, init=False)

    def plan(self, instruction: str) -> Answer:
        """Return the query for an instruction.

        Raises:
            AskError: the corpus cannot answer it, or no try gave a query.
            ModelServerError: the model cannot be asked.
        """
        ladder = Ladder(ways(self.chat, self.url) if self.settings.constrained else [FREE])
        worded = column_wording(self.corpus, plain_wording(instruction))
        messages = conversation(self.corpus, instruction, self.settings.prompt)
        best: _Candidate | None = None
        tries: list[Try] = []
        seen: set[str] = set()
        for number in range(self.settings.repairs + 1):
            # What still fails after one repair may fail because the words were misunderstood.
            may_frame = number < 2
            try:
                reply, seconds = self._reply(messages, instruction, ladder, tries, may_frame=may_frame)
            except ModelServerError:
                if best is None:
                    raise
                break
            why = self._no_use(reply)
            candidate, fault = (None, Fault()) if why is not None else self._judged(reply, worded, ladder.way)
            tries.append(_try(reply, ladder.way, seconds, fault))
            if why is not None:
                if best is not None:
                    break
                raise AskError(why[0], hint=why[1], tries=tries, left=_left(ladder))
            if candidate is not None and (best is None or len(candidate.slips) < len(best.slips)):
                best = candidate
            if not fault.said or (reply.text in seen and not (may_frame and self._framed(ladder.way))):
                break
            seen.add(reply.text)
            if ladder.way.strict and fault.is_of_syntax:
                # Held to the grammar it could not have written this: the server took the field and ignored it.
                ladder.step_down("the answer does not keep to the grammar")
            asked = conversation(self.corpus, instruction, self.settings.prompt)
            messages = repair(asked, reply.text[:MOST_CHARACTERS], fault.said)
        if best is None:
            raise AskError(
                f"no query after {len(tries)} tries; the last one: {tries[-1].fault.said.splitlines()[0]}",
                hint="say it in other words, or write the query by hand",
                tries=tries,
                left=_left(ladder),
            )
        return self._answer(best, tries, ladder)

    def _reply(
        self, messages: Sequence[Message], instruction: str, ladder: Ladder, tries: list[Try], *, may_frame: bool
    ) -> tuple[Reply, float]:
        """Return a reply and its seconds; one that was all thoughts is put among the tries and asked for again."""
        spent: tuple[Reply, float] | None = None
        while True:
            fields = ladder.way.fields(self.grammars(instruction, self._framed(ladder.way) and may_frame))
            started = time.perf_counter()
            try:
                reply = self.chat.complete(messages, fields, most_tokens=self._most_tokens)
            except Refused as error:
                if self._room:  # first of all there may be no room for that many tokens
                    self._room = self._next_room()
                    if spent is not None and not self._room:
                        return spent
                elif not ladder.step_down(error.message):
                    raise
                continue
            answered = reply, time.perf_counter() - started
            if spent is not None:
                tries.append(_try(spent[0], ladder.way, spent[1]))
            elif self._ran_out(reply) and not self._room and self._next_room():
                spent, self._room = answered, self._next_room()
                continue
            return answered

    def _next_room(self) -> int:
        """Return the room to think in that is tried next, 0 where what replies have without is all there is."""
        less = (room for room in ROOMS_TO_THINK if not self._room or room < self._room)
        return next((room for room in less if room > self.settings.most_tokens), 0)

    def _framed(self, way: Way) -> bool:
        return way.framed if self.settings.framed is None else self.settings.framed

    @property
    def _most_tokens(self) -> int:
        return self._room or self.settings.most_tokens

    @staticmethod
    def _ran_out(reply: Reply) -> bool:
        return not reply.finished and is_thought(reply.text)

    def _no_use(self, reply: Reply) -> tuple[str, str] | None:
        """Return why another try would be of no use and what to do instead, None if it may be."""
        why = refusal(reply.text)
        if why is not None:
            return f"this corpus cannot answer that: {why}", _columns_hint(self.corpus)
        if reply.refusal and not reply.text.strip():
            return f"the model refuses to answer: {reply.refusal}", "say it in other words, or name another model"
        if self._ran_out(reply):
            return (
                f"the model spent its {self._most_tokens:,} tokens thinking",
                "turn its thinking off where it is served, or name a model that answers at once",
            )
        return None

    def _judged(self, reply: Reply, instruction: str, way: Way) -> tuple[_Candidate | None, Fault]:
        if not reply.finished:
            return None, Fault("the answer was cut off because it was too long; write a shorter query")
        if not reply.text.strip():
            return None, Fault("the answer was empty")
        try:
            found = read(reply.text, self.corpus)
        except QueryError as error:
            return None, Fault.of(error.diagnostics, error.source)
        notes = found.notes
        if self.settings.reviewed:
            mended = mend(found.query, self.corpus, instruction, removes=self._framed(way) and way.sure)
            notes += mended.notes
            found = found.as_mended(mended.query)
        typed, diagnostics = check_query(found.query, Catalog(self.corpus.fields, {}, self.corpus.name))
        if typed is None:
            errors = [d for d in diagnostics if d.severity is Severity.ERROR]
            return None, Fault.of(errors, found.source)
        slipped = tuple(slips(instruction, self.corpus, found.source, typed)) if self.settings.reviewed else ()
        return _Candidate(found, typed, notes, slipped), Fault("\n".join(slipped), (), slipped)

    def _answer(self, best: _Candidate, tries: Sequence[Try], ladder: Ladder) -> Answer:
        doubts = tuple(f"please check: {slip}" for slip in best.slips)
        return Answer(
            Query(best.read.source),
            tuple(map(visible, best.notes + doubts)),
            understanding(best.typed),
            tuple(tries),
            _left(ladder),
        )


def _try(reply: Reply, way: Way, seconds: float, fault: Fault = NO_FAULT) -> Try:
    text = reply.text or reply.refusal
    return Try(text, way.name, fault, reply.prompt_tokens, reply.completion_tokens, seconds)


def _left(ladder: Ladder) -> tuple[tuple[str, str], ...]:
    return tuple((way.name, why) for way, why in ladder.left)


def _columns_hint(corpus: Corpus) -> str:
    return f"the corpus has {', '.join(column.name for column in corpus.columns)}"
