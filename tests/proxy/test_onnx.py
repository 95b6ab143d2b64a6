"""A proxy directory run with ONNX Runtime: offsets, windows, batches, readouts."""

from __future__ import annotations

import re
import threading
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import falconql
from falconql.runtime.errors import ProxyError
from falconql.runtime.proxy.base import HOLE
from falconql.runtime.proxy.onnx import OnnxProxy, fills
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
        ("Anna\u0301\u0323, nobody", ["Anna\u0301\u0323"]),
        ("Anna Smith\u0301", ["Anna Smith\u0301"]),
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


def test_a_window_that_satisfies_lifts_a_long_text(proxy: OnnxProxy) -> None:
    texts = ["great", "x " * 200 + "great", "x " * 200, "great " * 200]
    scores = proxy.label(texts, ["is it"] * 4)
    assert scores[0] > scores[1] > scores[2]
    assert scores[3] > 0.99


def test_a_megabyte_is_read_to_its_end(proxy: OnnxProxy) -> None:
    text = "word " * 20_000 + "Anna Smith"
    assert found(proxy, text) == ["Anna Smith"]


TEXTS = st.text(max_size=80) | st.lists(
    st.sampled_from(
        ["Anna", "Smith", "annabel", "日本", "東京", "e\u0301", "😀", "👩\u200d👧", "[SEP]", "</s>", "\n", "x" * 120]
    )
).map(" ".join)


@pytest.mark.parametrize("byte_pairs", [False, True])
def test_cutting_into_windows_changes_nothing(tmp_path: Path, byte_pairs: bool) -> None:
    """The model reads each token by itself, so that any difference comes from cutting and merging."""
    prompt = {"kind": "single", "template": "{text}\n{instruction}"}
    changes: dict[str, Any] = {"prompts": {"label": prompt, "span": prompt}, "types": False} if byte_pairs else {}
    changes["label"] = {"readout": "any_span", "temperature": 1.0, "bias": 0.0, "threshold": 0.5}

    def made(folder: str, max_tokens: int) -> OnnxProxy:
        tokenizer = byte_level() if byte_pairs else None
        marks = ["Anna", " Anna", "x"] if byte_pairs else ["anna", "東", "x"]
        goes_on = ["S", "e"] if byte_pairs else ["smith", "京"]
        folder_ = save_proxy(
            tmp_path / folder, tokenizer, begins=marks, goes_on=goes_on, max_tokens=max_tokens, **changes
        )
        return OnnxProxy(folder_, threads=1)

    small, large = made("small", 32), made("large", 4096)

    @given(TEXTS, st.sampled_from(["who", "", "Anna"]))
    def check(text: str, instruction: str) -> None:
        asked = ([text], [instruction])
        assert small.spans(*asked) == large.spans(*asked)
        assert small.spans(*asked, 0.01) == large.spans(*asked, 0.01)
        assert small.label(*asked).tolist() == large.label(*asked).tolist()

    check()


@pytest.mark.parametrize(("threads", "most"), [(1, 512), (2, 1024), (64, 4096)])
def test_batches_are_as_large_as_the_caches_of_their_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int, most: int
) -> None:
    proxy = OnnxProxy(save_proxy(tmp_path / "tiny"), threads=threads)
    assert proxy.token_budget == most
    sizes = []
    run = proxy.session.run

    def spied(arrays: Any, **options: Any) -> Any:
        sizes.append(arrays["input_ids"].size)
        return run(arrays, **options)

    monkeypatch.setattr(proxy.session, "run", spied)
    proxy.label(["great Ada"] * 1500, ["who"] * 1500)
    assert most // 2 < max(sizes) <= most


@given(st.lists(st.tuples(TEXTS, st.sampled_from(["who", "is it great"])), max_size=12), st.data())
@settings(max_examples=30)
def test_an_answer_depends_on_its_pair_alone(
    proxy: OnnxProxy, asked: list[tuple[str, str]], data: st.DataObject
) -> None:
    def answers(order: list[int], budget: int, pairs: int) -> tuple[dict[int, float], dict[int, Any]]:
        texts, instructions = [asked[i][0] for i in order], [asked[i][1] for i in order]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("falconql.runtime.proxy.onnx.TOKEN_BUDGET", budget)
            patch.setattr("falconql.runtime.proxy.onnx.CHUNK_PAIRS", pairs)
            labels = proxy.label(texts, instructions).tolist()
            return dict(zip(order, labels, strict=True)), dict(
                zip(order, proxy.spans(texts, instructions), strict=True)
            )

    shuffled = data.draw(st.permutations(range(len(asked))))
    whole = answers(list(range(len(asked))), 4096, 256)
    assert answers(shuffled, 40, 5) == whole


