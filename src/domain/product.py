"""A product of the catalogue and its vector."""

from datetime import datetime

import numpy as np
import numpy.typing as npt
from attrs import Attribute, cmp_using, field, frozen

from domain.attributes import NO_ATTRIBUTES, Attributes
from domain.errors import InvalidValueError
from domain.identifier import check_unicode, identifier
from domain.vectors import Vector

MAX_TEXT_LENGTH = 8_000


def _text(instance: object, attribute: "Attribute[str]", value: object) -> None:
    del instance
    if not isinstance(value, str) or not value.strip():
        raise InvalidValueError(attribute.name, "is empty", "send the words that describe the product")
    if len(value) > MAX_TEXT_LENGTH:
        raise InvalidValueError(attribute.name, f"has {len(value)} characters", f"send at most {MAX_TEXT_LENGTH}")
    check_unicode(attribute.name, value)


@frozen(kw_only=True)
class Product:
    """A product as the shop describes it.

    Parameters
    ----------
    vector : the shop's own, in the space of the recipe's model: ndarray of shape (d,), float32, of unit length; None:
        it is made from the text.
    """

    product_id: str = field(validator=identifier)
    text: str = field(validator=_text)
    attributes: Attributes = NO_ATTRIBUTES
    vector: Vector | None = field(default=None, eq=cmp_using(eq=np.array_equal), hash=False, repr=False)

    def is_embedded_as(self, other: "Product") -> bool:
        """Whether both have the same vector: the same one of the shop's, or that of the same text."""
        if self.vector is None or other.vector is None:
            return self.vector is other.vector and self.text == other.text
        return np.array_equal(self.vector, other.vector)


@frozen(kw_only=True, eq=False)
class ProductEmbedding:
    """A product in the catalogue.

    Parameters
    ----------
    embedding : ndarray of shape (d,), float32, of unit length.
    revision : 1 when new, one more at each change.
    """

    product: Product
    embedding: npt.NDArray[np.float32]
    model: str
    revision: int
    updated_at: datetime
