"""What the paper's experiments measure with: rows of labelled sets as questions and their answers."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytestmark = pytest.mark.train
pytest.importorskip("torch")
pytest.importorskip("transformers")

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks" / "paper"))

from common import QUESTIONS, Task, base_without  # noqa: E402


def made(folder: Path, classes: dict[str, str]) -> Path:
    """Write a set of texts of so many classes."""
    own = folder / "classify" / "sms_spam"
    own.mkdir(parents=True)
    (own / "labels.json").write_text(json.dumps(classes))
    rows = [{"text": f"{name} {number}", "label": name} for name in classes for number in range(6)]
    for split in ("train", "test"):
        pq.write_table(pa.Table.from_pylist(rows), own / f"{split}.parquet")
    return folder


def test_a_class_is_asked_for_by_the_name_that_rows_have(tmp_path: Path) -> None:
    assert "spam" in QUESTIONS["classify/sms_spam"]
    task = Task(made(tmp_path, {"ham": "ordinary message", "spam": "unsolicited advertising"}), "classify/sms_spam", 12)
    for example in (*task.test, *task.draw(12, 0).learned):
        assert example.answer is example.text.startswith("spam")


def test_a_class_that_the_set_lacks_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has the classes ham, advertising, not spam"):
        Task(made(tmp_path, {"ham": "ham", "advertising": "spam"}), "classify/sms_spam", 12)


def test_a_base_that_knows_a_set_is_refused() -> None:
    assert base_without("kestrel", ["spans/gum"]).manifest.name == "kestrel"
    with pytest.raises(SystemExit, match=r"kestrel was trained on spans/wikigold: give a --base that was not"):
        base_without("kestrel", ["spans/gum", "spans/wikigold"])
