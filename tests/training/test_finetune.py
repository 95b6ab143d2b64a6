"""Fine-tuning, and the way back from a proxy directory to weights, on a tiny encoder."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from falconql.training.dataset import B, O
from falconql.training.examples import Example
from tests.training.made_model import made_tokenizer, write_base

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

if TYPE_CHECKING:
    import torch
else:
    torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from falconql.training import finetune  # noqa: E402
from falconql.training.finetune import Epoch, FineTuning, balanced, fine_tune  # noqa: E402
from falconql.training.trainable import trainable  # noqa: E402

PEOPLE, PLACES = (
    ["ada", "grace", "alan", "edsger", "barbara", "donald"],
    ["paris", "oslo", "lima", "cairo", "quito", "bonn"],
)


def made(count: int, seed: int) -> list[Example]:
    """Whether somebody liked a place, and who it was; one in six did."""
    rng = random.Random(seed)
    found = []
    for number in range(count):
        who, where = rng.choice(PEOPLE), rng.choice(PLACES)
        liked = number % 6 == 0
        text = f"{who} {'liked' if liked else rng.choice(['left', 'saw', 'visited'])} {where}"
        if number % 2:
            found.append(Example("a person", text, ((0, len(who)),)))
        else:
            found.append(Example("is the person liked", text, liked))
    return found


@pytest.fixture
def model(tmp_path: Path) -> torch.nn.Module:
    from falconql.training.pretrain import new_model

    return new_model(write_base(tmp_path / "base"))


def config(epochs: int = 20, patience: int = 20, learned_share: float = 1.0) -> FineTuning:
    return FineTuning(
        learning_rate=3e-3, epochs=epochs, patience=patience, tokens_per_step=256, learned_share=learned_share
    )


def _arrays(seed: int) -> dict[str, np.ndarray]:
    from falconql.training.dataset import collate, tokenise

    return collate(tokenise(made_tokenizer(), made(16, seed), 64, 0))


def test_a_model_learns_labels_and_spans_together(model: torch.nn.Module) -> None:
    from falconql.training.dataset import collate, tokenise

    torch.manual_seed(0)
    history = fine_tune(model, made_tokenizer(), made(120, 1), made(40, 2), config())
    assert history[0].number == 0
    assert min(epoch.held_out for epoch in history) < 0.2 * history[0].held_out
    fresh = made(40, 3)
    arrays = collate(tokenise(made_tokenizer(), fresh, 64, 0))
    targets = arrays.pop("targets")
    with torch.inference_mode():
        got = model(**{name: torch.from_numpy(array) for name, array in arrays.items()}).logits.argmax(-1).numpy()
    assert (got == targets)[targets >= 0].mean() > 0.95


def test_both_answers_of_an_instruction_weigh_the_same() -> None:
    examples = [Example("rare", "t", True), *[Example("rare", "t", False)] * 4, Example("one", "t", True)]
    weights = balanced(examples)
    assert weights[0] == weights[1:5].sum()
    assert weights[:5].sum() == pytest.approx(5)
    assert weights[5] == 1.0
    assert balanced([Example("q", "t", True), *[Example("q", "t", False)] * 400]).max() == 8.0


def score_of(model: torch.nn.Module) -> float:
    """Return how well a model answers what is held out."""
    start = fine_tune(model, made_tokenizer(), made(4, 1), made(40, 2), config(epochs=0))[0]
    assert start.score is not None
    return start.score


def test_what_only_gets_worse_is_not_kept(model: torch.nn.Module) -> None:
    wrong = [Example(e.instruction, e.text, not e.answer) for e in made(60, 1) if isinstance(e.answer, bool)]
    fine_tune(model, made_tokenizer(), made(120, 1), made(40, 2), config())
    before = score_of(model)
    history = fine_tune(model, made_tokenizer(), wrong, made(40, 2), config(patience=2))
    chance = 40**-0.5
    assert len(history) < 12
    assert all(epoch.score is not None and epoch.score < before - chance for epoch in history[-2:])
    assert score_of(model) >= before - chance


def test_what_answers_as_well_as_chance_allows_is_trained_to_the_end(model: torch.nn.Module) -> None:
    history = fine_tune(model, made_tokenizer(), made(120, 1), made(4, 2), config(epochs=6, patience=1))
    assert len(history) == 7
    assert score_of(model) > 0.9


def test_an_interrupted_run_ends_as_a_whole_one(model: torch.nn.Module, tmp_path: Path) -> None:
    start = {name: value.clone() for name, value in model.state_dict().items()}
    settings = config(epochs=4, learned_share=0.7)
    fine_tune(model, made_tokenizer(), made(60, 1), made(20, 2), settings)
    whole = {name: value.clone() for name, value in model.state_dict().items()}

    class Stop(Exception):
        pass

    def stop(epoch: Epoch) -> None:
        if epoch.number == 2:
            raise Stop

    model.load_state_dict(start)
    state = tmp_path / "state.pt"
    with pytest.raises(Stop):
        fine_tune(model, made_tokenizer(), made(60, 1), made(20, 2), settings, state=state, on_epoch=stop)
    model.load_state_dict(start)
    fine_tune(model, made_tokenizer(), made(60, 1), made(20, 2), settings, state=state)
    assert all(torch.equal(value, whole[name]) for name, value in model.state_dict().items())


def test_weights_end_between_where_they_began_and_what_was_learned(model: torch.nn.Module) -> None:
    began = {name: value.clone() for name, value in model.state_dict().items()}
    ends = {}
    for share in (0.0, 0.5, 1.0):
        model.load_state_dict(began)
        fine_tune(model, made_tokenizer(), made(60, 1), made(20, 2), config(epochs=2, learned_share=share))
        ends[share] = {name: value.clone() for name, value in model.state_dict().items()}
    assert all(torch.equal(value, began[name]) for name, value in ends[0.0].items())
    assert any(not torch.equal(value, began[name]) for name, value in ends[1.0].items())
    for name, value in ends[0.5].items():
        assert torch.allclose(value.float(), (began[name].float() + ends[1.0][name].float()) / 2, atol=1e-6)


@pytest.mark.parametrize(("spans", "fewest", "wanted"), [(True, 40, 40), (True, 0, 5), (False, 40, 5)])
def test_few_spans_are_learned_in_small_steps(model: torch.nn.Module, spans: bool, fewest: int, wanted: int) -> None:
    examples = [each for each in made(60, 1) if isinstance(each.answer, bool) is not spans]
    settings = FineTuning(epochs=5, tokens_per_step=100_000, fewest_steps=fewest)
    steps: list[int] = []
    real = torch.optim.AdamW.step

    def counted(self: torch.optim.AdamW, *given: object) -> object:
        steps.append(1)
        return real(self, *given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", counted)
        fine_tune(model, made_tokenizer(), examples, (), settings)
    # Examples of six tokens are padded to sixteen: steps are counted in these.
    assert len(steps) == wanted


def test_nothing_to_learn_from_is_said(model: torch.nn.Module) -> None:
    with pytest.raises(ValueError, match="no examples"):
        fine_tune(model, made_tokenizer(), [], [], config())


@pytest.mark.parametrize("form", ["", "-fp32"])
def test_a_proxy_gives_its_weights_back(model: torch.nn.Module, tmp_path: Path, form: str) -> None:
    from falconql.training.dataset import collate, tokenise
    from falconql.training.exporter import export
    from tests.proxy.tiny import MANIFEST

    fine_tune(model, made_tokenizer(), made(60, 1), [], config(epochs=2))
    made_tokenizer().save(str(tmp_path / "tokenizer.json"))
    items = tokenise(made_tokenizer(), made(64, 5), 64, 0)
    batches = [collate(items[i : i + 16]) for i in range(0, 64, 16)]
    for arrays in batches:
        arrays.pop("targets")
    out = tmp_path / "out"
    folders = {"": out, "-fp32": out.with_name("out-fp32")}
    export(model, tmp_path / "tokenizer.json", MANIFEST, batches, float_dir=folders["-fp32"], int8_dir=out)
    with torch.inference_mode():
        tensors = {name: torch.from_numpy(array) for name, array in batches[0].items()}
        wanted = model.eval()(**tensors).logits.softmax(-1).numpy()
        got = trainable(folders[form]).eval()(**tensors).logits.softmax(-1).numpy()
    assert np.abs(wanted - got).max() < (0.1 if form == "" else 1e-5)


def test_a_small_step_survives_being_quantised_again(model: torch.nn.Module, tmp_path: Path) -> None:
    """On the grid of the first quantisation, steps below half of it would leave no trace."""
    from falconql.training.exporter import export
    from tests.proxy.tiny import MANIFEST

    fine_tune(model, made_tokenizer(), made(60, 1), [], config(epochs=2))
    made_tokenizer().save(str(tmp_path / "tokenizer.json"))
    inputs = [{n: a for n, a in _arrays(seed).items() if n != "targets"} for seed in range(4)]

    def quantised(name: str, trained: torch.nn.Module) -> Path:
        out = tmp_path / name
        export(trained, tmp_path / "tokenizer.json", MANIFEST, inputs, float_dir=tmp_path / "exact", int8_dir=out)
        return out

    name = "bert.encoder.layer.0.intermediate.dense.weight"
    first = trainable(quantised("first", model))
    start = first.get_parameter(name).detach().clone()
    step = start.abs().max(dim=1, keepdim=True).values / 63
    with torch.no_grad():
        first.get_parameter(name).add_(0.25 * step)
    moved = trainable(quantised("second", first)).get_parameter(name).detach() - start
    assert float((moved / step).mean()) == pytest.approx(0.25, abs=0.05)


def test_a_model_of_another_make_cannot_be_trained_on(tmp_path: Path) -> None:
    from falconql.runtime.errors import ProxyError
    from tests.proxy.tiny import save_proxy

    with pytest.raises(ProxyError, match="no model that can be trained on"):
        trainable(save_proxy(tmp_path))


def test_a_base_that_is_broken_or_reads_another_prompt_is_refused(tmp_path: Path) -> None:
    from falconql.runtime.errors import ProxyError
    from tests.proxy.tiny import save_proxy

    cuckoo = {"kind": "single", "template": "{text} {instruction}"}
    pair = {"kind": "pair", "first": "{text}", "second": "{instruction}"}
    label = {"readout": "any_span", "temperature": 1.0, "bias": 0.0, "threshold": 0.5}
    prompts = ({"label": cuckoo, "span": cuckoo}, {"label": pair, "span": pair})
    others: list[dict[str, Any]] = [*({"prompts": each} for each in prompts), {"label": label}]
    for number, other in enumerate(others):
        with pytest.raises(ProxyError, match="does not read"):
            trainable(save_proxy(tmp_path / str(number), **other))
    broken = save_proxy(tmp_path / "broken")
    (broken / "model.onnx").write_bytes((broken / "model.onnx").read_bytes()[:200])
    with pytest.raises(ProxyError, match="cut off or damaged"):
        trainable(broken)


@pytest.mark.parametrize("broken", [b"", b"PK\x03\x04 cut off", b"no state at all"])
def test_a_state_that_was_cut_off_is_begun_anew(model: torch.nn.Module, tmp_path: Path, broken: bytes) -> None:
    state = tmp_path / "state.pt"
    state.write_bytes(broken)
    history = fine_tune(model, made_tokenizer(), made(20, 1), made(8, 2), config(epochs=1), state=state)
    assert [epoch.number for epoch in history] == [0, 1]


@pytest.mark.parametrize(("count", "epochs"), [(20, []), (24, [0, 1])])
def test_a_state_of_other_examples_is_not_gone_on_from(
    model: torch.nn.Module, tmp_path: Path, count: int, epochs: list[int]
) -> None:
    state = tmp_path / "state.pt"
    fine_tune(model, made_tokenizer(), made(20, 1), made(8, 2), config(epochs=1), state=state)
    found: list[Epoch] = []
    fine_tune(model, made_tokenizer(), made(count, 1), made(8, 2), config(epochs=1), state=state, on_epoch=found.append)
    assert [epoch.number for epoch in found] == epochs


def test_spans_of_all_windows_are_learned() -> None:
    text = "ada " + "oslo " * 200 + "ada"
    example = Example("a person", text, ((0, 3), (len(text) - 3, len(text))))
    weighted = finetune._Weighted.of(made_tokenizer(), [example], FineTuning(max_tokens=64), 512)
    assert sum(int((item.targets == B).sum()) for windows in weighted.windows for item in windows) == 2
    assert len(weighted.windows) == len(weighted.weights) == len(weighted.instructions)


def test_windows_are_pooled_as_the_runtime_pools_them() -> None:
    from falconql.runtime.proxy import decoding

    logits = torch.tensor([[2.0, 0.5, -1.0], [-3.0, 0.0, 1.0], [40.0, 3.0, -50.0], [0.1, 0.2, 0.3]])
    found = finetune.pooled(logits, [1, 3])
    margins = (logits[:, B] - logits[:, O]).tolist()
    assert found[:, B].tolist() == pytest.approx([margins[0], decoding.pooled(margins[1:])])
    assert torch.allclose(found[0].softmax(dim=0), logits[0].softmax(dim=0))


def hidden(count: int, seed: int) -> list[Example]:
    """Whether a text of three windows says somewhere that somebody liked something."""
    rng = random.Random(seed)
    found = []
    for number in range(count):
        words = [rng.choice(["oslo", "lima", "cairo", "left", "saw"]) for _ in range(32)]
        if number % 2:
            words[rng.randrange(32)] = "liked"
        found.append(Example("is the person liked", " ".join(words), bool(number % 2)))
    return found


def test_a_label_is_learned_from_the_window_that_shows_it(model: torch.nn.Module) -> None:
    settings = dataclasses.replace(config(epochs=6), max_tokens=20, window_overlap=4)
    history = fine_tune(model, made_tokenizer(), hidden(200, 1), hidden(40, 2), settings)
    assert max(epoch.score or 0 for epoch in history) > 0.95
