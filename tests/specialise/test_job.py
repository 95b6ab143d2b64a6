"""What a training keeps on disk."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

import falconql
from falconql.errors import ConfigError, DataError, ProxyError
from falconql.specialise.job import Drawn, Job, restart
from falconql.specialise.run import Settings, Training, job_folder
from falconql.specialise.task import Task
from falconql.specialise.training import drawn
from tests.fakes import FakeProxy
from tests.proxy.tiny import save_proxy

ABOUT = {"calls": [], "seed": 7}


def test_what_was_drawn_is_there_again(tmp_path: Path) -> None:
    job = Job(tmp_path / "job", ABOUT)
    assert job.drawn() is None
    kept = [Drawn(0, Task("label", "é 🙂\u2028 \n", "q"), 2.5, 1)]
    job.keep(kept)
    assert Job(tmp_path / "job", ABOUT).drawn() == kept


def test_a_job_for_something_else_is_not_mixed_in(tmp_path: Path) -> None:
    Job(tmp_path, ABOUT).keep([])
    with pytest.raises(ConfigError, match="for something else: seed differ"):
        Job(tmp_path, ABOUT | {"seed": 8})
    restart(tmp_path)
    assert Job(tmp_path, ABOUT | {"seed": 8}).drawn() is None


def test_a_second_run_is_told(tmp_path: Path) -> None:
    code = f"""
import sys, time
from pathlib import Path
from falconql.specialise.job import Job
with Job(Path({str(tmp_path)!r}), {ABOUT!r}).alone():
    print("locked", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        job = Job(tmp_path, ABOUT)
        with pytest.raises(ConfigError, match="another process is at work"), job.alone():
            pass
        other.kill()
        other.wait()
        for _ in range(50):  # the system lets the lock of a dead process go
            try:
                with job.alone():
                    return
            except ConfigError:
                time.sleep(0.1)
    pytest.fail("the lock of a dead process stays")


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot make the folder"):
        Job(tmp_path / "file" / "job", ABOUT)


def test_a_broken_job_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text("{")
    with pytest.raises(DataError, match=r"cannot read .*job\.json"):
        Job(tmp_path, ABOUT)


def test_questions_are_drawn_once(tmp_path: Path) -> None:
    table = {"text": [f"good {number}" for number in range(200)]}
    source, typed = falconql.query('where label("has good 1")').resolved(table)
    job = Job(tmp_path, ABOUT)
    first = drawn(typed, source, FakeProxy(), job, count=40, seed=1)
    assert len(first) == 40
    proxy = FakeProxy()
    assert drawn(typed, source, proxy, job, count=40, seed=1) == first
    assert proxy.asked == []


def test_every_option_of_a_choice_is_a_question(tmp_path: Path) -> None:
    source, typed = falconql.query('select choose("kind?", "a", "b")').resolved({"text": ["x", "y"]})
    found = drawn(typed, source, FakeProxy(), Job(tmp_path, ABOUT), count=None, seed=1)
    assert {(each.task.text, each.task.instruction) for each in found} == {
        (text, f"kind? {option}") for text in "xy" for option in "ab"
    }


def test_no_row_that_reaches_a_call_is_said(tmp_path: Path) -> None:
    source, typed = falconql.query('where id > 5 and label("q")').resolved({"id": [1], "text": ["x"]})
    with pytest.raises(ConfigError, match="no row of the corpus reaches a model call"):
        drawn(typed, source, FakeProxy(), Job(tmp_path, ABOUT), count=None, seed=1)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FALCONQL_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def training(query: str, settings: Settings) -> Training:
    source, typed = falconql.query(query).resolved({"id": [1], "text": ["x"], "other": ["o"]})
    return Training(typed, query, source, settings)


def test_a_query_without_calls_and_a_taken_name_are_refused(home: Path, tmp_path: Path) -> None:
    base = str(save_proxy(tmp_path / "base"))
    with pytest.raises(ConfigError, match="calls no model"):
        training("where id > 1", Settings("new", base))
    save_proxy(home / "proxies" / "taken")
    with pytest.raises(ConfigError, match="'taken' already, and proxies are never overwritten"):
        training('where label("q")', Settings("taken", base))


def test_a_changed_query_under_the_same_name_is_noticed(home: Path, tmp_path: Path) -> None:
    base = str(save_proxy(tmp_path / "base"))
    training('where label("q")', Settings("new", base))
    assert job_folder("new") == home / "training" / "new"
    with pytest.raises(ConfigError, match="calls, query differ"):
        training('where label("p")', Settings("new", base))
    training('where label("p")', Settings("new", base, restart=True))


@pytest.mark.parametrize(
    "other",
    [
        'text text where id > 1 and label("q")',
        'text text where label("q", threshold: 0.9)',
        'text other where label("q")',
    ],
)
def test_the_same_questions_of_other_rows_are_another_training(home: Path, tmp_path: Path, other: str) -> None:
    base = str(save_proxy(tmp_path / "base"))
    training('text text where label("q")', Settings("new", base))
    # How the result is laid out is no matter.
    training('text text where label("q") order by id limit 3', Settings("new", base))
    with pytest.raises(ConfigError, match="for something else: query differ"):
        training(other, Settings("new", base))


def test_a_changed_corpus_is_noticed(home: Path, tmp_path: Path) -> None:
    base, corpus = str(save_proxy(tmp_path / "base")), tmp_path / "corpus.csv"
    query = 'where label("q")'

    def begun() -> Training:
        source, typed = falconql.query(query).resolved(str(corpus))
        return Training(typed, query, source, Settings("new", base))

    corpus.write_text("id,text\n1,one\n")
    begun()
    begun()
    corpus.write_text("id,text\n1,other\n")
    with pytest.raises(ConfigError, match="for something else: rows of the corpus differ"):
        begun()


@pytest.mark.parametrize("name", ["my laptops", "../x", "a/b", "kestrel", "llm", ""])
def test_a_name_that_no_proxy_can_have_is_refused_before_anything_is_made(
    home: Path, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ProxyError, match=r"name|stands for"):
        training('where label("q")', Settings(name, str(save_proxy(tmp_path / "base"))))
    assert not home.exists()


def test_what_another_process_works_on_is_not_forgotten(home: Path, tmp_path: Path) -> None:
    base = str(save_proxy(tmp_path / "base"))
    first = training('where label("q")', Settings("new", base))
    first.job.keep([])
    with first.job.alone(), pytest.raises(ConfigError, match="another process is at work"):
        training('where label("q")', Settings("new", base, restart=True))
    assert first.job.drawn() == []
