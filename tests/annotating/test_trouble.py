"""Annotating while something fails: the server, in every way, and the disk."""

from __future__ import annotations

import itertools
import os
import shutil
import threading
import time
from pathlib import Path

import pytest

from falconql.annotating import Annotator, Question, Settings
from falconql.annotating.budget import Budget
from falconql.errors import DataError, ModelServerError
from falconql.llm.endpoint import Endpoint
from tests.annotating.model import (
    FIND_APPLE,
    HAS_APPLE,
    NONSENSE,
    Request,
    Scripted,
    annotator,
    right,
    tasks_of,
    text_of,
    texts,
)
from tests.asking.server import Say, serving


def test_a_server_that_is_down_says_so(tmp_path: Path) -> None:
    with serving(right) as server:
        made = annotator(server, tmp_path)
    with pytest.raises(ModelServerError, match="cannot reach http://127"):
        made.annotate(texts(3), [HAS_APPLE])
    with pytest.raises(ModelServerError, match="8 requests failed running; the last one: cannot reach") as caught:
        made.annotate(texts(300), [HAS_APPLE])
    assert "goes on from here" in (caught.value.hint or "")
    assert made.usage.failed < 20


def test_a_wrong_key_ends_it_at_once(tmp_path: Path) -> None:
    with serving([Say("bad key", 401)]) as server, pytest.raises(ModelServerError, match="refused the key"):
        annotator(server, tmp_path, in_flight=2).annotate(texts(50), [HAS_APPLE])
    assert len(server.requests) <= 4


