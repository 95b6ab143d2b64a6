"""On real Ray: two nodes on this machine, each with one processor."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

import falconql
from falconql.errors import ConfigError
from falconql.runtime.errors import ClusterError, ProxyError
from falconql.runtime.io.memory import MemorySource
from tests.examples.test_examples import PARAMETERS, QUERIES
from tests.fakes import FakeProxy
from tests.runtime.io.s3 import SECRET, file_system, s3_server

pytestmark = [pytest.mark.ray, pytest.mark.filterwarnings("ignore")]
ROOT = Path(__file__).parents[3]
# A worker finds the proxies of these tests by name.
PATH = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
TABLE = pa.table({"id": range(6000), "text": [f"Row {i} of {i % 7}" for i in range(6000)]})
QUERY = 'where label("random 1") select id, s: score(label("random 2")), r: span("re: [A-Z][a-z]+")'
ALONE = falconql.Ray(workers=2)


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a cluster of two nodes, to which this process is connected."""
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = PATH
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    made.add_node(num_cpus=1)
    made.wait_for_nodes()
    ray.init(address=made.address, log_to_driver=False)
    try:
        yield str(made.address)
    finally:
        ray.shutdown()
        made.shutdown()
        os.environ["PYTHONPATH"] = before or ""


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_an_example_gives_the_rows_of_one_machine(path: Path) -> None:
    query = falconql.query(path, **PARAMETERS.get(path.stem, {}))
    expected = query.run().to_arrow()
    found = query.run(engine="ray").to_arrow()
    assert found.schema == expected.schema
    assert close(found.to_pylist(), expected.to_pylist())


def close(found: Any, expected: Any) -> bool:
    """Equal; sums of Floats may differ in the last digits, as they do with the size of batches."""
    return bool(found == pytest.approx(expected, rel=1e-12) if isinstance(found, float) else _same(found, expected))


def _same(found: Any, expected: Any) -> bool:
    if isinstance(found, dict):
        return found.keys() == expected.keys() and all(close(found[key], expected[key]) for key in found)
    if isinstance(found, list):
        return len(found) == len(expected) and all(map(close, found, expected))
    return bool(found == expected)


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize(
    "text",
    [
        QUERY,
        'where label("random 1") group by id < 9 select k: count(), all: collect(id)',
        'where label("random 1") select id order by score(label("random 2")) desc, id limit 11',
        'where label("random 1") select id, s: score(label("random 4")) limit 300',
        'each r in spans("re: [A-Z][a-z]+") where id > 5000 select id, r order by lower(r), id desc',
    ],
)
def test_queries_over_a_table_in_memory(text: str) -> None:
    query = falconql.query(text)
    expected = query.run(TABLE, proxy=FakeProxy()).to_arrow()
    assert query.run(TABLE, proxy=FakeProxy(), engine="ray").to_arrow() == expected


class Once(FakeProxy):
    """Does something in the middle, in one of the workers, once."""

    def __init__(self, folder: Path, what: Callable[[], None]) -> None:
        super().__init__()
        self.folder = folder
        self.what = what

    def label(self, texts: Sequence[str], instructions: Sequence[str]) -> NDArray[np.float32]:
        if "Row 3000 of 4" in texts:
            try:
                (self.folder / "done").mkdir()
            except FileExistsError:
                pass
            else:
                self.what()
        return super().label(texts, instructions)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.usefixtures("cluster")
def test_a_worker_killed_in_the_middle_changes_nothing(tmp_path: Path) -> None:
    expected = falconql.query(QUERY).run(TABLE, proxy=FakeProxy())
    found = falconql.query(QUERY).run(TABLE, proxy=Once(tmp_path, die), engine="ray")
    assert (tmp_path / "done").exists()
    assert found.to_arrow() == expected.to_arrow()
    for name in ("rows_in", "rows_out"):
        assert found.metrics[name] == expected.metrics[name]


class DeadlySource(MemorySource):
    """Kills whoever reads it, in the middle, once."""

    folder: Path

    def batches(self, *given: Any, **named: Any) -> Iterator[pa.RecordBatch]:
        for number, batch in enumerate(super().batches(*given, **named)):
            if number == 2:
                try:
                    (self.folder / "done").mkdir()
                except FileExistsError:
                    pass
                else:
                    die()
            yield batch


