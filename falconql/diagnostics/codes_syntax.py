"""What the codes of syntax errors mean (``FQL0xx``)."""

from __future__ import annotations

from falconql.diagnostics.entry import CodeEntry

ENTRIES = (
    CodeEntry(
        "FQL001",
        "an empty query",
        "A query needs at least a `where`, an `each` or a `select`; comments alone do not make one.",
        "-- the good ones",
        "-- the good ones\nwhere stars >= 4",
    ),
    CodeEntry(
        "FQL002",
        "a word that cannot stand where it does",
        "The query could be read up to this word, and what could follow is something else. Often a word is misspelt, "
        "left out or written twice just before.",
        "where stars > 3 adn verified",
        "where stars > 3 and verified",
    ),
    CodeEntry(
        "FQL003",
        "parentheses that do not fit",
        "Every `(` needs a `)`. Parentheses stand around the arguments of a call, the values after `in`, and one "
        "expression that belongs together; they make no lists.",
        'where body contains "x" and (stars > 3 or verified',
        'where body contains "x" and (stars > 3 or verified)',
    ),
    CodeEntry(
        "FQL004",
        "a missing comma",
        "The items of `select`, `group by` and `order by`, the arguments of a call and the values after `in` are "
        "separated by commas. An output column is named before it, with a colon: `rating: stars`.",
        "select id title",
        "select id, title",
    ),
    CodeEntry(
        "FQL005",
        "typographic quotes",
        "Texts stand in plain quotes, \"...\" or '...'. Word processors and chats replace them.",
        "where body contains \u201ccheap\u201d",
        'where body contains "cheap"',
    ),
    CodeEntry(
        "FQL006",
        "an operator of another language",
        "The operators are `or`, `and`, `not`, `=`, `!=`, `<`, `<=`, `>`, `>=`, `in (a, b)`, `contains`, "
        "`starts with`, `matches /regex/`, `is null`, `is not null`, `+`, `-`, `*` and `/`.",
        "where stars == 4 && body like '%cheap%'",
        'where stars = 4 and body contains "cheap"',
    ),
    CodeEntry(
        "FQL007",
        "clauses out of order",
        "Clauses come in the order in which they work: from, text, using, let and each, where, group by, select, "
        "order by, limit.",
        "select id\nwhere stars > 3",
        "where stars > 3\nselect id",
    ),
    CodeEntry(
        "FQL008",
        "a clause written twice",
        "Only `let` and `each` may come several times. The conditions of a `where` are joined with `and`.",
        "where stars > 3\nwhere verified",
        "where stars > 3 and verified",
    ),
    CodeEntry(
        "FQL009",
        "a text, name or regular expression that is never closed",
        "Texts, names in back-ticks and regular expressions end on the line on which they begin; a line break inside "
        "a text is written `\\n`.",
        'where body contains "cheap',
        'where body contains "cheap"',
    ),
    CodeEntry(
        "FQL010",
        "a backslash that escapes nothing",
        "The escapes in a text are `\\\"`, `\\'`, `\\\\`, `\\n`, `\\t`, `\\r` and `\\uXXXX` with four hex digits; "
        "a quote is not written twice.",
        'where body contains "C:\\data"',
        'where body contains "C:\\\\data"',
    ),
    CodeEntry(
        "FQL011",
        "expressions nested too deeply",
        "Parentheses, calls and `not` may stand inside each other 100 levels deep, and a chain of `+ - * /` may have "
        "100 links. Take parts out with `let`.",
        f"where {'(' * 101}stars > 3{')' * 101}",
        "where (stars > 3)",
    ),
    CodeEntry(
        "FQL012",
        "a number that cannot be read",
        "Numbers are written like `12`, `1_000`, `0.5`, `.5`, `1e6`. A name that begins with a digit stands in "
        "back-ticks.",
        "where price > 1.",
        "where price > 1.0",
    ),
    CodeEntry(
        "FQL013",
        "a comma with nothing beside it",
        "A comma stands between two items, not behind the last one.",
        "where stars > 3\nselect id, title,\nlimit 10",
        "where stars > 3\nselect id, title\nlimit 10",
    ),
    CodeEntry(
        "FQL014",
        "something FalconQL does not have",
        "A query reads one corpus and gives one table; there are no joins, sub-queries, branches, windows or "
        "statements.",
        "select distinct section",
        "group by section\nselect section",
    ),
    CodeEntry(
        "FQL015",
        "the name of a corpus, proxy or model without quotes",
        "What stands after `from`, `using` and `using llm` is a text.",
        "from reviews.parquet\nwhere stars > 3",
        'from "reviews.parquet"\nwhere stars > 3',
    ),
    CodeEntry(
        "FQL016",
        "a limit that is no whole number",
        "`limit` takes a whole number, zero or more, or a parameter.",
        "select id\nlimit 1.5",
        "select id\nlimit 15",
    ),
    CodeEntry(
        "FQL017",
        "a comment of another language",
        "A comment begins with `--` and runs to the end of the line.",
        "where stars > 3  # the good ones",
        "where stars > 3  -- the good ones",
    ),
    CodeEntry(
        "FQL018",
        "a name given in another way",
        "An output column is named before it, with a colon. Names stand without quotes, in back-ticks when they are "
        "odd.",
        "select stars as rating",
        "select rating: stars",
    ),
    CodeEntry(
        "FQL019",
        "comparisons in a chain",
        "A comparison has two sides. Two comparisons are joined with `and`.",
        "where 1 < stars < 5",
        "where 1 < stars and stars < 5",
    ),
    CodeEntry(
        "FQL020",
        "a character that cannot stand in a query",
        "Invisible characters, unusual spaces and broken Unicode come from copying. Inside a text any character but a "
        "line break may stand.",
        "where\u200b stars > 3",
        "where stars > 3",
    ),
    CodeEntry(
        "FQL021",
        "a regular expression without slashes",
        "After `matches` stands a regular expression between slashes, with flags behind it: `/pattern/i`.",
        'where body matches "refurb"',
        "where body matches /refurb/",
    ),
    CodeEntry(
        "FQL022",
        "a parameter without a name",
        "A parameter is `$` and a name; its value is bound from outside.",
        "where stars > $1",
        "where stars > $n",
    ),
)
