"""What each instruction costs on chain, from one real transaction each: the same numbers on every run."""

from __future__ import annotations

import struct

import consumers
import roots
from solders.address_lookup_table_account import ID as LOOKUP_PROGRAM
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

import trust
from support.builders import signed
from support.parties import DELAY, Device, Network
from support.svm import Instructions, flatten
from support.world import World
from worktab.core.addresses import ED25519_PROGRAM_ID, INSTRUCTIONS_SYSVAR_ID, SECP256R1_PROGRAM_ID, find_device
from worktab.core.keys import Signer
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated.types import Change

LAMPORTS_PER_SIGNATURE = 5_000
NATIVE_PROGRAMS = (ED25519_PROGRAM_ID, SECP256R1_PROGRAM_ID)

Cost = dict[str, int]


class Costs:
    """Sends transactions in a world and notes what each cost."""

    def __init__(self) -> None:
        self.world = World()
        self.noted: dict[str, Cost] = {}

    def note(self, name: str, *instructions: Instructions, table: list[Pubkey] | None = None) -> None:
        """Send, and note compute units, bytes, signatures (native ones included), rent bytes and lamports.

        `table` holds addresses that the transaction looks up in a table.
        """
        world = self.world
        listed = list(flatten(instructions))
        touched = {meta.pubkey for each in listed for meta in each.accounts if meta.is_writable}
        before = {address: self._size(address) for address in touched}
        lamports = world.lamports(world.payer.pubkey())
        result = world.must(listed, tables=[write_table(world, table)] if table else [])
        assert result.ok, name
        signers = {meta.pubkey for each in listed for meta in each.accounts if meta.is_signer} | {world.payer.pubkey()}
        native = sum(each.program_id in NATIVE_PROGRAMS for each in listed)
        self.noted[name] = {
            "cu": result.units,
            "tx_bytes": result.size,
            "signatures": len(signers) + native,
            "rent_bytes": sum(self._size(address) - before[address] for address in touched),
            "fee_lamports": LAMPORTS_PER_SIGNATURE * (len(signers) + native),
            "rent_lamports": lamports
            - world.lamports(world.payer.pubkey())
            - LAMPORTS_PER_SIGNATURE * (len(signers) + native),
        }

    def _size(self, address: Pubkey) -> int:
        """Bytes of an account's data that rent is paid for, the 128 of its header not counted."""
        account = self.world.account(address)
        return len(account.data) if account else 0

    def with_table(self, name: str, addresses: list[Pubkey], *instructions: Instructions) -> None:
        """Note how many bytes a noted transaction takes when a lookup table holds these addresses."""
        table = AddressLookupTableAccount(Pubkey(self.world.seed()), addresses)
        payer = self.world.payer
        message = MessageV0.try_compile(
            payer.pubkey(), list(flatten(instructions)), [table], self.world.runtime.latest_blockhash()
        )
        self.noted[name]["tx_bytes_with_lookup_table"] = len(bytes(VersionedTransaction(message, [payer])))


def write_table(world: World, addresses: list[Pubkey]) -> AddressLookupTableAccount:
    """A lookup table of these addresses, written into the chain."""
    table = AddressLookupTableAccount(Pubkey(world.seed()), addresses)
    head = struct.pack("<IQQBB32sH", 1, 2**64 - 1, 0, 0, 1, bytes(world.payer.pubkey()), 0)
    world.set_account(table.key, head + b"".join(bytes(each) for each in addresses), LOOKUP_PROGRAM)
    return table


def measure() -> dict[str, Cost]:
    """Costs of every instruction, by name."""
    costs = Costs()
    world = costs.world
    network = _networks(costs)
    payout = world.keypair()
    devices = [_device(costs, network, payout, number) for number in range(max(21, consumers.LANES))]
    p256 = world.device(network, signer=world.p256(), payout=payout)
    world.next_epoch(network)
    _receipts(costs, network, devices, p256)
    costs.note("claim_1", world.claim(devices[20:21], payout, network))
    costs.note("claim_20", world.claim(devices[:20], payout, network))
    consumers.note(costs, network, devices)
    costs.note("claim_1_with_earnings", world.claim(devices[:1], payout, network))
    costs.note("claim_20_with_earnings", world.claim(devices[1:21], payout, network))
    costs.note("update_device_payout", world.update(devices[0], payout=world.keypair().pubkey()))
    costs.note("update_device_capacity", world.update(devices[0], capacity=500))
    costs.note("retire_device", world.retire(devices[2]))
    roots.note(costs)
    trust.note(costs)
    return costs.noted


def _networks(costs: Costs) -> Network:
    world = costs.world
    # The payer creates and pays, as a person with one wallet would.
    network, create = world.create_network(world.terms(), authority=world.payer)
    costs.note("create_network", create)
    costs.note("fund_pool", world.fund(network, 10_000_000))
    change = Change(kind=4, class_=0, values=(0, 0, 0, 0, 0), key=Pubkey.default())
    costs.note("propose_update", world.propose(network, change))
    world.advance(DELAY)
    costs.note("apply_update", world.apply(network))
    heir = world.keypair()
    world.must(world.propose(network, Change(kind=6, class_=0, values=(0, 0, 0, 0, 0), key=heir.pubkey())))
    costs.note("accept_authority", world.accept(network, heir))
    costs.note("set_pause", world.pause(network, 0, signer=heir))
    return network


def _device(costs: Costs, network: Network, payout: Keypair, number: int) -> Device:
    """A device, the first and the third of them the payer's; the first one's registration is noted, with a key whose
    first bump fits."""
    world = costs.world
    signer: Signer = world.ed25519()
    while number == 0 and find_device(PROGRAM_ID, network.address, signer.public)[1] != 255:
        signer = world.ed25519()
    if number > 0:
        owner = world.payer if number == 2 else None
        return world.device(network, signer=signer, owner=owner, payout=payout)
    device, terms = world.plan(network, signer=signer, owner=world.payer, payout=payout)
    costs.note("register_device", world.possession(device), world.register(device, terms))
    return device


def _receipts(costs: Costs, network: Network, devices: list[Device], p256: Device) -> None:
    world = costs.world
    receipt = world.receipt(devices[0], 1, 10)
    costs.note("submit_receipt", receipt)
    table = [network.address, INSTRUCTIONS_SYSVAR_ID, devices[0].address]
    costs.with_table("submit_receipt", table, receipt)
    for device in devices[1:]:
        world.must(world.receipt(device, 1, 10))
    costs.note("submit_receipt_p256", world.receipt(p256, 1, 10))
    key = Pubkey(devices[0].signer.public.public_bytes)
    submit = world.submit(devices[0], shown=world.receipt_message(devices[0], 2, 20), proof=key)
    costs.note("submit_receipt_self_signed", signed(submit, key))
    roots = world.network(reward_path=2)
    costs.note("submit_receipt_roots", world.receipt(world.device(roots), 1, 10))
