"""What must hold whatever comes from outside: each function takes damaged input and asserts it.

A query, a plan, a proxy's manifest, the cache, the manifest of an unfinished run, and files of every format: nothing
but FalconQL's own errors comes out, nothing outside its folder is read, and nothing damaged is taken for an answer.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

import falconql
from falconql.errors import FalconQLError
from falconql.evaluating.gold import read_gold
from falconql.runtime.cache import open_cache
from falconql.runtime.commit import Identity, WorkFolder
from falconql.runtime.commit.folder import Chunk
from falconql.runtime.context import ExecContext
from falconql.runtime.executor import execute
from falconql.runtime.io import open_source
from falconql.runtime.io.json_values import python_values
from falconql.runtime.io.memory import MemorySource
from falconql.runtime.normalise import normalise
from falconql.runtime.plan import Plan
from falconql.runtime.proxy import find_proxy
from falconql.runtime.proxy.manifest import read_manifest
from falconql.runtime.proxy.onnx import OnnxProxy
from falconql.source import Source
from falconql.syntax import parse_tolerant
from tests.fakes import FakeProxy
from tests.fuzz.mutations import VALUES, damaged_bytes, damaged_json, damaged_texts
from tests.proxy.tiny import byte_level, save_proxy

EXAMPLES = Path(__file__).parents[2] / "examples"
TABLE = pa.table(
    {
        "id": [1, 2, None],
        "stars": [5.0, None, 1.0],
        "posted": pa.array([0, 20_000, None], pa.date32()),
        "body": ["Good Ann paid $3", None, "漢字 Bob 👩‍👩‍👧"],
        "recommended": [True, False, None],
    }
)
QUERIES = (
    'text body let good = label("has Good") where good and stars > 2 select id, who: spans("capitals") limit 2',
    'text body each who in spans("capitals") where score(who) > 0.5 select who, label("has {who}")',
    'text body group by choose("has", "Good", "Bob") select n: count(), m: max(stars) order by n desc',
    'where posted >= "2020-01-01" or recommended is null and body matches /a|b/i '
    "select low: lower(body), twice: stars * 2",
)


@cache
def _queries() -> tuple[str, ...]:
    return (*QUERIES, *(path.read_text(encoding="utf-8") for path in sorted(EXAMPLES.glob("*.fql"))))


def _any_query() -> st.SearchStrategy[str]:
    return damaged_texts(_queries())


def check_query(text: str) -> None:
    """Every text is read; what is wrong is in it; what is right stays so when it is printed."""
    source = Source("<fuzz>", text)
    parsed = parse_tolerant(source)
    for diagnostic in parsed.diagnostics:
        assert 0 <= diagnostic.primary.span.start <= diagnostic.primary.span.end <= len(text)
    query = falconql.query(text)
    checked = query.check(TABLE)
    str(checked)
    json.dumps(checked.to_dict())
    if checked:
        printed = query.format()
        assert falconql.query(printed).check(TABLE)
        assert falconql.query(printed).format() == printed
        with suppress(FalconQLError):
            query.run(TABLE, proxy=FakeProxy(), cache=False)


@cache
def _plans() -> tuple[Any, ...]:
    return tuple(json.loads(falconql.query(text).plan(TABLE).to_json()) for text in QUERIES)


def _any_plan() -> st.SearchStrategy[Any]:
    return st.one_of(damaged_json(_plans()), VALUES)


def check_plan(data: Any) -> None:
    """A plan is refused, or it runs on the corpus it is given and on nothing else."""
    text = json.dumps(data)
    try:
        plan = Plan.from_json(text)
        for _ in execute(plan, ExecContext(MemorySource(TABLE), FakeProxy())):
            pass
    except FalconQLError:
        return
    assert Plan.from_json(plan.to_json()) == plan


@cache
def _manifest() -> Any:
    return json.loads((find_proxy("kestrel") / "proxy.json").read_text(encoding="utf-8"))


def _any_manifest() -> st.SearchStrategy[Any]:
    return st.one_of(damaged_json([_manifest()]), VALUES)


def check_manifest(data: Any) -> None:
    """A manifest is refused, or names files in its own folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "proxy"
        folder.mkdir()
        (folder / "proxy.json").write_text(json.dumps(data), encoding="utf-8")
        try:
            manifest = read_manifest(folder)
        except FalconQLError:
            return
        for file in (manifest.model, manifest.tokenizer):
            assert (folder / file).parent.resolve().is_relative_to(folder.resolve())


