"""The text of a search as it is embedded and looked up."""

import unicodedata


def normalize_phrase(text: str) -> str:
    """One spelling for phrases that look the same: Unicode NFC, runs of white space as one blank."""
    return " ".join(unicodedata.normalize("NFC", text).split())
