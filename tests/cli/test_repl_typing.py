"""``falconql repl``: what the editor says while a statement is typed, and that it never waits."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import to_formatted_text
from prompt_toolkit.input import DummyInput
from prompt_toolkit.output import DummyOutput

from falconql.cli.repl.glance import glance
from falconql.cli.repl.opened import Opened
from falconql.cli.repl.prompt import QueryCompleter, QueryLexer, is_whole, known, prompt_session, say_not_kept
from falconql.cli.repl.session import Session
from falconql.cli.repl.statements import run_statement
from tests.cli.terminal import terminal


@pytest.fixture(autouse=True)
def home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    return folder


@pytest.fixture
def session(folder: Path) -> Session:
    session = Session()
    session.open("reviews.csv")
    return session


def said(session: Session, text: str) -> str | None:
    diagnostic = glance(session, text)
    return None if diagnostic is None else diagnostic.message


def forbidden(*_: object, **__: object) -> None:
    raise AssertionError("this is not to be called")


@pytest.mark.parametrize(
    "text",
    ["let ok = id > 1", "text text", "text text let a = 1", 'from "other.csv"', 'using "x" let a = 1', "-- note", " ;"],
)
def test_what_may_stand_alone_or_go_on_is_not_wrong(text: str, session: Session) -> None:
    assert said(session, text) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("let a = nope > 1", "there is no column `nope`"),
        ("let good one = id > 1", "`=` is missing"),
        ("text nope", "there is no column `nope`"),
        ("limit 3", "a query needs a `where`, an `each` or a `select`"),
        ("where starz > 1", "there is no column `starz`"),
    ],
)
def test_what_is_wrong_is_said(text: str, message: str, session: Session) -> None:
    assert said(session, text) == message


def test_a_query_of_its_own_corpus_is_checked_against_it(folder: Path, session: Session) -> None:
    (folder / "other.csv").write_text("id,title,body\n1,a,b\n")
    assert said(session, 'from "other.csv" select body') is None
    assert said(session, 'from "other.csv" select stars') == "there is no column `stars`"
    assert "2 text columns" in (said(session, 'from "other.csv" where label("x")') or "")
    (folder / "other.csv").write_text("id,stars\n1,22222\n")
    assert said(session, 'from "other.csv" select stars') is None


@pytest.mark.parametrize("path", ["-", "pipe", "/dev/tty", "http://127.0.0.1:9/x.csv", "folder", "*.csv", "gone.csv"])
def test_nothing_that_could_wait_is_opened(
    path: str, folder: Path, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "folder").mkdir()
    monkeypatch.setattr("falconql.api.opened", forbidden)
    assert said(session, f'from "{path}" select anything') is None
    assert said(session, f'from "{path}" select lable(x)') is not None
    assert said(session, "select starz") == "there is no column `starz`"


@pytest.mark.parametrize("name", ["a.json", "a.log", "a.csv.gz", "gz.csv", "large.csv"])
def test_nothing_that_takes_long_is_opened(
    name: str, folder: Path, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = gzip.compress(b"id,b\n1,c\n")
    large = b"id,b\n" + (b"1," + b"c" * 1000 + b"\n") * (17 << 10)
    contents = {"a.csv.gz": packed, "gz.csv": packed, "large.csv": large}
    (folder / name).write_bytes(contents.get(name, b'[{"id": 1, "b": "c"}]'))
    other = Session()
    other.open(name)
    with monkeypatch.context() as patched:
        patched.setattr("falconql.api.opened", forbidden)
        assert said(session, f'from "{name}" select anything') is None
        os.utime(folder / name, (1, 1))
        assert list(known(other).columns) == ["id", "b"]
    assert run_statement(other, "select id limit 1").ok


@pytest.mark.parametrize("path", ["-", "pipe"])
def test_a_path_that_waits_does_not_stop_the_keys(path: str, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with terminal("repl", "reviews.csv", cwd=folder) as running:
        running.until("falconql>")
        running.type(f'from "{path}" select id, starz(')
        running.until(f'from "{path}" select id, starz(')
        running.interrupt()
        running.type("select id limit 1\r")
        running.until("1 row from")


def test_a_change_of_the_corpus_reaches_completion_and_checks(folder: Path, session: Session) -> None:
    (folder / "reviews.csv").write_text("id,body,text\n1,long enough to be read,x\n")
    assert list(known(session).columns) == ["id", "body", "text"]
    assert said(session, "select stars") == "there is no column `stars`"
    (folder / "reviews.csv").unlink()
    assert list(known(session).columns) == ["id", "body", "text"]


@pytest.mark.parametrize("text", [".op", " .op", "\t.op"])
def test_a_command_behind_spaces_is_one(text: str, session: Session) -> None:
    found = QueryCompleter(session).get_completions(Document(text), CompleteEvent())
    assert [(completion.text, completion.start_position) for completion in found] == [("open", -2)]
    line = QueryLexer(forbidden).lex_document(Document(text))(0)
    assert [part[1] for part in line if part[0] == "class:command"] == list(".op")


def toolbar(session: Session, text: str = "") -> str:
    with create_app_session(input=DummyInput(), output=DummyOutput()):
        editor = prompt_session(session)
        editor.default_buffer.reset(Document(text))
        shown = editor.bottom_toolbar
        assert callable(shown)
        return "".join(str(part[1]) for part in to_formatted_text(shown()))


def test_the_toolbar_finds_no_mistake_in_a_command(session: Session) -> None:
    assert toolbar(session, " .op") == " reviews.csv · kestrel · .help"
    assert toolbar(session, "select starz") == " there is no column `starz`"


def test_the_toolbar_shows_no_password(session: Session) -> None:
    address = "http://alice:s3cretpw@127.0.0.1:9/x.csv?sig=hidden"
    session.opened = Opened(address, "x.csv", None, (), (), (), ())
    assert toolbar(session) == " http://***@127.0.0.1:9/x.csv?… · kestrel · .help"


def test_enter_on_comments_runs_nothing() -> None:
    assert is_whole("-- a note")


@pytest.mark.parametrize(
    "line",
    [
        ".open postgres://me:s3cret@host/db#t",
        'from"https://me:s3cret@host/a.csv" select *',
        'select id; from ("https://me:s3cret@host/a.csv")',
        ".set url http://me:s3cret@host/v1",
        ".set url me:s3cret@host/v1",
        '.set url "http://me:s3cret@host/v1"',
        ".set url //me:s3cret@host/v1",
        ".open postgres://me:and s3cret@host/db#t",
    ],
)
def test_no_password_is_kept_in_the_history(line: str, folder: Path, session: Session) -> None:
    with create_app_session(input=DummyInput(), output=DummyOutput()):
        history = prompt_session(session).history
    history.append_string(line)
    history.append_string('from "https://host/a.csv" where label("Is it me: or you@host?")')
    kept = (folder / "state" / "falconql" / "history").read_text()
    assert "s3cret" not in kept
    assert "you@host" in kept


def test_a_history_that_can_be_written_no_more(
    folder: Path, session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    with create_app_session(input=DummyInput(), output=DummyOutput()):
        editor = prompt_session(session)
    shutil.rmtree(folder / "state")
    for line in ("select id", "select stars"):
        editor.history.append_string(line)
        say_not_kept(editor)
    assert editor.history.get_strings() == ["select id", "select stars"]
    path = folder / "state" / "falconql" / "history"
    note = f"note: no history is kept, {path} cannot be written: No such file or directory\n"
    assert capsys.readouterr().err == note


def test_others_cannot_read_a_new_history(folder: Path, session: Session) -> None:
    with create_app_session(input=DummyInput(), output=DummyOutput()):
        prompt_session(session).history.append_string("select id")
    assert (folder / "state" / "falconql" / "history").stat().st_mode & 0o077 == 0


def test_ctrl_z_is_no_text(folder: Path) -> None:
    with terminal("repl", "reviews.csv", cwd=folder) as running:
        running.until("falconql>")
        # Nothing is behind the program here to which it could give way.
        running.type("\x1aselect id limit 1\r")
        running.until("1 row from")
