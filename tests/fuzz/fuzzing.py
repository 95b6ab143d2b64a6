"""One target tried on drawn inputs."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.targets import TARGETS


def fuzz(name: str, *, examples: int, start: int | None = None) -> None:
    """Try so many inputs; what fails is made small and raised.

    Args:
        name: of the target.
        examples: how many.
        start: seed; without it every run draws the same.
    """
    strategy, check = TARGETS[name]
    configured = settings(
        max_examples=examples,
        derandomize=start is None,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    test = configured(given(strategy())(check))
    (test if start is None else seed(start)(test))()
