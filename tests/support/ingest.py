"""Devices of a network that pays by roots, and what they sign."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from cryptography.hazmat.primitives.asymmetric import ec
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.core.addresses import find_device
from worktab.core.contexts import receipt_context
from worktab.core.enrolments import Enrolment, SignedEnrolment, enrolled_index
from worktab.core.keys import Ed25519Signer, P256Signer, Signer
from worktab.core.messages import Message
from worktab.ingest.facts import Facts
from worktab.ingest.kept import KEPT, from_enrolment, ordered
from worktab.ingest.rows import RECEIPT, REGISTRATION, Rows
from worktab.ingest.store import ReceiptStore
from worktab.program.generated import PROGRAM_ID

NETWORK: Final = Pubkey(hashlib.sha256(b"network").digest())
DOMAIN: Final = hashlib.sha256(b"domain").digest()
CREATED: Final = 1_000_000
LENGTH: Final = 100
"""Seconds of an epoch."""

AUTHORITY: Final = Keypair.from_seed(bytes([9]) * 32)

FACTS: Final = Facts(
    network=NETWORK,
    program_id=PROGRAM_ID,
    domain=DOMAIN,
    created_at=CREATED,
    epoch_length=LENGTH,
    by_roots=True,
    roots_from=0,
    admission=False,
    admitting=(AUTHORITY.pubkey(),),
    capacities=(1_000, 2_000, 3_000, 0, 0, 0, 0, 0),
    bonds=(0, 0, 7, 0, 0, 0, 0, 0),
    used=(True, True, True, False, False, False, False, False),
)
"""Class 2 asks for a bond; classes from 3 on are not used."""


def start(epoch: int) -> int:
    """The first second of an epoch."""
    return CREATED + epoch * LENGTH


@dataclass
class Party:
    """A device and all that speaks for it.

    index  of its registration; by default it is enrolled
    """

    signer: Signer
    owner: Keypair = field(default_factory=Keypair)
    class_: int = 0
    chosen_index: int | None = None

    @classmethod
    def make(cls, number: int, *, p256: bool = False, **fields: Any) -> Party:
        """A party by its number: the same number, the same keys."""
        seed = hashlib.sha256(b"party %d" % number).digest()
        curve = ec.SECP256R1()
        signer = P256Signer(ec.derive_private_key(int.from_bytes(seed) >> 1, curve)) if p256 else Ed25519Signer(seed)
        return cls(signer, Keypair.from_seed(hashlib.sha256(seed).digest()), **fields)

    @property
    def address(self) -> Pubkey:
        """The device's address."""
        return find_device(PROGRAM_ID, NETWORK, self.signer.public)[0]

    @property
    def device(self) -> bytes:
        """Its 32 bytes."""
        return bytes(self.address)

    @property
    def index(self) -> int:
        """The index that its receipts name."""
        return enrolled_index(self.device) if self.chosen_index is None else self.chosen_index

    def enrolment(self, *, serial: int = 1, admission: Keypair | None = None, **fields: Any) -> SignedEnrolment:
        """Its enrolment, signed."""
        terms = {"owner": self.owner.pubkey(), "payout": self.owner.pubkey(), "class_": self.class_} | fields
        return SignedEnrolment.sign(
            Enrolment(self.signer.public, serial=serial, **terms),
            domain=DOMAIN,
            program_id=bytes(PROGRAM_ID),
            network=bytes(NETWORK),
            owner=self.owner,
            key=self.signer,
            admission=admission,
        )

    def kept(self, **fields: Any) -> Rows:
        """Its registration as one `KEPT` row: the enrolment, or an account on chain where it has an index."""
        kept = from_enrolment(self.enrolment())
        if self.chosen_index is not None:
            row = kept["row"]
            for name in ("enrolled", "serial", "owner_signature", "key_signature"):
                row[name] = 0
            row["index"] = self.chosen_index
            row["capacity"] = kept["next_capacity"] = 500
        for name, value in fields.items():
            (kept if name in (KEPT.names or ()) else kept["row"])[name] = value
        return kept

    def receipt(self, seq: int, units: int, time: int, *, head: bytes | None = None, **changes: Any) -> bytes:
        """A signed receipt of 200 bytes."""
        head = hashlib.sha256(b"%d" % seq).digest() if head is None else head
        context = changes.get("context", receipt_context(DOMAIN, self.device, self.index))
        message = Message.receipt(context, seq, units, time, head).encode()
        return self.device + message + self.signer.sign(message)


def rows(*receipts: bytes) -> Rows:
    """Receipts as `RECEIPT` rows."""
    return np.frombuffer(b"".join(receipts), RECEIPT)


def registrations_of(store: ReceiptStore, epoch: int) -> Rows:
    """The registrations that count in an epoch, also of devices without a receipt."""
    return np.concatenate([np.zeros(0, REGISTRATION), *(page.registrations for page in store.pages(epoch))])


def kept_rows(*kept: Rows) -> Rows:
    """`KEPT` rows together, in their order."""
    return ordered(np.concatenate(kept))
