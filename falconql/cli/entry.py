"""Where the process starts: ``falconql`` and ``python -m falconql``."""

from __future__ import annotations

import sys


def start() -> None:
    """Run the command line in a process of its own."""
    # Arrow imports pandas, where it is installed, when it first converts a Python value: half a second
    # for nothing, since no command hands a table to pandas. A module that is None cannot be imported.
    sys.modules.setdefault("pandas", None)  # type: ignore[arg-type]
    from falconql.cli.main import main

    main()
