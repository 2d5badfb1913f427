"""A network that pays, its devices and their receipts, all made through anchorpy's Program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from anchorpy import Context, EventParser, Program
from node import Node, clock
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import Message as TransactionMessage
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction
from spl.token.instructions import create_associated_token_account
from values import assert_same

from worktab.anchor import signature_instruction
from worktab.core.addresses import INSTRUCTIONS_SYSVAR_ID, TOKEN_PROGRAM_ID, find_device, find_network
from worktab.core.contexts import key_context, receipt_context
from worktab.core.keys import DeviceKey, Signer
from worktab.core.messages import Message
from worktab.program.generated import PROGRAM_ID, accounts

EPOCH = 3_600
FUNDED = 1_000_000


@dataclass(frozen=True, slots=True)
class Stage:
    """A network that pays 2 base units for 1,000,000 units of work, from a funded pool."""

    program: Program
    node: Node
    network: Pubkey

    @property
    def vault(self) -> Pubkey:
        return self.node.purse(self.network)

    @property
    def connection(self) -> Any:
        return self.program.provider.connection

    async def read(self, name: str, address: Pubkey) -> Any:
        """An account as anchorpy reads it, after a check that Worktab's own client reads the same."""
        held = (await self.connection.get_account_info(address)).value
        theirs = await self.program.account[name].fetch(address)
        assert_same(theirs, getattr(accounts, name).decode(held.data), name)
        return theirs

    async def parsed(self, signature: Signature) -> list[Any]:
        """The events of a transaction, as anchorpy finds them in its logs."""
        landed = (await self.connection.get_transaction(signature, max_supported_transaction_version=0)).value
        found: list[Any] = []
        EventParser(PROGRAM_ID, self.program.coder).parse_logs(landed.transaction.meta.log_messages, found.append)
        return found

    async def open_purse(self, owner: Pubkey) -> None:
        """Make the associated token account of a wallet."""
        wallet = self.node.wallet
        blockhash = (await self.connection.get_latest_blockhash()).value.blockhash
        opened: Instruction = create_associated_token_account(wallet.pubkey(), owner, self.node.mint)
        message = TransactionMessage.new_with_blockhash([opened], wallet.pubkey(), blockhash)
        await self.program.provider.send(VersionedTransaction(message, [wallet]))


async def open_stage(program: Program, node: Node, id: int, **changes: Any) -> Stage:
    """A new network; `changes` replace terms of it."""
    wallet = node.wallet.pubkey()
    network = find_network(PROGRAM_ID, wallet, id)[0]
    stage = Stage(program, node, network)
    terms = {
        "id": id,
        "genesis_hash": node.genesis_hash,
        "guardian": Pubkey.default(),
        "epoch_length": EPOCH,
        "reward_path": 1,
        "basis": 1,
        "admission": 0,
        "fee_bps": 0,
        "burn_bps": 0,
        "parameter_delay": 0,
        "lane_close_delay": 3_600,
        "challenge_delay": 0,
        "unbonding_delay": 0,
        "dispute_deposit": 0,
        "slash_bps": 0,
        "threshold": 0,
        "attestors": [],
        "classes": [{"meter": 1, "rate": 2, "max_capacity": 10**9, "least_bond": 0, "budget": 10_000}],
    }
    created = {
        "payer": wallet,
        "creator": wallet,
        "network": network,
        "mint": node.mint,
        "vault": stage.vault,
        "token_program": TOKEN_PROGRAM_ID,
    }
    await program.rpc["create_network"](terms | changes, ctx=Context(accounts=created))
    funded = {
        "network": network,
        "funder": wallet,
        "source": node.purse(wallet),
        "mint": node.mint,
        "vault": stage.vault,
        "token_program": TOKEN_PROGRAM_ID,
    }
    await program.rpc["fund_pool"](FUNDED, ctx=Context(accounts=funded))
    return stage


async def register(stage: Stage, key: Signer | Keypair, owner: Keypair) -> Pubkey:
    """A device with all the capacity of its class, which counts from the next epoch."""
    public = DeviceKey.ed25519(key.pubkey()) if isinstance(key, Keypair) else key.public
    device = find_device(PROGRAM_ID, stage.network, public)[0]
    network = await stage.read("Network", stage.network)
    possession = Message.key_possession(
        key_context(bytes(network.domain), device, public.kind, public.raw33, owner.pubkey())
    )
    terms = stage.program.type["DeviceTerms"](
        key=public.raw33,
        key_kind=int(public.kind),
        class_=0,
        capacity=10**9,
        payout=owner.pubkey(),
        evidence=bytes(32),
    )
    accounts = {
        "payer": stage.node.wallet.pubkey(),
        "owner": owner.pubkey(),
        "network": stage.network,
        "device": device,
    }
    if isinstance(key, Keypair):
        context = Context(accounts={**accounts, "proof": key.pubkey()}, signers=[owner, key])
        await stage.program.rpc["register_device"](terms, possession.encode(), ctx=context)
    else:
        context = Context(
            accounts={**accounts, "proof": INSTRUCTIONS_SYSVAR_ID},
            signers=[owner],
            pre_instructions=[signature_instruction(key, possession)],
        )
        await stage.program.rpc["register_device"](terms, None, ctx=context)
    return device


async def next_epoch(stage: Stage) -> None:
    network = await stage.read("Network", stage.network)
    now = await clock(stage.connection)
    passed = (now - network.created_at) // EPOCH
    await stage.node.travel(stage.connection, network.created_at + (passed + 1) * EPOCH)


async def receipt_of(stage: Stage, address: Pubkey, jobs: int, units: int) -> Message:
    device = await stage.read("Device", address)
    context = receipt_context(bytes(device.domain), address, device.index)
    assert context == bytes(device.receipt_context)
    return Message.receipt(context, jobs, units, await clock(stage.connection), b"\x0c" * 32)
