"""Batches of the size that the proxy asks for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

import falconql
from tests.fakes import FakeProxy


class Watched(FakeProxy):
    """Keeps how many texts each call had."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def label(self, texts: Sequence[str], instructions: Sequence[str]) -> NDArray[np.float32]:
        self.sizes.append(len(texts))
        return super().label(texts, instructions)


class Hungry(Watched):
    rows_at_once = 5000


def test_a_proxy_is_given_as_many_rows_as_it_takes_at_once() -> None:
    table = pa.table({"text": [f"row {number}" for number in range(20_000)]})
    query = falconql.query('select s: score(label("has 7"))')
    results = []
    for proxy, most in ((Watched(), 1024), (Hungry(), 5000)):
        results.append(query.run(table, proxy=proxy, cache=False).to_arrow())
        assert max(proxy.sizes) == most
    assert results[0].equals(results[1])
