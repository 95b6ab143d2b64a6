"""Running what was typed: a query, definitions, a dot command, or an instruction in plain words."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from falconql.cli.failures import say_error
from falconql.cli.repl.alone import is_empty, is_settling, without_need
from falconql.cli.repl.meant import with_meant
from falconql.cli.repl.screen import show
from falconql.cli.repl.session import OPEN_ONE, Session
from falconql.cli.terminal import say, say_problems
from falconql.errors import ConfigError, FalconQLError, QueryError
from falconql.runtime.folders import own_folder
from falconql.syntax import ast, parse_tolerant

if TYPE_CHECKING:
    from falconql.api import Query
    from falconql.asking.loop import Answer


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a statement came to.

    Attributes:
        ok: it did what it says.
        quit: the session is over.
        edit: a query for the next line, ready to be edited.
    """

    ok: bool = True
    quit: bool = False
    edit: str | None = None


def run_statement(session: Session, text: str) -> Outcome:
    """Run one statement; every failure becomes a message, and the session goes on."""
    try:
        return _run(session, text.strip())
    except KeyboardInterrupt:
        say("interrupted")
    except QueryError as error:
        say_problems(with_meant(error.diagnostics, error.source, tuple(session.definitions)), error.source)
    except FalconQLError as error:
        say_error(error.message, _hint(error))
    except (OSError, MemoryError) as error:
        say_error(str(error) or type(error).__name__, None)
    except Exception:  # a mistake of ours must not cost the user the session
        say(traceback.format_exc().rstrip())
        say_error("that was a mistake in FalconQL, not in what you wrote; the session goes on", None)
    return Outcome(ok=False)


def _hint(error: FalconQLError) -> str | None:
    """Return the help of an error, without options, which a session lacks; for variables there are settings here."""
    hint = error.hint
    if hint is None:
        return None
    for option, instead in _INSTEAD_OF.items():
        hint = hint.replace(option, instead)
    if not isinstance(error, ConfigError):
        return hint
    here = [setting for variable, setting in _SETTING_OF.items() if variable in hint]
    return f"{hint}; in this session {' and '.join(here)} will do, too" if here else hint


_INSTEAD_OF = {"with --from, or to the API": "to `.open`", "say it with --input-format; ": ""}
_SETTING_OF = {"OPENAI_BASE_URL": "`.set url URL`", "FALCONQL_MODEL": "`.set model NAME`"}


def _run(session: Session, text: str) -> Outcome:
    if is_empty(text):
        return Outcome()
    if text.startswith("."):
        from falconql.cli.repl.commands import run_command

        return run_command(session, text[1:])
    if text.startswith("?"):
        return ask(session, text[1:].strip())
    return run_text(session, text)


def run_text(session: Session, text: str) -> Outcome:
    """Run a query, or keep the definitions that a text consists of."""
    query = session.query(text)
    parsed = parse_tolerant(query.source)
    tree = parsed.query
    if tree is not None and is_settling(tree):
        if parsed.diagnostics:
            raise QueryError(without_need(session.check(query).diagnostics), query.source)
        _settle(session, query, tree)
        return Outcome()
    corpus = session.data_for(query)
    run = session.start(query, corpus)
    session.last = show(query, run, session.settings.rows, corpus, session.proxy_for(query))
    return Outcome()


def _settle(session: Session, query: Query, tree: ast.Query) -> None:
    """Keep the text column and the definitions that a text consists of: all of them, or none."""
    lets = tuple(binding for binding in tree.bindings if isinstance(binding, ast.Let))
    before = session.text
    if tree.text is not None:
        session.read(tree.text.column.text)
    try:
        dropped = session.define(query.text, lets) if lets else []
    except FalconQLError:
        session.text = before
        raise
    if tree.text is not None:
        say(f"questions now read {session.text}")
    if lets:
        say(f"defined {', '.join(let.name.text for let in lets)}")
    if dropped:
        say(f"note: forgot {', '.join(dropped)}: the new meaning does not suit what was built on the old one")


def ask(session: Session, instruction: str) -> Outcome:
    """Turn an instruction in plain words into a query for the next line."""
    from falconql.asking import plan
    from falconql.llm.endpoint import Endpoint, Named

    if not instruction:
        raise ConfigError("there is no instruction", hint="for example: ? reviews by people who want a refund")
    if session.corpus is None:
        raise ConfigError("no corpus is open", hint=OPEN_ONE)
    session.keep_up()
    texts = session.opened.texts if session.opened is not None else []
    if session.text is not None and texts:
        # The model is not asked for a query that reads a column that is gone.
        session.read(session.text)
    options = Named("`url` of this session", "`model` of this session")
    endpoint = Endpoint.from_environment(url=session.settings.url, model=session.settings.model, options=options)
    say("asking the model ...")
    answer: Answer = plan(instruction, session.corpus, endpoint=endpoint, text=session.text if texts else None)
    for line in (*answer.understood, *(f"note: {note}" for note in answer.notes)):
        say(line)
    return Outcome(edit=answer.query.text.rstrip("\n"))


def last_or(session: Session, text: str) -> tuple[Query, str | None]:
    """Return the query of a text, the last one that ran for an empty text, and the corpus that it is over.

    Raises:
        ConfigError: there is none yet.
    """
    if text:
        query = session.query(text)
        return query, session.data_for(query)
    if session.last is None:
        raise ConfigError("no query has run yet", hint="write the query behind the command, or run one first")
    return session.last.query, session.last.corpus


def history_path() -> Path:
    """Return where the lines of earlier sessions are kept.

    Raises:
        FalconQLError: nothing says where the user's home is.
    """
    return own_folder("state") / "history"
