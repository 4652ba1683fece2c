"""The HTTP application, put together from its routes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import Any

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.types import ASGIApp

from adapters.http import schemas
from adapters.http.bodies import LimitBodies
from adapters.http.descriptions import SECURITY_SCHEMES
from adapters.http.group_commit import GroupCommit
from adapters.http.headers import AnswerHeaders
from adapters.http.hosts import OwnMachineOnly
from adapters.http.ingest import ingest_routes
from adapters.http.measurement import MeasureRequests, NoteRoute
from adapters.http.operations import operations_routes, probe_routes
from adapters.http.problems import EndOfErrors, ToldInJournal, answer_problems
from adapters.http.raw_path import RawPath
from adapters.http.reading import product_routes, reading_routes
from adapters.http.routes import HeadAsGet, guarded_by
from adapters.http.service import Service

READS_AT_ONCE = 10
"""Threads for requests that read."""


def create_app(service: Service) -> ASGIApp:
    """The ASGI application of a service."""
    routed = RawPath(HeadAsGet(NoteRoute(EndOfErrors(create_api(service)))))
    limited = LimitBodies(routed, service.limits)
    called = OwnMachineOnly(limited) if service.own_machine_only else limited
    return MeasureRequests(AnswerHeaders(called), service.metrics, service.tracer)


def create_api(service: Service) -> FastAPI:
    """The routes alone, for their OpenAPI document."""
    record = GroupCommit(service.record, tracer=service.tracer)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # Fewer threads than connections to the database: reads that take long leave one to whoever records.
        current_default_thread_limiter().total_tokens = READS_AT_ONCE
        yield
        await record.close()

    # The pages of FastAPI load scripts from elsewhere; the document is enough.
    api = FastAPI(
        title="Penchant",
        version=version("penchant"),
        lifespan=lifespan,
        openapi_url=None,  # FastAPI's route has no name in the metrics
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
    )
    guarded = partial(guarded_by, service.gate)
    api.include_router(ingest_routes(service, record, guarded))
    api.include_router(reading_routes(service, guarded))
    api.include_router(product_routes(service, guarded))
    api.include_router(probe_routes(service))
    api.include_router(operations_routes(service, guarded))
    answer_problems(api, ToldInJournal(service.journal, service.clock))
    api.openapi = lambda: _openapi(api)  # type: ignore[method-assign]  # as FastAPI's documentation has it
    return api


def _operation_id(route: APIRoute) -> str:
    """By which generated clients call it, such as recordEvent."""
    first, *others = route.name.split("_")
    return first + "".join(map(str.capitalize, others))


def _openapi(api: FastAPI) -> dict[str, Any]:
    if api.openapi_schema is None:
        document = get_openapi(
            title=api.title,
            version=api.version,
            openapi_version="3.1.0",
            description="One live vector per user that says what the user is into now.",
            routes=api.routes,
            servers=[{"url": "/", "description": "Where this document comes from."}],
        )
        document["components"] = {"schemas": schemas.COMPONENTS, "securitySchemes": SECURITY_SCHEMES}
        api.openapi_schema = document
    return api.openapi_schema
