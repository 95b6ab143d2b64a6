"""Tests of falconql.training."""
