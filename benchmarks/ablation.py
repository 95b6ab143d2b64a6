"""What ideas about Kestrel's training are worth, one at a time, on a short training from the encoder.

    PYTHONPATH=. python benchmarks/ablation.py --examples FILE --data DIR --out DIR [--count 20000] [--ways NAME ...]

Every way sees the same first ``--count`` examples of the file that ``falconql.training.prepare`` wrote and differs
from ``as it is`` in one thing. Each is exported as float32, calibrated on development splits of sets that were trained
on, and measured on the sets by which trainings are chosen (``quality.py --validation``), never on those that are
reported. Two seeds of the unchanged way show what a difference has to beat. Every figure is in ``DIR/ablation.jsonl``
the moment it is there.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch
from curve import MEASURES, as_proxy
from numpy.typing import NDArray
from quality import LOSSES, measure, sample
from quality_tasks import validation_tasks

from falconql.runtime.proxy.onnx import OnnxProxy
from falconql.training.base import base_model_dir
from falconql.training.config import KESTREL, TrainingConfig, read_config
from falconql.training.pack import Pack, batches
from falconql.training.pretrain import POOL, Run, one_hot, pretrain
from falconql.training.trainable import trainable

KESTREL_PROXY = Path(__file__).resolve().parents[1] / "runtime" / "proxy" / "kestrel"
SMOOTHING = 0.1
TAUGHT = 0.5


class Smoothed(Run):
    """A tenth of every target is spread over the classes (Szegedy et al., CVPR 2016)."""

    def softened(self, targets: torch.Tensor, inputs: dict[str, torch.Tensor], tasks: torch.Tensor) -> torch.Tensor:
        """Return the targets of a batch."""
        return (1 - SMOOTHING) * one_hot(targets) + SMOOTHING / 3


class Taught(Run):
    """Half of every target is what the shipped Kestrel says (Hinton, Vinyals and Dean, 2015; temperature 1)."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.teacher = trainable(KESTREL_PROXY).eval()

    def softened(self, targets: torch.Tensor, inputs: dict[str, torch.Tensor], tasks: torch.Tensor) -> torch.Tensor:
        """Return the targets of a batch."""
        with torch.no_grad():
            said = self.teacher(**inputs).logits.float().softmax(-1)
        return (1 - TAUGHT) * one_hot(targets) + TAUGHT * said


class ShortFirst(Run):
    """Shorter examples first (curriculum: Bengio et al., ICML 2009)."""

    def batches(self) -> Iterator[NDArray[np.int64]]:
        """Yield the examples of every step; those of a pool are of like length, the pools in the order of length."""
        order = np.argsort(self.lengths, kind="stable")[: self.config.examples]
        for chosen in batches(
            self.lengths[order], self.config.tokens_per_step, self.config.seed, POOL, multiple=self.multiple
        ):
            yield order[chosen]


@dataclass(frozen=True, slots=True)
class Way:
    """A kind of run, and what is changed in the configuration."""

    kind: type[Run] = Run
    changed: Callable[[TrainingConfig], TrainingConfig] = lambda config: config


WAYS = {
    "as it is": Way(),
    "as it is, another seed": Way(changed=lambda c: replace(c, seed=c.seed + 1)),
    "taught by Kestrel 1.1": Way(Taught),
    "label smoothing": Way(Smoothed),
    "batches four times as large, twice the rate": Way(
        changed=lambda c: replace(
            c,
            tokens_per_step=4 * c.tokens_per_step,
            learning_rate=2 * c.learning_rate,
            warmup_steps=c.warmup_steps // 4,
        )
    ),
    "batches a quarter as large, half the rate": Way(
        changed=lambda c: replace(
            c,
            tokens_per_step=c.tokens_per_step // 4,
            learning_rate=c.learning_rate / 2,
            warmup_steps=4 * c.warmup_steps,
        )
    ),
    "twice the rate": Way(changed=lambda c: replace(c, learning_rate=2 * c.learning_rate)),
    "short texts first": Way(ShortFirst),
    "labels weigh twice": Way(changed=lambda c: replace(c, label_weight=2 * c.label_weight)),
    "labels weigh half": Way(changed=lambda c: replace(c, label_weight=c.label_weight / 2)),
}


def trained(name: str, way: Way, options: argparse.Namespace) -> Path:
    """Return the folder of the float32 proxy of a way, made if it is not there yet."""
    folder = options.out / name.replace(" ", "-").replace(",", "")
    proxy = folder / "proxy"
    if (proxy / "proxy.json").exists():
        return proxy
    pack = Pack.load(options.examples)
    if len(pack) < options.count:
        raise SystemExit(f"{options.examples} has {len(pack):,} examples, not {options.count:,}")
    folder.mkdir(parents=True, exist_ok=True)
    some = folder / "examples.npz"
    replace(pack, rows=pack.rows[: options.count], spans_at=pack.spans_at[: options.count + 1]).save(some)
    config = replace(read_config(KESTREL)[1], examples=options.count, warmup_steps=60, threads=options.threads)
    resume = (folder / "checkpoint.pt").exists()
    final = pretrain(
        way.changed(config), some, folder, base=base_model_dir(), device="cpu", resume=resume, kind=way.kind
    )
    as_proxy(final, proxy, options.data)
    return proxy


def figures(folder: Path, options: argparse.Namespace) -> dict[str, float]:
    """Return the mean of each group's measure, and of all measures of which more is better, in percent."""
    chosen = [(task, sample(options.data, task, options.limit)) for task in validation_tasks(options.data)]
    results = measure(OnnxProxy(folder, threads=options.threads), chosen)
    groups: dict[str, list[float]] = {}
    for (task, _), scores in zip(chosen, results, strict=True):
        groups.setdefault(f"{task.group}, {MEASURES[task.group]}", []).append(scores[str(MEASURES[task.group])].value)
    everything = [f.value for scores in results for name, f in scores.items() if name not in LOSSES]
    return {**{name: 100 * mean(values) for name, values in groups.items()}, "all measures": 100 * mean(everything)}


def table(lines: list[dict[str, Any]]) -> str:
    """Return the figures as Markdown, a line per way."""
    columns = list(lines[0]["figures"])
    rows = [f"| training | {' | '.join(columns)} | training, min |", f"|---|{'---:|' * (len(columns) + 1)}"]
    for line in lines:
        values = " | ".join(f"{line['figures'][name]:.1f}" for name in columns)
        rows.append(f"| {line['way']} | {values} | {line['s'] / 60:.0f} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--ways", nargs="*", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--limit", type=int, default=120)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    scores = options.out / "ablation.jsonl"
    for name in options.ways:
        if name in {line["way"] for line in _known(scores)}:
            continue
        started = time.perf_counter()
        proxy = trained(name, WAYS[name], options)
        line = {"way": name, "count": options.count, "limit": options.limit, "s": time.perf_counter() - started}
        line["figures"] = figures(proxy, options)
        with scores.open("a") as out:
            out.write(json.dumps(line) + "\n")
    print(table(_known(scores)))


def _known(scores: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in scores.read_text().splitlines()] if scores.exists() else []


if __name__ == "__main__":
    main()
