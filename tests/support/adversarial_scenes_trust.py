"""Valid calls of the instructions of bonds and SLAs."""

from __future__ import annotations

from typing import Final

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from support.adversarial_cast import Company
from support.adversarial_scene import scene
from support.epochs import CHALLENGE
from worktab.core.addresses import find_sla
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated import instructions as ix
from worktab.program.generated.types import SlaTerms

BOND: Final = 1_000
UNBONDING: Final = 7_200
"""Seconds that bond takes to leave."""
DEADLINE: Final = 100
"""Seconds that an SLA of these scenes runs."""


# Bonds


def bonded(company: Company, amount: int = BOND) -> Instruction:
    """deposit_bond by the owner."""
    network, owner = company.network, company.people.owner.pubkey()
    passed = ix.DepositBondAccounts(
        owner=owner,
        network=network.address,
        device=company.device.address,
        source=network.mint.open(owner, amount),
        mint=network.mint.address,
        vault=network.vault,
        token_program=network.mint.token_program,
    )
    return ix.deposit_bond(passed, amount=amount)


@scene("deposit_bond")
def deposit_bond(company: Company) -> Instruction:
    return bonded(company)


def _withdraw(company: Company, amount: int | None) -> Instruction:
    network, owner = company.network, company.people.owner.pubkey()
    passed = ix.WithdrawBondAccounts(
        owner=owner,
        network=network.address,
        device=company.device.address,
        destination=network.mint.account_of(owner),
        mint=network.mint.address,
        vault=network.vault,
        token_program=network.mint.token_program,
    )
    return ix.withdraw_bond(passed, amount=amount)


@scene("withdraw_bond", "that is to leave")
def withdraw_bond(company: Company) -> Instruction:
    company.world.must(bonded(company))
    return _withdraw(company, 400)


@scene("withdraw_bond", "after the delay", seconds=UNBONDING)
def withdraw_bond_after_the_delay(company: Company) -> Instruction:
    company.world.must(bonded(company))
    company.world.must(_withdraw(company, 400))
    return _withdraw(company, None)


# SLAs


def _sla(company: Company) -> Pubkey:
    return find_sla(PROGRAM_ID, company.tab.address, company.lane.nonce)[0]


@scene("open_sla", created=("sla",))
def open_sla(company: Company) -> Instruction:
    company.world.must(bonded(company))
    passed = ix.OpenSlaAccounts(
        payer=company.world.payer.pubkey(),
        consumer=company.people.consumer.pubkey(),
        owner=company.people.owner.pubkey(),
        network=company.network.address,
        tab=company.tab.address,
        device=company.device.address,
        sla=_sla(company),
    )
    terms = SlaTerms(nonce=company.lane.nonce, due=80, bps=5_000, deadline=company.world.now + DEADLINE)
    return ix.open_sla(passed, terms=terms)


@scene("contest_sla", seconds=DEADLINE)
def contest_sla(company: Company) -> Instruction:
    company.world.must(open_sla(company))
    passed = ix.ContestSlaAccounts(
        owner=company.people.owner.pubkey(), device=company.device.address, sla=_sla(company)
    )
    return ix.contest_sla(passed)


@scene("vote_sla")
def vote_sla(company: Company) -> Instruction:
    contest = contest_sla(company)
    company.world.advance(DEADLINE)
    company.world.must(contest)
    passed = ix.VoteSlaAccounts(
        attestor=company.cast.attestors[0].pubkey(), network=company.network.address, sla=_sla(company)
    )
    return ix.vote_sla(passed, upheld=True)


def enforce(company: Company) -> Instruction:
    """enforce_sla by nobody in particular."""
    passed = ix.EnforceSlaAccounts(
        tab=company.tab.address,
        device=company.device.address,
        sla=_sla(company),
        rent_payer=company.world.payer.pubkey(),
    )
    return ix.enforce_sla(passed)


@scene("enforce_sla", "missed", closed=("sla",), seconds=DEADLINE + CHALLENGE)
def enforce_sla(company: Company) -> Instruction:
    company.world.must(open_sla(company))
    return enforce(company)


@scene("enforce_sla", "kept", closed=("sla",))
def enforce_sla_kept(company: Company) -> Instruction:
    company.world.must(open_sla(company), company.world.voucher(company.lane, 80))
    return enforce(company)
