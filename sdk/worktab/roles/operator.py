"""The party that runs a network: its authority, its guardian, or who will be its next authority."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.chain.lookup import create_table, extend_table, fetch_table
from worktab.chain.sending import Confirmed, Sender
from worktab.chain.tokens import associated_account, read_mint
from worktab.core.addresses import INSTRUCTIONS_SYSVAR_ID, find_network
from worktab.core.errors import InputError
from worktab.program.generated import PROGRAM_ID, accounts, events, instructions
from worktab.roles.changes import (
    AddAttestor,
    AuthorityChange,
    Cancel,
    DisputeChange,
    NetworkChange,
    PoolWithdrawal,
    RemoveAttestor,
    RewardPathChange,
    ThresholdChange,
    encode_change,
)
from worktab.roles.errors import NetworkExists
from worktab.roles.ledger import Ledger, ledger_of
from worktab.roles.snapshots import DeviceTable
from worktab.roles.stats import DeviceStats, NetworkStats, network_stats, stats_of_devices
from worktab.roles.terms import NetworkPlan, Pause
from worktab.roles.treasury import Treasury


@dataclass(frozen=True, slots=True)
class CreatedNetwork:
    """A new network, its vault, and the transaction that made both."""

    address: Pubkey
    vault: Pubkey
    confirmed: Confirmed


@dataclass(frozen=True, slots=True)
class ProposedUpdate:
    """A proposed change; `effective_at` is when it may be applied in Unix seconds, 0 for one that needs no delay."""

    effective_at: int
    confirmed: Confirmed


class Operator(Treasury):
    """Creates and runs one network; acts with the key it is given, which need not be the one that pays the fees.

    A guardian uses `set_pause` and a proposed authority `accept_authority` through an operator with their own key.
    Every call that sends raises what `Sender.send` raises; a refusal is the program's own error.
    """

    @classmethod
    def of_plan(cls, sender: Sender, plan: NetworkPlan, *, authority: Keypair, program_id: Pubkey = PROGRAM_ID) -> Self:
        """The operator of the network that `authority` creates, or has created, by this plan."""
        network, _ = find_network(program_id, authority.pubkey(), plan.id)
        return cls(sender, network, authority=authority, program_id=program_id)

    async def create_network(self, plan: NetworkPlan) -> CreatedNetwork:
        """Create the network and its vault; this operator's key becomes its creator and first authority.

        Raises `InputError` (this operator is of another network, or there is no such mint) and `NetworkExists`.
        """
        chain, creator = self.sender.chain, self.authority.pubkey()
        address, _ = find_network(self.program_id, creator, plan.id)
        if address != self.address:
            raise InputError(
                "The plan is for another network than this operator's",
                expected=str(self.address),
                got=str(address),
                next_step="Make the operator with Operator.of_plan()",
            )
        mint = await read_mint(chain, plan.mint)
        existing = await chain.account(address)
        if existing is not None and existing.owner == self.program_id:
            raise NetworkExists(f"{creator} has a network of number {plan.id} already", got=str(address))
        vault = associated_account(address, mint.address, mint.program)
        created = instructions.CreateNetworkAccounts(
            payer=self.sender.fee_payer.pubkey(),
            creator=creator,
            network=address,
            mint=mint.address,
            vault=vault,
            token_program=mint.program,
        )
        terms = plan.encode(await chain.genesis_hash())
        instruction = instructions.create_network(created, terms=terms, program_id=self.program_id)
        return CreatedNetwork(
            address, vault, await self.sender.send([instruction], [self.authority], label="create network")
        )

    async def propose_update(self, change: NetworkChange) -> ProposedUpdate:
        """Announce a change, which replaces one that is pending, or withdraw what is pending (`Cancel`).

        A change that could not be applied is refused at once.
        """
        return await self._propose(change)

    async def add_attestor(self, key: Pubkey, threshold: int | None = None) -> ProposedUpdate:
        """Announce one more attestor, and the number of them that must agree then; voids older votes once applied.

        By default that number stays as it is, or becomes the least that is more than half.
        """
        if threshold is None:
            network = await self.reader.network()
            threshold = max(network.threshold, (network.attestor_count + 1) // 2 + 1)
        return await self.propose_update(AddAttestor(key, threshold))

    async def remove_attestor(self, key: Pubkey) -> Confirmed:
        """Remove an attestor at once, which voids all votes; the threshold stays or falls to those that are left."""
        return (await self.propose_update(RemoveAttestor(key))).confirmed

    async def set_threshold(self, threshold: int) -> ProposedUpdate:
        """Announce another number of attestors that must agree; voids older votes once applied."""
        return await self.propose_update(ThresholdChange(threshold))

    async def pay_by_roots(self) -> ProposedUpdate:
        """Announce the move from receipts to roots, from the epoch after it is applied on. There is no way back."""
        return await self.propose_update(RewardPathChange())

    async def set_disputes(self, deposit: int | None = None, slash_bps: int | None = None) -> ProposedUpdate:
        """Announce what a challenger deposits (base units, 0 for no disputes), and the most of a bond that one guilty
        dispute slashes (basis points). What is left out stays as it is."""
        network = await self.reader.network()
        deposit = network.dispute_deposit if deposit is None else deposit
        return await self.propose_update(DisputeChange(deposit, network.slash_bps if slash_bps is None else slash_bps))

    async def propose_pool_withdrawal(self, amount: int, to: Pubkey | None = None) -> ProposedUpdate:
        """Announce that `amount` base units of the free pool, or what is left of it then, leave; see `withdraw_pool`.

        to  a token account of the network's mint, or a wallet: then its associated token account, which is made at the
            fee payer's cost where it is missing. By default that of the authority

        Raises `InputError` for an address that is neither.
        """
        account, before = await self.destination(to)
        return await self._propose(PoolWithdrawal(amount, account), before)

    async def apply_update(self) -> Confirmed:
        """Put the pending change in force once it is due. Anyone may, so nothing but the fee payer signs.

        A withdrawal of the pool is put in force by `withdraw_pool`.
        """
        passed = instructions.ApplyUpdateAccounts(network=self.address)
        return await self.sender.send(
            [instructions.apply_update(passed, program_id=self.program_id)], label="apply update"
        )

    async def accept_authority(self) -> Confirmed:
        """Take over as the authority; for an operator whose key was proposed."""
        passed = instructions.AcceptAuthorityAccounts(network=self.address, new_authority=self.authority.pubkey())
        instruction = instructions.accept_authority(passed, program_id=self.program_id)
        return await self.sender.send([instruction], [self.authority], label="accept authority")

    async def set_pause(self, flags: Pause) -> Confirmed:
        """Stop exactly these kinds of new work. A guardian may only add to what is stopped."""
        passed = instructions.SetPauseAccounts(network=self.address, signer=self.authority.pubkey())
        instruction = instructions.set_pause(passed, flags=int(flags), program_id=self.program_id)
        return await self.sender.send([instruction], [self.authority], label="set pause")

    async def create_lookup_table(self, devices: Sequence[Pubkey] = ()) -> AddressLookupTableAccount:
        """A new lookup table with what this network's transactions name, and up to 251 devices.

        Put it into a sender's `lookup_tables`: a claim then takes two bytes for a device in place of 33. It can be
        used from the next slot on. The rent is the fee payer's; this operator's key can extend and close the table.
        Raises `InputError` for too many devices.
        """
        network = await self.reader.network()
        shared = [INSTRUCTIONS_SYSVAR_ID, self.address, network.vault, network.mint, network.token_program]
        keys = {"authority": self.authority.pubkey(), "payer": self.sender.fee_payer.pubkey()}
        create, table = await create_table(self.sender.chain, **keys)
        extend = extend_table(table, list(dict.fromkeys([*shared, *devices])), **keys)
        for instruction in [create, *extend]:
            await self.sender.send([instruction], [self.authority], label="create table")
        return await fetch_table(self.sender.chain, table)

    async def network(self) -> accounts.Network:
        """The network. Raises `NetworkNotFound`, `WrongCluster`."""
        return await self.reader.network()

    async def devices(self) -> DeviceTable:
        """All devices of the network, decoded in bulk."""
        return await self.reader.devices()

    async def stats(self) -> NetworkStats:
        """What the network did and what it owes. A sale that is claimed meanwhile may count twice, or not at all."""
        return network_stats(await self.reader.snapshot(exact=False))

    async def device_stats(self) -> list[DeviceStats]:
        """What each device did and is owed, in the order of their index."""
        return stats_of_devices(await self.reader.snapshot(exact=False))

    async def ledger(self) -> Ledger:
        """Whether the vault holds what the network owes. Raises what `NetworkReader.snapshot` raises."""
        return ledger_of(await self.reader.snapshot())

    async def _propose(self, change: NetworkChange, before: Sequence[Instruction] = ()) -> ProposedUpdate:
        passed = instructions.ProposeUpdateAccounts(network=self.address, authority=self.authority.pubkey())
        instruction = instructions.propose_update(passed, change=encode_change(change), program_id=self.program_id)
        confirmed = await self.sender.send([*before, instruction], [self.authority], label="propose update")
        event = self.event(confirmed, events.UpdateProposed)
        if event is not None:
            return ProposedUpdate(event.effective_at, confirmed)
        at_once = isinstance(change, RemoveAttestor | AuthorityChange | Cancel)
        return ProposedUpdate(0 if at_once else (await self.reader.network()).pending.effective_at, confirmed)
