"""What one wallet is owed on either path, and claiming it: earnings and rewards of devices, and rewards by root."""

from __future__ import annotations

from dataclasses import dataclass

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from worktab.chain.protocol import AccountData, Memcmp
from worktab.chain.sending import Confirmed
from worktab.core.errors import SimulationFailed
from worktab.epochs.proofs.root import Root
from worktab.epochs.proofs.sources import ProofSource
from worktab.program.generated import events, instructions
from worktab.program.generated.accounts import Device, Network
from worktab.program.generated.errors import NotInRoot
from worktab.program.program_error import ProgramError
from worktab.roles.base import Role
from worktab.roles.claiming import ClaimOutcome, Crank, DeviceClaim, device_claim, settled
from worktab.roles.errors import ClaimIncomplete, RootReplaced
from worktab.roles.fitting import fits
from worktab.roles.root_claiming import Due, RootOutcome, root_claim
from worktab.roles.root_proofs import RootProof, owed
from worktab.roles.roots import RootClaimer
from worktab.roles.snapshots import DeviceTable
from worktab.roles.wallets import Payability, Wallet, payability

_TRIES = 3


@dataclass(frozen=True, slots=True)
class Owed:
    """What a wallet is owed in a network, in base units.

    devices     its devices with something to claim
    rewards     of those devices, by receipts
    earnings    of those devices, before fee and burn
    epoch       of the newest final root; None before there is one, and where no source of proofs was asked
    proof       its proof under that root; None where the source names no position for it
    by_root     what the root owes it beyond what it claimed
    lifetime    what roots gave it in all
    page_open   whether the page that counts its claims is open
    account     whether its token account can be paid, has yet to be made, or cannot be paid now
    """

    wallet: Pubkey
    devices: tuple[tuple[Pubkey, Device], ...]
    rewards: int
    earnings: int
    epoch: int | None
    proof: RootProof | None
    by_root: int
    lifetime: int
    page_open: bool
    account: Payability

    @property
    def total(self) -> int:
        """All of it, before fee and burn."""
        return self.rewards + self.earnings + self.by_root


@dataclass(frozen=True, slots=True)
class WalletClaim:
    """What a claim paid a wallet, in base units, and the transactions it took.

    devices       what it did with each device
    root_outcome  what it did with the payee; None where the root owed it nothing
    by_root       paid from the root
    fee, burn     of the earnings
    failure       why claims for devices failed after the root's was paid
    """

    devices: tuple[DeviceClaim, ...]
    root_outcome: RootOutcome | None
    by_root: int
    fee: int
    burn: int
    confirmed: tuple[Confirmed, ...]
    failure: ClaimIncomplete | None = None

    @property
    def rewards(self) -> int:
        """Rewards of devices paid."""
        return sum(each.rewards for each in self.devices if each.outcome is ClaimOutcome.PAID)

    @property
    def earnings(self) -> int:
        """Earnings claimed, before fee and burn."""
        paid = (ClaimOutcome.PAID, ClaimOutcome.DISPUTED)
        return sum(each.earnings for each in self.devices if each.outcome in paid)

    @property
    def paid(self) -> int:
        """What the wallet received."""
        return self.rewards + self.earnings - self.fee - self.burn + self.by_root


