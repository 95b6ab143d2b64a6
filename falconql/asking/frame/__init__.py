"""What the words of an instruction decide of the query: rules, no model.

::

    instruction --halves--> outputs      --outputs, choices--> what is shown
                            description  --conditions, assignment, quantities--> conditions on columns
                                         --asked--> conditions that only the text answers
                --steps---> what is found first, to ask something about it
                --intent--> all of it, for the decoding grammar
"""

from __future__ import annotations

from falconql.asking.frame.intent import Intent, intent

__all__ = ["Intent", "intent"]
