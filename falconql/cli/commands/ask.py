"""``falconql ask``: plain words to a query, and to its rows if wanted."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from falconql.cli.consent import agreed, confirmation, say_spent
from falconql.cli.file import write_file
from falconql.cli.options import FILE, CorpusCommand, from_option, input_format_option, proxy_option, yes_option
from falconql.cli.output import check_output, first_rows, print_table
from falconql.cli.progress import Progress, summary
from falconql.cli.terminal import is_terminal, say, say_warning
from falconql.errors import AskError
from falconql.visible import json_text, visible

if TYPE_CHECKING:
    from falconql.asking.loop import Answer


@click.command("ask", cls=CorpusCommand)
@click.argument("instruction")
@from_option("The corpus: a file, a folder, or a glob.", required=True)
@input_format_option
@click.option("--run", "run", is_flag=True, help="Run the query and print its rows; the query goes to standard error.")
@click.option(
    "-o",
    "--output",
    type=FILE,
    metavar="FILE",
    help="Run, and write the rows to FILE, whose ending names the format; - is standard output.",
)
@click.option("--format", "format_", type=click.Choice(["query", "json"]), default="query", help="What to print.")
@click.option("--url", metavar="URL", help="The endpoint; by default OPENAI_BASE_URL, else OpenAI.")
@click.option("--model", metavar="NAME", help="The language model; by default FALCONQL_MODEL.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="How long an answer may take; by default FALCONQL_TIMEOUT, else 120.",
)
@proxy_option
@yes_option
@click.option("-v", "--verbose", is_flag=True, help="Show every try, its tokens, and how it was held to the grammar.")
def command(
    instruction: str,
    corpus: str,
    input_format: str | None,
    run: bool,
    output: str | None,
    format_: str,
    url: str | None,
    model: str | None,
    timeout: float | None,
    proxy: str | None,
    yes: bool,
    verbose: bool,
) -> None:
    """Turn INSTRUCTION, in plain words, into a query over a corpus.

    The query goes to standard output, so that > saves it; what was understood goes to standard error.
    The language model is any OpenAI-compatible endpoint: OPENAI_BASE_URL, OPENAI_API_KEY, FALCONQL_MODEL.
    """
    from falconql.asking import plan
    from falconql.llm.endpoint import Endpoint, Named

    if output == "-":
        run, output = True, None
    if output is not None:
        check_output(output, ())
    if not instruction.strip():
        raise click.UsageError("the instruction is empty: say in plain words what you want to know")
    if corpus == "-":
        raise click.UsageError("`ask` reads the corpus before it can be run: give a file, not standard input")
    options = Named("--url", "--model", "--timeout")
    endpoint = Endpoint.from_environment(url=url, model=model, timeout_s=timeout, options=options)
    try:
        answer = plan(instruction, corpus, input_format=input_format, endpoint=endpoint)
    except AskError as error:
        if verbose:
            _show_tries(error)
        elif len(error.tries) > 1:
            error.hint = "; ".join(filter(None, (error.hint, "`falconql ask -v` shows every try")))
        raise
    if verbose:
        _show_tries(answer)
    _show_understanding(answer)
    text = json_text(answer.to_dict()) + "\n" if format_ == "json" else answer.query.text
    if run and output is None:
        say(text)
    else:
        print(visible(text) if is_terminal(sys.stdout) else text, end="", flush=True)
    if run or output is not None or (format_ == "query" and _agreed()):
        _run(answer, corpus, output, proxy, yes=yes)


def _show_tries(asked: Answer | AskError) -> None:
    for way, why in asked.left:
        say(f"not held to the grammar by {way}: {why}")
    for number, tried in enumerate(asked.tries, 1):
        tokens = f"{tried.prompt_tokens} + {tried.completion_tokens} tokens"
        say(f"try {number}, {tried.way}, {tokens}, {tried.seconds:.1f} s:\n{_indented(tried.reply)}")
        if tried.fault.said:
            say(f"  handed back:\n{_indented(tried.fault.said)}")


def _show_understanding(answer: Answer) -> None:
    for line in (*answer.understood, *(f"note: {note}" for note in answer.notes)):
        say(line)


def _indented(text: str) -> str:
    """Return what a model wrote, or what it was told, as it may go to a terminal."""
    return "\n".join(f"    {visible(line)}" for line in text.splitlines())


def _agreed() -> bool:
    """Ask whether to run, where there is somebody to ask."""
    if not (is_terminal(sys.stdin) and is_terminal(sys.stdout)):
        return False
    return agreed("Run it?", default=True)


def _run(answer: Answer, corpus: str, output: str | None, proxy: str | None, *, yes: bool) -> None:
    with Progress(quiet=False) as progress:
        confirm = confirmation(yes=yes, aside=progress.aside)
        run = answer.query.start(
            corpus, proxy=proxy, confirm=confirm, on_progress=progress.batch_done, on_warning=say_warning
        )
        progress.watch(run.metrics, run.tokens_run)
        if output is None:
            found = first_rows(run)
        else:
            write_file(run, output)
    if output is None:
        print_table(found, run)
    say(summary(run.metrics))
    say_spent(run)
