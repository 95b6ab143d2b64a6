"""A column filter without model calls over many rows of Parquet: rows per second and peak memory.

    python benchmarks/scan.py [--rows 1000000 10000000] [--repeat 3]

Every file is written and every run measured in a process of its own: a process begins with the peak
memory of the one that starts it. The file has an id, a number, a category, a text of about 60 characters
and a date, in row groups of 1 Mi rows.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

QUERY = 'where stars >= 4 and day >= "2020-06-01" and section in ("a", "b") select id, stars'
CHUNK_ROWS = 1 << 20


def write(path: Path, rows: int) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(7)
    words = np.array(["falcon", "kestrel", "hobby", "merlin", "saker", "lanner", "peregrine", "gyr"])
    with_day = np.datetime64("2020-01-01")
    writer = None
    for start in range(0, rows, CHUNK_ROWS):
        count = min(CHUNK_ROWS, rows - start)
        picked = words[rng.integers(0, len(words), (count, 8))]
        text = [" ".join(row) for row in picked]
        table = pa.table(
            {
                "id": np.arange(start, start + count),
                "stars": rng.integers(1, 6, count),
                "section": np.array(list("abcdefgh"))[rng.integers(0, 8, count)],
                "text": text,
                "day": with_day + rng.integers(0, 366, count).astype("timedelta64[D]"),
            }
        )
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    assert writer is not None
    writer.close()


def measure(path: Path) -> dict[str, float]:
    import falconql

    started, busy = time.perf_counter(), time.process_time()
    run = falconql.query(QUERY).start(path)
    rows_out = sum(batch.num_rows for batch in run.batches())
    seconds = time.perf_counter() - started
    cpu_s = time.process_time() - busy
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "cpu_s": cpu_s, "rows_out": rows_out, "peak_mb": peak_mb}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        write(options.write, options.rows[0])
        return
    if options.measure:
        print(json.dumps(measure(options.measure)))
        return
    print("| rows | rows out | seconds (median) | CPU seconds | million rows/s | peak MB |")
    print("|---|---|---|---|---|---|")
    for rows in options.rows:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rows.parquet"
            subprocess.run([sys.executable, __file__, "--write", str(path), "--rows", str(rows)], check=True)
            command = [sys.executable, __file__, "--measure", str(path)]
            runs = [json.loads(subprocess.check_output(command)) for _ in range(options.repeat)]
        seconds = statistics.median(run["seconds"] for run in runs)
        cpu_s = statistics.median(run["cpu_s"] for run in runs)
        peak = max(run["peak_mb"] for run in runs)
        speed = f"{seconds:.2f} | {cpu_s:.2f} | {rows / seconds / 1e6:.2f}"
        print(f"| {rows:,} | {runs[0]['rows_out']:,} | {speed} | {peak:.0f} |")


if __name__ == "__main__":
    main()
