"""Arithmetic in bf16 where the processor has it, in float32 elsewhere.

A processor without instructions for bf16 takes many times as long for it as for float32: 38.9 seconds against 2.6 for
a step over 32 texts of 64 tokens, on one core with AVX2 alone (``benchmarks/precision.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

# What torch calls the instructions of x86; bf16 of other processors was not measured.
BF16_INSTRUCTIONS = ("amx_bf16", "avx512_bf16")


def has_bf16(device_type: str) -> bool:
    """Return whether a device multiplies matrices in bf16 itself.

    Torch tells what a CPU can do from version 2.11 on; with an older one the answer for CPUs is no.

    Args:
        device_type: ``cpu`` or ``cuda``.
    """
    if device_type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities: Callable[[], Mapping[str, Any]] = getattr(torch.cpu, "get_capabilities", dict)
    return device_type == "cpu" and any(capabilities().get(name) for name in BF16_INSTRUCTIONS)


def fastest(device_type: str) -> torch.autocast:
    """Return a context in which a model computes in bf16, where that is fast; its weights stay as they are."""
    return torch.autocast(device_type, dtype=torch.bfloat16, enabled=has_bf16(device_type))
