"""Rates by address and actor, bodies that are too large or too slow, and whose address it is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from publica.http.limits import UNKNOWN, Bodies, Limiter, address
from publica.http.problems import HttpProblem
from publica.instance import Instance

from .site import CITIZEN, Provider, Site, configured, csrf_of
from .test_tokens import bearing, made


class Now:
    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def test_a_bucket_empties_and_fills_again() -> None:
    now = Now()
    limiter = Limiter(now=now)
    assert [limiter.take("a", 60) for _ in range(60)] == [None] * 60
    assert limiter.take("a", 60) == 1
    assert limiter.take("b", 60) is None, "another one has a bucket of their own"
    now.at += 0.5
    assert limiter.take("a", 60) == 1
    now.at += 0.5
    assert limiter.take("a", 60) is None
    now.at += 3600
    assert [limiter.take("a", 60) for _ in range(61)] == [None] * 60 + [1]
    assert limiter.take("c", 1) is None and limiter.take("c", 1) == 60


@given(st.lists(st.floats(0, 5), min_size=1, max_size=200), st.integers(1, 100))
def test_in_no_time_more_than_the_rate(steps: list[float], per_minute: int) -> None:
    """At once, and then as many as time has brought."""
    now = Now()
    limiter = Limiter(now=now)
    taken = 0
    for step in steps:
        now.at += step
        taken += limiter.take("a", per_minute) is None
        assert taken <= per_minute + now.at * per_minute / 60 + 1e-6


def test_what_is_remembered_is_bounded() -> None:
    now = Now()
    limiter = Limiter(most=100, now=now)
    for number in range(10_000):
        now.at += 0.001
        limiter.take(number, 60)
    assert len(limiter) == 100


def scope(client: str | None, *forwarded: str) -> Scope:
    headers = [(b"x-forwarded-for", value.encode("latin-1")) for value in forwarded]
    return {"type": "http", "client": client and (client, 1), "headers": headers}


@pytest.mark.parametrize(
    ("client", "forwarded", "found"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["198.51.100.9"], "192.0.2.1"),  # nobody who is not a proxy is believed
        ("10.0.0.1", ["198.51.100.9"], "198.51.100.9"),
        ("10.0.0.1", ["203.0.113.5, 198.51.100.9"], "198.51.100.9"),  # the client may write the first
        ("10.0.0.1", ["203.0.113.5", "198.51.100.9, 10.0.0.2"], "198.51.100.9"),
        ("10.0.0.1", ["10.0.0.3"], "10.0.0.3"),
        ("10.0.0.1", ["nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.5, nonsense"], "10.0.0.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", [], "2001:db8:1:2::/64"),
        ("10.0.0.1", ["2001:db8:1:2:ffff::1"], "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", [], "192.0.2.1"),
        ("::ffff:10.0.0.1", ["198.51.100.9"], "198.51.100.9"),
        (None, ["198.51.100.9"], UNKNOWN),
        ("testclient", [], UNKNOWN),
    ],
)
def test_whose_address_it_is(client: str | None, forwarded: list[str], found: str) -> None:
    assert address(scope(client, *forwarded), ["10.0.0.0/8"]) == found


@pytest.fixture
def strict(tmp_path: Path, provider: Provider) -> Iterator[Site]:
    rates = {"address_per_minute": 30, "actor_per_minute": 12, "sign_in_per_minute": 6}
    with closing(Instance.open(configured(tmp_path / "town", provider.url, **rates))) as instance:
        yield Site(instance, provider)


def test_an_address_asks_too_often(strict: Site) -> None:
    """And another one is none the worse for it."""
    browser = strict.browser(client=("10.0.0.1", 1))

    def ask(of: str) -> Any:
        return browser.get("/anybody", headers={"X-Forwarded-For": of})

    codes = [ask("198.51.100.1").status_code for _ in range(32)]
    assert codes[:30] == [200] * 30 and codes[-1] == 429
    answer = ask("198.51.100.1")
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["type"] == "urn:publica:problem:too-many" and "x-request-id" in answer.headers
    assert ask("198.51.100.2").status_code == 200


def test_no_made_up_address_helps(strict: Site) -> None:
    """Of a client that is no trusted proxy, nor in front of what the proxy wrote."""
    browser = strict.browser(client=("192.0.2.1", 1))
    codes = [
        browser.get("/anybody", headers={"X-Forwarded-For": f"198.51.100.{n}"}).status_code for n in range(32)
    ]
    assert codes[-1] == 429
    behind = strict.browser(client=("10.0.0.1", 1))
    given = [f"203.0.113.{n}, 198.51.100.77" for n in range(32)]
    assert [behind.get("/anybody", headers={"X-Forwarded-For": g}).status_code for g in given][-1] == 429


def test_an_actor_asks_too_often_from_wherever(strict: Site) -> None:
    """By session or by token: it is the same person."""
    text = made(strict)
    codes = []
    for number in range(14):
        browser = strict.browser(client=(f"192.0.2.{number}", 1))
        codes.append(browser.get("/known", headers=bearing(text)).status_code)
    assert codes[:12] == [200] * 12 and codes[-1] == 429
    other = made(strict, holder="carla")
    assert strict.browser(client=("192.0.2.99", 1)).get("/known", headers=bearing(other)).status_code == 200


def test_sign_ins_are_begun_too_often(strict: Site) -> None:
    browser = strict.browser()
    codes = [browser.get("/sign-in/official").status_code for _ in range(8)]
    assert codes[:6] == [303] * 6 and codes[-1] == 429
    assert browser.get("/sign-in/official/callback?state=x").status_code == 429
    assert browser.get("/anybody").status_code == 200


def test_a_body_that_is_too_large(town: Site) -> None:
    """By what it says of itself, or by what comes."""
    browser = town.signed_in("official", "ana")
    headers = csrf_of(browser)
    assert browser.post("/change", content=b"x" * 10_000, headers=headers).json()["sent"] == 10_000
    assert browser.post("/change", content=b"x" * 10_001, headers=headers).status_code == 413

    def parts() -> Iterator[bytes]:
        for _ in range(11):
            yield b"x" * 1000

    answer = browser.post("/change", content=parts(), headers=headers)
    assert answer.status_code == 413 and answer.json()["type"] == "urn:publica:problem:too-large"
    assert (
        browser.post("/change", content=b"x", headers={**headers, "Content-Length": "9" * 30}).status_code
        == 413
    )


async def reads(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that reads the body; one that also swallows what is raised meanwhile."""
    try:
        body = await Request(scope, receive).body()
    except HttpProblem:
        body = b"swallowed"
    await PlainTextResponse(body)(scope, receive, send)


