"""Valid calls of the instructions of networks."""

from __future__ import annotations

from solders.instruction import Instruction

from support.adversarial_cast import Company
from support.adversarial_idl import Family
from support.adversarial_scene import scene
from support.adversarial_scenes_consumers import sell
from support.changes import authority, change, fees
from support.earning import burning
from support.parties import DELAY
from support.svm import Instructions
from worktab.program.generated import instructions as ix

_SUBMIT = 2
"""The flag that stops receipts."""
_WITHDRAW_POOL = 11
"""The kind of change that `withdraw_pool` puts in force."""


_CREATORS = (Family.SIBLING, Family.NEIGHBOUR)


@scene(
    "create_network",
    families=_CREATORS,
    created=("network", "vault"),
    differs={"network": _CREATORS, "vault": _CREATORS},
)
def create_network(company: Company) -> Instruction:
    world = company.world
    creator = company.people.owner
    return world.create_network(world.terms(), authority=creator)[1]


@scene("propose_update", families=(Family.FOREIGN,))
def propose_update(company: Company) -> Instruction:
    return company.world.propose(company.network, fees(100, 0))


@scene("apply_update", families=(Family.FOREIGN,), seconds=DELAY)
def apply_update(company: Company) -> Instruction:
    company.world.must(company.world.propose(company.network, fees(100, 0)))
    return company.world.apply(company.network)


@scene("accept_authority", families=(Family.FOREIGN,))
def accept_authority(company: Company) -> Instruction:
    company.world.must(company.world.propose(company.network, authority(company.people.owner.pubkey())))
    return company.world.accept(company.network, company.people.owner)


@scene("set_pause", families=(Family.FOREIGN,))
def set_pause(company: Company) -> Instruction:
    return company.world.pause(company.network, _SUBMIT)


@scene("set_pause", "by the guardian", families=(Family.FOREIGN,))
def set_pause_by_the_guardian(company: Company) -> Instruction:
    return company.world.pause(company.network, _SUBMIT, signer=company.cast.guardian)


@scene("fund_pool", families=(Family.NEIGHBOUR, Family.FOREIGN))
def fund_pool(company: Company) -> Instruction:
    wallet, mint = company.people.owner.pubkey(), company.network.mint
    source = mint.open(wallet, 100)
    return company.world.fund(company.network, 60, funder=wallet, source=source)


@scene("collect_fees", families=(Family.FOREIGN,))
def collect_fees(company: Company) -> Instructions:
    world, network = company.world, company.network
    world.must(sell(company, 100))
    claim = world.claim([company.device], company.people.payout, network)
    world.must(burning(claim, network))
    assert world.read_network(network).fees > 0
    return company.desk.collect(network, network.mint.account_of(company.cast.authority.pubkey()))


@scene("withdraw_pool", families=(Family.FOREIGN,), seconds=DELAY)
def withdraw_pool(company: Company) -> Instruction:
    network, mint = company.network, company.network.mint
    destination = mint.account_of(company.cast.authority.pubkey())
    company.world.must(company.world.propose(network, change(_WITHDRAW_POOL, 70, key=destination)))
    passed = ix.WithdrawPoolAccounts(
        network=network.address,
        destination=destination,
        mint=mint.address,
        vault=network.vault,
        token_program=mint.token_program,
    )
    return ix.withdraw_pool(passed)
