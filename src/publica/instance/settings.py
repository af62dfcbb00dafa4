"""Settings of an instance: `publica.toml`, every one with a safe default."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from publica.instance.protocols import TrackerSettings
from publica.instance.running import OperationSettings, QueueSettings, WorkerSettings
from publica.instance.section import Section
from publica.instance.serving import MachineSettings, RateSettings, ServeSettings, SignInSettings
from publica.kernel.backends import is_server, locate
from publica.kernel.errors import BadInput, Place

FILE, STATE, KEYS = "publica.toml", "state.db", "keys"


class Limits(Section):
    """What one use may take."""

    seconds: float = Field(default=60, gt=0, le=86_400, description="Longest time of one use, in seconds.")
    rows: int = Field(default=1_000_000, gt=0, description="Most rows of one answer.")
    bytes: int = Field(
        default=1_000_000_000, gt=0, description="Most bytes of one answer (as an Arrow stream)."
    )


class EngineSettings(Section):
    """The query engine of each process."""

    memory: str = Field(
        default="4GB", pattern=r"^\d+(MB|GB)$", description="Most memory the engine takes; then it spills."
    )
    threads: int | None = Field(
        default=None, gt=0, description="Threads of the engine; all cores when left out."
    )
    answers: int = Field(
        default=64,
        ge=0,
        le=65_536,
        description=(
            "Megabytes of small answers that are kept, to be given again while nothing that they rest on "
            "changes; 0 keeps none."
        ),
    )


class LedgerSettings(Section):
    """How the ledger names itself."""

    origin: str = Field(
        default="publica.example/ledger",
        pattern=r"^[^\s+]+$",
        description="Name in the first line of every checkpoint (C2SP tlog-checkpoint); unique in the world.",
    )
    published: tuple[str, ...] = Field(
        default=(),
        description=(
            "Files, besides `checkpoints/latest`, to which each checkpoint is published. An instance does "
            "not open behind any of them."
        ),
    )


class StateSettings(Section):
    """Where the state is kept: records, choices, receipts, the ledger."""

    url: str | None = Field(
        default=None,
        description=(
            "PostgreSQL database of the state, `postgresql://USER@HOST/NAME`, without a password (that comes "
            "from `PGPASSWORD` or `~/.pgpass`); the file `state.db` beside this one when left out."
        ),
    )

    @field_validator("url")
    @classmethod
    def _server_without_password(cls, url: str | None) -> str | None:
        if url is not None:
            given = locate(url)
            if not is_server(given):
                raise PydanticCustomError("server", "name a PostgreSQL database, or leave it out")
            if given.password or "password" in given.query:
                raise PydanticCustomError(
                    "password", "a password must not stand here; set PGPASSWORD or use ~/.pgpass"
                )
        return url


class DataSettings(Section):
    """Where the versions of datasets are kept."""

    folder: str | None = Field(
        default=None,
        description="The data folder, which all servers see; `data` beside this file when left out.",
    )


class Settings(Section):
    """All settings."""

    state: StateSettings = StateSettings()
    data: DataSettings = DataSettings()
    limits: Limits = Limits()
    engine: EngineSettings = EngineSettings()
    ledger: LedgerSettings = LedgerSettings()
    serve: ServeSettings = ServeSettings()
    queue: QueueSettings = QueueSettings()
    operations: OperationSettings = OperationSettings()
    worker: WorkerSettings = WorkerSettings()
    rates: RateSettings = RateSettings()
    sign_in: SignInSettings = SignInSettings()
    machines: MachineSettings = MachineSettings()
    tracker: TrackerSettings = TrackerSettings()


def read(folder: Path) -> Settings:
    """The settings of the instance in `folder`. Raises BadInput when it is none, or naming what is wrong."""
    path = folder / FILE
    if not path.is_file():
        raise BadInput(
            f"{folder.resolve()} is not a Publica instance.",
            do="Name one with --instance or PUBLICA_INSTANCE, or make one: publica init DIR.",
        )
    try:
        return Settings.model_validate(tomllib.loads(path.read_text("utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"This is not TOML: {error}.", do="Mend the file.", place=Place(str(path))) from None
    except ValidationError as error:
        raise BadInput(
            f"{_told(error)}.", do="See docs/reference/settings.md.", place=Place(str(path))
        ) from None


def initial(origin: str, state: str | None = None) -> str:
    """The text of a fresh settings file. Raises BadInput when a value cannot stand there."""
    try:
        made = Settings(ledger=LedgerSettings(origin=origin), state=StateSettings(url=state))
    except ValidationError as error:
        raise BadInput(f"{_told(error)}.", do="See docs/reference/settings.md.") from None
    return text(made)


def text(settings: Settings) -> str:
    """A settings file with every setting that is not its default."""
    lines = ["# Settings of this Publica instance. All of them: docs/reference/settings.md"]
    for section, given in settings.model_dump(exclude_defaults=True).items():
        lines += _section(section, given, getattr(settings, section))
    return "\n".join([*lines, ""])


def _section(name: str, given: dict[str, Any], section: Section) -> list[str]:
    """A section, then those within it."""
    inner = {key: value for key in given if isinstance(value := getattr(section, key), Section)}
    own = [f"{key} = {_toml(value)}" for key, value in given.items() if key not in inner]
    lines = ["", f"[{name}]", *own] if own else []
    for key, value in inner.items():
        lines += _section(f"{name}.{key}", given[key], value)
    return lines


def state_url(folder: Path, settings: Settings) -> str:
    """Where the state of the instance in `folder` is."""
    return settings.state.url or f"sqlite:///{folder / STATE}"


def _toml(value: Any) -> str:
    """A string, number, list or table as TOML (whose strings are JSON's)."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(held)}" for key, held in value.items()) + "}"
    return json.dumps(value)


def _told(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
