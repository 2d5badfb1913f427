"""A small world around the real on-chain program: a chain, a mint, networks, devices, receipts and claims.

Every transaction sent through `World.send` is followed by a check of the ledger rule (PROTOCOL section 5).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.keypair import Keypair
from solders.pubkey import Pubkey

import worktab.program
from support.lanes import decode_lanes
from support.parties import CLASS, DELAY, EPOCH, FUNDS, GENESIS, NOBODY, Device, Network
from support.svm import Instructions, Result
from support.tokens import Mint, token_amount
from support.trust import Trust
from worktab.core.addresses import find_device, find_network
from worktab.core.keys import Ed25519Signer, P256Signer, Signer
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated import accounts as state
from worktab.program.generated.types import DeviceTerms, NetworkTerms

BINARY: Final = Path(worktab.program.__file__).with_name("worktab.so").read_bytes()


class World(Trust):
    """A chain with the program deployed, a funded payer and, once asked for, a plain mint.

    `send` signs for every wallet that `keypair` made; a wallet that must not sign is named by hand (`unsigned`).
    """

    def __init__(self) -> None:
        super().__init__()
        self.runtime.add_program(PROGRAM_ID, BINARY)
        self._networks = 0

    # Parties

    def ed25519(self) -> Ed25519Signer:
        """A new device key; `send` signs for it as for a wallet."""
        return Ed25519Signer(self.keypair().secret())

    def p256(self) -> P256Signer:
        """A new P-256 device key."""
        return P256Signer(ec.derive_private_key(int.from_bytes(self.seed()) >> 1, ec.SECP256R1()))

    def network(
        self, *, mint: Mint | None = None, authority: Keypair | None = None, fund: int = FUNDS, **terms: Any
    ) -> Network:
        """A new network with `fund` base units in its pool; `terms` replace those of `terms()`."""
        authority = authority or self.keypair()
        network, instruction = self.create_network(self.terms(**terms), mint=mint, authority=authority)
        self._expect(instruction)
        if fund:
            self._expect(self.fund(network, fund))
        return network

    def terms(self, **changes: Any) -> NetworkTerms:
        """Terms of a network with one class, the default one, and a number no other network of this world has."""
        self._networks += 1
        terms = NetworkTerms(
            id=self._networks,
            genesis_hash=GENESIS,
            guardian=NOBODY,
            epoch_length=EPOCH,
            reward_path=1,
            basis=1,
            admission=0,
            fee_bps=0,
            burn_bps=0,
            parameter_delay=DELAY,
            lane_close_delay=3_600,
            challenge_delay=600,
            unbonding_delay=7_200,
            dispute_deposit=0,
            slash_bps=0,
            threshold=0,
            attestors=(),
            classes=(CLASS,),
        )
        return replace(terms, **changes)

    def device(
        self, network: Network, *, payer: Keypair | None = None, admission: Keypair | None = None, **terms: Any
    ) -> Device:
        """A device registered with a native possession signature; `terms` as for `plan`."""
        device, registered = self.plan(network, **terms)
        instruction = self.register(device, registered, payer=(payer or self.payer).pubkey(), admission=admission)
        self._expect(self.possession(device), instruction)
        return device

    def plan(
        self,
        network: Network,
        *,
        owner: Keypair | None = None,
        signer: Signer | None = None,
        payout: Keypair | None = None,
        capacity: int = 1_000,
        class_: int = 0,
        evidence: bytes = bytes(32),
        open_payout: bool = True,
    ) -> tuple[Device, DeviceTerms]:
        """A device that could be registered next, and the terms to do it with.

        The payout wallet's token account is created unless `open_payout` is false.
        """
        signer, payout = signer or self.ed25519(), payout or self.keypair()
        address, _ = find_device(PROGRAM_ID, network.address, signer.public)
        index = self.read_network(network).next_device_index
        if open_payout:
            network.mint.open(payout.pubkey())
        device = Device(address, network, index, owner or self.keypair(), signer, payout)
        key = signer.public
        return device, DeviceTerms(key.raw33, int(key.kind), class_, capacity, payout.pubkey(), evidence)

    def send(
        self,
        *instructions: Instructions,
        signers: Sequence[Keypair] = (),
        payer: Keypair | None = None,
        tables: Sequence[AddressLookupTableAccount] = (),
        check: bool = True,
    ) -> Result:
        """Send one transaction; never raises where it fails. Then checks the ledger, unless told not to."""
        result = self.transmit(*instructions, signers=signers, payer=payer, tables=tables)
        if check:
            self.check_ledger()
        return result

    def _expect(self, *instructions: Instructions) -> None:
        result = self.send(*instructions)
        assert result.ok, f"{result.error_name}: {result.logs}"

    def epoch(self, network: Network) -> int:
        """The network's epoch by the clock."""
        created = self.read_network(network)
        return max(0, self.now - created.created_at) // created.epoch_length

    def next_epoch(self, network: Network, *, before: int = 0) -> None:
        """Go to the first second of the network's next epoch, or `before` seconds earlier."""
        created = self.read_network(network)
        self.now = created.created_at + (self.epoch(network) + 1) * created.epoch_length - before

    def read_network(self, network: Network) -> state.Network:
        """The network's account, decoded."""
        return state.Network.decode(self.data(network.address))

    def read_device(self, device: Device) -> state.Device:
        """The device's account, decoded."""
        return state.Device.decode(self.data(device.address))

    def patch_network(self, network: Network, **fields: Any) -> None:
        """Write fields into a network's account past every rule."""
        self.set_data(network.address, replace(self.read_network(network), **fields).encode())

    def patch_class(self, network: Network, number: int = 0, **fields: Any) -> None:
        """Write fields of one class past every rule."""
        classes = list(self.read_network(network).classes)
        classes[number] = replace(classes[number], **fields)
        self.patch_network(network, classes=tuple(classes))

    def patch_device(self, device: Device, **fields: Any) -> None:
        """Write fields into a device's account past every rule."""
        self.set_data(device.address, replace(self.read_device(device), **fields).encode())

    def balance(self, wallet: Keypair, mint: Mint | None = None) -> int:
        """Base units in the wallet's associated token account."""
        return (mint or self.mint).balance(wallet.pubkey())

    def check_ledger(self) -> None:
        """Assert PROTOCOL section 5's ledger rule for every network of this world, and that what its newest final root
        promises in all is what was claimed from roots and what they still owe."""
        owed: dict[bytes, int] = {}
        held: dict[bytes, int] = {}
        claimed: dict[bytes, int] = {}
        networks: list[bytes] = []
        for _, account in self.runtime.get_program_accounts(PROGRAM_ID):
            data = account.data
            if data.startswith(state.Network.DISCRIMINATOR):
                networks.append(data)
            elif data.startswith(state.Device.DISCRIMINATOR):
                field = reader(state.Device.OFFSETS, data)
                of = data[8:40]
                owed[of] = owed.get(of, 0) + field("rewards_owed")
                held[of] = held.get(of, 0) + field("earnings_owed") + field("bond")
            elif data.startswith(state.Tab.DISCRIMINATOR):
                of = data[8:40]
                held[of] = held.get(of, 0) + money_of_tab(data)
            elif data.startswith(state.Dispute.DISCRIMINATOR):
                field = reader(state.Dispute.OFFSETS, data)
                of = data[8:40]
                held[of] = held.get(of, 0) + field("deposit")
            elif data.startswith(state.Page.DISCRIMINATOR):
                of = data[8:40]
                claimed[of] = claimed.get(of, 0) + sum(memoryview(data[state.Page.OFFSETS["claimed"] :]).cast("Q"))
        for data in networks:
            field = reader(state.Network.OFFSETS, data)
            address, _ = find_network(PROGRAM_ID, data[8:40], field("id"))
            of, vault = bytes(address), Pubkey(data[168:200])
            assert field("pool_owed") == owed.get(of, 0) + field("root_owed")
            assert field("root_total") == claimed.get(of, 0) + field("root_owed")
            parts = field("pool_free") + field("pool_owed") + field("fees") + held.get(of, 0)
            assert field("accounted") == parts
            assert field("accounted") <= token_amount(self.data(vault))


def money_of_tab(data: bytes) -> int:
    """A tab's balance and what its lanes have reserved, base units."""
    return reader(state.Tab.OFFSETS, data)("balance") + sum(lane.reserved for lane in decode_lanes(data))


def reader(offsets: Mapping[str, int], data: bytes) -> Callable[[str], int]:
    """Reads u64 fields of an account by their names."""
    return lambda name: int.from_bytes(data[offsets[name] : offsets[name] + 8], "little")
