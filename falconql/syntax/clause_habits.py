"""Habits from SQL, Python and pandas about clauses; see ``habits``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from falconql.diagnostics.model import Diagnostic, Edit, Help, Label
from falconql.source import Span
from falconql.syntax.builder import plain_name
from falconql.syntax.lexemes import CLAUSES, COLUMN_WORDS, Lexeme, clause_starts
from falconql.syntax.operator_habits import BEHIND_VALUES, TESTS
from falconql.syntax.place import ErrorPlace, inserting, problem, replacing, short
from falconql.syntax.printer import name_text, quoted

_ONE_CORPUS = "a query reads one corpus; join the tables first and read the result"
_ONLY_READS = "a query only reads; the result is written with `falconql run ... -o file`"
_NO_CODE = "a query has no statements and no functions of its own; name values with `let name = expression`"
_FOREIGN = {
    "having": "rows are filtered by `where` before they are grouped; filter the result in a second query",
    "join": _ONE_CORPUS,
    "inner": _ONE_CORPUS,
    "outer": _ONE_CORPUS,
    "left": _ONE_CORPUS,
    "right": _ONE_CORPUS,
    "cross": _ONE_CORPUS,
    "union": "a query gives one table; run two queries and put the results together",
    "intersect": "a query gives one table; join the conditions with `and`",
    "except": "a query gives one table; write the condition with `and not`",
    "offset": "the first rows cannot be skipped; filter on a column instead",
    "fetch": "write `limit 5` at the end of the query",
    "interval": "dates are not computed with; bind the date from outside: `$since`, `-p since=2024-05-31`",
    "distinct": "use `group by` with the columns that must differ",
    "unique": "use `group by` with the columns that must differ",
    "case": "there are no branches; write conditions, or let `choose(...)` decide",
    "if": "there are no branches; write conditions, or let `choose(...)` decide",
    "nulls": "rows with null come last; they are left out with `where x is not null`",
    "xor": "of two conditions just one is true where `a != b`",
    "nor": "write `and not`",
    "mod": "arithmetic is `+`, `-`, `*` and `/`",
    "div": "arithmetic is `+`, `-`, `*` and `/`",
    "over": "there are no windows; use `group by`",
    "into": _ONLY_READS,
    "insert": _ONLY_READS,
    "update": _ONLY_READS,
    "delete": _ONLY_READS,
    "create": _ONLY_READS,
    "drop": _ONLY_READS,
    "def": _NO_CODE,
    "lambda": _NO_CODE,
    "import": _NO_CODE,
    "print": _NO_CODE,
}
# Words that name a join only together with that word.
_SIDES = frozenset({"inner", "outer", "left", "right", "cross"})
# Words that take columns out of a `*`.
_ALL_BUT = frozenset({"except", "exclude", "without", "but"})
# Words of other languages that begin what FalconQL begins with another word.
_SYNONYMS = {
    "filter": "where",
    "keep": "where",
    "sort": "order",
    "sortby": "order by",
    "sort_by": "order by",
    "orderby": "order by",
    "order_by": "order by",
    "groupby": "group by",
    "group_by": "group by",
    "return": "select",
    "project": "select",
    "take": "limit",
    "top": "limit",
    "head": "limit",
    "first": "limit",
    "set": "let",
    "var": "let",
    "const": "let",
    "derive": "let",
    "define": "let",
    "for": "each",
    "foreach": "each",
}
# A query that is shown in one line is shown up to here.
_LONG = 120
ORDER = "the order is: from, text, using, let and each, where, group by, select, order by, limit"


def semicolon(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """More after the ``;``."""
    before = place.word(-1)
    if before is None or before.text != ";" or place.expected != {"$END"}:
        return None
    help_ = place.removing("a text holds one query, and the `;` may be left out", before.span)
    return problem("FQL002", "the query goes on after `;`", before.span, help_)


def clause_colon(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``where: stars > 3``."""
    before = place.word(-1)
    if word.text != ":" or before is None or before.lower not in CLAUSES or before.end != word.start:
        return None
    if "COLON" in place.expected:
        return None
    help_ = place.removing("remove it", word.span)
    return problem("FQL002", f"no colon follows `{before.lower}`", word.span, help_)


