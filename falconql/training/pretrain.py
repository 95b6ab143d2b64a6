"""Train Kestrel: an encoder that follows label and span instructions.

``python -m falconql.training.pretrain --examples FILE --out DIR [--config FILE] [--resume]``

Reads what ``falconql.training.prepare`` wrote; needs torch and transformers and nothing else of this package's own
needs, so that the same command runs on a machine with a GPU. The same seed and threads give the same weights.
Checkpoints hold model, optimiser and position; ``--resume`` goes on from the last one and ends with the weights of a
run that was never interrupted.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, TextIO

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from falconql.training.awareness import Range, make_aware, measured
from falconql.training.base import base_model_dir
from falconql.training.config import KESTREL, TrainingConfig, read_config
from falconql.training.dataset import IGNORE, B, collate
from falconql.training.pack import Pack, batches, width_multiple
from falconql.training.precision import fastest
from falconql.training.states import write_state

POOL = 4096
MEASURED, MEASURED_ROWS = 24, 16
LOG_STEPS = 20


def new_model(source: Path, *, seed: int = 0) -> nn.Module:
    """Return the model that training starts from, without dropout: hardly any example is seen twice.

    Args:
        source: a proxy directory, whose model goes on learning, or a BERT encoder, which gets a fresh three-class
            token head.
        seed: of the dither of int8 weights.

    Raises:
        ProxyError: the proxy directory cannot be trained from.
    """
    from transformers import BertConfig, BertForTokenClassification

    if (source / "proxy.json").exists():
        from falconql.training.trainable import trainable

        model = trainable(source, seed=seed)
    else:
        config = BertConfig.from_pretrained(
            source, num_labels=3, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, classifier_dropout=0.0
        )
        model = BertForTokenClassification.from_pretrained(source, config=config)
    return model


def fast_on_cpu(model: nn.Module) -> None:
    """Write attention out as matrix products: with heads 32 wide, torch's fused kernel for CPUs is far slower."""
    settings: Any = model.config
    settings._attn_implementation = "eager"


class LossConfig(Protocol):
    """What weighs the parts of the loss."""

    @property
    def span_tokens(self) -> float:
        """Tokens in doubt at which a span example weighs as much as a label."""

    @property
    def begin_weight(self) -> float:
        """Of the classes B and I beside O."""


@dataclass(frozen=True, slots=True)
class Losses:
    """Losses of one batch, scalars: of the labels and of the spans, each a mean over its examples."""

    labels: torch.Tensor
    spans: torch.Tensor


def losses_of(
    logits: torch.Tensor,
    targets: torch.Tensor,
    config: LossConfig,
    weights: torch.Tensor | None = None,
    soft: torch.Tensor | None = None,
) -> Losses:
    """Return the losses of logits [batch, tokens, 3] and targets [batch, tokens], each example with its weight [batch].

    A mean over tokens would drown the few that are in doubt in those that are plainly outside, and with them span
    examples beside labels: the loss of a span example is the sum over its tokens, divided by ``span_tokens``.
    ``soft`` are distributions [batch, tokens, 3] to be learned in the place of the targets, which say where.
    """
    weights = torch.ones(len(logits), device=logits.device) if weights is None else weights
    of_classes = torch.tensor([config.begin_weight, config.begin_weight, 1.0], device=logits.device)
    surprise = -(one_hot(targets) if soft is None else soft) * nn.functional.log_softmax(logits, dim=-1)
    asked = targets != IGNORE
    labels = surprise[:, 0].sum(-1) * asked[:, 0]
    spans = ((surprise[:, 1:] * of_classes).sum(-1) * asked[:, 1:]).sum(dim=1)
    label_count = asked[:, 0].sum().clamp(min=1)
    span_count = asked[:, 1:].any(dim=1).sum().clamp(min=1)
    return Losses((labels * weights).sum() / label_count, (spans * weights).sum() / (span_count * config.span_tokens))


def one_hot(targets: torch.Tensor) -> torch.Tensor:
    """Return classes [batch, tokens] as distributions [batch, tokens, 3]."""
    return nn.functional.one_hot(targets.clamp(min=0), 3).float()


