"""The flow map equals what anybody adds up from the ledger's entries."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import select

from publica.kernel.database import Database
from publica.kernel.keys import Keys
from publica.kernel.ledger.sequencer import sequence, waiting
from publica.kernel.ledger.store import entries
from publica.trust.transparency.flows import FlowMap, Flows

from .world import record

USES: list[dict[str, Any]] = [
    {},
    {"rows": 7, "agreements": ("civil-registry-social", "revenue-social")},
    {"activity": "research", "organisation": "statistics", "columns": {"stays": ("person_id",)}, "rows": 3},
    {"activity": "research", "organisation": "statistics", "outcome": "refused", "rows": 0},
    {"outcome": "failed", "rows": 0},
]


def added_up(database: Database, size: int) -> dict[str, Any]:
    """From the entries alone, one by one: the slow and obvious way."""
    with database.read() as connection:
        query = select(entries.c.body).where(entries.c.kind == "receipt", entries.c.position < size)
        receipts = [json.loads(body) for body in connection.execute(query).scalars()]
    found: Any = {"activities": Counter(), "agreements": Counter(), "datasets": Counter()}
    for receipt in receipts:
        found["activities"][receipt["activity"]] += 1
        if receipt["outcome"] == "released":
            found["agreements"].update(receipt["agreements"])
            found["datasets"].update(
                (name.partition("@")[0], receipt["activity"]) for name in receipt["columns"]
            )
    found["rows"] = sum(receipt["rows"] for receipt in receipts)
    found["outcomes"] = dict(Counter(receipt["outcome"] for receipt in receipts))
    found["last"] = max((receipt["at"] for receipt in receipts), default=None)
    return found


def same(flows: Flows, expected: Any) -> None:
    assert {name: sums.asked for name, sums in flows.activities.items()} == expected["activities"]
    assert {name: sums.uses for name, sums in flows.agreements.items()} == expected["agreements"]
    assert {name: sums.uses for name, sums in flows.datasets.items()} == expected["datasets"]
    assert dict(flows.total.outcomes) == expected["outcomes"]
    assert (flows.total.rows, flows.total.last) == (expected["rows"], expected["last"])


@pytest.mark.parametrize("steps", [1, 3])
def test_the_map_equals_the_ledger_however_it_grew(database: Database, keys: Keys, steps: int) -> None:
    kept = FlowMap()
    for turn in range(steps):
        for use in USES[turn:]:
            record(database, keys, **use)
        sequence(database)
        with database.read() as connection:
            size, _ = waiting(connection)
            flows = kept.until(connection, size)
            assert flows == kept.until(connection, 0)
        assert flows.size == size
        same(flows, added_up(database, size))


def test_what_has_no_position_yet_is_not_counted(database: Database, keys: Keys) -> None:
    record(database, keys)
    size = sequence(database)
    record(database, keys)
    with database.read() as connection:
        assert FlowMap().until(connection, size).total.asked == 1


def test_a_ledger_without_uses_has_empty_sums(database: Database) -> None:
    with database.read() as connection:
        flows = FlowMap().until(connection, 0)
    assert (flows.total.asked, flows.total.last, dict(flows.activities)) == (0, None, {})
