"""JSON objects, one per line or in an array."""

from __future__ import annotations

import datetime as dt
import json
import time
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from falconql.runtime.errors import DataError
from falconql.runtime.io import json_lines, open_sink, open_source
from falconql.runtime.io.inputs import open_input
from falconql.runtime.io.json import JsonSource
from falconql.runtime.io.json_problems import MOST_DEPTH, depth
from tests.runtime.io.reading import refused, rows_of, table_of, written

OBJECTS = [
    {"id": 1, "text": "a"},
    {"id": 2.5, "more": {"x": [1]}},
    {"id": None, "text": "日本 👩‍👩‍👧", "more": {"y": "z"}},
]
READ = [
    {"id": 1.0, "text": "a", "more": None},
    {"id": 2.5, "text": None, "more": {"x": [1], "y": None}},
    {"id": None, "text": "日本 👩‍👩‍👧", "more": {"x": None, "y": "z"}},
]
LINES = "\n".join(json.dumps(value) for value in OBJECTS)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.jsonl", LINES),
        ("a.ndjson", LINES + "\n"),
        ("a.jsonl", "\n\n" + LINES.replace("\n", "\r\n\r\n")),
        ("a.jsonl", "\ufeff" + LINES),
        ("a.json", LINES),
        ("a.json", json.dumps(OBJECTS)),
        ("a.json", json.dumps(OBJECTS, indent=2, ensure_ascii=False)),
        ("a.json", "\n".join(json.dumps(value, indent=1) for value in OBJECTS)),
        ("a.jsonl", json.dumps(OBJECTS)),
    ],
)
def test_objects_however_they_are_laid_out(tmp_path: Path, name: str, data: str) -> None:
    source = open_source(written(tmp_path, name, data))
    assert source.schema.names == ["id", "text", "more"]
    assert source.rows == 3
    assert rows_of(source) == READ


def test_fields_that_appear_late_are_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "_BLOCK_BYTES", 200)
    lines = [json.dumps({"a": n}) for n in range(100)] + [json.dumps({"a": 0.5, "late": "x"})]
    source = open_source(written(tmp_path, "a.jsonl", "\n".join(lines)))
    assert source.schema == pa.schema({"a": pa.float64(), "late": pa.string()})
    assert rows_of(source)[-1] == {"a": 0.5, "late": "x"}


def test_texts_that_are_all_dates_are_dates(tmp_path: Path) -> None:
    data = '{"d": "2024-01-02", "t": "2024-01-02T10:00:00", "m": "2024-01-02", "n": ["2024-01-02"]}\n{"m": "soon"}'
    source = open_source(written(tmp_path, "a.jsonl", data))
    assert source.schema.types == [pa.date32(), pa.timestamp("us"), pa.string(), pa.list_(pa.string())]
    first = rows_of(source)[0]
    assert (first["d"], first["t"]) == (dt.date(2024, 1, 2), dt.datetime(2024, 1, 2, 10))
    assert (first["m"], first["n"]) == ("2024-01-02", ["2024-01-02"])


def test_long_ids_stay_whole(tmp_path: Path) -> None:
    source = open_source(written(tmp_path, "a.jsonl", '{"id": 18446744073709551615}\n{"id": 7}\n{"id": null}'))
    assert [row["id"] for row in rows_of(source)] == ["18446744073709551615", "7", None]


def test_whole_numbers_of_up_to_76_digits_stay_whole(tmp_path: Path) -> None:
    rows = rows_of(open_source(written(tmp_path, "a.jsonl", f'{{"a": {"9" * 76}}}\n{{"a": -1}}\n')))
    assert rows == [{"a": "9" * 76}, {"a": "-1"}]
    data = f'{{"a": 1}}\n\n{{"a": {"9" * 77}}}\n'
    refused(written(tmp_path, "b.jsonl", data), "b.jsonl, line 3: a whole number has more than 76", hint="quotes")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"b": "cut \\ud83d"}', "a text has one half of a surrogate pair"),
        ('{"b": "\\ude00\\ud83d"}', "a text has one half of a surrogate pair"),
        ('{"c": 1e400}', "a number is too large"),
        ("\u00a0", "not JSON"),
        ("\x1c", "not JSON"),
    ],
)
def test_what_only_arrow_refuses_is_named_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, said: str
) -> None:
    monkeypatch.setattr(json_lines, "_BLOCK_BYTES", 1000)
    data = '{"a": 1}\n' * 300 + "\r\n" + line + "\n" + '{"a": 2}\n' * 40
    refused(written(tmp_path, "a.jsonl", data), f"a.jsonl, line 302: {said}")


