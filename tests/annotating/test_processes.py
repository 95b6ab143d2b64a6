"""Annotating in processes of its own: killed, interrupted, two at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from falconql.annotating import Task
from tests.annotating.model import Request, Scripted, annotator, right, texts
from tests.asking.server import Say, Server, serving

ANNOTATE = """
import sys
from pathlib import Path
from falconql.annotating import Annotator, Settings, Task
from falconql.llm.endpoint import Endpoint

made = Annotator(Endpoint(sys.argv[1], "key", "m", 60.0), folder=Path(sys.argv[2]), settings=Settings(in_flight=4))
texts = [f"Text {number} about an {('apple', 'plum')[number % 2]}." for number in range(int(sys.argv[3]))]
found = made.annotate(texts, [Task("label", "has apple")])
print([label for (label,) in found] == ["apple" in text for text in texts], made.usage.requests)
"""


def started(server: Server, folder: Path, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", ANNOTATE, server.url, str(folder), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


class Holding:
    """Answers rightly, but from one request on only when it is let go."""

    def __init__(self, first: int) -> None:
        self.reached, self.go = threading.Event(), threading.Event()
        self.script = Scripted(self._answer)
        self._first = first

    def _answer(self, request: Request, before: int) -> Say:
        if sum(self.script.asked.values()) >= self._first and not self.go.is_set():
            self.reached.set()
            self.go.wait(timeout=60)
        return right(request)


def on_disk(folder: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("*.jsonl"))


def test_a_killed_run_asks_nothing_twice(tmp_path: Path) -> None:
    held = Holding(first=20)
    with serving(held.script) as server:
        killed = started(server, tmp_path, 60)
        assert held.reached.wait(timeout=60)
        killed.kill()
        killed.communicate()
        held.go.set()
        kept = on_disk(tmp_path)
        assert 16 <= kept <= 20
        resumed = started(server, tmp_path, 60)
        out, err = resumed.communicate(timeout=60)
        assert (out.split()[0], resumed.returncode) == ("True", 0), err
        assert int(out.split()[1]) == 60 - kept
    # Only what was in flight when it died, at most four requests, can have been asked a second time.
    twice = [text for text, count in held.script.asked.items() if count > 1]
    assert len(twice) == sum(held.script.asked.values()) - 60 <= 4


def test_a_run_killed_in_the_middle_of_a_line_resumes(tmp_path: Path) -> None:
    with serving(Scripted(lambda request, before: right(request))) as server:
        annotator(server, tmp_path).annotate(texts(10), [Task("label", "has apple")])
        (path,) = tmp_path.glob("*.jsonl")
        path.write_bytes(path.read_bytes()[:-9])
        server.requests.clear()
        found = annotator(server, tmp_path).annotate(texts(10), [Task("label", "has apple")])
        assert [label for (label,) in found] == ["apple" in text for text in texts(10)]
        assert len(server.requests) == 1
        annotator(server, tmp_path).annotate(texts(10), [Task("label", "has apple")])
    assert len(server.requests) == 1


def test_two_processes_on_one_store_do_not_collide(tmp_path: Path) -> None:
    script = Scripted(lambda request, before: right(request))
    with serving(script) as server:
        both = [started(server, tmp_path, 80), started(server, tmp_path, 80)]
        ended = [each.communicate(timeout=120) for each in both]
        assert [out.split()[0] for out, _ in ended] == ["True", "True"], ended
        before = sum(script.asked.values())
        third = started(server, tmp_path, 80)
        assert third.communicate(timeout=60)[0].split() == ["True", "0"]
    assert sum(script.asked.values()) == before
    assert max(script.asked.values()) <= 2


def interrupted(
    command: Sequence[str], held: Holding, environment: Mapping[str, str] = os.environ
) -> subprocess.CompletedProcess[str]:
    """Run a command until the server holds its requests, and press Ctrl-C: it ends while they are still held."""
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(environment)
    )
    assert held.reached.wait(timeout=60)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    return subprocess.CompletedProcess(command, running.returncode, out, err)


def test_ctrl_c_ends_it_without_waiting_for_the_server(tmp_path: Path) -> None:
    held = Holding(first=20)
    with serving(held.script) as server:
        done = interrupted([sys.executable, "-c", ANNOTATE, server.url, str(tmp_path), "60"], held)
        assert "KeyboardInterrupt" in done.stderr
        assert on_disk(tmp_path) >= 16
        held.go.set()


def test_ctrl_c_in_a_query_keeps_what_was_answered(tmp_path: Path) -> None:
    corpus = tmp_path / "texts.csv"
    corpus.write_text("id,text\n" + "".join(f'{n},"{t}"\n' for n, t in enumerate(texts(60))))
    query = 'using llm "m" where label("has apple") select id'
    command = [sys.executable, "-m", "falconql", "run", "-e", query, "--from", str(corpus)]
    held = Holding(first=20)
    with serving(held.script) as server:
        own = {"FALCONQL_HOME": str(tmp_path), "OPENAI_BASE_URL": server.url, "FALCONQL_TIMEOUT": "60"}
        environment = {**os.environ, **own}
        done = interrupted(command, held, environment)
        assert (done.returncode, done.stdout) == (130, ""), done.stderr
        assert "Traceback" not in done.stderr
        held.go.set()
        again = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert again.stdout.split()[2:] == [str(number) for number in range(0, 60, 2)]
    assert "answered from disk" in again.stderr
