"""How good Kestrel gets with how many examples, and with how many different ones.

    PYTHONPATH=. python benchmarks/curve.py --examples FILE --data DIR --out DIR \
        [--points 7500/7500 15000/15000 30000/30000 30000/7500 ...] [--limit 60] [--plot FILE]

A point ``SEEN/DIFFERENT`` is a training from the encoder on so many examples, the first so many of the file that
``falconql.training.prepare`` wrote, over and over in changing order; its rate falls to nothing at its own end. Each is
exported as float32, calibrated on development splits, and measured as ``quality.py`` does: over families of sets that
were not trained on, and over development splits of sets that were. ``--proxy`` measures finished ones beside them.
Every figure is in ``DIR/curve.jsonl`` the moment it is there, and is not measured again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch
from quality import LOSSES, measure, sample
from quality_tasks import TRAINED, Task, tasks
from transformers import BertForTokenClassification

from falconql.runtime.proxy.onnx import OnnxProxy
from falconql.training.base import base_model_dir
from falconql.training.calibration import as_manifest, calibrate
from falconql.training.config import KESTREL, read_config
from falconql.training.export import draft_manifest
from falconql.training.exporter import fuse, write_manifest, write_onnx, write_proxy
from falconql.training.pack import Pack
from falconql.training.pretrain import pretrain
from falconql.training.sources import sets_in

# The measure of each task that stands for it; the mean of a group is over its sets.
MEASURES = {
    "entities": "word F1",
    "questions": "answer F1",
    "entailment": "accuracy",
    "choose": "accuracy",
    "yes/no": "balanced accuracy",
    "opinion": None,
}


def trained(point: str, options: argparse.Namespace) -> Path:
    """Return the folder of the float32 proxy of a point, made if it is not there yet."""
    seen, different = (int(part) for part in point.split("/"))
    folder = options.out / point.replace("/", "-of-")
    proxy = folder / "proxy"
    if (proxy / "proxy.json").exists():
        return proxy
    pack = Pack.load(options.examples)
    if len(pack) < different:
        raise SystemExit(f"{options.examples} has {len(pack):,} examples, not {different:,}")
    folder.mkdir(parents=True, exist_ok=True)
    some = folder / "examples.npz"
    replace(pack, rows=pack.rows[:different], spans_at=pack.spans_at[: different + 1]).save(some)
    config = replace(
        read_config(KESTREL)[1], examples=seen, threads=options.threads, snapshots=[], checkpoint_minutes=5.0
    )
    resume = (folder / "checkpoint.pt").exists()
    final = pretrain(config, some, folder, base=base_model_dir(), device="cpu", resume=resume)
    as_proxy(final, proxy, options.data)
    return proxy


def as_proxy(weights: Path, proxy: Path, data: Path) -> None:
    """Export the weights in the folder of a run as a float32 proxy with calibrated thresholds."""
    about = json.loads((weights.parent / "run.json").read_text(encoding="utf-8"))
    rates = about["training"].get("base_rates", {})
    model = BertForTokenClassification.from_pretrained(weights)
    ids = np.ones((2, 16), dtype=np.int64)
    sets = sets_in(data, stated_only=False, leave_out=about["data"].get("leave_out", ()))
    manifest = draft_manifest("0", {"max_tokens": 256}, sets) | {"name": proxy.parent.name}
    with tempfile.TemporaryDirectory() as folder:
        plain, fused = Path(folder) / "plain.onnx", Path(folder) / "fused.onnx"
        write_onnx(model, plain, {"input_ids": ids, "attention_mask": ids, "token_type_ids": ids * 0})
        fuse(plain, fused, heads=model.config.num_attention_heads, hidden=model.config.hidden_size)
        draft = proxy.with_name("draft")
        write_proxy(draft, fused, weights / "tokenizer.json", manifest)
    manifest.update(as_manifest(calibrate(OnnxProxy(draft, threads=1), data, sets, base_rates=rates)))
    write_manifest(draft, manifest)
    draft.rename(proxy)


def figures(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Return what a proxy gets right, in percent: the mean of each group of tasks, unseen families and seen ones."""
    chosen = [(task, sample(options.data, task, options.limit)) for task in tasks(options.data)]
    results = measure(OnnxProxy(folder, threads=options.threads), chosen)
    found: dict[str, dict[str, float]] = {}
    for unseen, title in ((True, "unseen"), (False, "seen")):
        means: dict[str, list[float]] = {}
        for (task, _), scores in zip(chosen, results, strict=True):
            if (task.since != TRAINED) == unseen:
                means.setdefault(task.group, []).append(_standing(task, scores))
        found[title] = {group: round(100 * mean(values), 1) for group, values in means.items()}
    return found


