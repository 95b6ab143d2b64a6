"""Which labelled sets a proxy is trained on, and under what licence.

Sets whose licence forbids commercial use are not listed at all, nor are families kept out to
measure what the proxy makes of instructions it has never seen (``HELD_OUT``). ``stated=False``
marks sets whose source states no licence although released models are routinely trained on them;
``--stated-licences-only`` leaves them out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

HELD_OUT = (
    "spans/wnut17",
    "spans/tasteset",
    "spans/skillspan",
    "spans/cyner",
    "spans/re3d",
    "qa/covid_qa",
    "nli/climate_fever",
    "classify/bbc_news",
    "classify/sms_spam",
    "classify/tweet_emotion",
)


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """One labelled set: ``name`` is its folder, ``share`` its weight within its task."""

    name: str
    share: float
    licence: str
    stated: bool = True

    @property
    def task(self) -> str:
        """Return ``spans``, ``qa``, ``nli`` or ``classify``."""
        return self.name.split("/")[0]


SETS = (
    TrainingSet("spans/broad_twitter", 1.0, "CC BY 4.0"),
    TrainingSet("spans/bc2gm", 0.7, "CC BY 4.0"),
    TrainingSet("spans/anatem", 0.6, "CC BY 4.0"),
    TrainingSet("spans/bc5cdr", 1.0, "CC BY 4.0"),
    TrainingSet("spans/ncbi_disease", 0.6, "CC BY 4.0"),
    TrainingSet("spans/linnaeus", 0.3, "CC BY 4.0"),
    TrainingSet("spans/bionlp13cg", 1.2, "CC BY-SA 3.0"),
    TrainingSet("spans/wikigold", 1.0, "CC BY 4.0"),
    TrainingSet("spans/restaurant8k", 0.8, "CC BY 4.0"),
    TrainingSet("spans/dstc8_slots", 0.8, "CC BY 4.0"),
    TrainingSet("spans/snips_slots", 2.0, "CC0 1.0"),
    TrainingSet("spans/mit_movie_trivia", 1.5, "not stated (MIT SLS group)", stated=False),
    TrainingSet("spans/conll04", 1.0, "not stated (CoNLL 2004 data)", stated=False),
    TrainingSet("spans/aste_laptop", 0.7, "not stated (SemEval 2014)", stated=False),
    TrainingSet("spans/aste_restaurant", 0.8, "not stated (SemEval 2014 and 2016)", stated=False),
    TrainingSet("qa/squad_part", 3.5, "CC BY-SA 4.0"),
    TrainingSet("qa/squad2_part", 1.0, "CC BY-SA 4.0"),
    TrainingSet("qa/qamr", 2.0, "MIT"),
    TrainingSet("qa/policyqa", 0.5, "MIT"),
    TrainingSet("qa/qed_nq", 0.4, "CC BY-SA 3.0"),
    TrainingSet("qa/qasrl_gs", 1.0, "MIT"),
    TrainingSet("qa/bioasq_part", 0.4, "CC BY 2.5"),
    TrainingSet("qa/subjqa", 0.5, "not stated", stated=False),
    TrainingSet("nli/snli_part", 2.5, "CC BY-SA 4.0"),
    TrainingSet("nli/mnli_part", 2.5, "OANC, CC BY 3.0 and CC BY-SA 3.0"),
    TrainingSet("nli/fever_evidence", 1.2, "CC BY-SA 3.0"),
    TrainingSet("nli/snli_counterfactual", 0.8, "Apache 2.0"),
    TrainingSet("nli/conjnli", 0.2, "MIT"),
    TrainingSet("nli/lingnli", 3.0, "not stated", stated=False),
    TrainingSet("nli/rte", 0.6, "not stated (GLUE)", stated=False),
    TrainingSet("classify/dbpedia14", 1.2, "CC BY-SA 3.0 and GFDL"),
    TrainingSet("classify/clinc150", 1.0, "CC BY 3.0"),
    TrainingSet("classify/snips_intents", 0.4, "CC0 1.0"),
    TrainingSet("classify/banking77", 0.5, "CC BY 4.0"),
    TrainingSet("classify/goemotions", 1.5, "CC BY 4.0"),
    TrainingSet("classify/hate_offensive", 0.5, "MIT"),
    TrainingSet("classify/sst2", 1.0, "not stated (GLUE)", stated=False),
    TrainingSet("classify/sst5", 0.8, "not stated (Stanford)", stated=False),
    TrainingSet("classify/imdb", 1.5, "not stated (Stanford)", stated=False),
    TrainingSet("classify/amazon_polarity", 1.8, "not stated (SNAP)", stated=False),
    TrainingSet("classify/multidomain_sentiment", 1.5, "not stated", stated=False),
)


def read_split(data: Path, name: str, split: str) -> list[dict[str, Any]]:
    """Return the rows of one split, an empty list when the set has no such split."""
    path = data / name / f"{split}.parquet"
    if not path.exists():
        return []
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


def text_column(task: str) -> str:
    """Return which column of a task's rows holds the text that is read."""
    return {"qa": "context", "nli": "premise"}.get(task, "text")


def evaluation_texts(data: Path) -> Iterator[str]:
    """Yield every text of every dev and test split, held-out families included."""
    for folder in sorted(data.glob("*/*/")):
        if folder.parent.name == "corpora":
            continue
        for split in ("dev", "test"):
            path = folder / f"{split}.parquet"
            if path.exists():
                column = text_column(folder.parent.name)
                yield from pq.read_table(path, columns=[column]).column(0).to_pylist()


def label_names(data: Path, name: str) -> dict[str, str]:
    """Return the plain name of each label of a set."""
    names: dict[str, str] = json.loads((data / name / "labels.json").read_text(encoding="utf-8"))
    return names
