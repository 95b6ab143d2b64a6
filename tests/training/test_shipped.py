"""The proxy that ships, and what is said of it."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from falconql.runtime.proxy.onnx import OnnxProxy
from falconql.training.sources import HELD_OUT, SETS

FOLDER = Path(str(resources.files("falconql.runtime.proxy"))) / "kestrel"
# In the table of the card the previous Kestrel comes first.
SHIPPED_COLUMN = 1
CARD = Path(__file__).resolve().parents[2] / "docs" / "kestrel.md"


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "proxy.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def kestrel() -> OnnxProxy:
    return OnnxProxy(FOLDER, threads=1)


def test_it_is_under_30_megabytes() -> None:
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 30_000_000


def test_the_manifest_lists_every_set_with_its_licence(manifest: dict[str, Any]) -> None:
    listed = [(entry["name"], entry["licence"], entry["source"]) for entry in manifest["data"]]
    # It may name more: sets that it was trained on and the next one is not.
    assert [s.name for s in SETS if (s.name, s.licence, s.source) not in listed] == []


def test_the_card_lists_every_set_with_its_licence_and_what_was_held_out() -> None:
    card = CARD.read_text(encoding="utf-8")
    assert [s.name for s in SETS if f"| {s.name} | {s.licence} | {s.source} |" not in card] == []
    assert [name for name in HELD_OUT if name not in card] == []


def test_the_card_shows_the_figures_of_the_manifest(manifest: dict[str, Any]) -> None:
    card = CARD.read_text(encoding="utf-8")
    for place, figures in manifest["metrics"]["quality"]["sets"].items():
        task, name = place.split("/", 1) if not place.startswith("yes/no/") else ("yes/no", place[7:])
        for measure, value in figures.items():
            if measure != "rows":
                row = f"| {task} | {name} | {figures['rows']} | {measure} |"
                line = next(line for line in card.splitlines() if line.startswith(row))
                shipped = line.removeprefix(row).split("|")[SHIPPED_COLUMN].strip()
                assert shipped.startswith(f"{value:.1f} ("), line


def test_opposite_opinions_get_opposite_answers(kestrel: OnnxProxy) -> None:
    texts = ["I love this laptop, it is fast and the screen is great.", "Terrible. It broke after a day, avoid it."]
    good = kestrel.label(texts, ["Is the reviewer satisfied?"] * 2) >= kestrel.label_threshold
    bad = kestrel.label(texts, ["Is this a negative review?"] * 2) >= kestrel.label_threshold
    assert good.tolist() == [True, False]
    assert bad.tolist() == [False, True]


def test_people_are_found_where_they_stand(kestrel: OnnxProxy) -> None:
    text = "Yesterday Angela Merkel met Barack Obama in Berlin."
    (spans,) = kestrel.spans([text], ["Which persons are mentioned?"])
    assert [text[span.start : span.end] for span in spans] == ["Angela Merkel", "Barack Obama"]


def test_the_scores_of_a_text_do_not_depend_on_its_batch(kestrel: OnnxProxy) -> None:
    texts = ["It broke.", "The film was long, but the actors were so good that nobody minded. " * 3, "Fine."]
    together = kestrel.label(texts, ["Is this positive?"] * 3)
    alone = [float(kestrel.label([text], ["Is this positive?"])[0]) for text in texts]
    assert together.tolist() == pytest.approx(alone, abs=1e-5)
