"""The state of a training run on disk: the last one stays whole whatever happens while the next is written."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch


def write_state(state: Mapping[str, Any], path: Path) -> None:
    """Write a state in place of the last one.

    Raises:
        OSError: it cannot be written.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        torch.save(dict(state), partial)
        os.replace(partial, path)
    except (OSError, RuntimeError) as error:
        with suppress(OSError):
            partial.unlink()
        if isinstance(error, OSError):
            raise
        # What torch's writer makes of a file that did not take all it was given.
        raise OSError(errno.EIO, "the disk may be full", str(path)) from error
