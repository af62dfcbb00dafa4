"""What needs no instance: checking a proof with the ledger's public key alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from publica.kernel import clock
from publica.kernel.errors import BadInput, Place
from publica.trust.transparency.verification import verify_proof

KEY_FILE = "ledger.pub"
LARGEST = 16 * 1024 * 1024


def public_key(folder: Path, given: Path | None) -> str:
    """The ledger's public key: from the file given, else of the instance in `folder`."""
    path = given or folder / KEY_FILE
    try:
        return path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise BadInput(
            "There is no public key to check against.",
            do="Give the file with --key; the office publishes it.",
            place=Place(str(path)),
        ) from None


def verify(file: Path, vkey: str) -> dict[str, Any]:
    """What the proof proves. Raises BadInput when it is no proof file, IntegrityBroken when false."""
    try:
        if file.stat().st_size > LARGEST:
            raise ValueError
        proof = json.loads(file.read_text("utf-8"))
        if not isinstance(proof, dict):
            raise ValueError
    except (ValueError, RecursionError):
        raise BadInput("This is not a proof file.", do="Ask for a new one.", place=Place(str(file))) from None
    found = verify_proof(proof, vkey)
    how = {True: "their row left", False: "their row did not leave", "at most": "their row may have left"}
    said = (
        f"looked at {found.key}, and {how[found.released]}" if found.touched else f"did not touch {found.key}"
    )
    return {
        "valid": True,
        "use": found.use,
        "at": clock.text(found.at),
        "organisation": found.organisation,
        "activity": found.activity,
        "subject": found.key,
        "touched": found.touched,
        "released": found.released,
        "sentence": (
            f"✓ The proof holds: use {found.use} of {clock.text(found.at)[:10]} by {found.organisation} "
            f"under {found.activity} {said}."
        ),
    }
