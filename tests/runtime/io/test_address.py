from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falconql.runtime.io.address import may_stand_in_query, scheme_of, shown
from falconql.runtime.io.remote.locate import translated

_SCHEMES = ("s3", "gs", "http", "https", "postgresql", "postgres", "mysql", "ftp")


@given(
    st.sampled_from(_SCHEMES),
    st.text("PQ", min_size=6, max_size=9),
    st.sampled_from(["{}", "{}/x", "a?{}", "#{}", "/{}", "%2F{}", "a@{}", "{}:b"]),
)
def test_no_password_is_shown_however_it_is_written(scheme: str, secret: str, form: str) -> None:
    address = f"{scheme}://user:{form.format(secret)}@host/db?table=t&key=v"
    assert secret not in shown(address)
    assert not may_stand_in_query(address)


@pytest.mark.parametrize(
    ("address", "seen"),
    [
        ("s3://bucket/part-?.csv", "s3://bucket/part-?.csv"),
        ("https://host:8080/@a/b.csv", "https://host:8080/@a/b.csv"),
        ("https://host/b.csv?X-Amz-Signature=abc", "https://host/b.csv?…"),
        ("hf://datasets/owner/name@main/a.parquet", "hf://datasets/owner/name@main/a.parquet"),
        ("postgresql://me@h/db?table=t&sslmode=require", "postgresql://me@h/db?table=t&…"),
        ("postgresql://me:secret@h:5432/db?table=t", "postgresql://me:***@h:5432/db?table=t"),
        ("sqlite:///a b.db?table=t", "sqlite:///a b.db?table=t"),
        ("data/a.csv", "data/a.csv"),
    ],
)
def test_shown(address: str, seen: str) -> None:
    assert shown(address) == seen


def test_paths_are_no_addresses() -> None:
    assert [scheme_of(path) for path in ("a.csv", "C:/a.csv", "file:///a.csv", "-", 3)] == [None] * 5


@pytest.mark.parametrize(
    ("pattern", "matched", "not_matched"),
    [
        ("b/*.csv", "b/x.csv", "b/c/x.csv"),
        ("b/**/*.csv", "b/x.csv", "b/x.json"),
        ("b/**/*.csv", "b/c/d/x.csv", "c/x.csv"),
        ("b/[!a]?.csv", "b/bc.csv", "b/ab.csv"),
        ("b/[a-c].csv", "b/b.csv", "b/d.csv"),
    ],
)
def test_patterns(pattern: str, matched: str, not_matched: str) -> None:
    import re

    assert re.fullmatch(translated(pattern), matched)
    assert not re.fullmatch(translated(pattern), not_matched)
