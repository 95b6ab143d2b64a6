"""Habits from SQL, Python, pandas, jq and plain English, each with the way FalconQL says the same.

A habit is a function that looks at the place where reading stopped and returns a diagnostic if the
habit explains it.
"""

from __future__ import annotations

from collections.abc import Callable

from falconql.diagnostics.model import Diagnostic
from falconql.syntax import clause_habits as clauses
from falconql.syntax import method_habits as methods
from falconql.syntax import name_habits as names
from falconql.syntax import operator_habits as operators
from falconql.syntax import sign_habits as signs
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
    values.part_of_date,
    values.unclosed,
    values.number,
    values.grouped_digits,
    clauses.semicolon,
    clauses.clause_order,
    clauses.extra_comma,
    clauses.missing_by,
    names.binding,
    names.several_lets,
    clauses.two_corpora,
    names.corpus_alias,
    clauses.several_texts,
    clauses.row_count,
    names.missing_clause,
    signs.decimal_comma,
    clauses.comma_condition,
    values.several_in_parentheses,
    values.quoted_name,
    values.star_argument,
    values.alias,
    operators.direction,
    names.named_key,
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
    operators.worded_comparison,
    operators.is_test,
    values.parameter,
    operators.existence,
    operators.prefix_null_test,
    operators.does,
    operators.about,
    operators.operator_word,
    operators.like,
    operators.ends_with,
    operators.negated_operator,
    operators.between,
    signs.chained,
    signs.repeated_value,
    signs.split_sign,
    signs.plus_sign,
    signs.bracket,
    signs.pipe,
    signs.unit,
    signs.joined_texts,
    signs.branch,
    signs.arrow,
    signs.regex_operand,
    values.bare_call,
    methods.method,
    signs.sign,
    values.several_words,
)
