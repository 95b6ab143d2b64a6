"""How far few labelled texts get: word-level F1 after fine-tuning (arXiv 2510.01427, table 3).

``python benchmarks/paper/labelled.py --data DIR --scores FILE [--base PROXY] [--sets NAME ...] [--seeds N ...]``

Two encoders of the same size side by side: Kestrel, and the encoder that Kestrel's own training began with, at a higher
rate and for up to twenty epochs instead of twelve, both of 400 steps at most. A set that the base was trained on is
marked with a star: for the paper's comparison its base must be trained without it (``leave_out`` in the configuration
of ``falconql.training.prepare``). Every score is in the file the moment it is there, a line each; what the file has is
not measured again, and several processes can share the work by sets.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, stdev

from common import KESTREL, PLAIN, Task, fresh, machine, measured, tuned

from falconql.runtime.proxy import find_proxy
from falconql.runtime.proxy.onnx import OnnxProxy

GROUPS = {
    "bc2gm": "Biology",
    "anatem": "Biology",
    "broad_twitter": "Twitter",
    "wikigold": "Wiki",
    "wikineural_en": "Wiki",
    "skillspan": "others",
    "cyner": "others",
    "tasteset": "others",
    "mit_movie_trivia": "others",
}
COUNTS = (0, 64, 512, 2048)


@dataclass(frozen=True, slots=True)
class Cell:
    """What is measured once: an encoder, a set, training rows, a seed."""

    set: str
    start: str
    count: int
    seed: int


@dataclass(frozen=True, slots=True)
class Score:
    """The word F1 of a cell in percent, the seconds that it took, and the limit of test rows."""

    cell: Cell
    f1: float
    seconds: float
    limit: int


def read_scores(path: Path, limit: int) -> dict[Cell, Score]:
    """Return what a file has; a last line that was cut off is left out."""
    found: dict[Cell, Score] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            continue
        if entry["limit"] == limit:
            cell = Cell(**entry["cell"])
            found[cell] = Score(cell, entry["f1"], entry["seconds"], limit)
    return found


def run(base: OnnxProxy, task: Task, cell: Cell) -> float:
    """Return the word F1 of one encoder after training on so many rows of one set."""
    model = fresh(cell.start, base, cell.seed)
    if not cell.count:
        return 100 * float(measured(model, base, (), task.f1))
    rows = task.draw(cell.count, cell.seed)
    tuned(model, base, cell.start, rows.learned, rows.held_out, cell.seed)
    return 100 * float(measured(model, base, rows.held_out, task.f1))


def wanted(sets: Iterable[str], starts: Iterable[str], counts: Iterable[int], seeds: Iterable[int]) -> list[Cell]:
    """Return the cells to measure, one seed of everything before the next; nothing learned has one seed."""
    cells = [Cell(each, start, count, seed) for seed in seeds for each in sets for start in starts for count in counts]
    return [cell for cell in cells if cell.count or not cell.seed]


def table(scores: dict[Cell, Score], learned_from: set[str]) -> str:
    """Return the table of all scores, a row for a set and a start."""
    counts = sorted({cell.count for cell in scores})
    lines = [f"| group | set | start | {' | '.join(f'{count:,}' for count in counts)} | seconds |"]
    lines.append(f"|---|---|---|{'---:|' * (len(counts) + 1)}")
    for name, group in GROUPS.items():
        for start in (KESTREL, PLAIN):
            own = [score for cell, score in scores.items() if (cell.set, cell.start) == (name, start)]
            if not own:
                continue
            cells = [_cell([score.f1 for score in own if score.cell.count == count]) for count in counts]
            star = "*" if f"spans/{name}" in learned_from and start == KESTREL else ""
            seconds = sum(score.seconds for score in own)
            lines.append(f"| {group} | {name}{star} | {start} | {' | '.join(cells)} | {seconds:,.0f} |")
    return "\n".join(lines)


def _cell(found: list[float]) -> str:
    if not found:
        return ""
    spread = f" ± {stdev(found):.1f}" if len(found) > 1 else ""
    return f"{mean(found):.1f}{spread}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of labelled sets")
    parser.add_argument("--scores", type=Path, required=True, help="file of scores, added to")
    parser.add_argument("--sets", nargs="*", default=list(GROUPS), help="none: only print the table")
    parser.add_argument("--counts", nargs="+", type=int, default=COUNTS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--base", default="kestrel")
    parser.add_argument("--starts", nargs="+", default=[KESTREL, PLAIN])
    parser.add_argument("--limit", type=int, default=300, help="test rows at most")
    options = parser.parse_args()
    base = OnnxProxy(find_proxy(options.base))
    tasks: dict[str, Task] = {}
    for cell in wanted(options.sets, options.starts, options.counts, options.seeds):
        if cell in read_scores(options.scores, options.limit):
            continue
        begun = time.perf_counter()
        if cell.set not in tasks:
            tasks[cell.set] = Task(options.data, f"spans/{cell.set}", options.limit)
        if any(tasks[cell.set].rows <= less < cell.count for less in options.counts):
            continue  # a smaller count has all rows already
        f1 = run(base, tasks[cell.set], cell)
        score = Score(cell, f1, round(time.perf_counter() - begun, 1), options.limit)
        with options.scores.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(score)) + "\n")
    scores = read_scores(options.scores, options.limit)
    print(f"{machine()}; seeds {options.seeds}, at most {options.limit} test rows\n")
    print(table(scores, {entry["name"] for entry in base.manifest.card.get("data", [])}))


if __name__ == "__main__":
    main()
