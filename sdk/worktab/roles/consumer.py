"""The party that buys work: the consumer itself, or a delegate that spends from its tab within limits."""

from __future__ import annotations

from dataclasses import dataclass

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.chain.sending import Confirmed, Sender
from worktab.chain.tokens import associated_account
from worktab.core.vouchers import SignedVoucher
from worktab.program.generated import PROGRAM_ID, events, instructions
from worktab.program.generated.errors import ForeignLane, OverReserve
from worktab.roles.base import Role
from worktab.roles.tabs import TabView


@dataclass(frozen=True, slots=True)
class OpenedTab:
    """A consumer's tab; `confirmed` is None where it was open already."""

    address: Pubkey
    confirmed: Confirmed | None


@dataclass(frozen=True, slots=True)
class Reservation:
    """A lane and what it holds.

    nonce      the lane's nonce
    index      the device's index in the network
    reserved   base units that the lane holds now, not yet moved
    confirmed  the transaction
    """

    nonce: int
    index: int
    reserved: int
    confirmed: Confirmed


class Consumer(Role):
    """Buys work in one network, with a key that is the consumer's, or a delegate's of the consumer `tab_of`.

    The sender's fee payer pays fees and rent, whoever it is: neither a consumer nor a delegate needs any SOL.
    Every call that sends raises what `Sender.send` raises; a refusal is the program's own error.
    """

    def __init__(
        self,
        sender: Sender,
        network: Pubkey,
        key: Keypair,
        *,
        tab_of: Pubkey | None = None,
        program_id: Pubkey = PROGRAM_ID,
    ) -> None:
        super().__init__(sender, network, program_id=program_id)
        self.key = key
        self.consumer = tab_of or key.pubkey()
        self.tab_address = self.reader.tab_address(self.consumer)

    async def tab(self) -> TabView:
        """The tab. Raises `TabNotFound`, `WrongCluster`."""
        return await self.reader.tab(self.consumer)

    async def open(self) -> OpenedTab:
        """Open the tab; one that is open already is a success. Raises `NetworkNotFound`, `WrongCluster`."""
        await self.reader.network()
        [held] = await self.reader.find_tabs([self.tab_address])
        if held is not None:
            return OpenedTab(self.tab_address, None)
        passed = instructions.OpenTabAccounts(
            payer=self.sender.fee_payer.pubkey(),
            consumer=self.key.pubkey(),
            network=self.address,
            tab=self.tab_address,
        )
        opened = instructions.open_tab(passed, program_id=self.program_id)
        return OpenedTab(self.tab_address, await self.sender.send([opened], [self.key], label="open tab"))

    async def deposit(self, amount: int, *, source_owner: Keypair | None = None) -> Confirmed:
        """Put `amount` base units into the tab, out of the associated token account of `source_owner`.

        That is by default this role's own key; anyone may deposit for anyone. Not safe to repeat: it deposits again.
        """
        network, depositor = await self.reader.network(), source_owner or self.key
        passed = instructions.DepositAccounts(
            network=self.address,
            tab=self.tab_address,
            depositor=depositor.pubkey(),
            source=associated_account(depositor.pubkey(), network.mint, network.token_program),
            mint=network.mint,
            vault=network.vault,
            token_program=network.token_program,
        )
        instruction = instructions.deposit(passed, amount=amount, program_id=self.program_id)
        return await self.sender.send([instruction], [depositor], label="deposit")

    async def reserve(self, device: Pubkey, amount: int, *, nonce: int | None = None) -> Reservation:
        """Set `amount` base units aside for a device: on a new lane, or more on the lane of `nonce`.

        This key then signs the lane's vouchers. A delegate is charged at once, in full, and for good. Not safe to
        repeat: it reserves again.
        """
        await self.reader.network()
        passed = instructions.ReserveLaneAccounts(
            payer=self.sender.fee_payer.pubkey(),
            signer=self.key.pubkey(),
            network=self.address,
            tab=self.tab_address,
            device=device,
        )
        instruction = instructions.reserve_lane(passed, nonce=nonce, amount=amount, program_id=self.program_id)
        confirmed = await self.sender.send([instruction], [self.key], label="reserve lane")
        event = self.event(confirmed, events.LaneReserved)
        view = await self.tab()
        lane = view.lane(event.nonce) if event else view.lanes[-1]
        return Reservation(lane.nonce, lane.index, lane.reserved, confirmed)

    def voucher(
        self,
        view: TabView,
        device: Pubkey,
        nonce: int,
        *,
        amount: int,
        units: int,
        seq: int,
        head: bytes,
        expires_at: int = 0,
    ) -> SignedVoucher:
        """Sign for what a lane owes its device in all; nothing is sent.

        view        this tab, as read since the lane's newest reservation
        device      the address of the lane's device; another makes a voucher that nobody can use
        amount      base units owed on the lane so far
        units       work units bought on the lane so far
        seq, head   the device's job count and chain head after the lane's newest job
        expires_at  the first second in which it is no longer good; 0 for never

        Raises `LaneNotFound`, `ForeignLane` (another key signs for the lane), `OverReserve` (the lane never held as
        much), and `InputError` for what is out of range.
        """
        lane = view.lane(nonce)
        signer = view.signer_of(lane)
        if view.address != self.tab_address or signer != self.key.pubkey():
            raise ForeignLane(expected=f"the signer {signer}", got=str(self.key.pubkey()))
        if amount > lane.most:
            raise OverReserve(expected=f"at most {lane.most}", got=str(amount))
        return SignedVoucher.sign(
            self.key,
            view.tab.domain,
            view.address,
            device,
            lane.index,
            nonce,
            amount=amount,
            units=units,
            seq=seq,
            head=head,
            expires_at=expires_at,
        )
