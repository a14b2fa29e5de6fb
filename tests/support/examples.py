"""How many examples Hypothesis makes: as many as a test says, and a fifth of them in `make quick`."""

import os

from hypothesis import settings

FULL, QUICK = 100, 20  # of a test that says nothing
LEAST = 5

settings.register_profile("full", max_examples=FULL, deadline=None)  # a busy machine is no fault of the code
settings.register_profile("quick", max_examples=QUICK, deadline=None)


def load() -> None:
    """Take the profile that the environment names."""
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "full"))


def examples(count: int) -> int:
    """Return how many examples a test makes in this run that makes `count` of them in `make test`."""
    return max(LEAST, count * settings().max_examples // FULL)
