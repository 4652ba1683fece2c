"""A product of the catalogue and its vector."""

from datetime import datetime

import numpy as np
import numpy.typing as npt
from attrs import Attribute, field, frozen

from domain.errors import InvalidValueError
from domain.identifier import check_unicode, identifier

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
    """A product as the shop describes it."""

    product_id: str = field(validator=identifier)
    text: str = field(validator=_text)


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
