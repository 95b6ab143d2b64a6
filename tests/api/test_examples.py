"""The examples in what programs call: they run, and print what they say."""

from __future__ import annotations

import doctest
from types import ModuleType

import pytest

import falconql
from falconql import api, proxies


@pytest.mark.parametrize("module", [falconql, api, proxies], ids=lambda module: module.__name__)
def test_examples_in_docstrings(module: ModuleType) -> None:
    found = doctest.testmod(module)
    assert found.attempted > 1
    assert found.failed == 0
