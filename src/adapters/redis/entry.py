"""A cached vector: its key and its bytes."""

import hashlib
import zlib
from collections.abc import Sequence

import numpy as np
from attrs import frozen

from domain.vectors import Matrix, Vector

_CHECKSUM_BYTES = 4


@frozen(kw_only=True)
class Entries:
    """How vectors of some length are kept under the names of one log.

    A key is a hash: phrases are personal data, and keys are what operators see. The hash is another one for each log,
    so that nobody can tell whether two of them know the same phrase. A value is the checksum of key and vector, and the
    vector: what somebody else wrote there, or half of it, or the value of another key, is not taken for a vector.

    Parameters
    ----------
    namespace : names the log.
    dimensions : length of the vectors.
    """

    namespace: str
    dimensions: int

    @property
    def prefix(self) -> str:
        """What all keys of entries begin with."""
        return f"penchant:{self.namespace}:phrase:"

    @property
    def index(self) -> str:
        """The key under which the names of all entries are, by age."""
        return f"penchant:{self.namespace}:phrases"

    def names_of(self, model: str, phrases: Sequence[str]) -> Sequence[str]:
        """What follows the prefix in the key of each phrase."""
        seed = hashlib.blake2b(f"{self.namespace}\0{model}\0".encode(), digest_size=32).digest()
        return [hashlib.blake2b(phrase.encode(), digest_size=16, key=seed).hexdigest() for phrase in phrases]

    def pack(self, name: str, vector: Vector) -> bytes:
        """The value of an entry."""
        packed = vector.astype("<f4", copy=False).tobytes()
        return _checksum(name, packed) + packed

    def unpack(self, name: str, value: bytes | None) -> Vector | None:
        """The vector in a value: ndarray of shape (dimensions,), float32; None if there is none in it."""
        if value is None or len(value) != _CHECKSUM_BYTES + 4 * self.dimensions:
            return None
        packed = memoryview(value)[_CHECKSUM_BYTES:]
        return np.frombuffer(packed, dtype="<f4") if value.startswith(_checksum(name, packed)) else None

    def matrix(self, vectors: Sequence[Vector]) -> Matrix:
        """The vectors as rows: ndarray of shape (len(vectors), dimensions), float32."""
        return np.stack(vectors) if vectors else np.empty((0, self.dimensions), dtype=np.float32)


def _checksum(name: str, packed: bytes | memoryview) -> bytes:
    return zlib.crc32(packed, zlib.crc32(name.encode())).to_bytes(_CHECKSUM_BYTES, "little")
