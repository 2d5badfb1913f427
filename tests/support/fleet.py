"""A network with money on an embedded chain, driven through the roles; nobody but the fee payer holds lamports."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from solders.keypair import Keypair
from solders.pubkey import Pubkey

import worktab.program
from worktab.chain.embedded import EmbeddedChain
from worktab.chain.sending import Sender
from worktab.chain.tokens import (
    associated_account,
    create_associated_account,
    create_mint,
    mint_to,
    read_token_account,
)
from worktab.core.addresses import TOKEN_PROGRAM_ID
from worktab.core.contexts import receipt_context
from worktab.core.messages import Message
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated.accounts import Device as DeviceAccount
from worktab.roles.base import program_sender
from worktab.roles.device import Device
from worktab.roles.operator import Operator
from worktab.roles.owner import Owner
from worktab.roles.terms import NetworkPlan, WorkClass

BINARY: Final = Path(worktab.program.__file__).with_name("worktab.so").read_bytes()

SOL: Final = 10**9
EPOCH: Final = 3_600
RATE: Final = 2_000_000
"""Two base units for each work unit."""
CLASS: Final = WorkClass(rate=RATE, max_capacity=1_000_000, budget=1_000_000)
FUNDS: Final = 10_000_000
TIMING: Final[dict[str, Any]] = {"poll": 0.0, "rebroadcast": 0.0}


class Fleet:
    """An operator, a mint, and what it takes to add owners and devices. Made by `Fleet.start`."""

    chain: EmbeddedChain
    payer: Keypair
    sender: Sender
    mint: Pubkey
    token_program: Pubkey
    mint_authority: Keypair
    operator: Operator

    @classmethod
    async def start(
        cls, *, fund: int = FUNDS, create: bool = True, token_program: Pubkey = TOKEN_PROGRAM_ID, **plan: Any
    ) -> Fleet:
        """A chain with the program, a mint, and a network by `plan` with `fund` base units in its pool."""
        fleet = cls()
        fleet.chain = EmbeddedChain()
        fleet.chain.deploy(PROGRAM_ID, BINARY)
        fleet.payer, fleet.mint_authority, mint, authority = (Keypair() for _ in range(4))
        fleet.chain.airdrop(fleet.payer.pubkey(), 1_000 * SOL)
        fleet.sender = program_sender(fleet.chain, fee_payer=fleet.payer, **TIMING)
        fleet.mint, fleet.token_program = mint.pubkey(), token_program
        made = await create_mint(
            fleet.chain,
            payer=fleet.payer.pubkey(),
            mint=mint.pubkey(),
            authority=fleet.mint_authority.pubkey(),
            freeze_authority=fleet.mint_authority.pubkey(),
            decimals=6,
            program=token_program,
        )
        await fleet.sender.send(made, [mint])
        terms = fleet.plan(**plan)
        fleet.operator = Operator.of_plan(fleet.sender, terms, authority=authority)
        if create:
            await fleet.operator.create_network(terms)
            if fund:
                await fleet.give(authority.pubkey(), fund)
                await fleet.operator.fund_pool(fund)
        return fleet

    def plan(self, **changes: Any) -> NetworkPlan:
        """A plan with one class and short epochs."""
        return replace(NetworkPlan(mint=self.mint, classes=(CLASS,), epoch_length=EPOCH), **changes)

    @property
    def network(self) -> Pubkey:
        """The network's address."""
        return self.operator.address

    @property
    def authority(self) -> Keypair:
        """The network's authority."""
        return self.operator.authority

    async def give(self, wallet: Pubkey, amount: int) -> Pubkey:
        """Mint base units into a wallet's associated token account, made where it is missing."""
        account = associated_account(wallet, self.mint, self.token_program)
        made = create_associated_account(
            payer=self.payer.pubkey(), owner=wallet, mint=self.mint, program=self.token_program
        )
        minted = mint_to(
            mint=self.mint,
            target=account,
            authority=self.mint_authority.pubkey(),
            amount=amount,
            program=self.token_program,
        )
        await self.sender.send([made, minted], [self.mint_authority])
        return account

    async def balance(self, wallet: Pubkey) -> int | None:
        """Base units in a wallet's associated token account; None where it has none."""
        account = await read_token_account(self.chain, associated_account(wallet, self.mint, self.token_program))
        return account.amount if account else None

    async def vault(self) -> int:
        """Base units in the network's vault."""
        held = await self.balance(self.network)
        assert held is not None
        return held

    async def lamports(self, address: Pubkey) -> int:
        """Lamports of an account, 0 where there is none."""
        account = await self.chain.account(address)
        return account.lamports if account else 0

    def owner(self, keypair: Keypair | None = None, sender: Sender | None = None) -> Owner:
        """An owner; by default a new one."""
        return Owner(sender or self.sender, self.network, owner=keypair or Keypair())

    async def device(self, *, owner: Owner | None = None, signer: Any = None, **terms: Any) -> Device:
        """A registered device whose capacity counts from the next epoch on."""
        signer = signer or Keypair()
        registered = await (owner or self.owner()).register(signer, **({"capacity": 1_000} | terms))
        return Device(self.sender, self.network, signer=signer, device=registered.address)

    async def read(self, device: Pubkey) -> DeviceAccount:
        """A device's account."""
        return await self.operator.reader.device(device)

    def next_epoch(self) -> None:
        """Move the clock by an epoch."""
        self.chain.advance(seconds=EPOCH)

    async def receipt(
        self, device: Device, seq: int, units: int, *, head: bytes = b"h" * 32, time: int | None = None
    ) -> tuple[Message, bytes]:
        """A receipt of a device with its signature."""
        context = receipt_context(await device.reader.domain(), device.device, (await self.read(device.device)).index)
        now = await self.chain.unix_time() if time is None else time
        message = Message.receipt(context, seq, units, now, head)
        return message, device.signer.sign(message.encode())

    async def earn(self, device: Device, seq: int, units: int) -> None:
        """Record a receipt of a device."""
        await device.submit(*await self.receipt(device, seq, units))
