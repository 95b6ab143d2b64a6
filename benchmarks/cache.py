"""What the cache costs the first time and saves the second time, and what its files do with many entries.

    python benchmarks/cache.py [--rows 1200] [--repeat 5] [--entries 1000000] [--format json]

One label and one span over distinct texts (the example reviews, numbered), in this process with one opened proxy, in
turn: without a cache, with an empty one, and with the one that was just filled. Ratios are medians of the ratios of
each turn. Then ``--entries`` label scores are put into a cache a thousand at a time and a fifth of them looked up, and
the same with SQLite (WAL, `synchronous=NORMAL`, an integer key, batches of a thousand): what the cache might have been.
Processor seconds stand beside those of the clock, because writes of SQLite wait for the disk.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

import falconql
from falconql.runtime.cache import open_cache
from falconql.runtime.proxy import open_proxy

QUERY = 'text review select s: score(label("Is the reviewer satisfied?")), who: spans("Extract the name of the game")'
REVIEWS = Path(__file__).parents[1] / "examples" / "data" / "game_reviews.csv"
COST_BAR, SPEED_BAR = 0.05, 20.0
BATCH = 1000


def corpus(rows: int) -> pa.Table:
    """Return distinct texts."""
    reviews = falconql.query("text review select review").run(str(REVIEWS)).to_arrow().column("review").to_pylist()
    return pa.table({"review": [f"{n}. {reviews[n % len(reviews)]}" for n in range(rows)]})


def seconds(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Return the seconds of the clock and of the processor that some work took, and its result."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return time.perf_counter() - wall, time.process_time() - cpu, result


def measure_runs(rows: int, repeat: int) -> dict[str, Any]:
    table, proxy, query = corpus(rows), open_proxy(), falconql.query(QUERY)
    query.run(table.slice(0, 64), proxy=proxy, cache=False)
    costs, cpu_costs, gains, taken = [], [], [], []
    calls = 0
    for turn in range(repeat):
        with tempfile.TemporaryDirectory() as folder:
            ways = {"without": lambda: query.run(table, proxy=proxy, cache=False)}
            ways["first"] = lambda where=folder: query.run(table, proxy=proxy, cache=where)  # type: ignore[misc]
            # Who goes second finds the machine as the first left it: they take turns at that, too.
            found = {name: seconds(ways[name]) for name in sorted(ways, reverse=bool(turn % 2))}
            found["second"] = seconds(ways["first"])
        expected = found["without"][2].to_arrow()
        assert all(result.to_arrow().equals(expected) for _, _, result in found.values())
        calls += found["second"][2].metrics["model_calls"]
        costs.append(found["first"][0] / found["without"][0] - 1)
        cpu_costs.append(found["first"][1] / found["without"][1] - 1)
        gains.append(found["first"][0] / found["second"][0])
        taken.append({name: round(s, 3) for name, (s, _, _) in found.items()})
    return {
        "rows": rows,
        "seconds": taken,
        "cost": statistics.median(costs),
        "cpu_cost": statistics.median(cpu_costs),
        "gain": statistics.median(gains),
        "calls_of_second_runs": calls,
    }


def clocked(work: Callable[[], Any]) -> dict[str, float]:
    wall, cpu, _ = seconds(work)
    return {"wall": wall, "cpu": cpu}


def measure_files(folder: Path, entries: int) -> dict[str, Any]:
    keys = _keys(entries)
    asked = keys[::5]

    def fill() -> None:
        cache = open_cache(folder, "benchmark", "benchmark")
        for start in range(0, entries, BATCH):
            cache.put({key: key[:4] for key in keys[start : start + BATCH]})
            cache.flush()

    def look_up() -> None:
        cache = open_cache(folder, "benchmark", "benchmark")
        for start in range(0, len(asked), BATCH):
            assert len(cache.find(asked[start : start + BATCH])) == len(asked[start : start + BATCH])

    filled, found = clocked(fill), clocked(look_up)
    size = sum(path.stat().st_size for path in folder.rglob("*.run1"))
    return _per_entry(filled, found, entries, len(asked), size)


def measure_sqlite(folder: Path, entries: int) -> dict[str, Any]:
    keys = [int.from_bytes(key[:8], "little", signed=True) for key in _keys(entries)]
    asked = keys[::5]
    path = folder / "answers.db"
    database = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=wal", "synchronous=normal", "cache_size=-32768"):
        database.execute(f"pragma {pragma}")
    database.execute("create table answers (key integer primary key, day integer, result blob)")

    def fill() -> None:
        for start in range(0, entries, BATCH):
            rows = [(key, 20_000, b"12345678") for key in sorted(keys[start : start + BATCH])]
            database.execute("begin immediate")
            database.executemany("insert or replace into answers values (?, ?, ?)", rows)
            database.execute("commit")

    def look_up() -> None:
        for start in range(0, len(asked), BATCH):
            part = asked[start : start + BATCH]
            marks = ",".join("?" * len(part))
            found = database.execute(f"select key, result from answers where key in ({marks})", part).fetchall()
            assert len(found) == len(part)

    filled, found = clocked(fill), clocked(look_up)
    database.close()
    return _per_entry(filled, found, entries, len(asked), path.stat().st_size)


def _keys(entries: int) -> list[bytes]:
    random = np.random.default_rng(1).bytes(16 * entries)
    return [random[at : at + 16] for at in range(0, 16 * entries, 16)]


def _per_entry(
    filled: dict[str, float], found: dict[str, float], entries: int, asked: int, size: int
) -> dict[str, float]:
    return {
        "put_us": filled["wall"] / entries * 1e6,
        "put_cpu_us": filled["cpu"] / entries * 1e6,
        "find_us": found["wall"] / asked * 1e6,
        "find_cpu_us": found["cpu"] / asked * 1e6,
        "bytes": size / entries,
    }


def report(found: dict[str, Any]) -> str:
    runs = found["runs"]
    lines = [f"{runs['rows']} texts, a label and a span each\n"]
    lines += ["| turn | without | first | second |", "|---|---|---|---|"]
    for number, turn in enumerate(runs["seconds"], 1):
        lines.append(f"| {number} | {turn['without']:.2f} s | {turn['first']:.2f} s | {turn['second']:.3f} s |")
    lines.append(f"\nwith a cache a first run takes {runs['cost']:+.1%} (bar: {COST_BAR:.0%})")
    lines.append(f"by the clock, {runs['cpu_cost']:+.1%} of the processor's time;")
    lines.append(f"a second one is {runs['gain']:.0f} times faster (bar: {SPEED_BAR:.0f})")
    lines.append(f"and asks {runs['calls_of_second_runs']} questions")
    if "files" in found:
        lines.append(f"\n{found['entries']:,} entries, microseconds each by the clock (and of the processor)\n")
        lines += ["| way | put | find | bytes |", "|---|---|---|---|"]
        for name in ("files", "sqlite"):
            one = found[name]
            put = f"{one['put_us']:.1f} ({one['put_cpu_us']:.1f})"
            lines.append(f"| {name} | {put} | {one['find_us']:.1f} ({one['find_cpu_us']:.1f}) | {one['bytes']:.0f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1200)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--entries", type=int, default=1_000_000, help="0 leaves the files out")
    parser.add_argument("--format", choices=["text", "json"], default="text")
    options = parser.parse_args()
    found: dict[str, Any] = {"runs": measure_runs(options.rows, options.repeat)}
    if options.entries:
        with tempfile.TemporaryDirectory() as folder:
            found["entries"] = options.entries
            found["files"] = measure_files(Path(folder) / "cache", options.entries)
            found["sqlite"] = measure_sqlite(Path(folder), options.entries)
    print(json.dumps(found, indent=2) if options.format == "json" else report(found))


if __name__ == "__main__":
    main()
