"""What runs beside serving, what readiness looks at, and traces."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import func, select
from starlette.testclient import TestClient

from publica.governance.identity import repeats
from publica.governance.identity.store import answers
from publica.http import logs, telemetry
from publica.instance import credentials, readiness, worker
from publica.instance.worker import Worker
from publica.kernel import clock
from publica.kernel.errors import PublicaError, Unavailable
from publica.kernel.ledger.store import entries

from .city import OPERATOR, City

COUNT = "SELECT count(*) AS n FROM population"


def done(city: City) -> dict[str, PublicaError | None]:
    """Every job, done once."""
    said: dict[str, PublicaError | None] = {}
    beside = Worker(city.instance, said.__setitem__)
    for job in worker.jobs(city.instance):
        beside.do(job)
    return said


def unplaced(city: City) -> int:
    with city.instance.db.read() as connection:
        query = select(func.count()).select_from(entries).where(entries.c.position.is_(None))
        return int(connection.execute(query).scalar() or 0)


def test_every_job_is_done(city: City) -> None:
    city.use("ana", COUNT)
    assert unplaced(city) > 0
    assert done(city) == dict.fromkeys(("sequence", "publish", "compact", "escalate", "clean"))
    assert unplaced(city) == 0
    published = (city.instance.folder / "checkpoints" / "latest").read_text().splitlines()
    with city.instance.db.read() as connection:
        assert int(published[1]) == connection.execute(select(func.count()).select_from(entries)).scalar()


def test_what_has_expired_is_removed(city: City) -> None:
    db, keys = city.instance.db, city.instance.keys
    now = clock.now()
    mark = repeats.tag(keys, "somebody", "once")
    assert repeats.begin(db, keys, mark, b"r" * 32, now - 2 * repeats.KEPT) is None
    kept = repeats.tag(keys, "somebody", "again")
    assert repeats.begin(db, keys, kept, b"r" * 32, now) is None
    done(city)
    with db.read() as connection:
        held = set(connection.execute(select(answers.c.tag)).scalars())
    assert mark not in held
    assert kept in held


def test_a_job_that_fails_is_told_and_harms_no_other(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_instance: Any) -> None:
        raise Unavailable("The place is full.")

    monkeypatch.setattr(worker, "_publish", fails)
    said = done(city)
    assert isinstance(said["publish"], Unavailable)
    assert said["clean"] is None


def test_a_worker_ends_when_told(city: City) -> None:
    said: list[str] = []
    beside = Worker(city.instance, lambda name, _error: said.append(name))
    beside.start()
    while len(said) < 4:
        pass
    beside.stop()
    assert not beside._thread.is_alive()
    assert set(said) >= {"sequence", "publish", "compact", "clean"}


def test_a_repeated_request_that_has_not_ended_waits_and_its_key_expires(city: City) -> None:
    db, keys, now = city.instance.db, city.instance.keys, clock.now()
    mark = repeats.tag(keys, "somebody", "under way")
    assert repeats.begin(db, keys, mark, b"a" * 32, now) is None
    known = repeats.begin(db, keys, mark, b"a" * 32, now)
    assert known == repeats.Kept(same=True, status=None, body=None)
    other = repeats.begin(db, keys, mark, b"b" * 32, now)
    assert other is not None
    assert not other.same
    almost = now + repeats.KEPT - timedelta(seconds=1)
    assert repeats.begin(db, keys, mark, b"a" * 32, almost) == known, "also hours after a crash"
    assert repeats.begin(db, keys, mark, b"a" * 32, now + repeats.KEPT) is None
    repeats.finish(db, keys, mark, 201, {"id": "x"}, now)
    assert repeats.begin(db, keys, mark, b"a" * 32, now) == repeats.Kept(True, 201, {"id": "x"})
    assert repeats.begin(db, keys, mark, b"b" * 32, now + repeats.KEPT) is None


def test_a_kept_answer_is_sealed(city: City) -> None:
    db, keys, now = city.instance.db, city.instance.keys, clock.now()
    mark = repeats.tag(keys, "somebody", "sealed")
    repeats.begin(db, keys, mark, b"a" * 32, now)
    repeats.finish(db, keys, mark, 200, {"says": "a-secret-of-somebody"}, now)
    with db.read() as connection:
        row = connection.execute(select(answers).where(answers.c.tag == mark)).one()
    assert b"a-secret-of-somebody" not in b"".join(value for value in row if isinstance(value, bytes))


def test_readiness_names_what_is_missing(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    assert readiness.missing(city.instance) == []
    monkeypatch.setattr(readiness, "ROOM", 2**80)
    assert readiness.missing(city.instance) == ["disk"]
    monkeypatch.undo()
    (kept := city.instance.folder / "keys" / "ledger.key").rename(away := kept.with_suffix(".away"))
    assert readiness.missing(city.instance) == ["keys"]
    away.rename(kept)

    def fails(*_given: Any) -> None:
        raise Unavailable("The state database could not be used.")

    monkeypatch.setattr(type(city.instance.db), "maintain", fails)
    assert readiness.missing(city.instance) == ["state database"]
    city.app.state.checked.__init__()
    answer = city.http.get("/ready")
    assert (answer.status_code, answer.json()["detail"]) == (503, "Not ready: state database.")
    assert city.http.get("/health").status_code == 200


def test_a_span_names_nobody(city: City) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    http = TestClient(telemetry.Traced(city.app, provider), base_url="http://testserver")
    traceparent = "00-11111111111111111111111111111111-2222222222222222-01"
    headers = {**city.headers("citizen"), "traceparent": traceparent}
    assert http.get("/api/v1/records/law/act?at=2100-01-01", headers=headers).status_code == 200
    http.get("/api/v1/me/choices/care", headers=headers)
    first, second = exporter.get_finished_spans()
    assert first.name == "GET /api/v1/records/{kind}/{id}"
    assert second.name == "GET /api/v1/me/choices/{activity}"
    assert dict(first.attributes or {})["http.response.status_code"] == 200
    said = first.to_json() + second.to_json()
    for secret in ("P-001", "2100-01-01", "/law/act", "/care", "1" * 32):
        assert secret not in said, secret


def test_without_the_extra_the_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(Unavailable, match="telemetry"):
        telemetry.traced(lambda *_: None, "http://127.0.0.1:4318/v1/traces")  # type: ignore[arg-type,return-value]


def test_a_log_line_of_an_exception_has_its_kind_and_its_place_alone() -> None:
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.Lines())
    try:
        clock.parse("P-0001 lives in a street")
    except ValueError:
        record = logging.LogRecord(
            "uvicorn.error", logging.ERROR, __file__, 1, "Exception", (), __import__("sys").exc_info()
        )
        handler.emit(record)
    line = json.loads(stream.getvalue())
    assert line["error"] == "ValueError"
    assert line["place"].startswith("publica.kernel.clock:parse:")
    assert "P-0001" not in stream.getvalue()


def test_no_metric_has_a_label_of_anybodys_making(city: City) -> None:
    city.http.request("BREW", "/secret-path?secret=query")
    city.get("ana", "/records/law/secret-name")
    text = city.app.state.serving.metrics.text().decode()
    assert "secret" not in text
    assert "BREW" not in text
    assert 'publica_requests_total{method="other",route="none",status="404"} 1.0' in text


def test_metrics_by_a_token_of_that_scope(city: City) -> None:
    far = {"X-Forwarded-For": "192.0.2.7"}
    made = credentials.create(
        city.instance, "olaf", "prometheus", OPERATOR, activities=[], scopes=["metrics"]
    )
    answer = city.http.get("/metrics", headers={**far, "Authorization": f"Bearer {made[1]}"})
    assert answer.status_code == 200
    assert "publica_request_seconds_bucket" in answer.text
    assert city.http.get("/metrics", headers={**far, **city.headers("ana")}).status_code == 403


def test_metrics_for_the_machine_itself_by_its_own_name(city: City) -> None:
    """A page elsewhere may have its own name lead here, and a browser on this machine would read for it."""
    for host, status in (
        ("127.0.0.1:8000", 200),
        ("localhost", 200),
        ("[::1]:8000", 200),
        ("evil.example", 401),
    ):
        local = TestClient(city.app, base_url=f"http://{host}", client=("127.0.0.1", 1))
        assert local.get("/metrics").status_code == status


def test_no_line_of_the_log_has_a_method_of_anybodys_making(
    city: City, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logs.LOGGER.name):
        city.http.request("SECRET", "/health")
    told = [record.__dict__["fields"]["method"] for record in caplog.records if hasattr(record, "fields")]
    assert told == ["other"]


def test_the_folder_of_the_instance_is_not_told(city: City) -> None:
    for path in ("/ready", "/health", "/docs", "/openapi.json", "/metrics"):
        assert str(city.instance.folder) not in city.http.get(path).text
    assert isinstance(city.instance.folder, Path)
