"""The native signature programs themselves, run in a real SVM, against what the core makes and verifies."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata

from support.small_order import FIELD, SMALL_ORDER_Y
from worktab.core.errors import EncodingError, KeyFormatError
from worktab.core.keys import DeviceKey, Ed25519Signer, P256Signer, Signer
from worktab.core.messages import Message
from worktab.core.native import native_program, signature_instruction_data

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "keys.json"
CASES: list[dict[str, Any]] = json.loads(VECTORS.read_text())["cases"]
MESSAGE = Message.receipt(b"c" * 32, 1, 2, 3, b"h" * 32).encode()

Accepts = Callable[[str, bytes], bool]


@pytest.fixture(scope="module")
def accepts() -> Accepts:
    """Whether a native program accepts the data of one instruction."""
    svm, payer = LiteSVM().with_transaction_history(0), Keypair()
    svm.airdrop(payer.pubkey(), 10**12)

    def send(program: str, data: bytes) -> bool:
        svm.expire_blockhash()
        instruction = Instruction(Pubkey.from_string(program), data, [])
        blockhash: Hash = svm.latest_blockhash()
        message = MessageV0.try_compile(payer.pubkey(), [instruction], [], blockhash)
        return not isinstance(svm.send_transaction(VersionedTransaction(message, [payer])), FailedTransactionMetadata)

    return send


def data_of(signer: Signer) -> bytes:
    return signature_instruction_data(signer.public, signer.sign(MESSAGE), MESSAGE)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["description"])
def test_the_chain_agrees_with_the_vectors(case: dict[str, Any], accepts: Accepts) -> None:
    assert accepts(case["native_program"], bytes.fromhex(case["instruction_data"])) is case["valid"]


@pytest.mark.parametrize("make", [Ed25519Signer.generate, P256Signer.generate], ids=["Ed25519", "P-256"])
def test_one_flipped_bit_is_refused_wherever_it_is(make: Callable[[], Signer], accepts: Accepts) -> None:
    signer = make()
    program, data = native_program(signer.public.kind), data_of(signer)
    assert accepts(program, data)
    # Every byte but the padding, which the native programs ignore and ours does not.
    kept = [at for at in range(len(data)) if accepts(program, data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])]
    assert kept == [1]


SMALL_ORDER_KEYS = [
    (encoded | sign).to_bytes(32, "little").hex()
    for y in sorted(SMALL_ORDER_Y)
    for encoded in (y, y + FIELD)
    if encoded < 1 << 255
    for sign in (0, 1 << 255)
]


def library_accepts(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def test_a_small_order_r_would_pass_the_library() -> None:
    """So the vectors with one show that the check is not that library's."""
    case = next(case for case in CASES if "small-order R" in case["description"])
    key33, message, signature = (bytes.fromhex(case[name]) for name in ("key33", "message", "signature"))
    assert library_accepts(key33[:32], message, signature)


@pytest.mark.parametrize("encoded", SMALL_ORDER_KEYS)
def test_small_order_keys_are_refused_on_chain_and_off(encoded: str, accepts: Accepts) -> None:
    """Nobody needs a secret to sign for such a key: R the identity and S = 0 do, for one message in eight."""
    key = DeviceKey.ed25519(bytes.fromhex(encoded))
    signature = b"\1" + bytes(63)
    messages = [Message.receipt(b"c" * 32, seq, 2, 3, b"h" * 32).encode() for seq in range(64)]
    forged = [message for message in messages if library_accepts(key.public_bytes, message, signature)]
    assert forged
    for message in forged:
        assert not key.verify(message, signature)
        assert not accepts(native_program(key.kind), signature_instruction_data(key, signature, message))


@pytest.mark.parametrize(
    ("make", "size", "head"),
    [(Ed25519Signer.generate, 216, "3000ffff1000ffff7000"), (P256Signer.generate, 217, "3100ffff1000ffff7100")],
)
def test_layout(make: Callable[[], Signer], size: int, head: str) -> None:
    signer = make()
    signature = signer.sign(MESSAGE)
    data = signature_instruction_data(signer.public, signature, MESSAGE)
    assert len(data) == size
    assert data[:16] == bytes.fromhex("0100" + head + "6800ffff")
    assert data[16:] == signer.public.public_bytes + signature + MESSAGE


def test_only_whole_signatures_and_messages() -> None:
    key = Ed25519Signer(bytes(32)).public
    with pytest.raises(KeyFormatError, match=r"^signature has the wrong length; expected 64 bytes; got 63 bytes"):
        signature_instruction_data(key, bytes(63), MESSAGE)
    with pytest.raises(EncodingError, match=r"^message has the wrong length; expected 104 bytes; got 105 bytes"):
        signature_instruction_data(key, bytes(64), MESSAGE + b"\0")
