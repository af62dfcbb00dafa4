"""The independent verifier against logs and proofs that are not ours (tests/data/tlog, Apache-2.0)."""

import base64
import json
from pathlib import Path

import pytest

from .independent import (
    Checkpoint,
    Key,
    Log,
    Rejected,
    leaf_hash,
    open_checkpoint,
    root_of,
    tile_path,
    verify_consistency,
    verify_inclusion,
)

DATA = Path(__file__).parents[1] / "data" / "tlog"
LOG = DATA / "tessera" / "log"
VKEY = (DATA / "tessera" / "vkey").read_text().strip()


def read(path: str) -> bytes:
    try:
        return (LOG / path).read_bytes()
    except OSError as e:
        raise LookupError(path) from e


def cases(kind: str) -> list:
    files = sorted((DATA / "merkle").rglob("*.json"))
    return [pytest.param(f, id=str(f.relative_to(DATA / "merkle" / kind))) for f in files if kind in f.parts]


def unpack(case: dict, *names: str) -> list[bytes]:
    return [base64.b64decode(case[name]) for name in names]


def proof(case: dict) -> list[bytes]:
    return [base64.b64decode(p) for p in case["proof"] or []]


def test_all_vectors_are_here():
    assert (len(cases("inclusion")), len(cases("consistency"))) == (98, 98)


@pytest.mark.parametrize("file", cases("inclusion"))
def test_inclusion(file):
    case = json.loads(file.read_text())
    root, leaf = unpack(case, "root", "leafHash")
    check = lambda: verify_inclusion(leaf, case["leafIdx"], case["treeSize"], proof(case), root)  # noqa: E731
    if case["wantErr"]:
        with pytest.raises(Rejected):
            check()
    else:
        check()


@pytest.mark.parametrize("file", cases("consistency"))
def test_consistency(file):
    case = json.loads(file.read_text())
    root1, root2 = unpack(case, "root1", "root2")
    check = lambda: verify_consistency(case["size1"], case["size2"], root1, root2, proof(case))  # noqa: E731
    if case["wantErr"]:
        with pytest.raises(Rejected):
            check()
    else:
        check()


@pytest.mark.parametrize("size", [*range(16), None])
def test_tessera_checkpoints(size):
    note = read("checkpoint" if size is None else f"checkpoint.{size}")
    log = Log(read, VKEY, note=note)
    assert log.head.size == (15 if size is None else size)
    assert log.audit() == log.head.size
    words = (DATA / "tessera" / "words").read_text().split()
    assert list(log.entries()) == [w.encode() for w in words[: log.head.size]]
    for index, word in enumerate(words[: log.head.size]):
        log.includes(index, word.encode())
        with pytest.raises(Rejected):
            log.includes(index, b"another")
    for earlier in range(log.head.size + 1):
        log.follows(open_checkpoint(read(f"checkpoint.{earlier}"), Key.parse(VKEY)))
    if log.head.size < 15:
        with pytest.raises(Rejected, match="rolled back"):
            log.follows(open_checkpoint(read("checkpoint.15"), Key.parse(VKEY)))


def test_the_root_at_fifteen():
    words = (DATA / "tessera" / "words").read_text().split()
    root = base64.b64decode("rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=")
    assert root_of(leaf_hash(w.encode()) for w in words) == root
    with pytest.raises(Rejected):
        Log(read, VKEY).follows(Checkpoint(Key.parse(VKEY).name, 15, b"\0" * 32))


def test_paths():
    assert tile_path(0, 1234067, 256) == "tile/0/x001/x234/067"
    assert tile_path("entries", 5, 256) == "tile/entries/005"
    assert tile_path(2, 999, 17) == "tile/2/999.p/17"
    assert tile_path(1, 1000, 255) == "tile/1/x001/000.p/255"
    assert tile_path(0, 0, 1) == "tile/0/000.p/1"


NOTE = read("checkpoint").decode()


