"""Habits from SQL, Python and pandas, each with the way FalconQL says the same.

A habit is a function that looks at the place where reading stopped and returns a diagnostic if the
habit explains it.
"""

from __future__ import annotations

from collections.abc import Callable

from falconql.diagnostics.model import Diagnostic
from falconql.syntax import clause_habits as clauses
from falconql.syntax import operator_habits as operators
from falconql.syntax import value_habits as values
from falconql.syntax.lexemes import Lexeme
from falconql.syntax.place import ErrorPlace

Habit = Callable[[ErrorPlace, Lexeme], Diagnostic | None]

# The first that explains wins, so that what looks only at one word comes after what looks at several.
HABITS: tuple[Habit, ...] = (
    clauses.limit_number,
    clauses.clause_colon,
    clauses.unquoted_path,
    values.comment,
    values.unclosed,
    values.number,
    values.grouped_digits,
    clauses.semicolon,
    clauses.clause_order,
    clauses.extra_comma,
    clauses.missing_by,
    clauses.binding,
    clauses.several_lets,
    clauses.two_corpora,
    clauses.corpus_alias,
    clauses.several_texts,
    clauses.row_count,
    values.several_in_parentheses,
    values.quoted_name,
    values.star_argument,
    values.alias,
    operators.direction,
    clauses.named_key,
    clauses.foreign,
    clauses.synonym,
    clauses.missing_operand,
    values.smart_quotes,
    values.missing_slashes,
    values.touching_texts,
    values.text_prefix,
    values.apostrophe,
    operators.in_list,
    operators.starts_with,
    operators.is_test,
    values.parameter,
    operators.prefix_null_test,
    operators.operator_word,
    operators.like,
    operators.ends_with,
    operators.negated_operator,
    operators.between,
    operators.chained,
    operators.repeated_value,
    operators.plus_sign,
    operators.bracket,
    values.bare_call,
    values.method,
    operators.sign,
    values.several_words,
)
