"""What deploy/ and docs/serving.md say is true: options, settings, routes, paths, and the units."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from publica.api.access import ACCESS
from publica.cli.main import publica
from publica.http.server import LAST_WORDS
from publica.instance import Instance, settings
from publica.instance.settings import Settings

from .served import process

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
PAGE = (ROOT / "docs" / "serving.md").read_text("utf-8")
CONTAINER = (DEPLOY / "Containerfile").read_text("utf-8")
COMMAND = re.compile(
    r"^[^#\n]*?\bpublica (init|serve|worker|token|backup|upgrade|ledger)\b([^\n`]*)", re.MULTILINE
)
COMMANDS = publica.commands
PAGES = (ROOT / "docs" / "serving.md",)


def unit(path: Path) -> dict[str, list[str]]:
    """Every setting of a unit, with all that was said of it."""
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",), comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    text = path.read_text("utf-8")
    parser.read_string(text)
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^([A-Za-z]+)=(.*)$", text, re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


def options(name: str) -> set[str]:
    """The options of a command, and of those below it."""
    command = COMMANDS[name]
    known = [*command.params, *(p for each in getattr(command, "commands", {}).values() for p in each.params)]
    return {option for parameter in known for option in parameter.opts if option.startswith("--")}


# commands


@pytest.mark.parametrize("file", [*UNITS, *PAGES], ids=lambda path: path.name)
def test_every_command_that_is_named_exists(file):
    found = COMMAND.findall(file.read_text("utf-8"))
    assert found
    for name, given in found:
        assert name in COMMANDS, name
        assert set(re.findall(r"--[a-z-]+", given)) <= options(name), (name, given)


def test_the_container_starts_what_there_is():
    command = json.loads(re.search(r"^CMD (\[.*\])$", CONTAINER, re.MULTILINE)[1])
    assert json.loads(re.search(r"^ENTRYPOINT (\[.*\])$", CONTAINER, re.MULTILINE)[1]) == ["publica"]
    assert command[0] == "serve"
    assert {part for part in command if part.startswith("--")} <= options("serve")


# the units


@pytest.mark.parametrize("path", UNITS, ids=lambda p: p.name)
def test_systemd_finds_nothing_wrong(path, tmp_path):
    """With the program where it is here; `systemd-analyze` is in every distribution that has systemd."""
    analyse = shutil.which("systemd-analyze")
    if analyse is None:
        assert unit(path)["ExecStart"]  # nothing on this machine reads units
        return
    copy = tmp_path / path.name
    copy.write_text(path.read_text("utf-8").replace("/opt/publica/bin/publica", sys.executable))
    done = subprocess.run([analyse, "verify", str(copy)], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    rated = subprocess.run(
        [analyse, "security", "--offline=yes", "--threshold=20", str(copy)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert rated.returncode == 0, rated.stdout  # exposure of 2.0 or less, of 10


@pytest.mark.parametrize("path", UNITS, ids=lambda p: p.name)
def test_a_unit_leaves_time_to_end(path):
    """systemd must not kill what a use needs to end: the settings' longest, and the last words."""
    usual = Settings().operations
    needed = usual.drain_seconds + usual.stop_seconds + LAST_WORDS
    assert int(unit(path)["TimeoutStopSec"][0]) > needed
    assert unit(path)["KillSignal"] == ["SIGTERM"]


@pytest.mark.parametrize("path", UNITS, ids=lambda p: p.name)
def test_a_unit_is_nobody_and_may_do_next_to_nothing(path):
    said = unit(path)
    assert said["User"] == ["publica"]
    assert said["CapabilityBoundingSet"] == [""]
    for switch in (
        "NoNewPrivileges",
        "PrivateTmp",
        "PrivateDevices",
        "ProtectHome",
        "MemoryDenyWriteExecute",
    ):
        assert said[switch] == ["yes"], switch
    assert said["ProtectSystem"] == ["strict"]
    assert "ReadWritePaths" not in said
    assert "4" in said["RestartPreventExitStatus"][0].split()  # a ledger that does not hold is not restarted


