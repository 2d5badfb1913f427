"""A bond, an SLA, a dispute and the pool's withdrawal on a real node, all through anchorpy's Program."""

from __future__ import annotations

from typing import Any

from anchorpy import Context, Program
from node import Node, clock, tokens
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from stage import FUNDED, Stage, next_epoch, open_stage, register
from values import assert_same

from worktab.anchor import signature_instruction
from worktab.core.addresses import INSTRUCTIONS_SYSVAR_ID, TOKEN_PROGRAM_ID, find_dispute, find_sla, find_tab
from worktab.core.contexts import receipt_context
from worktab.core.keys import Ed25519Signer
from worktab.core.messages import Message
from worktab.core.records import ZERO_HEAD, JobRecord, Meter, next_head, record_hash
from worktab.program.generated import PROGRAM_ID, events

BOND, DEPOSIT, BALANCE, DUE, CHALLENGE = 10_000, 100, 5_000, 800, 600


async def call(stage: Stage, name: str, *args: Any, signers: list[Keypair] | None = None, **accounts: Any) -> Any:
    """Send an instruction with these accounts; its event."""
    context = Context(accounts=accounts, signers=signers or [])
    [event] = await stage.parsed(await stage.program.rpc[name](*args, ctx=context))
    return event.data


def money(stage: Stage) -> dict[str, Any]:
    """The accounts that every movement of tokens needs."""
    return {
        "network": stage.network,
        "mint": stage.node.mint,
        "vault": stage.vault,
        "token_program": TOKEN_PROGRAM_ID,
    }


async def bonded(stage: Stage, key: Ed25519Signer) -> Pubkey:
    """A device of the wallet's, with a bond."""
    wallet = stage.node.wallet.pubkey()
    device = await register(stage, key, stage.node.wallet)
    passed: dict[str, Any] = {"owner": wallet, "device": device, "source": stage.node.purse(wallet), **money(stage)}
    event = await call(stage, "deposit_bond", BOND, **passed)
    assert_same(event, events.BondDeposited(device, BOND, BOND), "BondDeposited")
    return device


async def buying(stage: Stage, consumer: Keypair) -> Pubkey:
    """A consumer's tab with a balance."""
    wallet, tab = stage.node.wallet.pubkey(), find_tab(PROGRAM_ID, stage.network, consumer.pubkey())[0]
    parties: dict[str, Any] = {"payer": wallet, "consumer": consumer.pubkey(), "network": stage.network, "tab": tab}
    await call(stage, "open_tab", signers=[consumer], **parties)
    source = stage.node.purse(wallet)
    await call(stage, "deposit", BALANCE, depositor=wallet, tab=tab, source=source, **money(stage))
    return tab


async def test_a_promise_that_is_missed(worktab: Program, node: Node) -> None:
    wallet, consumer = node.wallet.pubkey(), Keypair()
    stage = await open_stage(
        worktab, node, id=200, attestors=[wallet], threshold=1, challenge_delay=CHALLENGE, unbonding_delay=CHALLENGE
    )
    device, tab = await bonded(stage, Ed25519Signer.generate()), await buying(stage, consumer)
    parties: dict[str, Any] = {"payer": wallet, "network": stage.network, "tab": tab, "device": device}
    lane = await call(stage, "reserve_lane", None, DUE, signers=[consumer], signer=consumer.pubkey(), **parties)
    sla = find_sla(PROGRAM_ID, tab, lane.nonce)[0]
    deadline = await clock(stage.connection) + 1_000
    terms = {"nonce": lane.nonce, "due": DUE, "bps": 5_000, "deadline": deadline}
    both: dict[str, Any] = {"consumer": consumer.pubkey(), "owner": wallet}
    await call(stage, "open_sla", terms, signers=[consumer], sla=sla, **both, **parties)
    held = await stage.read("Sla", sla)
    assert (held.due, held.held, held.deadline, held.contest_until) == (DUE, 400, deadline, deadline + CHALLENGE)
    assert (await stage.read("Device", device)).bond_held == 400

    await node.travel(stage.connection, deadline)
    await call(stage, "contest_sla", owner=wallet, device=device, sla=sla)
    event = await call(stage, "vote_sla", True, attestor=wallet, network=stage.network, sla=sla)
    assert_same(event, events.SlaVoted(sla, wallet, True, 1, 0), "SlaVoted")
    assert (await stage.read("Sla", sla)).contested == 2
    event = await call(stage, "enforce_sla", tab=tab, device=device, sla=sla, rent_payer=wallet)
    assert_same(event, events.SlaEnforced(sla, tab, device, lane.nonce, 1, 0, 400), "SlaEnforced")

    ended = await stage.read("Device", device)
    assert (ended.bond, ended.bond_held, ended.slas_missed, ended.open_slas) == (BOND - 400, 0, 1, 0)
    leaving: dict[str, Any] = {"owner": wallet, "device": device, "destination": node.purse(wallet), **money(stage)}
    event = await call(stage, "withdraw_bond", BOND - 400, **leaving)
    await node.travel(stage.connection, event.due)
    before = await tokens(stage.connection, node.purse(wallet))
    await call(stage, "withdraw_bond", None, **leaving)
    assert await tokens(stage.connection, node.purse(wallet)) == before + BOND - 400


