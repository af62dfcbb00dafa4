"""Settings of an instance: `publica.toml`, every one with a safe default."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from publica.kernel.errors import BadInput, Place

FILE = "publica.toml"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Limits(_Section):
    """What one use may take."""

    seconds: float = Field(default=60, gt=0, le=86_400, description="Longest time of one use, in seconds.")
    rows: int = Field(default=1_000_000, gt=0, description="Most rows of one answer.")
    bytes: int = Field(
        default=1_000_000_000, gt=0, description="Most bytes of one answer (as an Arrow stream)."
    )


class EngineSettings(_Section):
    """The query engine of each process."""

    memory: str = Field(
        default="4GB", pattern=r"^\d+(MB|GB)$", description="Most memory the engine takes; then it spills."
    )
    threads: int | None = Field(
        default=None, gt=0, description="Threads of the engine; all cores when left out."
    )


class LedgerSettings(_Section):
    """How the ledger names itself."""

    origin: str = Field(
        default="publica.example/ledger",
        pattern=r"^[^\s+]+$",
        description="Name in the first line of every checkpoint (C2SP tlog-checkpoint); unique in the world.",
    )


class Settings(_Section):
    """All settings."""

    limits: Limits = Limits()
    engine: EngineSettings = EngineSettings()
    ledger: LedgerSettings = LedgerSettings()


def read(folder: Path) -> Settings:
    """The settings of the instance in `folder`. Raises BadInput naming what is wrong in the file."""
    path = folder / FILE
    try:
        return Settings.model_validate(tomllib.loads(path.read_text("utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"This is not TOML: {error}.", do="Mend the file.", place=Place(str(path))) from None
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise BadInput(
            f"{name}: {first['msg']}.", do="See docs/reference/settings.md.", place=Place(str(path))
        ) from None


def initial(origin: str) -> str:
    """The text of a fresh settings file."""
    return (
        "# Settings of this Publica instance. All of them: docs/reference/settings.md\n\n"
        f'[ledger]\norigin = "{origin}"\n'
    )
