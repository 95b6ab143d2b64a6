"""``falconql grammar``: the language for servers that hold a model to a grammar."""

from __future__ import annotations

import click


@click.command("grammar")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["lark", "gbnf", "ebnf"]),
    default="lark",
    show_default=True,
    help="lark for OpenAI's custom tools and llguidance, gbnf for llama.cpp, ebnf for vLLM.",
)
@click.option(
    "--from",
    "corpus",
    metavar="CORPUS",
    help="Only queries over this corpus: its columns and values, no files or proxies, no endless lists.",
)
def command(format_: str, corpus: str | None) -> None:
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

        grammar = corpus_grammar(look_at(opened(corpus)))
    print(notations[format_](grammar), end="")
