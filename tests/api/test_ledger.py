"""The ledger over HTTP, read by a verifier that shares no code with it; and sixteen ledgers that lie."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from publica.api.app import create_app
from publica.instance import Instance
from publica.kernel.ledger.store import checkpoints, entries, tiles

from .independent import (
    Checkpoint,
    Key,
    Log,
    Rejected,
    leaf_hash,
    open_checkpoint,
    verify_consistency,
    verify_inclusion,
)
from .served import LEDGER, Served, serving

ORIGIN = "publica.test/ledger"
SIZES = (1, 255, 256, 300, 513, 700)
Get = Callable[[str], bytes]


def enter(instance: Instance, until: int, mark: str = "") -> str:
    """Enter until the ledger has so many entries, and sign it."""
    have = int(instance.checkpoint().split("\n")[1])

    def work(change) -> None:
        for number in range(have, until):
            change.enter("test", {"number": number, "said": f"é{mark}" * (number % 40)})

    if have < until:
        instance.db.write(work)
    return instance.checkpoint()


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """An instance of 700 entries, and the notes of its earlier checkpoints beside it."""
    folder = tmp_path_factory.mktemp("ledger")
    instance = Instance.create(folder / "office", ORIGIN)
    notes = {str(size): enter(instance, size) for size in SIZES}
    instance.close()
    (folder / "notes.json").write_text(json.dumps(notes))
    return folder


@pytest.fixture
def notes(made) -> dict[int, str]:
    return {int(size): note for size, note in json.loads((made / "notes.json").read_text()).items()}


@pytest.fixture(scope="module")
def office(made) -> Iterator[Instance]:
    instance = Instance.open(made / "office")
    yield instance
    instance.close()


@pytest.fixture(scope="module")
def served(office) -> Iterator[Served]:
    with serving(create_app(office)) as found:
        yield found


@pytest.fixture
def mine(made, tmp_path) -> Iterator[Instance]:
    """A copy of it, that a test may alter."""
    shutil.copytree(made / "office", tmp_path / "office")
    instance = Instance.open(tmp_path / "office")
    yield instance
    instance._sound = False  # what a test altered is not signed
    instance.close()


@pytest.fixture
def lying(mine) -> Iterator[Served]:
    with serving(create_app(mine)) as found:
        yield found


def kept(note: str, vkey: str) -> Checkpoint:
    return open_checkpoint(note.encode(), Key.parse(vkey))


# ours is accepted


def test_all_of_it_is_sound(served, office):
    log = Log(served.log, office.verifier_key)
    assert log.head.size == 700
    assert log.audit() == 700


@pytest.mark.parametrize("size", SIZES)
def test_it_extends_every_checkpoint_there_was(served, office, notes, size):
    Log(served.log, office.verifier_key).follows(kept(notes[size], office.verifier_key))


@pytest.mark.parametrize("size", SIZES)
def test_an_older_checkpoint_can_be_audited_still(served, office, notes, size):
    """Partial tiles of every checkpoint that was signed are served, as tlog-tiles asks."""
    note = notes[size].encode()
    assert Log(served.log, office.verifier_key, note=note).audit() == size


def test_every_entry_is_included(served, office):
    log = Log(served.log, office.verifier_key)
    for index, found in enumerate(log.entries()):
        log.includes(index, found)


def test_it_goes_on_while_others_read(lying, mine):
    before = Log(lying.log, mine.verifier_key)
    enter(mine, 900)
    after = Log(lying.log, mine.verifier_key)
    assert (before.head.size, after.head.size) == (700, 900)
    after.follows(before.head)
    assert before.audit() == 700
    assert after.audit() == 900


def test_the_published_keys_are_named(served, office):
    found = served.get(LEDGER + "key")
    assert found.body.decode().splitlines() == list(office.verifier_keys)


def test_a_new_instance_is_a_sound_empty_log(tmp_path):
    instance = Instance.create(tmp_path / "new", "publica.test/new")
    with serving(create_app(instance)) as served:
        log = Log(served.log, instance.verifier_key)
        assert (log.head.size, log.audit()) == (0, 0)
        assert served.get(LEDGER + "tile/0/000").status == 404
        assert served.get(LEDGER + "entries/0").status == 404
    instance.close()


# as tlog-tiles has it


def test_content_types_and_caching(served):
    """The checkpoint is text that is not cached for long; tiles and bundles are bytes for ever."""
    note = served.get(LEDGER + "checkpoint")
    assert note.headers["content-type"] == "text/plain; charset=utf-8"
    assert note.headers["cache-control"] == "public, max-age=2"
    for path in (
        "tile/0/000",
        "tile/0/002.p/188",
        "tile/1/000.p/2",
        "tile/entries/001",
        "tile/entries/002.p/188",
    ):
        found = served.get(LEDGER + path)
        assert (found.status, found.headers["content-type"]) == (200, "application/octet-stream"), path
        assert found.headers["cache-control"] == "public, max-age=31536000, immutable"
        again = served.get(LEDGER + path, If_None_Match=f'"other", W/{found.headers["etag"]}')
        assert (again.status, again.body) == (304, b"")
        assert again.headers["etag"] == found.headers["etag"]
        assert again.headers["cache-control"] == found.headers["cache-control"]
        assert served.get(LEDGER + path, If_None_Match='"other"').status == 200
    assert len(served.get(LEDGER + "tile/0/000").body) == 8192
    assert served.get(LEDGER + "checkpoint", If_None_Match=note.headers["etag"]).status == 304


def test_bundles_are_compressed_for_those_who_take_it(served):
    plain = served.get(LEDGER + "tile/entries/000")
    zipped = served.get(LEDGER + "tile/entries/000", Accept_Encoding="gzip, identity")
    assert zipped.headers["content-encoding"] == "gzip"
    assert gzip.decompress(zipped.body) == plain.body
    for refused in ("gzip;q=0", "identity, gzip; q=0.000", "x-gzip-not"):
        taken = served.get(LEDGER + "tile/entries/000", Accept_Encoding=refused)
        assert "content-encoding" not in taken.headers and taken.body == plain.body
    assert len(zipped.body) < len(plain.body) / 2
    assert "accept-encoding" in zipped.headers["vary"].lower()
    assert "accept-encoding" in plain.headers["vary"].lower()
    assert zipped.headers["etag"] != plain.headers["etag"]
    assert "content-encoding" not in plain.headers
    again = served.get(
        LEDGER + "tile/entries/000", Accept_Encoding="gzip", If_None_Match=zipped.headers["etag"]
    )
    assert again.status == 304


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/003",
        "tile/0/002",
        "tile/0/002.p/189",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000/000",
        "tile/0/000/000",
        "tile/0/x000",
        "tile/00/000",
        "tile/-1/000",
        "tile/64/000",
        "tile/2/000.p/1",
        "tile/1/000.p/3",
        "tile/1/000",
        "tile/63/000",
        "tile/0/-01",
        "tile/0/000.p/",
        "tile/0/000.p/1/",
        "tile/0/",
        "tile/0",
        "tile/entries/003",
        "tile/entries/002.p/189",
        "tile/entries/x000/001",
        "tile/entries/000.p/0",
        "tile/entries/",
        "tile/data/000",
        "tile/0/٠٠٠",
        "tile/0/x999/x999/x999/x999/x999/999",
        "tile/0/x001/x001/x001/x001/x001/x001/000",
        "entries/700",
        "entries/9223372036854775807",
    ],
)
def test_nothing_else_is_served(served, path):
    from urllib.parse import quote

    assert served.get(LEDGER + quote(path, safe="/%")).status == 404


def test_nothing_unsigned_is_served(lying, mine):
    """An entry in the tree, but in none that was signed, is not shown: it could still be taken back."""
    mine.db.write(lambda change: change.enter("test", {"number": 700}))
    from publica.kernel.ledger.sequencer import sequence

    assert sequence(mine.db) == 1
    for path in ("tile/0/002.p/189", "tile/entries/002.p/189", "entries/700"):
        assert lying.get(LEDGER + path).status == 404
    mine.checkpoint()
    for path in ("tile/0/002.p/189", "tile/entries/002.p/189", "entries/700"):
        assert lying.get(LEDGER + path).status == 200


def test_a_checkpoint_is_published_before_it_is_served(mine, tmp_path):
    """Otherwise a state put back to before it would open again, though somebody holds the checkpoint."""
    elsewhere = tmp_path / "elsewhere" / "latest"
    text = (
        (mine.folder / "publica.toml")
        .read_text()
        .replace("[ledger]\n", f'[ledger]\npublished = ["{elsewhere}"]\n')
    )
    (mine.folder / "publica.toml").write_text(text)
    mine.checkpoint_unpublished()
    opened = Instance.open(mine.folder)
    try:
        with serving(create_app(opened)) as served:
            assert not elsewhere.exists()
            assert served.log("checkpoint") == elsewhere.read_bytes()
            shutil.rmtree(elsewhere.parent)
            elsewhere.parent.write_text("in the way")
            enter(mine, 701)
            assert served.get(LEDGER + "checkpoint").status == 503
    finally:
        opened.close()


# proofs ready made


@pytest.mark.parametrize(
    ("position", "size"), [(0, 700), (0, 1), (699, 700), (255, 256), (256, 300), (511, 513)]
)
def test_a_proof_of_an_entry(served, office, position, size):
    found = json.loads(served.get(f"{LEDGER}entries/{position}?size={size}").body)
    log = Log(served.log, office.verifier_key)
    assert found["checkpoint"] == served.log("checkpoint").decode()
    assert list(log.entries())[position] == found["entry"].encode()
    assert json.loads(found["entry"])["number"] == position
    path = [base64.b64decode(each) for each in found["proof"]]
    root = base64.b64decode(found["root"])
    assert base64.b64decode(found["leaf"]) == leaf_hash(found["entry"].encode())
    verify_inclusion(leaf_hash(found["entry"].encode()), position, size, path, root)
    assert size < 700 or root == log.head.root


def test_a_proof_of_an_entry_is_of_the_latest_checkpoint(served, office):
    assert json.loads(served.get(f"{LEDGER}entries/3").body)["size"] == 700
    assert served.get(f"{LEDGER}entries/3?size=701").status == 422
    assert served.get(f"{LEDGER}entries/3?size=3").status == 404


@pytest.mark.parametrize("old", SIZES)
@pytest.mark.parametrize("new", SIZES)
def test_a_proof_of_consistency(served, office, notes, old, new):
    found = served.get(f"{LEDGER}consistency?old={old}&new={new}")
    if old > new:
        assert found.status == 422
        return
    said = json.loads(found.body)
    first, second = (kept(notes[size], office.verifier_key) for size in (old, new))
    proof = [base64.b64decode(each) for each in said["proof"]]
    verify_consistency(old, new, first.root, second.root, proof)
    assert (said["old_root"], said["new_root"]) == tuple(
        base64.b64encode(each.root).decode() for each in (first, second)
    )


@pytest.mark.parametrize("query", ["old=0", "old=701", "old=1&new=701", "old=-1", "old=x", "", "old=5&new=0"])
def test_no_proof_of_what_is_not_there(served, query):
    assert served.get(f"{LEDGER}consistency?{query}").status == 422


# sixteen ledgers that lie: altered where they are kept, or on the way


def altering(served: Served, path: str, alter: Callable[[bytes], bytes]) -> Get:
    """What the server says, but one resource is altered on the way."""
    return lambda wanted: alter(served.log(wanted)) if wanted == path else served.log(wanted)


def rejected(get: Get, vkey: str, match: str) -> None:
    with pytest.raises(Rejected, match=match):
        Log(get, vkey).audit()


def test_a_flipped_tile_hash(lying, mine):
    def flip(change) -> None:
        where = (tiles.c.level == 0) & (tiles.c.number == 1)
        hashes = bytearray(change.connection.execute(tiles.select().where(where)).one().hashes)
        hashes[32 * 7] ^= 1
        change.connection.execute(update(tiles).where(where).values(hashes=bytes(hashes)))

    mine.db.maintain(flip)
    rejected(lying.log, mine.verifier_key, "entry 263 is not in its tile")


def test_a_flipped_hash_of_a_higher_tile(served, office):
    get = altering(served, "tile/1/000.p/2", lambda raw: raw[:40] + bytes([raw[40] ^ 4]) + raw[41:])
    rejected(get, office.verifier_key, "do not hash to the root")


def test_a_truncated_tile(served, office):
    rejected(altering(served, "tile/0/000", lambda raw: raw[:-32]), office.verifier_key, "8160 bytes for 256")


def test_swapped_tiles(served, office):
    other = {"tile/0/000": "tile/0/001", "tile/0/001": "tile/0/000"}
    rejected(lambda path: served.log(other.get(path, path)), office.verifier_key, "not in its tile")


def test_swapped_tiles_and_bundles(served, office):
    other = {f"tile/{kind}/00{n}": f"tile/{kind}/00{1 - n}" for kind in ("0", "entries") for n in (0, 1)}
    rejected(lambda path: served.log(other.get(path, path)), office.verifier_key, "do not hash to the root")


def test_a_changed_entry(lying, mine):
    where = entries.c.position == 300
    body = b'{"at":"2026-11-23T00:00:00.000Z","kind":"test","number":300}'
    mine.db.maintain(lambda change: change.connection.execute(update(entries).where(where).values(body=body)))
    rejected(lying.log, mine.verifier_key, "entry 300 is not in its tile")


def test_a_dropped_entry(lying, mine):
    mine.db.maintain(
        lambda change: change.connection.execute(delete(entries).where(entries.c.position == 300))
    )
    rejected(lying.log, mine.verifier_key, "missing: tile/entries/001")


def test_an_entry_dropped_from_a_bundle(served, office):
    def drop(raw: bytes) -> bytes:
        return raw[2 + int.from_bytes(raw[:2], "big") :]

    rejected(altering(served, "tile/entries/000", drop), office.verifier_key, "255 entries for 256")


def test_an_entry_added_to_a_bundle(served, office):
    get = altering(served, "tile/entries/002.p/188", lambda raw: raw + b"\x00\x02{}")
    rejected(get, office.verifier_key, "189 entries for 188")


def test_another_key(served, office, tmp_path):
    other = Instance.create(tmp_path / "other", ORIGIN)
    vkey = other.verifier_key
    other.close()
    rejected(served.log, vkey, "no signature of the known key")


def test_a_changed_size(served, office):
    get = altering(served, "checkpoint", lambda note: note.replace(b"\n700\n", b"\n699\n"))
    rejected(get, office.verifier_key, "signature is not of this key")


def test_a_changed_root(served, office):
    root = served.log("checkpoint").split(b"\n")[2]
    wrong = base64.b64encode(bytes(32))
    get = altering(served, "checkpoint", lambda note: note.replace(root, wrong))
    rejected(get, office.verifier_key, "signature is not of this key")


def test_a_rolled_back_checkpoint(lying, mine):
    """The whole state of an earlier day, with its own right checkpoint: whoever kept a later one sees it."""
    before = Log(lying.log, mine.verifier_key).head

    def roll_back(change) -> None:
        change.connection.execute(delete(checkpoints).where(checkpoints.c.size > 513))

    mine.db.maintain(roll_back)
    log = Log(lying.log, mine.verifier_key)
    assert log.audit() == 513
    with pytest.raises(Rejected, match="rolled back from 700 to 513"):
        log.follows(before)


def test_a_forked_log(served, office, made, tmp_path):
    """Another history, signed with the same key: sound in itself, and no continuation of the first."""
    before = Log(served.log, office.verifier_key).head
    folder = tmp_path / "fork"
    fork = Instance.create(folder, ORIGIN)
    fork.close()
    shutil.rmtree(folder / "keys")
    shutil.rmtree(folder / "checkpoints")
    shutil.copytree(made / "office" / "keys", folder / "keys")
    shutil.copy(made / "office" / "ledger.pub", folder)
    fork = Instance(folder, office.settings)
    try:
        fork.db.maintain(lambda change: change.connection.execute(delete(checkpoints)))
        note = fork.checkpoint()
        assert note.split("\n")[1] == "0"
        for size in (700, 801):
            enter(fork, size, "other")
            with serving(create_app(fork)) as forked:
                log = Log(forked.log, office.verifier_key)
                assert log.audit() == size
                with pytest.raises(Rejected, match=r"forked|first root"):
                    log.follows(before)
    finally:
        fork.close()


def test_a_wrong_partial_width(served, office):
    get = lambda path: served.log(path.replace(".p/188", ".p/187"))  # noqa: E731
    rejected(get, office.verifier_key, "187 entries for 188")
    get = lambda path: served.log(path.replace("tile/0/002.p/188", "tile/0/002.p/187"))  # noqa: E731
    rejected(get, office.verifier_key, "5984 bytes for 188")


def test_a_missing_tile(lying, mine):
    mine.db.maintain(lambda change: change.connection.execute(delete(tiles).where(tiles.c.level == 1)))
    rejected(lying.log, mine.verifier_key, "missing: tile/1/000")