def run(app: Any, messages: list[tuple[float, Message]]) -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        wait, message = messages.pop(0) if messages else (60.0, {"type": "http.disconnect"})
        await asyncio.sleep(wait)
        return message

    async def send(message: Message) -> None:
        sent.append(message)

    request = {"type": "http", "method": "POST", "path": "/", "headers": [], "state": {}}
    asyncio.run(app(request, receive, send))
    return sent


def test_a_body_that_comes_too_slowly() -> None:
    """Drop by drop: it is the whole that counts."""
    drop: tuple[float, Message] = (0.1, {"type": "http.request", "body": b"x", "more_body": True})
    sent = run(Bodies(reads, most=lambda _: 1000, seconds=0.5), [drop] * 100)
    assert sent[0]["status"] == 408 and len([m for m in sent if m["type"] == "http.response.start"]) == 1
    last: tuple[float, Message] = (0.0, {"type": "http.request", "body": b"y", "more_body": False})
    sent = run(Bodies(reads, most=lambda _: 1000, seconds=5), [drop, last])
    assert sent[0]["status"] == 200 and sent[1]["body"] == b"xy"


def test_a_slow_handler_is_not_a_slow_body() -> None:
    async def waits(scope: Scope, receive: Receive, send: Send) -> None:
        await Request(scope, receive).body()
        gone = asyncio.ensure_future(receive())
        await asyncio.wait([gone], timeout=0.5)
        assert not gone.done(), "waiting for the client to go away has no deadline"
        gone.cancel()
        await PlainTextResponse("done")(scope, receive, send)

    whole: tuple[float, Message] = (0.0, {"type": "http.request", "body": b"x", "more_body": False})
    assert run(Bodies(waits, most=lambda _: 10, seconds=0.2), [whole])[0]["status"] == 200


def test_an_answer_begun_is_not_begun_again() -> None:
    async def early(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await Request(scope, receive).body()

    part: tuple[float, Message] = (0.0, {"type": "http.request", "body": b"x" * 11, "more_body": False})
    with pytest.raises(HttpProblem):
        run(Bodies(early, most=lambda _: 10, seconds=1), [part])


def test_a_citizen_has_a_rate_of_their_own(strict: Site) -> None:
    """Whoever's key it is: `ana` the citizen is not `ana` the official."""
    browser = strict.signed_in("citizen", CITIZEN)
    codes = [browser.get("/known").status_code for _ in range(14)]
    assert codes[:12] == [200] * 12 and codes[-1] == 429
