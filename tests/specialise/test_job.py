"""What a training keeps on disk."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import falconql
from falconql.errors import ConfigError, DataError, ProxyError
from falconql.runtime.proxy import add_proxy, find_proxy
from falconql.runtime.proxy.onnx import OnnxProxy
from falconql.specialise.gold import Gold
from falconql.specialise.job import Drawn, Job, restart
from falconql.specialise.run import EXAMPLES, Settings, Training, job_folder, keep_examples, learned_by, rehearsal
from falconql.specialise.task import Task
from falconql.specialise.training import Annotated, drawn
from falconql.training.examples import Example
from tests.cli.shell import falconql as falconql_command
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
    with pytest.raises(ConfigError, match="for something else: --seed is not the same"):
        Job(tmp_path, ABOUT | {"seed": 8})
    restart(tmp_path)
    assert Job(tmp_path, ABOUT | {"seed": 8}).drawn() is None


def test_what_differs_is_named_as_it_is_known(tmp_path: Path) -> None:
    about = {"calls": [1], "query": "a", "columns": ["a"], "base": "b", "count": 5, "seed": 1}
    Job(tmp_path, about)
    with pytest.raises(ConfigError, match=r": the query and --base and --sample are not the same"):
        Job(tmp_path, about | {"calls": [2], "query": "b", "base": "c", "count": 6})


def test_a_finished_job_stands_in_the_way_of_no_other(tmp_path: Path) -> None:
    kept = [Drawn(0, Task("label", "x", "q"), 2.5, 1)]
    job = Job(tmp_path, ABOUT)
    job.keep(kept)
    for file in (job.state, job.spent):
        file.write_bytes(b"x")
    job.finish()
    assert not job.state.exists()
    assert not job.spent.exists()
    # The same once more, its proxy removed, has the same questions.
    again = Job(tmp_path, ABOUT)
    assert again.drawn() == kept
    with pytest.raises(ConfigError, match="unfinished"):
        Job(tmp_path, ABOUT | {"seed": 8})
    again.finish()
    assert Job(tmp_path, ABOUT | {"seed": 8}).drawn() is None


@pytest.mark.parametrize("content", ['{"call": 0, "task"', '{"call": 0}\n', "[]\n", "\udcff"])
def test_a_torn_sample_is_said(tmp_path: Path, content: str) -> None:
    job = Job(tmp_path, ABOUT)
    (tmp_path / "sample.jsonl").write_text(content, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(DataError, match=r"sample\.jsonl is damaged") as caught:
        job.drawn()
    assert str(caught.value.hint).startswith("--restart begins anew")


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


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    job = Job(tmp_path, ABOUT)
    (tmp_path / "lock").mkdir()
    with pytest.raises(DataError, match="cannot write to"), job.alone():
        pytest.fail("it was locked")


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


def test_a_base_that_reads_another_prompt_is_refused_before_anything_is_paid_for(home: Path, tmp_path: Path) -> None:
    cuckoo = {"kind": "single", "template": "{text} {instruction}"}
    base = str(save_proxy(tmp_path / "base", prompts={"label": cuckoo, "span": cuckoo}))
    with pytest.raises(ProxyError, match="does not read") as caught:
        training('where label("q")', Settings("new", base))
    assert "start from kestrel" in str(caught.value.hint)
    assert not job_folder("new").exists()


def test_a_changed_query_under_the_same_name_is_noticed(home: Path, tmp_path: Path) -> None:
    base = str(save_proxy(tmp_path / "base"))
    training('where label("q")', Settings("new", base))
    assert job_folder("new") == home / "training" / "new"
    with pytest.raises(ConfigError, match="for something else: the query is not the same"):
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
    with pytest.raises(ConfigError, match="for something else: the query is not the same"):
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
    with pytest.raises(ConfigError, match="for something else: the corpus is not the same"):
        begun()


LEARNED = Example("q", "x", True), Example("p", "é\u2028", ((0, 1),))


def test_what_a_base_learned_is_found_whatever_it_is_called_now(home: Path, tmp_path: Path) -> None:
    folder = save_proxy(tmp_path / "p", name="first", lineage=[{"training": "falconql train", "name": "first"}])
    job_folder("first").mkdir(parents=True)
    keep_examples(job_folder("first") / EXAMPLES, [*LEARNED, LEARNED[0]])
    add_proxy(folder, "second")
    assert learned_by(OnnxProxy(find_proxy("second"))) == list(LEARNED)
    assert training('where label("q")', Settings("new", "second")).earlier == list(LEARNED)
    # What a proxy that was not trained here is called says nothing of what it learned.
    assert learned_by(OnnxProxy(save_proxy(tmp_path / "other", name="first"))) == []


def test_a_label_and_spans_asked_for_in_the_same_words_are_two_questions(home: Path) -> None:
    both = [Example("a person", "Ada", True), Example("a person", "Ada", ((0, 3),))]
    job_folder("first").mkdir(parents=True)
    keep_examples(job_folder("first") / EXAMPLES, [*both, both[0]])
    assert (job_folder("first") / EXAMPLES).read_text(encoding="utf-8").count("\n") == 2
    assert rehearsal(both, both[:1], 7) == both[1:]


def test_what_a_base_learned_and_is_not_here_is_said(home: Path, tmp_path: Path) -> None:
    lineage = [{"training": "falconql train", "name": "first", "examples": "0" * 32}]
    base = str(save_proxy(tmp_path / "p", name="first", lineage=lineage))
    begun = training('where label("q")', Settings("new", base))
    assert begun.earlier == []
    (warning,) = begun.warnings
    assert warning.startswith("what first learned is not on this machine")
    assert training('where label("q")', Settings("newer", str(save_proxy(tmp_path / "q")))).warnings == []
    (home.parent / "c.csv").write_text("text\nx\n")
    words = ["-e", 'where label("q")', "--from", str(home.parent / "c.csv"), "--base", base, "--name", "new2"]
    words += ["--export-tasks", str(tmp_path / "t.json")]
    told = falconql_command("train", *words)
    assert told.status == 0, told.err
    assert f"warning: {warning}" in told.err


def test_a_seed_that_nothing_can_be_drawn_with_is_refused(home: Path) -> None:
    told = falconql_command("train", "-e", 'where label("q")', "--from", "c.csv", "--name", "new", "--seed", "-1")
    assert told.status == 2
    assert "-1 is not in the range x>=0" in told.err


def test_what_another_training_of_the_name_learned_is_not_taken(home: Path, tmp_path: Path) -> None:
    job_folder("first").mkdir(parents=True)
    digest = keep_examples(job_folder("first") / EXAMPLES, LEARNED)

    def learned(examples: object) -> list[Example] | None:
        lineage = [{"training": "falconql train", "name": "first", "examples": examples}]
        return learned_by(OnnxProxy(save_proxy(tmp_path / "p", name="first", lineage=lineage)))

    assert learned(digest) == list(LEARNED)
    assert learned("0" * 32) is None
    assert learned([1]) is None
    keep_examples(job_folder("first") / EXAMPLES, LEARNED[:1])
    assert learned(digest) is None
    (job_folder("first") / EXAMPLES).write_text('{"instruction": "q", "te')
    with pytest.raises(DataError, match="is damaged"):
        learned(digest)


@pytest.mark.parametrize("name", ["../../evil", "{}/evil", "x" * 300, "a\0b", "", "."])
@pytest.mark.parametrize("trained", [True, False])
def test_a_name_from_a_stranger_leads_to_no_other_folder(home: Path, tmp_path: Path, name: str, trained: bool) -> None:
    name = name.format(tmp_path)
    (tmp_path / "evil").mkdir()
    job_folder("x").mkdir(parents=True)
    for folder in (tmp_path / "evil", job_folder("")):
        keep_examples(folder / EXAMPLES, LEARNED)
    lineage = [{"training": "falconql train", "name": name}] if trained else []
    base: Any = SimpleNamespace(name=name, manifest=SimpleNamespace(card={"lineage": lineage}))
    assert not learned_by(base)


def test_what_a_base_learned_and_cannot_be_read_is_said(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = OnnxProxy(save_proxy(tmp_path / "base", name="base", lineage=[{"training": "falconql train"}]))

    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_file", denied)
    with pytest.raises(DataError, match=r"what base learned, is damaged: .*Permission denied"):
        learned_by(base)


@pytest.mark.parametrize("content", ['{"instruction": "q", "text', '{"instruction": "q"}\n', '"x"\n', "\udcff"])
def test_what_a_base_learned_and_is_torn_is_said_before_anything_is_paid_for(
    home: Path, tmp_path: Path, content: str
) -> None:
    base = save_proxy(tmp_path / "base", name="base", lineage=[{"training": "falconql train"}])
    path = job_folder("base") / EXAMPLES
    path.parent.mkdir(parents=True)
    path.write_text(content, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(DataError, match=r"examples\.jsonl, which says what base learned, is damaged") as caught:
        training('where label("q")', Settings("new", str(base)))
    assert "delete it" in str(caught.value.hint)


def test_what_is_learned_is_on_disk_before_there_is_a_proxy(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = training('where label("q")', Settings("new", str(save_proxy(tmp_path / "base"))))
    rows = tuple(Gold(0, Task("label", f"text {n}", "q"), n % 2 == 0, 1.0, 0) for n in range(40))
    found = Annotated(rows, 0, 0)

    def make(*given: Any, **_: object) -> None:
        kept = (job.job.folder / EXAMPLES).read_text(encoding="utf-8")
        assert kept.count("\n") == 26
        # And the proxy says what it was.
        lineage = given[4]
        assert lineage["examples"] == hashlib.blake2b(kept.encode(), digest_size=16).hexdigest()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("falconql.specialise.run._trainer", lambda: (make, Tuning(), "cpu", ExportError))
    with pytest.raises(DataError, match="No space left on device"):
        job.make(found, [])

    def replace(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", replace)
    with pytest.raises(DataError, match=r"examples\.jsonl cannot be written: No space") as caught:
        job.make(found, [])
    assert "run it again" in str(caught.value.hint)


@dataclass
class Tuning:
    """Settings of a training that does not happen."""

    epochs: int = 0


class ExportError(Exception):
    """Never raised."""


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
