"""Annotated questions to a registered proxy: fine-tune, export, calibrate, check, measure, register."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from falconql.runtime.plan import ModelCall
from falconql.runtime.proxy.manifest import LabelCalibration
from falconql.runtime.proxy.onnx import OnnxProxy
from falconql.runtime.proxy.registry import Registered, add_proxy
from falconql.specialise.calibrating import calibrations
from falconql.specialise.gold import Gold, Parts
from falconql.specialise.measuring import Compared, Measured, compare, counted
from falconql.training.dataset import collate, tokenise
from falconql.training.examples import Example
from falconql.training.exporter import ExportError, check_scores, export, write_manifest
from falconql.training.finetune import Epoch, FineTuning, fine_tune
from falconql.training.trainable import trainable

CHECKED_BATCHES, BATCH_SIZE = 24, 16
# The exporter measures ranges on one half of its batches and checks on the other.
LEAST_BATCHES = 2
MOST_COMPARED = 512


@dataclass(frozen=True, slots=True)
class Made:
    """A proxy that was made.

    Attributes:
        registered: where it is.
        measured: by call, the quality of the base and of the new proxy on questions neither learned from nor
            calibrated on; calls without such questions are missing.
        quantised: whether it is int8; otherwise ``refused`` says what int8 would have lost.
        epochs: the history of fine-tuning.
    """

    registered: Registered
    measured: Mapping[int, Compared]
    quantised: bool
    refused: str | None
    epochs: Sequence[Epoch]


def make(
    parts: Parts,
    calls: Sequence[ModelCall],
    base: OnnxProxy,
    name: str,
    lineage: Mapping[str, Any],
    config: FineTuning,
    *,
    rehearsed: Sequence[Example] = (),
    state: Path | None = None,
    device: str = "cpu",
    on_epoch: Callable[[Epoch], None] | None = None,
) -> Made:
    """Train from ``base`` and register the result under ``name``.

    Args:
        parts: what to learn from, to calibrate on, to measure on.
        calls: the query's model calls, by the numbers in ``parts``.
        base: the proxy to start from.
        name: of the new proxy.
        lineage: what it was made from, for its manifest, which gets ``config`` there, too.
        config: how to fine-tune; its windows are those of the base.
        rehearsed: examples of earlier trainings, so that they are not forgotten.
        state: where fine-tuning keeps its state.
        device: to train on.
        on_epoch: called after each epoch.

    Raises:
        ProxyError: the base cannot be trained on, or the name is taken.
        ExportError: the exported model does not compute what the trained one does.
        OSError: a file cannot be written.
    """
    config = replace(config, max_tokens=base.manifest.max_tokens, window_overlap=base.manifest.window_overlap)
    model = trainable(base.folder, seed=config.seed)
    tokenizer = base.prompter.tokenizer
    # Once each, however many calls ask it.
    learned = list(dict.fromkeys([*(row.example for row in parts.learned), *rehearsed]))
    held_out = list(dict.fromkeys(row.example for row in parts.calibrated))
    epochs = fine_tune(model, tokenizer, learned, held_out, config, device=device, state=state, on_epoch=on_epoch)
    with tempfile.TemporaryDirectory(prefix="falconql-") as folder:
        exact, small = Path(folder) / "fp32", Path(folder) / "int8"
        manifest = _manifest(base, name)
        inputs = _batches(base, learned, config)
        checks = export(
            model.to("cpu"), base.folder / base.manifest.tokenizer, manifest, inputs, float_dir=exact, int8_dir=small
        )
        chosen, refused = small, None
        everything = (*parts.calibrated, *parts.measured, *parts.learned)
        try:
            manifest = _calibrated(base, OnnxProxy(small), parts.calibrated, calls, manifest)
            for form in (exact, small):
                write_manifest(form, manifest)
            # How much int8 loses is no matter of what was learned from: all rows, so that a few do not decide.
            check_scores(_scores(OnnxProxy(exact), everything, calls), _scores(OnnxProxy(small), everything, calls))
        except ExportError as error:
            chosen, refused = exact, str(error)
            manifest = _calibrated(base, OnnxProxy(exact), parts.calibrated, calls, _manifest(base, name))
        write_manifest(chosen, manifest)
        new = OnnxProxy(chosen)
        annotated = _grouped(everything)
        measured = {
            call: compare(base, new, rows, calls[call], annotated[call])
            for call, rows in _grouped(parts.measured).items()
        }
        manifest["lineage"] = [*base.manifest.card.get("lineage", []), dict(lineage) | {"options": asdict(config)}]
        manifest["metrics"] = {"export": checks, **_as_json(measured)}
        write_manifest(chosen, manifest)
        registered = add_proxy(chosen, name)
    return Made(registered, measured, chosen == small, refused, epochs)


def _manifest(base: OnnxProxy, name: str) -> dict[str, Any]:
    """Return the base's manifest for a model whose scores are not calibrated yet."""
    manifest: dict[str, Any] = json.loads((base.folder / "proxy.json").read_text(encoding="utf-8"))
    manifest.pop("gpu_model", None)
    manifest |= {"name": name, "version": "1", "model": "model.onnx", "tokenizer": "tokenizer.json"}
    manifest["labels"] = {"B": 0, "I": 1, "O": 2}
    manifest["label"] = {**manifest["label"], "temperature": 1.0, "bias": 0.0}
    manifest["label"].pop("instructions", None)
    manifest["description"] = f"{base.name}, trained for one query. {manifest.get('description', '')}".strip()
    return manifest


