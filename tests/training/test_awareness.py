"""What int8 rounds is rounded in training, on the same grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

if TYPE_CHECKING:
    import torch
else:
    torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")


def test_a_layer_rounds_its_input_and_weights_and_passes_gradients_on() -> None:
    from falconql.training.awareness import AwareLinear
    from falconql.training.quantiser import WEIGHT_LIMIT

    torch.manual_seed(0)
    plain = torch.nn.Linear(6, 4)
    aware = AwareLinear(plain, step=0.05, zero=128)
    assert aware.weight is plain.weight
    assert aware.state_dict().keys() == plain.state_dict().keys()
    given = torch.randn(3, 6)
    rounded = (torch.clamp(torch.round(given / 0.05) + 128, 0, 255) - 128) * 0.05
    steps = plain.weight.abs().amax(dim=1, keepdim=True) / WEIGHT_LIMIT
    wanted = rounded @ (torch.round(plain.weight / steps) * steps).T + plain.bias
    assert torch.allclose(aware(given), wanted, atol=1e-5)
    assert not torch.allclose(aware(given), plain(given), atol=1e-5)
    aware(given).sum().backward()
    assert plain.weight.grad is not None
    assert torch.allclose(plain.weight.grad, rounded.sum(dim=0).expand(4, 6), atol=1e-4)
