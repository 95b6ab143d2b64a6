"""Regular expressions: RE2 decides, its complaint is put into the user's terms."""

from __future__ import annotations

import re

from falconql.check.problems import Problems
from falconql.diagnostics.model import Edit, Help
from falconql.source import Span
from falconql.syntax import ast

FLAGS = "ims"
_LOOK_AROUND = re.compile(r"\(\?<?[=!]")
_BACK_REFERENCE = re.compile(r"(?<!\\)(?:\\\\)*(\\[1-9]|\\k<|\(\?P=)")
_ATOMIC = re.compile(r"\(\?>|[*+?}]\+")
# RE2's words, and ours for them.
_COMPLAINTS = {
    "missing ]": "a `[` is never closed",
    "missing )": "a `(` is never closed",
    "unexpected )": "a `)` closes nothing",
    "no argument for repetition operator": "there is nothing to repeat",
    "bad repetition operator": "two repetitions follow each other",
    "invalid character class range": "a range in `[...]` runs backwards or is none",
    "invalid escape sequence": "this backslash escapes nothing",
    "trailing \\": "a backslash at the end escapes nothing",
    "invalid repetition size": "a repetition count is too large (1000 at most)",
    "invalid perl operator": "this kind of group is not supported",
    "pattern too large": "the pattern is too large",
}


def check_regex(problems: Problems, regex: ast.Regex) -> tuple[str, str] | None:
    """Return pattern and flags as they can be run; None, and reported, if they cannot."""
    unknown = sorted(set(regex.flags) - set(FLAGS))
    if unknown:
        # The flags end the literal, so this is where they stand.
        place = Span(regex.span.end - len(regex.flags), regex.span.end)
        kept = "".join(flag for flag in FLAGS if flag in regex.flags)
        text = "the flags are `i` (ignore case), `m` (`^` and `$` at line breaks), `s` (`.` matches line breaks)"
        listed = ", ".join(f"`{flag}`" for flag in unknown)
        message = f"{listed} is no flag" if len(unknown) == 1 else f"{listed} are no flags"
        problems.error("FQL210", message, place, Help(text, Edit(place, kept)))
        return None
    flags = "".join(flag for flag in FLAGS if flag in regex.flags)
    complaint = _complaint(regex.pattern, flags)
    if complaint is not None:
        problems.error("FQL209", *_explained(regex, complaint))
        return None
    return regex.pattern, flags


def _complaint(pattern: str, flags: str) -> str | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    # As the runtime writes it: flags other than `i` go into the pattern.
    inner = "".join(flag for flag in flags if flag != "i")
    try:
        pc.match_substring_regex(pa.array([""]), f"(?{inner}){pattern}" if inner else pattern, ignore_case="i" in flags)
    except pa.ArrowInvalid as error:
        return str(error).removeprefix("Invalid regular expression: ")
    return None


def _explained(regex: ast.Regex, complaint: str) -> tuple[str, Span, str | None]:
    if _LOOK_AROUND.search(regex.pattern):
        message = "look-around such as `(?=...)` or `(?<!...)` is not supported"
        return (
            message,
            regex.span,
            "patterns run in linear time (RE2); test the parts apart and join them with `and not`",
        )
    if _BACK_REFERENCE.search(regex.pattern):
        message = "back-references such as `\\1` are not supported"
        return message, regex.span, "patterns run in linear time (RE2) and cannot repeat what they matched"
    if _ATOMIC.search(regex.pattern):
        message = "atomic groups and possessive repetitions are not supported"
        return (
            message,
            regex.span,
            "patterns run in linear time (RE2), so that they are not needed: leave the `+` or `?>` out",
        )
    known = next((ours for theirs, ours in _COMPLAINTS.items() if complaint.lower().startswith(theirs)), None)
    reason = known or complaint
    return (
        f"this is no regular expression: {reason}",
        regex.span,
        "a sign is taken as it is after a backslash: `\\(`, `\\+`",
    )
