from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import falconql
from falconql.runtime.errors import DataError
from falconql.runtime.io import open_sink, open_source
from falconql.runtime.io.fingerprint import fingerprint
from falconql.runtime.io.remote.http import ATTEMPTS
from falconql.runtime.io.remote.problems import explained
from tests.runtime.io.reading import refused, rows_of, table_of
from tests.runtime.io.web import Web, serving

ROWS = 40_000


@pytest.fixture
def web() -> Iterator[Web]:
    with serving(Web()) as started:
        yield started


def parquet(table: pa.Table, group: int = ROWS) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file, row_group_size=group, compression="none", use_dictionary=False)
    return file.getvalue()


def wide() -> pa.Table:
    noise = np.random.default_rng(1).integers(0, 1 << 62, (20, ROWS))
    return pa.table({"id": np.arange(ROWS), **{f"c{i}": noise[i] for i in range(20)}})


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet", "a.csv.gz", "a.arrow", "noending"])
def test_every_format_with_and_without_ranges(web: Web, name: str, ranges: bool) -> None:
    table = pa.table({"a": [1, 2], "b": ["x", "y"]})
    arrow = io.BytesIO()
    with pa.ipc.new_file(arrow, table.schema) as writer:
        writer.write_table(table)
    contents = {"a.csv": b"a,b\n1,x\n2,y\n", "a.jsonl": b'{"a":1,"b":"x"}\n{"a":2,"b":"y"}\n'}
    contents |= {"a.csv.gz": gzip.compress(contents["a.csv"]), "a.parquet": parquet(table)}
    contents |= {"noending": contents["a.jsonl"], "a.arrow": arrow.getvalue()}
    web.files[name], web.ranges = contents[name], ranges
    assert rows_of(open_source(f"{web.url}/{name}")) == table.to_pylist()


