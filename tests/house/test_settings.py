"""Every setting is documented; nothing is read from the environment that is not."""

from __future__ import annotations

import re

import pytest

from publica.instance.settings import Settings

from .source import MODULES, ROOT

PAGE = ROOT / "docs" / "reference" / "settings.md"
SETTINGS = [
    (section, name)
    for section, field in Settings.model_fields.items()
    for name in getattr(field.annotation, "model_fields", {})
]
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
