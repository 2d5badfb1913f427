"""How a device's signature reaches the program (PROTOCOL section 2).

Either the native signature program checks it in the instruction immediately before the one that uses it, or the
device's key, an Ed25519 one, signs the transaction itself and the signed message is an argument. The second is shorter,
and cheaper by a signature where the key pays the fee, too.
"""

from __future__ import annotations

from dataclasses import dataclass

from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.core.addresses import INSTRUCTIONS_SYSVAR_ID
from worktab.core.errors import VerificationError
from worktab.core.keys import DeviceKey, Signer
from worktab.core.messages import Message
from worktab.core.native import native_program, signature_instruction_data


class KeypairSigner:
    """A Solana keypair as a device's key. It can sign transactions, so its proofs take the shorter form."""

    __slots__ = ("keypair", "public")

    public: DeviceKey

    def __init__(self, keypair: Keypair) -> None:
        self.keypair = keypair
        self.public = DeviceKey.ed25519(keypair.pubkey())

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature over `message`."""
        return bytes(self.keypair.sign_message(message))

    def __repr__(self) -> str:
        return f"KeypairSigner(public={self.keypair.pubkey()})"


@dataclass(frozen=True, slots=True)
class Possession:
    """A device's key and its 64-byte signature over the message of its possession, made where the key is kept."""

    key: DeviceKey
    signature: bytes


@dataclass(frozen=True, slots=True)
class Proof:
    """A signature as an instruction takes it.

    before   instructions to put immediately before the one that uses it
    account  what that one names as its proof
    shown    what it takes as its argument: the 104-byte message, or None
    signers  keypairs that must sign the transaction
    """

    before: tuple[Instruction, ...]
    account: Pubkey
    shown: bytes | None
    signers: tuple[Keypair, ...]

    def lead(self, instruction: Instruction) -> list[Instruction]:
        """What to send: the instruction that uses the proof, behind what it needs before it.

        The instruction's own account list cannot tell whether its proof signs; here it is made to where it does.
        """
        if self.signers:
            metas = [
                AccountMeta(meta.pubkey, meta.is_signer or meta.pubkey == self.account, meta.is_writable)
                for meta in instruction.accounts
            ]
            instruction = Instruction(instruction.program_id, instruction.data, metas)
        return [*self.before, instruction]


NO_PROOF = Proof((), INSTRUCTIONS_SYSVAR_ID, None, ())
"""For an instruction that needs none."""


def as_signer(key: Signer | Keypair) -> Signer:
    """A keypair wrapped as a signer; a signer as it is."""
    return KeypairSigner(key) if isinstance(key, Keypair) else key


def prove(key: Signer | Possession, message: Message) -> Proof:
    """Proof that the key signed `message`; asks the signer for its signature unless the keypair signs anyway.

    Raises `VerificationError` if the signature does not hold.
    """
    if isinstance(key, KeypairSigner):
        return prove_by_keypair(key.keypair, message)
    if isinstance(key, Possession):
        return prove_by_signature(key.key, message, key.signature)
    return prove_by_signature(key.public, message, key.sign(message.encode()))


def prove_by_keypair(keypair: Keypair, message: Message) -> Proof:
    """Proof by signing the transaction."""
    return Proof((), keypair.pubkey(), message.encode(), (keypair,))


def prove_by_signature(key: DeviceKey, message: Message, signature: bytes) -> Proof:
    """Proof by a signature over the message. Raises `VerificationError` if it does not hold."""
    if not key.verify(message.encode(), signature):
        raise VerificationError(
            "The signature is not the device key's over this message",
            expected=f"one by the {key.kind.name} key {key.public_bytes.hex()}",
            next_step="Sign the 104 bytes of the message itself; P-256 signatures are r and s with the low S",
        )
    data = signature_instruction_data(key, signature, message.encode())
    program = Pubkey.from_string(native_program(key.kind))
    return Proof((Instruction(program, data, []),), INSTRUCTIONS_SYSVAR_ID, None, ())
