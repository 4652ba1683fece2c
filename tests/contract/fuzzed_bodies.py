"""Bodies of requests that no sane client sends, and good ones among them; the same for the same seed."""

import json
from collections.abc import Callable, Sequence
from random import Random

from tests.builders import ODD_TEXTS

USERS = 50
PRODUCTS = ("tea", "pot", 7)
FIELDS = ("message_id", "user_id", "event_type", "product_id", "search_phrase", "occurred_at", "retracts")
PHRASES = ("red teapot", "tea for two", "blue mug", "🧁", "قميص أزرق")

ODD_JSON = (
    *("null", "true", "false", "[]", "{}", '""', '" "', '"\\u0000"', '"\\u202e"', '"\\ufeff"'),
    *("NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e-400", "-0", "-0.0", "7.0", "0.1", "1E2"),
    *("9" * 40, "9" * 128, "9" * 129, "9" * 5_000, f"1{'0' * 400}.0", f"0.{'1' * 5_000}"),
    *('"\\ud800"', '"\\udc00x"', '"\\ud83e\\uddc1"', '"\\ud83e"', f'"{"x" * 128}"', f'"{"x" * 129}"'),
    *(f'"{"🧁" * 128}"', f'"{"🧁" * 129}"', f'"{"x" * 20_000}"', '"a\tb"', '"\\x"', "'single'", "undefined"),
    *("[" * depth + "]" * depth for depth in (10, 500, 20_000)),
    *('{"a":' * depth + "1" + "}" * depth for depth in (10, 500, 20_000)),
    *(json.dumps(text) for text in ODD_TEXTS),
    *(f'"{time}"' for time in ("2026-01-31T12:00:00Z", "2026-01-31", "2026-13-01T00:00:00Z", "now", "٢026-01-31")),
    *(f'"{time}"' for time in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", "1969-07-20T20:17:40-05:00")),
    *(f'"{kind}"' for kind in ("view", "VIEW", "view ", "search", "purchase", "gaze")),
    f'{{"note": "{"x" * 17_000}"}}',
    '{"a": 1, "a": 2}',
    '{"a": [1, null, {"b": -0.0}], "\\ud800": 1}',
)

Fields = list[tuple[str, str]]
"""Names and values as JSON texts; a name may come twice."""


class Fuzzer:
    """Makes bodies, one after the other."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._count = 0

    def body(self) -> bytes:
        """A body for `POST /events`."""
        kinds: Sequence[Callable[[], bytes]] = (self._good, self._mutated, self._damaged, self._noise)
        return self._random.choices(kinds, (25, 45, 20, 10))[0]()

    def batch(self) -> bytes:
        """A body for `POST /events/batch`."""
        if self._random.random() < 0.1:
            return self.body()
        items = [self._item() for _ in range(self._random.choice((0, 1, 2, 5, 20)))]
        body = b"[" + b",".join(items) + b"]"
        return self._broken(body) if self._random.random() < 0.1 else body

    def _item(self) -> bytes:
        if self._random.random() < 0.1:
            return self._random.choice(("1", '"x"', "null", "[]", "{}", "NaN", '{"user_id": "\\ud800"}')).encode()
        return self._good() if self._random.random() < 0.5 else self._mutated()

    def _good(self) -> bytes:
        return _text(self._fields()).encode()

    def _mutated(self) -> bytes:
        fields = self._fields()
        for _ in range(self._random.choice((1, 1, 2, 3))):
            self._mutate(fields)
        return _text(fields).encode()

    def _damaged(self) -> bytes:
        return self._broken(self._good())

    def _noise(self) -> bytes:
        return self._random.choice(
            (
                self._random.randbytes(self._random.randrange(200)),
                self._random.choice(ODD_JSON).encode(),
                b"",
                b" " * self._random.randrange(1_000),
                b"[" * self._random.randrange(1, 100_000),
                b" " * 1_100_000 if self._random.random() < 0.1 else b"{",
            )
        )

    def _fields(self) -> Fields:
        """Those of a good event."""
        self._count += 1
        number = self._random.randrange(self._count) if self._random.random() < 0.1 else self._count
        event: dict[str, object] = {"message_id": f"f{number}", "user_id": _user_of(number)}
        kind = self._random.choice(("view", "click", "purchase", "search", "retraction"))
        if kind == "retraction":
            target = max(self._count - self._random.randrange(200), 0)
            event |= {"retracts": f"f{target}", "user_id": _user_of(target)}
        elif kind == "search":
            event |= {"event_type": kind, "search_phrase": self._random.choice(PHRASES)}
        else:
            event |= {"event_type": kind, "product_id": self._random.choice(PRODUCTS)}
        if self._random.random() < 0.5:
            month, day, second = (self._random.randrange(1, top) for top in (13, 29, 60))
            event["occurred_at"] = f"2025-{month:02}-{day:02}T12:00:{second:02}.5+01:00"
        if self._random.random() < 0.2:
            event |= {"properties": {"price": 1.5, "Größe": [None, {"a": 1}]}, "user_session": self._count}
        return [(name, json.dumps(value)) for name, value in event.items()]

    def _mutate(self, fields: Fields) -> None:
        place, odd = self._random.randrange(len(fields)), self._random.choice(ODD_JSON)
        name = self._random.choice((fields[place][0], self._random.choice(FIELDS), "properties", "user_session"))
        match self._random.randrange(5):
            case 0 | 1:
                fields[place] = (fields[place][0], odd)
            case 2:
                fields.append((name, odd))  # often twice, then
            case 3:
                fields.append((self._random.choice((*ODD_TEXTS, "", "user_id ", "__proto__", "x" * 5_000)), odd))
            case _:
                if len(fields) > 1:
                    del fields[place]

    def _broken(self, body: bytes) -> bytes:
        place, byte = self._random.randrange(len(body)), self._random.randbytes(1)
        return self._random.choice(
            (
                body[:place],
                body[:place] + byte + body[place + 1 :],
                body[:place] + byte + body[place:],
                body[:place] + body[place + 1 :],
                body + byte,
                b"\xef\xbb\xbf" + body,
                body.decode().encode("utf-16"),
                body[:place] + b"\xc0\xaf\xed\xa0\x80" + body[place:],
            )
        )


def _user_of(number: int) -> str:
    return f"user-{number % USERS}"


def _text(fields: Fields) -> str:
    return "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in fields) + "}"
