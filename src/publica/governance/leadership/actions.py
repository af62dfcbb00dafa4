"""The verbs of proposals: one official proposes changes of records, a chief data officer decides.

Proposing changes no record. Accepting applies the documents in the same transaction as the decision: the
revisions are the proposer's, and the entry of the decision commits to who accepted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import insert, select, update

from publica.governance.leadership import listing, rules
from publica.governance.leadership.model import Proposal, State
from publica.governance.leadership.store import ENTRY, proposals
from publica.kernel import clock, ids, records
from publica.kernel.actor import Actor
from publica.kernel.database import Change, Database
from publica.kernel.decision import Decision
from publica.kernel.documents import Reading, read_values
from publica.kernel.errors import BadInput, Refused
from publica.kernel.ledger.canonical import canonical, new_salt
from publica.kernel.records import Book, Difference, Kind, Spec

TITLE_LIMIT, WHY_LIMIT = 200, 2000


def propose(
    db: Database, kinds: Sequence[Kind], reading: Reading, title: str, actor: Actor
) -> tuple[Proposal, tuple[Difference, ...]]:
    """Keep documents that would change records, and say what they would change today.

    Raises BadInput when they do not fit (all problems at once), or change nothing.
    """
    label, name = _text(title, "title", TITLE_LIMIT), ids.draw("prp")
    found = records.apply_reading(db, kinds, reading, actor, dry_run=True)
    if all(difference.what == "unchanged" for difference in found):
        raise BadInput("The documents change nothing.", do="Propose something that does.")
    documents = canonical([{"kind": d.kind, "id": d.id, "spec": d.spec} for d in reading.documents]).decode()
    salt, actor_salt = new_salt(), new_salt()

    def work(change: Change) -> None:
        said = listing.proposed(name, documents, label, salt, actor, actor_salt)
        row = {
            "id": name,
            "state": State.OPEN,
            "documents": documents,
            "salt": salt,
            "title": label,
            "proposed_at": clock.text(change.now),
            "proposer": actor.id,
            "authenticated": actor.authenticated,
            "os_user": actor.os_user,
            "proposer_salt": actor_salt,
            "entry": change.enter(ENTRY, said),
        }
        change.connection.execute(insert(proposals), row)

    db.write(work)
    return listing.get(db, name), found


def accept(
    db: Database, kinds: Sequence[Kind], name: str, actor: Actor, why: str = ""
) -> tuple[Difference, ...]:
    """Apply a proposal as its proposer's, in one transaction with the entry of who accepted.

    Raises BadInput when it is decided already or does not fit any more; Refused when the actor may not.
    """
    proposal = listing.get(db, name)
    with db.read() as connection:
        book = records.book(connection, kinds)
    _require(rules.may_accept(book, proposal, {}, actor, clock.now().date()))

    def also(change: Change, before: Book, new: Mapping[tuple[str, str], Spec]) -> None:
        _require(rules.may_accept(before, proposal, new, actor, change.now.date()))
        _decide(change, proposal, State.ACCEPTED, actor, why)

    _require_open(proposal)
    reading = read_values(proposal.documents, "document")
    return records.apply_reading(db, kinds, reading, proposal.by, also=also)


def decline(db: Database, kinds: Sequence[Kind], name: str, actor: Actor, why: str = "") -> None:
    """Decline a proposal; its proposer takes it back so.

    Raises BadInput when it is decided already; Refused when the actor may not.
    """
    proposal = listing.get(db, name)
    with db.read() as connection:
        book = records.book(connection, kinds)
    _require(rules.may_decline(book, proposal, actor, clock.now().date()))
    _require_open(proposal)
    db.write(lambda change: _decide(change, proposal, State.DECLINED, actor, why))


def _decide(change: Change, proposal: Proposal, state: State, actor: Actor, why: str) -> None:
    """Write the decision, once. Raises BadInput when somebody was faster."""
    current = select(proposals.c.state).where(proposals.c.id == proposal.id).with_for_update()
    if change.connection.execute(current).scalar() != State.OPEN:
        raise _decided(proposal)
    salt, reason = new_salt(), _text(why, "reason", WHY_LIMIT, empty=True) or None
    row = {
        "state": state,
        "decided_at": clock.text(change.now),
        "decided_by": actor.id,
        "decided_authenticated": actor.authenticated,
        "decided_os_user": actor.os_user,
        "decided_salt": salt,
        "decided_why": reason,
        "decided_entry": change.enter(ENTRY, listing.decided(proposal.id, state, reason, actor, salt)),
    }
    change.connection.execute(update(proposals).where(proposals.c.id == proposal.id).values(row))


def _require(decision: Decision) -> None:
    if not decision.allowed:
        raise Refused(decision)


def _require_open(proposal: Proposal) -> None:
    if proposal.state is not State.OPEN:
        raise _decided(proposal)


def _decided(proposal: Proposal) -> BadInput:
    return BadInput(f"The proposal {proposal.id} is decided already.", do="Propose it anew, if it is wanted.")


def _text(given: str, name: str, most: int, *, empty: bool = False) -> str:
    label = given.strip()
    if len(label) > most or not (label or empty) or not label.replace("\n", " ").isprintable():
        raise BadInput(f"The {name} must be 1 to {most} printable characters.", do="Correct it.")
    return label
