"""Write the real outputs and help texts into the documentation: ``python -m tests.docs.regenerate``."""

from __future__ import annotations

from tests.docs.cli_reference import PAGE, page
from tests.docs.pages import blocks, is_session, run_console


def main() -> None:
    """Rewrite the pages; blocks are replaced from the last, so that places stay right."""
    PAGE.write_text(page(), encoding="utf-8")
    for block in reversed(blocks("console")):
        if not is_session(block):
            continue
        text = block.page.read_text(encoding="utf-8")
        end = block.start + len(block.text)
        block.page.write_text(text[: block.start] + run_console(block) + text[end:], encoding="utf-8")
        print(block.id)


if __name__ == "__main__":
    main()
