"""Who may make, see and revoke API tokens here."""

from __future__ import annotations

from collections.abc import Collection

from publica.governance.activities import BUILT_IN
from publica.governance.identity import actions, credentials
from publica.governance.identity.credentials import Token
from publica.governance.identity.rules import may_end_tokens_of
from publica.instance.instance import Instance
from publica.kernel import clock
from publica.kernel.actor import OPERATOR, Actor
from publica.kernel.errors import BadInput


def create(
    instance: Instance,
    holder: str,
    name: str,
    actor: Actor,
    *,
    activities: Collection[str] | None = None,
    scopes: Collection[str] = (),
    days: int = credentials.USUAL_DAYS,
) -> tuple[Token, str]:
    """A new token of an official, and its text. Made by themselves or the operator: nobody acts as another.

    Scopes reach beyond what any official may (anybody's list of uses), so the operator alone gives them.
    Raises BadInput otherwise, or saying what is wrong.
    """
    if actor.id not in (OPERATOR, holder):
        raise BadInput(f"{actor.id} cannot make tokens of {holder}.", do="Everybody makes their own.")
    if scopes and actor.id != OPERATOR:
        raise BadInput("Scopes are the operator's to give.", do="Ask for: publica token create --scope …")
    return actions.create_token(
        instance.db,
        instance.keys,
        instance.book(),
        holder,
        name,
        actor,
        activities=activities,
        scopes=scopes,
        days=days,
        built_in=BUILT_IN,
    )


def listing(instance: Instance, actor: Actor, *, own: bool = False) -> list[Token]:
    """The tokens that somebody may see: their `own`; as chief data officer, those of their organisation."""
    book, today = instance.book(), clock.now().date()
    with instance.db.read() as connection:
        found = credentials.listing(connection, actor.id if own else None)
    return [token for token in found if own or may_end_tokens_of(book, actor.id, token.holder, today)]


def revoke(instance: Instance, token_id: str, actor: Actor, *, own: bool = False) -> bool:
    """Revoke a token; False when it was revoked before. Raises BadInput for one that they may not see."""
    if all(token.id != token_id for token in listing(instance, actor, own=own)):
        raise BadInput(f"There is no token {token_id}.", do="See publica token list.")
    return actions.revoke_token(instance.db, instance.keys, token_id, actor)
