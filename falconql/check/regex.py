"""Regular expressions: RE2 decides, its complaint is put into the user's terms."""

from __future__ import annotations

import re

FLAGS = "ims"
_LOOK_AROUND = re.compile(r"\(\?(=|!|<=|<!)")
_BACK_REFERENCE = re.compile(r"(?<!\\)(\\\\)*\\[1-9]")


def regex_problem(pattern: str, flags: str) -> tuple[str, str | None] | None:
    """Return what is wrong with a regular expression and what to do, None when nothing is."""
    bad = sorted(set(flags) - set(FLAGS))
    if bad:
        return (
            f"`{bad[0]}` is not a flag",
            "the flags are i (ignore case), m (lines) and s (dot takes line breaks)",
        )
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid as error:
        if _LOOK_AROUND.search(pattern):
            return (
                "look-around is not supported",
                "patterns run in linear time (RE2); join two conditions instead",
            )
        if _BACK_REFERENCE.search(pattern):
            return "back-references are not supported", "patterns run in linear time (RE2)"
        reason = str(error).removeprefix("Invalid regular expression: ")
        return f"this is not a regular expression: {reason}", None
    return None
