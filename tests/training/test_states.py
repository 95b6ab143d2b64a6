"""States on disk: whole, or the one before."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.train

torch = pytest.importorskip("torch")

from falconql.training.states import write_state  # noqa: E402


@pytest.mark.parametrize("error", [RuntimeError("unexpected pos 64 vs 0"), OSError(errno.ENOSPC, "full")])
def test_a_full_disk_leaves_the_last_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    path = tmp_path / "state.pt"
    write_state({"steps": 1}, path)

    def fails(state: Any, target: Path) -> None:
        target.write_bytes(b"half")
        raise error

    monkeypatch.setattr(torch, "save", fails)
    with pytest.raises(OSError, match="full"):
        write_state({"steps": 2}, path)
    assert [each.name for each in tmp_path.iterdir()] == ["state.pt"]
    assert torch.load(path, weights_only=True) == {"steps": 1}
