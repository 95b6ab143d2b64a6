"""The commands that begin with a dot."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from falconql.cli.repl.screen import show
from falconql.cli.repl.session import DEFAULT_PROXY, OPEN_ONE, Finished, Session, forgot, require_corpus
from falconql.cli.repl.statements import Outcome, ask, history_path, last_or
from falconql.cli.terminal import hanging, say, use_color, width
from falconql.diagnostics.render import FEWEST_COLUMNS, display_width
from falconql.errors import ConfigError
from falconql.runtime.io.address import scheme_of, shown
from falconql.source import Source
from falconql.syntax import parse_tolerant
from falconql.visible import in_one_line, visible

if TYPE_CHECKING:
    from falconql.result import Explained

SAMPLE_ROWS = 5
HISTORY_LINES = 20
_DONE = Outcome()


@dataclass(frozen=True, slots=True)
class Command:
    """A command: how it is written, what it does, and what does it."""

    usage: str
    does: str
    run: Callable[[Session, str], Outcome]


def run_command(session: Session, line: str) -> Outcome:
    """Run a command line without its dot.

    Raises:
        ConfigError: there is no such command, or it is used wrongly.
        FalconQLError: what it does failed.
    """
    name, rest = [*line.split(maxsplit=1), "", ""][:2]
    command = COMMANDS.get(name)
    if command is None:
        from falconql.diagnostics.suggest import near_names

        near = near_names(name, COMMANDS)
        raise ConfigError(
            f"there is no command .{name}", hint=f"did you mean .{near[0]}?" if near else "`.help` lists them"
        )
    return command.run(session, rest.strip())


def _open(session: Session, rest: str) -> Outcome:
    path = _path(rest)
    if not path:
        raise ConfigError("which corpus?", hint="`.open FILE`; a folder of texts or a glob will do, too")
    dropped = session.open(path)
    say(opened_line(session))
    if dropped:
        say(forgot(dropped))
    return _DONE


def opened_line(session: Session) -> str:
    """Return a line about the open corpus."""
    assert session.opened is not None
    rows = session.opened.rows
    counted = "" if rows is None else f"{rows:,} row{'s' * (rows != 1)}, "
    columns = len(session.fields)
    reads = f"; questions read {session.text}" if session.text else ""
    return f"{shown(session.opened.path)}: {counted}{columns} column{'s' * (columns != 1)}{reads}"


def _schema(session: Session, rest: str) -> Outcome:
    _corpus(session)
    session.keep_up(surely=True)
    columns = [(in_one_line(field.name), str(field.type)) for field in session.fields]
    longest = max([display_width(name) for name, _ in columns], default=0)
    for name, text in (*columns, *_definitions(session)):
        print(f"{name}{' ' * (longest - display_width(name))}  {in_one_line(text)}")
    return _DONE


def _definitions(session: Session) -> list[tuple[str, str]]:
    from falconql.syntax.printer import LOOSEST, ExpressionPrinter

    return [(name, f"= {ExpressionPrinter().flat(let.value, LOOSEST)}") for name, let in session.definitions.items()]


def _sample(session: Session, rest: str) -> Outcome:
    import pyarrow as pa

    from falconql.api import opened
    from falconql.runtime.display import quoted_name
    from falconql.runtime.io.stats import sample
    from falconql.runtime.normalise import normalise
    from falconql.table import format_table

    source = opened(session.read_from(_corpus(session)))
    rows = _number(rest, "sample") if rest else SAMPLE_ROWS
    counted = Counter(source.schema.names)
    names = [name for name, times in counted.items() if times == 1]
    if len(names) < len(counted):
        several = ", ".join(quoted_name(name) for name in counted if counted[name] > 1)
        say(f"note: without {several}: several columns are called so, and none of them can be read")
    batch = sample(source, names, max(rows, 1)).slice(0, rows)
    columns = [normalise(batch.column(i)) for i in range(batch.num_columns)]
    table = pa.Table.from_arrays(columns, names=batch.schema.names)
    print(format_table(table, width=width(), color=use_color(sys.stdout)))
    return _DONE


def _explain(session: Session, rest: str) -> Outcome:
    print(visible(_explained(session, rest).format(rules=False)))
    return _DONE


def _rules(session: Session, rest: str) -> Outcome:
    print(visible(_explained(session, rest).format(rules=True)))
    return _DONE


def _explained(session: Session, text: str) -> Explained:
    query, corpus = last_or(session, text)
    require_corpus(query, corpus)
    return query.explain(session.read_from(corpus), order=session.settings.order, proxy=session.proxy_for(query))


def _analyze(session: Session, rest: str) -> Outcome:
    query, corpus = last_or(session, rest)
    run = session.start(query, corpus)
    session.last = finished = show(query, run, session.settings.rows, corpus, session.proxy_for(query))
    print()
    print(visible(finished.run.explained().format(rules=False)))
    return _DONE


def _ask(session: Session, rest: str) -> Outcome:
    return ask(session, rest)


def _save(session: Session, rest: str) -> Outcome:
    from falconql.cli.output import write_rows
    from falconql.runtime.io.output import write_whole
    from falconql.runtime.io.sql import check_not_read, tables_of

    path = _path(rest)
    if not path:
        raise ConfigError("where to?", hint="`.save rows.parquet` for the rows, `.save query.fql` for the query")
    finished = session.last
    if finished is None:
        raise ConfigError("no query has run yet", hint="run one first")
    if scheme_of(path) is None:
        _check_file(session, finished, ".save", path)
    check_not_read(path, [*session.tables, *tables_of(finished.run.ctx.source)])
    if path.endswith(".fql"):
        write_whole(path, _as_file(session.written(finished, path)))
        say(f"wrote the query to {path}")
        return _DONE
    if finished.table is not None:
        _write_table(finished.run, finished.table, path)
        rows = finished.table.num_rows
        partial = ", those found before it was stopped" if finished.ended == "stopped" else ""
        say(f"wrote {rows:,} row{'s' * (rows != 1)} to {shown(path)}{partial}")
        return _DONE
    run = session.start(finished.query, finished.corpus, finished.proxy)
    write_rows(run, path, None)
    say(f"wrote {run.metrics.rows_out:,} rows to {shown(path)}")
    return _DONE


def _report(session: Session, rest: str) -> Outcome:
    from falconql.cli.output import save_report
    from falconql.report import Collector

    path, finished = _path(rest), session.last
    if not path:
        raise ConfigError("where to?", hint="for example `.report page.html`")
    if finished is None:
        raise ConfigError("no query has run yet", hint="run one first")
    _check_file(session, finished, ".report", path)
    run = finished.run
    if finished.table is None:
        run = session.start(finished.query, finished.corpus, finished.proxy)
    collector = Collector(run, session.written(finished), run.ctx.source.name)
    for batch in run.batches() if finished.table is None else finished.table.to_batches():
        collector.add(batch)
    save_report(path, collector.data())
    say(f"wrote {path}")
    return _DONE


def _path(written: str) -> str:
    """Return the path that was written behind a command, as a shell would have handed it over."""
    return os.path.expanduser(unquoted(written))


def unquoted(written: str) -> str:
    """Return what was written behind a command without quotes around it, which a shell would have taken off."""
    return written.strip().strip("\"'")


def _as_file(query: str) -> bytes:
    """Return a query as what is read from a file again.

    Raises:
        ConfigError: it names a corpus whose name is not UTF-8.
    """
    try:
        return query.encode()
    except UnicodeEncodeError:
        hint = "give the corpus another name, and open it under that"
        raise ConfigError("the name of the corpus is not UTF-8, as a query has to be", hint=hint) from None


def _write_table(run: Any, table: Any, path: str) -> None:
    from falconql.runtime.io import open_sink

    sink = open_sink(path, run.schema, format=None)
    try:
        for batch in table.to_batches():
            sink.write(batch)
        sink.commit()
    except BaseException:
        sink.abort()
        raise


def _check_file(session: Session, finished: Finished, command: str, path: str) -> None:
    """Refuse a file that cannot be, or that the open corpus or that of the result is read from.

    Raises:
        ConfigError: it is one of those.
    """
    import click

    from falconql.cli.output import check_beside, check_folder, check_page, check_unread
    from falconql.runtime.io.fingerprint import local_files

    try:
        (check_beside if command == ".report" else check_folder)(path, command)
        check_unread([(command, path)], [*session.files, *local_files(finished.run.ctx.source)])
        if command == ".report":
            check_page(path, command)
    except click.UsageError as error:
        raise ConfigError(error.message) from None


def _set(session: Session, rest: str) -> Outcome:
    from falconql.llm.endpoint import shown_url

    name, value = [*rest.split(maxsplit=1), "", ""][:2]
    settings = session.settings
    if not name:
        for each in SETTINGS:
            found = session.text if each == "text" else getattr(settings, each)
            if each == "url" and found is not None:
                found = shown_url(found)
            print(visible(f"{each}  {'' if found is None else found}".rstrip()))
        return _DONE
    if name not in SETTINGS:
        raise ConfigError(f"there is no setting {name}", hint=f"the settings are {', '.join(SETTINGS)}")
    if name == "rows":
        settings.rows = _number(value, "set rows")
    elif name == "text":
        session.read(_name(value))
    elif name == "proxy":
        session.use_proxy(unquoted(value) or DEFAULT_PROXY)
    elif name == "order":
        if value not in ("cost", "written"):
            raise ConfigError("the order is cost or written")
        settings.order = "cost" if value == "cost" else "written"
    else:
        setattr(settings, name, unquoted(value) or None)
    return _DONE


SETTINGS = ("rows", "text", "proxy", "order", "url", "model")


def _proxies(session: Session, rest: str) -> Outcome:
    from falconql.runtime.proxy import list_proxies

    for proxy in list_proxies():
        mark = "*" if proxy.name == session.settings.proxy else " "
        print(f"{mark} {proxy.name}  {'ships with FalconQL' if proxy.shipped else proxy.folder}")
    return _DONE


def _history(session: Session, rest: str) -> Outcome:
    path = history_path()
    if not path.exists():
        return _DONE
    entries: list[list[str]] = []
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
        if line.startswith("#"):
            entries.append([])
        elif line.startswith("+") and entries:
            entries[-1].append(line[1:])
    for entry in entries[-HISTORY_LINES:]:
        print(visible("\n".join(entry)))
    return _DONE


def _help(session: Session, rest: str) -> Outcome:
    room = max(width(), FEWEST_COLUMNS)
    longest = max(len(command.usage) for command in COMMANDS.values())
    for command in COMMANDS.values():
        if longest + 30 < room:
            print(f".{command.usage:{longest}}  {hanging(command.does, longest + 3, room)}")
        else:
            print(f".{command.usage}\n    {hanging(command.does, 4, room)}")
    for sentence in _HELP:
        print(hanging(sentence, 0, room))
    return _DONE


_HELP = (
    "",
    "A query runs on Enter once it is whole; Alt-Enter (or Esc, Enter) begins a new line all the same.",
    "`let name = ...` alone is kept for later queries. ? and plain words ask a language model for a query.",
    "Ctrl-C stops a query and keeps its rows. Tab completes. Ctrl-D leaves.",
)


def _quit(session: Session, rest: str) -> Outcome:
    return Outcome(quit=True)


def _corpus(session: Session) -> str:
    if session.corpus is None:
        raise ConfigError("no corpus is open", hint=OPEN_ONE)
    return session.corpus


def _name(text: str) -> str:
    """Return the name that a text stands for, which may be written as in a query, or as it is."""
    parsed = parse_tolerant(Source("<name>", f"text {text}"))
    if not text.startswith("`") or parsed.diagnostics or parsed.query is None or parsed.query.text is None:
        return text
    return parsed.query.text.column.text


def _number(text: str, what: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise ConfigError(f".{what} takes a whole number", hint=f"for example `.{what} 10`")
    return int(text)


COMMANDS: dict[str, Command] = {
    "open": Command("open FILE", "read this corpus from now on: a file, a folder of texts, a glob", _open),
    "schema": Command("schema", "the columns and their types, and what you defined", _schema),
    "sample": Command("sample [N]", "some rows of the corpus", _sample),
    "explain": Command("explain [QUERY]", "how a query will run, by default the last one", _explain),
    "analyze": Command("analyze [QUERY]", "run it and put measured numbers beside the estimates", _analyze),
    "rules": Command("rules [QUERY]", "explain, with the rewrites that fired", _rules),
    "ask": Command("ask WORDS", "a query for plain words, ready to edit; the same as ? WORDS", _ask),
    "save": Command("save FILE", "the last rows (.parquet, .csv, .jsonl, ...) or the last query (.fql)", _save),
    "report": Command("report FILE", "the last rows as a page to look at, for a browser", _report),
    "set": Command("set [NAME VALUE]", f"show or change a setting: {', '.join(SETTINGS)}", _set),
    "proxies": Command("proxies", "the proxies there are; * is the one in use", _proxies),
    "history": Command("history", "what was typed lately", _history),
    "help": Command("help", "this", _help),
    "quit": Command("quit", "leave", _quit),
}
