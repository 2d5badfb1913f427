"""A voucher is worth something in one place: not on another lane, tab, device, network, program or cluster."""

from __future__ import annotations

import pytest

from support.consumers import CLOSE_DELAY, entry
from support.parties import GENESIS, Device, Lane, Network, Tab
from support.svm import Result
from support.world import World
from worktab.core import contexts
from worktab.program.generated import PROGRAM_ID


def replay(world: World, old: bytes, lane: Lane) -> Result:
    """Settles a lane with a message that its own signer signed for something else."""
    return world.send(world.signature(lane.signer, old), world.settle(lane))


def reopened(world: World, lane: Lane) -> Lane:
    """The lane ended by its device's owner, and a new one of the same parties."""
    world.must(world.waive(lane))
    return world.lane(lane.tab, lane.device, 100, signer=lane.signer)


def test_after_a_lane_ended_its_vouchers_are_worth_nothing(world: World, lane: Lane) -> None:
    old, batch = world.voucher(lane, 40), world.batch(lane.tab, [entry(lane, 40)], [lane.device])
    again = reopened(world, lane)
    assert again.nonce == lane.nonce + 1

    assert world.send(old).error_name == "LaneNotFound"
    assert world.send(batch).error_name == "StaleVoucher"
    assert replay(world, world.voucher_message(lane, 40), again).error_name == "WrongContext"

    assert [each.paid for each in world.lanes(lane.tab)] == [0]


def test_after_a_delegates_lane_ended_its_vouchers_are_worth_nothing(world: World, tab: Tab, device: Device) -> None:
    lane = world.lane(tab, device, 100, signer=world.delegate(tab))
    old = world.voucher(lane, 40)
    again = reopened(world, lane)

    assert world.send(old).error_name == "LaneNotFound"
    assert replay(world, world.voucher_message(lane, 40), again).error_name == "WrongContext"


def closed(world: World, tab: Tab) -> None:
    """Takes what is in a tab and closes it."""
    balance = world.read_tab(tab).balance
    world.must([world.withdraw(tab, balance)] if balance else [], world.close_tab(tab))


@pytest.mark.parametrize("later", [0, 1, 1_000])
def test_after_a_tab_was_opened_again_old_vouchers_are_worth_nothing(
    world: World, tab: Tab, device: Device, later: int
) -> None:
    """Even in the first slot in which the old tab could close, and with as many lanes as it had."""
    lanes = [world.lane(tab, device, 10) for _ in range(5)]
    for lane in lanes:
        world.must(world.waive(lane))
    world.slot = lanes[-1].nonce + 2
    closed(world, tab)
    world.slot += later
    world.must(world.open_tab(tab), world.deposit(tab, 1_000))
    new = [world.lane(tab, device, 10) for _ in range(5)]

    assert not {each.nonce for each in lanes} & {each.nonce for each in new}
    for old in lanes:
        assert world.send(world.voucher(old, 10)).error_name == "LaneNotFound"
        for lane in new:
            assert replay(world, world.voucher_message(old, 10), lane).error_name == "WrongContext"
        batch = world.batch(tab, [entry(old, 10)], [device])
        assert world.send(batch).error_name == "StaleVoucher"
    assert [each.paid for each in world.lanes(tab)] == [0] * 5


def test_a_tab_that_was_ahead_of_its_slot_does_not_close_before_it(world: World, tab: Tab, device: Device) -> None:
    """100 lanes in the slot of opening: a tab opened again 50 slots later would repeat half of their nonces."""
    opened = world.slot
    for _ in range(100):
        world.must(world.waive(world.lane(tab, device, 1)))
    world.must(world.withdraw(tab, 1_000))
    assert world.read_tab(tab).nonce == opened + 100

    for slot in (opened, opened + 50, opened + 100):
        world.slot = slot
        assert world.send(world.close_tab(tab)).error_name == "TooSoon"
    world.slot = opened + 101
    assert world.send(world.close_tab(tab), world.open_tab(tab)).ok

    assert world.read_tab(tab).nonce == opened + 101


def test_on_another_lane_of_the_same_parties(world: World, lane: Lane) -> None:
    other = world.lane(lane.tab, lane.device, 100)

    assert replay(world, world.voucher_message(lane, 40), other).error_name == "WrongContext"


def test_on_another_device(world: World, lane: Lane) -> None:
    other = world.lane(lane.tab, world.device(lane.tab.network), 100)

    assert replay(world, world.voucher_message(lane, 40), other).error_name == "WrongContext"


