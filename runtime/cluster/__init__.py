"""Runs a plan on many machines: the same operators, with Ray Data in between.

``stages`` says which operators run where, ``parts`` cuts a corpus, ``tasks`` is what runs on the machines,
``wire`` what goes between them, ``driver`` puts it together. Only ``pool`` knows Ray.
"""

from __future__ import annotations
