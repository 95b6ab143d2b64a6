"""A query against a corpus schema: names resolved, types found, or diagnostics."""
