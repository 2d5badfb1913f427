"""Lamports sent ahead to addresses that accounts will have. Cost: the lamports, which become the victim's rent."""

from __future__ import annotations

import pytest

from support.griefing import RICH, SIGNATURE, Griefer
from support.griefing_creations import MAKINGS, Making
from support.trust_scenes import TrustWorld

SOL = 10**9


@pytest.mark.parametrize("gift", ["the least", "the rent", "one less than the rent", "1,000 SOL"])
@pytest.mark.parametrize("making", MAKINGS, ids=lambda making: making.__name__)
def test_lamports_sent_ahead_pay_the_victims_rent(
    world: TrustWorld, griefer: Griefer, making: Making, gift: str
) -> None:
    made = making(world)
    rent = world.runtime.minimum_balance_for_rent_exemption(made.size)
    least = world.runtime.minimum_balance_for_rent_exemption(0)
    lamports = {"the least": least, "the rent": rent, "one less than the rent": rent - 1, "1,000 SOL": 1_000 * SOL}[
        gift
    ]
    griefer.attack(griefer.gift(made.address, lamports))
    before = world.lamports(world.payer.pubkey())

    result = world.send(made.create)

    assert result.ok, result.logs
    account = world.account(made.address)
    assert account is not None
    assert len(account.data) == made.size
    assert account.lamports == max(rent, lamports)
    paid = before - world.lamports(world.payer.pubkey()) - result.fee
    beside = 0 if made.beside is None else world.runtime.minimum_balance_for_rent_exemption(made.beside)
    assert paid == max(0, rent - lamports) + beside
    assert griefer.spent == lamports + SIGNATURE
    if made.end is not None:
        made.end()
        assert world.account(made.address) is None


@pytest.mark.parametrize("making", MAKINGS, ids=lambda making: making.__name__)
def test_a_single_lamport_can_not_be_sent_ahead(world: TrustWorld, griefer: Griefer, making: Making) -> None:
    made = making(world)

    sent = griefer.attempt(griefer.gift(made.address, 1))

    assert sent.error.startswith("InsufficientFundsForRent")
    assert griefer.spent == SIGNATURE
    assert world.account(made.address) is None
    assert world.send(made.create).ok


@pytest.mark.parametrize(
    "making", [each for each in MAKINGS if each.__name__ not in ("network", "vault", "page")], ids=lambda m: m.__name__
)
def test_what_was_sent_ahead_goes_to_who_paid_the_rent(world: TrustWorld, griefer: Griefer, making: Making) -> None:
    made = making(world)
    griefer.attack(griefer.gift(made.address, SOL))
    assert world.send(made.create).ok
    before = world.lamports(world.payer.pubkey())
    assert made.end is not None

    made.end()

    # The payer paid fees of the transactions that ended the account, and got all that it held.
    fees = before + SOL - world.lamports(world.payer.pubkey())
    assert 0 < fees < 100_000
    assert fees % SIGNATURE == 0
    assert griefer.spent == SOL + SIGNATURE
    assert world.lamports(griefer.key) == RICH - SOL - SIGNATURE


@pytest.mark.parametrize(
    "making", [each for each in MAKINGS if each.__name__ not in ("network", "vault", "page")], ids=lambda m: m.__name__
)
def test_lamports_sent_to_an_account_that_is_there_go_with_its_rent(
    world: TrustWorld, griefer: Griefer, making: Making
) -> None:
    made = making(world)
    assert world.send(made.create).ok
    griefer.attack(griefer.gift(made.address, 1))
    before = world.lamports(world.payer.pubkey())
    rent = world.runtime.minimum_balance_for_rent_exemption(made.size)
    assert made.end is not None

    made.end()

    assert world.account(made.address) is None
    assert (before + rent + 1 - world.lamports(world.payer.pubkey())) % SIGNATURE == 0
    assert griefer.spent == 1 + SIGNATURE
