"""How long the command line takes from nothing to done: medians over whole processes.

    python benchmarks/startup.py [--runs 20]

Each command runs once unmeasured (to fill the disk cache), then ``--runs`` times. Bars: ``--version`` under
0.25 s, ``check`` against a corpus under 0.45 s, ``run`` of one label over ten short texts under 1.5 s. Measure on
an idle machine.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TEXTS = (
    "I love this keyboard.",
    "It broke after two days.",
    "Works as described, fast delivery.",
    "The screen is far too dark.",
    "Best purchase of the year!",
    "Never again.",
    "Good value for the price.",
    "The battery lasts an hour at most.",
    "My daughter uses it every day and is happy.",
    "Support did not answer my mails.",
)
QUERY = 'where label("Is the customer satisfied?") select id, text'
COMMANDS = (
    ("--version", 0.25, ("--version",)),
    ("--help", 0.25, ("--help",)),
    ("check, without a corpus", 0.45, ("check", "-e", QUERY)),
    ("check, against a CSV file", 0.45, ("check", "-e", QUERY, "--from", "texts.csv")),
    ("check, against a Parquet file", 0.45, ("check", "-e", QUERY, "--from", "texts.parquet")),
    ("run, one label over ten short texts", 1.5, ("run", "-e", QUERY, "--from", "texts.csv")),
)


def seconds_of(arguments: tuple[str, ...], folder: Path) -> float:
    started = time.perf_counter()
    command = [sys.executable, "-m", "falconql", *arguments]
    # Kept answers would be there from the second turn on.
    environment = {**os.environ, "FALCONQL_CACHE": "off"}
    quiet = subprocess.DEVNULL
    subprocess.run(command, cwd=folder, check=True, stdout=quiet, stderr=quiet, env=environment)
    return time.perf_counter() - started


def make_corpus(folder: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [f'{number},"{text}"' for number, text in enumerate(TEXTS)]
    (folder / "texts.csv").write_text("\n".join(["id,text", *rows]) + "\n", encoding="utf-8")
    pq.write_table(pa.table({"id": list(range(len(TEXTS))), "text": TEXTS}), folder / "texts.parquet")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    runs: int = parser.parse_args().runs
    print(f"{'command':<38}{'median':>9}{'fastest':>9}{'bar':>7}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_corpus(folder)
        for title, bar, arguments in COMMANDS:
            seconds_of(arguments, folder)
            taken = [seconds_of(arguments, folder) for _ in range(runs)]
            median = statistics.median(taken)
            verdict = "" if median < bar else "  over"
            print(f"{title:<38}{median:>7.3f} s{min(taken):>7.3f} s{bar:>5.2f} s{verdict}")


if __name__ == "__main__":
    main()
