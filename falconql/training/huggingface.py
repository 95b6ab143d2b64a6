"""Token classifiers of others as proxies: from a Hugging Face model to a proxy directory.

Weights are read from safetensors alone, and no code comes with a model: what a stranger publishes is data.
"""

from __future__ import annotations

import re
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from falconql.runtime.proxy.manifest import Manifest, Reader
from falconql.training.exporter import (
    ExportError,
    check_same,
    drift,
    fuse,
    logits_of,
    torch_logits,
    write_onnx,
    write_proxy,
)
from falconql.training.faster import rewrite
from falconql.training.quantiser import Arrays, quantise

# What exports are checked on: short and long, with signs that tokenizers differ on.
_TEXTS = (
    "Ada Lovelace visited Paris in 1843, where she met Charles Babbage's friends.",
    "The battery died after two days; support refunded €45 — no questions asked 🙂.",
    "It rains.",
    "Mitochondrial DNA polymerase gamma is encoded by POLG on chromosome 15q25 and mutated in several disorders. " * 4,
)
_ASKED = ("Who is mentioned?", "Extract the amount", "Is the writer satisfied?", "Which genes are named?")
_PASSES = 4
# How far int8 may move a class probability on average before the float model is kept.
INT8_DRIFT = 0.02


class ForeignModelError(Exception):
    """A model of others that cannot be a proxy, with what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Template:
    """How an encoder reads an instruction: the prompts of a manifest, and where a label is read."""

    label: Mapping[str, str]
    span: Mapping[str, str]
    readout: str


def templates() -> dict[str, Template]:
    """Return the templates that come with the package."""
    return _templates(resources.files(__package__) / "templates.toml", "templates.toml")


def read_template(name_or_file: str) -> Template:
    """Return a template by name, or the only one of a TOML file.

    Raises:
        ForeignModelError: there is none of that name, or the file holds none.
        ProxyError: what it holds is no prompt.
    """
    known = templates()
    if name_or_file in known:
        return known[name_or_file]
    path = Path(name_or_file)
    if not path.is_file():
        raise ForeignModelError(
            f"there is no template {name_or_file}: take {', '.join(known)} or a TOML file like them"
        )
    found = list(_templates(path, name_or_file).values())
    if len(found) != 1:
        raise ForeignModelError(f"{name_or_file} is to hold one template, not {len(found)}")
    return found[0]


def _templates(file: Traversable, name: str) -> dict[str, Template]:
    try:
        read = tomllib.loads(file.read_text(encoding="utf-8"))
        found = {key: Template(dict(t["label"]), dict(t["span"]), str(t["readout"])) for key, t in read.items()}
    except (OSError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ForeignModelError(f"{name} is no template file: {error}; it needs label, span and readout") from error
    for template in found.values():
        as_manifest = {
            "prompts": {"label": template.label, "span": template.span},
            "label": {"readout": template.readout},
        }
        reader = Reader(Path(name), as_manifest)
        reader.readout()
        for use in ("label", "span"):
            reader.prompt(use)
    return found


def export_classifier(source: str, out: Path, *, name: str, template: Template, int8: bool = False) -> dict[str, Any]:
    """Write a token classifier as a proxy directory and return its manifest.

    Args:
        source: a folder, or the name of a model on the hub.
        out: the directory to write.
        name: of the proxy.
        template: how the model reads an instruction.
        int8: quantise the weights, if that moves class probabilities by no more than ``INT8_DRIFT`` on average.

    Raises:
        ForeignModelError: the model cannot be read or converted, or is no BIO token classifier with a fast tokenizer.
        ProxyError: it takes too few tokens.
        ExportError: the exported model does not compute what the original does.
    """
    model, tokenizer = _load(source)
    config: Any = model.config
    backend = tokenizer.backend_tokenizer
    backend.no_truncation()
    backend.no_padding()
    manifest = _manifest(source, name, bio_labels(config.id2label), _max_tokens(model), template)
    read = Reader(Path(source), manifest).manifest()
    with tempfile.TemporaryDirectory() as folder, _refusals(source, int8=int8):
        plain, fused, small, words = (Path(folder) / part for part in ("plain", "fused", "small", "tokenizer.json"))
        inputs = _inputs(backend, read, pairs="token_type_ids" in tokenizer.model_input_names)
        write_onnx(model, plain, inputs[0])
        # What a model does not look at, as DeBERTa does not at the types of tokens, is no input of what is written.
        used = {value.name for value in onnx.load(plain).graph.input}
        inputs = [{key: values for key, values in arrays.items() if key in used} for arrays in inputs]
        fuse(plain, fused, heads=config.num_attention_heads, hidden=config.hidden_size)
        exact = logits_of(fused, inputs)
        worst = check_same(torch_logits(model, inputs), exact)
        checks: dict[str, Any] = {"onnx_vs_torch_largest_logit_difference": float(f"{worst:.2g}")}
        chosen = fused
        if int8:
            quantise(fused, small, inputs)
            moved = drift(exact, logits_of(small, inputs))
            checks["int8_vs_fp32_probability"] = moved.as_json()
            if moved.mean > INT8_DRIFT:
                raise ExportError(
                    f"int8 moves class probabilities by {moved.mean:.3f} on average (allowed: {INT8_DRIFT}); "
                    "export without int8"
                )
            chosen = small
        rewrite(chosen)
        backend.save(str(words))
        manifest["metrics"] = {"export": checks}
        write_proxy(out, chosen, words, manifest)
    return manifest


@contextmanager
def _refusals(source: str, *, int8: bool) -> Iterator[None]:
    """Turn what torch and ONNX Runtime raise for models that they cannot convert into messages."""
    try:
        yield
    except (ExportError, OSError):
        raise
    except Exception as error:  # there is no end of what they raise, without a common base class
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        form = "a proxy in int8, perhaps without it" if int8 else "a proxy"
        raise ForeignModelError(f"{source} cannot be made {form}: {first}") from error


def _load(source: str) -> tuple[Any, Any]:
    from transformers import AutoModelForTokenClassification, AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        model = AutoModelForTokenClassification.from_pretrained(source, use_safetensors=True, trust_remote_code=False)
        tokenizer = AutoTokenizer.from_pretrained(source, use_fast=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, ImportError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ForeignModelError(f"{source} cannot be read as a token classifier with safetensors: {first}") from error
    if not getattr(tokenizer, "is_fast", False):
        raise ForeignModelError(f"{source} has no fast tokenizer, without which there are no offsets")
    return model.eval().float(), tokenizer


def bio_labels(names: Mapping[int, str]) -> dict[str, int]:
    """Return which class is B, I and O.

    Raises:
        ForeignModelError: there are other classes, as in a model for fixed entity types.
    """
    found: dict[str, int] = {}
    for number, name in names.items():
        letter = re.split(r"[-_]", str(name), maxsplit=1)[0].upper()
        if letter not in ("B", "I", "O") or letter in found:
            raise ForeignModelError(
                f"its classes are {', '.join(map(str, names.values()))}; a proxy has one B, one I and one O: "
                "a model for fixed entity types cannot follow instructions"
            )
        found[letter] = int(number)
    if len(found) != 3:
        raise ForeignModelError(f"its classes are {', '.join(map(str, names.values()))}; a proxy needs B, I and O")
    return found


def _max_tokens(model: Any) -> int:
    """Return how many tokens the encoder takes; RoBERTa's positions begin behind the padding's."""
    places = [part for name, part in model.named_modules() if name.endswith("position_embeddings")]
    paddings = [part.padding_idx + 1 for part in places if getattr(part, "padding_idx", None) is not None]
    limit = getattr(model.config, "max_position_embeddings", None)
    if not isinstance(limit, int) or limit <= 0:
        return 512
    return min(512, limit - max(paddings, default=0))


def _inputs(tokenizer: Any, manifest: Manifest, *, pairs: bool) -> list[Arrays]:
    """Return batches of one row of what the runtime will feed it."""
    found: list[Arrays] = []
    for number in range(_PASSES * len(_TEXTS)):
        text, asked = _TEXTS[number % len(_TEXTS)], _ASKED[number // len(_TEXTS)]
        prompt = manifest.span_prompt if number % 2 else manifest.label_prompt
        encoding = tokenizer.encode(*prompt.rendered(text, asked))
        arrays = {"input_ids": encoding.ids, "attention_mask": encoding.attention_mask}
        if pairs:
            arrays["token_type_ids"] = encoding.type_ids
        found.append({key: np.array([values[: manifest.max_tokens]], dtype=np.int64) for key, values in arrays.items()})
    return found


def _manifest(source: str, name: str, labels: dict[str, int], max_tokens: int, template: Template) -> dict[str, Any]:
    return {
        "format": 1,
        "name": name,
        "version": "1.0",
        "model": "model.onnx",
        "tokenizer": "tokenizer.json",
        "labels": labels,
        "max_tokens": max_tokens,
        "window_overlap": max_tokens // 4,
        "prompts": {"label": dict(template.label), "span": dict(template.span)},
        "label": {"readout": template.readout, "temperature": 1.0, "bias": 0.0, "threshold": 0.5},
        "span": {"threshold": 0.5},
        "description": f"A token classifier from {Path(source).name or source}, not calibrated.",
        "lineage": [{"exported": Path(source).name if Path(source).is_dir() else source}],
    }
