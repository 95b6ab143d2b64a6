"""The syntax of FalconQL: ``falconql.lark`` and ``terminals.lark`` are its single source of truth."""

LANGUAGE_VERSION = 1
