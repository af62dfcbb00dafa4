"""What the ledger says of sign-ins and tokens: commitments to who it was, whose originals are kept sealed."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import insert

from publica.governance.identity import store
from publica.kernel import clock
from publica.kernel.database import Change
from publica.kernel.keys import Keys
from publica.kernel.ledger.canonical import b64, commit, new_salt

SIGN_IN, TOKEN = "sign-in", "token"
KINDS = (SIGN_IN, TOKEN)
"""The kinds of entry."""


def enter(
    change: Change, keys: Keys, kind: str, what: str, shown: Mapping[str, Any], hidden: Mapping[str, bytes]
) -> bytes:
    """Enter an event, and keep what it only commits to, sealed. Returns the entry's leaf hash."""
    salts = {name: new_salt() for name in hidden}
    commitments = {name: commit(salts[name], value) for name, value in hidden.items()}
    leaf = change.enter(kind, {"what": what, **shown, **commitments})
    opened = {name: [b64(salts[name]), b64(value)] for name, value in hidden.items()}
    token = secrets.token_bytes(16)
    row = {
        "entry": leaf,
        "what": what,
        "recorded_at": clock.text(change.now),
        "token": token,
        "sealed": keys.seal(json.dumps(opened).encode(), context(token)),
    }
    change.connection.execute(insert(store.events), row)
    return leaf


def context(token: bytes) -> bytes:
    """What the sealed originals of an event are bound to."""
    return b"identity" + token
