"""The registry in a dict."""

from threading import Lock


class MemoryRegistry:
    """Names and texts in a dict."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._texts: dict[str, str] = {}

    def get(self, name: str) -> str | None:
        with self._lock:
            return self._texts.get(name)

    def set_if_absent(self, name: str, text: str) -> str:
        with self._lock:
            return self._texts.setdefault(name, text)

    def replace(self, name: str, expected: str | None, text: str) -> bool:
        with self._lock:
            if self._texts.get(name) != expected:
                return False
            self._texts[name] = text
            return True

    def set(self, name: str, text: str) -> None:
        with self._lock:
            self._texts[name] = text
