"""How texts of a column are converted."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from falconql.runtime.io import infer
from falconql.runtime.io.infer import Kind, convert

TEXTS = st.sampled_from(
    ["", " ", "1", " 2 ", "007", "1.5", "nan", "true", "False", "2024-01-31", "2024-01-31 10:00", "a"]
)


@given(st.lists(st.none() | TEXTS, max_size=9), st.sampled_from(Kind))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_looking_at_the_first_values_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, texts: list[str | None], kind: Kind
) -> None:
    values = pa.array(texts, pa.string())
    with monkeypatch.context() as patched:
        patched.setattr(infer, "_FIRST", 2)
        found = convert(values, kind)
    with monkeypatch.context() as patched:
        patched.setattr(infer, "_FIRST", len(texts))
        assert found == convert(values, kind)


def test_a_column_is_not_converted_to_the_end_where_its_first_values_do_not_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_at: list[int] = []
    cast = pc.cast

    def watched(values: pa.Array, *rest: Any) -> Any:
        looked_at.append(len(values))
        return cast(values, *rest)

    monkeypatch.setattr(pc, "cast", watched)
    assert convert(pa.array(["x"] * 100_000), Kind.INT) is None
    assert max(looked_at) < 1_000