def test_a_server_works_where_memory_is_never_both_written_and_run(tmp_path):
    """As MemoryDenyWriteExecute= has it: prctl(PR_SET_MDWE), where the kernel knows that (Linux 6.3)."""
    folder = tmp_path / "office"
    Instance.create(folder, "publica.test/office").close()
    program = (
        "import ctypes, sys; denied = ctypes.CDLL(None).prctl(65, 1, 0, 0, 0); assert denied in (0, -1); "
        f"sys.argv = ['publica', '--instance', {str(folder)!r}, 'serve', '--port', '0']; "
        "from publica.cli.main import main; main()"
    )
    with process([sys.executable, "-c", program], tmp_path / "log") as (served, started):
        assert served.get("/ready").status == 200
        assert served.get("/api/v1/ledger/checkpoint").status == 200
        assert served.get("/metrics").status == 200
        assert served.ask("POST", "/api/v1/uses", b"{}", Content_Type="application/json").status == 401
        started.send_signal(signal.SIGTERM)
        assert started.wait(120) == 0


# the container


def test_what_the_container_copies_is_there():
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", CONTAINER, re.MULTILINE):
        for part in source.split():
            assert (ROOT / part).exists(), part


def test_the_container_runs_as_nobody_and_asks_after_itself():
    last = CONTAINER[CONTAINER.rindex("FROM ") :]
    assert re.search(r"^USER (\d+):(\d+)$", last, re.MULTILINE)
    assert last.index("USER ") < last.index("ENTRYPOINT")
    check = re.search(r"HEALTHCHECK .*?CMD (\[.*?\])$", last, re.DOTALL | re.MULTILINE)
    path = re.search(r"http://127\.0\.0\.1:8000(/\w+)", check[1])[1]
    assert ("GET", path) in ACCESS
    assert "PUBLICA_INSTANCE=" in last


def test_the_pins_of_serving_are_those_that_are_tested():
    """requirements/serve.lock is what the container installs; dev.lock is what the tests run with."""

    def pins(name: str) -> dict[str, str]:
        text = (ROOT / "requirements" / name).read_text("utf-8")
        return dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^ ;\\]+)", text, re.MULTILINE))

    serving, tested = pins("serve.lock"), pins("dev.lock")
    assert serving["uvicorn"] and serving["authlib"] and serving["psycopg"]
    assert {name: tested[name] for name in serving if name in tested} == {
        name: version for name, version in serving.items() if name in tested
    }
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    for extra in ("oidc", "postgres", "telemetry"):
        for wanted in extras[extra]:
            assert re.split(r"[\[~=><]", wanted)[0] in serving


# the page


def test_every_setting_that_the_page_names_exists():
    for block in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL):
        Settings.model_validate(tomllib.loads(block))
    known = {f"[{section}] {name}" for section, found in Settings() for name in type(found).model_fields}
    named = set(re.findall(r"`(\[\w+\] \w+)`", PAGE))
    assert len(named) > 5
    assert named <= known, named - known


def test_every_route_that_the_page_names_exists():
    routes = {re.sub(r"\{.*?\}", "…", path) for _, path in ACCESS}
    for path in re.findall(r"`(?:GET |POST )?(/(?:api|v2|health|ready|metrics|docs|openapi)[\w/.…]*)`", PAGE):
        assert any(path == route or route.startswith(path.rstrip("…")) for route in routes), path


def test_every_file_that_the_page_names_exists():
    for path in re.findall(r"`(deploy/[\w.-]+|requirements/[\w.]+)`", PAGE):
        assert (ROOT / path).exists(), path
    assert {f"deploy/{file.name}" for file in DEPLOY.iterdir()} <= set(re.findall(r"deploy/[\w.-]+", PAGE))


def test_the_example_of_the_page_is_a_whole_instance(tmp_path):
    """Its settings, put into an instance, open."""
    blocks = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    Instance.create(tmp_path / "office", "publica.test/office").close()
    file = tmp_path / "office" / settings.FILE
    file.write_text(blocks[0] + "\n[ledger]\norigin = 'publica.test/office'\n")
    opened = Instance.open(tmp_path / "office")
    assert opened.settings.serve.origin == "https://data.example.gov"
    opened.close()


def test_proxies_say_only_what_the_server_believes():
    """A client's own X-Forwarded-For must not pass, and nobody reads the metrics from outside."""
    nginx, caddy = ((DEPLOY / name).read_text("utf-8") for name in ("nginx.conf", "Caddyfile"))
    assert re.search(r"proxy_set_header X-Forwarded-For +\$remote_addr;", nginx)
    assert "header_up X-Forwarded-For {remote_host}" in caddy
    assert "location = /metrics" in nginx and "path /metrics" in caddy
    limit = Settings().serve.body_bytes
    assert limit == 10_000_000 and "client_max_body_size 10m" in nginx and "max_size 10MB" in caddy
