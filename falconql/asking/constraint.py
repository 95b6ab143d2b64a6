"""Making a server keep to the grammar: the ways that exist, best first for the server at hand.

What a server can do is found out by asking it: a way that it refuses is left for the next one, and a way
that it takes but does not obey shows in its answers. Knows nothing of queries and prompts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from falconql.errors import ModelServerError
from falconql.llm.client import ChatClient, Unreachable, WrongKey
from falconql.llm.endpoint import OPENAI_URL

TOOL = "falconql"


@dataclass(frozen=True, slots=True)
class Grammars:
    """The decoding grammar in each notation; a notation is made only when some server wants it."""

    lark: Callable[[], str]
    gbnf: Callable[[], str]
    ebnf: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Way:
    """A way of asking for constrained output.

    Attributes:
        name: what ``-v`` shows.
        strict: whether the grammar itself is handed over.
        wrapped: whether the query comes inside JSON.
        framed: whether the grammar is that of the instruction. Rules that misread an instruction rule its right query
            out: a small model on somebody's own machine gains more from them than it loses, a large one only loses.
        sure: whether the server is of a kind that keeps to it. Others may take the field and ignore it, with a large
            model behind them.
    """

    name: str
    strict: bool = True
    wrapped: bool = False
    framed: bool = False
    sure: bool = True

    def fields(self, grammars: Grammars) -> dict[str, Any]:
        """Return what the request carries beside the messages."""
        return _FIELDS[self.name](grammars)


LARK_TOOL = Way("Lark grammar as a custom tool")
GBNF = Way("GBNF grammar", framed=True)
STRUCTURED = Way("structured-output grammar")
JSON_SCHEMA = Way("JSON schema", strict=False, wrapped=True)
FREE = Way("no constraint", strict=False)


def ways(chat: ChatClient, url: str) -> list[Way]:
    """Return the ways to try, the likeliest first, by what the server says of itself."""
    if url == OPENAI_URL:
        return [LARK_TOOL, JSON_SCHEMA, FREE]
    owners = _owners(chat)
    if "vllm" in owners:
        return [STRUCTURED, JSON_SCHEMA, FREE]
    if "llamacpp" in owners:
        return [GBNF, JSON_SCHEMA, FREE]
    if "me" in owners:  # llama-cpp-python
        return [GBNF, FREE]
    if "library" in owners:  # Ollama takes schemas, no grammars
        return [JSON_SCHEMA, FREE]
    return [replace(GBNF, sure=False), STRUCTURED, JSON_SCHEMA, FREE]


def _owners(chat: ChatClient) -> set[str]:
    """Return the owners that a server lists; none where it lists no models, which is no reason not to ask it."""
    try:
        return {owner.lower() for owner in chat.owners()}
    except (Unreachable, WrongKey):
        raise
    except ModelServerError:
        return set()


def _tool(grammars: Grammars) -> dict[str, Any]:
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": grammars.lark()}}
    custom = {"name": TOOL, "description": "Takes the query.", "format": grammar}
    return {
        "tools": [{"type": "custom", "custom": custom}],
        "tool_choice": {"type": "custom", "custom": {"name": TOOL}},
    }


def _schema(grammars: Grammars) -> dict[str, Any]:
    query = {"type": "string", "description": "The FalconQL query."}
    schema = {"type": "object", "properties": {"query": query}, "required": ["query"], "additionalProperties": False}
    return {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": TOOL, "strict": True, "schema": schema},
        }
    }


_FIELDS: Mapping[str, Callable[[Grammars], dict[str, Any]]] = {
    LARK_TOOL.name: _tool,
    GBNF.name: lambda grammars: {"extra_body": {"grammar": grammars.gbnf()}},
    # Both names: the older one is ignored by servers that know the newer one, and the reverse.
    STRUCTURED.name: lambda grammars: {
        "extra_body": {"structured_outputs": {"grammar": grammars.ebnf()}, "guided_grammar": grammars.ebnf()}
    },
    JSON_SCHEMA.name: _schema,
    FREE.name: lambda grammars: {},
}


class Ladder:
    """The ways still open, from the best down."""

    def __init__(self, found: Sequence[Way]) -> None:
        self._open = list(found)
        self.left: list[tuple[Way, str]] = []

    @property
    def way(self) -> Way:
        """The best way that is still open."""
        return self._open[0]

    def step_down(self, why: str) -> bool:
        """Leave a way for the next; return False, and stay, on the last."""
        if len(self._open) == 1:
            return False
        self.left.append((self._open.pop(0), why))
        return True

    def __iter__(self) -> Iterator[Way]:
        return iter(self._open)
