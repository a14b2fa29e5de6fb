"""Every decoder takes any bytes: it returns, or raises what it says. The short form of `make fuzz`, without its coverage."""

import random

import pytest

from tests.fuzz.corpus import mutated
from tests.fuzz.decoders import DECODERS, HARD, Decoder

INPUTS = 1500


def _broken(data: bytes) -> None:
    if b"\xff" in data:
        raise KeyError(data)


@pytest.mark.parametrize("name", DECODERS)
def test_a_decoder_returns_or_raises_what_it_says_whatever_it_is_given(name: str) -> None:
    decoder, random_ = DECODERS[name], random.Random(name)
    for data in HARD:
        decoder.try_(data)
    for _ in range(INPUTS):
        decoder.try_(mutated(random_.choice(decoder.seeds), list(decoder.seeds), random_))


@pytest.mark.parametrize(
    "name", sorted(DECODERS.keys() - {"metrics page", "result of a run"})
)  # these are long
def test_a_decoder_takes_what_its_inputs_begin_with(name: str) -> None:
    assert any(DECODERS[name].try_(seed) for seed in DECODERS[name].seeds)


def test_a_decoder_that_raises_something_else_is_found() -> None:
    decoder = Decoder(_broken, (ValueError,), (b"abc",))
    with pytest.raises(KeyError):
        decoder.try_(b"abc\xff")
