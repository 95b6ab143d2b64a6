"""What ``falconql train`` says and writes without a training: those are in ``tests/specialise``."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import falconql
from falconql.annotating import Budget, Usage
from falconql.cli.commands.train import _print, _usage
from falconql.specialise.annotating import Agreement
from falconql.specialise.measuring import Compared, Measured
from falconql.specialise.sampling import Estimate
from tests.annotating.model import right
from tests.asking.server import Say, serving
from tests.cli.shell import Done
from tests.cli.shell import falconql as command


def measured(f1: float) -> Measured:
    return Measured(13, Estimate(f1, f1 - 0.1, f1 + 0.1), None, Estimate(0.5, 0.4, 0.6))


def test_what_is_answered_worse_is_said_with_what_helps(capsys: pytest.CaptureFixture[str]) -> None:
    query = 'let red = label("Is it red?") where red select who: span("who"), size: choose("size?", "big", "small")'
    typed = falconql.query(query).resolved({"text": ["x"]})[1]
    training: Any = SimpleNamespace(typed=typed, settings=SimpleNamespace(base="kestrel"))
    calls = {0: Compared(measured(0.8), measured(0.5), True), 1: Compared(measured(0.5), measured(0.49), False)}
    calls[2] = Compared(measured(0.5), measured(0.6), False)
    registered = SimpleNamespace(name="mine", folder="proxies/mine")
    made = SimpleNamespace(measured=calls, refused=None, registered=registered)
    trained: Any = SimpleNamespace(made=made, seconds=3.0)
    _print(training, trained)
    said = capsys.readouterr()
    assert said.out.splitlines()[2].endswith("80 (70 to 90)  50 (40 to 60)  50 (40 to 60)")
    assert said.out.splitlines()[4].startswith("size")
    assert said.out.splitlines()[4].endswith("  60 (50 to 70)")  # some size is right for every row
    assert said.out.endswith('using "mine"\n')
    assert [line for line in said.err.splitlines() if line.startswith("warning")] == [
        "warning: `red` is answered plainly worse than before: F1 50 instead of 80 on the same 13 questions; "
        "have more texts annotated, or keep using kestrel"
    ]


QUERY = 'where label("Is it good?") select id'


def exported(name: str, *options: str) -> Done:
    return command("train", "q.fql", "--from", "reviews.csv", "--name", "mine", "--export-tasks", name, *options)


@pytest.mark.parametrize(
    ("url", "options", "said"),
    [
        ("http://127.0.0.1:9/v1", ["--annotator", "m", "--budget", "2eur"], "`eur` is no unit of a budget"),
        ("http://127.0.0.1:9/v1", ["--annotator", "m", "--budget", "2usd"], "a budget in dollars cannot be kept"),
        ("http://127.0.0.1:9/v1", ["--annotator", "m"], "cannot reach http://127.0.0.1:9/v1"),
        ("", [], "no language model is set up"),
    ],
)
def test_what_cannot_be_asked_is_said_before_the_corpus_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch, url: str, options: list[str], said: str
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("FALCONQL_MODEL", raising=False)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    done = command("train", "-e", QUERY, "--from", "reviews.csv", "--name", "mine", *options)
    assert done.status == (3 if said.startswith("cannot reach") else 2)
    assert said in done.err
    assert not (folder / "home" / "training" / "mine" / "sample.jsonl").exists()


def test_a_server_need_not_list_its_models_and_may_be_gone_when_the_corpus_has_been_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    given = ("train", "-e", QUERY, "--from", "reviews.csv", "--name", "mine", "--annotator", "m")
    with serving(right, listing=Say("no such page", status=404)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        done = command(*given)
        assert "3 annotated texts are too few to learn from" in done.err
    # All answers are on disk.
    assert "3 annotated texts are too few to learn from" in command(*given).err


def test_what_earlier_runs_spent_is_said() -> None:
    model: Any = SimpleNamespace(
        name="m",
        usage=Usage(requests=3, dollars=0.5),
        agreement=Agreement(0, 0),
        budget=Budget(2, "usd"),
        spent_earlier=0.75,
    )
    assert _usage(model) == "m: 3 requests, 0 tokens, $0.50; earlier runs spent $0.75 of the $2.00"


def test_a_home_folder_that_the_shell_leaves_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder / "people"))
    (folder / "people").mkdir()
    done = command("train", "-e", QUERY, "--from", "reviews.csv", "--name", "mine", "--export-tasks=~/tasks.json")
    assert done.status == 0, done.err
    assert {path.name for path in (folder / "people").iterdir()} == {"tasks.json", "tasks.xml"}
    done = command("train", "-e", QUERY, "--from", "reviews.csv", "--name", "mine", "--annotations=~/gold.jsonl")
    assert f"{folder / 'people' / 'gold.jsonl'}" in done.err


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("reviews.csv", "--export-tasks would replace reviews.csv, which the query reads"),
        ("link.json", "--export-tasks would replace link.json, which the query reads"),
        ("q.fql", "--export-tasks would replace q.fql, which the query reads"),
        ("gold.jsonl", "--export-tasks would replace gold.jsonl, which --annotations reads"),
        ("tasks.txt", "let the name of the tasks end in .json"),
        ("other.json", "--export-tasks would replace other.json, which it did not write"),
        ("mine.json", "--export-tasks would replace mine.xml, which it did not write"),
        ("no/such.json", "there is no folder no"),
    ],
)
def test_tasks_are_written_over_nothing_else(folder: Path, name: str, said: str) -> None:
    (folder / "q.fql").write_text(QUERY)
    (folder / "gold.jsonl").write_text('{"text": "x", "instruction": "Is it good?", "answer": true}\n')
    (folder / "other.json").write_text("{}")
    (folder / "mine.xml").write_text("<View/>")
    (folder / "link.json").symlink_to("reviews.csv")
    before = contents(folder)
    done = exported(name, "--annotations", "gold.jsonl")
    assert (done.status, done.out) == (2, "")
    assert said in done.err
    assert contents(folder) == before


def test_tasks_may_be_exported_again_and_none_are_no_file(folder: Path) -> None:
    (folder / "q.fql").write_text(QUERY)
    for _ in range(2):
        done = exported("tasks.json")
        assert done.status == 0, done.err
        assert "3 tasks in tasks.json, the labelling interface of their project in tasks.xml" in done.err
    tasks = [entry["data"] for entry in json.loads((folder / "tasks.json").read_text())]
    (folder / "gold.json").write_text(json.dumps([{**task, "answer": "yes"} for task in tasks]))
    done = exported("rest.json", "--annotations", "gold.json")
    assert done.status == 0, done.err
    assert "0 tasks, since every question has an answer: nothing was written to rest.json" in done.err
    assert not list(folder.glob("rest.*"))
