"""What runs on the machines: failures travel, little is sent, and only the runtime is there."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from falconql.runtime.cluster.driver import execute
from falconql.runtime.cluster.shipping import arrive, ship
from falconql.runtime.cluster.stages import Stage, stages
from falconql.runtime.cluster.wire import Block
from falconql.runtime.context import ExecContext
from falconql.runtime.errors import DataError, ExecutionError, FalconQLError, ProxyError
from falconql.runtime.executor import execute_to_table
from falconql.runtime.io import open_source
from falconql.runtime.io.memory import MemorySource
from falconql.runtime.plan import Plan
from falconql.runtime.proxy import open_proxy
from tests.fakes import FakeProxy
from tests.runtime.cluster.pools import HerePool, run_to_table
from tests.runtime.queries import plan

TABLE = pa.table({"id": range(400), "text": [f"Row {i}" for i in range(400)], "other": ["x" * 500] * 400})


def made(text: str) -> Plan:
    return plan(f"text text {text}", TABLE.schema)


def test_stages_end_where_everything_is_needed() -> None:
    assert stages(made("select id")) == [Stage(0, 2, None)]
    assert stages(made("select id order by other")) == [Stage(0, 3, 2), Stage(3, 4, None)]
    assert stages(made("select id order by id")) == [Stage(0, 3, 2)]
    assert stages(made("select id limit 3")) == [Stage(0, 3, 1)]
    assert stages(made("group by id select id, n: count() order by n limit 2"))[0] == Stage(0, 2, 1)


class Failing(FakeProxy):
    def label(self, texts: Sequence[str], instructions: Sequence[str]) -> NDArray[np.float32]:
        if "Row 333" in texts:
            raise ProxyError("the model broke", hint="export it again")
        return super().label(texts, instructions)


def test_a_failure_on_a_machine_comes_after_the_rows_before_it() -> None:
    ctx = ExecContext(MemorySource(TABLE), Failing(), batch_rows=50)
    rows = 0
    batches = execute(made('select id, s: score(label("random 1"))'), ctx, HerePool())
    while rows < 300:
        rows += next(batches).num_rows
    with pytest.raises(ProxyError, match="the model broke") as failure:
        next(batches)
    assert failure.value.hint == "export it again"


def test_a_corpus_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,text\n" + "".join(f"{i},Row\n" for i in range(10)))
    source = open_source(path)
    path.unlink()
    with pytest.raises(DataError, match="there is no file"):
        run_to_table(plan("select id", source.schema), ExecContext(source))


@pytest.mark.parametrize(
    "error",
    [DataError("a", hint="b"), ProxyError("a"), ExecutionError("a", operator="sort", hint="c"), FalconQLError("x")],
)
def test_failures_arrive_as_they_were(error: FalconQLError) -> None:
    with pytest.raises(type(error)) as found:
        Block(0, 0, 0).failed(error).check()
    again = pickle.loads(pickle.dumps(error))  # as process pools send it
    for arrived in (found.value, again):
        assert (str(arrived), vars(arrived)) == (str(error), vars(error))


def test_only_needed_columns_travel_and_only_the_first_rows_come_back() -> None:
    narrow, wide = HerePool(), HerePool()
    ctx = ExecContext(MemorySource(TABLE), FakeProxy())
    run_to_table(made('where other contains "x" and label("random 1") select id'), ctx, narrow)
    run_to_table(made('where label("random 1") select *'), ExecContext(MemorySource(TABLE), FakeProxy()), wide)
    assert narrow.bytes_sent < wide.bytes_sent / 5


def test_a_model_is_asked_again_on_the_machines_only_where_answers_are_missing() -> None:
    known, asked = HerePool(), HerePool()
    query = 'where label("random 1") select id, s: score(label("random 1")) order by score(label("random 1")), other'
    run_to_table(made(query), ExecContext(MemorySource(TABLE), FakeProxy()), known)
    assert len(known.jobs) == 1
    query = 'where label("random 1") select id, s: score(label("random 2")) order by score(label("random 1")) limit 9'
    ctx = ExecContext(MemorySource(TABLE), FakeProxy())
    run_to_table(made(query), ctx, asked)
    assert len(asked.jobs) == 2
    assert ctx.metrics.model_calls == 409


def test_a_limit_stops_reading() -> None:
    seen: list[Block] = []
    ctx = ExecContext(MemorySource(TABLE), FakeProxy(), batch_rows=20)
    run_to_table(made('where label("random 1") select id limit 5'), ctx, HerePool(2, seen.append))
    assert len(seen) < 4


def test_each_machine_finds_its_answers_again(tmp_path: Path) -> None:
    from falconql.runtime.cache import open_cache

    def run() -> tuple[pa.Table, int]:
        proxy = FakeProxy()
        ctx = ExecContext(MemorySource(TABLE), proxy, cache=open_cache(tmp_path, proxy.fingerprint, "fake"))
        return run_to_table(made('where label("random 1") select id'), ctx), ctx.metrics.model_calls

    first, second = run(), run()
    assert first[1] == 400
    assert second[1] == 0
    assert second[0] == first[0]


def test_a_proxy_arrives_whole_and_is_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    kestrel = open_proxy("kestrel")
    one, two = arrive(ship(kestrel), 1), arrive(ship(kestrel), 1)
    assert one.fingerprint == two.fingerprint == kestrel.fingerprint
    assert one.folder == two.folder  # type: ignore[attr-defined]
    (one.folder / "proxy.json").write_text("{}")  # type: ignore[attr-defined]
    three = arrive(ship(kestrel), 1)
    assert three.fingerprint == kestrel.fingerprint, "what somebody has changed there is not used"


_WORK = """
import json, pickle, sys
reader, parts, job, shipped = pickle.load(open(sys.argv[1], "rb"))
from falconql.runtime.cluster.tasks import Worker
worker = Worker(job, shipped)
rows = sum(len(worker.work(block).data) for part in parts for block in reader.read(0, part))
print(json.dumps([rows, sorted(sys.modules)]))
"""


class Recording(HerePool):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def over_corpus(self, job: Any, shipped: Any, reader: Any, parts: Any) -> Any:
        self.path.write_bytes(pickle.dumps((reader, parts, job, shipped)))
        return super().over_corpus(job, shipped, reader, parts)


def test_workers_import_the_runtime_alone(tmp_path: Path) -> None:
    """With the proxy that ships, over a file, in a process that has nothing else to do."""
    path = tmp_path / "a.csv"
    path.write_text("id,text\n1,It was lovely.\n2,It broke.\n")
    source = open_source(path)
    work = plan('where label("Is the customer satisfied?") or id > 0 select id, s: span("the verdict")', source.schema)
    ctx = ExecContext(source, open_proxy("kestrel"))
    pool = Recording(tmp_path / "work")
    assert run_to_table(work, ctx, pool).num_rows == 2
    done = subprocess.run([sys.executable, "-c", _WORK, str(pool.path)], capture_output=True, text=True, check=True)
    rows, loaded = json.loads(done.stdout)
    assert rows > 0
    others = [m for m in loaded if m.startswith("falconql.") and not m.startswith("falconql.runtime")]
    assert others == []
    assert not {"lark", "torch", "transformers", "openai", "ray", "click", "rich"} & set(loaded)


def test_plans_without_a_model_need_no_proxy() -> None:
    work = made("where id > 390 select id")
    assert run_to_table(work, ExecContext(MemorySource(TABLE))) == execute_to_table(
        work, ExecContext(MemorySource(TABLE))
    )
