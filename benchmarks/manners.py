"""How well a proxy tells what a writer does: asks, thanks, warns, gives a reason.

``python benchmarks/manners.py --data DIR [--proxy FOLDER ...] [--limit 100] [--seed 1]``

Texts that nothing was trained on, the same as in ``forms.py``. What is right is what the cues of
``falconql.training.manners`` say, the same by which training examples were made; texts of which they say nothing are
left out. Each is asked for in words of training and in words that are not there.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

import numpy as np
from forms import KESTREL, texts_of

from falconql.runtime.proxy.onnx import OnnxProxy
from falconql.training.manners import does
from falconql.training.scoring import balanced_accuracy, ranking

# Of each manner a wording that training has and one that it has not.
ASKED = {
    "question": ("Is the sender asking a question?", "Does the message call for a reply to something it asks?"),
    "thanks": ("Does the customer thank somebody?", "Is somebody being thanked?"),
    "apology": ("Does the author apologise?", "Does somebody say that they are sorry for something?"),
    "request": ("Is this a request?", "Is the reader to do something for the writer?"),
    "advice": ("Does the author give advice?", "Does the reviewer tell others what to do?"),
    "warning": ("Does the author warn others?", "Are people told not to buy it?"),
    "reason": ("Does the author give a reason?", "Does it say why?"),
    "comparison": ("Is something compared?", "Does the reviewer compare it to another product?"),
    "doubt": ("Is the author unsure?", "Does the writer have doubts?"),
    "wish": ("Does the author express a wish?", "Is there something the writer would like to happen?"),
    "future": ("Does the text speak of the future?", "Is it about what is still to come?"),
    "laughter": ("Is the sender laughing?", "Is somebody joking?"),
    "swearing": ("Does the author swear?", "Is there strong language?"),
    "urgency": ("Is it urgent?", "Must it happen quickly?"),
    "money": ("Is money mentioned?", "Does it say what was paid?"),
    "moment": ("Does it say when?", "Is a date or an hour given?"),
    "family": ("Is a member of the family mentioned?", "Does it mention a child, a parent or a spouse?"),
}


def figures(proxy: OnnxProxy, wording: str, yes: Sequence[str], no: Sequence[str]) -> tuple[float, float]:
    """Return the area under the ROC curve and the balanced accuracy, in percent."""
    scores = np.asarray(proxy.label([*yes, *no], [wording] * (len(yes) + len(no))))
    truth = np.arange(len(scores)) < len(yes)
    said = scores >= proxy.label_threshold
    return 100 * ranking(scores, truth), 100 * balanced_accuracy(said.tolist(), truth.tolist())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--proxy", type=Path, nargs="+", default=[KESTREL])
    parser.add_argument("--limit", type=int, default=100, help="texts that do it, and as many that do not")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    texts = texts_of(options.data, options.seed)
    proxies = [OnnxProxy(folder, threads=options.threads) for folder in options.proxy]
    heads = [f"{folder.name}: {what}" for folder in options.proxy for what in ("AUC", "balanced accuracy")]
    print(f"| asked | in training | texts | {' | '.join(heads)} |")
    print(f"|---|---|---:|{'---:|' * len(heads)}")
    measured: dict[bool, list[list[float]]] = {True: [], False: []}
    for manner, wordings in ASKED.items():
        yes = [text for text in texts if does(text, manner) is True][: options.limit]
        # As long as those that do it, so that length tells nothing.
        no = _as_long(yes, [text for text in texts if does(text, manner) is False], options.seed)
        for wording, known in zip(wordings, (True, False), strict=True):
            row = [figure for proxy in proxies for figure in figures(proxy, wording, yes, no)]
            measured[known].append(row)
            shown = " | ".join(f"{figure:.0f}" for figure in row)
            print(f"| {wording} | {'yes' if known else 'no'} | {len(yes)} | {shown} |", flush=True)
    for known, rows in measured.items():
        shown = " | ".join(f"**{mean(column):.1f}**" for column in zip(*rows, strict=True))
        print(f"| **mean** | {'yes' if known else 'no'} | | {shown} |")


def _as_long(like: Sequence[str], pool: Sequence[str], seed: int) -> list[str]:
    """Return as many texts of the pool, each the nearest in length of those that are left to one of the others."""
    left, chosen = list(pool), []
    random.Random(seed).shuffle(left)
    for text in like:
        nearest = min(range(len(left)), key=lambda i: abs(len(left[i]) - len(text)), default=None)
        if nearest is not None:
            chosen.append(left.pop(nearest))
    return chosen


if __name__ == "__main__":
    main()
