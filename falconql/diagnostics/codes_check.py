"""What the checker's codes mean: names (``FQL1xx``) and types (``FQL2xx``).

The examples are over the columns ``id: Int``, ``body, title, section: Text``, ``stars: Int``, ``price: Float``,
``published: Date``, ``sent: Timestamp``, ``verified: Bool`` and ``tags: [Text]``, unless they say otherwise.
"""

from __future__ import annotations

from falconql.diagnostics.entry import CodeEntry

_DOUBLED = "\n".join(f"let x{i} = x{i - 1} + x{i - 1}" for i in range(1, 16))

ENTRIES = (
    CodeEntry(
        "FQL101",
        "a name that is no column, let or each",
        "A name in an expression must be a column of the corpus or be given by a `let` or `each` above it. Names are "
        "case-sensitive, and odd ones stand in back-ticks. A `let` is visible only to the clauses that follow it.",
        "where star >= 4",
        "where stars >= 4",
    ),
    CodeEntry(
        "FQL102",
        "a function that does not exist",
        "FalconQL has a fixed set of functions, listed in the reference; their names are case-insensitive. Many "
        "functions of SQL and Python are operators here: `is null`, `contains`, `starts with`, `matches`.",
        "where len(body) > 100",
        "where length(body) > 100",
    ),
    CodeEntry(
        "FQL103",
        "a name given twice",
        "Every `let` and `each` needs a name of its own.",
        'text body\nlet who = span("Extract the speaker")\nlet who = span("Extract the author")\nselect who',
        'text body\nlet who = span("Extract the speaker")\nlet author = span("Extract the author")\nselect who, author',
    ),
    CodeEntry(
        "FQL104",
        "a let or each with the name of a column",
        "A `let` or `each` may not hide a column: a reader could not tell which one a later clause means. Output "
        "columns may have the name of a column: `select price: ...`.",
        'text body\nlet price = number(span("Extract the price"))\nwhere price < 500',
        'text body\nlet asked = number(span("Extract the price"))\nwhere asked < 500',
    ),
    CodeEntry(
        "FQL105",
        "a column name that the corpus has more than once",
        "A query cannot tell two columns of one name apart. Other columns can be used as ever, as long as `select` "
        "names them. (In this example the corpus has two columns called `name`.)",
        'where stars > 3 and name = "x"\nselect id',
        "where stars > 3\nselect id",
    ),
    CodeEntry(
        "FQL106",
        "a parameter without a value",
        "Parameters get their values from outside: `falconql run q.fql -p least=4`, or `query(text, least=4)` in "
        "Python. (In this example `$n` has a value.)",
        "where stars >= $least",
        "where stars >= $n",
    ),
    CodeEntry(
        "FQL107",
        "no text for a model call to read",
        "A model call that names no column reads the one after `text`. Without that clause it reads the column "
        "called `text`, or the only text column; with several it is not clear which.",
        'where label("Is it about sports?")',
        'text body\nwhere label("Is it about sports?")',
    ),
    CodeEntry(
        "FQL108",
        "two output columns of one name",
        "The columns of a result have different names. A call without a name is called like its function.",
        'text body\nselect span("Extract the brand"), span("Extract the price")',
        'text body\nselect brand: span("Extract the brand"), tag: span("Extract the price")',
    ),
    CodeEntry(
        "FQL109",
        "an output column that needs a name",
        "Columns, lets and parameters are called as they are, calls like their function; any other expression in "
        "`select` needs a name before a colon.",
        "select id, stars * 2",
        "select id, twice: stars * 2",
    ),
    CodeEntry(
        "FQL110",
        "an output column named with `=`",
        "In `select` a name is given with a colon; `=` compares.",
        'text body\nselect brand = span("Extract the brand")',
        'text body\nselect brand: span("Extract the brand")',
    ),
    CodeEntry(
        "FQL111",
        "an instruction quotes a name that does not exist",
        "A name in braces inside an instruction stands for its value in the same row, so it must be a column or be "
        "given above. Braces as such are written twice: `{{` and `}}`.",
        'text body\nselect job: span("What is the profession of {lecturer}?")',
        'text body\nlet lecturer = span("Extract the lecturer")\n'
        'select job: span("What is the profession of {lecturer}?")',
    ),
    CodeEntry(
        "FQL112",
        "a query that asks for nothing",
        "A query needs at least a `where`, an `each` or a `select`.",
        "limit 10",
        "select *\nlimit 10",
    ),
    CodeEntry(
        "FQL113",
        "an argument that does not exist",
        "Only `label`, `span` and `spans` take a named argument, `threshold: 0.7`; it is named with a colon.",
        'text body\nwhere label("Is it about sports?", treshold: 0.7)',
        'text body\nwhere label("Is it about sports?", threshold: 0.7)',
    ),
    CodeEntry(
        "FQL114",
        "an empty name of a corpus or proxy",
        "`from` and `using` need the name or path of what to read or use; leave the clause out for the default.",
        'using ""\nwhere stars > 3',
        "where stars > 3",
    ),
    CodeEntry(
        "FQL115",
        "a name that begins with `$`",
        "FalconQL uses such names for columns of its own, so columns, lets and output columns cannot have them.",
        "select `$half`: stars / 2",
        "select half: stars / 2",
    ),
    CodeEntry(
        "FQL201",
        "a condition is needed",
        "`where`, `and`, `or`, `not` and `share` take what is true or false: a comparison, a test, a boolean column "
        "or a `label`. Whether there is a span is asked with `exists(...)`.",
        'text body\nwhere span("Extract the price")',
        'text body\nwhere exists(span("Extract the price"))',
    ),
    CodeEntry(
        "FQL202",
        "values that cannot be compared",
        "Both sides of a comparison must be numbers, texts, dates, or conditions (with `=` and `!=` only).",
        "where published >= 2024",
        'where published >= "2024-01-01"',
    ),
    CodeEntry(
        "FQL203",
        "a text that does not read as a date",
        "A text compared with a date must be written as one when the query is checked: `2024-05-31`, and for points "
        "in time also `2024-05-31 14:30`.",
        'where published >= "31/5/2024"',
        'where published >= "2024-05-31"',
    ),
    CodeEntry(
        "FQL204",
        "a number compared with a text",
        "Numbers are written without quotes. The number that a text holds is read with `number(text)`.",
        'where stars >= "4"',
        "where stars >= 4",
    ),
    CodeEntry(
        "FQL205",
        "a label compared with a text or number",
        "A label is true or false and a condition by itself. Its score, from 0 to 1, is `score(...)`; one of several "
        "answers is found with `choose(...)`.",
        'text body\nwhere label("Is the writer angry?") > 0.8',
        'text body\nwhere score(label("Is the writer angry?")) > 0.8',
    ),
    CodeEntry(
        "FQL206",
        "a comparison with null",
        "As in SQL, a comparison with null is neither true nor false, so it keeps no row.",
        "where price = null",
        "where price is null",
    ),
    CodeEntry(
        "FQL207",
        "arithmetic on what is no number",
        "`+`, `-`, `*` and `/` take numbers. Texts are not joined, and dates are compared, not subtracted.",
        'where "2" * stars > 10',
        "where 2 * stars > 10",
    ),
    CodeEntry(
        "FQL208",
        "a text test on what is no text",
        "`contains`, `starts with` and `matches` work on texts and spans; `contains` also tells whether a list "
        "has an element.",
        'where stars contains "4"',
        "where stars = 4",
    ),
    CodeEntry(
        "FQL209",
        "a regular expression that cannot be used",
        "Patterns are RE2: they run in time linear in the text, and have no look-around and no back-references.",
        "where body matches /price(?= tag)/",
        "where body matches /price tag/",
    ),
    CodeEntry(
        "FQL210",
        "an unknown flag of a regular expression",
        "The flags are `i` (ignore case), `m` (`^` and `$` match at line breaks) and `s` (`.` matches line breaks).",
        "where body matches /new/gi",
        "where body matches /new/i",
    ),
    CodeEntry(
        "FQL211",
        "a column of a type that is only passed through",
        "Structs, maps, binary values, times of day and other Arrow types without a counterpart here can be selected "
        "and tested with `is null`. (In this example `meta` is a struct.)",
        "where meta = 3\nselect id",
        "where meta is not null\nselect id, meta",
    ),
    CodeEntry(
        "FQL212",
        "an argument of the wrong type",
        "The reference of functions says what each one takes.",
        "select id\norder by score(stars)",
        'text body\nselect id\norder by score(label("Is the writer angry?"))',
    ),
    CodeEntry(
        "FQL213",
        "too many or too few arguments",
        "The reference of functions says how each one is called.",
        "where length(title, body) > 3",
        "where length(title) > 3",
    ),
    CodeEntry(
        "FQL214",
        "a parameter that does not read as what is needed",
        "A parameter given as text, as the command line does, must read as a number, date or boolean where one is "
        "needed. (In this example `$n` is 4 and `$since` is `last week`.)",
        "where published >= $since",
        "where stars >= $n",
    ),
    CodeEntry(
        "FQL215",
        "a number that is too large",
        "Whole numbers have 64 bits, other numbers are double floats.",
        "where id = 99999999999999999999",
        "where id = 999999999",
    ),
    CodeEntry(
        "FQL216",
        "a condition that is the same for every row",
        "A `where` without a column, a model call or a parameter keeps everything or nothing. This is a warning; the "
        "query runs.",
        "where 1 = 1",
        "where stars = 1",
    ),
    CodeEntry(
        "FQL217",
        "a division by zero",
        "Whatever is divided by zero is null. This is a warning; the query runs.",
        "where price / 0 > 1",
        "where price / 2 > 1",
    ),
    CodeEntry(
        "FQL218",
        "each over what is no list",
        "`each` gives one row per element of a list: of `spans(...)`, or of a list column.",
        'text body\neach who in span("Extract the speaker")\nselect who',
        'text body\neach who in spans("Extract the speakers")\nselect who',
    ),
    CodeEntry(
        "FQL219",
        "values that cannot be grouped or sorted by",
        "`group by` and `order by` take single values: no lists, and no constants to sort by.",
        "select id\norder by tags",
        "select id\norder by length(tags)",
    ),
    CodeEntry(
        "FQL220",
        "a limit that is no number of rows",
        "`limit` takes a whole number, zero or more. (In this example `$n` is 4 and `$below` is -1.)",
        "select id\nlimit $below",
        "select id\nlimit $n",
    ),
    CodeEntry(
        "FQL221",
        "a list compared with a single value",
        "Whether a list has an element is asked with `contains`; `length(...)` is its number of elements.",
        'where tags = "sport"',
        'where tags contains "sport"',
    ),
    CodeEntry(
        "FQL222",
        "a choice that is never made",
        "`choose` gives one of its choices, letter by letter as they are written. This is a warning; the query runs.",
        'text body\nwhere choose("What is it about?", "sports", "politics") = "sport"',
        'text body\nwhere choose("What is it about?", "sports", "politics") = "sports"',
    ),
    CodeEntry(
        "FQL223",
        "a text compared with a date letter by letter",
        "`<`, `<=`, `>` and `>=` order texts by their letters, so that `31/12/2022` comes behind `2024-01-01`. "
        "`date(text)` reads the day that a text holds. Texts that all begin as `2024-05-31` are in the order of their "
        "days as they are. This is a warning; the query runs.",
        'where title >= "2024-01-01"',
        'where date(title) >= "2024-01-01"',
    ),
    CodeEntry(
        "FQL224",
        "a column in quotes",
        "Double and single quotes stand around texts, unlike in SQL; a column is written as it is, in back-ticks when "
        "its name is odd. A test of nothing but texts is the same for every row. This is a warning; the query runs.",
        'where "section" = "sport" and stars > 3',
        'where section = "sport" and stars > 3',
    ),
    CodeEntry(
        "FQL225",
        "a part of a date that no date has",
        "Months go from 1 to 12, quarters from 1 to 4, days from 1 to 31, weekdays from 1, which is Monday, to 7, and "
        "hours from 0 to 23. A comparison with anything beyond is the same for every row. This is a warning; the query "
        "runs.",
        "where weekday(published) in (0, 6)",
        "where weekday(published) in (6, 7)",
    ),
    CodeEntry(
        "FQL230",
        "a model call without its instruction",
        "A model call says in words what to ask of each text.",
        "where label(body)",
        'where label(body, "Is it about sports?")',
    ),
    CodeEntry(
        "FQL231",
        "an instruction that is not written in the query",
        "The instruction is a text literal and comes after the text to read, if one is named. Values of the row are "
        "quoted in it by name: `{title}`.",
        "where label(body, title)",
        'where label(body, "Does it mention {title}?")',
    ),
    CodeEntry(
        "FQL232",
        "an empty instruction",
        "A model call says in words what to ask of each text.",
        'text body\nselect brand: span("")',
        'text body\nselect brand: span("Extract the brand")',
    ),
    CodeEntry(
        "FQL233",
        "a brace out of place",
        "Braces in an instruction stand around a name, nothing else. Braces as such are written twice.",
        'text body\nselect set: span("Extract the set {1, 2")',
        'text body\nselect set: span("Extract the set {{1, 2")',
    ),
    CodeEntry(
        "FQL234",
        "a quoted value that has no text",
        "Texts, spans, numbers, dates and booleans can be quoted in an instruction, one at a time.",
        'text body\nlet who = spans("Extract the people")\nselect what: span("What do {who} do?")',
        'text body\neach who in spans("Extract the people")\nselect what: span("What does {who} do?")',
    ),
    CodeEntry(
        "FQL235",
        "a model call on what is no text",
        "Model calls read texts and spans.",
        'where label(stars, "Is it good?")',
        'where label(title, "Is it good?")',
    ),
    CodeEntry(
        "FQL236",
        "choices that cannot be chosen from",
        "`choose` takes a question and two or more different choices, each a text literal.",
        'text body\nselect topic: choose("What is it about?", "sports")',
        'text body\nselect topic: choose("What is it about?", "sports", "politics")',
    ),
    CodeEntry(
        "FQL237",
        "a threshold that is no number from 0 to 1",
        "A label is true where its score reaches the threshold.",
        'text body\nwhere label("Is it about sports?", threshold: 70)',
        'text body\nwhere label("Is it about sports?", threshold: 0.7)',
    ),
    CodeEntry(
        "FQL238",
        "a name in an instruction that is not quoted",
        "A value of the row is quoted in an instruction by its name in single braces. In double ones, or behind a `$`, "
        "stands the name itself, and not its value. This is a warning; the query runs.",
        'text body\nwhere label("Does it mention {{title}}?")',
        'text body\nwhere label("Does it mention {title}?")',
    ),
    CodeEntry(
        "FQL240",
        "an aggregate where rows are",
        "Aggregates stand in `select` and `order by`. Rows are filtered and values named before they are grouped.",
        "where count() > 3\nselect section",
        "group by section\nselect section, n: count()",
    ),
    CodeEntry(
        "FQL241",
        "an aggregate inside another call",
        "Aggregates take values of the rows; they cannot stand inside each other or inside a model call.",
        "select worst: max(avg(stars))",
        "select worst: max(stars)",
    ),
    CodeEntry(
        "FQL242",
        "neither a group key nor aggregated",
        "In a query that groups, every output and sort key is made of group keys and aggregates, because anything else "
        "has several values in a group.",
        "group by section\nselect section, title",
        "group by section\nselect section, titles: collect(title)",
    ),
    CodeEntry(
        "FQL243",
        "a query that groups without saying what to show",
        "A query that groups names its output columns in `select`; there is no `*` of a group.",
        "group by section",
        "group by section\nselect section, n: count()",
    ),
    CodeEntry(
        "FQL244",
        "a condition counted",
        "`count(x)` counts the rows in which x is not null, so it counts what is false as well. This is a warning; "
        "the query runs.",
        "select n: count(verified)",
        "where verified\nselect n: count()",
    ),
    CodeEntry(
        "FQL250",
        "an expression that grows too large",
        "Lets stand for their values wherever they are used, so that lets that use each other often can grow beyond "
        "all bounds.",
        f"let x0 = stars + 1\n{_DOUBLED}\nselect x15",
        "let x0 = stars + 1\nlet x1 = x0 + x0\nselect x1",
    ),
)
