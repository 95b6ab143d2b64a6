"""Texts and tokens per second, by length of text and by number of predicates, against other ways to do the same.

    PYTHONPATH=. python benchmarks/speed.py [--lengths 16 32 64 128 256 512] [--predicates 1 2 4 8] [--real]
        [--tokens 16384] [--texts 64] [--repeat 5] [--plot docs/speed.svg] [--output speed.json]

Ways: a FalconQL query from the table to the result; a bare ONNX Runtime loop over batches made in advance;
transformers' pipelines (zero-shot-classification for labels, question-answering for spans) around the shipped proxy's
own encoder in torch; GLiNER2's code around a random encoder of the same size and depth. All answer the same
instructions about the same texts, in one process, with as many threads, in turn; figures are medians of the turns.
Tokens are those of the text alone, times predicates: what is put around a text is each way's own affair.

Needs, beside what FalconQL runs on: torch, onnx, matplotlib for the plot, ``gliner2``, and a transformers before 5,
which has question-answering no more; what is missing is left out, and said. In an environment of its own, from a
checkout:

    pip install torch onnx onnxruntime "transformers<5" gliner2 matplotlib pyarrow lark click rich platformdirs
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from speed_ways import (
    LABELS,
    SPANS,
    Encoder,
    Way,
    bare_way,
    falconql_way,
    gliner2_way,
    question_way,
    zero_shot_way,
)

from falconql.runtime.proxy import open_proxy
from falconql.runtime.proxy.session import usable_cores

EXAMPLES = Path(__file__).parents[1] / "examples" / "data"
OURS, BARE = "FalconQL", "bare ONNX Runtime loop"
ZERO_SHOT, QUESTIONS, GLINER2 = "zero-shot-classification", "question-answering", "GLiNER2"
INSTRUCTIONS = {
    LABELS: (
        "Is the reviewer satisfied?",
        "Is the battery mentioned?",
        "Would they recommend it?",
        "Is it about a game?",
        "Was it too expensive?",
        "Did something break?",
        "Is the review ironic?",
        "Does it compare two products?",
    ),
    SPANS: (
        "What is the price?",
        "Which product is it about?",
        "What does the reviewer like?",
        "What does the reviewer dislike?",
        "Which company made it?",
        "How long was it used?",
        "Who is mentioned?",
        "Where was it bought?",
    ),
}


def texts_of(length: int, count: int, tokenizer: Any, seed: int) -> list[str]:
    """Return different texts of so many tokens each, cut out of the example reviews in random order."""
    with (EXAMPLES / "game_reviews.csv").open(encoding="utf-8", newline="") as file:
        reviews = [row["review"] for row in csv.DictReader(file) if row["review"].strip()]
    rng = np.random.default_rng([seed, length])
    found: dict[str, None] = {}
    while len(found) < count:
        joined = " ".join(reviews[place] for place in rng.permutation(len(reviews))[:48])
        offsets = tokenizer.encode(joined, add_special_tokens=False).offsets
        for start in range(0, len(offsets) - length, length):
            if len(found) == count:
                break
            found[joined[offsets[start][0] : offsets[start + length - 1][1]]] = None
    return list(found)


def real_texts(tokenizer: Any) -> tuple[list[str], int]:
    """Return the example reviews as they are, each once and in the order of the file, and their mean of tokens."""
    with (EXAMPLES / "game_reviews.csv").open(encoding="utf-8", newline="") as file:
        texts = list(dict.fromkeys(row["review"] for row in csv.DictReader(file) if row["review"].strip()))
    counts = [len(tokenizer.encode(text, add_special_tokens=False).ids) for text in texts]
    return texts, round(statistics.mean(counts))


def ways_for(task: str, trial: Sequence[str]) -> dict[str, Way]:
    """Return the ways that are installed here, and say what else is left out."""
    proxy = open_proxy("kestrel")
    ways = {OURS: falconql_way(proxy, task), BARE: bare_way(proxy, task)}
    try:
        encoder = Encoder(proxy, proxy.threads)
    except ImportError as error:
        print(f"transformers and GLiNER2 are left out: {error}", file=sys.stderr)
        return ways
    if task == LABELS:
        ways[ZERO_SHOT], settings = zero_shot_way(encoder, trial, INSTRUCTIONS[task][0])
        print(f"{ZERO_SHOT}: {settings}", file=sys.stderr)
    elif found := question_way(encoder, trial, INSTRUCTIONS[task][0]):
        ways[QUESTIONS], settings = found
        print(f"{QUESTIONS}: {settings}", file=sys.stderr)
    else:
        print(f"{QUESTIONS} is left out: this version of transformers has it no more", file=sys.stderr)
    if other := gliner2_way(encoder, task):
        ways[GLINER2] = other
    else:
        print("GLiNER2 is left out: it is not installed", file=sys.stderr)
    return ways


def measured(ways: dict[str, Way], texts: Sequence[str], instructions: Sequence[str], repeat: int) -> dict[str, float]:
    """Return the median seconds of each way, after one turn that is not counted."""
    works = {name: way(texts, instructions) for name, way in ways.items()}
    taken: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(repeat + 1):
        for name, work in works.items():
            started = time.perf_counter()
            work()
            if turn:
                taken[name].append(time.perf_counter() - started)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def measurements(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield one entry for each task, length and number of predicates."""
    tokenizer = open_proxy("kestrel").prompter.tokenizer
    for task in options.tasks:
        trial = texts_of(64, 32, tokenizer, 1)
        ways = ways_for(task, trial)
        cases = [(length, 1, max(32, min(512, options.tokens // length))) for length in options.lengths]
        cases += [(options.length, count, options.texts) for count in options.predicates]
        for length, count, texts in cases:
            chosen = texts_of(length, texts, tokenizer, 2)
            seconds = measured(ways, chosen, INSTRUCTIONS[task][:count], options.repeat)
            yield {"task": task, "tokens": length, "predicates": count, "texts": texts, "seconds": seconds}
        if options.real:
            chosen, length = real_texts(tokenizer)
            # Where lengths are mixed, others do better with batches of one.
            ways = ways_for(task, chosen[:: len(chosen) // 64])
            seconds = measured(ways, chosen, INSTRUCTIONS[task][:1], options.repeat)
            entry = {"task": task, "tokens": length, "predicates": 1, "texts": len(chosen), "seconds": seconds}
            yield {**entry, "mixed": True}


def table(found: Sequence[dict[str, Any]]) -> str:
    """Return Markdown: texts/s and tokens/s, and how many times the seconds of FalconQL each way takes."""
    names = list(dict.fromkeys(name for entry in found for name in entry["seconds"]))
    lines = [f"| tokens | predicates | {' | '.join(names)} |", "|---|---|" + "---|" * len(names)]
    for entry in found:
        cells = []
        for name in names:
            s = entry["seconds"][name]
            texts, tokens = entry["texts"] / s, entry["texts"] * entry["tokens"] * entry["predicates"] / s
            ratio = "" if name == OURS else f" ({s / entry['seconds'][OURS]:.2f})"
            cells.append(f"{texts:,.0f} · {tokens:,.0f}{ratio}")
        length = f"all lengths, {entry['tokens']} on average" if entry.get("mixed") else entry["tokens"]
        lines.append(f"| {length} | {entry['predicates']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def verdict(found: Sequence[dict[str, Any]]) -> str:
    """Return how the bars are met: the worst case of each."""
    lines = []
    for name in (ZERO_SHOT, QUESTIONS, GLINER2, BARE):
        ratios = [
            (entry["seconds"][name] / entry["seconds"][OURS], entry["tokens"], entry["predicates"])
            for entry in found
            if name in entry["seconds"] and (name != GLINER2 or entry["predicates"] == 1)
        ]
        if ratios:
            low, high = min(ratios), max(ratios)
            lines.append(f"{name}: {low[0]:.2f} (tokens {low[1]}, predicates {low[2]}) to {high[0]:.2f} times FalconQL")
    return "\n".join(lines)


def plot(found: Sequence[dict[str, Any]], path: Path, options: argparse.Namespace) -> None:
    """Draw texts per second over length, and over predicates, both axes logarithmic."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    matplotlib.rcParams["svg.hashsalt"] = "falconql"
    figure, axes = pyplot.subplots(1, 2 * len(options.tasks), figsize=(5 * len(options.tasks) + 2, 3.6), sharey=True)
    for place, task in enumerate(options.tasks):
        own = [e for e in found if e["task"] == task and not e.get("mixed")]
        lengths, counts = own[: len(options.lengths)], own[len(options.lengths) :]
        for axis, entries, key in ((axes[2 * place], lengths, "tokens"), (axes[2 * place + 1], counts, "predicates")):
            for name in entries[0]["seconds"] if entries else ():
                axis.plot(
                    [e[key] for e in entries], [e["texts"] / e["seconds"][name] for e in entries], "o-", label=name
                )
            axis.set_xscale("log", base=2)
            axis.set_yscale("log")
            axis.set_xticks([e[key] for e in entries], [str(e[key]) for e in entries])
            axis.set_title(task)
            axis.set_xlabel("tokens of a text" if key == "tokens" else f"predicates, texts of {options.length} tokens")
            axis.grid(alpha=0.3)
        axes[2 * place].legend(fontsize="small")
    axes[0].set_ylabel("texts per second")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", choices=[LABELS, SPANS], default=[LABELS, SPANS])
    parser.add_argument("--lengths", type=int, nargs="*", default=[16, 32, 64, 128, 256, 512], help="tokens of a text")
    parser.add_argument("--predicates", type=int, nargs="*", default=[1, 2, 4, 8], help="up to 8")
    parser.add_argument("--length", type=int, default=64, help="tokens of a text where predicates vary")
    parser.add_argument("--tokens", type=int, default=16384, help="of all texts where lengths vary (32 to 512 texts)")
    parser.add_argument("--texts", type=int, default=64, help="where predicates vary")
    parser.add_argument("--real", action="store_true", help="the example reviews whole, too, their lengths mixed")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--plot", type=Path, help="an .svg or .png file")
    parser.add_argument("--output", type=Path, help="a JSON file for all figures")
    options = parser.parse_args()
    found = []
    for entry in measurements(options):
        found.append(entry)
        print(json.dumps(entry), file=sys.stderr, flush=True)
    print(f"{usable_cores()} threads, medians of {options.repeat}; texts/s · tokens/s (times the seconds of FalconQL)")
    for task in options.tasks:
        chosen = [entry for entry in found if entry["task"] == task]
        print(f"\n{task}\n\n{table(chosen)}\n\n{verdict(chosen)}")
    if options.output:
        options.output.write_text(json.dumps(found, indent=1) + "\n")
    if options.plot:
        plot(found, options.plot, options)


if __name__ == "__main__":
    main()
