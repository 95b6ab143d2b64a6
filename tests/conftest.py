"""Settings for every test: reproducible property tests, and a way to accept new expectations."""

import os

import pytest
from hypothesis import settings

settings.register_profile("falconql", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("falconql")

# What one test computed would be there for the next; tests of the cache name a folder.
os.environ["FALCONQL_CACHE"] = "off"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--accept", action="store_true", help="rewrite the expectations of Markdown cases")
