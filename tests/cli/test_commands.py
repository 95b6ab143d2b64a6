"""``check``, ``explain``, ``fmt``, ``error``, ``proxies``, and help for all of them."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import click
import pytest
from click.shell_completion import BashComplete

import falconql as package
from falconql.cli.main import COMMANDS, main
from falconql.diagnostics.codes import CATALOGUE
from tests.cli.shell import falconql
from tests.cli.terminal import terminal


def test_version() -> None:
    assert falconql("--version").out == f"falconql {package.__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    done = falconql(name, "--help")
    assert done.status == 0
    assert done.out.startswith("Usage: ")
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.name not in ("help", "format_"):
            assert parameter.help, parameter.name


@pytest.mark.parametrize(
    "before", [["run"], ["run", "--from"], ["run", "-e", "select id", "-o"], ["repl"], ["eval", "--gold"]]
)
def test_shells_complete_names_of_files(before: list[str]) -> None:
    completion = BashComplete(main, {}, "falconql", "_FALCONQL_COMPLETE")
    assert [(found.type, found.value) for found in completion.get_completions(before, "re")] == [("file", "re")]


def test_an_option_that_is_none_is_told_alike_everywhere() -> None:
    for words in ([], ["run"]):
        done = falconql(*words, "--nonsense")
        assert (done.status, done.err.splitlines()[0]) == (2, "error: No such option '--nonsense'.")


def test_check_says_all_is_well(folder: Path) -> None:
    done = falconql("check", "-e", 'where label("Is it good?")', "--from", "reviews.csv")
    assert (done.status, done.out, done.err) == (0, "", "<query>: no problems found\n")


def test_check_json_of_a_right_query(folder: Path) -> None:
    query = 'let good = label("Is it good?") where good and stars >= 4 select id, what: span("The thing") limit 3'
    found = json.loads(falconql("check", "-e", query, "--from", "reviews.csv", "--format", "json").out)
    assert found["ok"] is True
    assert found["diagnostics"] == []
    described = found["query"]
    assert [(call["kind"], call["name"], call["instruction"]) for call in described["calls"]] == [
        ("label", "good", "Is it good?"),
        ("span", "what", "The thing"),
    ]
    assert described["where"] == {"and": [{"call": 0}, {"column": "stars", "op": ">=", "value": 4}]}
    assert [(item["name"], item["call"]) for item in described["select"]] == [("id", None), ("what", 1)]
    assert described["limit"] == 3


def test_check_json_of_a_wrong_query(folder: Path) -> None:
    done = falconql("check", "-e", "where strs > 4\nselect idd", "--from", "reviews.csv", "--format", "json")
    found = json.loads(done.out)
    assert (done.status, done.err) == (1, "")
    assert found["ok"] is False
    assert "query" not in found
    first = found["diagnostics"][0]
    assert (first["line"], first["column"], first["end_line"], first["end_column"]) == (1, 7, 1, 11)
    assert first["severity"] == "error"
    assert "`stars`" in first["hints"][0]
    assert found["diagnostics"][1]["line"] == 2


def test_check_without_a_corpus(folder: Path) -> None:
    assert falconql("check", "-e", 'where anything > 3 and label("x")').status == 0
    assert falconql("check", "-e", "where anything >").status == 1


def test_explain(folder: Path) -> None:
    query = 'where label("Is it good?") and stars > 3 select id'
    text = falconql("explain", "-e", query, "--from", "reviews.csv", "--rules").out
    assert "Scan" in text
    assert "rules" in text
    assert "LLM" in text
    plan = json.loads(falconql("explain", "-e", query, "--from", "reviews.csv", "--format", "json").out)
    assert plan["plan"]["node"]
    assert plan["rows_in"] is None


def test_explain_opens_no_model_unless_it_runs(folder: Path) -> None:
    query = 'using "not-there" where label("Is it good?")'
    assert falconql("explain", "-e", query, "--from", "reviews.csv").status == 0
    assert falconql("explain", "-e", query, "--from", "reviews.csv", "--analyze").status != 0


UGLY = "SELECT id,stars   WHERE"
TIDY = "where stars > 3\n\nselect id, stars\n"


def test_fmt_prints(folder: Path) -> None:
    (folder / "q.fql").write_text("WHERE stars>3 select   id,stars")
    assert falconql("fmt", "q.fql").out == TIDY
    assert falconql("fmt", "-", stdin="where  stars>3\nselect id, stars").out == TIDY
    assert falconql("fmt", "-e", "where stars>3 select id,stars").out == TIDY
    assert (folder / "q.fql").read_text().startswith("WHERE")


def test_fmt_write_and_check(folder: Path) -> None:
    (folder / "a.fql").write_text("where stars>3 select id,stars")
    (folder / "b.fql").write_text(TIDY)
    check = falconql("fmt", "--check", "a.fql", "b.fql")
    assert (check.status, check.err) == (1, "would rewrite a.fql\n")
    write = falconql("fmt", "--write", "a.fql", "b.fql")
    assert (write.status, write.err) == (0, "rewrote a.fql\n")
    assert (folder / "a.fql").read_text() == TIDY
    assert falconql("fmt", "--check", "a.fql", "b.fql").status == 0


def test_fmt_keeps_a_query_that_cannot_be_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    query = "where stars>3 select id,stars -- by hand"
    (folder / "q.fql").write_text(query)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    done = falconql("fmt", "--write", "q.fql")
    assert (done.status, done.out) == (3, "")
    assert "q.fql cannot be written: No space left on device" in done.err
    assert (folder / "q.fql").read_text() == query
    assert {path.name for path in folder.iterdir()} == {"q.fql", "reviews.csv"}


OBEYED = "\x1b]0;owned\x07\x9b31m\u202e"
DRIVES = set("\x1b\x07\x9b\u202e")
WRITTEN = json.dumps(OBEYED)[1:-1]


def test_what_a_query_or_a_corpus_says_drives_no_terminal(folder: Path) -> None:
    (folder / "odd.jsonl").write_text(json.dumps({"id": 1, "text": "a", f"name{OBEYED}": 2}))
    query = f'where label("Is it {WRITTEN}?") select id, `name{OBEYED}`'
    for options in ([], ["--format", "json"]):
        done = falconql("explain", "-e", query, "--from", "odd.jsonl", *options)
        assert done.status == 0, done.err
        assert not DRIVES & set(done.out + done.err)
    assert f"name{OBEYED}" in json.loads(done.out)["plan"]["details"]["columns"]
    answer = {"text": "a", "instruction": f"Is it {OBEYED}?", "answer": True}
    (folder / "gold.jsonl").write_text(json.dumps(answer))
    for options in ([], ["--format", "json"]):
        done = falconql("eval", "-e", query, "--from", "odd.jsonl", "--gold", "gold.jsonl", *options)
        assert done.status == 0, done.err
        assert not DRIVES & set(done.out + done.err)
    wrong = falconql("check", "-e", f"where `x{OBEYED}` = 1", "--from", "odd.jsonl", "--format", "json")
    assert not DRIVES & set(wrong.out)
    assert OBEYED in json.loads(wrong.out)["diagnostics"][0]["message"]


def test_a_comment_drives_no_terminal_and_is_kept_in_a_file(folder: Path) -> None:
    query = f"-- {OBEYED}\nselect id\n"
    (folder / "q.fql").write_text(query)
    assert falconql("fmt", "q.fql").out == query
    with terminal("fmt", "q.fql", cwd=folder) as running:
        assert running.wait() == 0
        assert "-- ␛]0;owned␇" in running.screen


def test_fmt_of_a_query_that_cannot_be_read(folder: Path) -> None:
    (folder / "q.fql").write_text(UGLY)
    done = falconql("fmt", "--write", "q.fql")
    assert (done.status, done.out) == (1, "")
    assert "FQL0" in done.err
    assert (folder / "q.fql").read_text() == UGLY


def test_error_lists_every_code() -> None:
    listed = falconql("error").out.splitlines()
    assert [line.split()[0] for line in listed] == list(CATALOGUE)


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_error_explains_every_code(code: str) -> None:
    done = falconql("error", code.lower())
    assert done.status == 0
    assert done.out.startswith(f"{code}: {CATALOGUE[code].title}\n\n")
    assert ("wrong:" in done.out) == bool(CATALOGUE[code].wrong)


def test_proxies_half_registers_a_proxy_for_a_gpu(folder: Path) -> None:
    made = falconql("proxies", "half", "kestrel", "--name", "kestrel-gpu")
    assert made.status == 0, made.err
    assert "half precision moves a probability by 0." in made.err
    found = json.loads(falconql("proxies", "show", "kestrel-gpu", "--format", "json").out)
    assert {path.name for path in Path(found["folder"]).iterdir()} >= {"model.onnx", "model_fp16.onnx"}
    failed = falconql("proxies", "half", "no such proxy", "--name", "other")
    assert (failed.status, "no such proxy" in failed.err) == (3, True)


def test_what_a_proxy_says_of_itself_is_only_shown(folder: Path) -> None:
    shutil.copytree(falconql_proxy("kestrel"), "mine")
    manifest = Path("mine/proxy.json")
    said = json.loads(manifest.read_text())
    said |= {"version": f"1\nfalcon  2  ships with FalconQL{OBEYED}", "metrics": {"f1": float("nan")}}
    manifest.write_text(json.dumps(said))
    assert falconql("proxies", "add", "mine", "--name", "merlin").status == 0
    listed = falconql("proxies", "list").out
    assert [line.split()[0] for line in listed.splitlines()] == ["kestrel", "merlin"]
    assert not DRIVES & set(listed)
    shown = falconql("proxies", "show", "merlin", "--format", "json").out
    assert not DRIVES & set(shown)
    assert json.loads(shown, parse_constant=pytest.fail)["metrics"] == {"f1": None}
    deep = json.dumps(said)[:-1] + f', "more": {"[" * 900}{"]" * 900}}}'
    manifest.write_text(deep)
    done = falconql("proxies", "show", "mine")
    assert (done.status, done.out) == (3, "")
    assert "nested too deeply to be shown" in done.err


def falconql_proxy(name: str) -> str:
    return str(json.loads(falconql("proxies", "show", name, "--format", "json").out)["folder"])


def test_proxies_list_show_add(folder: Path) -> None:
    assert falconql("proxies", "list").out.startswith("kestrel  ")
    shown = falconql("proxies", "show", "kestrel").out
    assert "licence: Apache-2.0" in shown
    source = json.loads(falconql("proxies", "show", "kestrel", "--format", "json").out)["folder"]
    shutil.copytree(source, "mine")
    added = falconql("proxies", "add", "mine", "--name", "merlin")
    assert added.status == 0, added.err
    assert 'using "merlin"' in added.err
    names = [proxy["name"] for proxy in json.loads(falconql("proxies", "list", "--format", "json").out)]
    assert names == ["kestrel", "merlin"]
    taken = falconql("proxies", "add", "mine", "--name", "merlin")
    assert taken.status == 3
    assert "already" in taken.err
    assert falconql("proxies", "add", "mine", "--name", "merlin", "--replace").status == 0
    query = 'using "merlin" select id, s: score(label("Is it good?"))'
    done = falconql("run", "-e", query, "--from", "reviews.csv", "--format", "csv")
    assert (
        done.out == falconql("run", "-e", query, "--from", "reviews.csv", "--format", "csv", "--proxy", "kestrel").out
    )
