"""Arguments and options that several commands share, and the query they name."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from falconql.api import Query

Command = TypeVar("Command", bound=Callable[..., Any])


class FileName(click.ParamType[str]):
    """A path or an address: shells complete it, and the ``~`` that they leave alone behind ``=`` is the home folder."""

    name = "path"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return os.path.expanduser(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        return [CompletionItem(incomplete, type="file")]


class FilePath(click.Path):
    """A path, as a ``Path``; the ``~`` that shells leave alone behind ``=`` is the home folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return super().convert(os.path.expanduser(value), param, ctx)


FILE = FileName()
PATH = FilePath(path_type=Path)


class CorpusCommand(click.Command):
    """A command that takes one corpus, and says so where a shell has made several words of a pattern."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing:
            given, more, _ = self.make_parser(ctx).parse_args(list(args))
            corpus, query = given.get("corpus"), given.get("query")
            first = corpus[0] if isinstance(corpus, list) else corpus
            if isinstance(first, str):
                # A word too many, or a query file beside -e, that is named like the corpus belongs to it.
                others = [word for word in (query, *more) if isinstance(word, str) and _is_alike(word, first)]
                if others and (more or isinstance(given.get("text"), str)):
                    named = "--from" if isinstance(corpus, list) else ctx.command_path
                    raise _one_corpus([first, *others], named, ctx)
        return super().parse_args(ctx, args)


def from_option(text: str, *, required: bool = False) -> Callable[[Command], Command]:
    """Return what adds ``--from``, as ``corpus``."""
    return click.option(
        "--from",
        "corpus",
        type=FILE,
        metavar="CORPUS",
        multiple=True,
        required=required,
        callback=_single,
        help=text,
    )


def input_format_option(command: Command) -> Command:
    """Add ``--input-format``."""
    from falconql.runtime.io.formats import FORMATS

    return click.option(
        "--input-format",
        type=click.Choice(FORMATS),
        metavar="FORMAT",
        help=f"Of a corpus whose ending does not tell it: {', '.join(FORMATS[:-1])} or {FORMATS[-1]}.",
    )(command)


def _single(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> str | None:
    if len(values) > 1:
        raise _one_corpus(values, "--from", ctx)
    return values[0] if values else None


def _one_corpus(names: Sequence[str], named: str, ctx: click.Context) -> click.UsageError:
    """Return the error for several files where one corpus is taken."""
    folders = {os.path.dirname(name) for name in names}
    folder = folders.pop() if len(folders) == 1 else "folder"
    pattern = os.path.join(folder, f"*{_ending(names[0])}")
    message = f"{named} takes one corpus: quote a pattern, as in {named} '{pattern}', or give a folder"
    return click.UsageError(message, ctx)


def _is_alike(name: str, corpus: str) -> bool:
    from falconql.runtime.io.formats import format_of_name

    return format_of_name(name)[0] is not None or (bool(_ending(name)) and _ending(name) == _ending(corpus))


def _ending(name: str) -> str:
    """Return the ending of a name, with that of what is inside for a compressed file."""
    from falconql.runtime.io.formats import COMPRESSED

    rest, ending = os.path.splitext(name)
    return os.path.splitext(rest)[1] + ending if ending.lower() in COMPRESSED else ending


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line says of the query and its corpus.

    Attributes:
        file: that of the query, ``-`` for standard input.
        text: the query itself.
        corpus: the one that is named beside the query.
        input_format: what the corpus holds, where its ending does not tell it.
        parameters: each as ``NAME=VALUE``.
    """

    file: str | None = None
    text: str | None = None
    corpus: str | None = None
    input_format: str | None = None
    parameters: tuple[str, ...] = ()

    @property
    def files(self) -> list[str]:
        """The query's file, if it has one."""
        return [] if self.file is None else [self.file]

    def query(self) -> Query:
        """Return the query.

        Raises:
            click.UsageError: there is none, or it is given twice.
            DataError: its file cannot be read.
        """
        return replace(self._named(_bound(self.parameters)), input_format=self.input_format)

    def _named(self, values: dict[str, str]) -> Query:
        from falconql.api import query as make
        from falconql.inputs import decode_query, is_name_of_file

        if self.file is not None and self.text is not None:
            raise click.UsageError("give a query file or -e, not both")
        if self.text is not None:
            if is_name_of_file(self.text):
                raise click.UsageError(f"-e takes a query, and {self.text} is the name of a file: leave -e out")
            return make(self.text, **values)
        if self.file is None:
            raise click.UsageError("give a query: a file, - for standard input, or -e 'query text'")
        if self.file != "-":
            return make(Path(self.file), **values)
        if self.corpus == "-":
            raise click.UsageError("the query and the corpus cannot both come from standard input")
        made = make(decode_query(sys.stdin.buffer.read(), "<stdin>"), **values)
        return made.named("<stdin>")


