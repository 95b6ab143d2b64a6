"""The terminal program ``falconql repl``.

``session`` is what stays between two lines, ``statements`` runs a line, ``commands`` are those that begin with
a dot, ``screen`` shows rows while they come; none of them knows a terminal. ``opened`` is the corpus of a session,
``alone`` tells what is no query. ``prompt``, ``completion`` and ``glance`` are the editor, ``loop`` puts all together.
"""
