"""How well a proxy finds what has a form of its own in real texts: prices, e-mail and web addresses, dates.

``python benchmarks/forms.py --data DIR [--proxy FOLDER ...] [--limit 60] [--seed 1]``

Texts that nothing was trained on: test splits of held-out sets, AG's news, text messages, reviews of games and laptops,
descriptions of talks. What is right is what the regular expressions of ``falconql.training.patterns`` find, the same by
which training examples were made: that says whether the proxy knows the form, not whether the form is all there is.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import pyarrow.parquet as pq

from falconql.runtime.proxy.onnx import OnnxProxy
from falconql.training.patterns import FORMS
from falconql.training.scoring import Counts, exact_spans, word_spans
from falconql.training.sources import read_split

KESTREL = Path(__file__).resolve().parents[1] / "runtime" / "proxy" / "kestrel"
SPLITS = (("multidomain_sentiment", "test"), ("sms_spam", "test"), ("bbc_news", "test"), ("ag_news", "dev"))
CORPORA = {"nus_sms": "text", "steam_reviews": "review", "laptop_reviews": "review", "ted_talks": "description"}
KINDS = ("price", "e-mail address", "web address", "percentage", "date", "time of day")
CHARACTERS = (20, 600)
MOST_OF_A_CORPUS = 6_000


def texts_of(data: Path, seed: int) -> list[str]:
    """Return the different texts in an order of chance."""
    found = [row["text"] for name, split in SPLITS for row in read_split(data, f"classify/{name}", split)]
    for name, column in CORPORA.items():
        table = pq.read_table(data / "corpora" / f"{name}.parquet", columns=[column])
        found += [text for text in table.column(0).to_pylist() if text][:MOST_OF_A_CORPUS]
    least, most = CHARACTERS
    different = list(dict.fromkeys(text[:most] for text in found if len(text) > least))
    random.Random(seed).shuffle(different)
    return different


def figures(proxy: OnnxProxy, kind: str, having: list[str], lacking: list[str]) -> str:
    """Return word F1 and exact F1 where there is something to find, and in how many others something is found."""
    words, exact, wrong = Counts(), Counts(), 0
    asked = [*having, *lacking]
    for text, spans in zip(asked, proxy.spans(asked, [f"Extract the {kind}"] * len(asked)), strict=True):
        got, true = [(s.start, s.end) for s in spans], [m.span() for m in FORMS[kind].finditer(text)]
        if true:
            words, exact = words + word_spans(text, got, true), exact + exact_spans(got, true)
        else:
            wrong += bool(got)
    return f"{100 * words.f1:.0f} | {100 * exact.f1:.0f} | {100 * wrong / len(lacking):.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--proxy", type=Path, nargs="+", default=[KESTREL])
    parser.add_argument("--limit", type=int, default=60, help="texts that have one, and as many that have none")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    texts = texts_of(options.data, options.seed)
    for folder in options.proxy:
        proxy = OnnxProxy(folder, threads=options.threads)
        print(f"| {folder.name} | texts that have one | word F1 | exact F1 | found where there is none, % |")
        print("|---|---:|---:|---:|---:|")
        for kind in KINDS:
            having = [text for text in texts if FORMS[kind].search(text)][: options.limit]
            lacking = [text for text in texts if not FORMS[kind].search(text)][: options.limit]
            print(f"| {kind} | {len(having)} | {figures(proxy, kind, having, lacking)} |", flush=True)
        print()


if __name__ == "__main__":
    main()
