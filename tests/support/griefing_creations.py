"""Every kind of account that the program creates, each ready to be made at an address that anybody can compute."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from solders.pubkey import Pubkey

from support.epochs import Roots
from support.griefing import later_slot
from support.invoices import Desk
from support.svm import Instructions
from support.trust_records import Records
from support.trust_scenes import TrustWorld, court_of
from worktab.program.generated import accounts as state

TOKEN_ACCOUNT: Final = 165
"""Bytes of a token account of the SPL Token program."""


@dataclass(frozen=True)
class Creation:
    """An account that is about to be made, its rent paid by the world's payer.

    `end` closes it again; None where it never closes. `beside` are the bytes of another account made with it.
    """

    address: Pubkey
    create: list[Instructions]
    size: int
    end: Callable[[], object] | None
    beside: int | None = None


Making = Callable[[TrustWorld], Creation]


def network(world: TrustWorld) -> Creation:
    handle, create = world.create_network(world.terms())
    return Creation(handle.address, [create], state.Network.SIZE, None, beside=TOKEN_ACCOUNT)


def vault(world: TrustWorld) -> Creation:
    handle, create = world.create_network(world.terms())
    return Creation(handle.vault, [create], TOKEN_ACCOUNT, None, beside=state.Network.SIZE)


def device(world: TrustWorld) -> Creation:
    made, terms = world.plan(world.network())
    create = [world.possession(made), world.register(made, terms)]
    return Creation(made.address, [create], state.Device.SIZE, lambda: world.must(world.retire(made)))


def tab(world: TrustWorld) -> Creation:
    made = world.tab_of(world.network())

    def end() -> None:
        later_slot(world)
        world.must(world.close_tab(made))

    return Creation(made.address, [world.open_tab(made)], state.Tab.SIZE, end)


def invoice(world: TrustWorld) -> Creation:
    desk, issuer = Desk(world), world.device(world.network())
    made = desk.plan(issuer, world.keypair().pubkey(), 100)

    def end() -> None:
        desk.next_slot()
        desk.must(desk.void(made))

    return Creation(made.address, [desk.create(made)], state.Invoice.SIZE, end)


def epoch(world: TrustWorld) -> Creation:
    roots = _roots(world)
    commitment = roots.root(0, roots.payees(100)).commitment()

    def end() -> None:
        roots.must(roots.vote(commitment, roots.attestors[1]))
        world.advance(600)
        roots.must(roots.finalize(commitment))

    return Creation(roots.address(commitment), [roots.commit(commitment)], state.Epoch.SIZE, end)


def page(world: TrustWorld) -> Creation:
    roots = _roots(world)
    commitment = roots.commit_to(roots.root(0, roots.payees(100)))
    world.advance(600)
    roots.must(roots.finalize(commitment))
    return Creation(roots.page_address(0), [roots.open_page(0)], state.Page.SIZE, None)


def sla(world: TrustWorld) -> Creation:
    court = court_of(world)
    made = world.sla_of(court.lane(court.device()), 100, 1_000)

    def end() -> None:
        world.advance(1_600)
        court.must(world.enforce_sla(made))

    return Creation(made.address, [world.open_sla(made)], state.Sla.SIZE, end)


def dispute(world: TrustWorld) -> Creation:
    court = court_of(world)
    accused, challenger, records = court.device(), world.tab(court.network, 100), Records()
    made = world.dispute_of(accused, challenger, records.add())

    def end() -> None:
        world.advance(600)
        court.must(world.resolve_dispute(made))

    return Creation(made.address, [world.accuse(made, records)], state.Dispute.SIZE, end)


MAKINGS: Final[tuple[Making, ...]] = (network, vault, device, tab, invoice, epoch, page, sla, dispute)
"""How each kind is made; the function's name is the kind's."""


def _roots(world: TrustWorld) -> Roots:
    keys = [world.keypair() for _ in range(3)]
    created = world.network(reward_path=2, attestors=tuple(key.pubkey() for key in keys), threshold=2)
    world.next_epoch(created)
    return Roots(world, created, keys)
