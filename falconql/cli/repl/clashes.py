"""Names that a query gives anew while it uses what was built on them before.

The checker would find the same, and point into a text that is not the query: that of the earlier definition.
"""

from __future__ import annotations

from falconql.diagnostics.model import Diagnostic, Help, Label
from falconql.source import Source
from falconql.syntax import parse_tolerant
from falconql.syntax.ast import Let
from falconql.syntax.definitions import Definitions, names_in, with_definitions


def clashes(source: Source, given: Definitions) -> list[Diagnostic]:
    """Return what is wrong with a query's own names beside the definitions that it is given."""
    tree = parse_tolerant(source).query if given.lets else None
    if tree is None or not tree.bindings:
        return []
    taken = with_definitions(tree, given).bindings[: -len(tree.bindings)]
    found, alone = [], ", or define it in a statement of its own"
    for binding in tree.bindings:
        name = binding.name.text
        if any(other.name.text == name for other in taken):
            built = ", ".join(f"`{other.name.text}`" for other in taken if name in names_in(other.value))
            found.append(
                Diagnostic(
                    "FQL103",
                    f"the name `{name}` is given twice",
                    Label(binding.name.span, "given again here"),
                    notes=(f"the query uses {built}, built on the `{name}` that was defined before",),
                    helps=(Help(f"give it another name{alone if isinstance(binding, Let) else ''}"),),
                )
            )
    return found
