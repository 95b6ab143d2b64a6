"""A proxy directory run with ONNX Runtime: offsets, windows, batches, readouts."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from falconql.runtime.errors import ProxyError
from falconql.runtime.proxy.onnx import OnnxProxy
from tests.proxy.tiny import MANIFEST, byte_level, save_proxy


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> OnnxProxy:
    folder = tmp_path_factory.mktemp("proxy")
    save_proxy(folder, begins=["anna", "paris", "東"], goes_on=["smith", "京"], good=["great"])
    return OnnxProxy(folder)


def found(proxy: OnnxProxy, text: str, instruction: str = "who") -> list[str]:
    (spans,) = proxy.spans([text], [instruction])
    for span in spans:
        assert 0 <= span.start < span.end <= len(text)
        assert 0.0 <= span.score <= 1.0
    return [text[span.start : span.end] for span in spans]


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("Anna Smith saw Paris.", ["Anna Smith", "Paris"]),
        ("anna anna Smith smith", ["anna", "anna Smith smith"]),
        ("😀😀 Anna 👩‍👩‍👧 Smith", ["Anna"]),
        ("e\u0301te\u0301 Anna", ["Anna"]),
        (unicodedata.normalize("NFD", "Ánna Smith"), [unicodedata.normalize("NFD", "Ánna Smith")]),
        ("東京タワー Anna", ["東京", "Anna"]),
        ("  \t Anna \n Smith  ", ["Anna \n Smith"]),
        ("nobody", []),
        ("", []),
        ("   ", []),
        ("Anna\x00Smith", ["Anna\x00Smith"]),
        ("\ud800 Anna", ["Anna"]),
    ],
)
def test_spans_are_characters_of_the_original_text(proxy: OnnxProxy, text: str, spans: list[str]) -> None:
    assert found(proxy, text) == spans


@given(
    text=st.text(max_size=60)
    | st.lists(st.sampled_from(["Anna", "Smith", "日本", "é", "e\u0301", "😀", "x"])).map(" ".join)
)
def test_every_span_lies_in_its_text(proxy: OnnxProxy, text: str) -> None:
    (spans,) = proxy.spans([text], ["who"])
    previous = 0
    for span in spans:
        assert previous <= span.start < span.end <= len(text)
        assert text[span.start : span.end].strip() == text[span.start : span.end] != ""
        previous = span.end


@given(fillers=st.lists(st.integers(0, 40), min_size=1, max_size=6))
@settings(max_examples=30)
def test_windows_change_nothing_about_what_is_found(proxy: OnnxProxy, fillers: list[int]) -> None:
    text = " ".join("x " * count + "Anna Smith" for count in fillers)
    assert found(proxy, text) == ["Anna Smith"] * len(fillers)


def test_a_long_text_is_as_good_as_its_best_window(proxy: OnnxProxy) -> None:
    texts = ["great", "x " * 200 + "great", "x " * 200]
    scores = proxy.label(texts, ["is it"] * 3)
    assert scores[0] == scores[1] > 0.5 > scores[2]


def test_a_megabyte_is_read_to_its_end(proxy: OnnxProxy) -> None:
    text = "word " * 20_000 + "Anna Smith"
    assert found(proxy, text) == ["Anna Smith"]


def test_order_and_company_change_nothing(proxy: OnnxProxy) -> None:
    texts = [f"{'great ' * (i % 3)}{'x ' * (i * 7 % 50)}Anna" for i in range(300)]
    together = proxy.label(texts, ["is it"] * 300)
    assert together.dtype == np.float32
    assert together.shape == (300,)
    backwards = proxy.label(texts[::-1], ["is it"] * 300)[::-1]
    alone = [proxy.label([text], ["is it"])[0] for text in texts[:40]]
    np.testing.assert_array_equal(together, backwards)
    np.testing.assert_array_equal(together[:40], np.array(alone))


def test_tokens_are_counted_as_they_are_run(proxy: OnnxProxy) -> None:
    texts = ["Anna", "x " * 100, ""]
    before = proxy.tokens_run
    proxy.label(texts, ["who is it"] * 3)
    counted = proxy.count_tokens(texts, ["who is it"] * 3)
    assert proxy.tokens_run - before == counted.sum()
    assert counted[1] > 100 + 3


def test_a_span_threshold_of_its_own(proxy: OnnxProxy) -> None:
    assert proxy.spans(["Anna"], ["who"], 0.999) == [[]]
    assert len(proxy.spans(["x"], ["who"], 0.0)[0]) == 1


def test_nothing_asked_nothing_answered(proxy: OnnxProxy) -> None:
    assert proxy.label([], []).shape == (0,)
    assert proxy.spans([], []) == []


def test_an_instruction_longer_than_the_window_is_refused(proxy: OnnxProxy) -> None:
    with pytest.raises(ProxyError, match="leaves no room for the text"):
        proxy.label(["x " * 100], ["word " * 40])


def test_what_is_filled_into_a_prompt_is_not_looked_into(proxy: OnnxProxy) -> None:
    assert found(proxy, "{instruction} Anna {text}", "{text}") == ["Anna"]


CUCKOO = "User:\n\n{text}\n\nQuestion: {instruction}\n\nAssistant:"


@pytest.fixture(scope="module")
def cuckoo(tmp_path_factory: pytest.TempPathFactory) -> OnnxProxy:
    prompt = {"kind": "single", "template": CUCKOO}
    folder = save_proxy(
        tmp_path_factory.mktemp("cuckoo"),
        byte_level(),
        begins=[" Anna", "Anna"],
        types=False,
        max_tokens=128,
        prompts={"label": prompt, "span": prompt},
        label={"readout": "any_span", "temperature": 1.0, "bias": 0.0, "threshold": 0.5},
    )
    return OnnxProxy(folder)


def test_a_prompt_in_one_piece_with_byte_level_tokens(cuckoo: OnnxProxy) -> None:
    assert found(cuckoo, "Anna lives. Anna left 😀 Anna") == ["Anna", "Anna", "Anna"]
    assert found(cuckoo, "who", "Anna") == []
    assert found(cuckoo, "日本 é Anna!") == ["Anna"]


def test_a_label_read_off_the_surest_span(cuckoo: OnnxProxy) -> None:
    yes, no = cuckoo.label(["Anna lives in Rome", "it rains"], ["who"] * 2)
    assert yes > 0.9
    assert no < 0.1


def test_calibration_shifts_scores(tmp_path: Path) -> None:
    label = {"readout": "first_token", "temperature": 2.0, "bias": 1.0, "threshold": 0.3}
    proxy = OnnxProxy(save_proxy(tmp_path, good=["great"], label=label))
    assert proxy.label_threshold == 0.3
    expected = 1 / (1 + np.exp(-(-2.0 / 2.0 + 1.0)))
    np.testing.assert_allclose(proxy.label(["x"], ["y"]), [expected], rtol=1e-6)


def test_the_fingerprint_changes_with_any_file(tmp_path: Path) -> None:
    one = OnnxProxy(save_proxy(tmp_path / "a", good=["great"])).fingerprint
    same = OnnxProxy(save_proxy(tmp_path / "b", good=["great"])).fingerprint
    other = OnnxProxy(save_proxy(tmp_path / "c", good=["great"], span={"threshold": 0.4})).fingerprint
    weights = OnnxProxy(save_proxy(tmp_path / "d", begins=["great"])).fingerprint
    assert one == same
    assert len({one, other, weights}) == 3
    assert MANIFEST["name"] == "tiny"
