"""What is wrong with a query while it is typed; nothing is read for it that the keys would have to wait for."""

from __future__ import annotations

import os
from functools import lru_cache

from falconql.catalog import Catalog
from falconql.check import check_query
from falconql.cli.repl.alone import is_empty, without_need
from falconql.cli.repl.clashes import clashes
from falconql.cli.repl.opened import is_quick, stamps
from falconql.cli.repl.session import Session
from falconql.diagnostics.model import Diagnostic, Severity
from falconql.errors import FalconQLError
from falconql.runtime.plan import Field
from falconql.source import Source
from falconql.syntax import ast, parse_tolerant
from falconql.syntax.definitions import with_definitions

# Longer texts are not looked at while they are typed.
MOST_CHECKED = 4000


def glance(session: Session, text: str) -> Diagnostic | None:
    """Return the first mistake in a text, other than that it breaks off."""
    if len(text) > MOST_CHECKED or is_empty(text):
        return None
    source = Source("<query>", text)
    parsed = parse_tolerant(source)
    found = list(parsed.diagnostics)
    tree = parsed.query
    if tree is not None:
        given = session.given(tree)
        if clashing := clashes(source, given):
            found = clashing
        else:
            _, more = check_query(
                with_definitions(tree, given),
                _catalog(session, tree),
                lost_names=parsed.lost_names,
                lost_clauses=parsed.lost_clauses,
            )
            # What a query needs may still be typed behind all clauses but the last ones.
            ended = tree.order_by is not None or tree.limit is not None
            found = sorted([*found, *(more if ended else without_need(more))], key=lambda d: d.primary.span)
    errors = [d for d in found if d.severity is Severity.ERROR and not breaks_off(d, text)]
    return errors[0] if errors else None


def breaks_off(diagnostic: Diagnostic, text: str) -> bool:
    """Return whether what is wrong is only that there is no more."""
    return diagnostic.primary.span.start >= len(text.rstrip())


def _catalog(session: Session, tree: ast.Query) -> Catalog:
    """Return what is known of the corpus of a query without waiting; no columns, and any name is taken for one."""
    if tree.source is not None:
        return _catalog_of(tree.source.path.value)
    if session.opened is None:
        return Catalog(None)
    if not is_quick(session.opened.path) and session.opened.has_changed():
        return Catalog(None)
    return Catalog(session.opened.fields, corpus=session.opened.name)


def _catalog_of(path: str) -> Catalog:
    if not is_quick(path):
        return Catalog(None)
    return Catalog(_columns(path, stamps((os.path.expanduser(path),))), corpus=path)


@lru_cache(maxsize=8)
def _columns(path: str, stamp: object) -> tuple[Field, ...] | None:
    from falconql.api import opened
    from falconql.runtime.io.arrow import fields_from_schema

    try:
        return fields_from_schema(opened(path).schema)
    except (FalconQLError, OSError):
        return None
