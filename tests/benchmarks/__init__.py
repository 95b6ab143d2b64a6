"""Benchmarks measure; what they measure with is tested here."""
