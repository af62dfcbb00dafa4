"""Every setting is documented; nothing is read from the environment that is not."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from publica.instance.settings import Settings

from .source import MODULES, ROOT

PAGE = ROOT / "docs" / "reference" / "settings.md"


def found(model: type[BaseModel], above: str = "") -> Iterator[tuple[str, str]]:
    """Every setting with its section; a section within another is named `outer.inner`."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from found(field.annotation, f"{above}.{name}".lstrip("."))
        else:
            yield above, name


SETTINGS = list(found(Settings))
READS_ENVIRONMENT = re.compile(r"\bos\.(?:environ|getenv)\b|\benvvar\b")


def test_settings_are_seen() -> None:
    assert len(SETTINGS) > 3


@pytest.mark.parametrize(("section", "name"), SETTINGS)
def test_a_setting_is_documented(section: str, name: str) -> None:
    _, _, rest = PAGE.read_text("utf-8").partition(f"## [{section}]")
    assert f"| `{name}` |" in rest.partition("\n## ")[0]


@pytest.mark.parametrize(
    "variable",
    sorted(
        {found for module in MODULES.values() for found in re.findall(r"\bPUBLICA_[A-Z_]+\b", module.text)}
    ),
)
def test_a_variable_is_documented(variable: str) -> None:
    assert f"`{variable}`" in PAGE.read_text("utf-8")


def test_only_the_command_line_reads_the_environment() -> None:
    readers = {name for name, module in MODULES.items() if READS_ENVIRONMENT.search(module.text)}
    assert not {name for name in readers if not name.startswith("publica.cli")}
