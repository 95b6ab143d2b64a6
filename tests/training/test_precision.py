"""bf16 only where the processor has it: elsewhere a step takes many times as long."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.train

torch = pytest.importorskip("torch")

from falconql.training import precision  # noqa: E402


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"avx2": True, "avx512_bf16": False, "amx_bf16": False}, False),
        ({"avx2": True, "avx512_bf16": True}, True),
        ({"amx_bf16": True}, True),
        ({"bf16": True, "architecture": "arm64"}, False),
        ({}, False),
    ],
)
def test_a_cpu_computes_in_bf16_only_with_the_instructions(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], expected: bool
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert precision.has_bf16("cpu") is expected
    with precision.fastest("cpu"):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == (torch.bfloat16 if expected else torch.float32)


def test_an_older_torch_computes_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert not precision.has_bf16("cpu")


def test_an_older_graphics_card_computes_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, bool]] = []

    def only_emulated(**options: bool) -> bool:
        asked.append(options)
        return False

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", only_emulated)
    assert not precision.has_bf16("cuda")
    assert asked == [{"including_emulation": False}]