def clause_order(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """A clause word where no such clause can be: twice, or too late."""
    starts = clause_starts(place.text, place.words)
    if place.index not in starts:
        return None
    clauses = [place.words[i] for i in starts]
    earlier = [clause for clause in clauses if clause.start < word.start]
    same = next((clause for clause in earlier if clause.lower == word.lower), None)
    if same is not None and word.lower not in ("let", "each"):
        return _twice(place, word, same)
    if not any(_rank(clause) > _rank(word) for clause in earlier):
        return None
    later = next(clause for clause in earlier if _rank(clause) > _rank(word))
    return Diagnostic(
        "FQL007",
        f"`{_clause_name(word)}` must come before `{_clause_name(later)}`",
        Label(word.span, "move this clause up"),
        secondary=(Label(later.span, "before this one"),),
        helps=(put_in_order(place.text, place.words),),
    )


def _twice(place: ErrorPlace, word: Lexeme, same: Lexeme) -> Diagnostic:
    advice = Help(f"keep one `{_clause_name(word)}`")
    if word.lower == "where":
        between = [w.lower for w in place.words if w.start > same.start]
        joined = Edit(word.span, "and") if "or" not in between else None
        advice = Help("join the conditions with `and`" + ("" if joined else ", each in parentheses"), joined)
    return Diagnostic(
        "FQL008",
        f"`{_clause_name(word)}` is written twice",
        Label(word.span, "again here"),
        secondary=(Label(same.span, "first here"),),
        helps=(advice,),
    )


def put_in_order(text: str, words: Sequence[Lexeme]) -> Help:
    """Return the advice to put all clauses in order; a query of one line is shown as it then is."""
    edit = _in_order(text, words)
    simple = edit and "\n" not in text.strip() and "`" not in text and "--" not in text and ",\n" not in edit.new_text
    if edit is None or not simple or edit.new_text.endswith(",") or len(edit.new_text) > _LONG:
        return Help(ORDER, edit)
    return Help(f"{ORDER}; write `{edit.new_text.replace(chr(10), ' ')}`", edit)


def _in_order(text: str, words: Sequence[Lexeme]) -> Edit | None:
    """Return the edit that puts all clauses in order, None when something else stands before them."""
    starts = [words[i] for i in clause_starts(text, words)]
    if not starts or starts[0] is not words[0]:
        return None
    ends = [word.start for word in starts[1:]] + [len(text.rstrip())]
    parts = sorted(zip(starts, ends, strict=True), key=lambda part: _rank(part[0]))
    ordered = [_clause_text(text[word.start : end].rstrip().removesuffix(";").rstrip()) for word, end in parts]
    return Edit(Span(words[0].start, ends[-1]), "\n".join(ordered))


def _clause_text(clause: str) -> str:
    """Return a clause with the name of the corpus in quotes, where it is a bare one as in SQL."""
    return re.sub(r"""(?i)\A(from\s+)([^\s"'`,;]+)\Z""", lambda bare: bare[1] + quoted(bare[2]), clause)


def _clause_name(word: Lexeme) -> str:
    return f"{word.lower} by" if word.lower in ("group", "order") else word.lower


def _rank(word: Lexeme) -> int:
    return CLAUSES.index("let" if word.lower == "each" else word.lower)


def extra_comma(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """A comma with nothing behind it: ``select id,`` before a clause, ``(1, 2,)``, ``id,, title``."""
    before, further = place.word(-1), place.word(-2)
    if before is None:
        return None
    advice = "remove the comma"
    if before.text == "," and word.text in (",", ")"):
        return problem("FQL013", "nothing stands behind this comma", before.span, place.removing(advice, before.span))
    if word.text == "," and before.lower in ("select", "by", "("):
        return problem("FQL013", "nothing stands before this comma", word.span, place.removing(advice, word.span))
    clause = before.kind == "word" and before.lower in CLAUSES and not _column_before(place, before, word)
    if clause and further is not None and further.text == ",":
        # The clause word was read as a column, and what follows it cannot be.
        return problem("FQL013", "nothing stands behind this comma", further.span, place.removing(advice, further.span))
    return None


def _column_before(place: ErrorPlace, before: Lexeme, word: Lexeme) -> bool:
    """Tell whether a clause word is a column that something is said of: ``text like "%x%"``, ``text.lower()``."""
    if before.lower not in COLUMN_WORDS:
        return False
    if word.kind == "sign" and word.text != "(":
        return True
    further = place.word(-2)
    same_line = further is not None and "\n" not in place.text[further.end : before.start]
    return word.kind == "word" and (word.lower in BEHIND_VALUES or (before.lower == "text" and same_line))


def missing_operand(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``stars > and verified``: a connective or clause word was read as a name."""
    before = place.word(-1)
    if before is None or before.kind != "word" or "AND" not in place.expected or place.index < 2:
        return None
    if before.lower not in ("and", "or", "in", "contains", "matches", "is", "asc", "desc", *CLAUSES):
        return None
    if not (word.operand or word.text == "(") or _column_before(place, before, word):
        return None
    previous = place.words[place.index - 2]
    message = f"a value is missing between `{short(previous.text)}` and `{before.text}`"
    if before.lower in COLUMN_WORDS and word.kind == "word" and place.lower(1) in TESTS:
        column, span = place.slice(place.index - 1, place.index), before.span.join(word.span)
        help_ = replacing(f"a name of several words stands in back-ticks: {name_text(column)}", span, name_text(column))
        return problem("FQL002", f"`{short(column)}` is not a name", span, help_)
    return problem("FQL002", message, previous.span)


def unquoted_path(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``from reviews.parquet``, ``using kestrel``."""
    kinds = ("word", "quoted", "sign", "number", "foreign_comment")
    if place.expected not in ({"TEXT"}, {"TEXT", "LLM"}) or word.kind not in kinds:
        return None
    if word.kind == "quoted":
        help_ = replacing("use plain quotes", word.span, quoted(plain_name(word.text)))
        return problem("FQL005", "back-ticks do not quote a text", word.span, help_)
    end = word.start
    while end < len(place.text) and not place.text[end].isspace():
        end += 1
    span = Span(word.start, end)
    path = place.text[span.start : span.end].rstrip(",;")
    what = "corpus" if place.lower(-1) == "from" else "proxy" if place.lower(-1) == "using" else "model"
    help_ = replacing(
        f"write `{place.lower(-1)} {short(quoted(path))}`", Span(span.start, span.start + len(path)), quoted(path)
    )
    return problem("FQL015", f"the name of the {what} must be quoted", span, help_)


def two_corpora(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``from "a", "b"``."""
    if place.lower(-2) != "from" or (word.text not in (",", "+") and word.kind != "text"):
        return None
    advice = 'a pattern such as "data/*.parquet" reads several files'
    return problem("FQL014", "a query reads one corpus", word.span, Help(advice))


def several_texts(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``text title, body``."""
    if word.text != "," or place.lower(-2) != "text" or "USING" not in place.expected:
        return None
    advice = 'calls name any other column that they read: `label(title, "...")`'
    return problem("FQL002", "`text` names one column", word.span, Help(advice))


def row_count(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``select top 10 id``."""
    top = place.word(-1)
    if top is None or top.lower not in ("top", "first") or place.lower(-2) != "select" or word.kind != "number":
        return None
    help_ = Help(f"write `limit {word.text}` at the end of the query")
    return problem("FQL014", f"FalconQL has no `{top.text} {word.text}`", top.span.join(word.span), help_)


def limit_number(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``limit -1``, ``limit 1.5``, ``limit ten``, ``limit 10, 20``."""
    inside = word.kind == "number" and place.offset > word.start
    if (
        place.lower(-1) == "limit"
        and (inside or place.expected == {"INTEGER", "PARAMETER"})
        and word.kind != "parameter"
    ):
        following = place.word(1)
        signed = word.text == "-" and following is not None and following.kind == "number"
        span = Span(word.start, following.end) if signed and following else word.span
        return problem("FQL016", "`limit` needs a whole number, zero or more", span, Help("for example `limit 100`"))
    if place.lower(-2) == "limit" and word.text == ",":
        return problem("FQL016", "`limit` takes one number", word.span, Help("the first rows cannot be skipped"))
    return None


def missing_by(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``order stars``."""
    if place.expected != {"BY"}:
        return None
    before = place.lower(-1)
    help_ = inserting(f"write `{before} by`", word.start, "by ")
    return problem("FQL002", f"`{before}` needs `by`", word.span, help_)


def comma_condition(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``where stars > 3, verified``, ``where stars > 3, select id``."""
    starts = [i for i in clause_starts(place.text, place.words) if i < place.index]
    if word.text != "," or not starts or place.words[starts[-1]].lower != "where" or "GROUP" not in place.expected:
        return None
    without = (*place.words[: place.index], *place.words[place.index + 1 :])
    if place.word(1) is None or place.index in clause_starts(place.text, without):
        help_ = place.removing("remove the comma", word.span)
        return problem("FQL013", "nothing stands behind this comma", word.span, help_)
    joined = place.lower(1) in ("and", "or")
    join = place.putting("join them with `and`", word.span, "and")
    help_ = place.removing("remove the comma", word.span) if joined else join
    return problem("FQL006", "conditions are not listed", word.span, help_)


def foreign(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``having``, ``join``, ``distinct``, ``case`` and other words without a counterpart."""
    before = place.word(-1)
    if before is not None and before.text == "*" and place.lower(-2) == "select" and word.lower in _ALL_BUT:
        return problem("FQL014", f"FalconQL has no `* {word.text}`", word.span, Help("name the columns to keep"))
    for candidate in (before, word):
        if candidate is None or candidate.kind != "word" or candidate.lower not in _FOREIGN:
            continue
        if not _foreign_use(place, 0 if candidate is word else -1):
            continue
        if candidate.lower == "distinct" and place.lower(-1 if candidate is word else -2) == "(":
            advice = "group by the value in one query, count the rows of its result in another"
            return problem("FQL014", f"FalconQL has no `{candidate.text}`", candidate.span, Help(advice))
        # The word before can only be to blame where it was read as a name of something.
        if candidate is word:
            return _foreign(candidate)
        if candidate is before and "AND" in place.expected and (word.operand or word.text == "*"):
            return _foreign(candidate)
    if word.lower == "with" and place.index == 0:
        return problem("FQL014", "FalconQL has no `with`", word.span, Help("name values with `let name = expression`"))
    if before is not None and before.lower == "select" and place.lower(-2) == "(":
        advice = "run two queries, the second over the result of the first"
        return problem("FQL014", "FalconQL has no queries inside queries", before.span, Help(advice))
    return None


def _foreign_use(place: ErrorPlace, at: int) -> bool:
    """Return whether a word that columns are often called stands as it does in another language."""
    word, following = place.lower(at), place.word(at + 1)
    if word in _SIDES:
        return place.lower(at + 1) in ("join", "outer")
    if word == "fetch":
        return place.lower(at + 1) in ("first", "next")
    if word == "into":
        return following is not None and following.kind == "text"
    if word == "over":
        return following is not None and following.text == "("
    if word == "interval":
        return following is not None and following.kind in ("text", "number")
    return word != "unique" or place.lower(at - 1) in ("select", "(")


def _foreign(word: Lexeme) -> Diagnostic:
    return problem("FQL014", f"FalconQL has no `{word.text}`", word.span, Help(_FOREIGN[word.lower]))


def synonym(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``filter``, ``sort by``, ``take`` where a clause begins."""
    right = _SYNONYMS.get(word.lower)
    if word.kind != "word" or right is None or not (place.expected & {"SELECT", "LIMIT", "ORDER"}):
        return None
    following = place.word(1)
    plain = {
        "order": place.lower(1) == "by",
        "order by": True,
        "group by": True,
        "limit": following is not None and following.kind == "number",
        "select": following is not None and (following.operand or following.text == "*"),
    }
    seen = plain.get(right) and right.split()[0].upper() in place.expected
    if not seen and (right == "limit" or (place.index and "WHERE" not in place.expected)):
        # Further down such a word could be anything, unless what follows shows what it is.
        return None
    shown = "order by" if right == "order" else right
    new_text = right if place.lower(1) == "by" else shown
    message = f"no clause begins with `{word.text}`"
    return problem("FQL002", message, word.span, replacing(f"write `{shown}`", word.span, new_text))
