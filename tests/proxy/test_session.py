"""The session: its threads, its inputs on a device, and what forks and interrupts do to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from falconql.runtime.proxy import session as module
from falconql.runtime.proxy.onnx import CUDA_ROWS, TOKEN_BUDGET, OnnxProxy
from falconql.runtime.proxy.session import WANTED, Session, cuda_is_offered, usable_cores
from tests.proxy.tiny import save_proxy


def arrays(rows: int, width: int) -> dict[str, np.ndarray]:
    ids = np.arange(rows * width, dtype=np.int64).reshape(rows, width) % 40
    return {"input_ids": ids, "attention_mask": ids * 0 + 1, "token_type_ids": ids * 0}


def test_inputs_bound_to_a_device_give_the_same(tmp_path: Path) -> None:
    session = Session(save_proxy(tmp_path, begins=["a"]) / "model.onnx", 1)
    batch = arrays(3, 5)
    np.testing.assert_array_equal(session._on_device(batch, "cpu"), session.run(batch))


def test_a_model_that_can_stop_gives_only_the_tokens_that_are_wanted(tmp_path: Path) -> None:
    session = Session(save_proxy(tmp_path, begins=["a"], stops=True) / "model.onnx", 1)
    batch = arrays(3, 5)
    whole = session.run(batch)
    assert whole.shape == (3, 5, 3)
    np.testing.assert_array_equal(session.run(batch, tokens=2), whole[:, :2])
    np.testing.assert_array_equal(session.run(batch, tokens=9), whole)
    fed = {**batch, WANTED: np.array([2])}
    np.testing.assert_array_equal(session._on_device(fed, "cpu"), whole[:, :2])


def test_any_other_model_gives_all_tokens(tmp_path: Path) -> None:
    session = Session(save_proxy(tmp_path, begins=["a"]) / "model.onnx", 1)
    assert session.run(arrays(3, 5), tokens=1).shape == (3, 5, 3)


def test_answers_are_the_same_when_the_model_can_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = {"begins": ["anna"], "goes_on": ["smith"], "good": ["great"]}
    plain, stopping = (
        OnnxProxy(save_proxy(tmp_path / name, **words, stops=stops))  # type: ignore[arg-type]
        for name, stops in (("plain", False), ("stopping", True))
    )
    texts = ["great " * (i % 40) + "anna smith" for i in range(90)]
    wanted = []
    run = Session.run

    def spied(self: Session, given: dict[str, np.ndarray], *, tokens: int | None = None) -> np.ndarray:
        wanted.append(tokens)
        return run(self, given, tokens=tokens)

    monkeypatch.setattr(Session, "run", spied)
    np.testing.assert_array_equal(stopping.label(texts, ["x"] * 90), plain.label(texts, ["x"] * 90))
    assert 1 in wanted
    wanted.clear()
    assert stopping.spans(texts, ["x"] * 90) == plain.spans(texts, ["x"] * 90)
    assert set(wanted) == {None}


def test_a_gpu_is_given_more_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = OnnxProxy(save_proxy(tmp_path, good=["great"], stops=True))
    assert proxy.rows_at_once is None
    texts = [f"great {i}" for i in range(3000)]
    scores = proxy.label(texts, ["x"] * 3000)
    sizes = []
    run = Session.run

    def spied(self: Session, given: dict[str, np.ndarray], *, tokens: int | None = None) -> np.ndarray:
        sizes.append(given["input_ids"].size)
        return run(self, given, tokens=tokens)

    monkeypatch.setattr(Session, "run", spied)
    monkeypatch.setitem(proxy.__dict__, "_cuda", True)
    proxy.session.cuda = True
    device = Session._on_device
    monkeypatch.setattr(Session, "_on_device", lambda self, fed: device(self, fed, "cpu"))
    np.testing.assert_array_equal(proxy.label(texts, ["x"] * 3000), scores)
    assert max(sizes) > 4 * TOKEN_BUDGET
    assert proxy.rows_at_once == CUDA_ROWS


def test_a_model_for_a_gpu_is_used_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = save_proxy(tmp_path, good=["great"], gpu_model="half.onnx")
    (folder / "model.onnx").rename(folder / "half.onnx")
    (save_proxy(tmp_path / "other", begins=["great"]) / "model.onnx").rename(folder / "model.onnx")
    on_cpu = OnnxProxy(folder)
    if not cuda_is_offered():
        assert on_cpu.label(["great"], ["x"])[0] < 0.5
    monkeypatch.setattr("falconql.runtime.proxy.onnx.cuda_is_offered", lambda: True)
    on_gpu = OnnxProxy(folder)
    assert on_gpu.fingerprint != on_cpu.fingerprint
    with warnings.catch_warnings():
        # This ONNX Runtime may have no CUDA; it then warns and uses the processor.
        warnings.simplefilter("ignore", UserWarning)
        assert on_gpu.label(["great"] * 600, ["x"] * 600).min() > 0.5


def test_several_threads_prepare_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = OnnxProxy(save_proxy(tmp_path, good=["great"]))
    texts = ["x " * (i * 37 % 90) + "great " * (i % 2) for i in range(600)]
    one = proxy.label(texts, ["is it"] * 600)
    monkeypatch.setitem(proxy.__dict__, "_cuda", True)
    monkeypatch.setattr("falconql.runtime.proxy.onnx.CUDA_CHUNK_PAIRS", 16)
    np.testing.assert_array_equal(proxy.label(texts, ["is it"] * 600), one)


def test_threads_are_cores_within_the_quota(tmp_path: Path) -> None:
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)
    for text, cores in [
        ("max 100000", None),
        ("200000 100000", 2),
        ("150000 100000", 2),
        ("5000 100000", 1),
        ("", None),
    ]:
        (tmp_path / "cpu.max").write_text(text)
        assert module._quota(tmp_path / "cpu.max") == cores
    assert module._quota(tmp_path / "none") is None


def test_hardware_threads_of_one_core_count_once(tmp_path: Path) -> None:
    for processor, siblings in enumerate(["0,2", "1,3", "0,2", "1,3"]):
        folder = tmp_path / f"cpu{processor}" / "topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(f"{siblings}\n")
    assert module._physical({0, 1, 2, 3}, tmp_path) == 2
    assert module._physical({0, 2}, tmp_path) == 1
    assert module._physical({0, 7, 8}, tmp_path) == 3


FORK = """
import os, sys
from pathlib import Path
from falconql.runtime.proxy.onnx import OnnxProxy
proxy = OnnxProxy(Path(sys.argv[1]), threads=2)
texts = ["great " * (i % 30) for i in range(600)]
here = proxy.label(texts, ["is it"] * 600)
child = os.fork()
if child == 0:
    other = OnnxProxy(Path(sys.argv[1]), threads=2)
    there = [one.label(texts, ["is it"] * 600) for one in (proxy, other)]
    os._exit(0 if (here == there[0]).all() and (here == there[1]).all() else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_can_go_on(tmp_path: Path) -> None:
    save_proxy(tmp_path, good=["great"])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FORK, str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


ENDLESS = """
import sys
import warnings
from pathlib import Path
from falconql.runtime.proxy.onnx import OnnxProxy
proxy = OnnxProxy(Path(sys.argv[1]), threads=2)
texts = ["great " * (i % 30) for i in range(2000)]
print("started", flush=True)
while True:
    proxy.label(texts, ["is it"] * 2000)
"""


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
def test_an_interrupt_ends_it(tmp_path: Path) -> None:
    save_proxy(tmp_path, good=["great"])
    command = [sys.executable, "-c", ENDLESS, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in errors
