"""Traces for OpenTelemetry, where the settings name a collector: one span for each request, naming nobody.

A span has the method, the pattern of the route, the status and the request's id. The context that a client
sends (`traceparent`) is not taken up: it would let anybody choose what is traced.
"""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from publica.http.headers import request_id
from publica.http.logs import GONE, method_of, route_of
from publica.kernel.errors import Unavailable


def traced(app: ASGIApp, endpoint: str | None) -> ASGIApp:
    """The application with a span for each request; as it is where no endpoint is named.

    Raises Unavailable when the extra `telemetry` is not installed.
    """
    return app if endpoint is None else Traced(app, _exporting(endpoint))


def _exporting(endpoint: str) -> Any:
    """A provider of traces that sends them to an OTLP collector, in batches, beside the requests."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise Unavailable(
            "[operations] telemetry is set, and OpenTelemetry is not installed.",
            do="pip install 'publica[telemetry]', or leave the setting out.",
        ) from None
    provider = TracerProvider(resource=Resource.create({"service.name": "publica"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    return provider


class Traced:
    """Makes a span for each request."""

    def __init__(self, app: ASGIApp, provider: Any) -> None:
        self.app, self.provider = app, provider
        self._tracer = provider.get_tracer("publica")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = GONE

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with self._tracer.start_as_current_span("request", record_exception=False) as span:
            try:
                await self.app(scope, receive, sending)
            finally:
                method, route = method_of(scope), route_of(scope)
                span.update_name(f"{method} {route}")
                span.set_attribute("http.request.method", method)
                span.set_attribute("http.route", route)
                span.set_attribute("http.response.status_code", status)
                span.set_attribute("publica.request", request_id(scope))
