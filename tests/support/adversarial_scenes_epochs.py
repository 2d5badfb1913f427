"""Valid calls of the instructions of roots."""

from __future__ import annotations

from solders.instruction import Instruction

from support.adversarial_cast import Company
from support.adversarial_idl import Family
from support.adversarial_scene import scene
from support.epochs import CHALLENGE, PAGE, Payee, Root
from worktab.core.commitments import EpochCommitment

_ROOTS = {"reward_path": 2}
_RIVALS = (Family.SIBLING, Family.FOREIGN)


def _root(company: Company) -> Root:
    """A root that owes two wallets, on two pages; every company has one of its own."""
    payees: list[Payee | None] = [None] * (PAGE + 1)
    ours, theirs = company.cast.own.people.payout, company.cast.companies[Family.NEIGHBOUR].people.payout
    payees[0] = Payee(ours.pubkey(), 700, bytes(company.device.address))
    payees[1] = Payee(theirs.pubkey(), 500)
    payees[PAGE] = Payee(ours.pubkey(), 300)
    return company.roots.root(0, payees)


def _made_final(company: Company) -> Root:
    """The root of the company's network; made final and its pages opened at first use."""
    cast = company.cast
    first = cast.companies[Family.FOREIGN] if company is cast.companies[Family.FOREIGN] else cast.own
    root = _root(first)
    if first.roots.read_network().root_count == 0:
        commitment = first.roots.commit_to(root)
        company.world.advance(CHALLENGE)
        company.world.must(first.roots.finalize(commitment))
    return root


def _commitment(company: Company) -> EpochCommitment:
    """A commitment with one approval."""
    return company.roots.commit_to(_root(company), 1)


@scene("open_page", families=_RIVALS, created=("page",), terms=_ROOTS)
def open_page(company: Company) -> Instruction:
    _made_final(company)
    sibling = company is company.cast.companies[Family.SIBLING]
    return company.roots.open_page(1 if sibling else 0)


@scene("commit_epoch", families=_RIVALS, created=("epoch",), terms=_ROOTS)
def commit_epoch(company: Company) -> Instruction:
    return company.roots.commit(_root(company).commitment())


@scene("vote_epoch", families=_RIVALS, terms=_ROOTS)
def vote_epoch(company: Company) -> Instruction:
    return company.roots.vote(_commitment(company), company.cast.attestors[1])


@scene("vote_epoch", "a veto", families=_RIVALS, terms=_ROOTS)
def veto_epoch(company: Company) -> Instruction:
    return company.roots.veto(_commitment(company))


@scene("finalize_epoch", closed=("epoch",), families=_RIVALS, terms=_ROOTS, seconds=CHALLENGE)
def finalize_epoch(company: Company) -> Instruction:
    return company.roots.finalize(company.roots.commit_to(_root(company)))


@scene("claim_root", terms=_ROOTS)
def claim_root(company: Company) -> Instruction:
    root, cast = _made_final(company), company.cast
    for number in (0, 1):
        if company.world.account(company.roots.page_address(number)) is None:
            company.world.must(company.roots.open_page(number))
    positions = {cast.companies[Family.SIBLING]: PAGE, cast.companies[Family.NEIGHBOUR]: 1}
    return company.roots.claim(root, positions.get(company, 0))
