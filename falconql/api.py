"""What programs call: ``query`` and ``Query``. The stages joined, nothing else.

Heavy modules (Arrow, the planner, ONNX Runtime) are imported by the methods that need them, so that
checking a query does not pay for running it.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from falconql.catalog import Catalog, ParameterValue
from falconql.diagnostics.model import Diagnostic, Help, Label, Severity
from falconql.errors import ConfigError, DataError, ProxyError, QueryError
from falconql.inputs import arrow_table, is_name_of_file, parameter_value, read_query, stats_for, way_to_a_table
from falconql.proxies import Proxy, Span, llm_model, opened_proxy, proxy, proxy_ref
from falconql.runtime.io.address import check_named_in_query
from falconql.source import Source

if TYPE_CHECKING:
    from falconql.caching import CacheChoice
    from falconql.check.typed import TypedQuery
    from falconql.consent import Confirm
    from falconql.plan.planner import Planned
    from falconql.result import Explained, Result, Run
    from falconql.runtime.cluster.options import Ray
    from falconql.runtime.io.base import TableSource
    from falconql.runtime.metrics import RunMetrics
    from falconql.runtime.plan import Plan
    from falconql.runtime.proxy.base import Proxy as OpenedProxy
    from falconql.syntax.definitions import Definitions

__all__ = ["Checked", "Data", "Order", "Proxy", "Query", "Span", "proxy", "query"]

Order = Literal["cost", "written"]
Engine = Literal["local", "ray"]
Data = Any  # A path, or anything with the Arrow PyCapsule interface.


def query(text: str | Path, /, **parameters: Any) -> Query:
    """Return a query, not yet checked.

    Args:
        text: the query itself as str, or a Path to a ``.fql`` file.
        parameters: values for ``$name``: bool, int, float, str, date, datetime or None.

    Raises:
        DataError: the file cannot be read, or the text is the name of one.
        TypeError: a parameter, or the query itself, is of another type.

    Example:
        >>> import falconql
        >>> found = falconql.query("where price < $most select name", most=3)
        >>> found.run({"name": ["pen", "desk"], "price": [2.5, 120.0]}).to_arrow().to_pylist()
        [{'name': 'pen'}]
    """
    values = {name: parameter_value(name, value) for name, value in parameters.items()}
    if isinstance(text, Path):
        return Query(Source(str(text), read_query(text)), values, text.parent)
    if not isinstance(text, str):
        raise TypeError(f"a query is a text, or the pathlib.Path of a file: this is a {type(text).__name__}")
    if is_name_of_file(text):
        raise DataError(f"{text} is the name of a file, not a query", hint=f"write query(Path({text!r}))")
    return Query(Source("<query>", text), values)


def opened(data: Data, input_format: str | None = None) -> TableSource:
    """Return a corpus that can be read: from a path, Arrow data, or columns by name.

    Args:
        data: the corpus.
        input_format: that of its files, whatever their endings say.

    Raises:
        DataError: it cannot be read.
    """
    from falconql.runtime.io import open_source
    from falconql.runtime.io.address import is_database

    if callable(getattr(data, "batches", None)):
        source: TableSource = data  # opened before
        return source
    if input_format is not None and isinstance(data, str) and is_database(data):
        raise DataError("a table of a database has no format", hint="leave --input-format out")
    try:
        return open_source(arrow_table(data) if isinstance(data, Mapping) else data, format=input_format)
    except DataError as error:
        if (hint := way_to_a_table(data)) is None:
            raise
        raise DataError(f"a {type(data).__name__} is no corpus, which is a table", hint=hint) from error


@dataclass(frozen=True, slots=True)
class Checked:
    """What checking a query found; true when the query has no errors.

    ``str()`` is the diagnostics as people read them, empty when there are none.
    """

    source: Source
    diagnostics: tuple[Diagnostic, ...]
    typed: TypedQuery | None

    def __bool__(self) -> bool:
        return self.typed is not None

    def __str__(self) -> str:
        from falconql.diagnostics.render import render

        return render(self.diagnostics, self.source)

    def to_dict(self) -> dict[str, Any]:
        """Return what ``falconql check --format json`` prints."""
        from falconql.check.describe import describe
        from falconql.diagnostics.render import to_json_object

        found: dict[str, Any] = {
            "ok": bool(self),
            "diagnostics": [to_json_object(d, self.source) for d in self.diagnostics],
        }
        if self.typed is not None:
            found["query"] = describe(self.typed)
        return found


@dataclass(frozen=True, slots=True)
class Query:
    """A query text with its parameters.

    ``data`` is everywhere a path (file, folder, glob, ``-``), an address (``s3://``, ``gs://``, ``hf://``, ``https://``,
    ``sqlite://``, ``postgresql://``), or anything with the Arrow PyCapsule
    interface (a pandas or Polars data frame, a DuckDB relation, a pyarrow table), or a mapping of
    column names to lists. It may be left out when the query says ``from``; a path there is relative
    to ``folder``, the folder of the query's file. ``definitions`` are what was settled
    before: clauses that the query may leave out. ``input_format`` is the format of the corpus's files (csv, tsv,
    jsonl, json, parquet, arrow or txt) where their endings do not tell it.
    """

    source: Source
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    folder: Path | None = None
    definitions: Definitions | None = None
    input_format: str | None = None

    @property
    def text(self) -> str:
        """The query as it was written."""
        return self.source.text

    def named(self, name: str) -> Query:
        """Return the same query under another name in messages."""
        return replace(self, source=Source(name, self.source.text))

    def format(self) -> str:
        """Return the query in canonical form.

        Raises:
            QueryError: it has syntax errors.
        """
        from falconql.syntax import format_source

        return format_source(self.source)

    def check(self, data: Data = None) -> Checked:
        """Return every diagnostic; without data and ``from``, column names and types are not checked.

        Raises:
            DataError: the data cannot be read.
        """
        return self._checked(None if data is None and self._from() is None else self._open(data))

    def resolved(self, data: Data = None) -> tuple[TableSource, TypedQuery]:
        """Return the corpus, opened, and the query checked against it.

        Raises:
            QueryError: the query has errors.
            DataError: the data cannot be read.
        """
        source = self._open(data)
        return source, self._typed(source)

    def plan(self, data: Data = None, *, order: Order = "cost") -> Plan:
        """Return the physical plan, which can be saved with ``to_json()``.

        Raises:
            QueryError: the query has errors.
            DataError: the data cannot be read.
        """
        source = self._open(data)
        return self._planned(self._typed(source), source, order).plan

    def explain(
        self,
        data: Data = None,
        *,
        analyze: bool = False,
        order: Order = "cost",
        proxy: str | Proxy | OpenedProxy | None = None,
        cache: CacheChoice = None,
        confirm: Confirm | None = None,
        engine: Engine | Ray = "local",
    ) -> Explained:
        """Return the plan as a readable tree with estimated rows and costs; ``str()`` is the text.

        Args:
            data: the corpus.
            analyze: run the query and show measured numbers beside the estimates.
            order: ``written`` keeps conditions in the order in which they stand.
            proxy: as for ``run``.
            cache: as for ``run``.
            confirm: as for ``run``.
            engine: as for ``run``.

        Raises:
            QueryError: the query has errors.
            DataError: the data cannot be read.
        """
        run = self.start(
            data, proxy=proxy, order=order, cache=cache, engine=engine, confirm=confirm, with_proxy=analyze
        )
        return run.explain(analyze=analyze)

    def run(
        self,
        data: Data = None,
        *,
        proxy: str | Proxy | OpenedProxy | None = None,
        limit: int | None = None,
        order: Order = "cost",
        cache: CacheChoice = None,
        confirm: Confirm | None = None,
        engine: Engine | Ray = "local",
    ) -> Result:
        """Run the query and return its rows.

        Args:
            data: the corpus.
            proxy: a registered name, a folder, ``llm:model``, or what ``falconql.proxy`` returned; overrides ``using``.
            limit: return this many rows at most.
            order: ``written`` keeps conditions in the order in which they stand; rows are the same.
            cache: where the proxy's answers are kept for later runs: a folder, or True or False to turn that on
                or off. Left out: as ``FALCONQL_CACHE`` says, else in the user's cache folder.
            confirm: asked before a language model is, with what the run is expected to cost; None goes on only below
                ``FALCONQL_CONFIRM_USD`` dollars (1, if not set).
            engine: ``ray`` or a ``falconql.Ray`` runs on a Ray cluster, with the same rows in the same order.

        Raises:
            QueryError: the query has errors; ``str()`` shows them all.
            DataError: the data cannot be read.
            ProxyError: the proxy cannot be opened.
            TypeError, ValueError: ``limit`` is no number of rows, or ``proxy`` no proxy.
            ConfigError: there is no such order or engine, no language model is set up, or nobody agreed to its costs.
            ModelServerError: the language model gives no answer.
            ExecutionError: running failed.
        """
        run = self.start(data, proxy=proxy, limit=limit, order=order, cache=cache, engine=engine, confirm=confirm)
        return run.finish()

    def start(
        self,
        data: Data = None,
        *,
        proxy: str | Proxy | OpenedProxy | None = None,
        limit: int | None = None,
        order: Order = "cost",
        cache: CacheChoice = None,
        engine: Engine | Ray = "local",
        with_proxy: bool = True,
        confirm: Confirm | None = None,
        on_progress: Callable[[RunMetrics], None] | None = None,
        on_warning: Callable[[str], None] | None = None,
        on_diagnostics: Callable[[Checked], None] | None = None,
    ) -> Run:
        """Check, plan and open everything, and return the query ready to give its rows in batches.

        Args:
            data: the corpus.
            proxy: as for ``run``.
            limit: return this many rows at most.
            order: ``written`` keeps conditions in the order in which they stand.
            cache: as for ``run``.
            engine: as for ``run``.
            with_proxy: whether to open the proxy, which only planning does not need.
            confirm: as for ``run``.
            on_progress: called after every batch.
            on_warning: told what goes wrong without stopping the run; by default Python's ``warnings`` are.
            on_diagnostics: told what is doubtful in a query without errors; by default Python's ``warnings`` are.
        """
        from falconql.caching import result_cache
        from falconql.consent import agree
        from falconql.result import Run, highlights
        from falconql.runtime.context import ExecContext

        cluster = _cluster(engine)
        source = self._open(data)
        checked = self._checked(source)
        typed = self._passed(checked)
        if checked.diagnostics:
            if on_diagnostics is None:
                warnings.warn(str(checked), stacklevel=3)
            else:
                on_diagnostics(checked)
        if limit is not None:
            most = _number_of_rows(limit)
            typed = replace(typed, limit=most if typed.limit is None else min(most, typed.limit))
        if isinstance(proxy, str):
            typed = replace(typed, proxy=proxy_ref(proxy))
        elif not typed.proxy.llm:
            typed = replace(typed, proxy=proxy_ref(typed.proxy.name))
        if cluster is not None and typed.proxy.llm and typed.calls:
            raise ConfigError(_LLM_ON_RAY, hint=_LLM_ON_RAY_HINT)
        opened = self.answering(typed, proxy) if typed.calls and with_proxy else None
        if opened is not None and (typed.proxy.llm or llm_model(opened.name) is not None):
            typed = replace(typed, proxy=proxy_ref(opened.name))
        planned = self._planned(typed, source, order, told=not with_proxy)
        if opened is not None and typed.proxy.llm and typed.calls:
            agree(planned, source, opened, confirm)
        ctx = ExecContext(source, opened, on_progress=on_progress)
        if opened is not None and typed.calls:
            ctx.cache = result_cache(cache, opened, on_warning)
        return Run(planned, ctx, highlights(typed), 0 if opened is None else opened.tokens_run, cluster)

    def answering(self, typed: TypedQuery, proxy: str | Proxy | OpenedProxy | None = None) -> OpenedProxy:
        """Return what answers the model calls of this query.

        Args:
            typed: the query, checked.
            proxy: as for ``run``; None takes the one that the query names.

        Raises:
            ConfigError: no language model is set up.
            ProxyError: there is no such proxy, or it cannot be opened.
            TypeError: what was given is none.
        """
        if isinstance(proxy, Proxy):
            return proxy.opened
        if proxy is not None and not isinstance(proxy, str):
            if not hasattr(proxy, "fingerprint"):
                raise TypeError(f"proxy: a {type(proxy).__name__} is none; give a name, or a folder as a str")
            return proxy
        named = typed if proxy is None else replace(typed, proxy=proxy_ref(proxy))
        return self._open_proxy(named, named_in_query=proxy is None)

    def _open_proxy(self, typed: TypedQuery, *, named_in_query: bool) -> OpenedProxy:
        name = typed.proxy.name
        if named_in_query and not typed.proxy.llm and self.folder is not None and (self.folder / name).is_dir():
            return opened_proxy(str(self.folder / name))
        try:
            if typed.proxy.llm:
                return opened_proxy(f"llm:{name}")
            from falconql.runtime.proxy import find_proxy

            find_proxy(name)
        except (ConfigError, ProxyError) as error:
            from falconql.syntax import parse

            # Without a `using` clause the proxy is the one that ships: then only looking for it can fail.
            using = parse(self.source).using if named_in_query else None
            if using is None:
                raise
            code = "FQL301" if typed.proxy.llm else "FQL302"
            raise self._wrong_proxy(Label(using.span), code, error.message, error.hint) from error
        return opened_proxy(name)

    def _wrong_proxy(self, where: Label, code: str, message: str, advice: str | None) -> QueryError:
        """Return the error for a `using` clause that cannot be run."""
        helps = () if advice is None else (Help(advice),)
        return QueryError([Diagnostic(code, message, where, helps=helps)], self.source)

    def _checked(self, source: TableSource | None) -> Checked:
        from falconql.check import check_query
        from falconql.syntax import parse_tolerant
        from falconql.syntax.definitions import with_definitions

        parsed = parse_tolerant(self.source)
        found, typed = list(parsed.diagnostics), None
        if parsed.query is not None:
            query = with_definitions(parsed.query, self.definitions) if self.definitions else parsed.query
            typed, more = check_query(
                query, self._catalog(source), lost_names=parsed.lost_names, lost_clauses=parsed.lost_clauses
            )
            found = sorted([*found, *more], key=lambda diagnostic: diagnostic.primary.span)
        failed = any(diagnostic.severity is Severity.ERROR for diagnostic in found)
        return Checked(self.source, tuple(found), None if failed else typed)

    def _catalog(self, source: TableSource | None) -> Catalog:
        if source is None:
            return Catalog(None, self.parameters)
        from falconql.runtime.io.arrow import fields_from_schema

        return Catalog(fields_from_schema(source.schema), self.parameters, source.name)

    def _typed(self, source: TableSource) -> TypedQuery:
        return self._passed(self._checked(source))

    def _passed(self, checked: Checked) -> TypedQuery:
        if checked.typed is None:
            raise QueryError(checked.diagnostics, self.source)
        return checked.typed

    def _planned(self, typed: TypedQuery, source: TableSource, order: Order, *, told: bool = False) -> Planned:
        from falconql.plan.planner import plan_query

        if order not in get_args(Order):
            raise ConfigError(f"there is no order {order!r}", hint='the orders are "cost" and "written"')
        return plan_query(typed, stats=stats_for(typed, source, told=told), order=order)

    def _from(self) -> str | None:
        """Return the path after ``from`` as it can be opened, None without one; the check reports an empty one."""
        from falconql.syntax import parse_tolerant

        parsed = parse_tolerant(self.source).query
        if parsed is None or parsed.source is None:
            return None
        path = parsed.source.path.value
        if not path.strip():
            return None
        check_named_in_query(path)
        if self.folder is None or "://" in path or path == "-":
            return path
        return str(self.folder / os.path.expanduser(path))

    def _open(self, data: Data) -> TableSource:
        if data is None:
            data = self._from()
        if data is None:
            self._checked_without_corpus()
            raise ConfigError("no corpus: neither the query nor the caller says what to read", hint=_CORPUS_HINT)
        return opened(data, self.input_format)

    def _checked_without_corpus(self) -> None:
        """Report what is wrong with the query before asking for a corpus."""
        checked = self._checked(None)
        if not checked:
            raise QueryError(checked.diagnostics, self.source)


def _number_of_rows(limit: int) -> int:
    try:
        found = index(limit)
    except TypeError:
        raise TypeError(f"limit: a {type(limit).__name__} is no number of rows") from None
    if found < 0:
        raise ValueError(f"limit: {found} is no number of rows")
    return found


def _cluster(engine: Engine | Ray) -> Ray | None:
    """Return the cluster to run on, None for this process.

    Raises:
        ConfigError: there is no such engine, or Ray is not installed.
    """
    if engine == "local":
        return None
    from importlib.util import find_spec

    from falconql.runtime.cluster.options import Ray

    if engine != "ray" and not isinstance(engine, Ray):
        raise ConfigError(f"there is no engine {engine!r}", hint='the engines are "local" and "ray", or a falconql.Ray')
    if find_spec("ray") is None:
        raise ConfigError("Ray is not installed, so nothing can run on a cluster", hint=_RAY_HINT)
    return engine if isinstance(engine, Ray) else Ray()


_RAY_HINT = 'install it with `pip install "falconql[ray]"`, or leave out --engine ray'
_LLM_ON_RAY = "a large language model answers at the place where it is asked: it cannot run on a cluster"
_LLM_ON_RAY_HINT = "run without --engine ray, or train a proxy for the query with `falconql train`"
_CORPUS_HINT = 'add `from "file.parquet"` to the query, or give the file with --from'
