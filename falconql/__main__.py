"""``python -m falconql`` is the command line."""

from __future__ import annotations

from falconql.cli.main import main

if __name__ == "__main__":
    main()
