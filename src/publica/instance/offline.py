"""What needs no instance: checking a proof with the ledger's public key alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from publica.instance.settings import KEYS
from publica.kernel import clock
from publica.kernel.errors import BadInput, IntegrityBroken, Place
from publica.kernel.keys import retired
from publica.trust.consent import evidence
from publica.trust.transparency.model import Verdict
from publica.trust.transparency.verification import verify_proof

KEY_FILE = "ledger.pub"
LARGEST = 16 * 1024 * 1024


def public_key(folder: Path, given: Path | None) -> tuple[str, ...]:
    """The ledger's public keys: from the file given, one a line, else of the instance in `folder`.

    There, those that were replaced are among them: what they signed still holds.
    """
    path = given or folder / KEY_FILE
    try:
        old = () if given else retired(folder / KEYS)
        return (*path.read_text("ascii").split(), *old)
    except (OSError, UnicodeDecodeError):
        raise BadInput(
            "There is no public key to check against.",
            do="Give the file with --key; the office publishes it.",
            place=Place(str(path)),
        ) from None


def verify(file: Path, vkeys: tuple[str, ...]) -> dict[str, Any]:
    """What the proof proves. Raises BadInput when it is no proof file, IntegrityBroken when false."""
    try:
        if file.stat().st_size > LARGEST:
            raise ValueError
        proof = json.loads(file.read_text("utf-8"))
        if not isinstance(proof, dict):
            raise ValueError
    except (ValueError, RecursionError):
        raise BadInput("This is not a proof file.", do="Ask for a new one.", place=Place(str(file))) from None
    if proof.get("format") == evidence.FORMAT:
        return _choice(proof, vkeys)
    found = _verify(proof, vkeys)
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


def _choice(receipt: dict[str, Any], vkeys: tuple[str, ...]) -> dict[str, Any]:
    """What a consent receipt says, once it is known to be signed by one of the keys."""
    first: IntegrityBroken | None = None
    for vkey in vkeys:
        try:
            record = evidence.verify(receipt, vkey)
        except IntegrityBroken as error:
            first = first or error
            continue
        event, person = record["event"], record["record"]["pii_principal_id"]
        activity = record["pii_processing"]["activity"]
        said = f"{event['event_state']} by {person} about {activity} on {event['event_time'][:10]}"
        sentence = f"✓ The receipt holds: {said}."
        return {"valid": True, "subject": person, "activity": activity, "sentence": sentence}
    raise first or BadInput("There is no public key to check against.", do="Give the file with --key.")


def _verify(proof: dict[str, Any], vkeys: tuple[str, ...]) -> Verdict:
    """By whichever key signed it; the first one's objection when none did."""
    first: IntegrityBroken | None = None
    for vkey in vkeys:
        try:
            return verify_proof(proof, vkey)
        except IntegrityBroken as error:
            first = first or error
    raise first or BadInput("There is no public key to check against.", do="Give the file with --key.")