def test_a_model_that_is_not_there_ends_it_at_once(tmp_path: Path) -> None:
    with serving([Say("no such model", 404)]) as server, pytest.raises(ModelServerError, match="no such model"):
        annotator(server, tmp_path).annotate(texts(50), [HAS_APPLE])


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits of the client, not waited for."""
    taken: list[float] = []
    monkeypatch.setattr(time, "sleep", lambda seconds: taken.append(seconds) if seconds else None)
    return taken


def test_a_busy_server_is_asked_again_when_it_says(tmp_path: Path, sleeps: list[float]) -> None:
    script = Scripted(lambda request, before: right(request) if before else Say("wait", 429, {"retry-after": "17"}))
    with serving(script) as server:
        made = annotator(server, tmp_path, retries=2)
        assert made.annotate(texts(6), [HAS_APPLE]) == [[True], [False]] * 3
    assert set(script.asked.values()) == {2}
    assert sleeps == [17.0] * 6
    assert made.usage.requests == 6


def test_a_busy_server_that_says_nothing_is_asked_again_later_and_later(tmp_path: Path, sleeps: list[float]) -> None:
    script = Scripted(lambda request, before: right(request) if before > 3 else Say("slow down", 429))
    with serving(script) as server:
        assert annotator(server, tmp_path, retries=5).annotate(texts(1), [HAS_APPLE]) == [[True]]
    assert len(sleeps) == 4
    assert sleeps == sorted(sleeps)
    assert sleeps[3] > 4 * sleeps[0]


def test_what_a_server_fails_on_has_no_answer_and_the_rest_goes_on(tmp_path: Path) -> None:
    bad = {"Text 3 about an plum.", "Text 8 about an apple."}

    def answer(request: Request) -> Say:
        return Say("oops", 500) if text_of(request) in bad else right(request)

    with serving(answer) as server:
        made = annotator(server, tmp_path)
        found = made.annotate(texts(20), [HAS_APPLE])
        assert [number for number, (label,) in enumerate(found) if label is None] == [3, 8]
        assert made.usage.failed == 2
        server.answers = right
        assert None not in [label for (label,) in annotator(server, tmp_path).annotate(texts(20), [HAS_APPLE])]
    assert len(server.requests) == 22, "a failure is not an answer: it is asked again next time, and nothing else is"


def test_one_failure_of_the_server_is_made_good(tmp_path: Path, sleeps: list[float]) -> None:
    script = Scripted(lambda request, before: right(request) if before else Say("oops", 500))
    with serving(script) as server:
        assert annotator(server, tmp_path, retries=1).annotate(texts(2), [HAS_APPLE]) == [[True], [False]]


def test_a_server_that_does_not_answer_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    over = threading.Event()

    def answer(request: Request) -> Say:
        if "Text 0" in text_of(request):
            over.wait(timeout=60)
        return right(request)

    with serving(answer) as server:
        made = annotator(server, tmp_path, timeout_s=1.0)
        asked = [Question(HAS_APPLE, text) for text in texts(1)]
        with pytest.raises(ModelServerError, match="gave no answer within 1 seconds"):
            made.ask(asked)
        over.set()
        assert made.ask(asked) == [True]


def test_a_strict_question_without_an_answer_is_an_error(tmp_path: Path) -> None:
    asked = [Question(HAS_APPLE, text) for text in texts(3)]
    with serving([NONSENSE]) as server:
        with pytest.raises(ModelServerError, match="no usable answer to 'has apple', asked twice"):
            annotator(server, tmp_path, in_flight=1).ask(asked, strict=True)
        assert len(server.requests) == 2
        server.answers = right
        assert annotator(server, tmp_path).ask(asked, strict=True) == [True, False, True]


def test_an_answer_that_cannot_be_kept_stops_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = itertools.count()
    real = os.write

    def full(file: int, data: bytes) -> int:
        if next(written) >= 3:
            raise OSError(28, "No space left on device")
        return real(file, data)

    with serving(right) as server:
        made = annotator(server, tmp_path, in_flight=1)
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", full)
            with pytest.raises(DataError, match="No space left on device"):
                made.annotate(texts(50), [HAS_APPLE])
        asked = len(server.requests)
        assert asked <= 6
        found = annotator(server, tmp_path).annotate(texts(50), [HAS_APPLE])
    assert [label for (label,) in found] == ["apple" in text for text in texts(50)]
    assert len(server.requests) == asked + 47


@pytest.mark.parametrize(("first", "more"), [('{"1": true, "2": []}', 0), ('{"1": true}', 0), ('{"1": true}', 5)])
def test_an_answer_is_kept_where_what_it_took_cannot_be_written_down(tmp_path: Path, first: str, more: int) -> None:
    job = tmp_path / "job"
    job.mkdir()

    def answer(_: Request) -> Say:
        shutil.rmtree(job, ignore_errors=True)
        return Say(first)

    with serving(answer) as server:
        endpoint = Endpoint(server.url, "key", "m", 5.0)
        made = Annotator(endpoint, folder=tmp_path, ledger=job / "spent.jsonl", settings=Settings(in_flight=1))
        with pytest.raises(DataError, match="what was spent cannot be written"):
            made.annotate(["an apple", *texts(more)], [HAS_APPLE, FIND_APPLE])
        assert len(server.requests) == made.usage.requests == 1
        assert annotator(server, tmp_path).annotate(["an apple"], [HAS_APPLE]) == [[True]]
        assert len(server.requests) == 1


@pytest.mark.parametrize("budget", [Budget(1, "calls"), None])
def test_what_a_first_reply_answered_is_kept_when_asking_again_fails(tmp_path: Path, budget: Budget | None) -> None:
    """Where the budget ends, or the server fails, between two tries."""
    well: list[bool] = []

    def answer(request: Request, before: int) -> Say:
        if well:
            return right(request)
        return Say("no", status=500) if before else Say('{"1": true, "2": "apple"}')

    with serving(Scripted(answer)) as server:
        made = annotator(server, tmp_path, budget=budget, retries=0)
        assert made.annotate(["an apple"], [HAS_APPLE, FIND_APPLE]) == [[True, None]]
        assert (made.usage.unasked, made.usage.failed) == ((1, 0) if budget else (0, 1))
        well.append(True)
        assert annotator(server, tmp_path).annotate(["an apple"], [HAS_APPLE, FIND_APPLE]) == [[True, ((3, 8),)]]
        assert [asked for _, _, asked in tasks_of(server.requests[-1])] == ["find apple"]
