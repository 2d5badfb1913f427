"""claim: payout accounts that can't be paid are skipped, harm nobody else, and are paid once they are repaired."""

from __future__ import annotations

import pytest
from solders.instruction import AccountMeta, Instruction

from support.earning import earning
from support.parties import Device, Network
from support.payouts import BREAKINGS, Breaking, Payout, Repair, make_room_for_memos, require_memos
from support.tokens import create_mint
from support.world import World
from worktab.core.addresses import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID
from worktab.program.generated.events import Claimed
from worktab.program.generated.types import ClaimEntry

PAID, UNPAYABLE = 0, 5
_APPROVE, _SET_AUTHORITY, _CLOSE_AUTHORITY = 4, 6, 3


def assert_skipped_then_paid(world: World, device: Device, repair: Repair) -> None:
    """The device is skipped and still owed, blocks nobody in its transaction, and is paid after the repair."""
    network = device.network
    neighbour = earning(world, network, 40)
    claim = world.claim([device], device.payout, network)
    vault, owed = network.mint.balance(network.address), world.read_network(network).pool_owed

    result = world.send(claim, world.claim([neighbour], neighbour.payout, network), claim)

    assert result.ok, result.logs
    skipped = Claimed(
        network.address,
        device.payout.pubkey(),
        amount=0,
        fee=0,
        burn=0,
        entries=(ClaimEntry(device.index, 70, 0, UNPAYABLE),),
    )
    assert result.events[0] == result.events[2] == skipped
    assert world.balance(neighbour.payout, network.mint) == 40
    assert network.mint.balance(network.address) == vault - 40
    assert world.read_device(device).rewards_owed == 70
    assert world.read_network(network).pool_owed == owed - 40

    repair()
    paid = world.send(claim).event()
    assert (paid.amount, paid.entries) == (70, (ClaimEntry(device.index, 70, 0, PAID),))
    assert world.balance(device.payout, network.mint) == 70
    assert world.read_device(device).rewards_owed == 0


@pytest.mark.parametrize("breaking", BREAKINGS, ids=lambda each: each.__name__.replace("_", " "))
def test_an_account_that_can_not_be_paid_waits(world: World, network: Network, breaking: Breaking) -> None:
    device = earning(world, network, 70)
    repair = breaking(Payout(world, network.mint, device.payout))

    assert_skipped_then_paid(world, device, repair)


def test_an_account_never_opened_waits(world: World, network: Network) -> None:
    device = earning(world, network, 70, open_payout=False)

    assert_skipped_then_paid(world, device, lambda: network.mint.open(device.payout.pubkey()))


def test_an_account_that_asks_for_memos_waits(world: World) -> None:
    mint = create_mint(world, token_program=TOKEN_2022_PROGRAM_ID)
    device = earning(world, world.network(mint=mint), 70)
    payout = Payout(world, mint, device.payout)
    payout.do(make_room_for_memos(payout), require_memos(payout, True))

    assert_skipped_then_paid(world, device, lambda: payout.do(require_memos(payout, False)))


def test_a_malformed_account_of_token_2022_waits(world: World) -> None:
    """No token program leaves one behind; the program still does not trust its length fields."""
    mint = create_mint(world, token_program=TOKEN_2022_PROGRAM_ID)
    device = earning(world, world.network(mint=mint), 70)
    payout = Payout(world, mint, device.payout)
    data = world.data(payout.account)
    world.set_data(payout.account, data + bytes([200, 0, 200, 0]))

    assert_skipped_then_paid(world, device, lambda: world.set_data(payout.account, data))


def test_where_nothing_is_owed_the_account_does_not_matter(world: World, network: Network) -> None:
    device = world.device(network, open_payout=False)

    event = world.send(world.claim([device], device.payout, network)).event()

    assert event.entries == (ClaimEntry(0, 0, 0, 1),)


def test_a_delegate_and_a_close_authority_do_not_stop_pay(world: World, network: Network) -> None:
    device = earning(world, network, 70)
    payout = Payout(world, network.mint, device.payout)
    friend, wallet = world.keypair().pubkey(), device.payout.pubkey()
    account = AccountMeta(payout.account, is_signer=False, is_writable=True)
    signer = AccountMeta(wallet, is_signer=True, is_writable=False)
    payout.do(
        Instruction(
            TOKEN_PROGRAM_ID,
            bytes([_APPROVE]) + (2**64 - 1).to_bytes(8, "little"),
            [account, AccountMeta(friend, is_signer=False, is_writable=False), signer],
        ),
        Instruction(TOKEN_PROGRAM_ID, bytes([_SET_AUTHORITY, _CLOSE_AUTHORITY, 1]) + bytes(friend), [account, signer]),
    )

    assert world.send(world.claim([device], device.payout, network)).event().amount == 70
