"""Executes plans. Imports nothing else of FalconQL, so that a saved plan runs on its own."""
