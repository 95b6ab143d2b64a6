"""An empty folder to work in, with a small corpus."""

from __future__ import annotations

from pathlib import Path

import pytest

REVIEWS = """id,stars,text
1,5,"Great screen, I paid $900 and love it."
2,1,"It broke after two days. Awful."
3,4,"Solid laptop for $1,200."
4,,
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FALCONQL_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("COLUMNS", raising=False)
    (tmp_path / "reviews.csv").write_text(REVIEWS, encoding="utf-8")
    return tmp_path
