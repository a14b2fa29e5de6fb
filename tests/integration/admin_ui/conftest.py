"""What the tests of single sign-on share: a provider in a process of its own."""

from collections.abc import Iterator

import pytest

from tests.support.single_sign_on import HONEST, Provider, provider


@pytest.fixture(scope="module")
def provider_process() -> Iterator[Provider]:
    """The provider of a module, as the test before has left it."""
    with provider() as made:
        yield made


@pytest.fixture
def op(provider_process: Provider) -> Provider:
    """The provider, which answers rightly at the begin of each test."""
    provider_process.control(**HONEST)
    return provider_process
