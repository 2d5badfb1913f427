"""A network with money on the chain under test, driven through the roles; nobody but the payer holds lamports."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace
from typing import Any, Final, Protocol, Self

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.chains import AnyChain, set_account
from worktab.chain.protocol import AccountData
from worktab.chain.sending import Sender
from worktab.core.addresses import TOKEN_PROGRAM_ID
from worktab.core.contexts import receipt_context
from worktab.core.messages import Message
from worktab.core.vouchers import SignedVoucher
from worktab.program.generated.accounts import Device as DeviceAccount
from worktab.roles.consumer import Consumer
from worktab.roles.device import Device
from worktab.roles.operator import Operator
from worktab.roles.owner import Owner
from worktab.roles.settling import Settler
from worktab.roles.terms import NetworkPlan
from worktab.testing import networks
from worktab.testing.chains import POLL, fund, sender_for
from worktab.testing.clock import Clock, clock_of
from worktab.testing.networks import FUNDS, WORK_CLASS, plan_for
from worktab.testing.tokens import Mint

__all__ = ["CLASS", "EPOCH", "FUNDS", "SOL", "TIMING", "Fleet", "StartFleet"]

SOL: Final = 10**9
EPOCH: Final = 3_600
CLASS: Final = WORK_CLASS
TIMING: Final[dict[str, Any]] = {"poll": POLL, "rebroadcast": 5.0}


class Fleet:
    """An operator, a mint, and what it takes to add owners and devices, once it is started.

    created_at  when the network was created, in Unix seconds; its epochs are counted from there
    """

    payer: Keypair
    sender: Sender
    mint: Mint
    operator: Operator
    created_at: int

    def __init__(self, chain: AnyChain) -> None:
        self.chain = chain
        self.clock: Clock = clock_of(chain)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.chain.close()

    async def start(
        self, *, funds: int = FUNDS, create: bool = True, token_program: Pubkey = TOKEN_PROGRAM_ID, **plan: Any
    ) -> Self:
        """Make a mint, and a network by `plan` with `funds` base units in its pool."""
        self.payer = Keypair()
        await self.airdrop(self.payer.pubkey(), 1_000 * SOL)
        self.sender = sender_for(self.chain, self.payer)
        self.mint = await Mint.create(self.sender, program=token_program)
        terms = self.plan(**plan)
        if not create:
            self.operator = Operator.of_plan(self.sender, terms, authority=Keypair())
            return self
        self.operator = (await networks.Network.create(self.mint, terms, funds=funds)).operator
        self.created_at = (await self.operator.network()).created_at
        return self

    def plan(self, **changes: Any) -> NetworkPlan:
        """A plan with one class and short epochs."""
        return replace(plan_for(self.mint), epoch_length=EPOCH, **changes)

    @property
    def network(self) -> Pubkey:
        """The network's address."""
        return self.operator.address

    @property
    def authority(self) -> Keypair:
        """The network's authority."""
        return self.operator.authority

    async def vault(self) -> int:
        """Base units in the network's vault."""
        return await self.mint.balance(self.network)

    async def lamports(self, address: Pubkey) -> int:
        """Lamports of an account, 0 where there is none."""
        account = await self.chain.account(address)
        return account.lamports if account else 0

    async def airdrop(self, address: Pubkey, lamports: int) -> None:
        """Give lamports."""
        await fund(self.chain, address, lamports)

    async def set_account(self, address: Pubkey, account: AccountData) -> None:
        """Write an account as it is, past every rule. Zero lamports remove it."""
        await set_account(self.chain, address, account)

    def owner(self, keypair: Keypair | None = None, sender: Sender | None = None) -> Owner:
        """An owner; by default a new one."""
        return Owner(sender or self.sender, self.network, owner=keypair or Keypair())

    async def device(self, *, owner: Owner | None = None, signer: Any = None, **terms: Any) -> Device:
        """A registered device whose capacity counts from the next epoch on."""
        signer = signer or Keypair()
        registered = await (owner or self.owner()).register(signer, **({"capacity": 1_000} | terms))
        return Device(self.sender, self.network, signer=signer, device=registered.address)

    async def consumer(
        self, funds: int = 1_000, *, key: Keypair | None = None, sender: Sender | None = None
    ) -> Consumer:
        """A consumer with an open tab and `funds` base units in it; everything is paid for by the sender."""
        consumer = Consumer(sender or self.sender, self.network, key or Keypair())
        await consumer.open()
        if funds:
            await self.mint.give(consumer.consumer, funds)
            await consumer.deposit(funds)
        return consumer

    async def sell(self, consumer: Consumer, device: Device, amount: int, units: int) -> int:
        """Settle a voucher over a new lane that holds just as much; returns the lane's nonce."""
        lane = await consumer.reserve(device.device, amount)
        settler = Settler(self.sender, self.network)
        await settler.settle(await self.voucher(consumer, device, lane.nonce, amount=amount, units=units))
        return lane.nonce

    async def voucher(self, consumer: Consumer, device: Device, nonce: int, **terms: Any) -> SignedVoucher:
        """A voucher of a consumer over one of its lanes."""
        fields: dict[str, Any] = {"units": 0, "seq": 1, "head": b"h" * 32} | terms
        return consumer.voucher(await consumer.tab(), device.device, nonce, **fields)

    async def read(self, device: Pubkey) -> DeviceAccount:
        """A device's account."""
        return await self.operator.reader.device(device)

    async def next_epoch(self) -> None:
        """Move the clock to the start of the next epoch."""
        await self.clock.pass_epoch(self.network)

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


class StartFleet(Protocol):
    """Starts the fleet of a test; see `Fleet.start`."""

    def __call__(self, **start: Any) -> Awaitable[Fleet]: ...
