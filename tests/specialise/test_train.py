"""``falconql train`` from beginning to end, with people's answers: made, used, not overwritten, killed and gone on."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from falconql.runtime.proxy.onnx import OnnxProxy
from falconql.specialise.gold import Gold, Parts
from falconql.specialise.task import Task
from falconql.training.examples import Example
from tests.cli.shell import Done, falconql
from tests.proxy.tiny import save_proxy

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
pytest.importorskip("torch")
pytest.importorskip("transformers")

from falconql.specialise import making  # noqa: E402
from falconql.training.finetune import FineTuning  # noqa: E402

QUERY = 'let red = label("Is the warehouse red?") where red select text, who: spans("Extract the keeper")'
KEEPERS = ["Ada Byron", "Grace Murray", "Alan Mathison", "Edsger Wybe", "Barbara Jane", "Donald Ervin", "Niklaus Emil"]
# What makes a warehouse "red" is a code that only the annotations tell.
RED, OTHER = ("K7", "Z3"), ("B2", "M9", "T4")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FALCONQL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FALCONQL_CACHE", "off")
    write_corpus(tmp_path, 120)
    return tmp_path


def write_corpus(folder: Path, rows: int, *, red: tuple[str, ...] = RED, wrong: int | None = None) -> None:
    rng = random.Random(5)
    texts, lines = [], []
    for number in range(rows):
        code, keeper = rng.choice((*red, *OTHER) if red else OTHER), rng.choice(KEEPERS)
        text = f"Warehouse {number} of class {code} is kept by {keeper} since {1900 + number}."
        start = text.index(keeper) + (1000 if number == wrong else 0)
        texts.append(text)
        lines.append({"text": text, "instruction": "Is the warehouse red?", "answer": code in RED})
        spans = [{"start": start, "end": start + len(keeper)}]
        lines.append({"text": text, "instruction": "Extract the keeper", "answer": spans})
    pq.write_table(pa.table({"text": texts}), folder / "corpus.parquet")
    (folder / "gold.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def words(name: str = "red", *more: str) -> list[str]:
    return ["train", "-e", QUERY, "--from", "corpus.parquet", "--annotations", "gold.jsonl", "--name", name, *more]


def train(name: str = "red", *more: str) -> Done:
    return falconql(*words(name, *more))


def test_from_answers_to_a_proxy_that_is_never_overwritten(home: Path) -> None:
    done = train()
    assert done.status == 0, done.err
    lines = done.out.splitlines()
    assert lines[1].split("  ")[0] == "call"
    assert [line.split()[0] for line in lines[2:-1]] == ["red", "who"]
    assert lines[-1] == 'using "red"'
    manifest = json.loads((home / "home" / "proxies" / "red" / "proxy.json").read_text(encoding="utf-8"))
    lineage = manifest["lineage"][-1]
    assert lineage["training"] == "falconql train"
    assert lineage["query"] == QUERY
    assert lineage["base"]["name"] == "kestrel"
    assert lineage["annotators"] == ["gold.jsonl"]
    assert lineage["corpus"]["fingerprint"]
    assert lineage["annotated"]["fingerprint"]
    assert {"learned", "calibrated", "measured"} <= lineage["annotated"].keys()
    assert manifest["metrics"]["worse"] == []
    assert "plainly worse" not in done.err
    # It does what it was trained for, as the figures say: a code that nothing but the annotations explains.
    told = falconql(
        "eval", "-e", QUERY, "--from", "corpus.parquet", "--proxy", "red", "--gold", "gold.jsonl", "--format", "json"
    )
    assert told.status == 0, told.err
    label, spans = json.loads(told.out)["calls"]
    assert label["f1"]["value"] > 0.8
    assert spans["f1"]["value"] > 0.8
    before = (home / "home" / "proxies" / "red" / "model.onnx").read_bytes()
    again = train()
    assert again.status == 2
    assert "there is a proxy 'red' already, and proxies are never overwritten" in again.err
    assert (home / "home" / "proxies" / "red" / "model.onnx").read_bytes() == before
    # And it can be gone on from, learning again what it was trained with.
    gold = (home / "gold.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (home / "gold.jsonl").write_text("".join(gold[: len(gold) // 2]), encoding="utf-8")
    more = train("redder", "--base", "red")
    assert more.status == 0, more.err
    manifest = json.loads((home / "home" / "proxies" / "redder" / "proxy.json").read_text(encoding="utf-8"))
    assert manifest["lineage"][-1]["base"]["name"] == "red"
    # What is asked anew is not rehearsed, and what was learned is not measured on.
    learned = (home / "home" / "training" / "red" / "examples.jsonl").read_text(encoding="utf-8").splitlines()
    known = {json.loads(line)["text"] for line in learned}
    annotated = manifest["lineage"][-1]["annotated"]
    asked = [json.loads(line)["text"] for line in gold[: len(gold) // 2]]
    assert annotated["rehearsed"] == sum(text not in asked for text in known) * 2
    assert annotated["learned"] >= sum(text in known for text in asked)


def test_what_several_calls_ask_is_learned_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Begun(Exception):
        pass

    def fine_tune(_: Any, __: Any, learned: list[Example], held_out: list[Example], *___: Any, **____: Any) -> None:
        assert (len(learned), len(held_out)) == (3, 1)
        raise Begun

    monkeypatch.setattr(making, "trainable", lambda *_, **__: None)
    monkeypatch.setattr(making, "fine_tune", fine_tune)
    rows = tuple(Gold(call, Task("label", text, "q"), True, 1.0, 0) for call in range(2) for text in ("a", "b"))
    rehearsed = [rows[0].example, Example("q", "c", True)]
    base = OnnxProxy(save_proxy(tmp_path / "base"))
    with pytest.raises(Begun):
        making.make(Parts(rows, rows[::2], ()), (), base, "new", {}, FineTuning(), rehearsed=rehearsed)


def test_killed_at_any_moment_it_goes_on(home: Path) -> None:
    rng = random.Random(int.from_bytes(os.urandom(4), "little"))
    kills = 0
    command = [sys.executable, "-m", "falconql", *words()]
    while kills < 3:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            process.communicate(timeout=rng.uniform(2, 20))  # closes its pipes, unlike wait()
            break
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            kills += 1
    done = train() if kills == 3 else None
    if done is not None and "there is a proxy 'red' already" not in done.err:
        assert done.status == 0, done.err
    assert sorted(path.name for path in (home / "home" / "proxies").iterdir()) == ["red"]
    ran = falconql("run", "-e", QUERY, "--from", "corpus.parquet", "--proxy", "red", "--format", "jsonl")
    assert ran.status == 0, ran.err


def test_interrupted_while_learning_it_says_so_and_keeps_what_was_learned(home: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "falconql", *words()], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    state = home / "home" / "training" / "red" / "state.pt"
    deadline = time.monotonic() + 120
    while not state.is_file() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    if process.returncode == 0:
        pytest.skip("it was faster than the interrupt")
    assert process.returncode == 130
    assert "Traceback" not in err
    assert out == ""
    assert state.is_file()
    done = train()
    assert done.status == 0, done.err
    assert not state.exists()


@pytest.mark.parametrize(
    ("rows", "red", "wrong", "message"),
    [
        (19, RED, None, "19 annotated texts are too few to learn from"),
        (60, (), None, "nothing among 60 annotated questions satisfies it"),
        (60, RED, 7, "the span 1"),
    ],
    ids=["too few", "no positives", "wrong offsets"],
)
def test_gold_that_teaches_little_is_said(
    home: Path, rows: int, red: tuple[str, ...], wrong: int | None, message: str
) -> None:
    write_corpus(home, rows, red=red, wrong=wrong)
    done = train()
    assert message in done.err
    assert (done.status == 0) == (message.startswith("nothing"))
    assert "Traceback" not in done.err


def test_a_full_disk_loses_nothing(home: Path) -> None:
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("a small disk cannot be mounted")
    small = home / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(small)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "falconql", *words()],
            env=dict(os.environ) | {"FALCONQL_HOME": str(small)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in (1, 3)
        assert "cannot write" in done.stderr
        assert "Traceback" not in done.stderr
        assert not list(small.glob("proxies/red/proxy.json"))
        subprocess.run(["mount", "-o", "remount,size=1g", str(small)], check=True)
        done = subprocess.run(
            [sys.executable, "-m", "falconql", *words()],
            env=dict(os.environ) | {"FALCONQL_HOME": str(small)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert list(small.glob("proxies/red/proxy.json"))
    finally:
        subprocess.run(["umount", str(small)], check=False)
