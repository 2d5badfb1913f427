"""Settling: moving what vouchers owe from consumers' lanes to devices' earnings. Anyone may, for any voucher."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from solders.instruction import AccountMeta
from solders.pubkey import Pubkey

from worktab.chain.sending import Confirmed
from worktab.core.contexts import BatchEntry
from worktab.core.errors import InputError
from worktab.core.keys import DeviceKey
from worktab.core.messages import Message
from worktab.core.vouchers import SignedBatch, SignedVoucher
from worktab.program.generated import events, instructions
from worktab.program.generated.accounts import Device
from worktab.program.generated.errors import (
    ForeignLane,
    OverReserve,
    StaleVoucher,
    Unauthorized,
    VoucherExpired,
)
from worktab.roles.base import Role
from worktab.roles.errors import DeviceNotFound, TabNotFound
from worktab.roles.fitting import fits
from worktab.roles.proving import Proof, prove_by_signature
from worktab.roles.tables import with_table
from worktab.roles.tabs import Lane, TabView

_LAMPORTS = 10**9


class SettleOutcome(StrEnum):
    """What became of a voucher.

    SETTLED          this call moved what it owes
    ALREADY_SETTLED  it, or a newer one that stands for it, was settled already
    """

    SETTLED = "settled"
    ALREADY_SETTLED = "already_settled"


@dataclass(frozen=True, slots=True)
class Settlement:
    """Vouchers that are settled.

    amount     base units that this call moved
    units      work units that it sold
    confirmed  the transaction; None where all was settled already
    """

    outcome: SettleOutcome
    amount: int
    units: int
    confirmed: Confirmed | None


_ALREADY = Settlement(SettleOutcome.ALREADY_SETTLED, 0, 0, None)


def worth_settling(voucher: SignedVoucher, lane: Lane, fee_lamports: int, price: int) -> bool:
    """Whether a voucher moves more than it costs to settle it now, fee and burn of the network not counted.

    lane          the voucher's lane as last read
    fee_lamports  what the transaction costs
    price         base units of the network's token that one SOL costs

    What the lane's reserve does not cover counts for nothing.
    """
    unsettled = min(voucher.amount, lane.most) - lane.paid
    return unsettled * _LAMPORTS > fee_lamports * price


class Settler(Role):
    """Settles vouchers and batches for anybody's devices; it needs no key but the fee payer's.

    The consumer's signature reaches the program through the native Ed25519 program, in the instruction before. Every
    call that sends raises what `Sender.send` raises; a refusal is the program's own error.
    """

    async def settle(self, voucher: SignedVoucher, *, signer: Pubkey | None = None) -> Settlement:
        """Settle a voucher. One that is settled already is a success, so a call may be repeated safely.

        signer  the key that the caller expects to sign for the lane; by default whichever the tab names

        Nothing is sent that the chain would refuse. Raises `TabNotFound`, `LaneNotFound` (it has ended),
        `DeviceNotFound`, `ForeignLane`, `Unauthorized` (another signer), `VerificationError`, `VoucherExpired`,
        `OverReserve`.
        """
        view, domain = await self._tab(voucher.tab), await self.reader.domain()
        lane = _lane(view, voucher.index, voucher.lane_nonce)
        key = view.signer_of(lane)
        if signer not in (None, key):
            raise Unauthorized(expected=f"a lane that {signer} signs for", got=str(key))
        voucher.verify(key, domain)
        if lane.paid >= voucher.amount:
            return _ALREADY
        await self.reader.device(voucher.device)
        _require_payable(lane, voucher.amount)
        await self._require_unexpired(voucher.message)
        proof = _proof(key, voucher.message, voucher.signature)
        passed = instructions.SettleVoucherAccounts(tab=voucher.tab, device=voucher.device, proof=proof.account)
        settled = instructions.settle_voucher(
            passed, nonce=voucher.lane_nonce, voucher=proof.shown, program_id=self.program_id
        )
        try:
            confirmed = await self.sender.send(proof.lead(settled), label="settle voucher")
        except StaleVoucher:
            # Somebody was faster.
            return _ALREADY
        event = self.event(confirmed, events.VoucherSettled)
        amount, units = (event.amount, event.units) if event else _moves(lane, voucher.amount, voucher.units)
        return Settlement(SettleOutcome.SETTLED, amount, units, confirmed)

    async def settle_batch(self, batch: SignedBatch, devices: Sequence[Pubkey]) -> Settlement:
        """Settle a batch's entries for these devices, in one transaction and in any order given.

        Where it does not fit one, a new lookup table with the accounts is made first, at the fee payer's cost, and
        added to the sender's; the fee payer can close it. 25 lanes of as many devices fit then. A batch that is
        settled already is a success. Lanes that ended are passed over: nothing is owed on them any more.

        Nothing is sent that the chain would refuse. Raises `InputError` (a device that no entry names, or too many),
        and else what `settle` raises, each for any of the entries of these devices.
        """
        view, domain = await self._tab(batch.tab), await self.reader.domain()
        sellers = await self._sellers(devices)
        indexes = {device.index for _, device in sellers}
        entries = [entry for entry in batch.entries if entry.index in indexes]
        unnamed = indexes - {entry.index for entry in entries}
        if unnamed or not entries:
            got = f"devices of index {sorted(unnamed)}" if unnamed else "no devices"
            raise InputError("The batch names other devices", expected="devices that it has entries for", got=got)
        # Where none is left, the first is refused for that.
        entries = [entry for entry in entries if view.has_lane(entry.lane_nonce)] or entries[:1]
        lanes = [_lane(view, entry.index, entry.lane_nonce) for entry in entries]
        key = view.signer_of(lanes[0])
        if any(lane.signer != lanes[0].signer for lane in lanes):
            raise ForeignLane(expected=f"lanes that {key} signs for", got="one of another signer")
        batch.verify(key, domain)
        due = [(lane, entry) for lane, entry in zip(lanes, entries, strict=True) if entry.amount > lane.paid]
        if not due:
            return _ALREADY
        for lane, entry in due:
            _require_payable(lane, entry.amount)
        await self._require_unexpired(batch.message)
        proof = _proof(key, batch.message, batch.signature)
        passed = instructions.SettleBatchAccounts(tab=batch.tab, proof=proof.account)
        addresses = [address for address, _ in sellers]
        settled = instructions.settle_batch(
            passed,
            signer=lanes[0].signer,
            entries=batch.entry_bytes,
            batch=proof.shown,
            program_id=self.program_id,
            remaining_accounts=[AccountMeta(each, is_signer=False, is_writable=True) for each in addresses],
        )
        send = proof.lead(settled)
        try:
            if fits(self.sender, send):
                confirmed = await self.sender.send(send, label="settle batch")
            else:
                shared = [batch.tab, proof.account, *addresses]
                confirmed = await with_table(self.sender, shared, send, label="settle batch")
        except StaleVoucher:
            return _ALREADY
        return self._batch_settled(confirmed, due)

    def _batch_settled(self, confirmed: Confirmed, due: list[tuple[Lane, BatchEntry]]) -> Settlement:
        event = self.event(confirmed, events.BatchSettled)
        if event is not None:
            moved = [(each.amount, each.units) for each in event.entries]
        else:
            moved = [_moves(lane, entry.amount, entry.units) for lane, entry in due]
        amount, units = sum(each for each, _ in moved), sum(each for _, each in moved)
        return Settlement(SettleOutcome.SETTLED, amount, units, confirmed)

    async def _tab(self, address: Pubkey) -> TabView:
        [view] = await self.reader.find_tabs([address])
        if view is None:
            raise TabNotFound(f"There is no tab at {address}", got="no account")
        return view

    async def _sellers(self, devices: Sequence[Pubkey]) -> list[tuple[Pubkey, Device]]:
        """The devices in the order of their index, as the program wants them. Raises `DeviceNotFound`."""
        found, wanted = [], list(dict.fromkeys(devices))
        for address, device in zip(wanted, await self.reader.find_devices(wanted), strict=True):
            if device is None:
                raise DeviceNotFound(f"There is no device at {address}", got="no account")
            found.append((address, device))
        return sorted(found, key=lambda each: each[1].index)

    async def _require_unexpired(self, message: Message) -> None:
        if message.time and await self.sender.chain.unix_time() >= message.time:
            raise VoucherExpired(got=f"one that expired at {message.time}")


def _lane(view: TabView, index: int, nonce: int) -> Lane:
    lane = view.lane(nonce)
    if lane.index != index:
        raise ForeignLane(expected=f"a lane of device {index}", got=f"one of device {lane.index}")
    return lane


def _require_payable(lane: Lane, amount: int) -> None:
    if amount > lane.most:
        raise OverReserve(expected=f"at most {lane.most}", got=str(amount))


def _moves(lane: Lane, amount: int, units: int) -> tuple[int, int]:
    return amount - lane.paid, max(0, units - lane.units)


def _proof(key: Pubkey, message: Message, signature: bytes) -> Proof:
    return prove_by_signature(DeviceKey.ed25519(key), message, signature)
