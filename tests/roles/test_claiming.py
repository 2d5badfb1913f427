"""Claims for a fleet: who is paid what, in how many transactions, and what is skipped and still owed."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.signature import Signature
from spl.token.instructions import close_account, freeze_account, set_authority
from spl.token.models import AuthorityType, CloseAccountParams, FreezeAccountParams, SetAuthorityParams

from support.chains import pass_blocks
from support.fleet import SOL, TIMING, Fleet, StartFleet
from support.network import Network
from worktab.chain.protocol import AccountData, Landed
from worktab.chain.tokens import associated_account
from worktab.core.addresses import SYSTEM_PROGRAM_ID, TOKEN_2022_PROGRAM_ID
from worktab.core.errors import ConnectionFailed
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated.accounts import Device as DeviceAccount
from worktab.program.generated.events import Claimed
from worktab.program.logs import events_from_logs
from worktab.roles.base import program_sender
from worktab.roles.claiming import ClaimOutcome, ClaimReport, Crank, DeviceClaim
from worktab.roles.device import Device
from worktab.roles.errors import ClaimIncomplete, DeviceNotFound
from worktab.roles.owner import Owner

TOKEN_ACCOUNT = 165
"""Bytes of a token account."""


async def fleet_of(
    start_fleet: StartFleet, count: int, *, payout: Pubkey | None = None, **start: Any
) -> tuple[Fleet, Owner, list[Device]]:
    """An owner whose devices are owed 2, 4, 6, .. base units."""
    fleet = await start_fleet(**start)
    owner = fleet.owner()
    devices = [await fleet.device(owner=owner, payout=payout) for _ in range(count)]
    await fleet.next_epoch()
    for number, device in enumerate(devices, 1):
        await fleet.earn(device, 1, number)
    return fleet, owner, devices


def outcomes(report: ClaimReport) -> list[ClaimOutcome]:
    return [each.outcome for each in report.devices]


def sizes(report: ClaimReport) -> list[int]:
    """How many devices each transaction paid."""
    found = [events_from_logs(each.logs, PROGRAM_ID) for each in report.confirmed]
    return [len(event.entries) for [event] in found if isinstance(event, Claimed)]


async def edit(fleet: Fleet, device: Pubkey, **fields: Any) -> None:
    """Write fields of a device that no instruction writes yet."""
    account = await fleet.chain.account(device)
    assert account is not None
    changed = replace(DeviceAccount.decode(account.data), **fields).encode()
    await fleet.set_account(device, AccountData(account.lamports, account.owner, changed))


async def test_a_fleet_is_paid_in_one_transfer_and_its_account_made(start_fleet: StartFleet) -> None:
    fleet, owner, devices = await fleet_of(start_fleet, 3)
    wallet = owner.owner.pubkey()
    lamports = await fleet.lamports(fleet.payer.pubkey())

    rent = await fleet.chain.rent_exempt(TOKEN_ACCOUNT)

    report = await owner.claim()

    assert report.devices == tuple(
        DeviceClaim(device.device, wallet, ClaimOutcome.PAID, 2 * number) for number, device in enumerate(devices, 1)
    )
    assert report.paid == 12
    assert len(report.confirmed) == 1
    assert await fleet.mint.balance(wallet) == 12
    assert await fleet.vault() == 10_000_000 - 12
    assert await fleet.lamports(fleet.payer.pubkey()) == lamports - rent - 5_000
    network = await fleet.operator.network()
    assert (network.pool_owed, network.accounted) == (0, 10_000_000 - 12)
    assert [(await fleet.read(device.device)).rewards_owed for device in devices] == [0, 0, 0]


async def test_a_second_claim_has_nothing_to_do(start_fleet: StartFleet) -> None:
    fleet, owner, _ = await fleet_of(start_fleet, 2)
    await owner.claim()
    report = await owner.claim()
    assert outcomes(report) == [ClaimOutcome.NOTHING_OWED] * 2
    assert (report.paid, report.confirmed) == (0, ())
    assert await fleet.mint.balance(owner.owner.pubkey()) == 6


async def test_each_payout_wallet_has_its_own_transfer(start_fleet: StartFleet) -> None:
    fleet, owner, devices = await fleet_of(start_fleet, 4)
    wallet = Keypair().pubkey()
    for device in (devices[1], devices[3]):
        await owner.update(device.device, payout=wallet)

    report = await owner.claim([each.device for each in reversed(devices)])

    own = owner.owner.pubkey()
    assert [(each.device, each.payout, each.rewards) for each in report.devices] == [
        (devices[3].device, wallet, 8),
        (devices[2].device, own, 6),
        (devices[1].device, wallet, 4),
        (devices[0].device, own, 2),
    ]
    assert len(report.confirmed) == 2
    assert (await fleet.mint.balance(own), await fleet.mint.balance(wallet)) == (8, 12)


async def test_devices_share_transactions_as_far_as_these_reach(start_fleet: StartFleet) -> None:
    fleet, owner, _ = await fleet_of(start_fleet, 50)

    report = await owner.claim()

    assert outcomes(report) == [ClaimOutcome.PAID] * 50
    assert report.paid == await fleet.mint.balance(owner.owner.pubkey()) == 50 * 51
    # The first transaction makes the token account, too.
    assert sizes(report) == [22, 24, 4]


async def test_a_lookup_table_brings_more_devices_into_a_transaction(start_fleet: StartFleet) -> None:
    fleet, owner, devices = await fleet_of(start_fleet, 60)
    await fleet.mint.give(owner.owner.pubkey(), 0)
    table = await fleet.operator.create_lookup_table([each.device for each in devices])
    await pass_blocks(fleet.chain, 1)
    fleet.sender.lookup_tables = [table]

    report = await owner.claim()

    assert outcomes(report) == [ClaimOutcome.PAID] * 60
    assert await fleet.mint.balance(owner.owner.pubkey()) == 60 * 61
    # 64 accounts at most, of which 9 are no devices.
    assert sizes(report) == [55, 5]


async def test_anyone_may_pay_for_everybody(start_fleet: StartFleet) -> None:
    fleet, owner, devices = await fleet_of(start_fleet, 2)
    other = fleet.owner()
    stranger = await fleet.device(owner=other)
    await fleet.next_epoch()
    await fleet.earn(stranger, 1, 5)
    someone = Keypair()
    await fleet.airdrop(someone.pubkey(), SOL)
    before = await fleet.lamports(fleet.payer.pubkey())

    crank = Crank(program_sender(fleet.chain, fee_payer=someone, **TIMING), fleet.network)
    report = await crank.claim()

    assert [each.device for each in report.devices] == [each.device for each in (*devices, stranger)]
    assert (await fleet.mint.balance(owner.owner.pubkey()), await fleet.mint.balance(other.owner.pubkey())) == (6, 10)
    assert await fleet.lamports(fleet.payer.pubkey()) == before
    rent = await fleet.chain.rent_exempt(TOKEN_ACCOUNT)
    assert await fleet.lamports(someone.pubkey()) == SOL - 2 * (rent + 5_000)


async def test_a_missing_account_is_not_made_where_that_is_not_wanted(start_fleet: StartFleet) -> None:
    fleet, owner, devices = await fleet_of(start_fleet, 1)
    report = await owner.claim(create_accounts=False)
    claim = DeviceClaim(devices[0].device, owner.owner.pubkey(), ClaimOutcome.UNPAYABLE, 2)
    assert report == ClaimReport((claim,), ())
    assert report.paid == 0
    assert await fleet.lamports(fleet.mint.account_of(owner.owner.pubkey())) == 0
    assert (await fleet.read(devices[0].device)).rewards_owed == 2


async def test_lamports_at_the_accounts_address_do_not_stop_a_claim(start_fleet: StartFleet) -> None:
    fleet, owner, _ = await fleet_of(start_fleet, 1)
    await fleet.airdrop(associated_account(owner.owner.pubkey(), fleet.mint.address), SOL)
    assert (await owner.claim()).paid == await fleet.mint.balance(owner.owner.pubkey()) == 2


async def test_a_frozen_account_is_skipped_and_blocks_nobody(start_fleet: StartFleet) -> None:
    fleet, owner, devices = await fleet_of(start_fleet, 2)
    wallet = Keypair().pubkey()
    await owner.update(devices[0].device, payout=wallet)
    account = await fleet.mint.give(wallet, 1)
    freeze = FreezeAccountParams(
        program_id=fleet.mint.program,
        account=account,
        mint=fleet.mint.address,
        authority=fleet.mint.authority.pubkey(),
    )
    await fleet.sender.send([freeze_account(freeze)], [fleet.mint.authority])

    report = await owner.claim()

    assert outcomes(report) == [ClaimOutcome.UNPAYABLE, ClaimOutcome.PAID]
    assert [each.rewards for each in report.devices] == [2, 4]
    assert report.paid == 4
    assert (await fleet.mint.balance(wallet), await fleet.mint.balance(owner.owner.pubkey())) == (1, 4)
    assert (await fleet.read(devices[0].device)).rewards_owed == 2


async def test_token_2022_wallets_are_paid_unless_they_want_a_memo(start_fleet: StartFleet) -> None:
    fleet, owner, devices = await fleet_of(start_fleet, 2, token_program=TOKEN_2022_PROGRAM_ID)
    picky = Keypair()
    await owner.update(devices[0].device, payout=picky.pubkey())
    account = await fleet.mint.give(picky.pubkey(), 0)
    holder = AccountMeta(picky.pubkey(), is_signer=True, is_writable=False)
    held = AccountMeta(account, is_signer=False, is_writable=True)
    payer = AccountMeta(fleet.payer.pubkey(), is_signer=True, is_writable=True)
    system = AccountMeta(SYSTEM_PROGRAM_ID, is_signer=False, is_writable=False)
    make_room = Instruction(TOKEN_2022_PROGRAM_ID, bytes([29, 8, 0]), [held, payer, system, holder])
    want_memo = Instruction(TOKEN_2022_PROGRAM_ID, bytes([30, 0]), [held, holder])
    await fleet.sender.send([make_room, want_memo], [picky])

    report = await owner.claim()

    assert outcomes(report) == [ClaimOutcome.UNPAYABLE, ClaimOutcome.PAID]
    assert await fleet.mint.balance(picky.pubkey()) == 0
    assert await fleet.mint.balance(owner.owner.pubkey()) == report.paid == 4
    assert (await fleet.read(devices[0].device)).rewards_owed == 2


async def test_a_reassigned_account_is_not_paid(start_fleet: StartFleet) -> None:
    fleet, owner, devices = await fleet_of(start_fleet, 1)
    account = await fleet.mint.give(owner.owner.pubkey(), 1)
    params = SetAuthorityParams(
        program_id=fleet.mint.program,
        account=account,
        authority=AuthorityType.ACCOUNT_OWNER,
        current_authority=owner.owner.pubkey(),
        new_authority=Keypair().pubkey(),
    )
    await fleet.sender.send([set_authority(params)], [owner.owner])
    report = await owner.claim()
    assert outcomes(report) == [ClaimOutcome.UNPAYABLE]
    assert (await fleet.read(devices[0].device)).rewards_owed == 2


async def test_a_closed_account_is_made_again(start_fleet: StartFleet) -> None:
    fleet, owner, _ = await fleet_of(start_fleet, 1)
    wallet = owner.owner.pubkey()
    account = await fleet.mint.give(wallet, 0)
    params = CloseAccountParams(program_id=fleet.mint.program, account=account, dest=wallet, owner=wallet)
    await fleet.sender.send([close_account(params)], [owner.owner])
    assert await fleet.lamports(account) == 0
    assert (await owner.claim()).paid == await fleet.mint.balance(wallet) == 2


async def test_a_disputed_device_is_not_paid(start_fleet: StartFleet) -> None:
    fleet, owner, devices = await fleet_of(start_fleet, 2)
    await edit(fleet, devices[0].device, open_disputes=1)
    report = await owner.claim()
    assert [(each.outcome, each.rewards) for each in report.devices] == [
        (ClaimOutcome.DISPUTED, 2),
        (ClaimOutcome.PAID, 4),
    ]
    assert sizes(report) == [1]


async def test_a_closed_device_is_reported_and_others_are_paid(start_fleet: StartFleet) -> None:
    fleet, owner, devices = await fleet_of(start_fleet, 1)
    gone = await fleet.device(owner=owner)
    await owner.retire(gone.device)
    report = await owner.claim([gone.device, devices[0].device, gone.device, devices[0].device])
    assert report.devices == (
        DeviceClaim(gone.device, None, ClaimOutcome.CLOSED, 0),
        DeviceClaim(devices[0].device, owner.owner.pubkey(), ClaimOutcome.PAID, 2),
    )


async def test_what_is_no_device_is_refused_before_anything_is_sent(start_fleet: StartFleet) -> None:
    fleet, owner, devices = await fleet_of(start_fleet, 1)
    with pytest.raises(DeviceNotFound):
        await owner.claim([devices[0].device, fleet.network])
    assert (await fleet.read(devices[0].device)).rewards_owed == 2


async def test_devices_that_changed_after_they_were_read_are_told_by_the_program(start_fleet: StartFleet) -> None:
    fleet, owner, devices = await fleet_of(start_fleet, 5)
    await fleet.mint.give(owner.owner.pubkey(), 0)
    read = list(await owner.devices())
    # Meanwhile one is claimed, one moves its payout, one is disputed, one closes.
    await owner.claim([devices[0].device, devices[3].device])
    await owner.update(devices[1].device, payout=Keypair().pubkey())
    await edit(fleet, devices[2].device, open_disputes=1)
    await owner.retire(devices[3].device)

    report = await Crank(fleet.sender, fleet.network).claim_read(read)

    assert [(each.outcome, each.rewards) for each in report.devices] == [
        (ClaimOutcome.NOTHING_OWED, 0),
        (ClaimOutcome.OTHER_PAYOUT, 4),
        (ClaimOutcome.DISPUTED, 6),
        (ClaimOutcome.CLOSED, 0),
        (ClaimOutcome.PAID, 10),
    ]
    assert report.devices[3].payout is None
    assert report.paid == 10
    assert await fleet.mint.balance(owner.owner.pubkey()) == 2 + 8 + 10


async def test_a_failing_transaction_keeps_no_other_from_being_tried(start_fleet: StartFleet) -> None:
    fleet, owner, devices = await fleet_of(start_fleet, 2)
    await fleet.mint.give(owner.owner.pubkey(), 0)
    # It has enough for a claim, and not for the rent of a token account.
    poor = Keypair()
    await fleet.airdrop(poor.pubkey(), await fleet.chain.rent_exempt(TOKEN_ACCOUNT))
    await owner.update(devices[0].device, payout=Keypair().pubkey())
    crank = Crank(program_sender(fleet.chain, fee_payer=poor, **TIMING), fleet.network)

    with pytest.raises(ClaimIncomplete, match="1 of 2 devices") as caught:
        await crank.claim()

    report = caught.value.report
    assert caught.value.code == "claim_incomplete"
    assert caught.value.__cause__ is not None
    assert [(each.outcome, each.rewards) for each in report.devices] == [
        (ClaimOutcome.FAILED, 2),
        (ClaimOutcome.PAID, 4),
    ]
    assert await fleet.mint.balance(owner.owner.pubkey()) == 4


async def test_a_node_without_logs_leaves_what_was_paid_unknown(start_fleet: StartFleet) -> None:
    fleet, owner, _ = await fleet_of(start_fleet, 1)
    silent = Network(fleet.chain)
    silent.details = False
    sender = program_sender(silent, fee_payer=fleet.payer, sleep=silent.sleep, **TIMING)
    report = await Crank(sender, fleet.network).claim()
    assert outcomes(report) == [ClaimOutcome.UNKNOWN]
    assert report.paid == 0
    assert await fleet.mint.balance(owner.owner.pubkey()) == 2


@pytest.mark.parametrize("lie", ["disorder", "no base64", "an entry too few", "an unknown outcome", "our own outcome"])
async def test_logs_that_make_no_sense_leave_what_was_paid_unknown(start_fleet: StartFleet, lie: str) -> None:
    fleet, owner, devices = await fleet_of(start_fleet, 2)
    await owner.update(devices[0].device, payout=Keypair().pubkey())
    invoked = f"Program {PROGRAM_ID} invoke [1]"

    class Lying(Network):
        async def transaction(self, signature: Signature) -> Landed | None:
            landed = await super().transaction(signature)
            assert landed is not None
            [event] = events_from_logs(landed.logs, PROGRAM_ID)
            assert isinstance(event, Claimed)
            entries = event.entries
            if lie == "an entry too few":
                entries = ()
            if lie.endswith("outcome"):
                entries = (replace(entries[0], outcome=99 if "unknown" in lie else 255),)
            data = base64.b64encode(replace(event, entries=entries).encode()).decode()
            lines = {"disorder": ("Program x success", f"Program {PROGRAM_ID} invoke [7]")}
            lines["no base64"] = (invoked, "Program data: !")
            return replace(landed, logs=lines.get(lie, (invoked, f"Program data: {data}")))

    network = Lying(fleet.chain)
    report = await Crank(
        program_sender(network, fee_payer=fleet.payer, sleep=network.sleep, **TIMING), fleet.network
    ).claim()
    assert outcomes(report) == [ClaimOutcome.UNKNOWN] * 2
    assert [each.rewards for each in report.devices] == [2, 4]
    assert (report.paid, await fleet.mint.balance(owner.owner.pubkey())) == (0, 4)


async def test_a_chain_out_of_reach_is_said_so(start_fleet: StartFleet) -> None:
    fleet, owner, _ = await fleet_of(start_fleet, 1)

    class Down(Network):
        async def account(self, pubkey: Pubkey) -> Any:
            raise ConnectionFailed("No answer")

    sender = program_sender(Down(fleet.chain), fee_payer=fleet.payer, **TIMING)
    with pytest.raises(ConnectionFailed):
        await fleet.owner(owner.owner, sender).claim()