def query_options(command: Command) -> Command:
    """Add QUERY, ``-e``, ``--from``, ``--input-format`` and ``-p``, as ``given``."""

    @functools.wraps(command)
    def with_query(
        query: str | None,
        text: str | None,
        corpus: str | None,
        input_format: str | None,
        parameters: tuple[str, ...],
        **others: Any,
    ) -> Any:
        return command(given=Given(query, text, corpus, input_format, parameters), **others)

    decorated: Any = with_query
    for decorate in reversed(
        (
            click.argument("query", required=False, type=FILE),
            click.option("-e", "text", metavar="TEXT", help="The query itself, instead of a file."),
            from_option("The corpus: a file, a folder, a glob, or - for standard input. Overrides `from`."),
            input_format_option,
            click.option(
                "-p",
                "--param",
                "parameters",
                metavar="NAME=VALUE",
                multiple=True,
                help="A value for $NAME; may be repeated.",
            ),
        )
    ):
        decorated = decorate(decorated)
    return decorated  # type: ignore[no-any-return]


def order_option(command: Command) -> Command:
    """Add ``--order``."""
    return click.option(
        "--order",
        type=click.Choice(["cost", "written"]),
        default="cost",
        show_default=True,
        help="Decide conditions cheapest first, or as they are written. The rows are the same.",
    )(command)


def proxy_option(command: Command) -> Command:
    """Add ``--proxy``."""
    return click.option(
        "--proxy",
        metavar="NAME",
        help="The proxy that answers, by name or folder, or a language model: llm:MODEL. Overrides `using`.",
    )(command)


def yes_option(command: Command) -> Command:
    """Add ``--yes``."""
    return click.option(
        "--yes", is_flag=True, help="Run on a language model without asking whether it may cost that much."
    )(command)


def engine_options(command: Command) -> Command:
    """Add ``--engine`` and what belongs to it, as ``engine``: ``"local"`` or a ``falconql.Ray``."""

    @functools.wraps(command)
    def chosen(
        engine: str,
        address: str | None,
        workers: int | None,
        worker_cpus: int | None,
        worker_gpus: float | None,
        shared_files: bool,
        **others: Any,
    ) -> Any:
        from falconql.runtime.cluster.options import Ray

        given = address, workers, worker_cpus, worker_gpus, shared_files or None
        if engine == "local":
            if any(value is not None for value in given):
                raise click.UsageError("--address, --workers and the like belong to --engine ray")
            return command(engine="local", **others)
        from falconql.cli.entry import with_pandas

        with_pandas()  # Ray Data does not go without.
        ray = Ray(address, workers, worker_cpus or 1, worker_gpus or 0.0, shared_files)
        return command(engine=ray, **others)

    decorated: Any = chosen
    for decorate in reversed(
        (
            click.option(
                "--engine",
                type=click.Choice(["local", "ray"]),
                default="local",
                show_default=True,
                help="Run in this process, or on a Ray cluster. The rows are the same.",
            ),
            click.option(
                "--address", metavar="HOST:PORT", help="With ray: the cluster; without it, one on this machine alone."
            ),
            click.option(
                "--workers", type=click.IntRange(min=1), metavar="N", help="With ray: so many proxies at once."
            ),
            click.option(
                "--worker-cpus", type=click.IntRange(min=1), metavar="N", help="With ray: processors of each worker."
            ),
            click.option(
                "--worker-gpus",
                type=click.FloatRange(min=0.0, min_open=True),
                metavar="N",
                help="With ray: GPUs of each worker, such as 1 or 0.5.",
            ),
            click.option(
                "--shared-files", is_flag=True, help="With ray: every machine sees the corpus under the same path."
            ),
        )
    ):
        decorated = decorate(decorated)
    return decorated  # type: ignore[no-any-return]


def cache_option(command: Command) -> Command:
    """Add ``--no-cache``, as ``cache``: False, or None for what the environment says."""
    return click.option(
        "--no-cache",
        "cache",
        flag_value=False,
        type=bool,
        default=None,
        help="Neither use nor keep answers of the proxy on disk.",
    )(command)


def _bound(parameters: tuple[str, ...]) -> dict[str, str]:
    values: dict[str, str] = {}
    for item in parameters:
        name, equals, value = item.partition("=")
        name = name.strip().removeprefix("$")
        if not equals or not name:
            raise click.UsageError(f"-p {item}: write it as NAME=VALUE")
        if name in values:
            raise click.UsageError(f"-p {name} is given twice")
        values[name] = value
    return values