def test_a_text_that_speaks_of_special_tokens_has_none(proxy: OnnxProxy) -> None:
    (encoded,) = proxy.prompter.prompted(proxy.manifest.span_prompt, [("a [SEP] [CLS]", "b")], [0], words=True)
    ids = encoded.windows[0].ids
    tokenizer = proxy.prompter.tokenizer
    assert [ids.count(tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")] == [1, 2]
    assert found(proxy, "[SEP] Anna [SEP]") == ["Anna"]


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


def test_questions_have_a_threshold_of_their_own(tmp_path: Path) -> None:
    proxy = OnnxProxy(save_proxy(tmp_path, begins=["anna"], span={"threshold": 0.99, "question_threshold": 0.5}))
    by_type, by_question, overridden = proxy.spans(["Anna"] * 3, ["person", "Who is it?", "Who?"])
    assert (by_type, len(by_question), len(overridden)) == ([], 1, 1)
    assert proxy.spans(["Anna"] * 2, ["person", "Who is it?"], 0.99) == [[], []]


def test_a_word_at_the_edge_of_a_window_is_read_whole(tmp_path: Path) -> None:
    """``annab`` is one word of several tokens; a window that begins within it must not make a word of its end."""
    proxy = OnnxProxy(save_proxy(tmp_path, begins=["a"], goes_on=["##n"], window_overlap=4))
    for shift in range(30):
        text = "x " * shift + "annnn " + "x " * 30
        assert found(proxy, text) == ["annnn"]


def test_many_texts_of_all_lengths_keep_their_order(proxy: OnnxProxy) -> None:
    texts = ["x " * (i * 37 % 90) + f"Anna {'great ' * (i % 2)}" for i in range(600)]
    assert (proxy.label(texts, ["is it"] * 600) > 0.2).tolist() == [bool(i % 2) for i in range(600)]
    for text, spans in zip(texts, proxy.spans(texts, ["who"] * 600), strict=True):
        assert [(span.start, span.end) for span in spans] == [(text.index("Anna"), text.index("Anna") + 4)]


def test_texts_and_instructions_must_be_as_many(proxy: OnnxProxy) -> None:
    with pytest.raises(ValueError, match="shorter"):
        proxy.label(["a", "b"], ["c"])


def test_a_failure_leaves_no_thread(proxy: OnnxProxy) -> None:
    with pytest.raises(ProxyError):
        proxy.label(["x"] * 400 + ["x " * 100] * 400, ["word " * 40] * 800)
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("tokenise")] == []


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


def test_an_instruction_it_was_trained_for_has_its_own_calibration(tmp_path: Path) -> None:
    own = {"temperature": 2.0, "bias": 1.0, "threshold": 0.3}
    label = {"readout": "first_token", "temperature": 1.0, "bias": 0.0, "threshold": 0.5, "instructions": {"y": own}}
    span = {"threshold": 0.999, "instructions": {"who": {"threshold": 0.5}}}
    proxy = OnnxProxy(save_proxy(tmp_path, good=["great"], begins=["anna"], label=label, span=span))
    assert (proxy.label_threshold_of("y"), proxy.label_threshold_of("z")) == (0.3, 0.5)
    expected = [1 / (1 + np.exp(-(-2.0 / 2.0 + 1.0))), 1 / (1 + np.exp(2.0))]
    np.testing.assert_allclose(proxy.label(["x", "x"], ["y", "z"]), expected, rtol=1e-6)
    assert [len(spans) for spans in proxy.spans(["Anna"] * 2, ["who", "somebody"])] == [1, 0]


def test_a_filled_in_instruction_has_the_calibration_of_its_template(tmp_path: Path) -> None:
    def own(bias: float) -> dict[str, float]:
        return {"temperature": 1.0, "bias": bias, "threshold": 0.4}

    trained = {"Is {} in {}?": own(1.0), "Is this about {}?": own(2.0), "Is this about tea?": own(3.0)}
    label = MANIFEST["label"] | {"instructions": trained}
    span = {"threshold": 0.999, "instructions": {"Who is {}?": {"threshold": 0.5}}}
    proxy = OnnxProxy(save_proxy(tmp_path, begins=["anna"], label=label, span=span))
    asked = ["Is Anna in Rome?", "Is this about tea?", "Is this about tea in cups?", "Is this about ?", "Is it?", "who"]
    shifts = proxy.label(["x"] * 6, ["Is this about {}"] * 6), proxy.label(["x"] * 6, asked)
    margins = [np.log(scores / (1 - scores)) for scores in shifts]
    np.testing.assert_allclose(margins[1] - margins[0], [1, 3, 2, 2, 0, 0], atol=1e-5)
    assert [proxy.label_threshold_of(one) for one in asked] == [0.4] * 4 + [0.5] * 2
    assert [len(spans) for spans in proxy.spans(["Anna"] * 3, ["Who is she?", "Who is ?", "Who was she?"])] == [1, 1, 0]


@pytest.mark.parametrize(("bias", "threshold"), [(3.0, 0.5), (0.0, 0.1)])
def test_a_run_asks_with_the_calibration_of_a_template(tmp_path: Path, bias: float, threshold: float) -> None:
    own = {"temperature": 1.0, "bias": bias, "threshold": threshold}
    label = MANIFEST["label"] | {"instructions": {"Is {} red?": own}}
    proxies = [
        OnnxProxy(save_proxy(tmp_path / name, label=one)) for name, one in (("a", MANIFEST["label"]), ("b", label))
    ]
    query = falconql.query('where label("Is {it} red?") select it')
    rows = {"it": ["x", "y"], "text": ["z", "z"]}
    assert [query.run(rows, proxy=proxy).to_arrow().num_rows for proxy in proxies] == [0, 2]


@given(st.lists(st.text("ab", max_size=3), min_size=2, max_size=4), st.text("ab", max_size=12))
def test_what_fills_a_template_is_what_a_pattern_finds(parts: list[str], instruction: str) -> None:
    pattern = ".*".join(map(re.escape, parts))
    assert fills(instruction, HOLE.join(parts)) == bool(re.fullmatch(pattern, instruction))


@pytest.mark.parametrize("broken", [[], {"y": 3}, {"y": {"temperature": 1.0, "bias": 0.0}}, {"y": {"threshold": 2}}])
def test_a_broken_calibration_of_an_instruction_is_named(tmp_path: Path, broken: object) -> None:
    label = {"readout": "first_token", "temperature": 1.0, "bias": 0.0, "threshold": 0.5, "instructions": broken}
    with pytest.raises(ProxyError, match=r"instructions|threshold|bias|temperature"):
        OnnxProxy(save_proxy(tmp_path, label=label))


def test_the_fingerprint_changes_with_any_file(tmp_path: Path) -> None:
    one = OnnxProxy(save_proxy(tmp_path / "a", good=["great"])).fingerprint
    same = OnnxProxy(save_proxy(tmp_path / "b", good=["great"])).fingerprint
    other = OnnxProxy(save_proxy(tmp_path / "c", good=["great"], span={"threshold": 0.4})).fingerprint
    weights = OnnxProxy(save_proxy(tmp_path / "d", begins=["great"])).fingerprint
    assert one == same
    assert len({one, other, weights}) == 3
    assert MANIFEST["name"] == "tiny"


@pytest.mark.parametrize("used", [False, True])
def test_a_proxy_that_is_replaced_while_it_is_open_gives_no_answer_of_the_other(tmp_path: Path, used: bool) -> None:
    folder = save_proxy(tmp_path / "a", good=["great"])
    proxy = OnnxProxy(folder)
    if used:  # then it has all that it needs
        before = proxy.label(["great"], ["q"])
    else:
        proxy.fingerprint  # noqa: B018 - under which answers are kept
    folder.rename(tmp_path / "old")
    save_proxy(tmp_path / "a", good=["poor"])
    if used:
        assert proxy.label(["great"], ["q"]) == before
        return
    with pytest.raises(ProxyError, match="was replaced while it was in use"):
        proxy.label(["great"], ["q"])
    other = OnnxProxy(tmp_path / "old")
    save_proxy(tmp_path / "old", good=["more"])
    with pytest.raises(ProxyError, match="was replaced while it was in use"):
        other.fingerprint  # noqa: B018
