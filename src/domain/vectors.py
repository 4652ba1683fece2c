"""The unit vectors of a batch's subjects: one matrix, and where each product and phrase stands in it."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from attrs import field, frozen

from domain.errors import InvalidValueError
from domain.interaction import Interaction
from domain.phrase import normalize_phrase

Matrix = npt.NDArray[np.float32]
Vector = npt.NDArray[np.float32]


@frozen(kw_only=True, eq=False)
class SubjectVectors:
    """Vectors of products and phrases.

    Parameters
    ----------
    matrix : ndarray of shape (m, d), float32, rows of unit length.
    products, phrases : the row of each product id and of each normalized phrase.
    """

    matrix: Matrix
    products: Mapping[str, int] = field(factory=dict)
    phrases: Mapping[str, int] = field(factory=dict)

    @classmethod
    def of(cls, products: tuple[Sequence[str], Matrix], phrases: tuple[Sequence[str], Matrix]) -> "SubjectVectors":
        """Put the vectors of products and of phrases into one matrix."""
        (product_ids, product_matrix), (texts, phrase_matrix) = products, phrases
        return cls(
            matrix=np.concatenate((product_matrix, phrase_matrix)),
            products={product_id: row for row, product_id in enumerate(product_ids)},
            phrases={text: row for row, text in enumerate(texts, start=len(product_ids))},
        )

    def row_of(self, interaction: Interaction) -> int | None:
        """The row of what the interaction was about; None if its vector is not known."""
        if interaction.search_phrase is not None:
            return self.phrases.get(normalize_phrase(interaction.search_phrase))
        return self.products.get(interaction.product_id or "")


def as_cosine(product: float) -> float:
    """The dot product of two unit vectors as a cosine, beyond which rounding takes it."""
    return min(1.0, max(-1.0, product))


def unit_rows(field_name: str, matrix: npt.ArrayLike, dimensions: int) -> Matrix:
    """Check vectors where they enter and scale them to unit length.

    Parameters
    ----------
    matrix : array of shape (m, d).

    Returns
    -------
    ndarray of shape (m, d), float32.

    Raises
    ------
    InvalidValueError : not a matrix of `dimensions` columns, a number that is not finite, or a row of length zero.
    """
    try:
        rows = np.asarray(matrix, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidValueError(field_name, "is not a list of numbers", "send plain numbers") from error
    if rows.ndim != 2 or rows.shape[1] != dimensions:
        found = rows.shape[1] if rows.ndim == 2 else f"shape {rows.shape}"
        raise InvalidValueError(
            field_name, f"has {found} dimensions, not {dimensions}", "use the model that the recipe names"
        )
    if not np.isfinite(rows).all():
        raise InvalidValueError(field_name, "holds NaN or infinity", "send finite numbers")
    lengths = np.linalg.norm(rows, axis=1)
    if not (lengths > 0).all():
        raise InvalidValueError(field_name, "has length zero", "send a text that says something")
    return np.asarray(rows / lengths[:, None], dtype=np.float32)


def own_vector(field_name: str, raw: object, dimensions: int) -> Vector:
    """Check a vector that somebody made elsewhere, of any length, and scale it to unit length.

    Returns
    -------
    ndarray of shape (dimensions,), float32.

    Raises
    ------
    InvalidValueError : not a list of `dimensions` finite numbers, or all of them zero.
    """
    if not isinstance(raw, list) or not all(type(number) in (int, float) for number in raw):
        raise InvalidValueError(field_name, "is not a list of numbers", "send plain numbers")
    try:
        numbers = np.asarray([raw], dtype=np.float64)
    except OverflowError as error:
        raise InvalidValueError(field_name, "holds a number beyond all floats", "send smaller ones") from error
    if not numbers.any():
        raise InvalidValueError(field_name, "has length zero", "send the product's vector, or only its text")
    largest = np.abs(numbers).max()  # the squares of very large or small numbers are infinite or zero
    vector: Vector = unit_rows(field_name, numbers / largest if np.isfinite(largest) else numbers, dimensions)[0]
    return vector