def test_long_ids_inside_objects_and_lists_stay_whole(tmp_path: Path) -> None:
    rows = [
        {
            "of": {"tweet": 2**53 + 1, "user": 2**64},
            "ids": [2**64, 1],
            "deep": [{"x": [1, -(2**70)]}],
            "size": {"n": 1e30},
        },
        {"of": {"tweet": 1, "user": None}, "ids": [], "deep": [{"x": None}], "size": {"n": 2}},
    ]
    path = written(tmp_path, "a.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    assert rows_of(open_source(path)) == [
        {
            "of": {"tweet": 2**53 + 1, "user": str(2**64)},
            "ids": [str(2**64), "1"],
            "deep": [{"x": ["1", str(-(2**70))]}],
            "size": {"n": 1e30},
        },
        {"of": {"tweet": 1, "user": None}, "ids": [], "deep": [{"x": None}], "size": {"n": 2.0}},
    ]


def test_a_field_without_values_is_text(tmp_path: Path) -> None:
    source = open_source(written(tmp_path, "a.jsonl", '{"a": null}\n{"a": null}'))
    assert source.schema == pa.schema({"a": pa.string()})
    assert rows_of(source) == [{"a": None}, {"a": None}]


def test_a_text_of_spaces_is_that_text(tmp_path: Path) -> None:
    source = open_source(written(tmp_path, "a.jsonl", '{"a": " \\n"}\n{"a": ""}'))
    assert source.schema == pa.schema({"a": pa.string()})
    assert rows_of(source) == [{"a": " \n"}, {"a": ""}]


LISTS: list[list[object]] = [
    [[None, 1.5], [2, None], []],
    [[None, None, "x"], None, [None, "y"]],
    [[None, None], [], [None, None, None]],
    [[None, {"b": [None, None, 1]}], [{"b": [2]}]],
    [[[None, None], None, None, [True]], [[False]]],
    [[None, 2**64], [1]],
    [[None, "2024-05-31"], ["2024-06-01"]],
]


@pytest.mark.parametrize("lists", LISTS, ids=str)
def test_lists_that_begin_with_nulls(tmp_path: Path, lists: list[object]) -> None:
    for below in (False, True):
        rows = [{"id": number, "a": {"c": value} if below else value} for number, value in enumerate(lists)]
        found = rows_of(open_source(written(tmp_path, "a.jsonl", "".join(json.dumps(row) + "\n" for row in rows))))
        values = [row["a"]["c"] if below else row["a"] for row in found]  # type: ignore[index]
        assert values == ([[None, str(2**64)], ["1"]] if str(2**64) in str(lists) else lists)


def test_lists_of_nothing_but_nulls_are_of_texts(tmp_path: Path) -> None:
    source = open_source(written(tmp_path, "a.jsonl", '{"a": []}\n{"a": [null, null]}'))
    assert source.schema == pa.schema({"a": pa.list_(pa.string())})
    written(tmp_path, "b.jsonl", '{"a": [1]}')
    assert rows_of(open_source(str(tmp_path))) == [{"a": []}, {"a": [None, None]}, {"a": [1]}]


def test_objects_without_fields_are_rows(tmp_path: Path) -> None:
    source = open_source(written(tmp_path, "a.jsonl", "{}\n{}"))
    assert sum(batch.num_rows for batch in source.batches([], None, batch_rows=10)) == source.rows == 2


def test_an_empty_array_gives_no_rows(tmp_path: Path) -> None:
    source = open_source(written(tmp_path, "a.json", " [\n]\n"))
    assert (source.rows, list(source.batches([], None, batch_rows=10))) == (0, [])


def test_only_the_columns_asked_for_in_the_order_asked(tmp_path: Path) -> None:
    source = open_source(written(tmp_path, "a.jsonl", LINES))
    assert list(rows_of(source, ["more", "id"])[0].items()) == [("more", None), ("id", 1.0)]
    refused(written(tmp_path, "a.jsonl", LINES), "no column `txt`", hint="`text`", columns=["txt"])


