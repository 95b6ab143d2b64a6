"""``proxy.json``: what a proxy directory says of itself, checked field by field when it is loaded."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from falconql.runtime.errors import ProxyError

FORMAT = 1
FILE = "proxy.json"

# No separators of any system, no drive letters, no hidden files.
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. -]{0,254}")
_CARD_KINDS: dict[str, type] = {
    "description": str,
    "licence": str,
    "lineage": list,
    "data": list,
    "metrics": dict,
}
_KIND_NAMES: dict[type, str] = {str: "a text", list: "a list", dict: "an object"}

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

    def rendered(self, text: str, instruction: str) -> tuple[str, ...]:
        """Return one or two sequences for the tokenizer. What is filled in is not looked into."""
        templates = (self.first,) if self.kind == "single" else (self.first, self.second)
        return tuple(_filled(template, text, instruction) for template in templates)

    def place_of_text(self, instruction: str) -> tuple[int, int]:
        """Return in which sequence the text is, and how many characters stand before it there."""
        sequence, template = (0, self.first) if "{text}" in self.first else (1, self.second)
        return sequence, len(template.partition("{text}")[0].replace("{instruction}", instruction))


def _filled(template: str, text: str, instruction: str) -> str:
    return instruction.join(part.replace("{text}", text) for part in template.split("{instruction}"))


@dataclass(frozen=True, slots=True)
class LabelCalibration:
    """How one instruction is read: the score is ``sigmoid(logit / temperature + bias)``, true from ``threshold``."""

    temperature: float
    bias: float
    threshold: float


@dataclass(frozen=True, slots=True)
class Manifest:
    """A checked ``proxy.json``.

    Attributes:
        model: the file for the CPU.
        gpu_model: the file for CUDA, usually in half precision; None: the proxy runs on the CPU.
        classes: the positions of B, I and O in the logits' last axis.
        max_tokens: tokens per window, special tokens included.
        window_overlap: text tokens that neighbouring windows share.
        readout: ``first_token``: B against O on the first token; ``any_span``: the surest B in the text.
        temperature, bias: the label score is ``sigmoid(logit / temperature + bias)``.
        label_threshold, span_threshold: the calibrated defaults.
        question_threshold: the one for spans that a question asks for (``decoding.is_question``).
        trained_labels, trained_spans: calibrations of the instructions that the proxy was trained for.
        card: everything else, for people (description, licence, data, lineage, metrics).
    """

    name: str
    version: str
    model: str
    gpu_model: str | None
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
    question_threshold: float
    trained_labels: Mapping[str, LabelCalibration] = field(default_factory=dict)
    trained_spans: Mapping[str, float] = field(default_factory=dict)
    card: Mapping[str, Any] = field(default_factory=dict)

    @property
    def files(self) -> tuple[str, ...]:
        """The files that make up the proxy, in its folder."""
        more = () if self.gpu_model in (None, self.model) else (str(self.gpu_model),)
        return (FILE, self.model, self.tokenizer, *more)


def read_manifest(folder: Path) -> Manifest:
    """Read and check the manifest of a proxy directory.

    Raises:
        ProxyError: it is missing, no JSON, or a field is missing or wrong; the field is named.
    """
    path = folder / FILE
    check_inside(folder, FILE)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        hint = f"a proxy is a folder with {FILE}, model.onnx and tokenizer.json"
        raise ProxyError(f"{folder} is not a proxy: it has no {FILE}", hint=hint) from error
    except (OSError, ValueError, RecursionError) as error:
        raise ProxyError(f"{path} cannot be read: {error}") from error
    if not isinstance(data, dict):
        raise ProxyError(f"{path} must hold a JSON object")
    return Reader(path, data).manifest()


def check_inside(folder: Path, file: str) -> None:
    """Refuse a link that leads out of a proxy's folder: who made the proxy would choose what is read here.

    Raises:
        ProxyError: it is one.
    """
    try:
        inside = (folder / file).resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):
        inside = False
    if not inside:
        raise ProxyError(
            f"{folder / file} is a link to a file outside the proxy's folder",
            hint="if you trust it, copy the folder with `cp -rL`, which puts the files themselves there",
        )


_READ = {
    "format",
    "model",
    "gpu_model",
    "tokenizer",
    "labels",
    "max_tokens",
    "window_overlap",
    "prompts",
    "label",
    "span",
}


class Reader:
    """Reads and checks the fields of a manifest; ``path`` is what messages call it. Its methods raise ProxyError."""

    def __init__(self, path: Path, data: dict[str, Any]) -> None:
        self.path = path
        self.data = data

    def fail(self, name: str, wanted: str) -> ProxyError:
        return ProxyError(f"{self.path}: `{name}` must be {wanted}, found {_shown(self.value(name))}")

    def manifest(self) -> Manifest:
        found = self.value("format")
        if type(found) is not int or found != FORMAT:
            message = f"{self.path}: format {_shown(found)} is not supported, this version reads format {FORMAT}"
            raise ProxyError(message, hint="export the proxy again, or update FalconQL")
        max_tokens = self.whole("max_tokens", 16, 1 << 20)
        return Manifest(
            name=self.text("name"),
            version=self.text("version"),
            model=self.file("model"),
            gpu_model=None if self.data.get("gpu_model") is None else self.file("gpu_model"),
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
            question_threshold=self.number(self.question_field(), 0.0, 1.0),
            trained_labels={
                instruction: LabelCalibration(
                    own("temperature", 1e-6, 1e6), own("bias", -1e6, 1e6), own("threshold", 0.0, 1.0)
                )
                for instruction, own in self.trained("label")
            },
            trained_spans={instruction: own("threshold", 0.0, 1.0) for instruction, own in self.trained("span")},
            card=self.card(),
        )

    def value(self, name: str) -> Any:
        place: Any = self.data
        for step in name.split("."):
            if not isinstance(place, dict) or step not in place:
                raise ProxyError(f"{self.path}: the field `{name}` is missing", hint="docs/proxy.md lists the fields")
            place = place[step]
        return place

    def text(self, name: str) -> str:
        value = self.value(name)
        if not isinstance(value, str) or not value.strip():
            raise self.fail(name, "a text that is not empty")
        return value

    def file(self, name: str) -> str:
        value = self.text(name)
        if not _FILE_NAME.fullmatch(value) or value == FILE:
            raise self.fail(name, "the name of a file in the proxy's folder")
        return value

    def whole(self, name: str, least: int, most: int) -> int:
        value = self.value(name)
        if type(value) is not int or not least <= value <= most:
            raise self.fail(name, f"a whole number from {least} to {most}")
        return value

    def number(self, name: str, least: float, most: float) -> float:
        value = self.value(name)
        if type(value) not in (int, float) or not least <= value <= most:
            raise self.fail(name, f"a number from {least:g} to {most:g}")
        return float(value)

    def trained(self, use: str) -> Iterator[tuple[str, Callable[[str, float, float], float]]]:
        """Yield the instructions with a calibration of their own, and what reads its numbers."""
        part = self.value(use)
        listed = part.get("instructions", {}) if isinstance(part, dict) else {}
        if not isinstance(listed, dict) or not all(isinstance(own, dict) for own in listed.values()):
            raise self.fail(f"{use}.instructions", "an object with an object for each instruction")
        for instruction, own in listed.items():
            numbers = Reader(self.path, own)
            yield instruction, numbers.number

    def question_field(self) -> str:
        """Return the field to read: a proxy without a threshold for questions has one for all spans."""
        span = self.value("span")
        own = isinstance(span, dict) and span.get("question_threshold") is not None
        return "span.question_threshold" if own else "span.threshold"

    def classes(self) -> tuple[int, int, int]:
        places = [self.value(f"labels.{name}") for name in ("B", "I", "O")]
        if any(type(place) is not int for place in places) or set(places) != {0, 1, 2}:
            raise self.fail("labels", "the positions 0, 1 and 2 of B, I and O")
        return places[0], places[1], places[2]

    def readout(self) -> Readout:
        value = self.value("label.readout")
        if value == "first_token":
            return "first_token"
        if value == "any_span":
            return "any_span"
        raise self.fail("label.readout", "`first_token` or `any_span`")

    def prompt(self, use: str) -> Prompt:
        kind = self.value(f"prompts.{use}.kind")
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

    def card(self) -> dict[str, Any]:
        card = {name: value for name, value in self.data.items() if name not in _READ}
        for name, kind in _CARD_KINDS.items():
            if not isinstance(card.get(name, kind()), kind):
                raise self.fail(name, _KIND_NAMES[kind])
        if not all(isinstance(source, dict) for source in card.get("data", [])):
            raise self.fail("data", "a list of objects, one for each data set")
        return card


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)  # a template in TOML may have dates
    return text if len(text) <= 60 else f"{text[:57]}..."