def test_on_another_consumers_tab_with_the_same_key(world: World, network: Network, lane: Lane) -> None:
    """The key is a consumer here and a delegate there; nonce, device and network are the same."""
    other = world.tab(network, 1_000)
    key = lane.tab.consumer
    world.must(world.set_delegate(other, 1, world.delegate_terms(key)))
    twin = world.lane(other, lane.device, 100, signer=key)
    assert twin.nonce == lane.nonce

    assert replay(world, world.voucher_message(lane, 40), twin).error_name == "WrongContext"
    batch = world.batch_message(lane.tab, [entry(lane, 40)])
    settle = world.settle_batch(other, [entry(twin, 40)], [lane.device], number=1)
    assert world.send(world.signature(key, batch), settle).error_name == "WrongContext"

    assert world.lanes(other)[0].paid == 0


def test_in_another_network(world: World, lane: Lane) -> None:
    """The same consumer, the same device key, the same index and nonce."""
    other = world.network()
    device = world.device(other, signer=lane.device.signer)
    twin = world.lane(world.tab(other, 1_000, consumer=lane.tab.consumer), device, 100)
    assert (twin.nonce, device.index) == (lane.nonce, lane.device.index)

    assert replay(world, world.voucher_message(lane, 40), twin).error_name == "WrongContext"


def test_on_another_cluster(world: World, lane: Lane) -> None:
    """A second chain on which every address, index and nonce is the same; its genesis hash is not."""
    there = World()
    network = there.network(genesis_hash=b"\xab" * 32)
    tab = there.tab(network, 1_000)
    device = there.device(network)
    twin = there.lane(tab, device, 100)
    assert (twin.tab.address, device.address, device.index) == (
        lane.tab.address,
        lane.device.address,
        lane.device.index,
    )
    assert (twin.nonce, twin.signer) == (lane.nonce, lane.signer)

    for from_here, to_there in ((lane, twin), (twin, lane)):
        chain = world if to_there is lane else there
        message = chain.voucher_message(from_here, 40)
        assert replay(chain, message, to_there).error_name == "WrongContext"
        batch = chain.batch_message(from_here.tab, [entry(lane, 40)])
        settle = chain.settle_batch(to_there.tab, [entry(lane, 40)], [lane.device])
        assert chain.send(chain.signature(lane.signer, batch), settle).error_name == "WrongContext"


def test_for_another_program(world: World, lane: Lane) -> None:
    other = bytes(reversed(bytes(PROGRAM_ID)))
    domain = contexts.domain(GENESIS, other, lane.tab.network.address)
    context = contexts.voucher_context(domain, lane.tab.address, lane.device.address, lane.device.index, lane.nonce)

    assert world.send(world.voucher(lane, 40, context=context)).error_name == "WrongContext"


def test_for_an_earlier_registration_of_the_device(world: World, network: Network, lane: Lane) -> None:
    """The device is retired, closed and registered again under its key: same address, new index."""
    old = lane.device
    world.must(world.retire(old))
    again = world.device(network, signer=old.signer, owner=old.owner)
    assert (again.address, again.index) == (old.address, old.index + 1)
    new = world.lane(lane.tab, again, 100)

    assert world.send(world.voucher(lane, 40)).error_name == "ForeignLane"
    assert replay(world, world.voucher_message(lane, 40), new).error_name == "WrongContext"
    assert world.send(world.batch(lane.tab, [entry(lane, 40)], [old])).error_name == "InvalidBatch"

    assert [each.paid for each in world.lanes(lane.tab)] == [0, 0]


def test_a_batch_is_no_voucher_and_a_voucher_no_batch(world: World, lane: Lane) -> None:
    batch = world.batch_message(lane.tab, [entry(lane, 40)])
    assert replay(world, batch, lane).error_name == "WrongMessage"

    settle = world.settle_batch(lane.tab, [entry(lane, 40)], [lane.device])
    voucher = world.signature(lane.signer, world.voucher_message(lane, 40))
    assert world.send(voucher, settle).error_name == "WrongMessage"


def test_a_receipt_is_no_voucher_though_one_key_signs_both(world: World, network: Network) -> None:
    """A device's key that is a consumer as well: the device buys from itself."""
    signer = world.keypair()
    device = world.device(network, signer=type(world.ed25519())(signer.secret()))
    lane = world.lane(world.tab(network, 100, consumer=signer), device, 100)

    assert replay(world, world.receipt_message(device, 40, 40), lane).error_name == "WrongMessage"
    voucher = world.signature(signer, world.voucher_message(lane, 40))
    assert world.send(voucher, world.submit(device)).error_name == "WrongMessage"


def test_an_ended_lane_gives_a_voucher_no_second_life_by_delay(world: World, lane: Lane) -> None:
    world.must(world.voucher(lane, 40))
    world.must(world.close_lane(lane))
    world.advance(CLOSE_DELAY)
    world.must(world.close_lane(lane))

    assert world.send(world.voucher(lane, 40)).error_name == "LaneNotFound"
    assert world.send(world.voucher(lane, 100)).error_name == "LaneNotFound"
    assert world.read_device(lane.device).earnings_owed == 40