@cache
def _tiny() -> dict[str, bytes]:
    found = {}
    with tempfile.TemporaryDirectory() as name:
        for kind, tokenizer in (("words", None), ("bytes", byte_level())):
            folder = save_proxy(Path(name) / kind, tokenizer, begins=["ann"] if tokenizer is None else ())
            for file in ("model.onnx", "tokenizer.json", "proxy.json"):
                found[f"{kind}/{file}"] = (folder / file).read_bytes()
    return found


def _any_tokenizer() -> st.SearchStrategy[tuple[str, bytes]]:
    return st.one_of(
        *(
            st.tuples(st.just(kind), damaged_json([json.loads(_tiny()[f"{kind}/tokenizer.json"])]).map(_dumped))
            for kind in ("words", "bytes")
        )
    )


def check_tokenizer(damaged: tuple[str, bytes]) -> None:
    """A tokenizer is refused, or answers come of it."""
    kind, data = damaged
    _answer(kind, {"tokenizer.json": data})


def check_model(data: bytes) -> None:
    """A model is refused, or answers come of it."""
    _answer("words", {"model.onnx": data})


def _answer(kind: str, damaged: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as name:
        for file in ("model.onnx", "tokenizer.json", "proxy.json"):
            (Path(name) / file).write_bytes(damaged.get(file, _tiny()[f"{kind}/{file}"]))
        try:
            proxy = OnnxProxy(Path(name), threads=1)
            scores = proxy.label(["Ann paid $3", "漢字"], ["is it Ann?"] * 2)
            assert ((scores >= 0) & (scores <= 1)).all()
            for text, found in zip(("ann", "word " * 40), proxy.spans(["ann", "word " * 40], ["a"] * 2), strict=True):
                assert all(0 <= span.start < span.end <= len(text) for span in found)
        except FalconQLError:
            pass


def _results() -> dict[bytes, bytes]:
    return {hashlib.blake2b(bytes([n]), digest_size=16).digest(): bytes([n]) * (n % 5) for n in range(40)}


@cache
def _cache_file() -> bytes:
    with tempfile.TemporaryDirectory() as name:
        cache = open_cache(Path(name), "p", "name", limit_bytes=1 << 30)
        cache.put(_results())
        cache.close()
        (path,) = Path(name).rglob("*.run1")
        return path.read_bytes()


def _any_cache_file() -> st.SearchStrategy[bytes]:
    return st.one_of(damaged_bytes(_cache_file()), st.binary(max_size=400))


def check_cache(data: bytes) -> None:
    """What is found is what was put; the rest is missing, and new answers can be put."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        cache = open_cache(root, "p", "name", limit_bytes=1 << 30)
        cache.put(_results())
        cache.close()
        (path,) = root.rglob("*.run1")
        path.write_bytes(data)
        again = open_cache(root, "p", "name", limit_bytes=1 << 30, warn=lambda message: None)
        right = _results()
        for key, found in again.find(list(right)).items():
            assert found == right[key]
        again.put({b"k" * 16: b"new"})
        again.close()
        last = open_cache(root, "p", "name", limit_bytes=1 << 30, warn=lambda message: None)
        assert last.find([b"k" * 16]) == {b"k" * 16: b"new"}
        last.close()


_IDENTITY = Identity("q", "c", "p", "v")
_BATCHES = [pa.record_batch({"id": [n, n + 1]}) for n in range(3)]


def _any_work_folder() -> st.SearchStrategy[tuple[str, bytes]]:
    manifest, chunk = _work_files()
    return st.one_of(
        st.tuples(st.just("manifest.json"), damaged_bytes(manifest)),
        st.tuples(st.just("manifest.json"), damaged_json([json.loads(manifest)]).map(_dumped)),
        st.tuples(st.just("1"), damaged_bytes(chunk)),
    )


def _dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


@cache
def _work_files() -> tuple[bytes, bytes]:
    with tempfile.TemporaryDirectory() as name:
        path = _work(Path(name))
        chunk = sorted(file for file in path.iterdir() if file.name not in ("lock", "manifest.json"))[1]
        return (path / "manifest.json").read_bytes(), chunk.read_bytes()


def _work(folder: Path) -> Path:
    with WorkFolder(str(folder / "out.parquet")) as work:
        chunks = []
        for number, batch in enumerate(_BATCHES):
            chunks.append(Chunk(2, 2 * number + 2, work.write_chunk(number, [batch], batch.schema)))
            work.save(_IDENTITY, chunks)
        return work.path


def check_work_folder(damaged: tuple[str, bytes]) -> None:
    """Of an unfinished run the rows before the damage are used again, as they were, and no others."""
    file, data = damaged
    with tempfile.TemporaryDirectory() as name:
        path = _work(Path(name))
        names = sorted(entry.name for entry in path.iterdir() if entry.name not in ("lock", "manifest.json"))
        (path / (names[int(file)] if file.isdigit() else file)).write_bytes(data)
        with WorkFolder(str(Path(name) / "out.parquet")) as work:
            schema = _BATCHES[0].schema
            chunks, _ = work.restore(_IDENTITY, schema)
            found = list(work.batches(chunks, schema))
        assert found == _BATCHES[: len(found)]


@cache
def _files() -> dict[str, bytes]:
    table = TABLE.slice(0, 2)
    parquet, arrow = pa.BufferOutputStream(), pa.BufferOutputStream()
    pq.write_table(table, parquet)
    with pa.ipc.new_file(arrow, table.schema) as writer:
        writer.write_table(table)
    return {
        "parquet": parquet.getvalue().to_pybytes(),
        "arrow": arrow.getvalue().to_pybytes(),
        "csv": 'id,body\n1,"Good, Ann"\n2,漢字\n'.encode(),
        "jsonl": '{"id": 1, "body": "a"}\n{"id": null, "body": "漢字"}\n'.encode(),
        "json": b'[{"id": 1, "body": "a"}, {"id": 2}]',
        "txt": "one\ntwo 漢字\n".encode(),
    }


def _any_file() -> st.SearchStrategy[tuple[str, bytes]]:
    return st.one_of(
        *(
            st.tuples(st.just(format_), st.one_of(damaged_bytes(data), st.binary(max_size=64)))
            for format_, data in _files().items()
        )
    )


def check_file(file: tuple[str, bytes]) -> None:
    """A corpus is read or refused."""
    format_, data = file
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / f"corpus.{format_}"
        path.write_bytes(data)
        try:
            source = open_source(str(path))
            for batch in source.batches(source.schema.names, None, batch_rows=100):
                for column in batch.columns:
                    python_values(normalise(column))
        except FalconQLError:
            pass


_GOLD = (
    '{"text": "Ann and Bob", "instruction": "names", "answer": ["Ann", {"start": 8, "end": 11}]}\n',
    '{"text": "Ann", "instruction": "Is it Ann?", "answer": true}\n',
    '[{"data": {"text": "Ann", "instruction": "names", "kind": "spans"}, "annotations": '
    '[{"result": [{"type": "labels", "value": {"start": 0, "end": 3, "text": "Ann"}}]}]}]',
)


def check_gold(text: str) -> None:
    """Annotations are read or refused; spans lie in their texts."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "gold.jsonl"
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
        try:
            found = read_gold(path)
        except FalconQLError:
            return
        if isinstance(found, dict):
            for task, answer in found.items():
                assert isinstance(answer, bool) or all(0 <= a < b <= len(task.text) for a, b in answer)


TARGETS: dict[str, tuple[Callable[[], st.SearchStrategy[Any]], Callable[[Any], None]]] = {
    "query": (_any_query, check_query),
    "plan": (_any_plan, check_plan),
    "manifest": (_any_manifest, check_manifest),
    "tokenizer": (_any_tokenizer, check_tokenizer),
    "model": (lambda: damaged_bytes(_tiny()["words/model.onnx"]), check_model),
    "cache": (_any_cache_file, check_cache),
    "work folder": (_any_work_folder, check_work_folder),
    "file": (_any_file, check_file),
    "gold": (lambda: damaged_texts(_GOLD), check_gold),
}
