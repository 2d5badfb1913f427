"""The party that buys work: the consumer itself, or a delegate that spends from its tab within limits."""

from __future__ import annotations

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.chain.sending import Confirmed
from worktab.chain.tokens import associated_account, create_associated_account
from worktab.core.vouchers import SignedVoucher
from worktab.program.generated import events, instructions
from worktab.program.generated.errors import ForeignLane, LaneNotFound, OverReserve
from worktab.program.generated.types import DelegateTerms
from worktab.roles.delegating import holds_terms, slot_for, slot_of
from worktab.roles.outcomes import ChosenSlot, LaneEnd, OpenedTab, Reservation, Withdrawal
from worktab.roles.paying import Payer
from worktab.roles.spending import Spending, spending_of
from worktab.roles.tabs import DelegateStatus, TabView

__all__ = ["ChosenSlot", "Consumer", "LaneEnd", "OpenedTab", "Reservation", "Withdrawal"]


class Consumer(Payer):
    """Buys work in one network, with a key that is the consumer's, or a delegate's of the consumer `tab_of`.

    The sender's fee payer pays fees and rent, whoever it is: neither a consumer nor a delegate needs any SOL. The
    rent of the tab and of every lane goes back to who opened the tab.

    Every call that sends raises what `Sender.send` raises; a refusal is the program's own error. Calls that may be
    repeated say so: what the chain shows to be done is a success.
    """

    async def spending(self) -> Spending:
        """What the tab holds, what was spent, and what each delegate has left. Raises as `tab` does."""
        return spending_of(await self.tab(), await self.sender.chain.unix_time())

    async def open(self) -> OpenedTab:
        """Open the tab; one that is open already is a success. Raises `NetworkNotFound`, `WrongCluster`."""
        self._require_consumer()
        await self.reader.network()
        [held] = await self.reader.find_tabs([self.tab_address])
        if held is not None:
            return OpenedTab(self.tab_address, None)
        passed = instructions.OpenTabAccounts(
            payer=self.sender.fee_payer.pubkey(), consumer=self.consumer, network=self.address, tab=self.tab_address
        )
        opened = instructions.open_tab(passed, program_id=self.program_id)
        return OpenedTab(self.tab_address, await self.sender.send([opened], [self.key], label="open tab"))

    async def deposit(self, amount: int, *, source_owner: Keypair | None = None) -> Confirmed:
        """Put `amount` base units into the tab, out of the associated token account of `source_owner`.

        That is by default this role's own key; anyone may deposit for anyone. A repeat deposits again.
        """
        depositor = source_owner or self.key
        await self.tab()
        network = await self.reader.network()
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

    async def withdraw(self, amount: int | None = None, *, destination: Pubkey | None = None) -> Withdrawal:
        """Take `amount` base units out of the balance, by default all of it; nothing there to take is a success.

        destination  a token account of the network's mint; by default the consumer's associated token account, which
                     is made at the fee payer's cost where it is missing
        """
        self._require_consumer()
        balance, network = (await self.tab()).tab.balance, await self.reader.network()
        amount = balance if amount is None else amount
        mint, program, before = network.mint, network.token_program, []
        if destination is None:
            destination, payer = associated_account(self.consumer, mint, program), self.sender.fee_payer.pubkey()
            before = [create_associated_account(payer=payer, owner=self.consumer, mint=mint, program=program)]
        if not amount:
            return Withdrawal(0, destination, None)
        passed = instructions.WithdrawAccounts(
            consumer=self.consumer,
            network=self.address,
            tab=self.tab_address,
            destination=destination,
            mint=mint,
            vault=network.vault,
            token_program=program,
        )
        withdrawn = instructions.withdraw(passed, amount=amount, program_id=self.program_id)
        confirmed = await self.sender.send([*before, withdrawn], [self.key], label="withdraw")
        return Withdrawal(amount, destination, confirmed)

    async def set_delegate(
        self,
        key: Pubkey,
        *,
        slot: int | None = None,
        allowance: int,
        period_limit: int = 0,
        period_length: int = 0,
        lane_limit: int | None = None,
        expires_at: int = 0,
        classes: int = 255,
    ) -> ChosenSlot:
        """Let a key spend from the tab within limits, such as an agent's session key.

        key            Ed25519; it signs the vouchers of the lanes it opens, and needs no SOL
        slot           1 to 4; by default the key's own where it has one, else a free one
        allowance      base units it may spend in all
        period_limit   base units it may spend in a period of `period_length` seconds; without a length, no such limit
        lane_limit     the most one of its lanes may hold and have paid together; by default the allowance
        expires_at     Unix seconds from when on it may no longer spend; 0 for never
        classes        classes of devices it may buy from: bit n for class n

        It is charged in full when it reserves or pays an invoice, and what it did not use is not given back. Terms
        replace the key's earlier ones whole: nothing counts as spent yet. A repeat before anything was spent changes
        nothing. Raises `NoFreeSlot`, and `SlotInUse` for a slot whose lanes another key signs for.
        """
        self._require_consumer()
        view = await self.tab()
        slot = slot_for(view, key) if slot is None else slot
        terms = DelegateTerms(
            key=key,
            allowance=allowance,
            period_limit=period_limit,
            period_length=period_length,
            lane_limit=allowance if lane_limit is None else lane_limit,
            expires_at=expires_at,
            classes=classes,
        )
        if holds_terms(view.delegate(slot), terms):
            return ChosenSlot(slot, None)
        return ChosenSlot(slot, await self._set_delegate(slot, terms, "set delegate"))

    async def revoke(self, delegate: int | Pubkey) -> Confirmed | None:
        """End a delegate's spending at once, by its slot or its key; None where it may not spend already.

        Vouchers it signed remain good. Its slot is free as soon as no lane names it.
        """
        self._require_consumer()
        view = await self.tab()
        slot = delegate if isinstance(delegate, int) else slot_of(view, delegate)
        if slot is None or view.delegate(slot).status != DelegateStatus.ACTIVE:
            return None
        return await self._set_delegate(slot, None, "revoke delegate")

    async def reserve(self, device: Pubkey, amount: int, *, nonce: int | None = None) -> Reservation:
        """Set `amount` base units aside for a device: on a new lane, or more on the lane of `nonce`.

        This key then signs the lane's vouchers. A delegate is charged at once, in full, and for good. A repeat
        reserves again. Raises `TabNotFound`, `DeviceNotFound`, `WrongCluster`.
        """
        before, held = await self.tab(), await self.reader.device(device)
        passed = instructions.ReserveLaneAccounts(
            payer=self.sender.fee_payer.pubkey(),
            signer=self.key.pubkey(),
            network=self.address,
            tab=self.tab_address,
            device=device,
        )
        instruction = instructions.reserve_lane(passed, nonce=nonce, amount=amount, program_id=self.program_id)
        confirmed = await self.sender.send([instruction], [self.key], label="reserve lane")
        event, view = self.event(confirmed, events.LaneReserved), await self.tab()
        if nonce is None:
            nonce = event.nonce if event else _newest(view, before, held.index)
        # The device's owner may have ended the lane meanwhile.
        reserved = view.lane(nonce).reserved if view.has_lane(nonce) else 0
        return Reservation(nonce, held.index, reserved, confirmed)

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

    async def close_lane(self, nonce: int) -> LaneEnd:
        """Start a lane's end; or, called again once its delay has passed, end it and get back what is not settled.

        Until then its vouchers settle, and a call changes nothing. A lane that has ended is a success. Raises
        `LaneNotFound` for one that never was.
        """
        view = await self.tab()
        if not view.has_lane(nonce):
            if nonce >= view.tab.nonce:
                view.lane(nonce)
            return LaneEnd(nonce, True, 0, 0, None)
        lane = view.lane(nonce)
        if lane.close_at and await self.sender.chain.unix_time() < lane.close_at:
            return LaneEnd(nonce, False, 0, lane.close_at, None)
        passed = instructions.CloseLaneAccounts(
            signer=self.key.pubkey(), network=self.address, tab=self.tab_address, rent_payer=view.tab.rent_payer
        )
        instruction = instructions.close_lane(passed, nonce=nonce, program_id=self.program_id)
        try:
            confirmed = await self.sender.send([instruction], [self.key], label="close lane")
        except LaneNotFound:
            return LaneEnd(nonce, True, 0, 0, None)
        ended = self.event(confirmed, events.LaneClosed)
        if ended is not None:
            return LaneEnd(nonce, True, ended.returned, 0, confirmed)
        left = [each for each in (await self.tab()).lanes if each.nonce == nonce]
        if left:
            return LaneEnd(nonce, False, 0, left[0].close_at, confirmed)
        return LaneEnd(nonce, True, lane.reserved, 0, confirmed)

    async def close(self) -> Confirmed | None:
        """Close the tab, whose balance was withdrawn and whose lanes have ended; None where there is none.

        The rent goes back to who opened it. Raises `TabNotEmpty`, and `TooSoon` for as long as a tab opened again
        could repeat a nonce.
        """
        self._require_consumer()
        [view] = await self.reader.find_tabs([self.tab_address])
        if view is None:
            return None
        passed = instructions.CloseTabAccounts(
            consumer=self.consumer, tab=self.tab_address, rent_payer=view.tab.rent_payer
        )
        closed = instructions.close_tab(passed, program_id=self.program_id)
        return await self.sender.send([closed], [self.key], label="close tab")

    async def _set_delegate(self, slot: int, terms: DelegateTerms | None, label: str) -> Confirmed:
        passed = instructions.SetDelegateAccounts(consumer=self.consumer, tab=self.tab_address)
        instruction = instructions.set_delegate(passed, slot=slot, terms=terms, program_id=self.program_id)
        return await self.sender.send([instruction], [self.key], label=label)


def _newest(view: TabView, before: TabView, index: int) -> int:
    """The lane of a device that was not there before, where no event names it."""
    known = {lane.nonce for lane in before.lanes}
    return max((lane.nonce for lane in view.lanes if lane.index == index and lane.nonce not in known), default=-1)
