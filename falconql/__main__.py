"""``python -m falconql`` is the command line."""

from __future__ import annotations

from falconql.cli.entry import start

if __name__ == "__main__":
    start()
