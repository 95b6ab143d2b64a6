"""Grammars for constrained decoding, computed from ``grammar/`` and never written twice.

::

    grammar/*.lark --reading--> rules over tokens --layout, shaping--> Grammar --printers--> Lark, GBNF, EBNF
                                       |                                  ^
                                       +----- corpus: forms filled in ----+

``whole_grammar`` is the language; ``corpus_grammar`` the part of it that asks something of one corpus.
"""
