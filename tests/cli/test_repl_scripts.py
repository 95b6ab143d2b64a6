"""``falconql repl`` with piped input: where statements end, and what they are about."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from select import select
from typing import IO, Any

import pytest

from falconql.cli.repl.alone import goes_on
from falconql.cli.repl.loop import statements
from falconql.cli.repl.session import Session, Settings
from falconql.cli.repl.statements import run_statement
from falconql.runtime.io.base import TableSource
from tests.cli.shell import falconql, piped
from tests.cli.terminal import PATIENCE_S

QUERY = """-- asked: the ids of good reviews

text  text

let   good = stars > 2

where good

-- best first
select id, stars

order by stars desc
limit 1
"""
TWO_TEXTS = "id,title,body\n7,short,I want my money back for this\n8,bad,It is a fine thing that I love\n"


@pytest.fixture(autouse=True)
def home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "FALCONQL_MODEL"):
        monkeypatch.delenv(name, raising=False)
    (folder / "other.csv").write_text(TWO_TEXTS)
    return folder


@contextmanager
def typed_into_a_pipe(*arguments: str, cwd: Path) -> Iterator[tuple[int, IO[str]]]:
    """Run ``falconql`` with a terminal for its input only; yield the keys and what comes out."""
    keys, screen = pty.openpty()
    command = [sys.executable, "-m", "falconql", *arguments]
    with subprocess.Popen(command, stdin=screen, stdout=subprocess.PIPE, cwd=cwd, text=True) as running:
        try:
            assert running.stdout is not None
            yield keys, running.stdout
        finally:
            running.kill()
            os.close(keys)
            os.close(screen)


def test_empty_lines_between_the_clauses_of_a_query_end_nothing(folder: Path) -> None:
    done = piped(QUERY, "reviews.csv")
    assert (done.status, done.out.split()) == (0, ["id", "stars", "──", "─────", "1", "5"]), done.err
    assert "1 row from" in done.err
    assert piped(f"{QUERY};\n.save q.fql\n", "reviews.csv").status == 0
    again = piped((folder / "q.fql").read_text())
    assert (again.status, again.out) == (0, done.out), again.err


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from 'a'\n\nselect b\n", ["from 'a'\nselect b"]),
        ("where a\n\n-- why\n\nselect b\n", ["where a\n-- why\nselect b"]),
        ("where a\n\n\nselect b\n", ["where a", "select b"]),
        ("where a\n\n-- why\n\n\nselect b\n", ["where a", "-- why", "select b"]),
        ("each p in a\n\nlet b = p\n\nselect b\n", ["each p in a\nlet b = p\nselect b"]),
        ("select a\n\norder by a\n\nlimit 2\n", ["select a\norder by a\nlimit 2"]),
        ("where a\n\nwhere b\n\nselect c\n\nselect d\n", ["where a", "where b\nselect c", "select d"]),
        ("select a\n\nlet b = 1\n\nselect b\n", ["select a", "let b = 1", "select b"]),
        ("text a\n\nwhere b\n", ["text a", "where b"]),
        ("where a;\n\nselect b\n", ["where a;", "select b"]),
        ("where a\n\n.schema\nselect b\n", ["where a", ".schema", "select b"]),
    ],
)
def test_a_later_clause_goes_on_with_a_query(text: str, found: list[str]) -> None:
    assert list(statements(text.splitlines(keepends=True))) == found


@pytest.mark.parametrize(
    ("query", "typed"), [("select a limit 1\n\n", False), ("where a\n\n\n", False), ("where a\n\n", True)]
)
def test_no_line_is_waited_for_behind_the_end_of_a_query(query: str, typed: bool) -> None:
    lines = iter([*query.splitlines(keepends=True), "select b\n"])
    assert next(statements(lines, typed=typed)) == query.strip()
    assert next(lines) == "select b\n"


def test_empty_lines_and_comments_between_clauses_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []

    def counted(text: str, following: Callable[[], str]) -> bool:
        looked.append(text)
        return goes_on(text, following)

    monkeypatch.setattr("falconql.cli.repl.loop.goes_on", counted)
    lines = ["where a\n", *["\n", "-- why\n"] * 50, "select b\n", "\n", "select c\n"]
    assert list(statements(lines)) == ["where a\n" + "-- why\n" * 50 + "select b", "select c"]
    assert [text[-8:] for text in looked] == ["where a", "select b"]


def test_who_types_lines_into_a_log_is_answered(folder: Path) -> None:
    with typed_into_a_pipe("repl", "reviews.csv", cwd=folder) as (keys, answers):
        os.write(keys, b"where stars > 4 select id\n\n")
        assert select([answers], [], [], PATIENCE_S)[0]
        assert answers.readline() == "id\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("select a;  -- one\nselect b;\n", ["select a;  -- one", "select b;"]),
        ("select a;  -- one; two\nselect b;\n", ["select a;  -- one; two", "select b;"]),
        ("select a -- one;\nlimit 1;\n", ["select a -- one;\nlimit 1;"]),
        ('where a = "-- x"; -- y\nselect b;\n', ['where a = "-- x"; -- y', "select b;"]),
        ('where a = ";" -- y;\nand b;\n', ['where a = ";" -- y;\nand b;']),
        ('where a = "x;\nselect b;\n', ['where a = "x;', "select b;"]),
        ("select a; # one\nselect b;\n", ["select a; # one", "select b;"]),
    ],
)
def test_a_semicolon_ends_a_statement_before_a_comment(text: str, found: list[str]) -> None:
    assert list(statements(text.splitlines(keepends=True))) == found


def test_comments_alone_are_no_statement() -> None:
    done = piped(
        "-- my session\n\nselect id limit 1;  -- one\n-- two\n;\nselect id limit 2;\n\n-- the end", "reviews.csv"
    )
    assert done.status == 0, done.err
    assert done.err.count(" from ") == 2


def test_definitions_with_a_comment_behind_them() -> None:
    done = piped("let a = stars > 4;  -- good\nwhere a select id;\n", "reviews.csv")
    assert (done.status, done.out.split()[-1]) == (0, "1"), done.err


def test_a_query_with_its_own_corpus_reads_what_it_reads_anywhere(folder: Path) -> None:
    (folder / "titles.csv").write_text("id,title\n1,Something that is long enough to be read\n")
    asked = 'from "other.csv" where label("refund?") select id'
    assert falconql("run", "-e", asked).status == 1
    done = piped(f"{asked};\n", "titles.csv")
    assert done.status == 1
    assert "other.csv has 2 text columns" in done.err
    assert piped('from "other.csv" select body;\n', "reviews.csv").status == 0
    done = piped('from "titles.csv" where id > 0 or label("refund?") select id;\n.save q.fql\n', "reviews.csv")
    assert (done.status, done.out.split()[2:]) == (0, ["1"]), done.err
    assert (folder / "q.fql").read_text().splitlines()[:2] == ['from  "titles.csv"', ""]


def test_a_text_that_was_typed_is_about_the_open_corpus(folder: Path) -> None:
    done = piped('text title;\nfrom "reviews.csv" where label("Is it?") or id > 0 select id;\n', "other.csv")
    assert (done.status, done.out.split()[2:]) == (0, ["1", "2", "3", "4"]), done.err


def test_a_text_and_definitions_in_one_statement() -> None:
    done = piped("text title let a = id > 7\n\n.schema\n.set\n", "other.csv")
    assert done.status == 0, done.err
    assert "questions now read title\ndefined a\n" in done.err
    assert "a      = id > 7" in done.out
    assert "text  title" in done.out
    failed = piped("text title let a = nope > 7\n\n.set\n", "other.csv")
    assert failed.status == 1
    assert "text  body" in failed.out


def test_what_is_wrong_with_a_definition_is_all_that_is_said() -> None:
    done = piped("let good one = stars > 4\n", "reviews.csv")
    assert (done.status, done.err.count("error")) == (1, 1)
    assert "`=` is missing" in done.err


def test_the_last_query_is_explained_over_its_own_corpus(folder: Path) -> None:
    text = "let good = stars > 4;\nwhere good select id;\n.open other.csv\n.explain\n.rules\n.analyze\n"
    done = piped(text, "reviews.csv")
    assert done.status == 0, done.err
    assert done.out.count("Scan  columns=id, stars") == 3
    assert "no corpus is open" in piped(".explain select id\n").err


def test_what_changed_is_seen(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.csv").write_text("id,text,kind\n1,a first text,x\n")
    session = Session()
    session.open("a.csv")
    (folder / "a.csv").write_text("id,body,text\n1,another one that is long,x\n")
    for line in (".schema", ".sample 2", ".set text body", "where label('Is it?') or id > 0"):
        assert run_statement(session, line).ok
    assert capsys.readouterr().out.splitlines()[:4] == [
        "id    Int",
        "body  Text",
        "text  Text",
        "id  body                      text",
    ]
    assert not run_statement(session, ".set text kind").ok


def test_a_file_is_opened_once_and_again_when_it_changes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The types of the columns of a large file are found by reading all of it."""
    from falconql.runtime import io

    opened: list[str] = []
    really = io.open_source

    def open_source(path: str, **given: Any) -> TableSource:
        opened.append(path)
        return really(path, **given)

    monkeypatch.setattr(io, "open_source", open_source)
    session = Session()
    session.open("other.csv")
    for line in (
        "select id",
        "let late = id > 3",
        "let early = not late",
        "where early select id",
        ".explain select id",
        ".sample 1",
    ):
        assert run_statement(session, line).ok
    assert opened == ["other.csv"]
    (folder / "other.csv").write_text("id,body,title\n77,a text,x\n88,another,y\n")
    assert run_statement(session, "select id").ok
    assert opened == ["other.csv"] * 2
    assert capsys.readouterr().out.split()[-2:] == ["77", "88"]


