"""What the server refuses."""


class Refused(Exception):  # noqa: N818  an answer, not a mistake
    """A request was refused, and has changed nothing."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def no_such_collection(name: str) -> Refused:
    """It is neither a collection nor an alias of one."""
    return Refused(404, f"Not found: Collection `{name}` doesn't exist!")


def name_is_taken(name: str) -> Refused:
    """A collection has this name."""
    return Refused(409, f"Wrong input: Collection `{name}` already exists!")


def alias_is_taken(name: str) -> Refused:
    """An alias has the name that a new collection was to have."""
    return Refused(
        400, f"Wrong input: Can't create collection with name {name}. Alias with the same name already exists"
    )


def wrong_length(expected: int, given: int) -> Refused:
    """A vector is too short or too long for its collection."""
    return Refused(400, f"Wrong input: Vector dimension error: expected dim: {expected}, got {given}")


def not_an_id(value: object) -> Refused:
    """It is no number from 0 up, and no UUID."""
    what = f"value {value} is not a valid point ID, valid values are either an unsigned integer or a UUID"
    return Refused(400, f"Format error in JSON body: {what}")


def malformed(text: str) -> Refused:
    """The body does not say what it should."""
    return Refused(400, f"Format error in JSON body: {text}")


def wrong_input(text: str) -> Refused:
    """The body is well formed, and cannot be done."""
    return Refused(400, text if text.startswith("Wrong input: ") else f"Wrong input: {text}")


def too_large(size: int, limit: int) -> Refused:
    """The body is longer than the server takes."""
    return Refused(400, f"Payload error: JSON payload ({size} bytes) is larger than allowed (limit: {limit} bytes).")
