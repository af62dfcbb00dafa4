"""Consent receipts after ISO/IEC TS 27560:2023: what a person chose, under which terms, signed.

A file with one note (C2SP) that the ledger's key signed. Its first line says what it is: nobody takes it for
a checkpoint.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from publica.kernel import clock
from publica.kernel.errors import BadInput, IntegrityBroken
from publica.kernel.keys import Keys
from publica.kernel.ledger.canonical import b64, canonical
from publica.kernel.ledger.note import Verifier, open_note, sign
from publica.trust.consent.model import Action, Step
from publica.trust.consent.notices import Version

FORMAT = "publica-consent-receipt-1"
SCHEMA = "ISO/IEC TS 27560:2023"
STATES = {
    Action.GRANT: "consent given",
    Action.REFUSE: "consent refused",
    Action.WITHDRAW: "consent withdrawn",
    Action.OBJECT: "objection made",
    Action.LAPSE: "consent terminated",
}
"""What happened → the state of the consent that the record names."""


@dataclass(frozen=True)
class Opening:
    """What shows that a choice's ledger entry is about one person: salt and position. None of a batch."""

    salt: str
    position: int


def record_of(
    person: str, step: Step, version: Version | None, organisation: Mapping[str, Any], opening: Opening | None
) -> dict[str, Any]:
    """The consent record of one step: header, what is done with the data, the parties, the event."""
    terms = {} if version is None else version.terms
    return {
        "record": {
            "schema_version": SCHEMA,
            "record_id": b64(step.entry),
            "pii_principal_id": person,
        },
        "pii_processing": {
            "privacy_notice": {
                "terms_hash": step.terms,
                "version": None if version is None else version.version,
                "shown": step.shown,
            },
            "purposes": [_purpose(terms)] if terms else [],
        },
        "party_identification": [{"party_role": "PII controller", **organisation}],
        "event": {
            "event_time": clock.text(step.at),
            "event_type": "explicit" if step.action is not Action.LAPSE else "by change of terms",
            "event_state": STATES[step.action],
            "entity_id": person if step.action is not Action.LAPSE else organisation.get("party_id"),
            "validity": terms.get("until"),
        },
        "ledger": {
            "entry": b64(step.entry),
            "counter": step.counter,
            "opening": None if opening is None else {"salt": opening.salt, "position": opening.position},
        },
    }


def _purpose(terms: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "purpose": terms["title"],
        "purpose_type": terms["purpose"],
        "lawful_basis": terms["basis"],
        "pii_information": [
            {
                "pii_type": f"{part['dataset']}.{column['name']}",
                "pii_controller": part["holder"],
                "sensitivity": column.get("sensitivity"),
            }
            for part in terms["data"]
            for column in part["columns"]
        ],
        "processing_method": terms["protection"],
        "recipients": terms["roles"],
        "retention_period": terms["kept"],
        "withdrawal_method": "at any time, by the same means",
    }


def signed(record: Mapping[str, Any], keys: Keys, origin: str) -> dict[str, Any]:
    """The receipt: a file that stands alone. `record` is there to be read; the note is what counts."""
    note = sign(f"{FORMAT}\n{canonical(record).decode()}\n", keys.signer, origin)
    return {"format": FORMAT, "note": note, "record": dict(record)}


def verify(receipt: Mapping[str, Any], vkey: str) -> dict[str, Any]:
    """The record that the ledger's key signed.

    Raises BadInput when it is no receipt, IntegrityBroken when it is false.
    """
    note = receipt.get("note")
    if receipt.get("format") != FORMAT or not isinstance(note, str):
        raise BadInput("This is not a consent receipt.", do="Ask for a new one.")
    head, _, body = open_note(note, Verifier.parse(vkey)).partition("\n")
    if head != FORMAT:
        raise IntegrityBroken("The note is not a consent receipt.")
    found: dict[str, Any] = json.loads(body)
    if receipt.get("record", found) != found:
        raise IntegrityBroken("The record beside the signed note says something else than the note.")
    return found
