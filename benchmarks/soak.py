"""A long run watched from outside: memory, open files and threads of ``falconql run`` over time.

    python benchmarks/soak.py [--rows 1000000] [--plot docs/soak.svg] [--format json] [--keep FOLDER]

One label over distinct short texts, from Parquet to Parquet, with the cache on, as people run it; the command is a
process of its own, whose numbers are read from /proc (Linux). What counts is what happens after the first tenth of the
run, when the model is loaded and every buffer has been used. Growth is that of a line through the medians of the two
halves of the rest. Files are those beside the cache's, whose number goes up and down with merging. Exit status 1 when
memory has grown by more than 5 % or 64 MB, whichever is more, when more files are open at the end than before, or when
rows are missing.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

QUERY = 'text body where label("Is the customer unhappy?") or n >= 0 select n'
SAMPLES = 600
LEAST_INTERVAL_S = 0.2
GROWTH_SHARE, GROWTH_MB = 0.05, 64.0
# fmt: off
WORDS = (
    "the", "a", "this", "my", "our", "order", "screen", "battery", "keyboard", "delivery", "price", "support", "came",
    "broke", "works", "failed", "arrived", "late", "early", "great", "poor", "slow", "fast", "cheap", "solid",
    "returned", "refund", "twice", "never", "always", "again", "and", "but", "because", "after", "before", "two",
    "three",
)
# fmt: on


@dataclass(frozen=True, slots=True)
class Sample:
    """The process at one moment: seconds since its start, memory in MB (own pages, not those of files), counts.

    The cache keeps its files mapped, up to seven of each size until they are merged; the others are ``files``.
    """

    seconds: float
    memory_mb: float
    files: int
    cache_files: int
    threads: int


def write_corpus(path: Path, rows: int, seed: int = 1) -> None:
    """Write distinct texts of 4 to 12 words, a part at a time."""
    drawn = random.Random(seed)
    schema = pa.schema([("n", pa.int64()), ("body", pa.string())])
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, rows, 50_000):
            numbers = range(start, min(start + 50_000, rows))
            texts = [f"{n}: {' '.join(drawn.choices(WORDS, k=drawn.randint(4, 12)))}" for n in numbers]
            writer.write_table(pa.table({"n": pa.array(numbers, pa.int64()), "body": texts}, schema=schema))


def look(pid: int, began: float, cache: str) -> Sample | None:
    """Return how a process is, None when it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        files = [path for name in os.listdir(f"/proc/{pid}/fd") if (path := _leads_to(f"/proc/{pid}/fd/{name}"))]
    except OSError:
        return None
    fields = dict(line.split(":", 1) for line in status.splitlines())
    if "RssAnon" not in fields:
        return None
    memory_mb = int(fields["RssAnon"].split()[0]) / 1024
    mapped = sum(path.startswith(cache) for path in files)
    return Sample(time.monotonic() - began, memory_mb, len(files) - mapped, mapped, int(fields["Threads"]))


def _leads_to(link: str) -> str:
    try:
        return os.readlink(link)
    except OSError:  # closed meanwhile
        return ""


def watch(command: Sequence[str], environment: dict[str, str]) -> tuple[int, list[Sample]]:
    """Run a command to its end; of a long one every second sample is dropped when there are too many."""
    began, samples, interval_s = time.monotonic(), [], LEAST_INTERVAL_S
    process = subprocess.Popen(command, env=environment)
    while process.poll() is None:
        if (sample := look(process.pid, began, environment["FALCONQL_CACHE"])) is not None:
            samples.append(sample)
        if len(samples) >= 2 * SAMPLES:
            samples, interval_s = samples[::2], 2 * interval_s
        time.sleep(interval_s)
    return process.returncode, samples


def growth_mb(samples: Sequence[Sample]) -> float:
    """Return by how much memory grows over all samples, by the medians of both halves."""
    half = len(samples) // 2
    first, second = (statistics.median(s.memory_mb for s in part) for part in (samples[:half], samples[half:]))
    return 2 * (second - first)


