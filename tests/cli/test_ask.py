"""``falconql ask`` and ``falconql grammar``, with a real HTTP server in the model's place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.asking.server import Say, serving
from tests.cli.shell import Done, falconql
from tests.cli.terminal import terminal

GOOD = '-- keep: praise\n-- give: everything\nwhere label("Does the writer praise the laptop?")'
WANTED = "reviews that praise the laptop"
LOCAL = ["--from", "reviews.csv", "--model", "m", "--url", "http://127.0.0.1:9/v1"]


def asked(url: str, *arguments: str, instruction: str = WANTED) -> Done:
    return falconql("ask", instruction, "--from", "reviews.csv", "--url", url, "--model", "m", *arguments)


def test_the_query_goes_to_standard_output_and_can_be_saved(folder: Path) -> None:
    with serving([Say(GOOD)]) as server:
        done = asked(server.url)
    assert done.status == 0
    assert done.out == 'where label("Does the writer praise the laptop?")\n'
    assert "keeps: “Does the writer praise the laptop?” is true of text" in done.err
    (folder / "q.fql").write_text(done.out)
    assert falconql("check", "q.fql", "--from", "reviews.csv").status == 0


def test_the_format_of_the_corpus_and_rows_on_standard_output(folder: Path) -> None:
    (folder / "reviews.csv").rename(folder / "reviews.dat")
    options = ["--from", "reviews.dat", "--input-format", "csv", "--model", "m", "-o", "-"]
    with serving([Say("-- keep: stars\n-- give: everything\nwhere stars = 5 select id")]) as server:
        done = falconql("ask", "reviews with five stars", *options, "--url", server.url)
    assert done.status == 0, done.err
    assert done.out.splitlines()[0].split() == ["id"]
    assert {path.name for path in folder.iterdir()} == {"reviews.dat"}


def test_verbose_shows_every_try_and_how_it_was_held(folder: Path) -> None:
    with serving([Say("where starz > 3"), Say(GOOD)]) as server:
        done = asked(server.url, "-v")
    assert "try 1, GBNF grammar, 10 + 5 tokens" in done.err
    assert "there is no column `starz`" in done.err
    assert "try 2" in done.err


@pytest.mark.parametrize(
    ("replies", "said"),
    [
        (["where starz > 3", "where starz > 4", "where starz > 4"], "no query after 3 tries"),
        (["where starz > 3", "-- cannot: no"], "cannot answer that: no"),
    ],
)
def test_verbose_shows_every_try_that_led_to_no_query(folder: Path, replies: list[str], said: str) -> None:
    with serving([Say(reply) for reply in replies]) as server:
        done = asked(server.url, "-v")
    assert done.status == 1
    for number, reply in enumerate(replies, 1):
        assert f"try {number}, GBNF grammar, 10 + 5 tokens" in done.err
        assert f"    {reply}\n" in done.err
    assert done.err.count("there is no column `starz`") >= len(replies) - 1
    assert done.err.rindex("try 2") < done.err.index(f"error: {'this corpus ' if 'that' in said else ''}{said}")
    assert "ask -v" not in done.err
    with serving([Say(reply) for reply in replies]) as server:
        quiet = asked(server.url).err
    assert "try 1" not in quiet
    assert "`falconql ask -v` shows every try" in quiet


def test_a_refusal_cannot_drive_the_terminal(folder: Path) -> None:
    with serving([Say("cannot: \x1b[31mred\x1b]0;pwned\x07")]) as server:
        done = asked(server.url, "-v")
    assert "this corpus cannot answer that: ␛[31mred␛]0;pwned␇" in done.err
    assert "    cannot: ␛[31mred" in done.err
    assert "\x1b" not in done.err


def test_a_refused_grammar_is_shown(folder: Path) -> None:
    refusing = [Say("what is a grammar?", 400), Say(GOOD)]
    with serving(refusing) as server:
        done = asked(server.url, "-v")
    assert "not held to the grammar by GBNF grammar: " in done.err
    assert done.status == 0


def test_run_prints_rows_and_the_query_on_the_side(folder: Path) -> None:
    with serving([Say("where stars >= 4\nselect id, stars")]) as server:
        done = asked(server.url, "--run", instruction="ids of reviews with 4 stars or more, and the stars")
    assert done.status == 0, done.err
    assert "where stars >= 4" in done.err
    assert "where" not in done.out
    assert done.out.split()[-4:] == ["1", "5", "3", "4"]


def test_json_is_on_the_side_where_rows_are_printed(folder: Path) -> None:
    with serving([Say("where stars >= 4\nselect id, stars")]) as server:
        done = asked(server.url, "--run", "--format", "json", instruction="ids with 4 stars or more, and the stars")
    assert done.status == 0, done.err
    assert '"query": "where stars >= 4' in done.err
    assert "{" not in done.out
    assert done.out.split()[-4:] == ["1", "5", "3", "4"]


@pytest.mark.parametrize(("typed", "status", "shown"), [("n\r", 0, 1), ("\x04", 0, 1), ("\x03", 130, 1), ("y\r", 0, 2)])
def test_at_a_terminal_it_is_asked_whether_to_run(folder: Path, typed: str, status: int, shown: int) -> None:
    with serving([Say("where stars >= 4\nselect id, n: stars")]) as server:
        arguments = ["ask", "ids with 4 stars or more", "--from", "reviews.csv", "--url", server.url, "--model", "m"]
        with terminal(*arguments, cwd=folder) as screen:
            screen.until("Run it? [Y/n]:")
            screen.type(typed)
            assert screen.wait() == status
            assert ("2 rows" in screen.screen) == (shown == 2)
            assert "Aborted" not in screen.screen
            assert ("interrupted" in screen.screen) == (status == 130)


def test_output_runs_and_writes(folder: Path) -> None:
    with serving([Say("where stars >= 4\nselect id, stars")]) as server:
        done = asked(server.url, "-o", "rows.jsonl", instruction="ids of reviews with 4 stars or more, and the stars")
    assert done.status == 0, done.err
    assert [json.loads(line)["id"] for line in Path("rows.jsonl").read_text().splitlines()] == [1, 3]


def test_json_has_the_query_and_the_tries(folder: Path) -> None:
    with serving([Say(GOOD)]) as server:
        found = json.loads(asked(server.url, "--format", "json").out)
    assert found["query"].startswith("where label(")
    assert found["tries"][0]["constraint"] == "GBNF grammar"
    assert found["tokens"] == 15


def test_what_the_corpus_cannot_answer_is_said(folder: Path) -> None:
    with serving([Say("-- cannot: there is no place of purchase")]) as server:
        done = asked(server.url, instruction="where were they bought?")
    assert (done.status, done.out) == (1, "")
    assert done.err == (
        "error: this corpus cannot answer that: there is no place of purchase\n  help: the corpus has id, stars, text\n"
    )


def test_nobody_listens(folder: Path) -> None:
    done = asked("http://127.0.0.1:9/v1")
    assert done.status not in (0, 1)
    assert "127.0.0.1:9" in done.err
    assert "Traceback" not in done.err


def test_no_key_says_how_to_get_going(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "FALCONQL_MODEL"):
        monkeypatch.delenv(name, raising=False)
    done = falconql("ask", WANTED, "--from", "reviews.csv")
    assert done.status == 2
    for word in ("OPENAI_API_KEY", "vLLM", "llama.cpp", "Ollama"):
        assert word in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["  ", "--from", "reviews.csv"], "the instruction is empty"),
        (["find it", "--from", "-"], "not standard input"),
        (["find it", "--from", "gone.csv", "--model", "m", "--url", "http://127.0.0.1:9/v1"], "gone.csv"),
        (["find it", "--from", "reviews.csv", "-o", "no/such/folder.csv"], "no/such"),
        (["find it"], "--from"),
        (["find it", *LOCAL, "--url", "127.0.0.1:1"], "--url is '127.0.0.1:1', which is no web address"),
        (["find it", *LOCAL, "--timeout", "inf"], "--timeout is inf"),
        (["find it", *LOCAL, "--timeout", "nan"], "--timeout is nan"),
        (["find it", *LOCAL, "--timeout", "1e10"], "--timeout is 10000000000.0"),
        (["find it", *LOCAL, "--timeout", "0"], "--timeout"),
    ],
)
def test_bad_use_is_one_clear_message(folder: Path, arguments: list[str], said: str) -> None:
    done = falconql("ask", *arguments)
    assert done.status == (1 if "gone.csv" in said else 2)
    assert said in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("notation", ["lark", "gbnf", "ebnf"])
def test_grammar_prints_each_notation(folder: Path, notation: str) -> None:
    whole = falconql("grammar", "--format", notation)
    assert whole.status == 0
    assert whole.out.startswith("start: " if notation == "lark" else "root ::= ")
    narrow = falconql("grammar", "--format", notation, "--from", "reviews.csv").out
    assert '"stars' in narrow
    assert '"from"' not in narrow


def test_grammar_of_a_corpus_that_is_not_there(folder: Path) -> None:
    done = falconql("grammar", "--from", "gone.csv")
    assert done.status == 1
    assert "gone.csv" in done.err