async def test_a_record_that_is_disputed(worktab: Program, node: Node) -> None:
    wallet, challenger, key = node.wallet.pubkey(), Keypair(), Ed25519Signer.generate()
    terms: dict[str, Any] = {
        "challenge_delay": CHALLENGE,
        "unbonding_delay": CHALLENGE,
        "dispute_deposit": DEPOSIT,
        "slash_bps": 5_000,
    }
    stage = await open_stage(worktab, node, id=201, attestors=[wallet], threshold=1, **terms)
    device, tab = await bonded(stage, key), await buying(stage, challenger)
    salt, record = (
        b"s" * 32,
        JobRecord(Meter.WASM_FUEL, 0, 1, b"m" * 32, b"i" * 32, b"o" * 32, 50, 70, 1, 2, bytes(tab)),
    )
    hash_ = record_hash(salt, record)
    await next_epoch(stage)
    context = receipt_context(bytes((await stage.read("Device", device)).domain), device, 0)
    receipt = Message.receipt(context, 1, 50, await clock(stage.connection), next_head(ZERO_HEAD, hash_))
    dispute = find_dispute(PROGRAM_ID, device, 1, hash_)[0]
    parties: dict[str, Any] = {"network": stage.network, "tab": tab, "device": device, "dispute": dispute}
    accounts = {"payer": wallet, "challenger": challenger.pubkey(), "proof": INSTRUCTIONS_SYSVAR_ID, **parties}
    named = {"seq": 1, "hash": list(hash_), "before": list(ZERO_HEAD)}
    opening = Context(accounts=accounts, signers=[challenger], pre_instructions=[signature_instruction(key, receipt)])
    [event] = await stage.parsed(await worktab.rpc["open_dispute"](named, b"", None, ctx=opening))
    deadline = (await stage.read("Dispute", dispute)).deadline
    expected = events.DisputeOpened(dispute, device, tab, 1, hash_, DEPOSIT, deadline)
    assert_same(event.data, expected, "DisputeOpened")

    await call(stage, "vote_dispute", 2, attestor=wallet, network=stage.network, dispute=dispute)
    shown = {"salt": list(salt), "record": list(record.encode())}
    event = await call(stage, "resolve_dispute", shown, consumer_tab=tab, rent_payer=wallet, **parties)
    assert (event.verdict, event.to_consumer, event.to_challenger, event.deposit_back) == (1, 70, DEPOSIT, DEPOSIT)
    assert event.to_pool == BOND // 2 - 70 - DEPOSIT
    held = await stage.read("Device", device)
    assert (held.status, held.bond, held.open_disputes) == (2, BOND // 2, 0)
    network = await stage.read("Network", stage.network)
    assert (network.disputes_guilty, network.total_slashed) == (1, BOND // 2)
    assert network.pool_free == FUNDED + event.to_pool


async def test_the_pool_is_taken_back(worktab: Program, node: Node) -> None:
    wallet = node.wallet.pubkey()
    stage = await open_stage(worktab, node, id=202)
    change = {"kind": 11, "class_": 0, "values": [400, 0, 0, 0, 0], "key": node.purse(wallet)}
    await call(stage, "propose_update", change, network=stage.network, authority=wallet)
    before = await tokens(stage.connection, node.purse(wallet))
    event = await call(stage, "withdraw_pool", destination=node.purse(wallet), **money(stage))
    assert_same(event, events.PoolWithdrawn(stage.network, node.purse(wallet), 400), "PoolWithdrawn")
    assert await tokens(stage.connection, node.purse(wallet)) == before + 400
    assert (await stage.read("Network", stage.network)).pool_free == FUNDED - 400
