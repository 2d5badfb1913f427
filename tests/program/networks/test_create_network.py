"""create_network: what a new network holds, which terms are refused, and what a stranger can do about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from solders.pubkey import Pubkey

from support.parties import CLASS, GENESIS, NOBODY
from support.svm import START
from support.tokens import create_mint
from support.world import World
from worktab.core import contexts
from worktab.core.addresses import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID, associated_token_address, find_network
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated import accounts as state
from worktab.program.generated.events import NetworkCreated
from worktab.program.generated.types import Class, ClassTerms, PendingChange

U32 = 2**32 - 1
U64 = 2**64 - 1
YEAR = 31_536_000
LARGEST = 2**48
UNUSED = Class(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, bytes(3))


def attestors(count: int) -> tuple[Pubkey, ...]:
    return tuple(Pubkey([number + 1] * 32) for number in range(count))


def classes(count: int) -> tuple[ClassTerms, ...]:
    return (CLASS,) * count


@pytest.mark.parametrize("token_program", [TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID], ids=["token", "token-2022"])
def test_a_new_network_holds_its_terms_and_nothing_else(world: World, token_program: Pubkey) -> None:
    mint = create_mint(world, token_program=token_program, decimals=9)
    creator, payer = world.keypair(), world.keypair(lamports=10**9)
    terms = world.terms(
        id=U64,
        guardian=Pubkey([7] * 32),
        epoch_length=86_400,
        reward_path=2,
        admission=1,
        fee_bps=100,
        burn_bps=200,
        parameter_delay=1,
        lane_close_delay=3_601,
        challenge_delay=2,
        unbonding_delay=3,
        dispute_deposit=9,
        slash_bps=10_000,
        threshold=2,
        attestors=attestors(3),
        classes=(
            ClassTerms(meter=6, rate=1, max_capacity=2, least_bond=3, budget=4),
            ClassTerms(meter=1, rate=U64, max_capacity=LARGEST, least_bond=U64, budget=U64),
        ),
    )
    network, create = world.create_network(terms, mint=mint, authority=creator, payer=payer.pubkey())
    vault, _ = associated_token_address(network.address, mint.address, token_program)

    event = world.send(create).event()

    address, bump = find_network(PROGRAM_ID, creator.pubkey(), U64)
    assert event == NetworkCreated(address, creator.pubkey(), mint.address, reward_path=2)
    assert world.read_network(network) == state.Network(
        creator=creator.pubkey(),
        authority=creator.pubkey(),
        pending_authority=NOBODY,
        guardian=Pubkey([7] * 32),
        mint=mint.address,
        vault=vault,
        token_program=token_program,
        rent_payer=payer.pubkey(),
        domain=contexts.domain(GENESIS, PROGRAM_ID, address),
        attestors=attestors(3) + (NOBODY,) * 13,
        root=bytes(32),
        root_data=bytes(32),
        id=U64,
        created_at=START,
        pool_free=0,
        pool_owed=0,
        root_owed=0,
        fees=0,
        accounted=0,
        roots_from=0,
        root_epoch=0,
        root_total=0,
        root_units=0,
        records_checked=0,
        records_failed=0,
        check_ms=0,
        total_units=0,
        total_rewards=0,
        total_jobs=0,
        total_units_sold=0,
        total_units_self_sold=0,
        total_revenue=0,
        total_fees=0,
        total_burned=0,
        total_slashed=0,
        dispute_deposit=9,
        pending=PendingChange(0, (0,) * 5, bytes(32), 0, 0, bytes(6)),
        classes=(
            Class(1, 2, 3, 4, 0, 0, 0, 0, 0, 6, bytes(3)),
            Class(U64, LARGEST, U64, U64, 0, 0, 0, 0, 0, 1, bytes(3)),
            *(UNUSED,) * 6,
        ),
        epoch_length=86_400,
        parameter_delay=1,
        lane_close_delay=3_601,
        challenge_delay=2,
        unbonding_delay=3,
        attestor_version=0,
        next_device_index=0,
        root_count=0,
        disputes_guilty=0,
        disputes_not_guilty=0,
        fee_bps=100,
        burn_bps=200,
        slash_bps=10_000,
        reward_path=2,
        basis=1,
        admission=1,
        pause=0,
        attestor_count=3,
        threshold=2,
        decimals=9,
        bump=bump,
        version=1,
        reserved=bytes(25),
    )
    assert mint.balance(network.address) == 0


def test_rent_is_paid_by_the_payer_alone(world: World) -> None:
    creator, payer = world.keypair(lamports=10**9), world.keypair(lamports=10**9)
    network, create = world.create_network(world.terms(), authority=creator, payer=payer.pubkey())

    assert world.send(create).ok

    taken = world.lamports(network.address) + world.lamports(network.vault)
    assert world.lamports(network.address) == world.runtime.minimum_balance_for_rent_exemption(state.Network.SIZE)
    assert world.lamports(payer.pubkey()) == 10**9 - taken
    assert world.lamports(creator.pubkey()) == 10**9


def test_the_creator_may_pay(world: World) -> None:
    creator = world.keypair(lamports=10**9)
    network, create = world.create_network(world.terms(), authority=creator, payer=creator.pubkey())

    assert world.send(create, payer=creator).ok

    assert world.read_network(network).rent_payer == creator.pubkey()


ACCEPTED: dict[str, dict[str, Any]] = {
    "shortest epoch": {"epoch_length": 1},
    "longest epoch": {"epoch_length": U32},
    "receipts": {"reward_path": 1},
    "roots": {"reward_path": 2},
    "units sold": {"basis": 2},
    "most fees": {"fee_bps": 3_000},
    "most burn": {"burn_bps": 3_000},
    "most together": {"fee_bps": 1_999, "burn_bps": 1_001},
    "no parameter delay": {"parameter_delay": 0},
    "longest parameter delay": {"parameter_delay": YEAR},
    "shortest lane close": {"lane_close_delay": 3_600},
    "longest lane close": {"lane_close_delay": YEAR},
    "no challenge": {"challenge_delay": 0, "unbonding_delay": 0},
    "longest challenge and unbonding": {"challenge_delay": YEAR, "unbonding_delay": YEAR},
    "no disputes": {"dispute_deposit": 0, "slash_bps": 0},
    "largest deposit and slash": {"dispute_deposit": U64, "slash_bps": 10_000},
    "one attestor": {"attestors": attestors(1), "threshold": 1},
    "two of two": {"attestors": attestors(2), "threshold": 2},
    "two of three": {"attestors": attestors(3), "threshold": 2},
    "nine of sixteen": {"attestors": attestors(16), "threshold": 9},
    "sixteen of sixteen": {"attestors": attestors(16), "threshold": 16},
    "no classes": {"classes": ()},
    "eight classes": {"classes": classes(8)},
    "least meter": {"classes": (replace(CLASS, meter=1),)},
    "largest capacity": {"classes": (replace(CLASS, max_capacity=LARGEST),)},
    "largest meter": {"classes": (replace(CLASS, meter=6),)},
}

REFUSED: dict[str, dict[str, Any]] = {
    "no epoch": {"epoch_length": 0},
    "path 0": {"reward_path": 0},
    "path 3": {"reward_path": 3},
    "basis 0": {"basis": 0},
    "basis 3": {"basis": 3},
    "the largest number as basis": {"basis": 255},
    "units sold rewarded by roots": {"basis": 2, "reward_path": 2},
    "admission 2": {"admission": 2},
    "fee over 30 percent": {"fee_bps": 3_001},
    "burn over 30 percent": {"burn_bps": 3_001},
    "together over 30 percent": {"fee_bps": 2_000, "burn_bps": 1_001},
    "parameter delay over a year": {"parameter_delay": YEAR + 1},
    "lane close under an hour": {"lane_close_delay": 3_599},
    "lane close over a year": {"lane_close_delay": YEAR + 1},
    "challenge over a year": {"challenge_delay": YEAR + 1, "unbonding_delay": YEAR + 1},
    "unbonding over a year": {"unbonding_delay": YEAR + 1},
    "unbonding below challenge": {"challenge_delay": 601, "unbonding_delay": 600},
    "slash over the whole": {"slash_bps": 10_001},
    "the largest number as slash": {"slash_bps": 2**16 - 1},
    "threshold without attestors": {"threshold": 1},
    "attestors without threshold": {"attestors": attestors(1), "threshold": 0},
    "half of two": {"attestors": attestors(2), "threshold": 1},
    "half of sixteen": {"attestors": attestors(16), "threshold": 8},
    "more than there are": {"attestors": attestors(3), "threshold": 4},
    "seventeen attestors": {"attestors": attestors(17), "threshold": 9},
    "an attestor of zero": {"attestors": (*attestors(1), NOBODY), "threshold": 2},
    "the same attestor first and last": {"attestors": (*attestors(2), attestors(1)[0]), "threshold": 2},
    "the same attestor twice in a row": {"attestors": (attestors(1)[0],) * 2, "threshold": 2},
    "nine classes": {"classes": classes(9)},
    "meter 0": {"classes": (replace(CLASS, meter=0),)},
    "meter 7": {"classes": (replace(CLASS, meter=7),)},
    "capacity over the largest": {"classes": (replace(CLASS, max_capacity=LARGEST + 1),)},
    "the largest number as capacity": {"classes": (replace(CLASS, max_capacity=U64),)},
    "a bad class after a good one": {"classes": (CLASS, replace(CLASS, meter=7))},
}


@pytest.mark.parametrize("terms", ACCEPTED.values(), ids=ACCEPTED)
def test_terms_at_their_edge_are_accepted(world: World, terms: dict[str, Any]) -> None:
    network = world.network(fund=0, **terms)

    held = world.read_network(network)
    for name, value in terms.items():
        if name == "attestors":
            assert held.attestors[: held.attestor_count] == value
        elif name == "classes":
            used = [each for each in held.classes if each.meter]
            assert [(c.meter, c.rate, c.max_capacity, c.least_bond, c.budget) for c in used] == [
                (c.meter, c.rate, c.max_capacity, c.least_bond, c.budget) for c in value
            ]
        else:
            assert getattr(held, name) == value


@pytest.mark.parametrize("terms", REFUSED.values(), ids=REFUSED)
def test_terms_past_their_edge_are_refused(world: World, terms: dict[str, Any]) -> None:
    network, create = world.create_network(world.terms(**terms))

    assert world.send(create).error_name == "InvalidParameter"
    assert world.account(network.address) is None


def test_fees_beyond_their_field_are_refused(world: World) -> None:
    _, create = world.create_network(world.terms(fee_bps=65_535, burn_bps=1))

    assert world.send(create).error_name == "Overflow"
