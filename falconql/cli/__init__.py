"""The command line: options in, ``falconql.api`` called, results and messages out."""
