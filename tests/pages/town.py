"""The demo as a library: built once, toured, and served as `publica demo` serves it."""

from __future__ import annotations

import fcntl
import pickle
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from api.served import serving

from publica.api.app import create_app
from publica.api.serving import Serving
from publica.demo.personas import cast, personas
from publica.demo.stage import Citizen
from publica.demo.tour import run
from publica.http.who import Identity
from publica.instance import Instance
from publica.instance.worker import Worker
from publica.kernel.errors import PublicaError
from publica.web import ROUTERS, error_page

PERSONS = 50_000
"""So many that the noise of totals is a few per cent of them: pictures are taken here."""
RATES = "\n[rates]\naddress_per_minute = 1000000\nactor_per_minute = 1000000\nsign_in_per_minute = 100000\n"


@dataclass(frozen=True)
class Town:
    """The served demo. `citizens`: keys of the citizens that one can be, `citizen-1` first."""

    instance: Instance
    serving: Serving
    address: str
    citizens: tuple[str, ...]


def made_in(shared: Path) -> tuple[Path, tuple[Citizen, ...]]:
    """The demo after its tour, which nobody has open, and its citizens: one for a session's processes."""
    folder, known = shared / "town", shared / "citizens"
    shared.mkdir(exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not known.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a process that was stopped
            known.write_bytes(pickle.dumps(run(folder, PERSONS, lambda _: None)))
    citizens: tuple[Citizen, ...] = pickle.loads(known.read_bytes())
    return folder, citizens


@contextmanager
def town_in(folder: Path, shared: Path) -> Iterator[Town]:
    """A town of one's own, copied from the one that is made once."""
    made, citizens = made_in(shared)
    shutil.copytree(made, folder)
    keys = tuple(citizen.key for citizen in citizens)
    with (folder / "publica.toml").open("a", encoding="utf-8") as settings:
        settings.write(RATES)
    with closing(Instance.open(folder)) as instance:
        # The origin is known once a port is; before, nothing may compare with it.
        identity = Identity(instance, origin="http://127.0.0.1", providers=personas(instance, keys))
        serving_app = Serving(instance)
        app = create_app(
            instance, identity=identity, serving=serving_app, routers=ROUTERS, error_page=error_page
        )
        app.state.cast = cast(instance, citizens)
        beside = Worker(instance, _unreported)
        beside.start()
        with serving(app) as served:
            identity.origin = f"http://127.0.0.1:{served.port}"
            yield Town(instance, serving_app, identity.origin, keys)
        beside.stop()
        serving_app.close()


def _unreported(job: str, error: PublicaError | None) -> None:
    assert error is None, job
