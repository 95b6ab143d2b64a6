"""Seconds from Enter to the first rows in the terminal program, by the size of the corpus.

    python benchmarks/first_rows.py [--rows 10000 1000000]

Types a query with a label, which about half of the texts satisfy, into a real pseudo-terminal, and waits for a
row on the screen; the first query of a session opens the proxy, the second finds it open.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.cli.terminal import terminal

REPEATS = 5


def main() -> None:
    """Measure and print a line per size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 1_000_000])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for rows in given.rows:
            texts = [
                f"Review {i}: the laptop {'is a joy to use' if i % 2 else 'broke in a week'}." for i in range(rows)
            ]
            pq.write_table(pa.table({"id": range(rows), "body": texts}), Path(folder) / "texts.parquet")
            first, second = zip(*(once(Path(folder)) for _ in range(REPEATS)), strict=True)
            print(f"{rows:>9,} rows: {statistics.median(first):.2f} s, then {statistics.median(second):.2f} s")


def once(folder: Path) -> tuple[float, float]:
    """Return the seconds to the first rows of the first and of the second query of a session."""
    with terminal(
        "repl",
        "texts.parquet",
        cwd=folder,
        environment={"XDG_STATE_HOME": str(folder / "state"), "FALCONQL_CACHE": "off"},
    ) as running:
        running.until("falconql>")
        taken = []
        for question, shown in (("Is the reviewer happy?", "id  body"), ("Is it a complaint?", "id  body")):
            started = time.perf_counter()
            running.type(f'where label("{question}")\r')
            seen = running.screen.count(shown)
            running.until(lambda screen, seen=seen, shown=shown: screen.count(shown) > seen)
            taken.append(time.perf_counter() - started)
            running.interrupt()
            stops = len(taken)
            running.until(lambda screen, stops=stops: screen.count("stopped: ") >= stops)
        return taken[0], taken[1]


if __name__ == "__main__":
    main()