def _standing(task: Task, scores: dict[str, Any]) -> float:
    name = MEASURES[task.group]
    if name is not None:
        return float(scores[name].value)
    # Opinions have an accuracy for each wording of the question.
    return float(mean(f.value for m, f in scores.items() if m not in LOSSES and not m.startswith("agreement")))


def table(lines: list[dict[str, Any]]) -> str:
    """Return the figures as Markdown, a line per point."""
    columns = [(title, group) for title in ("unseen", "seen") for group in lines[0][title]]
    head = [f"{group} ({title})" for title, group in columns]
    rows = [f"| trained on | {' | '.join(head)} | mean, unseen | mean, seen |", f"|---|{'---:|' * (len(head) + 2)}"]
    for line in lines:
        means = [mean(line[title].values()) for title in ("unseen", "seen")]
        values = [line[title].get(group, float("nan")) for title, group in columns] + means
        rows.append(f"| {line['point']} | {' | '.join(f'{value:.1f}' for value in values)} |")
    return "\n".join(rows)


def plot(lines: list[dict[str, Any]], target: Path) -> None:
    """Draw the means against the examples seen, of trainings that saw none twice and of those that did."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4))
    for title, colour in (("unseen", "tab:blue"), ("seen", "tab:orange")):
        once: list[tuple[int, float, int]] = []
        again: list[tuple[int, float, int]] = []
        for line in lines:
            seen, _, different = line["point"].partition("/")
            if seen.isdigit():
                (once if seen == different else again).append((int(seen), mean(line[title].values()), int(different)))
        axes.plot(
            *zip(*[(x, y) for x, y, _ in sorted(once)], strict=True), "o-", color=colour, label=f"{title} families"
        )
        for x, y, different in again:
            axes.plot(x, y, "x", color=colour)
            axes.annotate(f" {different:,} different", (x, y), fontsize=7)
    axes.set_xscale("log")
    axes.set_xlabel("examples seen (crosses: fewer different ones, over and over)")
    axes.set_ylabel("mean of the tasks, percent")
    axes.legend()
    figure.tight_layout()
    figure.savefig(target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--points", nargs="*", default=["7500/7500", "15000/15000", "30000/30000", "30000/7500"])
    parser.add_argument("--proxy", nargs="*", default=[], help="NAME=FOLDER, measured beside them")
    parser.add_argument("--limit", type=int, default=60)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    scores = options.out / "curve.jsonl"
    wanted: list[tuple[str, Path | None]] = [(point, None) for point in options.points]
    wanted += [(name, Path(folder)) for name, _, folder in (each.partition("=") for each in options.proxy)]
    for point, folder in wanted:
        known = _known(scores)
        if point in known:
            continue
        started = time.perf_counter()
        proxy = folder or trained(point, options)
        line = {"point": point, "limit": options.limit, "s": round(time.perf_counter() - started)}
        line.update(figures(proxy, options))
        with scores.open("a") as out:
            out.write(json.dumps(line) + "\n")
    lines = [line for line in _known(scores).values() if line["limit"] == options.limit]
    print(table(lines))
    if options.plot:
        plot(lines, options.plot)


def _known(scores: Path) -> dict[str, dict[str, Any]]:
    if not scores.exists():
        return {}
    return {line["point"]: line for line in map(json.loads, scores.read_text().splitlines())}


if __name__ == "__main__":
    main()
