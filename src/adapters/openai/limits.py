"""What the endpoint takes in one request: texts are cut to it before they are sent.

From the endpoint's reference: at most 2,048 inputs, 8,192 tokens an input and 300,000 tokens a request. The tokenizer
would have to download its tables, so tokens are bounded from above: it works on bytes, and none has more tokens than
UTF-8 bytes. Compatible servers may add a token at either end.
"""

from collections.abc import Iterator, Sequence

MAX_INPUTS = 2_048
MAX_TOKENS = 300_000
ENDS = 2
"""Tokens that a server may add to an input."""
MAX_INPUT_BYTES = 8_192 - ENDS


def cut(text: str) -> str:
    """As much of the text as fits into one input for certain: its first 8,190 bytes, whole characters."""
    if 4 * len(text) <= MAX_INPUT_BYTES:
        return text
    return text.encode()[:MAX_INPUT_BYTES].decode(errors="ignore")


def requests_of(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """The texts in order, in as few requests as the limits allow for certain. Each has been `cut`."""
    start = tokens = 0
    for end, text in enumerate(texts):
        size = len(text.encode()) + ENDS
        if end - start == MAX_INPUTS or tokens + size > MAX_TOKENS:
            yield texts[start:end]
            start, tokens = end, 0
        tokens += size
    if start < len(texts):
        yield texts[start:]