class WalletClaimer(Role):
    """Finds and claims what wallets are owed; it needs no key but the fee payer's."""

    async def owed(self, wallet: Pubkey, source: ProofSource | None) -> Owed:
        """What a wallet is owed; by roots only where there is a `source` of proofs.

        Raises `NetworkNotFound`, `WrongCluster`, what `ProofSource.proof` raises, and `RootReplaced` for a proof that
        does not lead to the newest final root.
        """
        network = await self.reader.network()
        table = DeviceTable.decode(await self._devices(wallet))
        devices = tuple((address, device) for address, device in table if settled(device) is None)
        proof, page = None, None
        if source is not None and network.root_count:
            proof = await source.proof(Root.final(self.address, network), wallet)
        if proof is not None:
            page = (await self.reader.pages([proof.page]))[proof.page]
        paid = Wallet.of(wallet, network)
        return Owed(
            wallet,
            devices,
            rewards=sum(device.rewards_owed for _, device in devices),
            earnings=sum(device.earnings_owed for _, device in devices),
            epoch=network.root_epoch if source is not None and network.root_count else None,
            proof=proof,
            by_root=0 if proof is None else owed(network, proof, page),
            lifetime=0 if proof is None else proof.lifetime_reward,
            page_open=page is not None,
            account=payability(paid, await self.sender.chain.account(paid.account), network),
        )

    async def claim(self, owed: Owed, source: ProofSource | None, *, create_accounts: bool = True) -> WalletClaim:
        """Claim what a wallet is owed: in one transaction where all of it fits.

        A root that becomes final meanwhile is claimed from in the place of the older one. A missing page is opened, and
        so is a missing token account unless `create_accounts` is false, at the fee payer's cost.

        Raises `ClaimIncomplete` where claims for devices failed, and what `RootClaimer.claim` and `owed` raise.
        """
        for _ in range(_TRIES):
            try:
                return await self._claim(owed, create_accounts)
            except (NotInRoot, RootReplaced):
                owed = await self.owed(owed.wallet, source)
        return await self._claim(owed, create_accounts)

    async def _claim(self, owed: Owed, create_accounts: bool) -> WalletClaim:
        network = await self.reader.network()
        if owed.by_root and self._can_pay(owed, create_accounts):
            together = self._together(network, owed)
            if fits(self.sender, together):
                try:
                    return self._told(await self.sender.send(together, label="claim"), owed)
                except NotInRoot:
                    raise
                except (ProgramError, SimulationFailed):
                    pass  # one part of it, such as a page that somebody else opened, must not hold up the others
        return await self._apart(owed, create_accounts)

    def _can_pay(self, owed: Owed, create_accounts: bool) -> bool:
        return owed.account is Payability.READY or (owed.account is Payability.MISSING and create_accounts)

    def _together(self, network: Network, owed: Owed) -> list[Instruction]:
        """One transaction for all of it."""
        assert owed.proof is not None
        payer, wallet = self.sender.fee_payer.pubkey(), Wallet.of(owed.wallet, network)
        due = Due(owed.proof, owed.by_root, wallet, owed.account is Payability.MISSING)
        made = [wallet.creation(network, payer)] if due.missing else []
        if not owed.page_open:
            number = owed.proof.page
            passed = instructions.OpenPageAccounts(
                payer=payer, network=self.address, page=self.reader.page_address(number)
            )
            made.append(instructions.open_page(passed, number=number, program_id=self.program_id))
        made.append(root_claim(self, network, due))
        return [*made, device_claim(self, network, wallet, owed.devices)] if owed.devices else made

    def _told(self, confirmed: Confirmed, owed: Owed) -> WalletClaim:
        """What the events of one transaction say."""
        root, claimed = self.event(confirmed, events.RootClaimed), self.event(confirmed, events.Claimed)
        entries = claimed.entries if claimed else ()
        if root is None or len(entries) != len(owed.devices):
            unknown = tuple(
                DeviceClaim(address, owed.wallet, ClaimOutcome.UNKNOWN, device.rewards_owed, device.earnings_owed)
                for address, device in owed.devices
            )
            return WalletClaim(unknown, RootOutcome.UNKNOWN, 0, 0, 0, (confirmed,))
        devices = tuple(
            DeviceClaim(address, owed.wallet, ClaimOutcome(entry.outcome), entry.rewards, entry.earnings)
            for (address, _), entry in zip(owed.devices, entries, strict=True)
        )
        fee, burn = (claimed.fee, claimed.burn) if claimed else (0, 0)
        return WalletClaim(devices, RootOutcome(root.outcome), root.amount, fee, burn, (confirmed,))

    async def _apart(self, owed: Owed, create_accounts: bool) -> WalletClaim:
        """The root first: its claim is the one that a newer root can refuse."""
        outcome, by_root = None, 0
        confirmed: list[Confirmed] = []
        if owed.proof is not None and owed.by_root:
            claimer = RootClaimer(self.sender, self.address, program_id=self.program_id)
            if self._can_pay(owed, create_accounts):
                confirmed += await claimer.open_pages([owed.proof.page])
            claim = await claimer.claim(owed.proof, create_accounts=create_accounts)
            outcome, by_root = claim.outcome, claim.amount if claim.outcome is RootOutcome.PAID else 0
            confirmed += [claim.confirmed] if claim.confirmed else []
        if not owed.devices:
            return WalletClaim((), outcome, by_root, 0, 0, tuple(confirmed))
        crank, failure = Crank(self.sender, self.address, program_id=self.program_id), None
        try:
            report = await crank.claim_read(owed.devices, create_accounts=create_accounts)
        except ClaimIncomplete as error:
            if not confirmed:
                raise
            report, failure = error.report, error
        return WalletClaim(
            report.devices, outcome, by_root, report.fee, report.burn, (*confirmed, *report.confirmed), failure
        )

    async def _devices(self, wallet: Pubkey) -> list[tuple[Pubkey, AccountData]]:
        filters = [
            Memcmp(0, Device.DISCRIMINATOR + bytes(self.address)),
            Memcmp(Device.OFFSETS["payout"], bytes(wallet)),
        ]
        return await self.reader.chain.program_accounts(self.program_id, filters)