BROKEN = [
    ("a.jsonl", '{"a": 1}\n\n{"a": }\n', ("line 3", "not JSON", "column 7")),
    ("a.jsonl", '{"a": 1}\n{"a": 2', ("line 2", "not JSON")),
    ("a.jsonl", '{"a": 1}\n"text"\n', ("line 2", "a text, where an object is expected")),
    ("a.jsonl", '{"a": 1}\n[1]\n', ("line 2", "a list")),
    ("a.jsonl", "null\n", ("line 1", "null, where an object is expected")),
    ("a.jsonl", '\n null\n{"a": 1}\n', ("line 2", "null, where an object is expected")),
    ("a.jsonl", '{"a": 1}\n\tnull\n', ("line 2", "null, where an object is expected")),
    ("a.jsonl", 'null{"a": 1}\n', ("line 1", "not JSON")),
    ("a.jsonl", "id,text\n1,x\n", ("line 1", "not JSON")),
    ("a.jsonl", '{"a": 1}\n{"a": "x"}\n', ("line 2", "`a` is a text, and a number in line 1")),
    ("a.jsonl", '{"a": {"b": 1}}\n{"a": {"b": [1]}}\n', ("line 2", "`a.b` is a list")),
    ("a.jsonl", '{"a": [1, true]}\n', ("line 1", "`a[]` is true or false, and a number")),
    ("a.jsonl", '{"a": 1, "a": 2}\n', ("line 1", "`a` stands there twice")),
    ("a.json", '[{"a": 1},\n {"a": x}]', ("line 2", "not JSON")),
    ("a.json", '[{"a": 1},\n 5]', ("line 2", "element 2 is no object")),
    ("a.json", '[{"a": 1}', ("line 1", "`]` is missing")),
    ("a.json", '[{"a": 1}\n{"a": 2}]', ("line 2", "`,` is missing")),
    ("a.json", '[{"a": 1}]\nmore', ("line 2", "something follows the array")),
    ("a.json", '[{"a": 1}, {"a": "x"}]', ("object 2", "`a` is a text, and a number in object 1")),
    ("a.jsonl", "", ("empty",)),
    ("a.json", "\n", ("empty",)),
    ("a.jsonl", b'{"a": 1}\n{"a": "caf\xe9"}\n', ("0xe9", "line 2", "offset 19")),
    ("a.jsonl", '{"a": 1}\n'.encode("utf-16"), ("UTF-16",)),
    ("a.jsonl", '{"a":' * 100_000, ("line 1",)),
    ("a.jsonl", '{"a":' * 100_000 + '\n{"a": 1}\n', ("line 1",)),
]


@pytest.mark.parametrize(("name", "data", "said"), BROKEN, ids=lambda value: str(value)[:30])
def test_what_is_broken_is_named_with_its_place(
    tmp_path: Path, name: str, data: str | bytes, said: tuple[str, ...]
) -> None:
    refused(written(tmp_path, name, data), name, *said)


def nested(deep: int, opening: str, closing: str) -> str:
    """Return an object with so many objects and lists in each other, itself the first."""
    return '{"t": "[[", "a": ' + opening * (deep - 1) + "1" + closing * (deep - 1) + "}"


NESTS = [("[", "]"), ('{"a":', "}")]


@pytest.mark.parametrize("nest", NESTS)
@pytest.mark.parametrize("deep", [MOST_DEPTH + 1, 300, 1_000, 20_000])
def test_what_is_nested_too_deeply_is_refused_with_its_place(tmp_path: Path, nest: tuple[str, str], deep: int) -> None:
    lines = ['{"t": "a"}', nested(deep, *nest), '{"t": "b"}']
    refused(written(tmp_path, "a.jsonl", "\n".join(lines)), "line 2: nested too deeply", hint=f"{MOST_DEPTH} deep")
    refused(written(tmp_path, "a.json", f"[{','.join(lines)}]"), "nested too deeply")
    spread = lines[1].replace(nest[0], nest[0] + "\n")
    refused(written(tmp_path, "b.jsonl", f"{lines[0]}\n{spread}"), "line 2: not JSON")


@pytest.mark.parametrize("nest", NESTS)
def test_what_is_nested_deeply_is_read_and_written(tmp_path: Path, nest: tuple[str, str]) -> None:
    table = table_of(open_source(written(tmp_path, "a.jsonl", nested(MOST_DEPTH, *nest) + "\n")))
    for ending in ("jsonl", "arrow", "parquet"):
        again = str(tmp_path / f"b.{ending}")
        sink = open_sink(again, table.schema)
        sink.write(table.to_batches()[0])
        sink.commit()
        assert rows_of(open_source(again)) == table.to_pylist()


def test_brackets_in_texts_and_beside_each_other_are_not_deep(tmp_path: Path) -> None:
    rows = [{"t": '\\"' + "[{" * 90 + '"\\', "a": [[n] for n in range(90)]}] * 90
    assert rows_of(open_source(written(tmp_path, "a.jsonl", "\n".join(map(json.dumps, rows))))) == rows