class Run:
    """One training run with its position and checkpoints."""

    def __init__(self, config: TrainingConfig, pack: Pack, out: Path, base: Path, device: str) -> None:
        self.config, self.pack, self.out = config, pack, out
        self.device = torch.device(device)
        torch.manual_seed(config.seed)
        torch.set_num_threads(config.threads)
        self.model = new_model(base, seed=config.seed).to(self.device)
        if self.device.type == "cpu":
            fast_on_cpu(self.model)
        if config.freeze_words:
            self.model.get_input_embeddings().requires_grad_(False)  # type: ignore[operator]
        learned = [(n, p) for n, p in self.model.named_parameters() if p.requires_grad]
        head = [p for n, p in learned if n.startswith("classifier")]
        body = [p for n, p in learned if not n.startswith("classifier")]
        groups = [{"params": body, "scale": 1.0}, {"params": head, "scale": config.head_rate}]
        self.optimiser = torch.optim.AdamW(groups, lr=config.learning_rate, weight_decay=0.01, fused=True)
        self.ranges: dict[str, Range] = {}
        self.teacher = self._teacher(base) if config.taught else None
        rates = self._by_task(config.base_rates, 0.5)
        self.surplus = torch.log((1 - rates) / rates)
        self.taught = self._by_task(config.taught, 0.0)
        self.lengths = pack.lengths()
        self.multiple = width_multiple(self.model.config.max_position_embeddings)  # type: ignore[union-attr, arg-type]
        self.steps = 0
        self.examples = 0
        self.spent_s = 0.0
        self.started = self.saved = time.monotonic()

    def _by_task(self, given: Mapping[str, float], otherwise: float) -> torch.Tensor:
        return torch.tensor([given.get(str(task), otherwise) for task in self.pack.tasks], device=self.device)

    def _teacher(self, base: Path) -> nn.Module:
        if not (base / "proxy.json").exists():
            raise ValueError(f"taught in [training] wants a proxy to start from, and {base} is none")
        teacher = new_model(base, seed=self.config.seed).to(self.device).eval()
        if self.device.type == "cpu":
            fast_on_cpu(teacher)
        return teacher

    def elapsed_s(self) -> float:
        """Return the seconds trained, earlier parts of a resumed run included."""
        return self.spent_s + time.monotonic() - self.started

    def set_rate(self) -> float:
        """Set and return the learning rate for this moment."""
        left = max(0.0, 1.0 - self.examples / self.config.examples)
        rate = self.config.learning_rate * min(1.0, (self.steps + 1) / self.config.warmup_steps) * left
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["scale"]
        return rate

    def batches(self) -> Iterator[NDArray[np.int64]]:
        """Yield the examples of every step; the first pass has the order of the file, each later one its own."""
        seen, number = 0, 0
        while seen < self.config.examples:
            order = np.arange(len(self.pack))
            if number:
                order = np.random.default_rng([self.config.seed, number]).permutation(order)
            order = order[: self.config.examples - seen]
            seed, budget = self.config.seed + number, self.config.tokens_per_step
            for chosen in batches(self.lengths[order], budget, seed, POOL, multiple=self.multiple):
                yield order[chosen]
            seen += len(order)
            number += 1

    def save(self) -> None:
        """Write a checkpoint; the last one stays whole whatever happens meanwhile."""
        state = {
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "position": (self.steps, self.examples, self.elapsed_s()),
            "random": torch.get_rng_state(),
            "ranges": self.ranges,
        }
        if self.device.type == "cuda":
            state["random_cuda"] = torch.cuda.get_rng_state(self.device)
        write_state(state, self.out / "checkpoint.pt")
        self.saved = time.monotonic()

    def keep(self, folder: Path, base: Path) -> Path:
        """Write the weights, in the form of transformers, with the tokenizer."""
        self.model.save_pretrained(folder)  # type: ignore[operator]
        (folder / "tokenizer.json").write_bytes((base / "tokenizer.json").read_bytes())
        return folder

    def restore(self) -> None:
        """Go on from the checkpoint.

        Raises:
            FileNotFoundError: there is none.
        """
        state: dict[str, Any] = torch.load(self.out / "checkpoint.pt", weights_only=True, map_location=self.device)
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.steps, self.examples, self.spent_s = state["position"]
        torch.set_rng_state(state["random"].cpu())
        self.ranges = state.get("ranges", {})
        if self.ranges:
            make_aware(self.model, self.ranges)
        if "random_cuda" in state and self.device.type == "cuda":
            torch.cuda.set_rng_state(state["random_cuda"].cpu(), self.device)

    def quantise(self) -> None:
        """Round from now on what int8 will round, with ranges measured on examples of the whole file."""
        some = np.random.default_rng(self.config.seed).permutation(len(self.pack))[: MEASURED * MEASURED_ROWS]
        batches = [self.tensors(some[i : i + MEASURED_ROWS]) for i in range(0, len(some), MEASURED_ROWS)]
        for batch in batches:
            del batch["targets"]
        self.ranges = measured(self.model, batches)
        make_aware(self.model, self.ranges)

    def tensors(self, chosen: NDArray[np.int64]) -> dict[str, torch.Tensor]:
        """Return some examples as a batch, each tensor [examples, tokens]."""
        arrays = collate([self.pack.item(int(number)) for number in chosen], multiple=self.multiple)
        return {name: torch.from_numpy(array).to(self.device) for name, array in arrays.items()}

    def losses(
        self, logits: torch.Tensor, targets: torch.Tensor, inputs: dict[str, torch.Tensor], tasks: torch.Tensor
    ) -> Losses:
        """Return the losses of a batch.

        Args:
            logits: [examples, tokens, 3].
            targets: classes [examples, tokens].
            inputs: those of the model.
            tasks: of each example, its number in the file.
        """
        logits = logits.clone()
        logits[:, 0, B] += self.surplus[tasks]
        return losses_of(logits, targets, self.config, soft=self.softened(targets, inputs, tasks))

    def softened(
        self, targets: torch.Tensor, inputs: dict[str, torch.Tensor], tasks: torch.Tensor
    ) -> torch.Tensor | None:
        """Return distributions [examples, tokens, 3] in the place of classes; None where those are the targets."""
        if self.teacher is None:
            return None
        with torch.no_grad(), fastest(self.device.type):
            said = self.teacher(**inputs).logits
        taught = self.taught[tasks, None, None]
        return (1 - taught) * one_hot(targets) + taught * said.float().softmax(-1)

    def step(self, chosen: NDArray[np.int64]) -> Losses:
        """Take one optimiser step on some examples and return their losses."""
        tensors = self.tensors(chosen)
        targets = tensors.pop("targets")
        with fastest(self.device.type):
            logits = self.model(**tensors).logits
        tasks = torch.from_numpy(self.pack.rows[chosen, 5].astype(np.int64)).to(self.device)
        losses = self.losses(logits.float(), targets, tensors, tasks)
        self.optimiser.zero_grad(set_to_none=True)
        (self.config.label_weight * losses.labels + losses.spans).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.steps += 1
        self.examples += len(chosen)
        return losses


