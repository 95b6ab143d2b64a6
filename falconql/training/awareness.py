"""Training that knows of int8: what the exporter will round is rounded while the model learns.

Quantisation-aware training (Jacob et al., "Quantization and training of neural networks for efficient
integer-arithmetic-only inference", CVPR 2018), with the exporter's own grid: inputs of every matrix in 8 bits with a
range measured once, weights in 7 bits with a scale per column. Gradients pass through the rounding as if it were not
there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from falconql.training.quantiser import SAMPLES_PER_INPUT, WEIGHT_LIMIT, Activation, activation_range

Range = tuple[float, int]


class AwareLinear(nn.Linear):
    """A linear layer with the parameters of another one, which rounds its input and its weights."""

    def __init__(self, of: nn.Linear, step: float, zero: int) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = of.in_features, of.out_features
        self.weight, self.bias = of.weight, of.bias
        self.step, self.zero = step, zero

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Return the layer's output for an input [..., features]."""
        with torch.autocast(input.device.type, enabled=False):
            rounded = torch.fake_quantize_per_tensor_affine(input.float(), self.step, self.zero, 0, 255)
            steps = self.weight.detach().abs().amax(dim=1, keepdim=True).clamp(min=1e-8) / WEIGHT_LIMIT
            # Straight through: the value is the rounded one, the gradient that of the weight.
            weight = self.weight + (torch.round(self.weight / steps) * steps - self.weight).detach()
        return nn.functional.linear(rounded.to(input.dtype), weight, self.bias)


def measured(model: nn.Module, batches: Sequence[dict[str, torch.Tensor]]) -> dict[str, Range]:
    """Return the range of the input of every layer that the exporter quantises: step and zero point.

    Args:
        model: a BERT token classifier.
        batches: its inputs: ``input_ids``, ``attention_mask``, ``token_type_ids``, each [batch, tokens].
    """
    random = np.random.default_rng(0)
    seen: dict[str, list[Activation]] = {}
    mask: torch.Tensor = torch.empty(0)

    def look(name: str) -> Any:
        def hook(_: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            values = inputs[0].detach().float()[mask.bool()].numpy(force=True).ravel()
            sample = random.choice(values, min(SAMPLES_PER_INPUT, len(values)), replace=False)
            seen.setdefault(name, []).append(Activation(float(values.min()), float(values.max()), sample))

        return hook

    handles = [layer.register_forward_pre_hook(look(name)) for name, layer in _layers(model)]
    with torch.no_grad():
        for batch in batches:
            mask = batch["attention_mask"]
            model(**batch)
    for handle in handles:
        handle.remove()
    found = {}
    for name, parts in seen.items():
        step, zero = activation_range(parts)
        found[name] = (float(step), int(zero))
    return found


def make_aware(model: nn.Module, ranges: dict[str, Range]) -> None:
    """Replace the layers of a model that were measured; the parameters stay the same objects under the same names."""
    modules = dict(model.named_modules())
    for name, layer in _layers(model):
        parent, _, own = name.rpartition(".")
        setattr(modules[parent], own, AwareLinear(layer, *ranges[name]))


def _layers(model: nn.Module) -> list[tuple[str, nn.Linear]]:
    """Return the layers that the exporter quantises: all but the head."""
    named = [(name, module) for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    return [(name, module) for name, module in named if ".encoder." in name]