def _depth_one_by_one(data: bytes) -> int:
    most = 0
    level, inside, escaped = 0, False, False
    for sign in data.decode():
        if sign == "\n":
            inside = escaped = False
        elif escaped:
            escaped = False
        elif sign == "\\":
            escaped = True
        elif sign == '"':
            inside = not inside
        elif not inside:
            level += (sign in "[{") - (sign in "]}")
            most = max(most, level)
    return most


@given(st.lists(st.sampled_from(['"', '""', '"a"', "a", "\\\\", '\\"', "[", "{", "]", "}", "\n"]), max_size=60))
def test_brackets_count_outside_of_texts_only(parts: list[str]) -> None:
    # With enough beside each other that they are counted at all.
    data = ("[]" * (MOST_DEPTH + 1) + "\n" + "".join(parts)).encode()
    assert depth(data) == _depth_one_by_one(data)


def test_what_is_nested_too_deeply_beyond_the_part_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = part_looked_at(tmp_path, monkeypatch, '{"a": 2, "b": ' + "[" * 20_000 + "]" * 20_000 + "}\n")
    with pytest.raises(DataError, match="line 51: nested too deeply"):
        table_of(source)


def test_an_array_on_one_line_is_read_in_a_time_that_grows_with_its_length(tmp_path: Path) -> None:
    objects = [{"id": number, "text": f"some text number {number}"} for number in range(50_000)]
    path = written(tmp_path, "a.json", json.dumps(objects))
    started = time.process_time()
    assert open_source(path).rows == len(objects)
    # A second; minutes if what is left is copied for each object.
    assert time.process_time() - started < 15


def test_a_field_that_changes_its_type_between_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "_BLOCK_BYTES", 30)
    data = '{"a": 1}\n' * 20 + '{"a": "x"}\n'
    refused(written(tmp_path, "a.jsonl", data), "line 21", "`a` is a text, and a number before")


def part_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: str) -> JsonSource:
    monkeypatch.setattr(json_lines, "_BLOCK_BYTES", 100)
    path = written(tmp_path, "a.jsonl", '{"a": 1, "d": "2024-01-01"}\n' * 50 + last)
    return JsonSource(open_input(path, "a.jsonl"), look_bytes=50)


def test_a_new_field_beyond_the_part_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = part_looked_at(tmp_path, monkeypatch, '{"a": 2, "d": "2024-01-01", "new": 1}\n')
    assert source.rows is None
    assert table_of(source, ["a"])["a"].to_pylist() == [1] * 50 + [2]
    with pytest.raises(DataError, match="field `new` first appears in line"):
        table_of(source)


def test_a_date_beyond_the_part_looked_at_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = part_looked_at(tmp_path, monkeypatch, '\n{"a": 2, "d": "soon"}\n')
    with pytest.raises(DataError, match="line 52: `soon` in field `d` is not a date"):
        table_of(source)


def test_texts_longer_than_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "_BLOCK_BYTES", 1_000)
    texts = ["x" * 1_000_000, "y", '𝄞 "\\\n' * 5_000]
    objects = [{"text": text} for text in texts]
    for name, data in (("a.jsonl", "\n".join(map(json.dumps, objects))), ("a.json", json.dumps(objects, indent=1))):
        assert rows_of(open_source(written(tmp_path, name, data))) == objects


@pytest.mark.parametrize(
    ("first", "second", "type_"),
    [
        ("2024-01-01", "see below", pa.string()),
        ("see below", "2024-01-01", pa.string()),
        ("2024-01-01", "2024-01-01T10:00:00", pa.timestamp("us")),
        ("2024-01-01", "2024-01-02", pa.date32()),
        (12345678901234567890, 1, pa.string()),
        (1, 2.5, pa.float64()),
        (1.5, 10**20, pa.float64()),
        (10**20, 1.5, pa.float64()),
        ([10**20], [1, 1.5], pa.list_(pa.float64())),
        (None, "2024-01-01", pa.date32()),
    ],
)
def test_files_of_one_corpus_have_the_types_of_all_objects(
    tmp_path: Path, first: object, second: object, type_: pa.DataType
) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    lines = [json.dumps({"id": number, "note": note}) + "\n" for number, note in enumerate((first, second))]
    for number, line in enumerate(lines):
        (folder / f"part-{number}.jsonl").write_text(line)
    (tmp_path / "whole.jsonl").write_text("".join(lines))
    together, whole = open_source(str(folder)), open_source(str(tmp_path / "whole.jsonl"))
    assert together.schema.field("note").type == type_
    assert rows_of(together) == rows_of(whole)
