"""withdraw_pool: the free pool alone, announced, after the parameter delay, to where it was announced."""

from __future__ import annotations

from dataclasses import replace

import pytest
from solders.pubkey import Pubkey

from support import changes
from support.builders import read_only
from support.invoices import Desk
from support.parties import DELAY, FUNDS, Network
from support.tokens import create_mint
from support.trust_scenes import TrustWorld, court_of
from worktab.core.addresses import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID
from worktab.program.generated.events import PoolWithdrawn
from worktab.program.generated.types import Change, PendingChange

NOTHING = PendingChange(0, (0,) * 5, bytes(32), 0, 0, bytes(6))
U64 = 2**64 - 1


@pytest.fixture
def world() -> TrustWorld:
    """A new chain that checks bonds after every transaction."""
    return TrustWorld()


@pytest.fixture(params=[TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID], ids=["token", "token-2022"])
def network(world: TrustWorld, request: pytest.FixtureRequest) -> Network:
    """A network of either token program with 10,000,000 in its pool."""
    return world.network(mint=create_mint(world, token_program=request.param))


@pytest.fixture
def target(world: TrustWorld, network: Network) -> Pubkey:
    """A token account, empty."""
    return network.mint.open(world.keypair().pubkey())


def announce(world: TrustWorld, network: Network, amount: int, target: Pubkey, *, wait: int = DELAY) -> None:
    """Announces a withdrawal, and waits."""
    assert world.send(world.propose(network, changes.withdraw_pool(amount, target))).ok
    world.advance(wait)


def amount_of(world: TrustWorld, account: Pubkey) -> int:
    """Base units in a token account."""
    return int.from_bytes(world.data(account)[64:72], "little")


def test_what_was_announced_is_paid(world: TrustWorld, network: Network, target: Pubkey) -> None:
    announce(world, network, 4_000, target)
    before = world.read_network(network)

    event = world.send(world.withdraw_pool(network, target)).event()

    assert event == PoolWithdrawn(network.address, target, 4_000)
    assert world.read_network(network) == replace(
        before, pending=NOTHING, pool_free=FUNDS - 4_000, accounted=FUNDS - 4_000
    )
    assert (amount_of(world, target), amount_of(world, network.vault)) == (4_000, FUNDS - 4_000)


def test_it_waits_the_delay_to_the_second(world: TrustWorld, network: Network, target: Pubkey) -> None:
    announce(world, network, 4_000, target, wait=DELAY - 1)
    withdraw = world.withdraw_pool(network, target)
    assert world.send(withdraw).error_name == "NotDue"

    world.advance(1)

    assert world.send(withdraw).ok


def test_it_is_paid_once(world: TrustWorld, network: Network, target: Pubkey) -> None:
    announce(world, network, 4_000, target)
    withdraw = world.withdraw_pool(network, target)

    twice = world.send(withdraw, withdraw)

    assert (twice.error_name, twice.instruction) == ("NothingPending", 1)
    assert world.send(withdraw).ok
    assert world.send(withdraw).error_name == "NothingPending"
    assert amount_of(world, target) == 4_000


def test_apply_update_does_not_move_tokens(world: TrustWorld, network: Network, target: Pubkey) -> None:
    announce(world, network, 4_000, target, wait=DELAY - 1)
    before = world.data(network.address)
    for _ in range(2):
        assert world.send(world.apply(network)).error_name == "TokensMove"
        world.advance(1)

    assert world.data(network.address) == before


def test_no_other_change_is_put_in_force_by_it(world: TrustWorld, network: Network, target: Pubkey) -> None:
    assert world.send(world.withdraw_pool(network, target)).error_name == "NothingPending"
    assert world.send(world.propose(network, changes.fees(7, 0))).ok
    world.advance(DELAY)

    assert world.send(world.withdraw_pool(network, target)).error_name == "NothingPending"

    assert world.send(world.apply(network)).ok
    assert world.read_network(network).fee_bps == 7


