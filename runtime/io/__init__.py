"""Corpora in, results out: one module per format."""