@pytest.mark.usefixtures("cluster")
def test_a_reader_killed_in_the_middle_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from falconql.runtime.cluster import driver
    from falconql.runtime.cluster.parts import Part

    source = DeadlySource(TABLE)
    source.folder = tmp_path
    monkeypatch.setattr(driver, "parts_of", lambda *_: [Part(source)])
    expected = falconql.query(QUERY).run(TABLE, proxy=FakeProxy()).to_arrow()
    assert falconql.query(QUERY).run(TABLE, proxy=FakeProxy(), engine="ray").to_arrow() == expected
    assert (tmp_path / "done").exists()


class Spy(FakeProxy):
    """Tells what its process has imported, and with how many threads."""

    def label(self, texts: Sequence[str], instructions: Sequence[str]) -> NDArray[np.float32]:
        raise ProxyError(json.dumps(sorted(sys.modules)))


@pytest.mark.usefixtures("cluster")
def test_workers_import_the_runtime_alone() -> None:
    with pytest.raises(ProxyError) as told:
        falconql.query(QUERY).run(TABLE, proxy=Spy(), engine="ray")
    loaded = json.loads(str(told.value))
    others = [m for m in loaded if m.startswith("falconql.") and not m.startswith("falconql.runtime")]
    # This file asks for examples and errors, and is loaded because the spy is defined in it.
    assert not {m for m in others if m.split(".")[1] in ("syntax", "check", "plan", "cli", "training")}
    assert not {"lark", "torch", "transformers", "openai"} & set(loaded)


@pytest.mark.usefixtures("cluster")
def test_a_run_that_is_stopped_leaves_no_worker_behind() -> None:
    import ray

    batches = falconql.query(QUERY).start(TABLE, proxy=FakeProxy(), engine="ray").batches()
    assert next(batches).num_rows
    batches.close()
    for _ in range(100):
        if ray.available_resources().get("CPU") == 2:
            return
        time.sleep(0.2)
    raise AssertionError("a worker still has its processor")


@pytest.mark.usefixtures("cluster")
def test_more_workers_than_there_is_room_for() -> None:
    with pytest.raises(ClusterError, match="5 workers of 1 CPU do not fit into a cluster of 2 CPUs"):
        falconql.query(QUERY).run(TABLE, proxy=FakeProxy(), engine=falconql.Ray(workers=5))
    with pytest.raises(ClusterError, match="1 GPU"):
        falconql.query(QUERY).run(TABLE, proxy=FakeProxy(), engine=falconql.Ray(workers=1, gpus=1))


def test_ray_client_addresses_and_language_models_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="large language model"):
        falconql.query('using llm "m" where label("a?") select id').run(TABLE, engine="ray")
    with pytest.raises(ConfigError, match="no engine 'spark'"):
        falconql.query(QUERY).run(TABLE, engine="spark")  # type: ignore[arg-type]


