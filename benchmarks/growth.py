"""How time and memory grow with the corpus: one label over 1,000 to 1,000,000 short rows.

    python benchmarks/growth.py [--rows 1000 10000 100000 1000000] [--words 4] [--plot docs/growth.svg]

Every row is a different text of a few words: none is answered from another one's answer. The Parquet file is read,
scored and written by ``falconql run -o``, without a cache on disk; memory is the resident set of that process, looked
at ten times a second. What the process takes to start, with one row, is measured before and not counted per row."""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

QUERY = 'text body where label("good?") select id, body'
CHUNK_ROWS = 1 << 16
NOUNS = "laptop keyboard screen battery game story sound price service hotel film song camera phone train coffee"
VERDICTS = "great awful fine broken lovely slow loud cheap odd solid bland fun weak bright dull crisp"


@dataclass(frozen=True, slots=True)
class Run:
    """One run; ``memory``: seconds since its start, and resident MB."""

    seconds: float
    cpu_s: float
    memory: list[tuple[float, float]]


def write(path: Path, rows: int, fewest: int) -> None:
    """Write texts of at least so many words: a noun, a verdict, and what number it is, in letters."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    nouns, verdicts = NOUNS.split(), VERDICTS.split()

    def text(number: int) -> str:
        words = [nouns[number % 16], verdicts[number // 16 % 16]]
        rest = number // 256
        while rest or len(words) < fewest:
            words.append((nouns + verdicts)[rest % 32])
            rest //= 32
        return " ".join(words)

    schema = pa.schema({"id": pa.int64(), "body": pa.string()})
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, rows, CHUNK_ROWS):
            numbers = range(start, min(rows, start + CHUNK_ROWS))
            writer.write_table(pa.table({"id": list(numbers), "body": [text(n) for n in numbers]}, schema=schema))


def resident_mb(process: int) -> float:
    """Return the memory of a process that is in use now, 0 when it has ended; Linux only."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * resource.getpagesize() / 2**20


def measure(path: Path, out: Path) -> Run:
    """Run the query as a user does and watch the process."""
    command = [sys.executable, "-m", "falconql", "run", "-e", QUERY, "--from", str(path), "-o", str(out), "--no-cache"]
    memory: list[tuple[float, float]] = []
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    # Into a file: an hour of progress fills a pipe that nobody reads.
    with tempfile.TemporaryFile("w+") as told, subprocess.Popen(command, stderr=told) as process:
        while process.poll() is None:
            memory.append((time.perf_counter() - started, resident_mb(process.pid)))
            time.sleep(0.1)
        seconds = time.perf_counter() - started
        told.seek(0)
        if process.returncode:
            raise SystemExit(told.read())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(seconds, cpu_s, [each for each in memory if each[1]])


def row_of(rows: int, run: Run, start_s: float) -> str:
    """Return a line of the table: memory after a tenth of the time, at the end, and at its highest."""
    levels = [mb for _, mb in run.memory]
    each_us = 1e6 * (run.seconds - start_s) / rows
    early, late, most = levels[len(levels) // 10], levels[-1], max(levels)
    return f"| {rows:,} | {run.seconds:.2f} | {run.cpu_s:.2f} | {each_us:.0f} | {early:.0f} | {late:.0f} | {most:.0f} |"


def plot(found: dict[int, Run], path: Path) -> None:
    """Draw seconds over rows, and memory over the share of the run."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    matplotlib.rcParams["svg.hashsalt"] = "falconql"
    figure, (time_axis, memory_axis) = pyplot.subplots(1, 2, figsize=(10, 3.6))
    time_axis.loglog(list(found), [run.seconds for run in found.values()], "o-")
    time_axis.set_xlabel("rows")
    time_axis.set_ylabel("seconds")
    for rows, run in found.items():
        memory_axis.plot([t / run.seconds for t, _ in run.memory], [mb for _, mb in run.memory], label=f"{rows:,} rows")
    memory_axis.set_xlabel("share of the run")
    memory_axis.set_ylabel("resident MB")
    memory_axis.set_ylim(bottom=0)
    memory_axis.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def measured(rows: int, words: int) -> Run:
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder) / "rows.parquet", Path(folder) / "out.parquet"
        write(path, rows, words)
        return measure(path, out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--words", type=int, default=4, help="of a text, at least")
    parser.add_argument("--plot", type=Path, help="an .svg or .png file")
    options = parser.parse_args()
    start_s = min(measured(1, options.words).seconds for _ in range(3))
    print(f"start: {start_s:.2f} s, one row\n")
    print("| rows | seconds | CPU seconds | µs/row after the start | MB early | MB at the end | MB at most |")
    print("|---|---|---|---|---|---|---|")
    found = {}
    for rows in options.rows:
        found[rows] = measured(rows, options.words)
        print(row_of(rows, found[rows], start_s), flush=True)
    if options.plot:
        plot(found, options.plot)


if __name__ == "__main__":
    main()
