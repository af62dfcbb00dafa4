"""Metrics for Prometheus: how many, how fast, how full. Labels are routes and outcomes, never anybody."""

from __future__ import annotations

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from publica.http.logs import GONE, method_of, route_of

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""Seconds."""


class Metrics:
    """The metrics of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        kept = self.registry
        self.requests = Counter(
            "publica_requests", "Requests answered.", ["method", "route", "status"], registry=kept
        )
        self.seconds = Histogram(
            "publica_request_seconds",
            "From a request to the end of its answer.",
            ["route"],
            buckets=BUCKETS,
            registry=kept,
        )
        self.under_way = Gauge("publica_requests_under_way", "Requests not answered yet.", registry=kept)
        self.uses = Counter("publica_uses", "Uses by their outcome.", ["outcome"], registry=kept)
        self.rows = Counter("publica_use_rows", "Rows given out.", registry=kept)
        self.jobs = Counter("publica_jobs", "Jobs done, by outcome.", ["job", "outcome"], registry=kept)

    def watch(self, name: str, what: str, read: Callable[[], float]) -> None:
        """A gauge that is read when it is asked for."""
        Gauge(name, what, registry=self.registry).set_function(read)

    def job_done(self, job: str, outcome: str) -> None:
        """Count a job of the worker."""
        self.jobs.labels(job, outcome).inc()

    def text(self) -> bytes:
        """All of them, as Prometheus reads them."""
        return generate_latest(self.registry)


class Measured:
    """Counts and times every request."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, method, status = time.perf_counter(), method_of(scope), GONE

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with self.metrics.under_way.track_inprogress():
            try:
                await self.app(scope, receive, sending)
            finally:
                route = route_of(scope)
                self.metrics.requests.labels(method, route, str(status)).inc()
                self.metrics.seconds.labels(route).observe(time.perf_counter() - started)
