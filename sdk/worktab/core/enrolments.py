"""Devices without an account on chain: owner and key sign who is paid for the device's work.

An enrolment stands for a registration on a network that pays by roots. The device has the address that a registration
of its key would have, and its receipts the usual context, under an index that follows from the address.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Final

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.core._checks import Bytes32, bytes32, sized, uint
from worktab.core._json import json_address, json_decimal, json_fields, json_hex, json_u32
from worktab.core._signatures import verify_ed25519
from worktab.core.addresses import find_device
from worktab.core.contexts import receipt_context
from worktab.core.errors import InputError, VerificationError
from worktab.core.keys import DeviceKey, KeyKind, Signer
from worktab.core.messages import Message

_FIELDS: Final = ("device", "key_kind", "key", "owner", "payout", "class", "serial", "owner_signature", "key_signature")
_ADMISSION: Final = ("admission", "admission_signature")
_SIGNATURE_SIZE: Final = 64

FIRST_ENROLLED_INDEX: Final = 1 << 31
"""Indices from here on belong to enrolled devices; the chain counts its registrations from 0."""


def enrolled_index(device: Bytes32) -> int:
    """The u32 index that an enrolled device's receipts name: 2^31 and the low 31 bits of its address."""
    return FIRST_ENROLLED_INDEX | int.from_bytes(bytes32(device, "device")[:4], "little")


def enrolment_context(
    domain: Bytes32, device: Bytes32, key: DeviceKey, owner: Bytes32, payout: Bytes32, class_: int
) -> bytes:
    """The 32-byte context of an enrolment: `H("worktab/enrol" || domain || device || u8 key_kind || key 33 || owner ||
    payout || u8 class)`."""
    return hashlib.sha256(
        b"worktab/enrol"
        + bytes32(domain, "domain")
        + bytes32(device, "device")
        + bytes([key.kind])
        + key.raw33
        + bytes32(owner, "owner")
        + bytes32(payout, "payout")
        + bytes([uint(class_, 8, "class")])
    ).digest()


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What owner and key agree on.

    Attributes:
        key: the device's key; it stays for good.
        owner: wallet that speaks for the device.
        payout: wallet that is paid.
        class_: the class of the device, 0 to 7.
        serial: rises with every enrolment of the same device; the highest counts. u63.
    """

    key: DeviceKey
    owner: Pubkey
    payout: Pubkey
    class_: int
    serial: int = 1

    def device(self, program_id: Bytes32, network: Bytes32) -> Pubkey:
        """The device's address."""
        return find_device(program_id, network, self.key)[0]

    def message(self, domain: Bytes32, device: Bytes32) -> Message:
        """The message that owner, key and, where the network asks for admission, an admitting key sign."""
        context = enrolment_context(domain, device, self.key, bytes(self.owner), bytes(self.payout), self.class_)
        return Message.enrolment(context, self.serial)

    def receipt_context(self, domain: Bytes32, device: Bytes32) -> bytes:
        """The 32-byte context of the device's receipts."""
        return receipt_context(domain, device, enrolled_index(device))


