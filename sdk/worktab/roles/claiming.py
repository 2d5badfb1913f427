"""Claims: paying devices' wallets what they are owed. Anyone may, for any device; only the fee payer signs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import partial

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from worktab.chain.sending import Confirmed
from worktab.core.errors import ChainError
from worktab.core.money import WHOLE_BPS
from worktab.program.generated import events, instructions
from worktab.program.generated.accounts import Device, Network
from worktab.roles.base import Role
from worktab.roles.errors import ClaimIncomplete
from worktab.roles.fitting import largest_fit
from worktab.roles.wallets import Payability, Wallet, payability


class ClaimOutcome(IntEnum):
    """What a claim did with a device.

    PAID          its wallet got its rewards, and its earnings less fee and burn
    NOTHING_OWED  there was nothing to pay
    OTHER_PAYOUT  its payout wallet changed meanwhile; claim again
    DISPUTED      a dispute is open; its rewards stay owed, its earnings were paid
    CLOSED        it is closed; nothing can be owed to it
    UNPAYABLE     its wallet's token account is missing, frozen, in other hands or wants a memo; all stays owed
    UNKNOWN       the transaction landed, but the node shows no logs that tell what it paid
    FAILED        its transaction failed; all stays owed
    """

    PAID = 0
    NOTHING_OWED = 1
    OTHER_PAYOUT = 2
    DISPUTED = 3
    CLOSED = 4
    UNPAYABLE = 5
    UNKNOWN = 254
    FAILED = 255


_TOLD = frozenset(ClaimOutcome) - {ClaimOutcome.UNKNOWN, ClaimOutcome.FAILED}
"""What the program itself says of a device."""


@dataclass(frozen=True, slots=True)
class DeviceClaim:
    """What a claim did with one device.

    payout    its payout wallet; None for a closed device
    rewards   base units paid with the outcome PAID, still owed with any other; as last read where no event tells
    earnings  base units from consumers, before fee and burn: paid with the outcomes PAID and DISPUTED, and so on
    """

    device: Pubkey
    payout: Pubkey | None
    outcome: ClaimOutcome
    rewards: int
    earnings: int = 0


@dataclass(frozen=True, slots=True)
class ClaimReport:
    """What a claim did with each device, in the order asked for, and the transactions it took.

    fee   base units of the earnings that the network kept
    burn  base units of the earnings that were destroyed
    """

    devices: tuple[DeviceClaim, ...]
    confirmed: tuple[Confirmed, ...]
    fee: int = 0
    burn: int = 0

    @property
    def rewards(self) -> int:
        """Base units of rewards paid."""
        return sum(each.rewards for each in self.devices if each.outcome is ClaimOutcome.PAID)

    @property
    def earnings(self) -> int:
        """Base units of earnings claimed, before fee and burn."""
        paid = (ClaimOutcome.PAID, ClaimOutcome.DISPUTED)
        return sum(each.earnings for each in self.devices if each.outcome in paid)

    @property
    def paid(self) -> int:
        """Base units that the wallets received: rewards, and earnings less fee and burn."""
        return self.rewards + self.earnings - self.fee - self.burn


class Crank(Role):
    """Claims for anybody's devices, rewards and earnings; it needs no key but the fee payer's."""

    async def claim(self, devices: Sequence[Pubkey] | None = None, *, create_accounts: bool = True) -> ClaimReport:
        """Pay what these devices are owed, by default all devices of the network.

        Devices of one payout wallet share transactions, as many as fit one. Devices that cannot be paid now are
        reported and cost nothing. A missing token account of a payout wallet is created at the fee payer's cost, its
        rent then belonging to the wallet, unless `create_accounts` is false.

        Raises `ClaimIncomplete` after all transactions were tried if some failed, `NetworkNotFound`, `WrongCluster`,
        and `DeviceNotFound` for an address that is no device of this network.
        """
        if devices is None:
            return await self.claim_read(await self.reader.devices(), create_accounts=create_accounts)
        wanted = list(dict.fromkeys(devices))
        found = await self.reader.find_devices(wanted)
        return await self.claim_read(zip(wanted, found, strict=True), create_accounts=create_accounts)

    async def claim_read(
        self, devices: Iterable[tuple[Pubkey, Device | None]], *, create_accounts: bool = True
    ) -> ClaimReport:
        """As `claim`, for devices that were just read; None stands for one that is closed."""
        run = _Run(self, await self.reader.network(), create_accounts)
        by_wallet: dict[Pubkey, list[tuple[Pubkey, Device]]] = {}
        for address, device in devices:
            known = settled(device)
            run.note(address, device, known or ClaimOutcome.FAILED)
            if device is not None and known is None:
                by_wallet.setdefault(device.payout, []).append((address, device))
        for wallet, members in by_wallet.items():
            await run.pay(wallet, members)
        return run.report()


def settled(device: Device | None) -> ClaimOutcome | None:
    """What can be said of a device without a transaction, by the program's rules and in their order."""
    if device is None:
        return ClaimOutcome.CLOSED
    # Sales can earn a demand-backed reward only as far as the fee and burn behind them reach.
    rewards = device.rewards_owed or (device.units_unrewarded and device.reward_waiting)
    if not rewards and not device.earnings_owed:
        return ClaimOutcome.NOTHING_OWED
    return ClaimOutcome.DISPUTED if device.open_disputes and not device.earnings_owed else None


