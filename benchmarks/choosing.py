"""How ``choose`` should word its calls: the share of right choices by the wording, on development rows.

    PYTHONPATH=. python benchmarks/choosing.py --data DIR [--limit 150]

Every option is a label call of its own and the surest one is chosen. ``both`` adds the margins of the first two
wordings, for twice the calls. Test rows are not read: a wording may be chosen by this.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path
from statistics import mean

import numpy as np
from numpy.typing import NDArray
from quality_tasks import plain

from falconql.runtime.proxy import find_proxy
from falconql.runtime.proxy.onnx import OnnxProxy
from falconql.training.sources import label_names, read_split

SETS = {
    "ag_news": "What is the topic?",
    "bbc_news": "What is the topic?",
    "dbpedia14": "What is this about?",
    "goemotions": "Which emotion is expressed?",
    "hate_offensive": "What kind of message is it?",
    "snips_intents": "What does the user want?",
    "sst2": "What is the sentiment?",
    "sst5": "What is the sentiment?",
    "tweet_emotion": "Which emotion is expressed?",
    "tweet_sentiment": "What is the sentiment?",
}
WORDINGS = ("{question} {option}", "{option}", "{question}: {option}", "Is it {option}?")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=150)
    parser.add_argument("--threads", type=int, default=None)
    options = parser.parse_args()
    proxy = OnnxProxy(find_proxy("kestrel"), threads=options.threads)
    columns = [*(f"`{wording}`" for wording in WORDINGS), "both"]
    print(f"| set | options | {' | '.join(columns)} |\n|---|---:|{'---:|' * len(columns)}")
    found = []
    for name, question in SETS.items():
        names = {label: plain(said) for label, said in label_names(options.data, f"classify/{name}").items()}
        rows = [row for row in read_split(options.data, f"classify/{name}", "dev") if row["label"] in names]
        random.Random(5).shuffle(rows)
        right = shares(proxy, rows[: options.limit], question, names)
        found.append(right)
        print(f"| {name} | {len(names)} | {' | '.join(f'{share:.1f}' for share in right)} |", flush=True)
    print(f"| mean | | {' | '.join(f'{mean(column):.1f}' for column in zip(*found, strict=True))} |")


def shares(proxy: OnnxProxy, rows: list[dict[str, str]], question: str, names: dict[str, str]) -> list[float]:
    """Return the percentage of right choices for each wording, and for the first two together."""
    wanted = np.array([list(names).index(row["label"]) for row in rows])
    margins: list[NDArray[np.float64]] = []
    for wording in WORDINGS:
        asked = [wording.format(question=question, option=said) for said in names.values()]
        texts = [row["text"] for row in rows for _ in asked]
        scores = np.clip(proxy.label(texts, asked * len(rows)).astype(np.float64), 1e-6, 1 - 1e-6)
        margins.append(np.log(scores / (1 - scores)).reshape(len(rows), len(asked)))
    margins.append(margins[0] + margins[1])
    return [float(100 * (each.argmax(axis=1) == wanted).mean()) for each in margins]


if __name__ == "__main__":
    main()
