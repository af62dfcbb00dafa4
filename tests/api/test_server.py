"""The server as a process: how it starts, for whom it does not wait, and how it ends, losing nothing."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from publica.instance import Instance, settings
from publica.kernel.ledger.store import entries

from .city import opened
from .forked import Forked
from .served import Reply, reply

LINE = re.compile(r"Publica serves \S+ at (http://127\.0\.0\.1:(\d+)) \(the API: \1/docs\)\. Stop: Ctrl-C\n")
PATIENCE = 120
"""Seconds that are enough on any machine."""
COUNT = {"sql": "SELECT count(*) AS n FROM population", "activity": "care"}
LONG = {
    "sql": "SELECT count(*) AS n FROM population a, population b, population c, population d, population e, "
    "population f WHERE a.sex <> b.sex OR c.sex <> d.sex OR e.sex <> f.sex",
    "activity": "care",
}
LARGE = {
    "sql": "SELECT repeat(a.code, 100) AS x FROM "
    + ", ".join(f"municipalities {name}" for name in "abcdefghijklmnopqr"),
    "activity": "open-access",
}
"""2^18 rows of 200 letters: more than any buffer on the way holds."""


class Process:
    """`publica serve` of an instance; `cold`: from nothing, as somebody starts it."""

    def __init__(self, folder: Path, token: str, *options: str, cold: bool = False) -> None:
        self.folder, self.token = folder, token
        self.log = folder.parent / f"{folder.name}.log"
        self._begins = self.log.stat().st_size if self.log.exists() else 0
        words = ["--instance", str(folder), "serve", "--port", "0", *options]
        self.running = _started(words, self.log) if cold else Forked(words, self.log)
        assert self.running.stdout is not None
        self.line = self.running.stdout.readline()
        found = LINE.fullmatch(self.line)
        assert found, (self.line, self.log.read_text())
        self.port = int(found[2])

    def connect(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def socket(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        connection = self.connect()
        try:
            return self.over(connection, method, path, body, **headers)
        finally:
            connection.close()

    def over(
        self, connection: HTTPConnection, method: str, path: str, body: Any = None, **headers: str
    ) -> Reply:
        given = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", **headers}
        connection.request(method, path, None if body is None else json.dumps(body), given)
        return reply(connection.getresponse())

    def use(self, body: Any) -> Reply:
        return self.ask("POST", "/api/v1/uses", body)

    def end(self, sign: int = signal.SIGTERM) -> int:
        self.running.send_signal(sign)
        return self.running.wait(PATIENCE)

    @property
    def events(self) -> list[dict[str, Any]]:
        """What it logged, and no server of the same instance before it."""
        said = self.log.read_bytes()[self._begins :].decode()
        return [json.loads(line) for line in said.splitlines()]


def _started(words: list[str], log: Path) -> subprocess.Popen[str]:
    with log.open("ab") as told:
        return subprocess.Popen(
            [sys.executable, "-m", "publica", *words],
            stdout=subprocess.PIPE,
            stderr=told,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )


def until(holds: Any) -> None:
    ends = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < ends, "it did not come to that"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """An instance, closed, and a token of Ana's."""
    with opened(tmp_path_factory.mktemp("served")) as city:
        token = city.headers("ana")["Authorization"].removeprefix("Bearer ")
        folder = city.instance.folder
    yield folder, token


@contextmanager
def served(place: tuple[Path, str], *options: str, cold: bool = False, **sections: Any) -> Iterator[Process]:
    """The instance served with these settings; killed afterwards if it has not ended."""
    folder, token = place
    path = folder / settings.FILE
    before = path.read_text("utf-8")
    held = settings.read(folder).model_dump(exclude_defaults=True)
    path.write_text(settings.text(settings.Settings.model_validate({**held, **sections})), "utf-8")
    process = Process(folder, token, *options, cold=cold)
    try:
        yield process
    finally:
        if process.running.poll() is None:
            process.running.kill()
            process.running.wait(PATIENCE)
        assert process.running.stdout is not None
        process.running.stdout.close()
        path.write_text(before, "utf-8")