class _Run:
    """One claim in progress."""

    def __init__(self, role: Role, network: Network, create_accounts: bool) -> None:
        self._role = role
        self._network = network
        self._create_accounts = create_accounts
        self._claims: dict[Pubkey, DeviceClaim] = {}
        self._confirmed: list[Confirmed] = []
        self._failures: list[ChainError] = []
        self._fee = self._burn = 0

    def note(self, address: Pubkey, device: Device | None, outcome: ClaimOutcome) -> None:
        """Remember what became of a device that is owed what it says itself."""
        payout, rewards, earnings = (
            (device.payout, device.rewards_owed, device.earnings_owed) if device else (None, 0, 0)
        )
        self._claims[address] = DeviceClaim(address, payout, outcome, rewards, earnings)

    async def pay(self, payout: Pubkey, members: list[tuple[Pubkey, Device]]) -> None:
        """Claim for the devices of one payout wallet."""
        network, sender = self._network, self._role.sender
        wallet = Wallet.of(payout, network)
        state = payability(wallet, await sender.chain.account(wallet.account), network)
        missing = state is Payability.MISSING
        if state is Payability.BLOCKED or (missing and not self._create_accounts):
            for address, device in members:
                self.note(address, device, ClaimOutcome.UNPAYABLE)
            return
        while members:
            # Until one has landed, each makes the account where it is missing: the one before may have failed.
            build = partial(self._instructions, wallet, members, missing)
            count = largest_fit(sender, build, len(members))
            batch, members = members[:count], members[count:]
            try:
                confirmed = await sender.send(build(count), label="claim")
            except ChainError as error:
                self._failures.append(error)
                continue
            missing = False
            self._confirmed.append(confirmed)
            self._note_paid(confirmed, batch)

    def report(self) -> ClaimReport:
        """The outcome of it all. Raises `ClaimIncomplete` if a transaction failed."""
        report = ClaimReport(tuple(self._claims.values()), tuple(self._confirmed), self._fee, self._burn)
        if self._failures:
            count = sum(each.outcome is ClaimOutcome.FAILED for each in report.devices)
            message = f"Claims for {count} of {len(report.devices)} devices failed"
            raise ClaimIncomplete(message, got=str(self._failures[0]), report=report) from self._failures[0]
        return report

    def _instructions(
        self, wallet: Wallet, members: list[tuple[Pubkey, Device]], create: bool, count: int
    ) -> list[Instruction]:
        claim = device_claim(self._role, self._network, wallet, members[:count])
        if not create:
            return [claim]
        return [wallet.creation(self._network, self._role.sender.fee_payer.pubkey()), claim]

    def _note_paid(self, confirmed: Confirmed, batch: list[tuple[Pubkey, Device]]) -> None:
        event = self._role.event(confirmed, events.Claimed)
        if event is None or len(event.entries) != len(batch):
            for address, device in batch:
                self.note(address, device, ClaimOutcome.UNKNOWN)
            return
        self._fee, self._burn = self._fee + event.fee, self._burn + event.burn
        for (address, device), entry in zip(batch, event.entries, strict=True):
            if entry.outcome not in _TOLD:
                self.note(address, device, ClaimOutcome.UNKNOWN)
                continue
            outcome = ClaimOutcome(entry.outcome)
            payout = None if outcome is ClaimOutcome.CLOSED else device.payout
            self._claims[address] = DeviceClaim(address, payout, outcome, entry.rewards, entry.earnings)


def device_claim(role: Role, network: Network, wallet: Wallet, devices: Sequence[tuple[Pubkey, Device]]) -> Instruction:
    """The instruction that pays a wallet what these devices of it are owed."""
    passed = instructions.ClaimAccounts(
        network=role.address,
        vault=network.vault,
        mint=network.mint,
        payout=wallet.address,
        payout_account=wallet.account,
        token_program=network.token_program,
    )
    claim = instructions.claim(
        passed,
        payout_bump=wallet.bump,
        program_id=role.program_id,
        remaining_accounts=[AccountMeta(device, is_signer=False, is_writable=True) for device, _ in devices],
    )
    # What an earlier claim could not burn is burnt also where the network burns no more.
    if network.burn_bps or any(device.burn_carry >= WHOLE_BPS for _, device in devices):
        claim = _writing(claim, network.mint)
    return claim


def _writing(instruction: Instruction, account: Pubkey) -> Instruction:
    """The instruction with an account made writable: the IDL cannot say that only some claims burn."""
    metas = [
        AccountMeta(meta.pubkey, meta.is_signer, meta.is_writable or meta.pubkey == account)
        for meta in instruction.accounts
    ]
    return Instruction(instruction.program_id, instruction.data, metas)
