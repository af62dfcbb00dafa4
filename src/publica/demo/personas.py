"""The demo's sign-in: be whoever you like to be. For an instance of fictional people alone.

Only `publica demo` builds an application with these; what `publica serve` builds has no way to name them, and
takes none of their sessions.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from urllib.parse import urlencode

from publica.demo.stage import Citizen
from publica.http.issuers import NotGenuine
from publica.http.providers import Begun, Person, Provider, SignedIn
from publica.http.sessions import draw
from publica.instance import Instance
from publica.web.cast import Member, Try
from publica.web.words import mark

CITIZEN = "citizen-{number}"
"""What a citizen's persona is called: addresses name nobody's key, not even a fictional one."""


class Persona:
    """One person whom everybody may be, without proving anything."""

    authenticated = "demo"
    idle, absolute = timedelta(hours=12), timedelta(hours=12)

    def __init__(self, name: str, person: Person, identity: str) -> None:
        self.name, self.person = name, person
        self._id = identity

    def begin(self, state: str) -> Begun:
        """Back at once."""
        once = draw()
        query = urlencode({"state": state, "code": once})
        return Begun(f"/sign-in/{self.name}/callback?{query}", {"once": once})

    def finish(self, held: Mapping[str, str], answer: Mapping[str, str]) -> SignedIn:
        """The person."""
        if not hmac.compare_digest(answer.get("code", "").encode(), held["once"].encode()):
            raise NotGenuine("not chosen here")
        return SignedIn(self.person, self._id)


def personas(instance: Instance, citizens: Iterable[str]) -> dict[str, Provider]:
    """A provider for each official of the demo, by their id, and for some citizens, by number."""
    found: dict[str, Provider] = {
        record.id: Persona(record.id, "official", record.id) for record in instance.book().all("official")
    }
    for number, key in enumerate(citizens, 1):
        name = CITIZEN.format(number=number)
        found[name] = Persona(name, "citizen", key)
    return found


TOLD: dict[str, tuple[str, str, tuple[Try, ...]]] = {
    "stella": (
        mark("Statistician, Statistics Office"),
        mark("She makes statistics from everybody's incomes, and does research on those who agreed to it."),
        (
            Try(
                "/workbench?activity=labour_statistics",
                mark("Ask for mean incomes: totals come out, nobody's own income does."),
            ),
            Try(
                "/workbench?activity=health_research",
                mark("Ask for hospital stays: rows without names, of those who agreed."),
            ),
        ),
    ),
    "ana": (
        mark("Analyst, Social Services"),
        mark("She looks for households that have a right to a heating grant. A law lets her."),
        (
            Try("/workbench?activity=heating_grant", mark("Ask for incomes, and read the receipt.")),
            Try(
                "/workbench?activity=heating_grant",
                mark("Ask for addresses, too, and be refused: see what is missing, and who can give it."),
            ),
        ),
    ),
    "axel": (
        mark("Engineer, a supplier"),
        mark("He would like names and addresses to test software. No agreement gives them to him."),
        (
            Try(
                "/workbench?activity=software_tests",
                mark("Ask, be refused, and send a request to the person who can decide."),
            ),
        ),
    ),
    "sam": (
        mark("Steward, Civil Registry"),
        mark("He answers for the register of residents."),
        (Try("/stewardship", mark("See who uses the register, and decide what waits for you.")),),
    ),
    "carla": (
        mark("Chief data officer"),
        mark("She sees to it that somebody answers for every dataset, and that nothing runs out unnoticed."),
        (Try("/office", mark("See what is refused most, what is overdue, and who answers for what.")),),
    ),
    "audra": (
        mark("Auditor"),
        mark("She may see every use, and no data."),
        (Try("/office/breach", mark("Find everybody whose data one official touched in a month.")),),
    ),
}
"""What the first page of the demo says of officials: their role, who they are, what to try."""
CITIZENS = (
    (
        mark("They agreed to health research, and took it back during the tour."),
        (
            Try("/my-uses", mark("See who used your data, in plain sentences, and take a proof home.")),
            Try("/my-choices", mark("Agree again, or object to statistics.")),
        ),
    ),
    (
        mark("They agree to health research."),
        (
            Try(
                "/my-choices/health_research",
                mark("Take it back. Then be Stella, ask again, and see the answer change."),
            ),
        ),
    ),
    (
        mark("They were in hospital, too, and never agreed to research."),
        (Try("/my-uses/others", mark("Prove that a use of hospital stays did not touch you.")),),
    ),
)


def cast(instance: Instance, citizens: Sequence[Citizen]) -> tuple[Member, ...]:
    """Whom the demo's first page offers, citizens first."""
    people = [
        Member(CITIZEN.format(number=number), citizen.name, mark("Citizen"), told, tries)
        for number, (citizen, (told, tries)) in enumerate(zip(citizens, CITIZENS, strict=True), 1)
    ]
    book = instance.book()
    for name, (role, told, tries) in TOLD.items():
        record = book.get("official", name)
        if record is not None:
            people.append(Member(name, record.spec.name, role, told, tries))
    return tuple(people)
