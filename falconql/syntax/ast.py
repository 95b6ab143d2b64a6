"""What was written, node by node.

Every node carries the range of its words in the source; the range takes no part in equality, so
that trees compare by meaning. Names are not resolved here and nothing has a type: that is
``falconql.check``. Rule names and aliases of the grammar are these class names in snake case.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from falconql.source import Span

ComparisonOp = Literal["=", "!=", "<", "<=", ">", ">="]
ArithmeticOp = Literal["+", "-", "*", "/"]
TextTestOp = Literal["contains", "starts with"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Anything that was written somewhere."""

    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A column, let or each name; ``text`` is without back-ticks."""

    text: str


@dataclass(frozen=True, slots=True)
class Parameter(Node):
    """``$name``, bound from outside."""

    name: str


@dataclass(frozen=True, slots=True)
class Text(Node):
    """A quoted text; ``value`` has its escapes resolved (braces are left as written).

    ``offsets[i]`` is where ``value[i]`` begins in the source and ``offsets[len(value)]`` where the
    closing quote stands, so that a place inside the value can be shown.
    """

    value: str
    offsets: tuple[int, ...] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Integer(Node):
    """A whole number."""

    value: int


@dataclass(frozen=True, slots=True)
class Decimal(Node):
    """A number with a point or an exponent."""

    value: float


@dataclass(frozen=True, slots=True)
class Boolean(Node):
    """``true`` or ``false``."""

    value: bool


@dataclass(frozen=True, slots=True)
class Null(Node):
    """``null``."""


@dataclass(frozen=True, slots=True)
class Regex(Node):
    """``/pattern/flags``; the pattern with ``\\/`` resolved, otherwise as written."""

    pattern: str
    flags: str


@dataclass(frozen=True, slots=True)
class Argument(Node):
    """One argument of a call, named (``threshold: 0.7``) or not."""

    name: Name | None
    value: Expr


@dataclass(frozen=True, slots=True)
class Call(Node):
    """``function(argument, ...)``; function names are case-insensitive, ``function.text`` as written."""

    function: Name
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class Negate(Node):
    """``-x``."""

    operand: Expr


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """``left op right`` on numbers."""

    op: ArithmeticOp
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Comparison(Node):
    """``left op right``; comparisons do not chain."""

    op: ComparisonOp
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class In(Node):
    """``value in (option, ...)``, at least one option."""

    value: Expr
    options: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class TextTest(Node):
    """``value contains pattern`` or ``value starts with pattern``."""

    op: TextTestOp
    value: Expr
    pattern: Expr


@dataclass(frozen=True, slots=True)
class Matches(Node):
    """``value matches /regex/flags``."""

    value: Expr
    regex: Regex


@dataclass(frozen=True, slots=True)
class IsNull(Node):
    """``value is null`` or, negated, ``value is not null``."""

    value: Expr
    negated: bool


@dataclass(frozen=True, slots=True)
class Not(Node):
    """``not operand``."""

    operand: Expr


@dataclass(frozen=True, slots=True)
class And(Node):
    """Two or more conjuncts, as written between ``and``."""

    operands: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Or(Node):
    """Two or more disjuncts, as written between ``or``."""

    operands: tuple[Expr, ...]


Expr = (
    Name
    | Parameter
    | Text
    | Integer
    | Decimal
    | Boolean
    | Null
    | Call
    | Negate
    | Arithmetic
    | Comparison
    | In
    | TextTest
    | Matches
    | IsNull
    | Not
    | And
    | Or
)


@dataclass(frozen=True, slots=True)
class From(Node):
    """``from "path-or-uri"``."""

    path: Text


@dataclass(frozen=True, slots=True)
class TextColumn(Node):
    """``text column``."""

    column: Name


@dataclass(frozen=True, slots=True)
class Using(Node):
    """``using "proxy"`` or ``using llm "model-name"``."""

    model: Text
    llm: bool


@dataclass(frozen=True, slots=True)
class Let(Node):
    """``let name = value``."""

    name: Name
    value: Expr


@dataclass(frozen=True, slots=True)
class Each(Node):
    """``each name in value``."""

    name: Name
    value: Expr


@dataclass(frozen=True, slots=True)
class Where(Node):
    """``where condition``."""

    condition: Expr


@dataclass(frozen=True, slots=True)
class GroupBy(Node):
    """``group by key, ...``."""

    keys: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Star(Node):
    """``*`` in a ``select``."""


@dataclass(frozen=True, slots=True)
class Item(Node):
    """One output column: ``value`` or ``name: value``."""

    name: Name | None
    value: Expr


@dataclass(frozen=True, slots=True)
class Select(Node):
    """``select item, ...``."""

    items: tuple[Star | Item, ...]


@dataclass(frozen=True, slots=True)
class Order(Node):
    """One sort key; ``descending`` is None when neither ``asc`` nor ``desc`` was written."""

    value: Expr
    descending: bool | None


@dataclass(frozen=True, slots=True)
class OrderBy(Node):
    """``order by key [asc|desc], ...``."""

    keys: tuple[Order, ...]


@dataclass(frozen=True, slots=True)
class Limit(Node):
    """``limit n``, a whole number or a parameter."""

    count: Integer | Parameter


@dataclass(frozen=True, slots=True)
class Query(Node):
    """A whole query; every clause may be missing."""

    source: From | None
    text: TextColumn | None
    using: Using | None
    bindings: tuple[Let | Each, ...]
    where: Where | None
    group_by: GroupBy | None
    select: Select | None
    order_by: OrderBy | None
    limit: Limit | None
