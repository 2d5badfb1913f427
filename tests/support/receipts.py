"""Devices that sign receipts for roots: on chain or enrolled, with keys of either kind."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.core.addresses import find_device
from worktab.core.contexts import receipt_context
from worktab.core.enrolments import Enrolment, SignedEnrolment, enrolled_index
from worktab.core.keys import Ed25519Signer, P256Signer, Signer
from worktab.core.messages import Message
from worktab.epochs.terms import EpochTerms
from worktab.ingest.inputs import Inputs
from worktab.ingest.kept import from_enrolment
from worktab.ingest.rows import RECEIPT, REGISTRATION, Rows
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated.types import ClassTerms

LENGTH = 3_600
CREATED = 1_800_000_000
NETWORK = Pubkey(hashlib.sha256(b"network").digest())
DOMAIN = hashlib.sha256(b"domain").digest()
AUTHORITY = Keypair.from_seed(hashlib.sha256(b"authority").digest())


def terms(*classes: ClassTerms | None, first_epoch: int = 0, admission: bool = False) -> EpochTerms:
    """A network that pays by roots; by default one class of 2 base units a unit and a budget of 1,000,000."""
    given = classes or (class_terms(),)
    return EpochTerms(
        network=NETWORK,
        program_id=PROGRAM_ID,
        domain=DOMAIN,
        created_at=CREATED,
        epoch_length=LENGTH,
        first_epoch=first_epoch,
        admission=admission,
        admitting=(AUTHORITY.pubkey(),),
        classes=(*given, *[None] * (8 - len(given))),
    )


def class_terms(
    *, rate: int = 2_000_000, max_capacity: int = 1_000, budget: int = 1_000_000, least_bond: int = 0
) -> ClassTerms:
    """Terms of a class."""
    return ClassTerms(meter=1, rate=rate, max_capacity=max_capacity, least_bond=least_bond, budget=budget)


def wallet(name: str) -> Pubkey:
    """A payout wallet."""
    return Pubkey(hashlib.sha256(name.encode()).digest())


def keypair(name: str) -> Keypair:
    """A wallet that signs."""
    return Keypair.from_seed(hashlib.sha256(name.encode()).digest())


@dataclass(frozen=True)
class Machine:
    """A device with its key.

    index is that of its registration on chain, None where it is enrolled.
    """

    name: str
    payout: Pubkey = field(default_factory=lambda: wallet("payout"))
    index: int | None = None
    class_: int = 0
    capacity: int = 1_000
    baseline: int = 0
    serial: int = 1
    p256: bool = False

    @property
    def key(self) -> Signer:
        """The key, the same for the same name."""
        seed = hashlib.sha256(self.name.encode()).digest()
        if not self.p256:
            return Ed25519Signer(seed)
        from cryptography.hazmat.primitives.asymmetric import ec

        return P256Signer(ec.derive_private_key(int.from_bytes(seed[:31], "big"), ec.SECP256R1()))

    @property
    def address(self) -> Pubkey:
        """The device's address."""
        return find_device(PROGRAM_ID, NETWORK, self.key.public)[0]

    @property
    def number(self) -> int:
        """The index that its receipts name."""
        return enrolled_index(self.address) if self.index is None else self.index

    def paid_to(self, payout: Pubkey) -> Machine:
        """With another payout: for an enrolled device a new enrolment."""
        serial = self.serial + 1 if self.index is None else self.serial
        return replace(self, payout=payout, serial=serial)

    def registration(self, *, admission: Keypair | None = None) -> Rows:
        """Its registration or enrolment, as one row."""
        if self.index is None:
            enrolment = Enrolment(self.key.public, keypair("owner").pubkey(), self.payout, self.class_, self.serial)
            signed = SignedEnrolment.sign(
                enrolment,
                domain=DOMAIN,
                program_id=PROGRAM_ID,
                network=NETWORK,
                owner=keypair("owner"),
                key=self.key,
                admission=admission,
            )
            row = from_enrolment(signed)["row"].copy()
        else:
            row = np.zeros(1, REGISTRATION)
            row["device"], row["payout"] = _u1(bytes(self.address)), _u1(bytes(self.payout))
            row["owner"] = _u1(bytes(keypair("owner").pubkey()))
            row["key"], row["key_kind"] = _u1(self.key.public.raw33), int(self.key.public.kind)
            row["class"], row["index"] = self.class_, self.index
        row["capacity"], row["baseline"] = self.capacity, self.baseline
        return row

    def receipt(self, seq: int, units: int, time: int, head: bytes | None = None, index: int | None = None) -> Rows:
        """A signed receipt, as one row; `time` in seconds since the network was made."""
        context = receipt_context(DOMAIN, self.address, self.number if index is None else index)
        message = Message.receipt(
            context, seq, units, CREATED + time, head or hashlib.sha256(b"%s %d" % (self.name.encode(), seq)).digest()
        ).encode()
        row = np.zeros(1, RECEIPT)
        row["device"], row["message"] = _u1(bytes(self.address)), _u1(message)
        row["signature"] = _u1(self.key.sign(message))
        return row


def inputs(epoch: int, registrations: Sequence[Rows], receipts: Sequence[Rows]) -> Inputs:
    """What a store would give, in the order given."""
    return Inputs(
        epoch,
        np.concatenate([np.zeros(0, REGISTRATION), *registrations]),
        np.concatenate([np.zeros(0, RECEIPT), *receipts]),
    )


def at(epoch: int, second: int = 0) -> int:
    """A time in an epoch, seconds since the network was made."""
    return epoch * LENGTH + second


def _u1(data: bytes) -> Rows:
    return np.frombuffer(data, "u1")
