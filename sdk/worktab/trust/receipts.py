"""Signed receipts of a device, as a challenger comes by them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from solders.pubkey import Pubkey

from worktab.core.contexts import receipt_context
from worktab.core.errors import EncodingError, InputError, StorageError
from worktab.core.messages import MESSAGE_SIZE, Message, MessageKind
from worktab.program.generated.accounts import Device
from worktab.roles.decoding import key_of
from worktab.roles.reading import DeviceView
from worktab.work.history import ChainState, SignedReceipt

ROW: Final = 200
"""Bytes of a receipt as ingests keep it: the device's address, the message, the signature."""

_MOST: Final = 1_000_000
_DEVICE: Final = 32


@dataclass(frozen=True, slots=True)
class ReceiptBook:
    """Receipts of one device that count as evidence, and how many do not.

    receipts   over the present registration, by the device's present key
    foreign    of another device or another registration
    other_key  by another key than the present one: an earlier key's receipts prove nothing any more
    """

    receipts: tuple[SignedReceipt, ...] = ()
    foreign: int = 0
    other_key: int = 0

    @classmethod
    def of(cls, view: DeviceView, receipts: list[SignedReceipt]) -> ReceiptBook:
        """The book of a device out of receipts from anywhere."""
        context = receipt_context(view.network.domain, view.address, view.device.index)
        key = key_of(view.device)
        ours = [each for each in receipts if each.message.context == context]
        good = [each for each in ours if key.verify(each.message.encode(), each.signature)]
        return cls(tuple(good), len(receipts) - len(ours), len(ours) - len(good))


def signed_states(rows: bytes, address: Pubkey, device: Device) -> list[ChainState]:
    """What those receipts of a device claim, in rows of 200 bytes, that its present key signed.

    Raises `EncodingError` for what is no rows of receipts.
    """
    key = key_of(device)
    return [
        each.state
        for each in read_rows(rows, address)
        if each.message.context == device.receipt_context and key.verify(each.message.encode(), each.signature)
    ]


def read_rows(data: bytes, device: Pubkey) -> list[SignedReceipt]:
    """The receipts of a device in rows of 200 bytes; rows of other devices are left out. Raises `EncodingError`."""
    if len(data) % ROW:
        raise EncodingError("these are no receipts", expected=f"rows of {ROW} bytes", got=f"{len(data)} bytes")
    if len(data) > ROW * _MOST:
        raise EncodingError("these are too many receipts", expected=f"at most {_MOST}", got=f"{len(data) // ROW}")
    found = []
    for at in range(0, len(data), ROW):
        if data[at : at + _DEVICE] == bytes(device):
            end = at + _DEVICE + MESSAGE_SIZE
            message = Message.decode(data[at + _DEVICE : end])
            if message.kind is not MessageKind.RECEIPT:
                raise EncodingError("a row is no receipt", expected="RECEIPT", got=message.kind.name)
            found.append(SignedReceipt(message, data[end : at + ROW]))
    return found


def read_receipts(path: Path, device: Pubkey) -> list[SignedReceipt]:
    """The receipts of a device in a file of rows, such as an epoch's `receipts.bin`.

    Raises:
        StorageError: the file cannot be read.
        InputError: it holds something else.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StorageError(f"{path} cannot be read", got=str(error.strerror)) from error
    try:
        return read_rows(data, device)
    except EncodingError as error:
        raise InputError(f"{path} holds no receipts", expected=error.expected, got=error.got) from error
