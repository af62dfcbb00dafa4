"""The secrets of pseudonyms: one per recipient and activity, and none from another."""

from __future__ import annotations

from pathlib import Path

from publica.kernel import keys
from publica.trust.privacy import pseudonym_secret


def test_each_recipient_and_activity_has_its_own_secret(tmp_path: Path) -> None:
    keys.create(tmp_path / "a")
    keys.create(tmp_path / "b")
    ours, theirs = keys.load(tmp_path / "a"), keys.load(tmp_path / "b")
    pairs = [
        ("statistics", "research"),
        ("statistics", "aid"),
        ("health", "research"),
        ("health,research", ""),
    ]
    secrets = {pseudonym_secret(of, *pair) for of in (ours, theirs) for pair in pairs}
    assert len(secrets) == 2 * len(pairs)
    assert all(len(secret) == 32 for secret in secrets)
    assert pseudonym_secret(ours, "health", "research") == pseudonym_secret(ours, "health", "research")
