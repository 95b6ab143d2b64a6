"""What a query does is said as it is."""

from __future__ import annotations

import pytest

from falconql.asking.understanding import understanding
from falconql.catalog import Catalog
from falconql.check import check_query
from falconql.runtime.plan import Field
from falconql.source import Source
from falconql.syntax import parse
from falconql.types import BOOL, INT, TEXT

FIELDS = (Field("recommended", BOOL), Field("stars", INT), Field("text", TEXT))


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("recommended", "recommended"),
        ("recommended = true", "recommended"),
        ("recommended != true", "not recommended"),
        ("recommended = false", "not recommended"),
        ("recommended != false", "recommended"),
        ("not recommended", "not recommended"),
        ("true != recommended", "not recommended"),
        ("stars != 3", "stars is not 3"),
        ("stars > 2 and recommended = false", "stars is over 2 and not recommended"),
    ],
)
def test_a_condition_is_not_said_as_its_opposite(condition: str, said: str) -> None:
    typed, _ = check_query(parse(Source("<query>", f"where {condition}")), Catalog(FIELDS, {}, "reviews"))
    assert typed is not None
    assert understanding(typed)[0] == f"keeps: {said}"
