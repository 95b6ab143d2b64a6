"""``falconql grammar``: the language for servers that hold a model to a grammar."""

from __future__ import annotations

import click

from falconql.cli.options import CorpusCommand, from_option, input_format_option


@click.command("grammar", cls=CorpusCommand)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["lark", "gbnf", "ebnf"]),
    default="lark",
    show_default=True,
    help="lark for OpenAI's custom tools and llguidance, gbnf for llama.cpp, ebnf for vLLM.",
)
@from_option("Only queries over this corpus: its columns and values, no files or proxies, no endless lists.")
@input_format_option
def command(format_: str, corpus: str | None, input_format: str | None) -> None:
    """Print the grammar of FalconQL for constrained decoding.

    It is computed from the grammar that the parser uses, white space and comments included.
    """
    from falconql.syntax import decoding

    notations = {"lark": decoding.lark, "gbnf": decoding.gbnf, "ebnf": decoding.ebnf}
    if corpus is None:
        grammar = decoding.whole_grammar()
    elif corpus == "-":
        raise click.UsageError("the grammar of a corpus needs a file, not standard input")
    else:
        from falconql.api import opened
        from falconql.asking.corpus import look_at
        from falconql.asking.decoding import corpus_grammar

        grammar = corpus_grammar(look_at(opened(corpus, input_format)))
    print(notations[format_](grammar), end="")
