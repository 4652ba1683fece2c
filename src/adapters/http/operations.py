"""What those who run Penchant ask: whether it lives, can work, and how much."""

from collections.abc import Callable
from http import HTTPStatus

from attrs import asdict
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from adapters.http import descriptions, schemas
from adapters.http.service import Scope, Service
from application.ports.examinable import Health


def probe_routes(service: Service) -> APIRouter:
    """For load balancers and orchestrators: no key is needed, and nothing is told that is worth one."""
    router = APIRouter(tags=["operations"])

    @router.get("/health", **descriptions.probes(schemas.STATUS))
    async def check_health() -> JSONResponse:
        """That the process lives; it asks no server."""
        return JSONResponse({"status": "ok"})

    @router.get("/ready", **descriptions.probes(schemas.READINESS))
    def check_readiness() -> JSONResponse:
        """Whether requests can be served: 503 while a part that they need is out of reach.

        Another part that is out of reach, such as the graph, is a warning.
        """
        findings = service.ready()
        well = all(finding.health is not Health.FAILED for finding in findings)
        parts = [{"part": finding.part, "health": str(finding.health)} for finding in findings]
        answer = {"status": "ready" if well else "not ready", "parts": parts}
        return JSONResponse(answer, HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE)

    @router.get("/openapi.json", include_in_schema=False)
    async def description(request: Request) -> JSONResponse:
        """Every path and field."""
        return JSONResponse(request.app.openapi())

    return router


def operations_routes(service: Service, guarded: Callable[[Scope], type[APIRoute]]) -> APIRouter:
    """For people and for Prometheus."""
    router = APIRouter(tags=["operations"], route_class=guarded(Scope.ADMIN))

    @router.get("/rabbitmq/health", **descriptions.returns(schemas.QUEUES))
    def read_queues() -> JSONResponse:
        """The broker's queues: what waits, who listens, lag and dead letters. 503 where the work queue is missing."""
        queues = service.queues()
        if queues is None:
            return JSONResponse({"status": "no broker is configured", "queues": {}})
        return JSONResponse({"status": "ok", "queues": {name: asdict(queue) for name, queue in queues.items()}})

    @router.get("/metrics", **descriptions.returns_metrics())
    def read_metrics() -> Response:
        """What Prometheus reads."""
        body, media_type = service.exposition()
        return Response(body, media_type=media_type)

    return router
