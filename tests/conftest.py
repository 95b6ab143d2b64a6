"""Settings for every test: reproducible property tests."""

from hypothesis import settings

settings.register_profile("falconql", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("falconql")
