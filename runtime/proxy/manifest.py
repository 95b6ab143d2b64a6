"""``proxy.json``: what a proxy directory says of itself, checked field by field when it is loaded."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from falconql.runtime.errors import ProxyError

FORMAT = 1
FILE = "proxy.json"

Readout = Literal["first_token", "any_span"]


@dataclass(frozen=True, slots=True)
class Prompt:
    """How text and instruction become model input.

    ``pair``: two sequences, ``first`` and ``second``; ``single``: one, ``first`` alone. Each holds
    ``{text}`` or ``{instruction}`` or both; over all each occurs exactly once.
    """

    kind: Literal["pair", "single"]
    first: str
    second: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A checked ``proxy.json``.

    Attributes:
        classes: the positions of B, I and O in the logits' last axis.
        max_tokens: tokens per window, special tokens included.
        window_overlap: text tokens that neighbouring windows share.
        readout: ``first_token``: B against O on the first token; ``any_span``: the surest B in the text.
        temperature, bias: the label score is ``sigmoid(logit / temperature + bias)``.
        label_threshold, span_threshold: the calibrated defaults.
        card: everything else, for people (description, licence, data, lineage, metrics).
    """

    name: str
    version: str
    model: str
    tokenizer: str
    classes: tuple[int, int, int]
    max_tokens: int
    window_overlap: int
    label_prompt: Prompt
    span_prompt: Prompt
    readout: Readout
    temperature: float
    bias: float
    label_threshold: float
    span_threshold: float
    card: Mapping[str, Any] = field(default_factory=dict)


def read_manifest(folder: Path) -> Manifest:
    """Read and check the manifest of a proxy directory.

    Raises:
        ProxyError: it is missing, no JSON, or a field is missing or wrong; the field is named.
    """
    path = folder / FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        hint = f"a proxy is a folder with {FILE}, model.onnx and tokenizer.json"
        raise ProxyError(f"{folder} is not a proxy: it has no {FILE}", hint=hint) from error
    except (OSError, ValueError, RecursionError) as error:
        raise ProxyError(f"{path} cannot be read: {error}") from error
    if not isinstance(data, dict):
        raise ProxyError(f"{path} must hold a JSON object")
    return _Reader(path, data).manifest()


class _Reader:
    def __init__(self, path: Path, data: dict[str, Any]) -> None:
        self.path = path
        self.data = data

    def fail(self, name: str, wanted: str) -> ProxyError:
        return ProxyError(f"{self.path}: `{name}` must be {wanted}")

    def manifest(self) -> Manifest:
        if self.data.get("format") != FORMAT:
            found = self.data.get("format")
            message = f"{self.path}: format {found!r} is not supported, this version reads format {FORMAT}"
            raise ProxyError(message, hint="export the proxy again, or update FalconQL")
        max_tokens = self.whole("max_tokens", 16, 1 << 20)
        known = {"format", "name", "version", "model", "tokenizer", "labels", "max_tokens", "window_overlap"}
        return Manifest(
            name=self.text("name"),
            version=self.text("version"),
            model=self.file("model"),
            tokenizer=self.file("tokenizer"),
            classes=self.classes(),
            max_tokens=max_tokens,
            window_overlap=self.whole("window_overlap", 0, max_tokens // 2),
            label_prompt=self.prompt("label"),
            span_prompt=self.prompt("span"),
            readout=self.readout(),
            temperature=self.number("label.temperature", 1e-6, 1e6),
            bias=self.number("label.bias", -1e6, 1e6),
            label_threshold=self.number("label.threshold", 0.0, 1.0),
            span_threshold=self.number("span.threshold", 0.0, 1.0),
            card={key: value for key, value in self.data.items() if key not in known | {"prompts", "label", "span"}},
        )

    def value(self, name: str) -> Any:
        place: Any = self.data
        for step in name.split("."):
            if not isinstance(place, dict) or step not in place:
                raise ProxyError(f"{self.path}: the field `{name}` is missing")
            place = place[step]
        return place

    def text(self, name: str) -> str:
        value = self.value(name)
        if not isinstance(value, str) or not value.strip():
            raise self.fail(name, "a text that is not empty")
        return value

    def file(self, name: str) -> str:
        value = self.text(name)
        if Path(value).name != value or value in (".", ".."):
            raise self.fail(name, "the name of a file in the proxy's folder")
        return value

    def whole(self, name: str, least: int, most: int) -> int:
        value = self.value(name)
        if type(value) is not int or not least <= value <= most:
            raise self.fail(name, f"a whole number from {least} to {most}")
        return value

    def number(self, name: str, least: float, most: float) -> float:
        value = self.value(name)
        if type(value) not in (int, float) or not math.isfinite(value) or not least <= value <= most:
            raise self.fail(name, f"a number from {least:g} to {most:g}")
        return float(value)

    def classes(self) -> tuple[int, int, int]:
        labels = self.value("labels")
        if not isinstance(labels, dict) or set(labels) != {"B", "I", "O"} or sorted(labels.values()) != [0, 1, 2]:
            raise self.fail("labels", "the positions 0, 1 and 2 of B, I and O")
        return labels["B"], labels["I"], labels["O"]

    def readout(self) -> Readout:
        value = self.value("label.readout")
        if value == "first_token":
            return "first_token"
        if value == "any_span":
            return "any_span"
        raise self.fail("label.readout", "`first_token` or `any_span`")

    def prompt(self, use: str) -> Prompt:
        kind = self.text(f"prompts.{use}.kind")
        if kind == "pair":
            prompt = Prompt("pair", self.text(f"prompts.{use}.first"), self.text(f"prompts.{use}.second"))
        elif kind == "single":
            prompt = Prompt("single", self.text(f"prompts.{use}.template"))
        else:
            raise self.fail(f"prompts.{use}.kind", "`pair` or `single`")
        whole = prompt.first + prompt.second
        if whole.count("{text}") != 1 or whole.count("{instruction}") != 1:
            raise self.fail(f"prompts.{use}", "a template with `{text}` and `{instruction}`, once each")
        return prompt
