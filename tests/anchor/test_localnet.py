"""A network, a device, a receipt and a claim on a real node, all through anchorpy's Program, Provider and Wallet."""

from __future__ import annotations

import pytest
from anchorpy import Context, Program, ProgramAccount
from anchorpy.error import AccountDoesNotExistError, ProgramError
from node import Node, lamports, tokens
from solders.keypair import Keypair
from spl.token.instructions import create_associated_token_account
from stage import FUNDED, next_epoch, open_stage, receipt_of, register
from values import assert_same

from worktab.anchor import claimed_devices, signature_instruction
from worktab.core.addresses import INSTRUCTIONS_SYSVAR_ID, TOKEN_PROGRAM_ID, associated_token_address
from worktab.core.keys import Ed25519Signer, P256Signer, Signer
from worktab.program.generated import events

FEE = 5_000  # lamports a signature


@pytest.mark.parametrize("key", [P256Signer.generate(), Ed25519Signer.generate()], ids=["p256", "ed25519"])
async def test_a_receipt_is_submitted_and_claimed(worktab: Program, node: Node, key: Signer) -> None:
    wallet, owner = node.wallet.pubkey(), Keypair()
    connection = worktab.provider.connection
    before = await tokens(connection, node.purse(wallet))
    stage = await open_stage(worktab, node, id=int(key.public.kind))
    assert await tokens(connection, node.purse(wallet)) == before - FUNDED
    assert await tokens(connection, stage.vault) == FUNDED

    device = await register(stage, key, owner)
    held = await stage.read("Device", device)
    assert (held.owner, held.payout, held.rent_payer, held.network) == (
        owner.pubkey(),
        owner.pubkey(),
        wallet,
        stage.network,
    )
    assert (held.seq, held.units, held.capacity, held.next_capacity, held.class_) == (0, 0, 0, 10**9, 0)
    await next_epoch(stage)

    # Simulated, then sent: the same event.
    message = await receipt_of(stage, device, jobs=3, units=250_000_001)
    context = Context(
        accounts={"network": stage.network, "device": device, "proof": INSTRUCTIONS_SYSVAR_ID},
        pre_instructions=[signature_instruction(key, message)],
    )
    simulated = await worktab.simulate["submit_receipt"](None, ctx=context)
    assert (await stage.read("Device", device)).seq == 0
    balance = await lamports(connection, wallet)
    sent = await worktab.rpc["submit_receipt"](None, ctx=context)
    assert await lamports(connection, wallet) == balance - 2 * FEE
    expected = events.ReceiptSubmitted(device, seq=3, units=250_000_001, eligible=250_000_001, reward=500)
    for found in (simulated.events, await stage.parsed(sent)):
        [event] = found
        assert event.name == "ReceiptSubmitted"
        assert_same(event.data, expected, event.name)
    held = await stage.read("Device", device)
    assert (held.seq, held.units, held.rewards_owed, held.carry) == (3, 250_000_001, 500, 2)
    assert bytes(held.head) == b"\x0c" * 32
    network = await stage.read("Network", stage.network)
    assert (network.pool_free, network.pool_owed, network.accounted) == (FUNDED - 500, 500, FUNDED)

    # The payout wallet's token account is made on the way.
    payout_account, bump = associated_token_address(owner.pubkey(), node.mint, TOKEN_PROGRAM_ID)
    claimed = {
        "network": stage.network,
        "vault": stage.vault,
        "mint": node.mint,
        "payout": owner.pubkey(),
        "payout_account": payout_account,
        "token_program": TOKEN_PROGRAM_ID,
    }
    context = Context(
        accounts=claimed,
        pre_instructions=[create_associated_token_account(wallet, owner.pubkey(), node.mint)],
        remaining_accounts=claimed_devices([device]),
    )
    assert await tokens(connection, payout_account) == 0
    balance = await lamports(connection, wallet)
    sent = await worktab.rpc["claim"](bump, ctx=context)
    assert await tokens(connection, payout_account) == 500
    assert await tokens(connection, stage.vault) == FUNDED - 500
    assert await lamports(connection, wallet) == balance - FEE - await lamports(connection, payout_account)
    [event] = await stage.parsed(sent)
    assert (event.name, event.data.amount, event.data.payout) == ("Claimed", 500, owner.pubkey())
    assert [(each.device, each.rewards, each.outcome) for each in event.data.entries] == [(0, 500, 0)]
    held = await stage.read("Device", device)
    assert (held.rewards_owed, held.lifetime_rewards) == (0, 500)
    network = await stage.read("Network", stage.network)
    assert (network.pool_free, network.pool_owed, network.accounted) == (FUNDED - 500, 0, FUNDED - 500)


async def test_a_keypair_signs_for_its_device(worktab: Program, node: Node) -> None:
    key, owner = Keypair(), Keypair()
    stage = await open_stage(worktab, node, id=3)
    device = await register(stage, key, owner)
    await next_epoch(stage)
    message = await receipt_of(stage, device, jobs=1, units=4_000_000)
    context = Context(accounts={"network": stage.network, "device": device, "proof": key.pubkey()}, signers=[key])
    await worktab.methods["submit_receipt"].args([message.encode()]).accounts(context.accounts).signers([key]).rpc()
    assert (await stage.read("Device", device)).rewards_owed == 8

    # The same once more: refused by the program, with its number and its words.
    for call in (worktab.rpc, worktab.simulate):
        with pytest.raises(ProgramError) as caught:
            await call["submit_receipt"](message.encode(), ctx=context)
        assert caught.value.code == 6063
        assert caught.value.msg == ("The receipt's sequence does not rise: it was recorded already, or a newer one was")
    assert (await stage.read("Device", device)).rewards_owed == 8


async def test_devices_are_found(worktab: Program, node: Node) -> None:
    owner = Keypair()
    stage = await open_stage(worktab, node, id=4)
    assert stage.network in {each.public_key for each in await worktab.account["Network"].all()}
    added = [await register(stage, Keypair(), owner) for _ in range(3)]
    listed: list[ProgramAccount] = await worktab.account["Device"].all(buffer=bytes(stage.network))
    assert {each.public_key for each in listed} == set(added)
    many = await worktab.account["Device"].fetch_multiple([*added, stage.network, Keypair().pubkey()])
    for one in listed:
        assert one.account == many[added.index(one.public_key)] == await stage.read("Device", one.public_key)
        assert one.account.index == added.index(one.public_key)
    assert many[3:] == [None, None]
    with pytest.raises(AccountDoesNotExistError):
        await worktab.account["Device"].fetch(Keypair().pubkey())


async def test_errors_of_other_instructions(worktab: Program, node: Node) -> None:
    stage = await open_stage(worktab, node, id=5)
    context = Context(accounts={"network": stage.network})
    with pytest.raises(ProgramError) as caught:
        await worktab.rpc["apply_update"](ctx=context)
    assert (caught.value.code, caught.value.msg) == (6021, "No change is pending")
    stranger = Keypair()
    context = Context(accounts={"network": stage.network, "signer": stranger.pubkey()}, signers=[stranger])
    with pytest.raises(ProgramError) as caught:
        await worktab.rpc["set_pause"](1, ctx=context)
    assert (caught.value.code, caught.value.msg) == (6001, "The signer may not do this")