def receipts(folder: Path) -> dict[str, str]:
    """Id and outcome of every receipt; the ledger holds."""
    instance = Instance.open(folder)
    try:
        assert instance.verify_ledger()["problems"] == []
        with instance.db.read() as connection:
            bodies = connection.execute(select(entries.c.body).where(entries.c.kind == "receipt")).scalars()
            found = [json.loads(body) for body in bodies]
    finally:
        instance.close()
    return {entry["id"]: entry["outcome"] for entry in found}


class Load:
    """Clients who ask one question after the other, until they are told to stop or cannot any more."""

    def __init__(self, process: Process, clients: int) -> None:
        self.process, self.answers, self.wrong = process, list[str](), list[str]()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        connection = self.process.connect()
        with suppress(OSError, HTTPException), connection_closed(connection):
            while not self._stop.is_set():
                self._take(self.process.over(connection, "POST", "/api/v1/uses", COUNT))

    def _take(self, found: Reply) -> None:
        if found.status == 200:
            whole = json.loads(found.body)
            assert whole["rows"][0]["n"] == 80
            self.answers.append(whole["receipt"])
        elif found.status != 503:
            self.wrong.append(f"{found.status} {found.body!r}")

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)


@contextmanager
def connection_closed(connection: HTTPConnection) -> Iterator[None]:
    try:
        yield
    finally:
        connection.close()


def test_it_says_one_line_and_ends_when_told(place: tuple[Path, str]) -> None:
    with served(place, cold=True) as process:
        assert process.ask("GET", "/ready").status == 200
        assert process.use(COUNT).status == 200
        assert process.end() == 0
        assert process.running.stdout is not None
        assert process.running.stdout.read() == ""
        said = [event["event"] for event in process.events]
        assert said[-2:] == ["stopping", "stopped"]
        assert "request" in said


def ended(place: tuple[Path, str], log: Path, *options: str) -> tuple[int, str, str]:
    """What a server that cannot start says: its exit code, what it printed, and what it complained of."""
    running = Forked(["--instance", str(place[0]), "serve", *options], log)
    with running.stdout:
        return running.wait(PATIENCE), running.stdout.read(), log.read_text("utf-8")


