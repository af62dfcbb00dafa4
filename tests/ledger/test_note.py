"""Signed notes and checkpoints: a published log's, and ours."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from publica.kernel.errors import BadInput, IntegrityBroken
from publica.kernel.ledger import merkle, note
from publica.kernel.ledger.canonical import b64, leaf_hash

TESSERA = Path(__file__).parents[1] / "data" / "tlog" / "tessera"
VKEY = note.Verifier.parse((TESSERA / "vkey").read_text())
WORDS = (Path(__file__).parents[1] / "data" / "tlog" / "tessera" / "words").read_text().split()
SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OURS = note.verifier(SIGNER, "example.org/ledger")
TEXT = str(note.Checkpoint("example.org/ledger", 7, bytes(32)))
NOTE = note.sign(TEXT, SIGNER, "example.org/ledger")


@pytest.mark.parametrize("size", range(16))
def test_the_checkpoints_of_tessera(size: int) -> None:
    checkpoint = note.open_checkpoint((TESSERA / "log" / f"checkpoint.{size}").read_text(), VKEY)
    assert checkpoint.origin == "example.com/log/testdata"
    assert checkpoint.size == size
    assert checkpoint.root == merkle.root([leaf_hash(word.encode()) for word in WORDS[:size]])


def test_the_last_root_of_tessera() -> None:
    latest = note.open_checkpoint((TESSERA / "log" / "checkpoint").read_text(), VKEY)
    assert (latest.size, b64(latest.root)) == (15, "rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=")


def test_a_verifier_key_reads_as_it_is_written() -> None:
    assert str(VKEY) == (TESSERA / "vkey").read_text().strip()
    assert note.Verifier.parse(str(OURS)) == OURS


def test_ours() -> None:
    assert NOTE.startswith("example.org/ledger\n7\nAAAA") and "\n\n— example.org/ledger " in NOTE
    assert note.open_checkpoint(NOTE, OURS) == note.Checkpoint("example.org/ledger", 7, bytes(32))


def test_text_may_hold_blank_lines_and_other_signatures() -> None:
    other = note.sign("a\n\nb\n", SIGNER, "other.org")
    both = note.sign("a\n\nb\n", SIGNER, "example.org/ledger") + other.rpartition("\n\n")[2]
    assert note.open_note(both, OURS) == "a\n\nb\n"


@pytest.mark.parametrize(
    "altered",
    [
        NOTE.replace("\n7\n", "\n8\n"),
        NOTE.replace("— example.org/ledger", "— example.org/other"),
        NOTE.replace("— ", "- "),
        NOTE.rstrip("\n"),
        NOTE + "\n",
        NOTE.replace("\n\n", "\n"),
        NOTE.replace("\n7\n", "\n7\r\n"),
        TEXT,
        TEXT + "\n",
        "",
        "\n\n",
        NOTE + "— example.org/ledger !!!!\n",
        NOTE + "— example.org/ledger AAAA\n",
        NOTE + NOTE.rpartition("\n\n")[2][:-8] + "AAAAAA=\n",
        NOTE + NOTE.rpartition("\n\n")[2] * 100,
        note.sign(TEXT, Ed25519PrivateKey.generate(), "example.org/ledger"),
    ],
)
def test_an_altered_note_is_refused(altered: str) -> None:
    with pytest.raises(IntegrityBroken):
        note.open_note(altered, OURS)


@pytest.mark.parametrize(
    "text",
    [
        "example.org/ledger\n7\n",
        "example.org/ledger\n07\n" + b64(bytes(32)) + "\n",
        "example.org/ledger\n-7\n" + b64(bytes(32)) + "\n",
        "example.org/ledger\n7\n" + b64(bytes(31)) + "\n",
        "example.org/ledger\n7\nnot base64\n",
        "\n7\n" + b64(bytes(32)) + "\n",
        "example.org/other\n7\n" + b64(bytes(32)) + "\n",
        "example.org/ledger\n7\n" + b64(bytes(32)) + "\n\nmore\n",
    ],
)
def test_a_note_that_is_no_checkpoint_of_the_log(text: str) -> None:
    with pytest.raises(IntegrityBroken):
        note.open_checkpoint(note.sign(text, SIGNER, "example.org/ledger"), OURS)


def test_extension_lines_are_passed_over() -> None:
    extended = note.sign(TEXT + "more\n", SIGNER, "example.org/ledger")
    assert note.open_checkpoint(extended, OURS).size == 7


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "a",
        "a+b+c",
        str(OURS)[:-4],
        str(OURS).replace("ledger", "other"),
        "é" + str(OURS),
        "a+00000000+AA==",
    ],
)
def test_a_malformed_verifier_key_is_refused(vkey: str) -> None:
    with pytest.raises(BadInput, match="verifier key"):
        note.Verifier.parse(vkey)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u00a0b"])
def test_a_name_that_notes_cannot_carry_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="cannot name"):
        note.sign(TEXT, SIGNER, name)
