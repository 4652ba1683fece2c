"""All documents, by the names of their files."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from attrs import NOTHING, fields

from adapters.http.app import create_api
from adapters.http.service import Service
from adapters.mongodb.collection_plans import PLANS
from adapters.sql.tables import user_interactions
from application.schemas import EVENT, LOGGED_EVENT
from docs.contracts.broker import asyncapi
from docs.contracts.stored import document_schema, row_schema

Document = Mapping[str, Any]

FOLDER = Path(__file__).parent
RELEASED = FOLDER / "released"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def documents() -> Mapping[str, Document]:
    """What the code says now."""
    return {
        "openapi.json": openapi(),
        "asyncapi.json": asyncapi(),
        "event.schema.json": _schema(EVENT),
        "logged-event.schema.json": _schema(LOGGED_EVENT),
        "user_interactions.schema.json": _schema(row_schema(user_interactions)),
        **{f"{plan.name}.schema.json": _schema(document_schema(plan)) for plan in PLANS},
    }


def openapi() -> Document:
    """The OpenAPI document, as `/openapi.json` serves it."""
    parts = {part.name: _never_called for part in fields(Service) if part.default is NOTHING}
    return create_api(Service(**parts)).openapi()


def text_of(document: Document) -> str:
    """As it stands in its file."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _never_called(*_: object) -> NoReturn:
    raise NotImplementedError


def _schema(schema: Document) -> Document:
    return {"$schema": DIALECT, **schema}
