"""How time and memory grow with the corpus: one label over 1,000 to 1,000,000 short rows.

    python benchmarks/growth.py [--rows 1000 10000 100000 1000000] [--tokens 4] [--plot docs/growth.svg]

Every row is a different text of a few words: none is answered from another one's answer. The Parquet file is read, scored and
written again (``-o``), without a cache on disk, each size in a process of its own; memory is that process's resident set,
sampled ten times a second.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

QUERY = 'text body where label("Is it good?") select id, body'
CHUNK_ROWS = 1 << 16
NOUNS = (
    "laptop keyboard screen battery game story sound price service hotel film song camera phone train coffee".split()
)
VERDICTS = "great awful fine broken lovely slow loud cheap odd solid bland fun weak bright dull crisp".split()


def write(path: Path, rows: int, tokens: int) -> None:
    """Write texts of about so many tokens: a noun, a verdict, and what number it is, in letters."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    def text(number: int) -> str:
        words = [NOUNS[number % 16], VERDICTS[number // 16 % 16]]
        rest = number // 256
        while rest or len(words) < tokens:
            words.append((NOUNS + VERDICTS)[rest % 32])
            rest //= 32
        return " ".join(words)

    schema = pa.schema({"id": pa.int64(), "body": pa.string()})
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, rows, CHUNK_ROWS):
            numbers = range(start, min(rows, start + CHUNK_ROWS))
            writer.write_table(pa.table({"id": list(numbers), "body": [text(n) for n in numbers]}, schema=schema))


def resident_mb() -> float:
    """Return the memory of this process that is in use now; Linux only."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def measure(path: Path, out: Path) -> dict[str, object]:
    """Run the query and return seconds, rows out and the memory over time, in MB."""
    import falconql

    samples: list[tuple[float, float]] = []
    done = threading.Event()
    started, busy = time.perf_counter(), time.process_time()

    def sample() -> None:
        while not done.wait(0.1):
            samples.append((time.perf_counter() - started, resident_mb()))

    watcher = threading.Thread(target=sample)
    watcher.start()
    try:
        rows_out = falconql.query(QUERY).write(path, out, cache=False)
        seconds, cpu_s = time.perf_counter() - started, time.process_time() - busy
    finally:
        done.set()
        watcher.join()
    return {"seconds": seconds, "cpu_s": cpu_s, "rows_out": rows_out, "memory": samples}


def row_of(rows: int, found: dict[str, object]) -> str:
    """Return a line of the table: memory at a tenth of the time, at its end, and at its highest."""
    seconds, cpu_s, memory = found["seconds"], found["cpu_s"], found["memory"]
    assert isinstance(seconds, float)
    assert isinstance(cpu_s, float)
    assert isinstance(memory, list)
    levels = [mb for _, mb in memory] or [resident_mb()]
    early, late, most = levels[len(levels) // 10], levels[-1], max(levels)
    each = f"{1e6 * seconds / rows:.0f} | {1e6 * cpu_s / rows:.0f}"
    return f"| {rows:,} | {found['rows_out']:,} | {seconds:.2f} | {each} | {early:.0f} | {late:.0f} | {most:.0f} |"


def plot(found: dict[int, dict[str, object]], path: Path) -> None:
    """Draw seconds over rows, and memory over the share of the run."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    matplotlib.rcParams["svg.hashsalt"] = "falconql"
    figure, (time_axis, memory_axis) = pyplot.subplots(1, 2, figsize=(10, 3.6))
    time_axis.loglog(list(found), [each["seconds"] for each in found.values()], "o-")
    time_axis.set_xlabel("rows")
    time_axis.set_ylabel("seconds")
    for rows, each in found.items():
        memory = each["memory"]
        assert isinstance(memory, list)
        last = each["seconds"]
        assert isinstance(last, float)
        memory_axis.plot([t / last for t, _ in memory], [mb for _, mb in memory], label=f"{rows:,} rows")
    memory_axis.set_xlabel("share of the run")
    memory_axis.set_ylabel("resident MB")
    memory_axis.set_ylim(bottom=0)
    memory_axis.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--tokens", type=int, default=4, help="words of a text, at least")
    parser.add_argument("--plot", type=Path, help="an .svg or .png file")
    parser.add_argument("--measure", type=Path, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(*options.measure)))
        return
    print("| rows | rows out | seconds | µs/row | CPU µs/row | MB early | MB at the end | MB at most |")
    print("|---|---|---|---|---|---|---|---|")
    found: dict[int, dict[str, object]] = {}
    for rows in options.rows:
        with tempfile.TemporaryDirectory() as folder:
            path, out = Path(folder) / "rows.parquet", Path(folder) / "out.parquet"
            write(path, rows, options.tokens)
            command = [sys.executable, __file__, "--measure", str(path), str(out)]
            found[rows] = json.loads(subprocess.check_output(command))
        print(row_of(rows, found[rows]), flush=True)
    if options.plot:
        plot(found, options.plot)


if __name__ == "__main__":
    main()