def test_only_the_columns_and_row_groups_that_are_needed_come_over_the_network(web: Web) -> None:
    web.files["w.parquet"] = data = parquet(wide(), ROWS // 20)
    source = open_source(f"{web.url}/w.parquet")
    opening = web.sent
    assert opening < len(data) / 10
    assert table_of(source, ["id"]).num_rows == ROWS
    assert web.sent - opening < len(data) / 10
    web.sent = 0
    query = falconql.query("where id < 100 select c0")
    assert len(query.run(f"{web.url}/w.parquet")) == 100
    assert web.sent < len(data) / 10


def test_a_connection_that_breaks_is_taken_up_where_it_broke(web: Web) -> None:
    lines = "".join(f"{i},{'x' * 40}\n" for i in range(20_000))
    web.files["a.csv"], web.broken_after = f"a,b\n{lines}".encode(), 300_000
    assert table_of(open_source(f"{web.url}/a.csv"))["a"].to_pylist() == list(range(20_000))


def test_a_whole_file_that_breaks_off_is_asked_for_again(web: Web) -> None:
    web.files["a.csv"], web.ranges = b"a\n" + b"1\n" * 20_000, False
    web.broken_after, web.broken_times = 20_002, 2
    assert table_of(open_source(f"{web.url}/a.csv")).num_rows == 20_000
    assert len(web.asked) == 3


def test_a_whole_file_that_breaks_off_each_time_is_refused(web: Web) -> None:
    web.files["a.csv"], web.ranges, web.broken_after = b"a\n" + b"1\n" * 20_000, False, 20_002
    refused(f"{web.url}/a.csv", f"{web.url}/a.csv breaks off before the end", hint="try again")
    assert len(web.asked) == ATTEMPTS


def test_a_range_of_nobody_knows_how_much_is_not_the_whole(web: Web) -> None:
    web.files["a.csv"], web.unknown_total = b"a\n" + b"1\n" * 20_000, True
    assert table_of(open_source(f"{web.url}/a.csv")).num_rows == 20_000


def test_redirects_without_end(web: Web) -> None:
    web.redirects["a-301.csv"] = "/a-301.csv"
    refused(f"{web.url}/a-301.csv", "sends us round in circles", hint="address")


@pytest.mark.parametrize(
    ("error", "said"),
    [("ACCESS_DENIED", "no permission"), ("UNKNOWN (HTTP status 301)", "another region"), ("SLOW_DOWN", "no more")],
)
def test_digits_in_the_name_of_an_object_are_no_status(error: str, said: str) -> None:
    name = "s3://b/logs/part-301 403 Status 301.parquet"
    words = f"When reading information for key '{name[7:]}' in bucket 'b': AWS Error {error} during GetObject operation"
    assert said in str(explained(OSError(words), name, name))


def test_hugging_face_cannot_be_reached() -> None:
    pytest.importorskip("huggingface_hub")
    program = "from falconql.runtime.io import open_source; open_source('hf://datasets/a/b/c.parquet')"
    # Nothing listens there. Their client reads the variable when it is imported.
    nowhere = {**os.environ, "HF_ENDPOINT": "http://127.0.0.1:9"}
    done = subprocess.run([sys.executable, "-c", program], env=nowhere, capture_output=True, text=True, check=False)
    last = done.stderr.splitlines()[-2:]
    assert "the server of hf://datasets/a/b/c.parquet cannot be reached" in last[0], done.stderr


def test_a_file_that_changes_while_it_is_read_is_refused(web: Web) -> None:
    web.files["w.parquet"] = parquet(wide())
    source = open_source(f"{web.url}/w.parquet")
    web.etag = '"2"'
    with pytest.raises(DataError, match="has changed while it was read"):
        table_of(source)


def test_another_version_has_another_fingerprint(web: Web) -> None:
    web.files["a.csv"] = b"a\n1\n"
    first = fingerprint(open_source(f"{web.url}/a.csv"))
    assert first == fingerprint(open_source(f"{web.url}/a.csv?signature=another"))
    web.etag = '"2"'
    assert first != fingerprint(open_source(f"{web.url}/a.csv"))
    web.etag = ""
    unversioned = fingerprint(open_source(f"{web.url}/a.csv"))
    web.files["a.csv"] = b"a\n2\n"
    assert unversioned != fingerprint(open_source(f"{web.url}/a.csv"))


@pytest.mark.parametrize(
    ("status", "said", "hint"),
    [(404, "there is no file", ""), (403, "no permission to read", "expire"), (503, "has a fault", "later")],
)
def test_what_a_server_refuses(web: Web, status: int, said: str, hint: str) -> None:
    web.files["a.csv"], web.statuses["a.csv"] = b"a\n1\n", status
    refused(f"{web.url}/a.csv", said, "/a.csv", hint=hint)


def test_nobody_listens_and_nobody_writes(web: Web) -> None:
    refused("http://127.0.0.1:1/a.csv", "http://127.0.0.1:1/a.csv cannot be reached", hint="network")
    with pytest.raises(DataError, match="cannot be written to"):
        open_sink(f"{web.url}/a.csv", pa.schema([("a", pa.int64())]))


@pytest.mark.parametrize(
    "host", ["a..b", f"{'a' * 64}.com", "localhost:port", "[::1", "[zz]", "localhost:\N{ARABIC-INDIC DIGIT THREE}"]
)
def test_a_name_of_a_server_that_is_none(host: str) -> None:
    refused(f"http://u:secret@{host}/a.csv", f"http://***@{host}/a.csv is no address of a web server")


@pytest.mark.parametrize("status", [200, 403, 404, 500])
def test_signatures_and_passwords_are_used_and_not_shown(web: Web, status: int) -> None:
    web.files["a.csv"] = b"a\n1\n"
    if status != 200:
        web.statuses["a.csv"] = status
    address = f"{web.url.replace('//', '//someone:planted1@')}/a.csv?sig=planted2#planted3"
    try:
        source = open_source(address)
        assert rows_of(source) == [{"a": 1}]
        shown = f"{source.name} {source!r} {vars(source)!r} {falconql.query('select a').explain(address)}"
        assert "a.csv" in source.name
    except DataError as error:
        shown = f"{error} {error.hint} {traceback.format_exc()}"
    assert "planted" not in shown
    assert "sig=planted2" in web.asked[0]
    assert web.authorizations[0] == "Basic c29tZW9uZTpwbGFudGVkMQ=="


@pytest.mark.parametrize("last", ["", "batches.close()"])
def test_a_process_may_end_while_compressed_data_is_read_from_the_web(web: Web, last: str) -> None:
    lines = b"".join(b"%d,a text that is long enough\n" % number for number in range(1_000_000))
    web.files["a.csv.gz"] = gzip.compress(b"a,b\n" + lines, 1)
    program = (
        "import sys; from falconql.runtime.io import open_source\n"
        "source = open_source(sys.argv[1]); batches = source.batches(['a'], None, batch_rows=10)\n"
        f"print(next(batches).num_rows); {last}"
    )
    ended = subprocess.run([sys.executable, "-c", program, f"{web.url}/a.csv.gz"], capture_output=True, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"10\n", b"")
