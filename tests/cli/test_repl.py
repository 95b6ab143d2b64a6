"""``falconql repl``: in a real terminal, and with piped input."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from prompt_toolkit.history import InMemoryHistory

from falconql.cli.failures import say_error
from falconql.cli.repl.loop import statements
from falconql.cli.repl.prompt import _history
from falconql.cli.terminal import say_warning
from tests.asking.server import Say, serving
from tests.cli.shell import piped
from tests.cli.terminal import Terminal, terminal


@pytest.fixture(autouse=True)
def home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    return folder


@pytest.fixture
def repl(folder: Path) -> Iterator[Terminal]:
    with terminal("repl", "reviews.csv", cwd=folder) as running:
        running.until("falconql>")
        yield running


def test_it_says_what_is_open_and_leaves_on_ctrl_d(repl: Terminal) -> None:
    assert "reviews.csv: 3 columns; questions read text" in repl.screen.replace("4 rows, ", "")
    repl.type("\x04")
    assert repl.wait() == 0


def test_a_query_runs_on_enter(repl: Terminal) -> None:
    repl.type("where stars >= 4 select id, stars\r")
    screen = repl.until("2 rows from")
    assert "id  stars" in screen


def test_an_unfinished_query_goes_on(repl: Terminal) -> None:
    repl.type("where stars >= 4 and\r")
    repl.until("........>")
    repl.type("id > 1\r")
    repl.until("1 row from")


def test_what_is_wrong_shows_while_it_is_typed_and_when_it_is_run(repl: Terminal) -> None:
    repl.type("where starz = 3 select id")
    repl.until("there is no column `starz`")
    repl.type("\r")
    repl.until("did you mean `stars`?")
    repl.type("select id\r")
    repl.until("4 rows from")


def test_tab_completes_columns_and_keywords(repl: Terminal) -> None:
    repl.type("whe\t")
    repl.until("falconql> where")
    repl.type(" sta\t")
    repl.until("where stars")


def test_ctrl_c_forgets_the_line_and_the_session_goes_on(repl: Terminal) -> None:
    repl.type("where nonsense")
    repl.until("nonsense")
    repl.interrupt()
    repl.interrupt()
    repl.type("select id limit 1\r")
    repl.until("1 row from")
    repl.type(".quit\r")
    assert repl.wait() == 0


def test_history_outlives_the_session(folder: Path) -> None:
    with terminal("repl", "reviews.csv", cwd=folder) as running:
        running.until("falconql>")
        running.type("select id limit 2\r")
        running.until("2 rows from")
        # Before the editor listens again, the terminal takes this key for itself.
        running.until(lambda screen: screen.count("falconql>") == 2)
        running.type("\x04")
        assert running.wait() == 0
    with terminal("repl", "reviews.csv", cwd=folder) as running:
        running.until("falconql>")
        running.type("\x1b[A")
        running.until("falconql> select id limit 2")
        running.type("\r")
        running.until("2 rows from")
    assert "select id limit 2" in piped(".history\n").out


def big(folder: Path, rows: int = 60_000) -> Path:
    texts = [f"Text number {i} is about a laptop, and it {'was good' if i % 3 else 'broke'}." for i in range(rows)]
    pq.write_table(pa.table({"id": range(rows), "body": texts}), folder / "big.parquet")
    return folder / "big.parquet"


def test_first_rows_come_at_once_and_ctrl_c_keeps_them(folder: Path) -> None:
    big(folder)
    with terminal("repl", "big.parquet", cwd=folder) as running:
        running.until("falconql>")
        running.type('where label("Did it break?") or id >= 0 and label("Is it good?") or id > 3 select id, body\r')
        running.until("Text number 4 is")
        running.interrupt()
        running.until("kept for `.save`")
        running.type(".save some.csv\r")
        running.until("those found before it was stopped")
        running.type("select id limit 1\r")
        running.until("1 row from")
    assert len((folder / "some.csv").read_text().splitlines()) >= 17


def test_forty_columns_are_enough(folder: Path) -> None:
    with terminal("repl", "reviews.csv", columns=40, cwd=folder) as running:
        running.until("falconql>")
        running.type('where label("Is it good?") or stars > 0\r')
        running.until("rows from")
        running.type(".help\r")
        running.until("Ctrl-D leaves")
        running.type(".schema\r")
        running.until("stars  Int")


@pytest.mark.parametrize("columns", [40, 56, 80, 120])
def test_help_is_wrapped_at_words(folder: Path, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    whole = piped(".help\n").out
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = piped(".help\n").out
    assert shown.split() == whole.split()
    assert max(map(len, shown.splitlines())) <= columns
    usage = len(".set [NAME VALUE]  ") if columns > 48 else 4
    indents = {len(line) - len(line.lstrip()) for line in shown.splitlines() if line.startswith(" ")}
    assert indents <= {usage}


@pytest.mark.parametrize("columns", [40, 80])
def test_markers_stand_under_the_words_at_any_width(folder: Path, columns: int) -> None:
    query = 'text text where length(text) < 90 and starz and label("Is the customer disappointed?") select id, text'
    for arguments in (["check", "-e", query, "--from", "reviews.csv"], ["repl", "reviews.csv"]):
        with terminal(*arguments, columns=columns, cwd=folder) as running:
            if arguments[0] == "repl":
                running.until("falconql>")
                running.type(f"{query}\r")
            lines = running.until("= help: did you mean").splitlines()
        place = next(number for number, line in enumerate(lines) if "^" in line)
        carets = lines[place]
        assert lines[place - 1][carets.index("^") : carets.rindex("^") + 1] == "starz"
        assert lines[place - 1].startswith("1 | ")


def test_a_question_becomes_a_query_to_edit(folder: Path) -> None:
    with serving([Say("where stars >= 4\nselect id, stars")]) as server:
        environment = {"OPENAI_BASE_URL": server.url, "FALCONQL_MODEL": "m", "OPENAI_API_KEY": "k"}
        with terminal("repl", "reviews.csv", cwd=folder, environment=environment) as running:
            running.until("falconql>")
            running.type("? ids of reviews with 4 stars or more, and the stars\r")
            running.until("falconql> where stars >= 4")
            running.type(" limit 1\r")
            running.until("1 row from")


def test_a_question_reads_the_column_that_questions_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"id": n, "body": f"a long text about {n} things that broke", "answer": "sorry"} for n in range(3)]
    (folder / "two.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with serving([Say('where label("Is it an apology?") select id')]) as server:
        for name, value in (("OPENAI_BASE_URL", server.url), ("FALCONQL_MODEL", "m"), ("OPENAI_API_KEY", "k")):
            monkeypatch.setenv(name, value)
        done = piped("text answer;\n? apologies\n", "two.jsonl")
    assert done.out.startswith("text  answer\n")
    assert "is true of answer" in done.err


def test_definitions_and_answers_stay() -> None:
    done = piped(
        'let good = label("Is it good?")\n\nselect id, good;\nwhere good or not good select id;\n'
        "select id, sure: score(good);\n",
        "reviews.csv",
    )
    assert done.status == 0, done.err
    calls = [line for line in done.err.splitlines() if "model call" in line]
    assert "3 model calls" in calls[0]
    assert all("0 model calls" in line for line in calls[1:])
    assert len(calls) == 3


def test_a_new_meaning_of_a_name_replaces_the_old_one() -> None:
    done = piped("let x = stars > 4\n\nlet x = stars > 1\n\nwhere x select id;\n.schema\n", "reviews.csv")
    assert done.out.split()[2:4] == ["1", "3"]
    assert "= stars > 1" in done.out


def test_a_broken_definition_is_not_kept() -> None:
    done = piped("let x = starz > 4\n\n.schema\n", "reviews.csv")
    assert done.status == 1
    assert "did you mean `stars`?" in done.err
    assert "x " not in done.out


@pytest.mark.parametrize(
    "query",
    [
        "where positiv select id;",
        "select id, score(positve);",
        'select x: span("what is {postive}");',
        "let b = positiv;",
    ],
)
def test_a_misspelt_name_may_mean_a_definition(query: str) -> None:
    done = piped(f'let positive = label("Is it good?");\n{query}\nselect id, starz;\n', "reviews.csv")
    assert done.err.count("did you mean `positive`, which you defined?") == 1
    assert done.err.count("did you mean `stars`?") == 1
    assert "the names here" not in done.err
    assert "did you mean" not in piped("let x = stars > 3;\nlet z = z;\n", "reviews.csv").err


def test_definitions_that_a_new_corpus_does_not_have_go(folder: Path) -> None:
    (folder / "other.csv").write_text("a,b\n1,some text that is long enough to be read by questions\n")
    done = piped('let x = stars > 4\n\nlet y = label("Is it?")\n\n.open other.csv\n.schema\n', "reviews.csv")
    assert "forgot x" in done.err
    assert 'label("Is it?")' in done.out


def test_a_new_meaning_holds_in_the_definitions_built_on_the_name() -> None:
    done = piped("let a = stars > 4;\nlet b = not a;\nlet a = stars > 1;\nwhere b select id;\n", "reviews.csv")
    assert (done.status, done.out.split()) == (0, ["id", "──", "2"]), done.err
    assert "forgot" not in done.err


def test_definitions_that_a_new_meaning_does_not_suit_go_with_a_note() -> None:
    done = piped("let a = stars > 4;\nlet b = not a;\nlet c = not b;\nlet a = 3;\n.schema\n", "reviews.csv")
    assert done.status == 0
    assert "note: forgot b, c: " in done.err
    assert done.out.splitlines()[3:] == ["a      = 3"]


def test_definitions_made_together_suit_each_other() -> None:
    text = "let a = stars > 4;\nlet b = not a;\nlet c = not b;\nlet a = 3 let b = stars > a;\nwhere c select id;\n"
    done = piped(text, "reviews.csv")
    assert (done.status, done.out.split()) == (0, ["id", "──", "2"]), done.err
    assert "forgot" not in done.err


def test_a_new_meaning_may_use_later_names_but_not_what_was_built_on_it() -> None:
    text = "let a = stars > 4;\nlet b = not a;\nlet c = stars > 2;\nlet a = not c;\nwhere a select id;\n.schema\n"
    done = piped(text, "reviews.csv")
    assert done.status == 0, done.err
    assert "note: forgot b: " in done.err
    assert done.out.splitlines()[2] == " 2"
    assert done.out.splitlines()[-2:] == ["c      = stars > 2", "a      = not c"]


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        (
            "let a = 1 let short = stars > 1\nwhere both select id",
            "1 | let a = 1 let short = stars > 1\n  |               ^^^^^",
        ),
        ('let a = 1\neach short in spans("x")\nselect id, both', '2 | each short in spans("x")\n  |      ^^^^^'),
        ("let short = stars > 1\nlet more = both", "1 | let short = stars > 1\n  |     ^^^^^"),
        ("let a = 1\nlet a = 2", "2 | let a = 2\n  |     ^"),
    ],
)
def test_a_name_given_twice_is_shown_where_it_was_typed(typed: str, shown: str) -> None:
    built = "let short = length(text) < 30;\nlet both = short and stars > 3;\n"
    done = piped(f"{built}{typed};\nwhere both select id;\n", "reviews.csv")
    assert f"{shown} given again here\n" in done.err
    assert done.err.count("error") == 1
    assert "1 row from" in done.err


def test_a_name_given_twice_is_said_while_it_is_typed(repl: Terminal) -> None:
    repl.type("let short = stars < 3\r")
    repl.until("defined short")
    repl.type("let both = short and id > 1\r")
    repl.until("defined both")
    repl.type("let short = stars > 3 where both")
    repl.until(" the name `short` is given twice")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (".opn x", "did you mean .open?"),
        (".open", "which corpus?"),
        (".open gone.csv", "there is no file gone.csv"),
        (".sample many", "takes a whole number"),
        (".set", "rows  20"),
        (".set colour red", "there is no setting colour"),
        (".set proxy nobody", "nobody"),
        (".set text stars", "there is no text column `stars`"),
        (".set text", "error: which column?\n  help: the text columns are text"),
        (".set order best", "cost or written"),
        (".save", "where to?"),
        ('.save ""', "where to?"),
        ('.open ""', "which corpus?"),
        (".save rows.csv", "no query has run yet"),
        (".explain", "no query has run yet"),
        ("?", "there is no instruction"),
        (".help", "Ctrl-D leaves"),
        (".proxies", "* kestrel  ships with FalconQL"),
        ("where", "FQL"),
        ('using "nobody" where label("x")', "nobody"),
    ],
)
def test_every_command_answers_and_the_session_goes_on(typed: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "FALCONQL_MODEL"):
        monkeypatch.delenv(name, raising=False)
    # With a `from`, which cannot go on with a query that was typed.
    done = piped(f"{typed}\n\nfrom 'reviews.csv' select id limit 1;", "reviews.csv")
    assert said in done.out + done.err
    assert "1 row from" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("command", [".schema", ".sample", "? find it", "select id;"])
def test_without_a_corpus(command: str) -> None:
    done = piped(f"{command}\n")
    assert done.status == 1
    assert "no corpus is open" in done.err


def test_explain_rules_and_analyze() -> None:
    query = 'where label("Is it good?") and stars > 3 select id'
    done = piped(f".explain {query}\n.rules {query}\n.analyze {query}\n", "reviews.csv")
    assert done.status == 0, done.err
    assert done.out.count("Scan") == 3
    assert "rules" in done.out


def test_names_of_a_corpus_cannot_drive_the_terminal(folder: Path) -> None:
    name = "\x1b[31mevil\x1b]0;pwned\x07"
    (folder / "evil.jsonl").write_text(json.dumps({name: "a text", "\x1b[2Jid": 1}) + "\n")
    done = piped(".schema\nselect nothing;\nselect *;\n.explain select *\n.set\n.set text x\n", "evil.jsonl")
    assert "␛[31mevil␛]0;pwned␇  Text" in done.out
    assert "names here are `␛[31mevil␛]0;pwned␇`" in done.err
    assert "the text columns are `␛[31mevil␛]0;pwned␇`" in done.err
    assert not set(done.out + done.err) & {"\x1b", "\x07"}


@pytest.mark.parametrize("speak", [say_warning, lambda message: say_error(message, message)])
def test_only_our_own_colours_reach_a_terminal(
    speak: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in ("terminal", "failures"):
        monkeypatch.setattr(f"falconql.cli.{module}.use_color", lambda stream: True)
    speak("\x1b[2J\x1b[31ma\x9b\nb")
    said = capsys.readouterr().err
    assert "\x1b[0m: ␛[2J␛[31ma�\nb\n" in said
    assert "\x1b" not in re.sub(r"\x1b\[(1;31|1;33|36|0)m", "", said)


def test_a_corpus_that_vanishes(folder: Path) -> None:
    (folder / "gone.csv").write_text("a\n1\n")
    done = piped(".open gone.csv\nselect a;\n", "gone.csv")
    assert done.status == 0
    with terminal("repl", "gone.csv", cwd=folder) as running:
        running.until("falconql>")
        (folder / "gone.csv").unlink()
        running.type("select a\r")
        running.until("there is no file gone.csv")
        running.type(".open reviews.csv\rselect id limit 1\r")
        running.until("1 row from")


def test_a_history_that_cannot_be_written(folder: Path) -> None:
    # A file where its folder should be stops root, too.
    (folder / "state").write_bytes(b"")
    with terminal("repl", "reviews.csv", cwd=folder) as running:
        running.until("no history is kept")
        running.until("falconql>")


def test_a_home_that_is_not_known(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def unknown(*_: object, **__: object) -> str:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("platformdirs.user_state_dir", unknown)
    done = piped(".history\nselect id limit 1;\n", "reviews.csv")
    assert "HOME is not set" in done.err
    assert "set HOME to a folder of your own" in done.err
    assert "1 row from" in done.err + done.out
    assert isinstance(_history(), InMemoryHistory)
    assert "no history is kept, because the home folder is not known" in capsys.readouterr().err


def test_statements_end_with_a_semicolon_an_empty_line_or_a_command() -> None:
    lines = ["select a,\n", "  b;\n", "\n", ".schema\n", "where x\n", "\n", "? ask me\n", "select last\n"]
    assert list(statements(lines)) == ["select a,\n  b;", ".schema", "where x", "? ask me", "select last"]
    assert list(statements(["select a\n", "limit 1\n", ".quit\n"])) == ["select a\nlimit 1", ".quit"]
