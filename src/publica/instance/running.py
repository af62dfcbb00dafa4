"""Settings of a server that runs: how uses wait for each other, how it stops, what runs beside it."""

from __future__ import annotations

from pydantic import Field

from publica.instance.section import Section


class QueueSettings(Section):
    """How uses over HTTP wait for each other: in turn between actors."""

    running: int | None = Field(
        default=None,
        gt=0,
        description="Most uses that run at once; the number of cores and two when left out.",
    )
    waiting: int = Field(default=2000, ge=0, description="Most uses that wait; a further one gets 503.")
    wait_seconds: float = Field(
        default=50,
        gt=0,
        description="Longest wait of a use; then it gets 503. Many proxies give up after 60 seconds.",
    )
    share: float = Field(
        default=0.75,
        gt=0,
        le=1,
        description="Largest share of the running, and of the waiting, that one actor may have.",
    )
    reader_seconds: float = Field(
        default=60,
        gt=0,
        description="Longest time in which a reader takes nothing of an answer, in seconds.",
    )


class OperationSettings(Section):
    """How a server stops, and whom it tells what it does."""

    drain_seconds: float = Field(
        default=0,
        ge=0,
        description="How long to go on serving after SIGTERM while `/ready` says no, in seconds.",
    )
    stop_seconds: float = Field(
        default=90,
        gt=0,
        description="Longest wait for what is under way when the server stops, in seconds.",
    )
    telemetry: str | None = Field(
        default=None,
        pattern=r"^https?://\S+$",
        description="OTLP endpoint for traces (extra `telemetry`); none are made when left out.",
    )


class WorkerSettings(Section):
    """What runs beside serving, in `publica serve` or alone in `publica worker`."""

    sequence_seconds: float = Field(
        default=2,
        gt=0,
        description="How often new entries get their positions in the ledger's tree, in seconds.",
    )
    publish_seconds: float = Field(
        default=60,
        gt=0,
        description="How often the ledger is signed and its checkpoint published, in seconds.",
    )
    clean_seconds: float = Field(
        default=600, gt=0, description="How often what has expired is removed, in seconds."
    )
