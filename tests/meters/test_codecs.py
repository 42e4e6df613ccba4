"""Every codec against arbitrary bytes: a value or a typed error, in bounded memory, whatever comes."""

from __future__ import annotations

import itertools
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meters.meter import MeterError
from meters.registry import DRIVERS
from tests.meters.codecs import CODECS, Codec


def damaged(codec: Codec) -> st.SearchStrategy[list[bytes]]:
    """Sound frames and noise, with bytes changed, cut anywhere into chunks."""
    piece = st.one_of(st.sampled_from(codec.seeds), st.binary(max_size=60))
    stream = st.lists(piece, min_size=1, max_size=4).map(b"".join)

    @st.composite
    def chunks(draw: st.DrawFn) -> list[bytes]:
        data = bytearray(draw(stream))
        for _change in range(draw(st.integers(0, 3))):
            if data:
                data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
        cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=3)))
        edges = [0, *cuts, len(data)]
        return [bytes(data[a:b]) for a, b in itertools.pairwise(edges)]

    return chunks()


@pytest.mark.parametrize("name", sorted(CODECS))
def test_whatever_comes_is_a_value_or_a_typed_error(name: str) -> None:
    codec = CODECS[name]

    @settings(max_examples=150, deadline=None)
    @given(damaged(codec))
    def holds(chunks: list[bytes]) -> None:
        with suppress(MeterError):
            assert codec.decode(chunks) <= codec.limit

    holds()


@pytest.mark.parametrize("name", sorted(CODECS))
def test_a_stream_without_end_does_not_fill_the_memory(name: str) -> None:
    codec = CODECS[name]
    for seed in codec.seeds:
        with suppress(MeterError):
            assert codec.decode([seed[: len(seed) // 2], *[b"\x41" * 10_000] * 3]) <= codec.limit


@pytest.mark.parametrize("name", sorted(CODECS))
def test_the_sound_frames_decode(name: str) -> None:
    for seed in CODECS[name].seeds:
        assert CODECS[name].decode([seed]) <= CODECS[name].limit


def test_every_driver_has_its_codec_here() -> None:
    assert {name.partition(":")[0] for name in CODECS} >= set(DRIVERS)
