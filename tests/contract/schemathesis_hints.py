"""What Schemathesis has to know to make valid requests, and no JSON Schema can say. Loaded by the tool itself."""

from datetime import UTC, datetime, timedelta
from typing import Any

import schemathesis
from hypothesis import strategies as st

LATEST = datetime.now(UTC).replace(tzinfo=None) - timedelta(minutes=1)

schemathesis.openapi.format(
    "date-time", st.datetimes(max_value=LATEST, timezones=st.just(UTC)).map(lambda at: at.isoformat())
)


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """A message id in the body and a key in the header are the same."""
    key = (case.headers or {}).get("Idempotency-Key")
    is_positive = case.meta is not None and case.meta.generation.mode.is_positive
    if is_positive and key is not None and isinstance(case.body, dict) and case.body.get("message_id") is not None:
        case.body = {**case.body, "message_id": key}
