"""A language model in the place of a proxy, on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest

from falconql.runtime.proxy import find_proxy
from tests.annotating.model import right
from tests.asking.server import Server, serving
from tests.cli.shell import falconql
from tests.cli.terminal import terminal

QUERY = 'where label("has laptop") select id'
TRAIN = ("train", "-e", QUERY, "--from", "reviews.csv", "--name", "new")


@pytest.fixture
def server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving(right) as running:
        for name in ("OPENAI_API_KEY", "FALCONQL_MODEL", "FALCONQL_CONFIRM_USD"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        (folder / "prices.json").write_text('{"as_of": "2030-01", "models": {"dear": [9000, 9000]}}')
        monkeypatch.setenv("FALCONQL_PRICES", str(folder / "prices.json"))
        yield running


@pytest.mark.parametrize("model", ["llm:cheap", "llm"])
def test_run_on_a_model(server: Server, model: str) -> None:
    done = falconql("run", "-e", QUERY, "--from", "reviews.csv", "--proxy", model)
    assert (done.status, done.out.split()) == (0, ["id", "──", "3"]), done.err
    assert "about 4 calls of" in done.err
    assert ": 3 requests, 45 tokens" in done.err


def test_using_in_the_query_and_quiet(server: Server) -> None:
    done = falconql("run", "-e", f'using llm "cheap" {QUERY}', "--from", "reviews.csv", "-q")
    assert (done.status, done.err) == (0, "")


def test_a_dear_run_is_refused_without_a_terminal(server: Server) -> None:
    asked = ["run", "-e", QUERY, "--from", "reviews.csv", "--proxy", "llm:dear"]
    done = falconql(*asked)
    assert (done.status, done.out) == (2, "")
    assert "error: nothing was asked, since nobody agreed to the costs: about 4 calls of dear" in done.err
    assert "--yes" in done.err
    assert server.requests == []
    assert falconql(*asked, "--yes").out.split()[-1] == "3"


@pytest.mark.parametrize("query", [QUERY, 'select id, which: choose("which", "laptop", "phone")'])
def test_long_texts_are_several_calls(
    server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.setenv("FALCONQL_WINDOW", "200")
    long = [" ".join(f"text {number} about {row}" for number in range(50)) for row in range(4)]
    (folder / "long.csv").write_text("id,text\n" + "".join(f"{row},{text}\n" for row, text in enumerate(long)))
    done = falconql("run", "-e", query, "--from", "long.csv", "--proxy", "llm:cheap")
    assert done.status == 0, done.err
    assert len(server.requests) == 20
    assert f"about {len(server.requests)} calls of cheap" in done.err


@pytest.mark.parametrize(("typed", "status", "asked"), [("n\r", 2, 0), ("\r", 2, 0), ("\x03", 130, 0), ("y\r", 0, 3)])
def test_at_a_terminal_a_dear_run_is_agreed_to(
    server: Server, folder: Path, typed: str, status: int, asked: int
) -> None:
    arguments = ["run", "-e", QUERY, "--from", "reviews.csv", "--proxy", "llm:dear"]
    with terminal(*arguments, cwd=folder) as screen:
        seen = screen.until_asked("Go on? [y/N]:")
        assert "about 4 calls of dear at 127.0.0.1" in " ".join(seen.split())
        screen.type(typed)
        assert screen.wait() == status
    assert len(server.requests) == asked


def test_explain_shows_the_calls_and_analyze_asks_for_consent(server: Server) -> None:
    asked = ["explain", "-e", QUERY, "--from", "reviews.csv", "--proxy", "llm:dear"]
    plain = falconql(*asked)
    assert "asks dear: about 4 calls" in plain.out
    assert server.requests == []
    assert falconql(*asked, "--analyze").status == 2
    assert "asked dear: 3 calls, 45 tokens" in falconql(*asked, "--analyze", "--yes").out


def test_repl_runs_on_a_model(server: Server) -> None:
    done = falconql("repl", "reviews.csv", "--proxy", "llm:cheap", stdin=f"{QUERY};\n.explain\n{QUERY};\n")
    assert done.status == 0, done.err
    assert done.out.count("\n3\n") == 2 or done.out.split().count("3") >= 2
    assert "asks cheap" in done.out
    assert len(server.requests) == 3
    named = falconql("repl", "reviews.csv", stdin=f'using llm "dear" {QUERY};\n')
    assert named.status == 1
    assert "nobody agreed" in named.err
    assert falconql("repl", "reviews.csv", "--yes", stdin=f'using llm "dear" {QUERY};\n').status == 0


def test_rows_that_were_not_kept_come_from_the_proxy_that_found_them(
    server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("falconql.cli.repl.screen.MOST_KEPT_BYTES", 0)
    copytree(find_proxy("kestrel"), folder / "eager")
    manifest = json.loads((folder / "eager" / "proxy.json").read_text(encoding="utf-8"))
    manifest["label"]["threshold"] = 0.001
    (folder / "eager" / "proxy.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert falconql("proxies", "add", str(folder / "eager"), "--name", "eager").status == 0
    found = falconql("run", "-e", QUERY, "--from", "reviews.csv", "--proxy", "eager").out.split()[2:]
    assert set(found) > {"3"}
    typed = f"{QUERY};\n.set proxy eager\n.save rows.csv\n.report page.html\n"
    assert falconql("repl", "reviews.csv", "--proxy", "llm:cheap", stdin=typed).status == 0
    assert (folder / "rows.csv").read_text().split() == ["id", "3"]
    assert "llm:cheap" in (folder / "page.html").read_text()


@pytest.mark.parametrize("named", ["llm:cheap", "llm"])
def test_a_query_is_saved_with_the_model_that_answered_it(server: Server, folder: Path, named: str) -> None:
    typed = f"{QUERY};\n.set proxy kestrel\n.save q.fql\n.set proxy {named}\nselect id;\n.save plain.fql\n"
    assert falconql("repl", "reviews.csv", "--proxy", named, stdin=typed).status == 0
    assert f'using llm "{"cheap" if ":" in named else "m"}"\n' in (folder / "q.fql").read_text()
    assert "using" not in (folder / "plain.fql").read_text()
    assert falconql("run", "q.fql").out.split()[-1] == "3"


def test_repl_settings_name_the_model_and_the_server(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL")
    lines = f".set url {server.url}\n.set model cheap\n.set proxy llm\n{QUERY};\n"
    done = falconql("repl", "reviews.csv", stdin=lines)
    assert done.status == 0, done.err
    assert server.requests[0]["model"] == "cheap"


def test_metrics_and_report(server: Server, folder: Path) -> None:
    done = falconql(
        "run", "-e", QUERY, "--from", "reviews.csv", "--proxy", "llm:cheap", "--report", "r.html", "--metrics", "m.json"
    )
    assert done.status == 0, done.err
    assert json.loads((folder / "m.json").read_text())["model_calls"] == 3
    assert "llm:cheap" in (folder / "r.html").read_text()


def test_a_name_that_stands_for_a_model_is_no_proxys(folder: Path) -> None:
    import falconql as package

    kestrel = Path(package.__file__).parent / "runtime" / "proxy" / "kestrel"
    done = falconql("proxies", "add", str(kestrel), "--name", "llm")
    assert done.status == 3
    assert "stands for a language model" in done.err


@pytest.mark.parametrize("content", ["", "[]", '[{"data": {"text": "a", "instruction": "b", "kind": "label"}}]'])
def test_annotations_without_an_answer_send_nothing_to_a_model(server: Server, folder: Path, content: str) -> None:
    (folder / "answers.json").write_text(content)
    done = falconql(*TRAIN, "--annotations", "answers.json")
    assert done.status != 0
    assert "there is no answer in answers.json" in done.err
    assert "--annotator MODEL" in done.err
    assert server.requests == []
