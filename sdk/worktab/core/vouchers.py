"""Vouchers and batch vouchers with their signatures: made, checked, and carried as JSON (PROTOCOL section 2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.signature import Signature

from worktab.core._checks import Bytes32, sized, uint
from worktab.core._json import json_address, json_decimal, json_fields, json_hex, json_u32
from worktab.core.contexts import BatchEntry, batch_context, voucher_context
from worktab.core.errors import EncodingError, InputError, VerificationError
from worktab.core.keys import SIGNATURE_SIZE
from worktab.core.messages import Message, MessageKind

_VOUCHER: Final = (
    "tab",
    "device",
    "index",
    "lane",
    "context",
    "seq",
    "units",
    "amount",
    "expires_at",
    "head",
    "signature",
)
_BATCH: Final = ("tab", "entries", "context", "expires_at", "signature")
_ENTRY: Final = ("index", "lane", "amount", "units")


@dataclass(frozen=True, slots=True)
class SignedVoucher:
    """A promise to pay what one lane owes in all, and its signature (PROTOCOL section 2, kind 2).

    Only `verify` says whether it holds; until then every field is a stranger's word.

    Attributes:
        tab: the tab that pays.
        device: the device that is paid.
        index: the device's index in its network, u32.
        lane_nonce: the lane's nonce, u32.
        message: the voucher's 104 bytes, decoded.
        signature: 64 bytes, Ed25519, by the lane's signer.

    Raises:
        InputError: a field is out of range, or the message is no voucher.
    """

    tab: Pubkey
    device: Pubkey
    index: int
    lane_nonce: int
    message: Message
    signature: bytes

    def __post_init__(self) -> None:
        uint(self.index, 32, "index")
        uint(self.lane_nonce, 32, "lane nonce")
        _require_kind(self.message, MessageKind.VOUCHER)
        object.__setattr__(self, "signature", sized(self.signature, SIGNATURE_SIZE, "signature"))

    @property
    def amount(self) -> int:
        """Base units owed on the lane so far."""
        return self.message.amount

    @property
    def units(self) -> int:
        """Work units bought on the lane so far."""
        return self.message.units

    @property
    def seq(self) -> int:
        """The device's job count after the lane's newest job."""
        return self.message.seq

    @property
    def head(self) -> bytes:
        """The device's 32-byte chain head at `seq`."""
        return self.message.head

    @property
    def expires_at(self) -> int:
        """The first second, Unix time, in which it is no longer good; 0 for never."""
        return self.message.time

    @classmethod
    def sign(
        cls,
        key: Keypair,
        domain: Bytes32,
        tab: Pubkey,
        device: Pubkey,
        index: int,
        lane_nonce: int,
        *,
        amount: int,
        units: int,
        seq: int,
        head: Bytes32,
        expires_at: int = 0,
    ) -> Self:
        """A voucher signed by `key`, which must be the lane's signer. The fields are those of the attributes.

        Raises:
            InputError: a field has the wrong length or range.
        """
        context = voucher_context(domain, tab, device, index, lane_nonce)
        message = Message.voucher(context, seq, units, amount, expires_at, head)
        return cls(tab, device, index, lane_nonce, message, bytes(key.sign_message(message.encode())))

    def verify(self, key: Pubkey, domain: Bytes32) -> None:
        """Check that `key`, the lane's signer, signed this voucher for this lane in the network of `domain`.

        Whether it has expired, and what the lane still holds, is for the caller to check.

        Raises:
            VerificationError: it is for another lane, device, tab or network, or the signature does not hold.
        """
        context = voucher_context(domain, self.tab, self.device, self.index, self.lane_nonce)
        _verify(self.message, context, self.signature, key)

    def to_json(self) -> dict[str, Any]:
        """The voucher as a JSON object: addresses in base58, bytes in hex, 64-bit numbers as decimal strings."""
        return {
            "tab": str(self.tab),
            "device": str(self.device),
            "index": self.index,
            "lane": self.lane_nonce,
            "context": self.message.context.hex(),
            "seq": str(self.seq),
            "units": str(self.units),
            "amount": str(self.amount),
            "expires_at": str(self.expires_at),
            "head": self.head.hex(),
            "signature": self.signature.hex(),
        }

    @classmethod
    def from_json(cls, value: object) -> Self:
        """The voucher in a JSON object; the exact inverse of `to_json`, and nothing else is accepted.

        Raises:
            EncodingError: it is something else.
        """
        tab, device, index, lane, context, seq, units, amount, expires_at, head, signature = json_fields(
            value, _VOUCHER
        )
        message = Message.voucher(
            json_hex(context, 32, "context"),
            json_decimal(seq, "seq"),
            json_decimal(units, "units"),
            json_decimal(amount, "amount"),
            json_decimal(expires_at, "expires_at"),
            json_hex(head, 32, "head"),
        )
        return cls(
            json_address(tab, "tab"),
            json_address(device, "device"),
            json_u32(index, "index"),
            json_u32(lane, "lane"),
            message,
            json_hex(signature, SIGNATURE_SIZE, "signature"),
        )


