"""A run as one self-contained page: ``collect`` gathers what it shows, ``page`` writes it.

The page is a skeleton with its data as JSON; ``page.js`` builds everything from that data with text nodes only,
so that nothing of a corpus is ever read as markup.
"""

from __future__ import annotations

from falconql.report.collect import Collector
from falconql.report.page import page, write_page

__all__ = ["Collector", "page", "write_page"]