@pytest.mark.parametrize("amount", [FUNDS, FUNDS + 1, U64])
def test_no_more_than_is_free_is_paid(world: TrustWorld, network: Network, target: Pubkey, amount: int) -> None:
    announce(world, network, amount, target)

    assert world.send(world.withdraw_pool(network, target)).event().amount == FUNDS

    held = world.read_network(network)
    assert (held.pool_free, held.accounted, held.pending) == (0, 0, NOTHING)


def test_what_is_owed_to_others_stays(world: TrustWorld) -> None:
    court = court_of(world, fee_bps=1_000)
    network, desk = court.network, Desk(world)
    device, tab = court.device(500), world.tab(network, 5_000)
    world.next_epoch(network)
    assert world.send(world.receipt(device, 1, 300)).event().reward == 300
    desk.sell(device, tab, 1_000)
    assert desk.claim(device).event().fee == 100
    assert world.send(world.receipt(device, 2, 400)).event().reward == 100
    desk.sell(device, tab, 200)
    world.lane(tab, device, 700)
    world.dispute(device, tab, court.paid_record(tab))
    target = network.mint.open(world.keypair().pubkey())
    announce(world, network, U64, target)

    assert world.send(world.withdraw_pool(network, target)).event().amount == FUNDS - 400

    held = world.read_network(network)
    # Rewards, fees, earnings, bond, deposit, and the tab's balance and lane.
    assert (held.pool_free, held.accounted) == (0, 100 + 100 + 200 + 500 + 100 + 3_700)
    assert amount_of(world, network.vault) == held.accounted


def test_where_nothing_is_free_it_stays_announced(world: TrustWorld, target: Pubkey, network: Network) -> None:
    announce(world, network, FUNDS, target)
    assert world.send(world.withdraw_pool(network, target)).ok
    announce(world, network, 5, target)
    assert world.send(world.withdraw_pool(network, target)).error_name == "NothingOwed"

    assert world.send(world.fund(network, 3)).ok

    assert world.send(world.withdraw_pool(network, target)).event().amount == 3


def test_a_new_announcement_waits_anew_and_another_account_is_no_destination(
    world: TrustWorld, network: Network, target: Pubkey
) -> None:
    other = network.mint.open(network.authority.pubkey())
    announce(world, network, 4_000, target)
    announce(world, network, 5_000, other, wait=DELAY - 1)
    assert world.send(world.withdraw_pool(network, other)).error_name == "NotDue"
    world.advance(1)
    assert world.send(world.withdraw_pool(network, target)).error_name == "AddressMismatch"

    assert world.send(world.withdraw_pool(network, other)).event().amount == 5_000

    assert amount_of(world, target) == 0


def test_an_announcement_is_withdrawn(world: TrustWorld, network: Network, target: Pubkey) -> None:
    announce(world, network, 4_000, target)
    assert world.send(world.propose(network, changes.CANCEL)).ok

    assert world.send(world.withdraw_pool(network, target)).error_name == "NothingPending"


def test_only_the_authority_announces(world: TrustWorld) -> None:
    guardian, attestor, stranger = world.keypair(), world.keypair(), world.keypair()
    network = world.network(guardian=guardian.pubkey(), attestors=(attestor.pubkey(),), threshold=1)
    change = changes.withdraw_pool(1, network.mint.open(stranger.pubkey()))

    for signer in (guardian, attestor, stranger):
        assert world.send(world.propose(network, change, signer=signer)).error_name == "Unauthorized"


