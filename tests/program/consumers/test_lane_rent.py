"""The rent of lanes: 40 bytes' worth comes with each and goes back with it, whoever pays and whoever gets."""

from __future__ import annotations

from solders.keypair import Keypair
from solders.rent import Rent

from support.consumers import CLOSE_DELAY, LANE_RENT
from support.effects import effects
from support.parties import Device, Lane, Network, Tab
from support.world import World
from worktab.core.addresses import SYSTEM_PROGRAM_ID
from worktab.program.generated import accounts as state


def surplus(world: World, tab: Tab) -> int:
    """Lamports in a tab beyond its rent."""
    rent = world.runtime.minimum_balance_for_rent_exemption(len(world.data(tab.address)))
    return world.lamports(tab.address) - rent


def end(world: World, lane: Lane) -> None:
    """Ends a lane by its device's owner."""
    world.must(world.waive(lane))


def test_each_lane_brings_its_rent_and_takes_it_back(world: World, tab: Tab, device: Device) -> None:
    payer = world.payer.pubkey()
    lanes = []
    for _ in range(3):
        changes = effects(world, world.reserve(tab, device, 10))
        assert changes[payer] == {"lamports": -LANE_RENT}
        assert surplus(world, tab) == 0
        lanes.append(Lane(tab, device, world.lanes(tab)[-1].nonce, tab.consumer))
    for lane in (lanes[1], lanes[0], lanes[2]):
        changes = effects(world, world.waive(lane))
        assert changes[payer] == {"lamports": LANE_RENT}
        assert surplus(world, tab) == 0

    assert len(world.data(tab.address)) == state.Tab.SIZE


def test_adding_to_a_lane_costs_no_rent(world: World, tab: Tab, lane: Lane) -> None:
    assert "lamports" not in effects(world, world.add(lane, 10))[tab.address]


def test_the_payer_of_a_lane_and_of_the_tab_may_be_two(world: World, network: Network, device: Device) -> None:
    """The lane's rent goes to the tab's rent payer, who need not have paid it."""
    opener, sponsor = world.keypair(lamports=10_000_000), world.keypair(lamports=10_000_000)
    tab = world.tab_of(network)
    world.must(world.open_tab(tab, payer=opener.pubkey()), world.deposit(tab, 100))
    opened = world.lamports(opener.pubkey())

    world.must(world.reserve(tab, device, 10, payer=sponsor.pubkey()))
    assert world.lamports(sponsor.pubkey()) == 10_000_000 - LANE_RENT
    lane = Lane(tab, device, world.lanes(tab)[0].nonce, tab.consumer)
    world.must(world.waive(lane, rent_payer=opener.pubkey()))

    assert world.lamports(opener.pubkey()) == opened + LANE_RENT
    assert world.lamports(sponsor.pubkey()) == 10_000_000 - LANE_RENT


def test_payer_consumer_and_rent_payer_may_be_one(world: World, network: Network, device: Device) -> None:
    consumer = world.keypair(lamports=20_000_000)
    tab = world.tab_of(network, consumer)
    me = consumer.pubkey()
    world.must(world.open_tab(tab, payer=me), world.deposit(tab, 100))
    before = world.lamports(me)

    world.must(world.reserve(tab, device, 10, payer=me))
    assert world.lamports(me) == before - LANE_RENT
    lane = Lane(tab, device, world.lanes(tab)[0].nonce, consumer)
    world.must(world.close_lane(lane, rent_payer=me))
    world.advance(CLOSE_DELAY)
    world.must(world.close_lane(lane, rent_payer=me))

    assert world.lamports(me) == before
    assert world.read_tab(tab).balance == 100


def test_a_delegate_may_pay_for_its_lane(world: World, tab: Tab, device: Device) -> None:
    delegate = world.delegate(tab)
    world.runtime.airdrop(delegate.pubkey(), 5_000_000)

    changes = effects(world, world.reserve(tab, device, 10, signer=delegate, payer=delegate.pubkey()))

    assert changes[delegate.pubkey()] == {"lamports": -LANE_RENT}


