"""Messages as Symfony Messenger puts them on the queue.

Written down byte by byte from Symfony's source (7.x): `Messenger/Transport/Serialization/Serializer::encode` makes the
headers `type`, one `X-Message-Stamp-…` for each class of stamps (a JSON list) and `Content-Type`;
`Bridge/Amqp/Transport/AmqpSender::send` turns the last into the property content_type; `Connection::publishOnExchange`
adds delivery_mode 2 and the timestamp. The body is that of `Serializer/Normalizer/ObjectNormalizer` (the names of the
PHP properties, null included), `DateTimeNormalizer` (RFC 3339) and PHP's json_encode, which escapes slashes and
everything but ASCII. The class is the one in docs/contracts/README.md.
"""

from collections.abc import Mapping
from typing import Any

from attrs import frozen

STAMP = "X-Message-Stamp-Symfony\\Component\\Messenger\\Stamp\\"


@frozen(kw_only=True)
class SymfonyMessage:
    """A body, and the headers as the AMQP extension of PHP sends them: a table of strings."""

    body: bytes
    headers: Mapping[str, str]

    @property
    def properties(self) -> dict[str, Any]:
        """Everything but the body."""
        return {
            "content_type": "application/json",
            "delivery_mode": 2,
            "timestamp": 1_769_860_800,
            "application_headers": dict(self.headers),
        }


def _message(body: bytes, kind: str = "App\\Message\\UserEvent", **stamps: str) -> SymfonyMessage:
    all_stamps = {"BusNameStamp": '[{"busName":"messenger.bus.default"}]', **stamps}
    headers = {"type": kind, **{STAMP + name: value for name, value in all_stamps.items()}}
    return SymfonyMessage(body=body, headers=headers)


VIEW = _message(
    rb'{"message_id":"order\/4711-1","user_id":"ann","occurred_at":"2026-01-31T12:00:00+01:00","event_type":"view",'
    rb'"product_id":"tea","search_phrase":null,"retracts":null,"user_session":null,"properties":{"price":10.0}}'
)
SEARCH = _message(
    rb'{"message_id":"s1","user_id":"ann","occurred_at":"2026-01-31T12:00:00+01:00","event_type":"search",'
    rb'"product_id":null,"search_phrase":"th\u00e9 vert \ud83e\uddc1","retracts":null,"user_session":"42",'
    rb'"properties":null}',
    DelayStamp='[{"delay":5000}]',
    RedeliveryStamp='[{"retryCount":1,"redeliveredAt":"2026-01-31T11:00:05+00:00"}]',
)
RETRACTION = _message(
    rb'{"message_id":"r1","user_id":"ann","occurred_at":"2026-01-31T12:00:00+01:00","event_type":null,'
    rb'"product_id":null,"search_phrase":null,"retracts":"order\/4711-1","user_session":null,"properties":null}'
)

CAMEL_CASE = _message(
    rb'{"messageId":"c1","userId":"ann","occurredAt":"2026-01-31T12:00:00+01:00","eventType":"view","productId":"tea"}'
)
"""Of a class with camelCase properties and without the name converter."""
EMPTY_LIST = _message(
    rb'{"message_id":"e1","user_id":"ann","occurred_at":"2026-01-31T12:00:00+01:00","event_type":"view",'
    rb'"product_id":"tea","properties":[]}'
)
"""PHP's empty array."""
PHP_SERIALIZER = SymfonyMessage(
    body=rb"O:36:\"Symfony\\Component\\Messenger\\Envelope\":2:{s:44:\"\0Symfony\\Component\\Messenger\\Envelope"
    rb"\0stamps\";a:0:{}s:45:\"\0Symfony\\Component\\Messenger\\Envelope\0message\";O:21:\"App\\Message\\UserEvent\":0:{}}",
    headers={},
)
"""Of the default serializer, PHP's own, after addslashes."""
