"""Pseudonyms: HMAC-SHA-256, cut to 128 bits; the same wherever domain and secret are the same."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from pathlib import Path

import pyarrow as pa
import pytest

from publica.data.engines.duckdb import Engine

from .world import publish, rows


def _pseudonym(secret: bytes, domain: str, value: str) -> str:
    digest = hmac.new(secret, domain.encode() + b"\0" + value.encode(), hashlib.sha256).digest()
    return str(uuid.UUID(bytes=digest[:16]))


def _table(keys: list[str | None]) -> pa.Table:
    return pa.table({"person_id": keys, "__subject_person_id": pa.array(range(len(keys)), pa.uint32())})


@pytest.mark.parametrize("secret", [b"", b"short", bytes(range(32)), bytes(64), b"x" * 65, b"y" * 200])
def test_a_pseudonym_is_an_hmac(engine: Engine, tmp_path: Path, secret: bytes) -> None:
    keys = ["P-1", "", "Łódź 'x' \0 \\", "P-1", None]
    version, schema = publish(tmp_path, _table(keys))
    name = engine.table(version, schema)
    column = engine.pseudonyms(version, schema, "person_id", "person", secret)
    got = [row["p"] for row in rows(engine, f'SELECT "{column}"::VARCHAR AS p FROM "{name}"')]
    assert got == [None if key is None else _pseudonym(secret, "person", key) for key in keys]


def test_text_and_numbers_of_one_person_meet(engine: Engine, tmp_path: Path) -> None:
    text, text_schema = publish(tmp_path, _table(["12", "7"]), "texts")
    number, number_schema = publish(tmp_path, pa.table({"citizen": pa.array([7, 12], pa.int64())}), "numbers")
    left, right = engine.table(text, text_schema), engine.table(number, number_schema)
    a = engine.pseudonyms(text, text_schema, "person_id", "person", b"k")
    b = engine.pseudonyms(number, number_schema, "citizen", "person", b"k")
    sql = f'SELECT person_id, citizen FROM "{left}" AS l JOIN "{right}" AS r ON l."{a}" = r."{b}" ORDER BY 2'
    assert rows(engine, sql) == [{"person_id": "7", "citizen": 7}, {"person_id": "12", "citizen": 12}]


def test_another_secret_or_domain_is_another_column(engine: Engine, tmp_path: Path) -> None:
    version, schema = publish(tmp_path, _table(["P-1"]))
    name = engine.table(version, schema)
    columns = {
        engine.pseudonyms(version, schema, "person_id", domain, secret)
        for domain in ("person", "household")
        for secret in (b"a", b"b")
    }
    assert len(columns) == 4
    values = {rows(engine, f'SELECT "{column}" AS p FROM "{name}"')[0]["p"] for column in columns}
    assert len(values) == 4
    assert engine.pseudonyms(version, schema, "person_id", "person", b"a") in columns
