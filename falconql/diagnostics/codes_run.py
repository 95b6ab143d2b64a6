"""What the codes of planning and running mean (``FQL3xx``), and those of FalconQL's own errors (``FQL9xx``)."""

from __future__ import annotations

from falconql.diagnostics.entry import CodeEntry

ENTRIES = (
    CodeEntry(
        "FQL301",
        "a language model that is not set up",
        "`using llm` asks a large language model, behind an OpenAI-compatible endpoint: OPENAI_API_KEY for OpenAI, "
        "OPENAI_BASE_URL for a server of your own. It costs money or time for every text; a proxy that was trained on "
        "its answers costs a hundredth, and the one that ships with FalconQL needs neither key nor network.",
        'text body\nusing llm "gpt-4o-mini"\nwhere label("Is it about sports?")',
        'text body\nwhere label("Is it about sports?")',
    ),
    CodeEntry(
        "FQL302",
        "a proxy that is not there",
        "`using` names a proxy: one that ships with FalconQL, one that was added with `falconql proxies add`, or a "
        "folder, relative to the query's file. `falconql proxies list` shows the names.",
        'text body\nusing "kestral"\nwhere label("Is it about sports?")',
        'text body\nusing "kestrel"\nwhere label("Is it about sports?")',
    ),
    CodeEntry(
        "FQL901",
        "a rule of the optimiser that broke its promise",
        "This is an error in FalconQL, not in the query: a rewrite changed the columns of the result and was stopped. "
        "Please report it with the query; `--order written` may work meanwhile.",
        "",
        "",
    ),
)