def command(
    *words: str, cwd: Path | None = None, more: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": PATH, "FALCONQL_CACHE": "off", **(more or {})}
    return subprocess.run(
        [sys.executable, "-m", "falconql", *words],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd=cwd or ROOT / "examples",
    )


def test_the_command_line_on_a_cluster_writes_the_same_file(cluster: str, tmp_path: Path) -> None:
    """On the cluster of two nodes, from a process of its own; with a report and measured numbers."""
    one, many, report = tmp_path / "one.parquet", tmp_path / "many.parquet", tmp_path / "r.html"
    assert command("run", "laptops.fql", "-o", str(one)).returncode == 0
    done = command(
        "run", "laptops.fql", "--engine", "ray", "--address", cluster, "-o", str(many), "--report", str(report)
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert pq.read_table(many) == pq.read_table(one)
    assert f"{pq.read_table(one).num_rows} rows from 36" in done.stderr
    assert "ray" not in done.stderr.lower(), "what Ray has to say is not for people who ask a query"
    assert report.stat().st_size > 10_000
    shown = command("explain", "laptops.fql", "--analyze", "--format", "json", "--engine", "ray", "--address", cluster)
    assert json.loads(shown.stdout)["rows_in"] == 36, shown.stderr


def test_corpus_and_result_in_an_object_store(tmp_path: Path) -> None:
    """Read by the workers' machines, written by this one; the keys are in no output."""
    pytest.importorskip("moto")
    with s3_server(tmp_path / "log") as environment:
        files = file_system(environment)
        files.create_dir("corpus")
        reviews = ROOT / "examples" / "data" / "laptops.csv"
        for part in range(3):
            with files.open_output_stream(f"corpus/in/{part}.csv") as out:
                out.write(reviews.read_bytes())
        words = ["run", "laptops.fql", "--from", "s3://corpus/in/", "-o"]
        one = command(*words, "s3://corpus/one.parquet", more=environment)
        assert one.returncode == 0, one.stderr
        many = command(*words, "s3://corpus/many.parquet", "--engine", "ray", more=environment)
        assert many.returncode == 0, many.stderr
        assert pq.read_table("corpus/many.parquet", filesystem=files) == pq.read_table(
            "corpus/one.parquet", filesystem=files
        )
        assert SECRET not in one.stderr + many.stderr
        missing = command("run", "laptops.fql", "--from", "s3://corpus/no.csv", "--engine", "ray", more=environment)
        assert missing.returncode == 1
        assert "there is no file s3://corpus/no.csv" in missing.stderr
        assert "Traceback" not in missing.stderr


def test_a_cluster_that_is_not_there(tmp_path: Path) -> None:
    done = command("run", "laptops.fql", "--engine", "ray", "--address", "127.0.0.1:1")
    assert done.returncode == 3
    assert "no Ray cluster can be reached at 127.0.0.1:1" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_interrupted_run_goes_on_here_or_there(cluster: str, tmp_path: Path) -> None:
    """A run on Ray that fails in the middle is finished by one process, after the rows that were committed."""
    from falconql.cli.file import write_file

    path, whole = tmp_path / "out.parquet", tmp_path / "whole.parquet"
    corpus = tmp_path / "corpus.parquet"
    pq.write_table(TABLE, corpus)
    query = falconql.query(QUERY)
    write_file(query.start(corpus, proxy=FakeProxy()), str(whole), quiet=True)
    broken = query.start(corpus, proxy=Once(tmp_path, fail), engine="ray")
    with pytest.raises(ProxyError):
        write_file(broken, str(path), quiet=True, every_s=0.0)
    assert (tmp_path / ".out.parquet.falconql" / "manifest.json").exists()
    rest = query.start(corpus, proxy=FakeProxy())
    write_file(rest, str(path), quiet=True)
    assert rest.metrics.rows_resumed > 0
    assert pq.read_table(path) == pq.read_table(whole)


def fail() -> None:
    raise ProxyError("the model broke")


def test_the_commands_in_the_documentation(tmp_path: Path) -> None:
    """The three lines under "Two nodes on one machine", as they stand there."""
    page = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    lines = re.findall(r"^```sh\n(.*)\n```$", page.partition("## Two nodes")[2].partition("\n## ")[0], re.MULTILINE)
    assert [line.split()[0] for line in lines] == ["ray", "ray", "falconql"]
    binaries = Path(sys.executable).parent
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    environment = {**os.environ, "PYTHONPATH": PATH, **token}
    nodes = []
    try:
        for number, line in enumerate(lines[:2]):
            words = [str(binaries / "ray"), *line.split()[1:]]
            log = tmp_path / f"{number}.log"
            with log.open("wb") as told:
                nodes.append(subprocess.Popen(words, env=environment, stdout=told, stderr=told, start_new_session=True))
            _await("Ray runtime started", log)
        path = tmp_path / "laptops.parquet"
        words = [str(path) if word == path.name else word for word in lines[2].split()[1:]]
        done = command(*words, more=token)
        assert done.returncode == 0, done.stderr
        here = tmp_path / "here.parquet"
        assert command("run", "laptops.fql", "-o", str(here)).returncode == 0
        assert pq.read_table(path) == pq.read_table(here)
        refused = command(*words, more={**token, "RAY_AUTH_TOKEN": secrets.token_hex(32)})
        assert refused.returncode == 3
        assert "RAY_AUTH_MODE=token" in refused.stderr, refused.stderr
        assert "Traceback" not in refused.stderr
    finally:
        for node in nodes:
            os.killpg(node.pid, signal.SIGTERM)
        for node in nodes:
            node.wait(60)


def _await(text: str, log: Path) -> None:
    for _ in range(600):
        if text in log.read_text(encoding="utf-8", errors="replace"):
            return
        time.sleep(0.2)
    raise AssertionError(log.read_text(encoding="utf-8", errors="replace"))
