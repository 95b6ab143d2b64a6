"""Fine-tuning: a trained proxy model and a few hundred examples to a specialist.

All instructions are learned together. What is true of few texts weighs as much as what is true of many. The weights
kept are those of the last epoch, unless an earlier one answers examples held out better by more than chance: the loss
there rises as a model gets sure of itself, long before its answers get worse, and what a dozen texts say means little.
The embeddings stay as they are: a few hundred texts say little about 30,000 words, and what moves there is lost when
they are quantised. At the end the weights go back part of the way to where they began, which keeps what the model knew
and few texts do not tell (Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022). A run writes its state
after every epoch and goes on from there.
"""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import nn

from falconql.training.dataset import Item, O, collate
from falconql.training.examples import Example
from falconql.training.heldout import HeldOut
from falconql.training.pack import batches, width_multiple
from falconql.training.pieces import in_pieces, items_of
from falconql.training.precision import fastest
from falconql.training.pretrain import fast_on_cpu, losses_of
from falconql.training.states import write_state

HIGHEST_WEIGHT = 8.0
FEWEST_EPOCHS = 3


@dataclass(frozen=True, slots=True)
class FineTuning:
    """How to fine-tune.

    Attributes:
        learning_rate: at its highest; it falls to zero over all steps.
        epochs: at most.
        steps: at most, in whole epochs, of which there are at least three: thousands of texts need fewer passes.
        patience: epochs that answer plainly worse on what is held out than an earlier one did, before training stops.
        tokens_per_step: padded tokens of one optimiser step, at most.
        fewest_steps: of all epochs together, where spans are learned: few texts are cut into smaller batches for it.
        warmup: share of all steps in which the rate rises.
        learned_share: how far from the start to what was learned the weights end, 0 to 1.
        span_tokens, begin_weight: as in pre-training.
        max_tokens: of a window.
        window_overlap: text tokens that neighbouring windows of a long text share, where a label is learned.
        seed: of the order of examples.
    """

    learning_rate: float = 2e-4
    epochs: int = 12
    steps: int = 400
    patience: int = 6
    tokens_per_step: int = 2048
    fewest_steps: int = 100
    warmup: float = 0.1
    learned_share: float = 0.7
    span_tokens: float = 16.0
    begin_weight: float = 2.0
    max_tokens: int = 256
    window_overlap: int = 64
    seed: int = 7


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch came to: mean losses on the examples trained on and on those held out, and the score of these.

    Number 0 is the start, before anything was learned. The score, 0 to 1, is a mean over examples: of labels, the area
    under the ROC curve of each instruction; of spans, the F1 of their tokens. None with nothing held out.
    """

    number: int
    trained: float | None
    held_out: float
    score: float | None


def fine_tune(
    model: nn.Module,
    tokenizer: Tokenizer,
    examples: Sequence[Example],
    held_out: Sequence[Example],
    config: FineTuning,
    *,
    device: str = "cpu",
    state: Path | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> list[Epoch]:
    """Train ``model`` in place; it ends between where it began and the last epoch that no earlier one plainly beats.

    Args:
        model: a token classifier with the classes B, I and O, as ``trainable`` returns it.
        tokenizer: the one of its proxy.
        examples: what to learn, in any order.
        held_out: what decides when to stop; without any, all epochs are trained and the last one is kept.
        config: how.
        device: ``cpu`` or a CUDA device.
        state: a file for the state after each epoch; training goes on from it when it is there, whole, and of the same
            examples and settings.
        on_epoch: called after every epoch.

    Raises:
        ValueError: there is nothing to learn from.
        OSError: ``state`` cannot be written.
    """
    if not examples:
        raise ValueError("there are no examples to learn from")
    about = _digest(examples, held_out, config)
    began = {name: value.detach().clone() for name, value in model.state_dict().items() if _learns(name)}
    if torch.device(device).type == "cpu":
        fast_on_cpu(model)
    tuner = _Tuner(model.to(device), config, torch.device(device), state, about, len(held_out))
    settings: Any = model.config
    positions: int = settings.max_position_embeddings
    learned = _Weighted.of(tokenizer, examples, config, positions)
    kept_back = _Weighted.of(tokenizer, held_out, config, positions)
    tuner.plan(learned)
    while not tuner.finished():
        epoch = tuner.epoch(learned, kept_back) if tuner.history else tuner.start(kept_back)
        if on_epoch is not None:
            on_epoch(epoch)
    model.load_state_dict(
        {name: _between(began[name], value, config) if name in began else value for name, value in tuner.best.items()}
    )
    return tuner.history


def _learns(parameter: str) -> bool:
    return ".embeddings." not in parameter


def _between(began: torch.Tensor, learned: torch.Tensor, config: FineTuning) -> torch.Tensor:
    if not learned.is_floating_point():
        return learned
    return torch.lerp(began.to(learned.device), learned, config.learned_share)


@dataclass(frozen=True, slots=True)
class _Weighted:
    """Tokenised examples, each with its windows and its weight."""

    windows: list[list[Item]]
    weights: NDArray[np.float32]
    instructions: list[str]
    multiple: int
    spans: bool

    @classmethod
    def of(cls, tokenizer: Tokenizer, examples: Sequence[Example], config: FineTuning, positions: int) -> _Weighted:
        examples = in_pieces(tokenizer, examples, config.max_tokens, config.seed)
        windows = items_of(tokenizer, examples, config.max_tokens, config.window_overlap, config.seed)
        asked, spans = [each.instruction for each in examples], any(not isinstance(e.answer, bool) for e in examples)
        return cls(windows, balanced(examples), asked, width_multiple(positions), spans)

    def batches(self, budget: int, seed: int) -> Iterator[NDArray[np.int64]]:
        lengths = np.array([sum(len(item.ids) for item in windows) for windows in self.windows], dtype=np.int32)
        order = np.random.default_rng(seed).permutation(len(lengths))
        pool = 64 * max(1, budget // 1024)
        for chosen in batches(lengths[order], budget, seed, pool, multiple=self.multiple):
            yield order[chosen]


def pooled(logits: torch.Tensor, windows: Sequence[int]) -> torch.Tensor:
    """Return the logits of examples that have so many windows each, from the logits [all windows, classes] of these.

    Of each class, less those of O: the logarithm of the mean of the exponentials, as the runtime pools margins. What
    is learned of one window is as without pooling, since a softmax does not see what all classes have in common.
    """
    odds = logits - logits[:, O : O + 1]
    parts = [part.logsumexp(dim=0) - math.log(len(part)) for part in torch.split(odds, list(windows))]
    return torch.stack(parts)


def balanced(examples: Sequence[Example]) -> NDArray[np.float32]:
    """Return a weight per example: of each instruction, both answers weigh the same, but none above 8.

    For spans, the two answers are some and none.
    """
    keys = [(example.instruction, bool(example.answer)) for example in examples]
    counts, totals = Counter(keys), Counter(instruction for instruction, _ in keys)
    sides = Counter(instruction for instruction, _ in counts)
    weights = [totals[key[0]] / (sides[key[0]] * counts[key]) for key in keys]
    return np.minimum(weights, HIGHEST_WEIGHT).astype(np.float32)


class _Tuner:
    """Model, optimiser and position."""

    def __init__(
        self,
        model: nn.Module,
        config: FineTuning,
        device: torch.device,
        state: Path | None,
        about: str,
        kept_back: int = 0,
    ) -> None:
        self.model, self.config, self.device, self.state, self.about = model, config, device, state, about
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(_learns(name))
        moved = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.optimiser = torch.optim.AdamW(moved, lr=config.learning_rate, weight_decay=0.01, fused=True)
        self.history: list[Epoch] = []
        self.best: dict[str, torch.Tensor] = {}
        self.steps = self.all_steps = self.kept = 0
        self.chance = 1 / max(1, kept_back) ** 0.5
        self.epochs, self.tokens_per_step = config.epochs, config.tokens_per_step
        if state is not None and state.is_file():
            self._restore(state)

    def plan(self, learned: _Weighted) -> None:
        """Find out how many steps there are at most, and with how many tokens."""
        most, fewest = self.config.tokens_per_step, -(-self.config.fewest_steps // max(1, self.config.epochs))

        def batches(tokens: int) -> int:
            return sum(1 for _ in learned.batches(tokens, self.config.seed))

        if learned.spans:
            # What padding adds depends on the cut, so that batches are counted: the largest that are enough.
            left_out = bisect_left(range(most), fewest, key=lambda tokens: batches(most - tokens))
            self.tokens_per_step = max(1, most - left_out)
        per_epoch = batches(self.tokens_per_step)
        self.epochs = min(self.config.epochs, max(FEWEST_EPOCHS, self.config.steps // max(1, per_epoch)))
        self.all_steps = per_epoch * self.epochs

    def finished(self) -> bool:
        if len(self.history) > self.epochs:
            return True
        return len(self.history) - 1 - self.kept >= self.config.patience

    def start(self, kept_back: _Weighted) -> Epoch:
        """Measure the model as it is: training that only makes it worse ends with these weights."""
        return self._done(Epoch(0, None, *self._measured(kept_back)))

    def epoch(self, learned: _Weighted, kept_back: _Weighted) -> Epoch:
        number = len(self.history)
        self.model.train()
        total = 0.0
        for chosen in learned.batches(self.tokens_per_step, self.config.seed + number):
            total += self._step(learned, chosen) * len(chosen)
        trained = total / len(learned.windows)
        return self._done(Epoch(number, trained, *self._measured(kept_back)))

    def _done(self, epoch: Epoch) -> Epoch:
        best = max((each.score for each in self.history if each.score is not None), default=0.0)
        if epoch.score is None or epoch.score + self.chance >= best:
            self.kept = epoch.number
            self.best = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        self.history.append(epoch)
        if self.state is not None:
            self._save(self.state)
        return epoch

    def _step(self, learned: _Weighted, chosen: NDArray[np.int64]) -> float:
        done = self.steps / max(1, self.all_steps)
        rate = self.config.learning_rate * min(1.0, (done + 1e-3) / self.config.warmup) * max(0.0, 1.0 - done)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        loss, _, _ = self._run(learned, chosen)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.steps += 1
        return float(loss.detach())

    def _run(self, of: _Weighted, chosen: NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the loss of some examples, their logits [examples, tokens, 3] and targets [examples, tokens]."""
        windows = [of.windows[int(number)] for number in chosen]
        arrays = collate([item for own in windows for item in own], multiple=of.multiple)
        tensors = {name: torch.from_numpy(array).to(self.device) for name, array in arrays.items()}
        targets = tensors.pop("targets")
        weights = torch.from_numpy(of.weights[chosen]).to(self.device)
        with fastest(self.device.type):
            logits = self.model(**tensors).logits.float()
        counts = [len(own) for own in windows]
        if len(targets) > len(counts):
            firsts = np.cumsum([0, *counts[:-1]])
            at_first = pooled(logits[:, 0], counts)
            logits, targets = logits[firsts], targets[firsts]
            logits = torch.cat([at_first.unsqueeze(1), logits[:, 1:]], dim=1)
        losses = losses_of(logits, targets, self.config, weights)
        return losses.labels + losses.spans, logits, targets

    def _measured(self, of: _Weighted) -> tuple[float, float | None]:
        """Return the mean loss and the score of what is held out."""
        if not of.windows:
            return 0.0, None
        self.model.eval()
        total, answers = 0.0, HeldOut()
        with torch.inference_mode():
            for chosen in of.batches(self.config.tokens_per_step, self.config.seed):
                loss, logits, targets = self._run(of, chosen)
                total += float(loss) * len(chosen)
                asked = [of.instructions[int(number)] for number in chosen]
                answers.take(asked, logits.cpu().numpy(), targets.cpu().numpy())
        return total / len(of.windows), answers.score()

    def _save(self, path: Path) -> None:
        state = {
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "best": self.best,
            "history": [(epoch.number, epoch.trained, epoch.held_out, epoch.score) for epoch in self.history],
            "steps": self.steps,
            "kept": self.kept,
            "about": self.about,
        }
        write_state(state, path)

    def _restore(self, path: Path) -> None:
        try:
            state: dict[str, Any] = torch.load(path, weights_only=True, map_location=self.device)
        except (EOFError, RuntimeError, UnpicklingError):
            return  # cut off by a loss of power: an epoch or two again
        if state.get("about") != self.about:
            return
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.best, self.steps, self.kept = state["best"], state["steps"], state["kept"]
        self.history = [Epoch(*entry) for entry in state["history"]]


def _digest(examples: Sequence[Example], held_out: Sequence[Example], config: FineTuning) -> str:
    """Return a hash of everything that a state is the outcome of, beside the model it began with."""
    digest = hashlib.blake2b(repr(config).encode(), digest_size=16)
    for example in (*examples, None, *held_out):
        digest.update(repr(example).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