@dataclass(frozen=True, slots=True)
class SignedBatch:
    """A promise to pay what many lanes of one signer owe, and its signature (PROTOCOL section 2, kind 4).

    Attributes:
        tab: the tab that pays.
        entries: what each lane owes in all, strictly rising by (index, lane nonce).
        message: the batch voucher's 104 bytes, decoded.
        signature: 64 bytes, Ed25519, by the lanes' signer.

    Raises:
        InputError: the message is no batch voucher, or the signature is not 64 bytes.
    """

    tab: Pubkey
    entries: tuple[BatchEntry, ...]
    message: Message
    signature: bytes

    def __post_init__(self) -> None:
        object.__setattr__(self, "entries", tuple(self.entries))
        _require_kind(self.message, MessageKind.BATCH_VOUCHER)
        object.__setattr__(self, "signature", sized(self.signature, SIGNATURE_SIZE, "signature"))

    @property
    def expires_at(self) -> int:
        """The first second, Unix time, in which it is no longer good; 0 for never."""
        return self.message.time

    @property
    def entry_bytes(self) -> bytes:
        """The entries as they are signed and sent, 24 bytes each."""
        return b"".join(entry.encode() for entry in self.entries)

    @classmethod
    def sign(
        cls, key: Keypair, domain: Bytes32, tab: Pubkey, entries: Sequence[BatchEntry], *, expires_at: int = 0
    ) -> Self:
        """A batch voucher signed by `key`, which must be the signer of every lane named.

        Raises:
            InputError: there are no entries, they do not rise strictly, or a field has the wrong length or range.
        """
        message = Message.batch(batch_context(domain, tab, entries), expires_at)
        return cls(tab, tuple(entries), message, bytes(key.sign_message(message.encode())))

    def verify(self, key: Pubkey, domain: Bytes32) -> None:
        """Check that `key`, the lanes' signer, signed these entries for this tab in the network of `domain`.

        Raises:
            VerificationError: other entries, another tab or network were signed, or the signature does not hold.
        """
        try:
            context = batch_context(domain, self.tab, self.entries)
        except InputError as error:
            raise VerificationError("The entries cannot be those of a batch voucher", got=str(error)) from error
        _verify(self.message, context, self.signature, key)

    def to_json(self) -> dict[str, Any]:
        """The batch as a JSON object, written as a voucher's is; `entries` is a list of objects."""
        return {
            "tab": str(self.tab),
            "entries": [
                {
                    "index": entry.index,
                    "lane": entry.lane_nonce,
                    "amount": str(entry.amount),
                    "units": str(entry.units),
                }
                for entry in self.entries
            ],
            "context": self.message.context.hex(),
            "expires_at": str(self.expires_at),
            "signature": self.signature.hex(),
        }

    @classmethod
    def from_json(cls, value: object) -> Self:
        """The batch in a JSON object; the exact inverse of `to_json`, and nothing else is accepted.

        Raises:
            EncodingError: it is something else.
        """
        tab, entries, context, expires_at, signature = json_fields(value, _BATCH)
        if not isinstance(entries, list):
            raise EncodingError("entries is no list", got=type(entries).__name__)
        return cls(
            json_address(tab, "tab"),
            tuple(_entry(each) for each in entries),
            Message.batch(json_hex(context, 32, "context"), json_decimal(expires_at, "expires_at")),
            json_hex(signature, SIGNATURE_SIZE, "signature"),
        )


def _entry(value: object) -> BatchEntry:
    index, lane, amount, units = json_fields(value, _ENTRY)
    return BatchEntry(
        json_u32(index, "index"), json_u32(lane, "lane"), json_decimal(amount, "amount"), json_decimal(units, "units")
    )


def _require_kind(message: Message, kind: MessageKind) -> None:
    if message.kind is not kind:
        raise InputError("The message states something else", expected=kind.name, got=message.kind.name)


def _verify(message: Message, context: bytes, signature: bytes, key: Pubkey) -> None:
    if message.context != context:
        raise VerificationError(
            "It was signed for something else",
            expected=f"context {context.hex()}",
            got=message.context.hex(),
            next_step="Sign for this network, tab, device and lane",
        )
    # As strict as the native program, which is built on the same library.
    if not Signature(signature).verify(key, message.encode()):
        raise VerificationError("The signature is not the lane signer's", expected=f"one by {key}")
