"""What a proxy gets right on sets it was not trained on, and beside them on sets it was.

``python benchmarks/quality.py --data DIR [--proxy FOLDER ...] [--limit N] [--json FILE] [--record]``

Prints one Markdown table with a column per proxy, with 95 % bootstrap intervals over rows. The proxies run in the
runtime that users run, one instruction per text as a query would ask it; nothing is tuned to a set. Rows are drawn with
a fixed seed: test splits of families that were kept out of training, always or before 1.3, development splits of those
that never were (imdb: test).
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from quality_tasks import NEVER, SEED, SINCE, TRAINED, Row, Task, tasks, validation_tasks

from falconql.runtime.proxy.onnx import OnnxProxy
from falconql.training.scoring import bootstrap
from falconql.training.sources import read_split

# Less is better, so that they are in no mean.
LOSSES = ("ECE", "F1 lost by the threshold")


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured share, with its 95 % interval."""

    value: float
    low: float
    high: float


Scores = dict[str, Figure]


def sample(data: Path, task: Task, limit: int) -> list[Row]:
    """Return at most ``limit`` rows of a set, the same ones every time."""
    rows = read_split(data, task.folder, task.split)
    random.Random(SEED).shuffle(rows)
    return rows[:limit]


def measure(proxy: OnnxProxy, chosen: Sequence[tuple[Task, Sequence[Row]]]) -> list[Scores]:
    results = []
    for task, rows in chosen:
        started, tokens = time.perf_counter(), proxy.tokens_run
        measures = task.run(proxy, rows)
        everything = np.arange(len(rows))
        results.append({n: Figure(m(everything), *bootstrap(m, len(rows), seed=SEED)) for n, m in measures.items()})
        spent = time.perf_counter() - started
        done = f"{proxy.tokens_run - tokens:,} tokens in {spent:.0f} s"
        print(f"{proxy.folder.name}: {task.group} {task.name}: {done}", file=sys.stderr, flush=True)
    return results


def table(chosen: Sequence[tuple[Task, Sequence[Row]]], names: Sequence[str], results: Sequence[list[Scores]]) -> str:
    """Return the Markdown table; the bold lines are means over the sets of a group."""
    lines = [
        f"| task | set | rows | measure | {' | '.join(names)} |",
        f"|---|---|---:|---|{'---:|' * len(names)}",
    ]
    for title in (NEVER, SINCE, TRAINED):
        for group in dict.fromkeys(task.group for task, _ in chosen):
            picked = [i for i, (task, _) in enumerate(chosen) if (task.group, task.since) == (group, title)]
            if not picked:
                continue
            for i in picked:
                task, rows = chosen[i]
                for measure_ in results[0][i]:
                    values = " | ".join(_cell(result[i][measure_]) for result in results)
                    lines.append(f"| {group} | {task.name} ({task.split}) | {len(rows)} | {measure_} | {values} |")
            for measure_ in results[0][picked[0]]:
                values = " | ".join(f"**{100 * mean(r[i][measure_].value for i in picked):.1f}**" for r in results)
                lines.append(f"| **{group}** | **{title}** | | **{measure_}** | {values} |")
    for name in means(chosen, results[0]):
        values = " | ".join(f"**{means(chosen, result)[name]:.2f}**" for result in results)
        lines.append(f"| **mean** | **{name}** | | **all measures** | {values} |")
    return "\n".join(lines)


def _cell(figure: Figure) -> str:
    return f"{100 * figure.value:.1f} ({100 * figure.low:.0f} to {100 * figure.high:.0f})"


def means(chosen: Sequence[tuple[Task, Sequence[Row]]], result: list[Scores]) -> dict[str, float]:
    """Return the mean of all measures of which more is better, in percent, over all sets and by what was trained on."""
    groups = {"all": result}
    for title in (NEVER, SINCE, TRAINED):
        groups[title] = [scores for (task, _), scores in zip(chosen, result, strict=True) if task.since == title]
    return {
        name: 100 * mean(figure.value for scores in group for m, figure in scores.items() if m not in LOSSES)
        for name, group in groups.items()
        if group
    }


def as_json(chosen: Sequence[tuple[Task, Sequence[Row]]], result: list[Scores]) -> dict[str, Any]:
    """Return the measurements of one proxy, in percent, for a manifest."""
    sets: dict[str, Any] = {}
    for (task, rows), scores in zip(chosen, result, strict=True):
        figures = {name: round(100 * figure.value, 1) for name, figure in scores.items()}
        sets[f"{task.group}/{task.name} ({task.split})"] = {"rows": len(rows), **figures}
    return {"mean": {name: round(value, 2) for name, value in means(chosen, result).items()}, "sets": sets}


def record(folder: Path, quality: dict[str, Any]) -> None:
    """Write the measurements into the manifest of a proxy."""
    path = folder / "proxy.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["metrics"] = {**manifest.get("metrics", {}), "quality": quality}
    path.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> None:
    kestrel = Path(__file__).resolve().parents[1] / "runtime" / "proxy" / "kestrel"
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of labelled sets")
    parser.add_argument("--proxy", type=Path, nargs="+", default=[kestrel], help="proxy folders, one column each")
    parser.add_argument("--limit", type=int, default=300, help="rows per set at most")
    parser.add_argument("--validation", action="store_true", help="the sets by which trainings are chosen instead")
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--only", default="", help="only task/set pairs in which this pattern is found")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    parser.add_argument("--record", action="store_true", help="write them into each proxy.json too")
    options = parser.parse_args()
    made = validation_tasks if options.validation else tasks
    wanted = [t for t in made(options.data) if re.search(options.only, f"{t.group}/{t.name}")]
    if not wanted:
        parser.error(f"no task or set has {options.only!r} in its name")
    chosen = [(task, sample(options.data, task, options.limit)) for task in wanted]
    proxies = [OnnxProxy(folder, threads=options.threads) for folder in options.proxy]
    results = [measure(proxy, chosen) for proxy in proxies]
    names = [proxy.folder.name for proxy in proxies]
    print(table(chosen, names, results))
    figures = {name: as_json(chosen, result) for name, result in zip(names, results, strict=True)}
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    if options.record:
        for proxy in proxies:
            record(proxy.folder, figures[proxy.folder.name])


if __name__ == "__main__":
    main()
