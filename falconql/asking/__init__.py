"""Asking in plain words: an instruction and a corpus to a checked query, by way of a language model.

``loop`` is the way through; ``corpus`` says what a model is told of the data, ``prompt`` and ``library`` how it
is asked, ``constraint`` and ``falconql.llm`` reach it, ``reading``, ``mending`` and ``review`` look at what it wrote.
Nothing here runs a query.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from falconql.api import Query
    from falconql.asking.loop import Answer, Settings
    from falconql.llm.endpoint import Endpoint

__all__ = ["ask", "plan"]


def ask(instruction: str, data: Any) -> Query:
    """Return the query that an instruction in plain words asks for, checked against the corpus.

    A language model writes it: OPENAI_BASE_URL, OPENAI_API_KEY and FALCONQL_MODEL say which.

    Args:
        instruction: what is wanted, in plain words.
        data: the corpus: a path, Arrow data, or a mapping of column names to lists.

    Raises:
        ConfigError: no model is set up.
        ModelServerError: the model cannot be asked.
        AskError: the corpus cannot answer it, or no try gave a query.
        DataError: the corpus cannot be read.
    """
    return plan(instruction, data).query


def plan(
    instruction: str,
    data: Any,
    *,
    input_format: str | None = None,
    endpoint: Endpoint | None = None,
    settings: Settings | None = None,
    text: str | None = None,
) -> Answer:
    """Return the query for an instruction over a corpus, checked, with what the user should know of it.

    Args:
        instruction: what is wanted, in plain words.
        data: the corpus, as everywhere in the API.
        input_format: that of its files, where their endings do not tell it.
        endpoint: where the model is; by default what the environment says.
        settings: how to ask.
        text: the column that questions read; by default the one with the longest texts.

    Raises:
        ConfigError: no model is set up.
        ModelServerError: the model cannot be asked.
        AskError: the corpus cannot answer it, or no try gave a query.
        DataError: the corpus cannot be read.
    """
    from falconql.api import opened
    from falconql.asking.corpus import look_at
    from falconql.asking.decoding import grammars_for
    from falconql.asking.loop import Planner, Settings
    from falconql.errors import AskError
    from falconql.llm.client import OpenAIChat
    from falconql.llm.endpoint import Endpoint

    endpoint = endpoint or Endpoint.from_environment()
    settings = settings or Settings()
    corpus = look_at(opened(data, input_format))
    if not corpus.columns:
        said = f"no column of {corpus.name} has a name that a query can use"
        raise AskError(said, hint="rename the columns in the corpus, each in its own way and in one line")
    corpus = corpus if text is None else replace(corpus, text=text)

    def grammars(instruction: str, framed: bool) -> Any:
        return grammars_for(corpus, instruction, thinking=settings.prompt.thinking, framed=framed)

    # Who waits for an answer has said how long: a second wait of that length helps nobody.
    with closing(OpenAIChat(endpoint, retries_timeouts=False)) as chat:
        answer = Planner(chat, corpus, grammars, endpoint.url, settings).plan(instruction)
    return replace(answer, query=replace(answer.query, input_format=input_format))