def plot(samples: Sequence[Sample], rows: int) -> str:
    """Return an SVG of memory and open files over time."""
    width, height, left, gap = 720, 150, 60, 50
    longest = max(samples[-1].seconds, 1e-9)
    unit, per = ("hours", 3600.0) if longest > 7200 else ("minutes", 60.0)
    parts = []
    for number, (title, values) in enumerate(
        (
            (f"memory in MB, {rows:,} texts", [s.memory_mb for s in samples]),
            ("open files, those of the cache included", [float(s.files + s.cache_files) for s in samples]),
        )
    ):
        top, most = 30 + number * (height + gap), max(values) * 1.1
        points = " ".join(
            f"{left + (width - left - 20) * s.seconds / longest:.1f},{top + height * (1 - value / most):.1f}"
            for s, value in zip(samples, values, strict=True)
        )
        parts += [
            f'<text x="{left}" y="{top - 10}">{title}</text>',
            f'<path d="M{left},{top}V{top + height}H{width - 20}" fill="none" stroke="#888"/>',
            f'<text x="{left - 6}" y="{top + 10}" text-anchor="end">{most:,.0f}</text>',
            f'<text x="{left - 6}" y="{top + height}" text-anchor="end">0</text>',
            f'<text x="{width - 20}" y="{top + height + 16}" text-anchor="end">{longest / per:.1f} {unit}</text>',
            f'<polyline points="{points}" fill="none" stroke="#2563eb" stroke-width="1.5"/>',
        ]
    total = 30 + 2 * (height + gap)
    style = 'font-family="sans-serif" font-size="12" fill="#555"'
    box = f'viewBox="0 0 {width} {total}" width="{width}" height="{total}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box} {style}>\n' + "\n".join(parts) + "\n</svg>\n"


def soak(folder: Path, rows: int) -> tuple[dict[str, float], list[Sample]]:
    """Run once; return what is reported, and all samples."""
    corpus, out = folder / "corpus.parquet", folder / "out.parquet"
    write_corpus(corpus, rows)
    words = ["run", "-e", QUERY, "--from", str(corpus), "-o", str(out), "--order", "written"]
    environment = {**os.environ, "FALCONQL_CACHE": str(folder / "cache")}
    status, samples = watch([sys.executable, "-m", "falconql", *words], environment)
    if status:
        raise SystemExit(f"the run ended with status {status}")
    settled = [sample for sample in samples if sample.seconds > samples[-1].seconds / 10]
    if len(settled) < 20:
        raise SystemExit("too short to say anything: take more rows")
    before, after = settled[: len(settled) // 4], settled[-len(settled) // 4 :]
    return {
        "rows": rows,
        "rows_out": pq.read_metadata(out).num_rows,
        "seconds": samples[-1].seconds,
        "memory_mb": statistics.median(s.memory_mb for s in settled),
        "memory_peak_mb": max(s.memory_mb for s in samples),
        "growth_mb": growth_mb(settled),
        "files_before": max(s.files for s in before),
        "files_after": max(s.files for s in after),
        "cache_files": max(s.cache_files for s in settled),
        "threads": max(s.threads for s in settled),
    }, samples


def problems(found: dict[str, float]) -> list[str]:
    """Return what is not as it should be."""
    wrong = []
    if found["rows_out"] != found["rows"]:
        wrong.append("rows are missing")
    if found["growth_mb"] > max(GROWTH_MB, GROWTH_SHARE * found["memory_mb"]):
        wrong.append("memory grows")
    if found["files_after"] > found["files_before"]:
        wrong.append("files stay open")
    return wrong


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--plot", type=Path, help="write an SVG")
    parser.add_argument("--keep", type=Path, help="work in this folder, and leave it")
    parser.add_argument("--format", choices=["text", "json"], default="text")
    asked = parser.parse_args()
    if not Path("/proc/self/fd").is_dir():
        raise SystemExit("the numbers come from /proc, which this system has not")
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        found, samples = soak(folder, asked.rows)
    if asked.plot:
        asked.plot.write_text(plot(samples, asked.rows), encoding="utf-8")
    if asked.format == "json":
        print(json.dumps({**found, "samples": [asdict(sample) for sample in samples]}))
    else:
        for name, value in found.items():
            print(f"{name:16}{value:>14,.{0 if float(value).is_integer() else 1}f}")
    if wrong := problems(found):
        raise SystemExit("; ".join(wrong))


if __name__ == "__main__":
    main()