def test_a_folder_may_have_more_files_by_now(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "parts").mkdir()
    (folder / "parts" / "a.csv").write_text("id\n1\n")
    session = Session()
    session.open("parts")
    (folder / "parts" / "b.csv").write_text("id\n2\n")
    assert run_statement(session, "select id").ok
    assert capsys.readouterr().out.split()[-2:] == ["1", "2"]


@pytest.mark.parametrize("settled", ["", "text body"])
def test_a_text_column_that_is_gone_is_a_mistake_where_it_is_read(
    settled: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = Session(settings=Settings(url="http://127.0.0.1:9/v1", model="m"))
    session.open("other.csv")
    assert run_statement(session, settled).ok
    (folder / "other.csv").write_text("id,title,text\n7,short,I want my money back for this\n")
    for line in ('where label("refund?")', 'let asked = label("refund?")', 'where id > 7 or label("refund?")'):
        assert not run_statement(session, line).ok
        assert "there is no column `body`" in capsys.readouterr().err
    assert not run_statement(session, "? refunds").ok
    assert "there is no text column `body`" in capsys.readouterr().err
    for line in ("select id", "let late = id > 3", ".explain where label(title, 'refund?')", "text title"):
        assert run_statement(session, line).ok
    assert run_statement(session, '.explain where label("refund?")').ok


def test_a_text_column_outlives_a_file_that_is_half_written(folder: Path) -> None:
    session = Session()
    session.open("other.csv")
    assert run_statement(session, "text title").ok
    (folder / "other.csv").write_text("id,ti\n")
    session.look_again()
    assert run_statement(session, "select id").ok
    (folder / "other.csv").write_text(TWO_TEXTS)
    assert run_statement(session, '.rules where label("refund?")').ok
    assert session.text == "title"


def test_definitions_that_a_changed_corpus_does_not_have_go_with_a_note(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = Session()
    session.open("other.csv")
    for line in ("let late = id > 7", "let bad = title = 'bad'", 'let asked = label("refund?")'):
        assert run_statement(session, line).ok
    (folder / "other.csv").write_text("id,name,summary\n7,short,I want my money back for this\n")
    # A key press notices, and forgets nothing.
    session.look_again()
    assert list(session.definitions) == ["late", "bad", "asked"]
    capsys.readouterr()
    assert run_statement(session, "where late select id").ok
    assert "note: forgot bad: this corpus has not what they read" in capsys.readouterr().err
    assert list(session.definitions) == ["late", "asked"]
    assert run_statement(session, ".schema").ok
    assert "forgot" not in capsys.readouterr().err


@pytest.mark.parametrize("command", [".set rows", ".sample"])
def test_digits_that_are_no_number(command: str) -> None:
    done = piped(f"{command} ²\n", "reviews.csv")
    assert "takes a whole number" in done.err
    assert "Traceback" not in done.err


def test_passwords_are_not_shown() -> None:
    done = piped(".set url http://alice:s3cretpw@127.0.0.1:1/v1\n.set\n.set url alice:s3cretpw@127.0.0.1\n.set\n")
    assert "url  http://***@127.0.0.1:1/v1\n" in done.out
    assert "s3cretpw" not in done.out + done.err


def test_help_names_nothing_that_a_session_lacks(folder: Path) -> None:
    (folder / "notes.dat").write_bytes(b"a\n")
    queries = ['from "https://me:pw@127.0.0.1:1/x.csv" select *;', 'from "postgres://h/db#t" select *;']
    done = piped("\n".join([".open notes.dat", *queries]))
    assert "help: known endings are .csv" in done.err
    assert "help: give such an address to `.open`" in done.err
    assert "help: give its address to `.open`" in done.err
    assert "--" not in done.err


def test_the_history_does_not_drive_the_terminal(folder: Path) -> None:
    path = folder / "state" / "falconql" / "history"
    path.parent.mkdir(parents=True)
    path.write_text("\n# 2026-01-01\n+where id = 1\n+select \x1b[31mid\n")
    assert piped(".history\n").out == "where id = 1\nselect \u241b[31mid\n"


def test_a_sign_that_ends_lines_elsewhere_stays_in_the_history(folder: Path) -> None:
    path = folder / "state" / "falconql" / "history"
    path.parent.mkdir(parents=True)
    path.write_text("\n# 2026-01-01\n+where a = 'b\u2028c'\n", encoding="utf-8")
    assert piped(".history\n").out == "where a = 'b\u2028c'\n"


def test_types_of_columns_stand_below_each_other(folder: Path) -> None:
    (folder / "wide.csv").write_text("id,\u5217\u5217,e\u0301\n1,2,3\n", encoding="utf-8")
    assert piped(".schema\n", "wide.csv").out == "id    Int\n\u5217\u5217  Int\ne\u0301     Int\n"


@pytest.mark.parametrize("gap", ["\t", "\u00a0", "  "])
def test_any_space_ends_the_name_of_a_command(gap: str) -> None:
    done = piped(f".set{gap}rows{gap}3\n.set\n", "reviews.csv")
    assert "rows  3\n" in done.out, done.err


def test_names_as_in_a_query_after_set_text(folder: Path) -> None:
    (folder / "odd.csv").write_text('id,review text,"say ""hi""","a`b"\n1,it is long,x,y\n')
    typed = ['.set text `say "hi"`', ".set text review text", ".set text `a``b`", ".set text nope"]
    done = piped("\n.set\n".join(typed) + "\n", "odd.csv")
    shown = [line.removeprefix("text  ") for line in done.out.splitlines() if line.startswith("text")]
    assert shown == ['say "hi"', "review text", "a`b"]
    assert 'the text columns are `review text`, `say "hi"`, `a``b`' in done.err


def test_no_text_column_to_name(folder: Path) -> None:
    (folder / "numbers.csv").write_text("id\n1\n")
    assert "no corpus is open" in piped(".set text id\n").err
    assert "help: numbers.csv has none" in piped(".set text id\n", "numbers.csv").err


def test_a_sample_leaves_out_names_that_are_there_twice(folder: Path) -> None:
    (folder / "twice.csv").write_text("a,a,b\n1,2,3\n")
    done = piped(".sample\n", "twice.csv")
    assert (done.status, done.out.split()) == (0, ["b", "─", "3"]), done.err
    assert "note: without a: several columns are called so" in done.err


def test_settings_of_the_session_are_named_as_a_help() -> None:
    done = piped("? find it\n", "reviews.csv")
    assert "in this session `.set url URL` and `.set model NAME` will do, too" in done.err
    done = piped(".set url https://api.openai.com/v1\n? find it\n.set proxy llm:\n", "reviews.csv")
    assert done.err.count("in this session `.set model NAME` will do, too") == 2
    wrong = piped(".set url nowhere\n? find\n", "reviews.csv").err
    assert "`url` of this session is 'nowhere', which is no web address" in wrong


def test_a_server_that_is_not_there_is_set_by_its_name_in_the_session() -> None:
    done = piped(".set url http://127.0.0.1:9/v1\n.set model m\n? find it\n", "reviews.csv")
    assert "help: start the server, or set `url` of this session to another" in done.err


@pytest.mark.parametrize("text", [".open -\n", 'from "-" select id;\nselect id limit 1;\n'])
def test_the_input_of_the_session_is_no_corpus(text: str) -> None:
    done = piped(text, "reviews.csv")
    assert "no corpus can come from there" in done.err
    # What stands behind it is a statement, not a row of a table.
    assert done.out.split()[:1] == (["id"] if "limit" in text else [])


def test_rows_outlive_ctrl_c_while_they_are_shown(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    session = Session()
    session.open("reviews.csv")
    with monkeypatch.context() as patched:
        patched.setattr("falconql.table.format_table", interrupted)
        assert run_statement(session, "select id").ok
    assert "… 4 more rows" in capsys.readouterr().out
    assert run_statement(session, ".save ids.csv").ok
    assert (folder / "ids.csv").read_text().split() == ["id", "1", "2", "3", "4"]
