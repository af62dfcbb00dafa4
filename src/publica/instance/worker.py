"""What runs beside serving: entries get positions, checkpoints are published, what expired is removed; what
nobody answered in time goes on.

Any number of workers may run on one state database: every job does nothing where another has just done it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from publica.governance.identity import sessions
from publica.instance import requests
from publica.instance.instance import Instance
from publica.kernel import clock
from publica.kernel.errors import PublicaError
from publica.kernel.ledger.sequencer import sequence
from publica.trust.transparency import index

Report = Callable[[str, PublicaError | None], None]
"""Told of every job that was done, by its name; and of the error when it failed."""


@dataclass(frozen=True)
class Job:
    """One job: its name, how often it is due, and what it does."""

    name: str
    every: float
    work: Callable[[Instance], object]


def jobs(instance: Instance) -> tuple[Job, ...]:
    """The jobs of an instance, as often as its settings say."""
    given = instance.settings.worker
    return (
        Job("sequence", given.sequence_seconds, lambda opened: sequence(opened.db)),
        Job("publish", given.publish_seconds, _publish),
        Job("compact", given.publish_seconds, lambda opened: index.compact(opened.db, opened.keys)),
        Job("escalate", given.clean_seconds, requests.escalate),
        Job("clean", given.clean_seconds, lambda opened: sessions.clean(opened.db, clock.now())),
    )


class Worker:
    """Does the jobs of an instance in a thread of its own until it is stopped.

    A job that fails is told to `report` and tried again when it is next due: nothing depends on it meanwhile.
    """

    def __init__(self, instance: Instance, report: Report = lambda _name, _error: None) -> None:
        self.instance, self.report = instance, report
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.run, name="publica-worker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End after the job that runs."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def run(self) -> None:
        """Do each job when it is due, until stopped."""
        todo = jobs(self.instance)
        due = {job.name: time.monotonic() for job in todo}
        while not self._stop.is_set():
            for job in todo:
                if due[job.name] <= time.monotonic() and not self._stop.is_set():
                    self.do(job)
                    due[job.name] = time.monotonic() + job.every
            self._stop.wait(max(0.0, min(due.values()) - time.monotonic()))

    def do(self, job: Job) -> None:
        """Do one job now."""
        try:
            job.work(self.instance)
        except PublicaError as error:
            self.report(job.name, error)
        except OSError as error:
            self.report(job.name, PublicaError(str(error.strerror)))
        else:
            self.report(job.name, None)


def _publish(instance: Instance) -> None:
    """Sign what is new and publish it; a ledger that did not grow has been published already."""
    instance.checkpoint()