def test_lamports_sent_ahead_pay_for_lanes_first(world: World, tab: Tab, device: Device) -> None:
    """Two lanes and a half are paid ahead: two cost nothing, the third the rest."""
    world.runtime.airdrop(tab.address, 2 * LANE_RENT + LANE_RENT // 2)
    payer = world.payer.pubkey()

    paid = [effects(world, world.reserve(tab, device, 10)).get(payer) for _ in range(4)]

    assert paid == [None, None, {"lamports": -LANE_RENT // 2}, {"lamports": -LANE_RENT}]
    assert surplus(world, tab) == 0


def test_lamports_sent_ahead_stay_when_a_lane_ends(world: World, tab: Tab, device: Device) -> None:
    world.runtime.airdrop(tab.address, 2 * LANE_RENT + 7)
    lane = world.lane(tab, device, 10)
    assert surplus(world, tab) == LANE_RENT + 7

    changes = effects(world, world.waive(lane))

    assert changes[world.payer.pubkey()] == {"lamports": LANE_RENT}
    assert surplus(world, tab) == LANE_RENT + 7


def test_a_closed_tab_gives_back_everything_it_holds(world: World, tab: Tab, device: Device) -> None:
    world.runtime.airdrop(tab.address, 3 * LANE_RENT)
    end(world, world.lane(tab, device, 10))
    world.must(world.withdraw(tab, 1_000))
    world.slot += 2
    held = world.lamports(tab.address)

    changes = effects(world, world.close_tab(tab))

    assert changes[world.payer.pubkey()] == {"lamports": held}
    assert world.account(tab.address) is None


def test_another_rent_payer_is_refused(world: World, tab: Tab, lane: Lane) -> None:
    for wrong in (tab.consumer.pubkey(), lane.device.owner.pubkey(), Keypair().pubkey(), lane.device.address):
        assert world.send(world.waive(lane, rent_payer=wrong)).error_name == "AddressMismatch"
        assert world.send(world.close_lane(lane, rent_payer=wrong)).error_name == "AddressMismatch"

    assert [each.close_at for each in world.lanes(tab)] == [0]


def test_a_payer_without_the_rent_opens_no_lane(world: World, tab: Tab, device: Device) -> None:
    poor = world.keypair()
    world.set_account(poor.pubkey(), b"", SYSTEM_PROGRAM_ID, LANE_RENT - 1)

    result = world.send(world.reserve(tab, device, 10, payer=poor.pubkey()))

    assert (result.ok, world.lanes(tab)) == (False, ())
    assert world.lamports(poor.pubkey()) == LANE_RENT - 1


def test_rent_that_fell_meanwhile_is_not_given_back_twice(world: World, tab: Tab, device: Device) -> None:
    """A lane gives back what 40 bytes cost now; the rest stays for later lanes, and leaves with the tab."""
    lane, held = world.lane(tab, device, 10), world.lamports(tab.address)
    world.runtime.set_rent(Rent.with_lamports_per_byte(world.runtime.get_rent().lamports_per_byte // 2))

    changes = effects(world, world.waive(lane))

    assert changes[world.payer.pubkey()] == {"lamports": LANE_RENT // 2}
    assert world.lamports(tab.address) == held - LANE_RENT // 2
    assert world.payer.pubkey() not in effects(world, world.reserve(tab, device, 10))


def test_a_rent_payer_whose_wallet_is_empty_does_not_hold_a_lane_up(world: World, network: Network) -> None:
    """One lane's rent alone is less than an account must hold, so a wallet without lamports could not take it."""
    sponsor = world.keypair(lamports=10_000_000)
    tab, device = world.tab_of(network), world.device(network)
    world.must(world.open_tab(tab, payer=sponsor.pubkey()), world.deposit(tab, 100))
    lane = world.lane(tab, device, 100)
    world.set_account(sponsor.pubkey(), b"", SYSTEM_PROGRAM_ID, 0)

    held = world.lamports(tab.address)

    result = world.send(world.waive(lane, rent_payer=sponsor.pubkey()))

    assert result.ok, result.error
    assert world.read_tab(tab).balance == 100
    assert world.lamports(tab.address) == held
    assert world.lamports(sponsor.pubkey()) == 0