@dataclass(frozen=True, slots=True)
class SignedEnrolment:
    """An enrolment with its 64-byte signatures.

    Attributes:
        device: the device's address.
        owner_signature: by the owner's wallet.
        key_signature: by the device's key.
        admission: the key that admits the device, where the network asks for one: its authority's or an attestor's.
        admission_signature: by that key; empty without one.

    Raises:
        InputError: a signature has another size.
    """

    enrolment: Enrolment
    device: Pubkey
    owner_signature: bytes = field(repr=False)
    key_signature: bytes = field(repr=False)
    admission: Pubkey | None = None
    admission_signature: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        sized(self.owner_signature, _SIGNATURE_SIZE, "owner signature")
        sized(self.key_signature, _SIGNATURE_SIZE, "key signature")
        sized(self.admission_signature, _SIGNATURE_SIZE if self.admission else 0, "admission signature")

    @classmethod
    def sign(
        cls,
        enrolment: Enrolment,
        *,
        domain: Bytes32,
        program_id: Bytes32,
        network: Bytes32,
        owner: Keypair,
        key: Signer,
        admission: Keypair | None = None,
    ) -> SignedEnrolment:
        """Signs with every key at hand; where they are in different places, each signs `message` and the parts are put
        together by the constructor."""
        device = enrolment.device(program_id, network)
        message = enrolment.message(domain, bytes(device)).encode()
        return cls(
            enrolment,
            device,
            bytes(owner.sign_message(message)),
            key.sign(message),
            admission.pubkey() if admission else None,
            bytes(admission.sign_message(message)) if admission else b"",
        )

    def verify(self, *, domain: Bytes32, program_id: Bytes32, network: Bytes32) -> None:
        """Checks the address and every signature there is. Whether the admitting key may admit is the caller's to ask.

        Raises:
            VerificationError: the address is not the key's, or a signature does not hold.
        """
        enrolment = self.enrolment
        if enrolment.device(program_id, network) != self.device:
            raise VerificationError(
                "the enrolment names another device than its key's",
                expected=str(enrolment.device(program_id, network)),
                got=str(self.device),
            )
        message = enrolment.message(domain, bytes(self.device)).encode()
        if not verify_ed25519(bytes(enrolment.owner), message, self.owner_signature):
            raise VerificationError("the owner's signature does not hold", got=str(enrolment.owner))
        if not enrolment.key.verify(message, self.key_signature):
            raise VerificationError("the device key's signature does not hold", got=str(self.device))
        if self.admission and not verify_ed25519(bytes(self.admission), message, self.admission_signature):
            raise VerificationError("the admission's signature does not hold", got=str(self.admission))

    def to_json(self) -> dict[str, Any]:
        """The enrolment as JSON-ready facts: addresses in base58, keys and signatures in hex."""
        enrolment = self.enrolment
        facts: dict[str, Any] = {
            "device": str(self.device),
            "key_kind": int(enrolment.key.kind),
            "key": enrolment.key.raw33.hex(),
            "owner": str(enrolment.owner),
            "payout": str(enrolment.payout),
            "class": enrolment.class_,
            "serial": str(enrolment.serial),
            "owner_signature": self.owner_signature.hex(),
            "key_signature": self.key_signature.hex(),
        }
        if self.admission:
            facts["admission"] = str(self.admission)
            facts["admission_signature"] = self.admission_signature.hex()
        return facts

    @classmethod
    def from_json(cls, value: object) -> SignedEnrolment:
        """The enrolment in a JSON object; the exact inverse of `to_json`, and nothing else is accepted.

        Raises:
            EncodingError: it is something else.
            KeyFormatError: the key has not the form of a key of its kind.
        """
        admitted = isinstance(value, dict) and "admission" in value
        fields = json_fields(value, _FIELDS + _ADMISSION if admitted else _FIELDS)
        device, kind, key, owner, payout, class_, serial, owner_signature, key_signature = fields[: len(_FIELDS)]
        enrolment = Enrolment(
            DeviceKey(_kind(kind), json_hex(key, 33, "key")),
            json_address(owner, "owner"),
            json_address(payout, "payout"),
            uint(json_u32(class_, "class"), 8, "class"),
            json_decimal(serial, "serial"),
        )
        return cls(
            enrolment,
            json_address(device, "device"),
            json_hex(owner_signature, _SIGNATURE_SIZE, "owner_signature"),
            json_hex(key_signature, _SIGNATURE_SIZE, "key_signature"),
            json_address(fields[-2], "admission") if admitted else None,
            json_hex(fields[-1], _SIGNATURE_SIZE, "admission_signature") if admitted else b"",
        )


def _kind(value: object) -> KeyKind:
    try:
        return KeyKind(json_u32(value, "key_kind"))
    except ValueError:
        raise InputError("key_kind is not known", expected="1 or 2", got=str(value)) from None