REFUSED: dict[str, Change] = {
    "nothing": changes.change(11, 0, key=Pubkey([1] * 32)),
    "to nobody": changes.change(11, 1),
    "a second value": changes.change(11, 1, 1, key=Pubkey([1] * 32)),
    "a class": changes.change(11, 1, class_=1, key=Pubkey([1] * 32)),
    "a slash over the whole": changes.disputes(1, 10_001),
    "a slash beyond its range": changes.disputes(1, 2**16),
    "a third value for disputes": changes.change(12, 1, 1, 1),
    "a key for disputes": changes.change(12, 1, 1, key=Pubkey([1] * 32)),
    "a kind that is not there": changes.change(13),
}


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED)
def test_what_can_not_be_announced(world: TrustWorld, network: Network, change: Change) -> None:
    before = world.data(network.address)

    assert world.send(world.propose(network, change)).error_name == "InvalidParameter"

    assert world.data(network.address) == before


def test_the_vault_can_not_be_announced(world: TrustWorld, network: Network) -> None:
    change = changes.withdraw_pool(1, network.vault)

    assert world.send(world.propose(network, change)).error_name == "InvalidParameter"


@pytest.mark.parametrize("terms", [(0, 0), (1, 1), (U64, 10_000)])
def test_terms_of_disputes_change_after_the_delay(world: TrustWorld, network: Network, terms: tuple[int, int]) -> None:
    world.patch_network(network, dispute_deposit=50, slash_bps=60)
    assert world.send(world.propose(network, changes.disputes(*terms))).ok
    world.advance(DELAY - 1)
    assert world.send(world.apply(network)).error_name == "NotDue"
    world.advance(1)
    before = world.read_network(network)

    assert world.send(world.apply(network)).ok

    assert world.read_network(network) == replace(before, pending=NOTHING, dispute_deposit=terms[0], slash_bps=terms[1])


@pytest.mark.parametrize("kind", ["missing", "frozen", "other mint"])
def test_where_no_token_can_go_the_pool_stays(world: TrustWorld, network: Network, kind: str) -> None:
    wallets = [world.keypair().pubkey() for _ in range(3)]
    target = {
        "missing": network.mint.account_of(wallets[0]),
        "frozen": network.mint.open(wallets[1]),
        "other mint": world.mint.open(wallets[2]),
    }[kind]
    if kind == "frozen":
        world.must(network.mint.freeze(target))
    announce(world, network, 5, target)

    assert not world.send(world.withdraw_pool(network, target)).ok

    assert world.read_network(network).pool_free == FUNDS
    if kind == "frozen":
        world.must(network.mint.thaw(target))
        assert world.send(world.withdraw_pool(network, target)).ok


def test_another_vault_or_mint_is_refused(world: TrustWorld, network: Network, target: Pubkey) -> None:
    other = world.network(mint=network.mint, authority=network.authority)
    announce(world, network, 5, target)

    assert world.send(world.withdraw_pool(network, target, vault=other.vault)).error_name == "AddressMismatch"
    assert world.send(world.withdraw_pool(network, target, mint=world.mint.address)).error_name == "AddressMismatch"
    assert world.send(world.withdraw_pool(network, target, network=other.address)).error_name == "NothingPending"

    assert amount_of(world, network.vault) == amount_of(world, other.vault) == FUNDS


@pytest.mark.parametrize("name", ["network", "vault", "destination"])
def test_accounts_must_be_writable(world: TrustWorld, network: Network, target: Pubkey, name: str) -> None:
    announce(world, network, 5, target)
    address = {"network": network.address, "vault": network.vault, "destination": target}[name]

    assert not world.send(read_only(world.withdraw_pool(network, target), address)).ok

    assert world.read_network(network).pool_free == FUNDS


def test_nothing_pauses_it(world: TrustWorld, network: Network, target: Pubkey) -> None:
    assert world.send(world.pause(network, 31)).ok
    announce(world, network, 5, target)

    assert world.send(world.withdraw_pool(network, target)).ok


def test_a_token_that_strayed_is_not_free(world: TrustWorld, network: Network, target: Pubkey) -> None:
    world.must(network.mint.mint_to(network.vault, 50))
    announce(world, network, U64, target)

    assert world.send(world.withdraw_pool(network, target)).event().amount == FUNDS

    assert amount_of(world, network.vault) == 50
