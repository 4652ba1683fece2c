"""What OpenAI's embeddings endpoint accepts and answers, without the HTTP around it."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

API_KEY = "sk-penchant-test"
"""The only key that is accepted."""
MODELS = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072, "text-embedding-ada-002": 1536}
"""Dimensions by model."""
FIXED_DIMENSIONS = {"text-embedding-ada-002"}
MAX_INPUTS = 2_048
MAX_TOKENS_OF_AN_INPUT = 8_192
MAX_TOKENS = 300_000
BYTES_A_TOKEN = 4  # the tokenizer itself is not here; for English text this is about right
JITTER = 1e-4


class Refused(Exception):  # noqa: N818  the endpoint's word
    """A request that the endpoint answers with an error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def inputs_of(request: Mapping[str, Any]) -> Sequence[str]:
    """The texts of a request, unchecked: what a log of calls shows."""
    given = request.get("input")
    texts = given if isinstance(given, list) else [given]
    return [text if isinstance(text, str) else repr(text) for text in texts]


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """The body of the answer. Raises Refused."""
    model = request.get("model")
    if model not in MODELS:
        raise Refused(404, "model_not_found", f"The model `{model}` does not exist or you do not have access to it.")
    texts = _checked(request.get("input"))
    dimensions = _dimensions(model, request.get("dimensions"))
    encoding = request.get("encoding_format", "float")
    if encoding not in {"float", "base64"}:
        raise _bad(f"Invalid value: '{encoding}'. Supported values are: 'float' and 'base64'.")
    tokens = sum(map(_tokens, texts))
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": _encoded(vector(model, text, dimensions), encoding)}
            for index, text in enumerate(texts)
        ],
        "model": model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def vector(model: str, text: str, dimensions: int) -> NDArray[np.float32]:
    """A unit vector that is the text's own but for a jitter: ndarray of shape (dimensions,)."""
    seed = int.from_bytes(hashlib.blake2b(f"{model}\0{text}".encode(), digest_size=8).digest(), "big")
    own = np.random.default_rng(seed).standard_normal(MODELS[model])[:dimensions]  # shortened as the real ones are
    own /= np.linalg.norm(own)
    jittered = own + np.random.default_rng().standard_normal(dimensions) * (JITTER / np.sqrt(dimensions))
    return (jittered / np.linalg.norm(jittered)).astype(np.float32)


def _checked(given: Any) -> Sequence[str]:
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
        raise _bad(
            "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference."
        )
    if len(texts) > MAX_INPUTS:
        raise _bad(f"'$.input' is too long: {len(texts)} inputs, at most {MAX_INPUTS}.")
    tokens = [_tokens(text) for text in texts]
    if max(tokens) > MAX_TOKENS_OF_AN_INPUT:
        raise _bad(
            f"This model's maximum context length is {MAX_TOKENS_OF_AN_INPUT} tokens, you requested {max(tokens)}."
        )
    if sum(tokens) > MAX_TOKENS:
        raise _bad(f"Requested {sum(tokens)} tokens, max {MAX_TOKENS} tokens per request.")
    return texts


def _dimensions(model: str, given: Any) -> int:
    most = MODELS[model]
    if given is None:
        return most
    if model in FIXED_DIMENSIONS:
        raise _bad("This model does not support specifying dimensions.")
    if not isinstance(given, int) or not 1 <= given <= most:
        raise _bad(f"Invalid value for 'dimensions' = {given}. Must be between 1 and {most}.")
    return given


def _encoded(values: NDArray[np.float32], encoding: str) -> str | list[float]:
    return base64.b64encode(values.astype("<f4").tobytes()).decode() if encoding == "base64" else values.tolist()


def _tokens(text: str) -> int:
    return -(-len(text.encode()) // BYTES_A_TOKEN)


def _bad(message: str) -> Refused:
    return Refused(400, "invalid_request_error", message)
