"""Tabs, lanes, vouchers and batches: handles, and every instruction of consumers with sensible accounts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.builders import Builders, Edits, put
from support.lanes import LANE, LaneState, decode_lanes
from support.parties import Device, Lane, Network, Tab
from worktab.core import contexts
from worktab.core.addresses import INSTRUCTIONS_SYSVAR_ID, find_tab
from worktab.core.contexts import BatchEntry
from worktab.core.keys import Ed25519Signer
from worktab.core.messages import Message
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated import accounts as state
from worktab.program.generated import instructions as ix
from worktab.program.generated.types import Delegate, DelegateTerms

LANE_RENT: Final = 278_400
"""Lamports that 40 bytes more must hold."""
CLOSE_DELAY: Final = 3_600
"""Seconds a lane of the default network takes to close."""
U64: Final = (1 << 64) - 1


def entry(lane: Lane, amount: int, units: int | None = None) -> BatchEntry:
    """What a batch says of a lane; a unit for each base unit unless told otherwise."""
    return BatchEntry(lane.device.index, lane.nonce, amount, amount if units is None else units)


class Consumers(Builders):
    """A chain and the instructions of consumers. Accounts given by name replace those passed by default."""

    # Parties

    def tab_of(self, network: Network, consumer: Keypair | None = None) -> Tab:
        """The handle of a tab that may not be open yet."""
        consumer = consumer or self.keypair()
        return Tab(find_tab(PROGRAM_ID, network.address, consumer.pubkey())[0], network, consumer)

    def tab(self, network: Network, balance: int = 0, *, consumer: Keypair | None = None) -> Tab:
        """An open tab with this balance, its rent paid by the world's payer."""
        tab = self.tab_of(network, consumer)
        self.must(self.open_tab(tab), [self.deposit(tab, balance)] if balance else [])
        return tab

    def lane(self, tab: Tab, device: Device, reserved: int, *, signer: Keypair | None = None) -> Lane:
        """A new lane, opened by the consumer or by the delegate given."""
        result = self.must(self.reserve(tab, device, reserved, signer=signer))
        return Lane(tab, device, result.event().nonce, signer or tab.consumer)

    def delegate(self, tab: Tab, slot: int = 1, **terms: Any) -> Keypair:
        """A new key with leave to spend from a slot; `terms` as for `delegate_terms`."""
        key = self.keypair()
        self.must(self.set_delegate(tab, slot, self.delegate_terms(key, **terms)))
        return key

    def delegate_terms(self, key: Keypair, **changes: Any) -> DelegateTerms:
        """Terms without any limit that could matter; `changes` replace some."""
        terms = DelegateTerms(
            key=key.pubkey(),
            allowance=U64,
            period_limit=0,
            period_length=0,
            lane_limit=U64,
            expires_at=0,
            classes=255,
        )
        return replace(terms, **changes)

    # Reading and writing accounts

    def read_tab(self, tab: Tab) -> state.Tab:
        """The fixed part of a tab, decoded."""
        return state.Tab.decode(self.data(tab.address)[: state.Tab.SIZE])

    def lanes(self, tab: Tab) -> tuple[LaneState, ...]:
        """The lanes of a tab, in their order."""
        return decode_lanes(self.data(tab.address))

    def slot_of(self, tab: Tab, slot: int = 1) -> Delegate:
        """What a tab holds of a delegate."""
        return self.read_tab(tab).delegates[slot - 1]

    def patch_tab(self, tab: Tab, **fields: Any) -> None:
        """Write fields into a tab past every rule."""
        fixed = replace(self.read_tab(tab), **fields).encode()
        self.set_data(tab.address, fixed + self.data(tab.address)[state.Tab.SIZE :])

    def patch_slot(self, tab: Tab, slot: int = 1, **fields: Any) -> None:
        """Write fields of a delegate past every rule."""
        delegates = list(self.read_tab(tab).delegates)
        delegates[slot - 1] = replace(delegates[slot - 1], **fields)
        self.patch_tab(tab, delegates=tuple(delegates))

    def set_lanes(self, tab: Tab, lanes: Iterable[LaneState]) -> None:
        """Write a tab's lanes past every rule; the account stays rent-exempt."""
        data = self.data(tab.address)[: state.Tab.SIZE] + b"".join(LANE.pack(*lane) for lane in lanes)
        self.set_account(tab.address, data, PROGRAM_ID)

    # Instructions

    def open_tab(self, tab: Tab, /, **accounts: Pubkey) -> Instruction:
        """open_tab, the rent paid by the world's payer."""
        passed = ix.OpenTabAccounts(
            payer=self.payer.pubkey(),
            consumer=tab.consumer.pubkey(),
            network=tab.network.address,
            tab=tab.address,
        )
        return ix.open_tab(replace(passed, **accounts))

    def deposit(self, tab: Tab, amount: int, /, *, depositor: Keypair | None = None, **accounts: Pubkey) -> Instruction:
        """Deposit by the consumer, or by `depositor`; who deposits is given the tokens at once."""
        wallet = (depositor or tab.consumer).pubkey()
        passed = ix.DepositAccounts(
            network=tab.network.address,
            tab=tab.address,
            depositor=wallet,
            source=tab.network.mint.open(wallet, amount),
            mint=tab.network.mint.address,
            vault=tab.network.vault,
            token_program=tab.network.mint.token_program,
        )
        return ix.deposit(replace(passed, **accounts), amount=amount)

    def withdraw(self, tab: Tab, amount: int, /, **accounts: Pubkey) -> Instruction:
        """Withdraw to the consumer's associated token account, which is opened where it is missing."""
        consumer = tab.consumer.pubkey()
        passed = ix.WithdrawAccounts(
            consumer=consumer,
            network=tab.network.address,
            tab=tab.address,
            destination=tab.network.mint.open(consumer),
            mint=tab.network.mint.address,
            vault=tab.network.vault,
            token_program=tab.network.mint.token_program,
        )
        return ix.withdraw(replace(passed, **accounts), amount=amount)

    def set_delegate(self, tab: Tab, slot: int, terms: DelegateTerms | None, /, **accounts: Pubkey) -> Instruction:
        """set_delegate; without terms it revokes."""
        passed = ix.SetDelegateAccounts(consumer=tab.consumer.pubkey(), tab=tab.address)
        return ix.set_delegate(replace(passed, **accounts), slot=slot, terms=terms)

    def reserve(
        self,
        tab: Tab,
        device: Device,
        amount: int,
        /,
        *,
        nonce: int | None = None,
        signer: Keypair | None = None,
        **accounts: Pubkey,
    ) -> Instruction:
        """reserve_lane by the consumer, or by `signer`; a new lane's rent is paid by the world's payer."""
        passed = ix.ReserveLaneAccounts(
            payer=self.payer.pubkey(),
            signer=(signer or tab.consumer).pubkey(),
            network=tab.network.address,
            tab=tab.address,
            device=device.address,
        )
        return ix.reserve_lane(replace(passed, **accounts), nonce=nonce, amount=amount)

    def add(self, lane: Lane, amount: int, /, *, signer: Keypair | None = None, **accounts: Pubkey) -> Instruction:
        """reserve_lane on a lane that is there, by who opened it."""
        return self.reserve(lane.tab, lane.device, amount, nonce=lane.nonce, signer=signer or lane.signer, **accounts)

    def voucher_message(
        self,
        lane: Lane,
        amount: int,
        units: int | None = None,
        *,
        seq: int = 1,
        head: bytes = bytes(32),
        expires_at: int = 0,
        context: bytes | None = None,
        edit: Edits | None = None,
    ) -> bytes:
        """A voucher's 104 bytes; a unit for each base unit unless told otherwise. `edit` alters the bytes."""
        device = lane.device
        bound = contexts.voucher_context(
            lane.tab.network.domain, lane.tab.address, device.address, device.index, lane.nonce
        )
        units = amount if units is None else units
        message = Message.voucher(context or bound, seq, units, amount, expires_at, head)
        return put(message.encode(), edit)

    def signature(self, key: Keypair, message: bytes) -> Instruction:
        """The native instruction with a wallet's signature over 104 bytes."""
        return self.native(Ed25519Signer(key.secret()), message)

    def settle(self, lane: Lane, /, *, shown: bytes | None = None, **accounts: Pubkey) -> Instruction:
        """settle_voucher alone; `shown` is the voucher of a signer who signs the transaction."""
        passed = ix.SettleVoucherAccounts(
            tab=lane.tab.address, device=lane.device.address, proof=INSTRUCTIONS_SYSVAR_ID
        )
        return ix.settle_voucher(replace(passed, **accounts), nonce=lane.nonce, voucher=shown)

    def voucher(
        self, lane: Lane, amount: int, units: int | None = None, /, *, signer: Keypair | None = None, **message: Any
    ) -> list[Instruction]:
        """The native signature of the lane's signer, or of `signer`, and settle_voucher."""
        said = self.voucher_message(lane, amount, units, **message)
        return [self.signature(signer or lane.signer, said), self.settle(lane)]

    def batch_message(
        self, tab: Tab, entries: Sequence[BatchEntry] | bytes, *, expires_at: int = 0, edit: Edits | None = None
    ) -> bytes:
        """A batch voucher's 104 bytes over entries in any order, or over any bytes; `edit` alters the message."""
        listed = hashlib.sha256(raw(entries)).digest()
        bound = hashlib.sha256(b"worktab/batch" + tab.network.domain + bytes(tab.address) + listed).digest()
        return put(Message.batch(bound, expires_at).encode(), edit)

    def settle_batch(
        self,
        tab: Tab,
        entries: Sequence[BatchEntry] | bytes,
        devices: Iterable[Device | Pubkey],
        /,
        *,
        number: int = 0,
        shown: bytes | None = None,
        **accounts: Pubkey,
    ) -> Instruction:
        """settle_batch alone; `number` is the signer's, 0 the consumer's."""
        passed = ix.SettleBatchAccounts(tab=tab.address, proof=INSTRUCTIONS_SYSVAR_ID)
        sellers = [
            AccountMeta(each.address if isinstance(each, Device) else each, is_signer=False, is_writable=True)
            for each in devices
        ]
        return ix.settle_batch(
            replace(passed, **accounts),
            signer=number,
            entries=raw(entries),
            batch=shown,
            remaining_accounts=sellers,
        )

    def batch(
        self,
        tab: Tab,
        entries: Sequence[BatchEntry] | bytes,
        devices: Iterable[Device | Pubkey],
        /,
        *,
        number: int = 0,
        signer: Keypair | None = None,
        **message: Any,
    ) -> list[Instruction]:
        """The native signature of the consumer, or of `signer`, and settle_batch."""
        said = self.batch_message(tab, entries, **message)
        return [
            self.signature(signer or tab.consumer, said),
            self.settle_batch(tab, entries, devices, number=number),
        ]

    def close_lane(self, lane: Lane, /, *, signer: Keypair | None = None, **accounts: Pubkey) -> Instruction:
        """close_lane by who opened the lane, or by `signer`; the rent goes back to the world's payer."""
        passed = ix.CloseLaneAccounts(
            signer=(signer or lane.signer).pubkey(),
            network=lane.tab.network.address,
            tab=lane.tab.address,
            rent_payer=self.payer.pubkey(),
        )
        return ix.close_lane(replace(passed, **accounts), nonce=lane.nonce)

    def waive(self, lane: Lane, /, **accounts: Pubkey) -> Instruction:
        """close_lane by the owner of the lane's device, at once."""
        return self.close_lane(lane, signer=lane.device.owner, **{"device": lane.device.address} | accounts)

    def close_tab(self, tab: Tab, /, **accounts: Pubkey) -> Instruction:
        """close_tab; the rent goes back to the world's payer."""
        passed = ix.CloseTabAccounts(consumer=tab.consumer.pubkey(), tab=tab.address, rent_payer=self.payer.pubkey())
        return ix.close_tab(replace(passed, **accounts))


def raw(entries: Sequence[BatchEntry] | bytes) -> bytes:
    """Entries as bytes."""
    return entries if isinstance(entries, bytes) else b"".join(each.encode() for each in entries)
