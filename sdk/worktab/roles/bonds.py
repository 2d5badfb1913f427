"""A device's bond: put in, told to leave, and paid out by the device's owner (PROTOCOL section 5, disputes)."""

from __future__ import annotations

from dataclasses import dataclass

from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.chain.sending import Confirmed, Sender
from worktab.chain.tokens import associated_account, create_associated_account
from worktab.core.times import utc
from worktab.program.generated import PROGRAM_ID, events, instructions
from worktab.program.generated.accounts import Network
from worktab.program.generated.errors import BondHeld, BondNotDue, DisputeOpen
from worktab.roles.base import Role
from worktab.roles.decoding import class_of
from worktab.roles.forecast import capacity_in
from worktab.roles.reading import DeviceView
from worktab.roles.terms import DeviceStatus


@dataclass(frozen=True, slots=True)
class BondStatus:
    """A device's bond and what it is tied to; amounts in base units, capacities in work units an epoch.

    bond           all of it, which answers for the device
    held           what SLAs hold of it until they end
    leaving        what is to leave; it answers for the device until it is paid out, and no longer for new work
    leaves_at      from when on that may be paid out, Unix seconds; 0 while nothing leaves
    least          what the device's class asks for; with less, no receipt is taken and capacity falls to 0
    capacity       capacity in this epoch
    next_capacity  capacity from the next epoch on
    open_disputes  while there is one, nothing is paid out
    now            the chain's clock at the reading, Unix seconds
    ended          whether the device is retired or suspended: it does no more work that a bond is asked for
    """

    bond: int
    held: int
    leaving: int
    leaves_at: int
    least: int
    capacity: int
    next_capacity: int
    open_disputes: int
    now: int
    ended: bool = False

    @property
    def staying(self) -> int:
        """What is not leaving."""
        return max(0, self.bond - self.leaving)

    @property
    def free(self) -> int:
        """What neither SLAs hold nor is leaving: it counts towards the least bond of the class."""
        return max(0, self.staying - self.held)

    @property
    def promisable(self) -> int:
        """What a new SLA may hold: what is free beyond the least bond of the class."""
        return max(0, self.free - self.least)

    @property
    def missing(self) -> int:
        """What the class asks for beyond what is free; nothing once the device ended."""
        return 0 if self.ended else max(0, self.least - self.free)

    @property
    def may_finish(self) -> bool:
        """Whether what leaves can be paid out now."""
        return self.leaving > 0 and self.now >= self.leaves_at and self.open_disputes == 0

    def capacity_after(self, leaving: int) -> int:
        """Capacity from the next epoch on, were `leaving` base units of the bond to leave in all.

        It falls to 0 where less than the least bond is free then, and does not come back by itself.
        """
        return self.next_capacity if self.bond - leaving - self.held >= self.least else 0

    @classmethod
    def of(cls, view: DeviceView) -> BondStatus:
        """The bond of a device as it was read."""
        device, network = view.device, view.network
        return cls(
            bond=device.bond,
            held=device.bond_held,
            leaving=device.unbonding,
            leaves_at=device.unbonding_at,
            least=class_of(network, device).least_bond,
            capacity=capacity_in(device, max(0, view.now - network.created_at) // network.epoch_length),
            next_capacity=device.next_capacity,
            open_disputes=device.open_disputes,
            now=view.now,
            ended=device.status != DeviceStatus.ACTIVE,
        )


@dataclass(frozen=True, slots=True)
class BondChange:
    """A bond after a call: `amount` base units moved by it, `status` as read after it.

    `confirmed` is None where the chain showed it to be done already.
    """

    amount: int
    status: BondStatus
    confirmed: Confirmed | None


class BondKeeper(Role):
    """Keeps the bonds of one owner's devices; `owner` signs, the sender's fee payer pays fees and rent.

    Every call that sends raises what `Sender.send` raises; a refusal is the program's own error.
    """

    def __init__(self, sender: Sender, network: Pubkey, owner: Keypair, *, program_id: Pubkey = PROGRAM_ID) -> None:
        super().__init__(sender, network, program_id=program_id)
        self.owner = owner

    async def status(self, device: Pubkey) -> BondStatus:
        """A device's bond. Raises `DeviceNotFound`, `NetworkNotFound`, `WrongCluster`."""
        return BondStatus.of(await self.reader.view(device))

    async def deposit(self, device: Pubkey, amount: int) -> BondChange:
        """Add `amount` base units out of the owner's associated token account. A repeat deposits again.

        Capacity that fell to 0 for want of bond does not come back by itself: see `Owner.update`.
        """
        view = await self.reader.view(device)
        return await self._deposit(view, amount)

    async def deposit_up_to(self, device: Pubkey, total: int) -> BondChange:
        """Add what is missing for `total` base units of bond to stay. A repeat adds nothing."""
        view = await self.reader.view(device)
        status = BondStatus.of(view)
        missing = total - status.staying
        return BondChange(0, status, None) if missing <= 0 else await self._deposit(view, missing)

    async def leave(self, device: Pubkey, amount: int) -> BondChange:
        """Let `amount` base units leave in all, in place of what was leaving; 0 keeps everything.

        They are paid out by `finish` once the network's unbonding delay has passed. Where as much is leaving already
        nothing is sent, so that a repeat does not start the delay again. Raises `BondHeld` for more than SLAs leave
        free.
        """
        view = await self.reader.view(device)
        status = BondStatus.of(view)
        if amount > status.bond - status.held:
            raise BondHeld(
                expected=f"at most {max(0, status.bond - status.held)}", got=f"{amount}, while SLAs hold {status.held}"
            )
        if amount == status.leaving:
            return BondChange(amount, status, None)
        passed = self._withdraw(view, self._own_account(view.network), amount)
        return await self._send(device, [passed], amount, "leave bond")

    async def finish(self, device: Pubkey, *, destination: Pubkey | None = None) -> BondChange:
        """Pay out what was told to leave; nothing that leaves is a success.

        destination  a token account of the network's mint; by default the owner's associated token account, which is
                     made at the fee payer's cost where it is missing

        Raises `BondNotDue` before its time, and `DisputeOpen` while a dispute about the device is open.
        """
        view = await self.reader.view(device)
        status = BondStatus.of(view)
        if not status.leaving:
            return BondChange(0, status, None)
        if status.now < status.leaves_at:
            raise BondNotDue(expected=f"{utc(status.leaves_at)} at the earliest", got=utc(status.now))
        if status.open_disputes:
            raise DisputeOpen(expected="none open", got=str(status.open_disputes))
        network, before = view.network, []
        if destination is None:
            payer, owner = self.sender.fee_payer.pubkey(), self.owner.pubkey()
            destination = self._own_account(network)
            before = [
                create_associated_account(payer=payer, owner=owner, mint=network.mint, program=network.token_program)
            ]
        passed = self._withdraw(view, destination, None)
        return await self._send(device, [*before, passed], status.leaving, "finish bond")

    async def _deposit(self, view: DeviceView, amount: int) -> BondChange:
        network = view.network
        passed = instructions.DepositBondAccounts(
            owner=self.owner.pubkey(),
            network=self.address,
            device=view.address,
            source=self._own_account(network),
            mint=network.mint,
            vault=network.vault,
            token_program=network.token_program,
        )
        instruction = instructions.deposit_bond(passed, amount=amount, program_id=self.program_id)
        return await self._send(view.address, [instruction], amount, "deposit bond")

    def _withdraw(self, view: DeviceView, destination: Pubkey, amount: int | None) -> Instruction:
        passed = instructions.WithdrawBondAccounts(
            owner=self.owner.pubkey(),
            network=self.address,
            device=view.address,
            destination=destination,
            mint=view.network.mint,
            vault=view.network.vault,
            token_program=view.network.token_program,
        )
        return instructions.withdraw_bond(passed, amount=amount, program_id=self.program_id)

    def _own_account(self, network: Network) -> Pubkey:
        return associated_account(self.owner.pubkey(), network.mint, network.token_program)

    async def _send(self, device: Pubkey, send: list[Instruction], amount: int, label: str) -> BondChange:
        confirmed = await self.sender.send(send, [self.owner], label=label)
        event = self.event(confirmed, events.BondWithdrawn)
        return BondChange(event.amount if event else amount, await self.status(device), confirmed)
