import numpy as np
import pytest

from adapters.redis.entry import Entries
from tests.builders import DIMENSIONS, unit_vectors

ENTRIES = Entries(namespace="shop", dimensions=DIMENSIONS)
TEA, MUG = ENTRIES.names_of("m", ["tea", "mug"])


def test_a_vector_comes_back_with_every_bit() -> None:
    vector = np.array([1e-45, -0.0, np.nextafter(np.float32(1), 0), np.finfo(np.float32).tiny], dtype=np.float32)

    unpacked = ENTRIES.unpack(TEA, ENTRIES.pack(TEA, vector))

    assert unpacked is not None
    assert unpacked.tobytes() == vector.tobytes()


def test_nothing_is_no_vector() -> None:
    assert ENTRIES.unpack(TEA, None) is None


@pytest.mark.parametrize("position", [0, 3, 4, 10, -1])
def test_a_value_with_one_wrong_bit_is_no_vector(position: int) -> None:
    value = bytearray(ENTRIES.pack(TEA, unit_vectors(1)[0]))
    value[position] ^= 1

    assert ENTRIES.unpack(TEA, bytes(value)) is None


@pytest.mark.parametrize("length", [0, 3, 4, 19, 21])
def test_a_value_of_another_length_is_no_vector(length: int) -> None:
    assert ENTRIES.unpack(TEA, (ENTRIES.pack(TEA, unit_vectors(1)[0]) + b"xx")[:length]) is None


def test_the_value_of_another_phrase_is_no_vector() -> None:
    assert ENTRIES.unpack(TEA, ENTRIES.pack(MUG, unit_vectors(1)[0])) is None


def test_a_vector_that_somebody_else_wrote_there_is_none() -> None:
    value = b"\x00\x00\x00\x00" + unit_vectors(1)[0].tobytes()

    assert ENTRIES.unpack(TEA, value) is None


def test_each_log_model_and_phrase_has_a_name_of_its_own() -> None:
    names = [
        Entries(namespace=namespace, dimensions=DIMENSIONS).names_of(model, [phrase])[0]
        for namespace in ("shop", "other")
        for model in ("m", "n")
        for phrase in ("tea", "mug", "TEA", "tea ")
    ]

    assert len(set(names)) == len(names)


def test_names_do_not_change() -> None:
    """Otherwise a new release would start with an empty cache."""
    assert (TEA, ENTRIES.prefix, ENTRIES.index) == (
        "5f2c7fc1bc36a3d2f4969fa885bb20e1",
        "penchant:shop:phrase:",
        "penchant:shop:phrases",
    )
