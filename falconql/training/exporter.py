"""From a torch token classifier to the proxy directories that the runtime opens.

Two are written from one model: the float one, which is the reference, and the int8 one, which
ships. Each step is checked against the one before it on real inputs: ONNX against torch within
``ONNX_TOLERANCE``, int8 against float by how far probabilities move.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from falconql.training.faster import rewrite
from falconql.training.quantiser import Arrays, loaded, quantise

ONNX_TOLERANCE = 1e-3
MOST_LOSS, MOST_MEAN_LOSS = 0.02, 0.01
OPSET = 18


class ExportError(Exception):
    """The exported model does not compute what the trained one does."""


@dataclass(frozen=True, slots=True)
class Drift:
    """How far class probabilities move between two forms of a model, over all real tokens."""

    mean: float
    largest: float
    changed: float

    def as_json(self) -> dict[str, float]:
        """Return the figures rounded for a manifest; ``changed`` is the share of other classes."""
        return {"mean": round(self.mean, 5), "largest": round(self.largest, 4), "changed": round(self.changed, 5)}


class _Logits(nn.Module):
    """The model as a plain function of its input arrays."""

    def __init__(self, model: nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self.model = model
        self.names = tuple(names)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.model(**dict(zip(self.names, inputs, strict=True))).logits
        return logits


def write_onnx(model: nn.Module, target: Path, example: Arrays) -> None:
    """Write the model as a float ONNX file with free batch and token axes.

    The inputs are those of ``example``. Attention is written out step by step: that is the form
    which the graph fusion recognises.
    """
    config: Any = model.config
    config._attn_implementation = "eager"
    names = list(example)
    axes = {name: {0: "batch", 1: "tokens"} for name in [*names, "logits"]}
    tensors = tuple(torch.from_numpy(example[name]) for name in names)
    with warnings.catch_warnings(), torch.no_grad():
        # The tracing exporter is the one whose graphs the fusion understands; it warns about that.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Logits(model, names).eval(),
            tensors,
            str(target),
            input_names=names,
            output_names=["logits"],
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )


def fuse(source: Path, target: Path, *, heads: int, hidden: int) -> None:
    """Write the graph with attention, layer norms and GELU as single operators."""
    from onnxruntime.transformers import optimizer

    fused = optimizer.optimize_model(str(source), model_type="bert", num_heads=heads, hidden_size=hidden, opt_level=0)
    fused.save_model_to_file(str(target))


def logits_of(path: Path, inputs: Sequence[Arrays]) -> list[NDArray[np.float32]]:
    """Return the logits [tokens, classes] of every row of the inputs, padding cut off."""
    session = loaded(str(path))
    rows: list[NDArray[np.float32]] = []
    for arrays in inputs:
        (logits,) = session.run(["logits"], dict(arrays))
        rows.extend(_unpadded(logits, arrays))
    return rows


def torch_logits(model: nn.Module, inputs: Sequence[Arrays]) -> list[NDArray[np.float32]]:
    """Return what ``logits_of`` returns, computed by the torch model."""
    model.eval()
    rows: list[NDArray[np.float32]] = []
    with torch.no_grad():
        for arrays in inputs:
            logits = model(**{name: torch.from_numpy(array) for name, array in arrays.items()}).logits
            rows.extend(_unpadded(logits.numpy(), arrays))
    return rows


def _unpadded(logits: NDArray[np.float32], arrays: Arrays) -> list[NDArray[np.float32]]:
    lengths = arrays["attention_mask"].sum(axis=1)
    return [row[:length] for row, length in zip(logits, lengths, strict=True)]


def check_same(reference: Sequence[NDArray[np.float32]], candidate: Sequence[NDArray[np.float32]]) -> float:
    """Return the largest difference of any logit.

    Raises:
        ExportError: it is above ``ONNX_TOLERANCE``.
    """
    worst = max(float(np.abs(a - b).max()) for a, b in zip(reference, candidate, strict=True))
    if not worst <= ONNX_TOLERANCE:
        raise ExportError(f"the ONNX model differs from the torch model by {worst:.2g} in a logit")
    return worst


def check_scores(exact: Mapping[str, float], quantised: Mapping[str, float]) -> None:
    """Check that int8 answers about as well as float32; both are shares of right answers, by task.

    Raises:
        ExportError: it loses more than ``MOST_LOSS`` in a task or ``MOST_MEAN_LOSS`` on average; both are named.
    """
    losses = {name: exact[name] - quantised[name] for name in exact}
    mean = sum(losses.values()) / max(1, len(losses))
    if mean <= MOST_MEAN_LOSS and all(loss <= MOST_LOSS for loss in losses.values()):
        return
    told = ", ".join(f"{name} {100 * exact[name]:.1f} against {100 * quantised[name]:.1f}" for name in losses)
    raise ExportError(f"int8 loses too much (float32 against int8, in percent): {told}")


def drift(reference: Sequence[NDArray[np.float32]], candidate: Sequence[NDArray[np.float32]]) -> Drift:
    """Return how far the candidate's class probabilities are from the reference's."""
    wanted, got = _softmax(np.concatenate(reference)), _softmax(np.concatenate(candidate))
    moved = np.abs(wanted - got)
    changed = (wanted.argmax(axis=1) != got.argmax(axis=1)).mean()
    return Drift(float(moved.mean()), float(moved.max()), float(changed))


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def export(
    model: nn.Module,
    tokenizer: Path,
    manifest: Mapping[str, Any],
    inputs: Sequence[Arrays],
    *,
    float_dir: Path,
    int8_dir: Path,
) -> dict[str, Any]:
    """Write both proxy directories and return what was checked.

    ``inputs`` are real batches: the int8 ranges are measured on the first half, both checks run
    on the second.

    Raises:
        ExportError: the ONNX model does not compute what the torch model does.
    """
    config: Any = model.config
    measured, held = inputs[: len(inputs) // 2], inputs[len(inputs) // 2 :]
    with tempfile.TemporaryDirectory() as folder:
        plain, fused, small = (Path(folder) / f"{name}.onnx" for name in ("plain", "fused", "small"))
        write_onnx(model, plain, inputs[0])
        fuse(plain, fused, heads=config.num_attention_heads, hidden=config.hidden_size)
        reference = torch_logits(model, held)
        exact = logits_of(fused, held)
        difference = check_same(reference, exact)
        quantise(fused, small, measured)
        for form in (fused, small):
            rewrite(form)
        moved = drift(exact, logits_of(small, held))
        alone = drift(logits_of(small, held), logits_of(small, _one_by_one(held)))
        write_proxy(float_dir, fused, tokenizer, manifest)
        write_proxy(int8_dir, small, tokenizer, manifest)
    return {
        "onnx_vs_torch_largest_logit_difference": float(f"{difference:.2g}"),
        "int8_vs_fp32_probability": moved.as_json(),
        "int8_batched_vs_alone_probability": alone.as_json(),
    }


def _one_by_one(inputs: Sequence[Arrays]) -> list[Arrays]:
    """Return every row as a batch of its own, without padding."""
    rows: list[Arrays] = []
    for arrays in inputs:
        for row, length in enumerate(arrays["attention_mask"].sum(axis=1)):
            rows.append({name: array[row : row + 1, :length] for name, array in arrays.items()})
    return rows


def write_proxy(folder: Path, model: Path, tokenizer: Path, manifest: Mapping[str, Any]) -> None:
    """Write a proxy directory: copies of model and tokenizer, and the manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(model, folder / "model.onnx")
    shutil.copyfile(tokenizer, folder / "tokenizer.json")
    write_manifest(folder, manifest)


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write ``proxy.json``."""
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    (folder / "proxy.json").write_text(text, encoding="utf-8")
