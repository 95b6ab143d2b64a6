"""What people call a row of a table, and the periods of its date."""

from __future__ import annotations

from falconql.asking.corpus import Corpus
from falconql.asking.evidence import stem, stems_of, words
from falconql.types import DATE, TIMESTAMP

# What rows of a period have in common.
PERIODS = {
    "year": ("year",),
    "quarter": ("year", "quarter"),
    "month": ("year", "month"),
    "day": ("year", "month", "day"),
    "weekday": ("weekday",),
    "hour": ("hour",),
}
ROWS, PEOPLE = stems_of("rows"), stems_of("people")


def periods_of(corpus: Corpus) -> tuple[str, ...]:
    """Return the periods that the dates of a table tell; dates without a time of day have no hours."""
    types = {column.type for column in corpus.columns}
    return tuple(period for period in PERIODS if TIMESTAMP in types or (DATE in types and period != "hour"))


def row_nouns(corpus: Corpus) -> frozenset[str]:
    """Return the stems of the words that mean a row of this table."""
    named = words(f"{corpus.name} {corpus.text or ''}")
    keys = [word for column in corpus.columns[:2] if not column.closed for word in words(column.name)]
    return ROWS | {stem(word) for word in (*named, *keys)}
