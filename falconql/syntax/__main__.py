"""``python -m falconql.syntax`` writes the parser's tables again, after a change of the grammar."""

from __future__ import annotations

import sys
from pathlib import Path

from falconql.syntax import tables

if __name__ == "__main__":
    Path(__file__).with_name(tables.FILE).write_text(tables.dump(tables.build()), encoding="utf-8")
    sys.stdout.write(f"{tables.FILE} written\n")
