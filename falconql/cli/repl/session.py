"""What stays between two lines: the corpus, definitions, opened proxies with their answers, the last result."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from falconql.api import Order, Query
from falconql.cli.consent import confirmation
from falconql.cli.repl.opened import Opened, look
from falconql.cli.terminal import say, say_diagnostics
from falconql.errors import ConfigError
from falconql.runtime.io.address import may_stand_in_query, scheme_of
from falconql.source import Source

if TYPE_CHECKING:
    import pyarrow as pa

    from falconql.api import Checked, Data
    from falconql.result import Run
    from falconql.runtime.answers import Answers
    from falconql.runtime.io.sql.address import Database
    from falconql.runtime.plan import Field
    from falconql.runtime.proxy.base import Proxy
    from falconql.syntax.ast import Let, Text, Using
    from falconql.syntax.ast import Query as Tree
    from falconql.syntax.definitions import Definitions

DEFAULT_PROXY = "kestrel"
# A first batch this small is answered in a fraction of a second.
FIRST_ROWS = 16
ANSWER_BYTES = 256 << 20
OPEN_ONE = "open one with `.open FILE`"


@dataclass(slots=True)
class Settings:
    """What ``.set`` changes.

    Attributes:
        rows: how many rows of a result are shown.
        proxy: the proxy where a query names none.
        order: ``written`` keeps conditions in the order in which they stand.
        url: the endpoint of the language model.
        model: its name.
    """

    rows: int = 20
    proxy: str = DEFAULT_PROXY
    order: Order = "cost"
    url: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """A query that was run.

    Attributes:
        query: what was run.
        run: the run, for its metrics and plan.
        table: its rows; None when there were too many to keep.
        ended: how it ended.
        corpus: what it was started on; None where the query names its own. Another may be open by now.
        proxy: what the session chose to answer it; None where the query names its own.
    """

    query: Query
    run: Run
    table: pa.Table | None
    ended: Literal["complete", "stopped"]
    corpus: str | None
    proxy: str | None


@dataclass(slots=True)
class Session:
    """The state of a session; no input, and no output but notes.

    Attributes:
        opened: the open corpus.
        settings: see there.
        text: the column of the open corpus that model calls read in a query that names none.
        definitions: ``let`` clauses by name, earlier ones first.
        last: the last query that gave rows.
        on_warning: told what goes wrong without stopping a run.
        yes: run on a language model whatever it costs.
    """

    opened: Opened | None = None
    text: str | None = None
    settings: Settings = field(default_factory=Settings)
    definitions: dict[str, Let] = field(default_factory=dict)
    last: Finished | None = None
    on_warning: Callable[[str], None] | None = None
    yes: bool = False
    _suited: tuple[Field, ...] = ()  # the columns that the definitions are known to suit
    _proxies: dict[str, Proxy] = field(default_factory=dict)
    _answers: dict[str, Answers] = field(default_factory=dict)

    def open(self, path: str) -> list[str]:
        """Make a corpus the one that queries read; return the definitions that no longer fit and were dropped.

        Raises:
            ConfigError: it is standard input.
            DataError: it cannot be read.
        """
        from falconql.api import opened
        from falconql.asking.corpus import look_at

        _not_typed(path)
        source = opened(path)
        self.opened, self.text = look(path, source), look_at(source).text
        self._suited = self.fields
        return self._drop_unfit(list(self.definitions))

    def look_again(self, *, surely: bool = False) -> None:
        """Take notice of a change of the open corpus; what was settled stays, because the file may be half written.

        Args:
            surely: look even where no file tells of a change.

        Raises:
            DataError: it cannot be read any more.
        """
        if self.opened is not None:
            self.opened = self.opened.now(surely=surely)

    def keep_up(self, *, surely: bool = False) -> None:
        """Look again, and drop the definitions that read what is gone; a note says so.

        Args:
            surely: as above.

        Raises:
            DataError: the corpus cannot be read any more.
        """
        self.look_again(surely=surely)
        # A key may have noticed the change before.
        if self.fields != self._suited:
            if dropped := self._drop_unfit(list(self.definitions)):
                say(forgot(dropped))
            self._suited = self.fields

    @property
    def corpus(self) -> str | None:
        """The path of the open corpus."""
        return None if self.opened is None else self.opened.path

    @property
    def fields(self) -> tuple[Field, ...]:
        """The columns of the open corpus, none without one."""
        return () if self.opened is None else self.opened.fields

    @property
    def files(self) -> tuple[str, ...]:
        """The files on this machine that the open corpus is read from."""
        return () if self.opened is None else self.opened.files

    @property
    def tables(self) -> tuple[Database, ...]:
        """The tables of databases that the open corpus is read from."""
        return () if self.opened is None else self.opened.tables

    def given(self, tree: Tree | None) -> Definitions:
        """Return what a query takes from the session; which column is read is settled for the open corpus only."""
        from falconql.syntax.definitions import Definitions, with_definitions

        lets = Definitions(tuple(self.definitions.values()))
        if tree is None or tree.source is not None:
            return lets
        # A column that is gone is a mistake only in a query that reads it.
        if self.text not in self._texts and not _reads_text(with_definitions(tree, lets)):
            return lets
        return replace(lets, text=self.text)

    def query(self, text: str) -> Query:
        """Return a query over the open corpus, with the definitions at hand.

        Raises:
            QueryError: it gives a name anew, and uses what was built on the one at hand.
            ConfigError: it reads standard input.
            DataError: the open corpus has changed, and cannot be read any more.
        """
        from falconql.cli.repl.clashes import clashes
        from falconql.errors import QueryError
        from falconql.syntax import parse_tolerant

        source = Source("<query>", text)
        tree = parse_tolerant(source).query
        if tree is None or tree.source is None:
            self.keep_up()
        else:
            _not_typed(tree.source.path.value)
        given = self.given(tree)
        if found := clashes(source, given):
            raise QueryError(found, source)
        return Query(source, definitions=given)

    def check(self, query: Query) -> Checked:
        """Return what is wrong with a query.

        Raises:
            DataError: the corpus cannot be read.
        """
        return query.check(self.read_from(self.data_for(query)))

    def data_for(self, query: Query) -> str | None:
        """Return the corpus for a query: its own, else the open one."""
        return None if _names_corpus(query) else self.corpus

    def read_from(self, corpus: str | None) -> Data:
        """Return the open corpus as it was opened, if that is what is read and nothing tells of a change."""
        if self.opened is None or corpus != self.opened.path:
            return corpus
        self.look_again()
        return self.opened.kept or corpus

    def define(self, text: str, lets: tuple[Let, ...]) -> list[str]:
        """Keep the definitions of a text that consists of nothing else; return earlier ones dropped for them.

        Raises:
            QueryError: they have errors.
        """
        from falconql.errors import QueryError
        from falconql.syntax.printer import name_text

        names = ", ".join(dict.fromkeys(name_text(let.name.text) for let in lets))
        query = self.query(f"{text[: lets[-1].span.end]}\nselect {names}")
        checked = self.check(query)
        if not checked:
            raise QueryError(checked.diagnostics, query.source)
        before = list(self.definitions)
        doubtful = {name for let in lets for name in self._keep(let)}
        self._drop_unfit([name for name in self.definitions if name in doubtful])
        return [name for name in before if name not in self.definitions]

    def read(self, column: str) -> None:
        """Make a column the one that model calls read.

        Raises:
            ConfigError: no corpus is open, there is no such column, or it holds no texts.
            DataError: the corpus has changed, and cannot be read any more.
        """
        from falconql.runtime.display import quoted_name, shown_name

        self.keep_up()
        if self.opened is None:
            raise ConfigError("no corpus is open", hint=OPEN_ONE)
        texts = self.opened.texts
        if column not in texts:
            names = f"the text columns are {', '.join(map(quoted_name, texts))}"
            hint = names if texts else f"{self.opened.name} has none"
            raise ConfigError(f"there is no text column {shown_name(column)}" if column else "which column?", hint=hint)
        self.text = column

    def start(self, query: Query, corpus: str | None, proxy: str | None = None) -> Run:
        """Return a run over a corpus that finds the answers of earlier runs and soon has its first rows.

        Args:
            query: what to run.
            corpus: what it reads, None where it says that itself.
            proxy: what answers; None takes what the query or else the settings name.

        Raises:
            FalconQLError: the query, the corpus or the proxy is at fault.
        """
        from falconql.errors import QueryError
        from falconql.runtime.answers import Answers

        require_corpus(query, corpus)
        data = self.read_from(corpus)
        checked = query.check(data)
        if checked.typed is None:
            raise QueryError(checked.diagnostics, query.source)
        named = proxy or self.proxy_for(query)
        run = query.start(
            data,
            proxy=self._opened(named) if checked.typed.calls and named is not None else None,
            order=self.settings.order,
            confirm=confirmation(yes=self.yes),
            on_warning=self.on_warning,
            on_diagnostics=say_diagnostics,
        )
        run.ctx.first_rows = FIRST_ROWS
        if run.ctx.proxy is not None:
            run.ctx.answers = self._answers.setdefault(run.ctx.proxy.fingerprint, Answers(ANSWER_BYTES))
        return run

    def proxy_for(self, query: Query) -> str | None:
        """Return the proxy that the session chooses for a query, None for one that names its own.

        A language model is opened by the session, whoever names it: its endpoint is a setting.
        """
        from falconql.syntax import parse_tolerant

        tree = parse_tolerant(query.source).query
        if tree is None or tree.using is None:
            return self.settings.proxy
        return f"llm:{tree.using.model.value}" if tree.using.llm else None

    def use_proxy(self, name: str) -> None:
        """Make a proxy the one for queries that name none.

        Raises:
            ProxyError: it cannot be opened.
        """
        self._opened(name)
        self.settings.proxy = name

    def written(self, finished: Finished, path: str | None = None) -> str:
        """Return a query that ran as a file that needs no session: formatted, with its definitions, corpus and proxy.

        A corpus that a query may not name, for its secrets, is left out.

        Args:
            finished: what ran.
            path: where the file will be, from which the corpus and the proxy are looked for.
        """
        from falconql.syntax import ast, format_query, parse
        from falconql.syntax.definitions import with_definitions

        query, corpus = finished.query, finished.corpus
        tree = parse(query.source)
        if query.definitions is not None:
            tree = with_definitions(tree, query.definitions)
        if tree.source is None and corpus is not None and may_stand_in_query(corpus):
            tree = replace(tree, source=ast.From(span=tree.span, path=_text(corpus)))
        if tree.using is None:
            tree = replace(tree, using=_using(finished))
        if path is not None and tree.source is not None:
            seen = _seen_from(path, tree.source.path.value)
            tree = replace(tree, source=replace(tree.source, path=_text(seen)))
        if path is not None and tree.using is not None and os.path.isdir(tree.using.model.value):
            seen = _seen_from(path, tree.using.model.value)
            tree = replace(tree, using=replace(tree.using, model=_text(seen)))
        return format_query(tree)

    def _opened(self, name: str) -> Proxy:
        from falconql.proxies import llm_model, opened_proxy

        key = name
        if (model := llm_model(name)) is not None:
            model = model or self.settings.model or ""
            name = f"llm:{model}"
            key = f"{name} {self.settings.url}"
        if key not in self._proxies:
            self._proxies[key] = opened_proxy(name, url=self.settings.url)
        return self._proxies[key]

    def _keep(self, let: Let) -> list[str]:
        """Keep a definition; return those built on an earlier meaning of its name, gone where they must."""
        from falconql.syntax.definitions import names_in

        name = let.name.text
        if name not in self.definitions:
            self.definitions[name] = let
            return []
        later = list(self.definitions)[list(self.definitions).index(name) + 1 :]
        dependents, changed = [], {name}
        for other in later:
            if names_in(self.definitions[other].value) & changed:
                dependents.append(other)
                changed.add(other)
        if not names_in(let.value) & set(later):
            # In the place of the old one, before all that use it.
            self.definitions[name] = let
            return dependents
        # It has to come last, and what stands before it cannot use it.
        for other in (name, *dependents):
            del self.definitions[other]
        self.definitions[name] = let
        return dependents

    def _drop_unfit(self, names: Sequence[str]) -> list[str]:
        """Drop those of these definitions that are wrong by now, and return them."""
        dropped = []
        for name in names:
            if not self._fits(name):
                dropped.append(name)
                del self.definitions[name]
        return dropped

    def _fits(self, name: str) -> bool:
        from falconql.syntax.definitions import Definitions
        from falconql.syntax.printer import name_text

        # One that asks a question suits any column of texts.
        text = self.text if self.text in self._texts else next(iter(self._texts), None)
        given = Definitions(tuple(self.definitions.values()), text)
        return bool(self.check(Query(Source("<query>", f"select {name_text(name)}"), definitions=given)))

    @property
    def _texts(self) -> list[str]:
        return [] if self.opened is None else self.opened.texts


def forgot(names: Sequence[str]) -> str:
    """Return a note about definitions that a corpus does not suit."""
    return f"note: forgot {', '.join(names)}: this corpus has not what they read"


def require_corpus(query: Query, corpus: str | None) -> None:
    """Make sure that a query has something to read.

    Raises:
        ConfigError: no corpus is open, and the query names none.
    """
    if corpus is None and not _names_corpus(query):
        raise ConfigError("no corpus is open", hint=f"{OPEN_ONE}, or write `from` in the query")


def _reads_text(tree: Tree) -> bool:
    """Return whether a query has a model call that names no column."""
    from falconql.check.calls import RESULTS
    from falconql.syntax import ast
    from falconql.syntax.walk import walk

    for node in walk(tree):
        if isinstance(node, ast.Call) and node.function.text.lower() in RESULTS:
            first = next((argument.value for argument in node.arguments if argument.name is None), None)
            if isinstance(first, ast.Text):
                return True
    return False


def _seen_from(file: str, path: str) -> str:
    """Return a path as a query in a file names it: a relative one begins at the folder of that file.

    It stays relative below the working folder, which may be moved as a whole.
    """
    if os.path.isabs(path) or "://" in path or path.startswith("~"):
        return path
    here, folder = os.path.realpath(os.getcwd()), os.path.realpath(os.path.dirname(file))
    if folder == here:
        return path
    if scheme_of(file) is not None or not folder.startswith(os.path.join(here, "")):
        return os.path.abspath(path)
    return os.path.join(os.path.relpath(here, folder), path.removeprefix("./"))


def _using(finished: Finished) -> Using | None:
    """Return the clause for the proxy that the session chose, None where a file without one has the same."""
    from falconql.proxies import llm_model
    from falconql.source import Span
    from falconql.syntax import ast

    opened = finished.run.ctx.proxy
    if opened is None or finished.proxy in (None, DEFAULT_PROXY):
        return None
    model = llm_model(opened.name)
    return ast.Using(_text(model or finished.proxy), llm=model is not None, span=Span(0, 0))


def _text(value: str) -> Text:
    from falconql.source import Span
    from falconql.syntax import ast

    return ast.Text(span=Span(0, 0), value=value, offsets=())


def _not_typed(path: str) -> None:
    if path == "-":
        hint = "name a file, or pipe the table into `falconql run`"
        raise ConfigError("a session reads its lines from standard input, so no corpus can come from there", hint=hint)


def _names_corpus(query: Query) -> bool:
    from falconql.syntax import parse_tolerant

    tree = parse_tolerant(query.source).query
    return tree is not None and tree.source is not None