def test_a_port_that_is_taken(place: tuple[Path, str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, out, err = ended(place, tmp_path / "log", "--port", str(port))
    assert code == 5
    assert out == ""
    assert f"Port {port} of 127.0.0.1 is taken by another program" in err
    assert "--port" in err


def test_an_address_that_is_none(place: tuple[Path, str], tmp_path: Path) -> None:
    for host, wanted in (("256.1.1.1", 1), ("192.0.2.7", 5)):
        code, _, err = ended(place, tmp_path / host, "--host", host)
        assert code == wanted, err
        assert len(err.splitlines()) == 1


def test_readiness_goes_before_anything_else(place: tuple[Path, str]) -> None:
    """A balancer learns it while uses are still answered."""
    with served(place, operations={"drain_seconds": 600}) as process:
        until(lambda: process.ask("GET", "/ready").status == 200)  # it runs, not only listens
        process.running.send_signal(signal.SIGTERM)
        until(lambda: process.ask("GET", "/ready").status == 503)
        assert b"stopping" in process.ask("GET", "/ready").body
        assert process.ask("GET", "/health").status == 200
        assert process.use(COUNT).status == 200
        assert process.end() == 0  # a second signal leaves out the rest of the time


def test_stopping_under_load_loses_no_receipt(place: tuple[Path, str]) -> None:
    with served(place) as process:
        load = Load(process, 16)
        until(lambda: len(load.answers) >= 50)
        assert process.end() == 0
        load.end()
    assert load.wrong == []
    assert set(load.answers) <= set(receipts(place[0]))


def test_killed_under_load_every_answer_has_its_receipt(place: tuple[Path, str]) -> None:
    """And it can be started again, at once."""
    answers: list[str] = []
    for _ in range(2):
        with served(place) as process:
            load = Load(process, 16)
            until(lambda: len(load.answers) >= 40)  # noqa: B023 (called in this round)
            assert process.end(signal.SIGKILL) == -signal.SIGKILL
            load.end()
        assert load.wrong == []
        answers += load.answers
    assert len(answers) >= 80
    assert set(answers) <= set(receipts(place[0]))


def test_what_runs_too_long_is_cut_short_with_its_receipt(place: tuple[Path, str]) -> None:
    with served(place, operations={"stop_seconds": 1}, limits={"seconds": 3600}) as process:
        found: list[Reply] = []
        asking = threading.Thread(target=lambda: found.append(process.use(LONG)))
        asking.start()
        until(lambda: b"publica_uses_running 1.0" in process.ask("GET", "/metrics").body)
        assert process.end() == 0
        asking.join(PATIENCE)
    assert found[0].status == 422
    assert json.loads(found[0].body)["type"] == "urn:publica:problem:limit-reached"
    assert list(receipts(place[0]).values())[-1] == "failed"


def test_who_waits_is_sent_away_when_it_stops(place: tuple[Path, str]) -> None:
    given = {"operations": {"stop_seconds": 2}, "limits": {"seconds": 3600}, "queue": {"running": 1}}
    with served(place, **given) as process:
        found: list[Reply] = []
        asking = [threading.Thread(target=lambda: found.append(process.use(LONG))) for _ in range(4)]
        for thread in asking:
            thread.start()
        until(lambda: b"publica_uses_waiting 3.0" in process.ask("GET", "/metrics").body)
        assert process.end() == 0
        for thread in asking:
            thread.join(PATIENCE)
    assert sorted(each.status for each in found) == [422, 503, 503, 503]


def test_headers_that_never_end_are_not_waited_for(place: tuple[Path, str]) -> None:
    with served(place, serve={"body_seconds": 0.5}) as process:
        for sent in (b"", b"GET /health HTTP/1.1\r\nHost: x\r\nX-A: "):
            with process.socket() as client:
                client.sendall(sent)
                with suppress(ConnectionResetError):
                    assert client.recv(1000) == b""
        assert process.ask("GET", "/health").status == 200


def test_a_body_that_comes_too_slowly(place: tuple[Path, str]) -> None:
    with served(place, serve={"body_seconds": 0.5}) as process:
        with process.socket() as client:
            head = f"POST /api/v1/uses HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {process.token}\r\n"
            client.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{".encode())
            answer = b""
            while piece := client.recv(10_000):
                answer += piece
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"urn:publica:problem:too-slow" in answer
        assert process.use(COUNT).status == 200


def test_headers_that_are_too_large_or_no_http(place: tuple[Path, str]) -> None:
    with served(place) as process:
        for sent in (
            b"GET / HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 100_000 + b"\r\n\r\n",
            b"nonsense\r\n\r\n",
            b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
            b"POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx",
        ):
            with process.socket() as client, suppress(OSError):
                client.sendall(sent)
                assert client.recv(1000)[9:12] in (b"400", b"431", b"")
        assert process.ask("GET", "/health").status == 200


def test_a_reader_who_takes_nothing_is_cut_off(place: tuple[Path, str]) -> None:
    with served(place, queue={"running": 1, "reader_seconds": 0.5}) as process, process.socket() as client:
        body = json.dumps(LARGE).encode()
        head = f"POST /api/v1/uses HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {process.token}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        client.sendall(head.encode() + body)
        until(lambda: any(event["event"] == "reader too slow" for event in process.events))
        assert process.use(COUNT).status == 200  # its place was free long ago


def asks_and_takes_nothing(process: Process) -> socket.socket:
    """A client with little room who asks for large answers, many times in a row."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    client.connect(("127.0.0.1", process.port))
    client.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
    return client


def too_slow(process: Process) -> int:
    return sum(event["event"] == "reader too slow" for event in process.events)


def test_who_asks_on_and_on_and_takes_nothing_is_cut_off(place: tuple[Path, str]) -> None:
    """Also of answers that are made whole."""
    with served(place, queue={"reader_seconds": 0.5}) as process, asks_and_takes_nothing(process) as client:
        until(lambda: too_slow(process) == 1)
        with pytest.raises(ConnectionResetError):
            while client.recv(65536):
                pass
        assert process.ask("GET", "/health").status == 200


def test_who_takes_nothing_does_not_delay_the_end(place: tuple[Path, str]) -> None:
    given = {"queue": {"reader_seconds": 3600}, "operations": {"stop_seconds": 3600}}
    with served(place, **given) as process, asks_and_takes_nothing(process):
        until(lambda: any(event["event"] == "request" for event in process.events))
        time.sleep(2)  # for the buffers to fill
        assert process.end() == 0, "before the hour that others are waited for"


def test_a_client_who_goes_away_harms_nobody(place: tuple[Path, str]) -> None:
    with served(place, queue={"running": 1}) as process:
        for taken in (0, 100_000):
            connection = process.connect()
            connection.request(
                "POST", "/api/v1/uses", json.dumps(LARGE),
                {"Authorization": f"Bearer {process.token}", "Content-Type": "application/json"},
            )  # fmt: skip
            if taken:
                connection.getresponse().read(taken)
            connection.close()
            assert process.use(COUNT).status == 200
        until(lambda: b"publica_uses_running 0.0" in process.ask("GET", "/metrics").body)


def test_a_large_answer_arrives_whole_in_every_form(place: tuple[Path, str]) -> None:
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    with served(place) as process:
        made = {
            form: process.ask("POST", "/api/v1/uses", LARGE, Accept=form).body
            for form in (
                "application/json",
                "text/csv",
                "application/vnd.apache.arrow.stream",
                "application/vnd.apache.parquet",
            )
        }
    rows = 2**18
    assert len(json.loads(made["application/json"])["rows"]) == rows
    assert made["text/csv"].count(b"\n") == rows + 1
    assert pa.ipc.open_stream(made["application/vnd.apache.arrow.stream"]).read_all().num_rows == rows
    assert pq.read_table(io.BytesIO(made["application/vnd.apache.parquet"])).num_rows == rows


def test_metrics_are_for_the_machine_itself(place: tuple[Path, str]) -> None:
    """A proxy on it passes others' requests on: those it marks are not the machine's."""
    with served(place) as process:
        assert b"publica_requests_total" in process.ask("GET", "/metrics").body
        for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"):
            assert process.ask("GET", "/metrics", None, **{name: "127.0.0.1"}).status == 403


def test_checkpoints_are_published_beside_serving(place: tuple[Path, str]) -> None:
    with served(place, worker={"publish_seconds": 0.2, "sequence_seconds": 0.2}) as process:
        latest = process.folder / "checkpoints" / "latest"
        before = int(latest.read_text().splitlines()[1])
        process.use(COUNT)
        until(lambda: int(latest.read_text().splitlines()[1]) > before)


def test_the_worker_alone(place: tuple[Path, str]) -> None:
    with served(place, "--no-worker", worker={"publish_seconds": 0.2, "sequence_seconds": 0.2}) as process:
        latest = process.folder / "checkpoints" / "latest"
        before = int(latest.read_text().splitlines()[1])
        process.use(COUNT)
        command = [sys.executable, "-m", "publica", "--instance", str(process.folder), "worker"]
        worker = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            assert worker.stdout is not None
            assert "Stop: Ctrl-C" in worker.stdout.readline()
            until(lambda: int(latest.read_text().splitlines()[1]) > before)
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(PATIENCE) == 0
        finally:
            worker.kill()
            worker.wait(PATIENCE)
            assert worker.stdout is not None
            worker.stdout.close()
