"""Grammars for constrained decoding, all computed from ``grammar/``."""

from __future__ import annotations

from falconql.syntax.decoding.export import whole_grammar
from falconql.syntax.decoding.frame import Asked, Column, Frame, Shown, Step
from falconql.syntax.decoding.model import Grammar
from falconql.syntax.decoding.narrow import narrow_grammar
from falconql.syntax.decoding.printers import ebnf, gbnf, lark

__all__ = [
    "Asked",
    "Column",
    "Frame",
    "Grammar",
    "Shown",
    "Step",
    "ebnf",
    "gbnf",
    "lark",
    "narrow_grammar",
    "whole_grammar",
]