def _calibrated(
    base: OnnxProxy, raw: OnnxProxy, rows: Sequence[Gold], calls: Sequence[ModelCall], manifest: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the manifest with the base's general calibration and one for each instruction of the rows."""
    own = base.manifest
    general = LabelCalibration(own.temperature, own.bias, own.label_threshold)
    found = calibrations(raw, rows, general, calls)
    earlier = json.loads((base.folder / "proxy.json").read_text(encoding="utf-8"))
    label = {**earlier["label"], "instructions": {**earlier["label"].get("instructions", {}), **found["label"]}}
    span = {**earlier["span"], "instructions": {**earlier["span"].get("instructions", {}), **found["span"]}}
    return {**manifest, "label": label, "span": span}


def _batches(base: OnnxProxy, examples: Sequence[Example], config: FineTuning) -> list[dict[str, np.ndarray[Any, Any]]]:
    """Return model inputs to measure activation ranges on and to check the exported forms with."""
    most = CHECKED_BATCHES * BATCH_SIZE
    chosen = list(examples) if len(examples) <= most else random.Random(config.seed).sample(list(examples), most)
    items = tokenise(base.prompter.tokenizer, chosen, config.max_tokens, config.seed)
    size = min(BATCH_SIZE, max(1, len(items) // LEAST_BATCHES))
    batches = [collate(items[start : start + size]) for start in range(0, len(items), size)]
    return [{name: array for name, array in batch.items() if name != "targets"} for batch in batches]


def _scores(proxy: OnnxProxy, rows: Sequence[Gold], calls: Sequence[ModelCall]) -> dict[str, float]:
    """Return the F1 or accuracy of each call, without weights: what the gate compares."""
    scores = {}
    for call, rows_of_call in _grouped(rows).items():
        own = rows_of_call[:MOST_COMPARED]
        counts, right = counted(proxy, own, calls[call])
        true, found, wanted = counts.sum(axis=0)
        f1 = float(2 * true / (found + wanted)) if found + wanted else 1.0
        scores[f"call {call}"] = float(right.mean()) if own[0].task.kind == "label" else f1
    return scores


def _grouped(rows: Sequence[Gold]) -> dict[int, list[Gold]]:
    found: dict[int, list[Gold]] = {}
    for row in rows:
        found.setdefault(row.call, []).append(row)
    return dict(sorted(found.items()))


def _as_json(measured: Mapping[int, Compared]) -> dict[str, Any]:
    return {
        "before": {str(call): _measured(each.before) for call, each in measured.items()},
        "after": {str(call): _measured(each.after) for call, each in measured.items()},
        "worse": [str(call) for call, each in measured.items() if each.worse],
    }


def _measured(each: Measured) -> dict[str, Any]:
    return {
        "rows": each.rows,
        "f1": [round(value, 4) for value in (each.f1.value, each.f1.low, each.f1.high)],
        "positives": round(each.positives.value, 4),
    }