@pytest.mark.parametrize(
    "note",
    [
        pytest.param(NOTE.replace("\n15\n", "\n14\n"), id="another size"),
        pytest.param(NOTE.replace("rKbD", "rKbE"), id="another root"),
        pytest.param(NOTE.replace("\n15\n", "\n015\n"), id="a leading zero"),
        pytest.param(NOTE.replace("testdata\n", "other\n", 1), id="another origin"),
        pytest.param(
            NOTE.replace("— example.com/log/testdata", "— example.com/log/other"), id="another key's name"
        ),
        pytest.param(NOTE.replace("M9e0luh4", "M9e0luh5"), id="another signature"),
        pytest.param(NOTE.replace("M9e0l", "N9e0l"), id="another key id"),
        pytest.param(NOTE.replace("—", "-"), id="no em dash"),
        pytest.param(NOTE.split("—")[0], id="no signature"),
        pytest.param(NOTE.replace("\n", "\r\n"), id="carriage returns"),
        pytest.param(NOTE[:-1], id="no newline at the end"),
        pytest.param("", id="empty"),
        pytest.param(NOTE.replace("\n\n", "\n", 1), id="no blank line"),
        pytest.param(NOTE + NOTE.splitlines()[-1].replace("h4jTG", "h4jTH") + "\n", id="one good, one bad"),
    ],
)
def test_a_bad_note_is_refused(note):
    with pytest.raises(Rejected):
        open_checkpoint(note.encode(), Key.parse(VKEY))


def test_a_signature_of_an_unknown_key_is_ignored():
    other = "— witness.example/w " + base64.b64encode(b"\x01\x02\x03\x04" + b"x" * 72).decode() + "\n"
    assert open_checkpoint((NOTE + other).encode(), Key.parse(VKEY)).size == 15
    name, body = NOTE.split("\n\n")
    assert open_checkpoint(f"{name}\n\n{other}{body}".encode(), Key.parse(VKEY)).size == 15


@pytest.mark.parametrize(
    "vkey", ["", "a+b", VKEY.replace("33d7b496", "33d7b497"), VKEY[:-4], VKEY.replace("/", " ")]
)
def test_a_bad_key_is_refused(vkey):
    with pytest.raises(Rejected):
        Key.parse(vkey)


# A log of many tiles of our own making, in a dictionary: the sizes that the small vectors do not reach.


def build(size: int) -> dict[str, bytes]:
    from .independent import fold

    entries = [f"entry {i}".encode() for i in range(size)]
    files: dict[str, bytes] = {}
    for at in range(0, size, 256):
        part = entries[at : at + 256]
        files[tile_path("entries", at // 256, len(part))] = b"".join(
            len(e).to_bytes(2, "big") + e for e in part
        )
    level, hashes = 0, [leaf_hash(e) for e in entries]
    while hashes:
        for at in range(0, len(hashes), 256):
            files[tile_path(level, at // 256, len(hashes[at : at + 256]))] = b"".join(hashes[at : at + 256])
        hashes = [fold(hashes[at : at + 256]) for at in range(0, len(hashes) - 255, 256)]
        level += 1
    return files


@pytest.mark.parametrize("size", [255, 256, 257, 512, 700, 65_536, 70_000])
def test_many_tiles(size):
    import hashlib

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
    raw = b"\x01" + private.public_key().public_bytes_raw()
    keyid = hashlib.sha256(b"log\n" + raw).digest()[:4]

    def sign(size: int) -> bytes:
        root = root_of(leaf_hash(f"entry {i}".encode()) for i in range(size))
        text = f"log\n{size}\n{base64.b64encode(root).decode()}\n"
        return f"{text}\n— log {base64.b64encode(keyid + private.sign(text.encode())).decode()}\n".encode()

    files = build(size)
    if size == 70_000:  # as the text of tlog-tiles counts them
        assert sum(p.startswith("tile/0/") for p in files) == 274
        assert {p for p in files if not p.startswith(("tile/0", "tile/e"))} == {
            "tile/1/000",
            "tile/1/001.p/17",
            "tile/2/000.p/1",
        }
    vkey = f"log+{keyid.hex()}+{base64.b64encode(raw).decode()}"
    log = Log(files.__getitem__, vkey, note=sign(size))
    assert log.audit() == size
    for index in {0, 1, 254, 255, size // 2, size - 1} & set(range(size)):
        log.includes(index, f"entry {index}".encode())
    for earlier in {1, 2, 255, 256, 257, size - 1, size} & set(range(1, size + 1)):
        log.follows(open_checkpoint(sign(earlier), Key.parse(vkey)))
    partial = next(p for p in files if p.startswith("tile/0/") and (".p/" in p or size % 256 == 0))
    files[partial] = files[partial][:-32]
    with pytest.raises(Rejected):
        Log(files.__getitem__, vkey, note=sign(size)).audit()