def lineage_of(base: Path) -> list[dict[str, Any]]:
    """Return what a proxy directory, or the weights kept in the folder of a run, come from; empty for an encoder."""
    if (base / "proxy.json").exists():
        manifest = json.loads((base / "proxy.json").read_text(encoding="utf-8"))
        return [*manifest.get("lineage", ()), {"proxy": f"{manifest.get('name')} {manifest.get('version')}"}]
    run = base.parent / "run.json"
    if not run.exists():
        return []
    about = json.loads(run.read_text(encoding="utf-8"))
    kept: dict[str, Any] = {"training": "falconql.training.pretrain", "kept": base.name}
    data = {key: value for key, value in about["data"].items() if key != "sets"}
    return [*about.get("lineage", ()), {**kept, "data": data, "options": about["training"], "device": about["device"]}]


def pretrain(
    config: TrainingConfig,
    examples: Path,
    out: Path,
    *,
    base: Path,
    device: str,
    resume: bool,
    kind: type[Run] = Run,
) -> Path:
    """Train on all examples and return the folder of the finished model; ``kind`` may have other targets or order.

    Raises:
        OSError: the examples cannot be read, or there is nothing to resume from.
        ValueError: the file is none of examples, or there is no proxy to be taught by.
    """
    pack = Pack.load(examples)
    out.mkdir(parents=True, exist_ok=True)
    about = {
        "training": asdict(config),
        "data": json.loads(str(pack.about)),
        "device": device,
        "lineage": lineage_of(base),
    }
    (out / "run.json").write_text(json.dumps(about, indent=1))
    run = kind(config, pack, out, base, device)
    if resume:
        run.restore()
    run.model.train()
    first = run.steps
    with (out / "log.jsonl").open("a") as log:
        recent: list[Losses] = []
        for number, chosen in enumerate(run.batches()):
            if number < first:
                continue
            rate, before = run.set_rate(), run.examples
            if not run.ranges and run.examples >= config.quantise_from * config.examples:
                run.quantise()
            recent.append(run.step(chosen))
            for mark in config.snapshots:
                if before < mark <= run.examples:
                    run.keep(out / f"at-{mark}", base)
            if run.steps % LOG_STEPS == 0:
                _write(log, run, rate, recent)
                recent = []
            if time.monotonic() - run.saved > config.checkpoint_minutes * 60:
                run.save()
    run.save()
    return run.keep(out / "final", base)


def _write(log: TextIO, run: Run, rate: float, recent: list[Losses]) -> None:
    """Add a line to the log: losses are means over the last steps."""
    entry = {
        "step": run.steps,
        "examples": run.examples,
        "s": round(run.elapsed_s(), 1),
        "rate": rate,
        "labels": float(torch.stack([each.labels.detach() for each in recent]).mean()),
        "spans": float(torch.stack([each.spans.detach() for each in recent]).mean()),
    }
    log.write(json.dumps(entry) + "\n")
    log.flush()


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--examples", type=Path, required=True, help="file written by falconql.training.prepare")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints, log and the final model")
    parser.add_argument("--config", type=Path, default=KESTREL)
    parser.add_argument("--base", type=Path, help="folder of the encoder to start from; default: all-MiniLM-L6-v2")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint in the folder")
    given = parser.parse_args()
    try:
        final = pretrain(
            read_config(given.config)[1],
            given.examples,
            given.out,
            base=given.base or base_model_dir(),
            device=given.device,
            resume=given.resume,
        )
    except KeyboardInterrupt:
        raise SystemExit(f"interrupted; --resume goes on from {given.out / 'checkpoint.pt'}") from None
    except ValueError as error:
        raise SystemExit(str(error)) from None
    except OSError as error:
        raise SystemExit(f"{error.filename or given.out}: {error.strerror or error}") from error
    print(f"the model is in {final}")


if __name__ == "__main__":
    main()
