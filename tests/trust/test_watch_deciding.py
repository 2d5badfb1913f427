"""What a watcher decides, from what it saw alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.fleet import Fleet, StartFleet
from support.sla_scene import SlaScene
from support.watching import owners_watcher, watcher
from worktab.roles.bonds import BondStatus
from worktab.trust.watching.deciding import Alarm, Deed, Policy, Warned, decide
from worktab.trust.watching.seeing import Owed, Seen, Sight, see

DEVICE, OWNER = Pubkey(b"d" * 32), Pubkey(b"o" * 32)
BOND = BondStatus(bond=90, held=0, leaving=0, leaves_at=0, least=0, capacity=5, next_capacity=5, open_disputes=0, now=9)


@pytest.fixture
async def scene(start_fleet: StartFleet) -> SlaScene:
    made = SlaScene()
    return await made.join(await start_fleet(**made.plan))


@pytest.mark.parametrize(
    ("bond", "warned"),
    [
        (BOND, ()),
        (
            replace(BOND, least=100),
            (
                Warned(
                    Alarm.BOND_SHORT, DEVICE, "0.00001 are missing of the least bond, 0.0001: no receipt is taken", 10
                ),
            ),
        ),
        (replace(BOND, least=100, ended=True), ()),
        (replace(BOND, leaving=40, leaves_at=10), ()),
        (
            replace(BOND, leaving=40, leaves_at=9),
            (Warned(Alarm.BOND_DUE, DEVICE, "0.00004 of the bond may be paid out", 40),),
        ),
    ],
    ids=["enough", "short", "retired", "leaving", "due"],
)
async def test_a_bond_is_told_of(fleet: Fleet, bond: BondStatus, warned: tuple[Warned, ...]) -> None:
    sight = Sight(await fleet.operator.network(), 9, devices=(Seen(DEVICE, OWNER, bond, (), ()),))
    decision = decide(sight, Policy())
    assert (decision.actions, decision.warnings) == ((), warned)


async def test_who_is_both_parties_watcher_ends_an_sla_once(scene: SlaScene) -> None:
    await scene.open()
    await scene.deliver(200)
    device = scene.device.device
    both = watcher(scene, tab=scene.consumer.tab_address, devices=[device, device], owner=scene.owner.owner.pubkey())
    look = await both.look()
    assert [(each.action.deed, each.error) for each in look.done] == [(Deed.ENFORCE, None)]
    assert (await scene.read())[0].slas_kept == 1


async def test_a_look_leads_to_the_same_decision_and_settling_comes_first(scene: SlaScene) -> None:
    sla = (await scene.open()).address
    lane = await scene.consumer.reserve(scene.device.device, 50)
    kept = (await scene.open(nonce=lane.nonce, due=10)).address
    await scene.pass_deadline(sla)
    scene.nonce, first = lane.nonce, scene.nonce
    await scene.deliver(10)
    voucher = await scene.fleet.voucher(scene.consumer, scene.device, first, amount=300, units=1)
    owed = {(scene.consumer.tab_address, first): Owed(300, voucher)}
    sight = await see(scene.slas.reader, devices=[scene.device.device])
    [seen] = sight.devices
    sight = replace(sight, devices=(replace(seen, owed=owed),))
    decision = decide(sight, Policy())
    assert decision == decide(sight, Policy())
    assert [(each.deed, each.subject) for each in decision.actions] == [(Deed.SETTLE, sla), (Deed.ENFORCE, kept)]
    assert decision.actions[0].why == "0.0002 are short, and the book has a voucher for 0.0003"


async def test_another_owners_device_is_watched_and_not_contested_for(scene: SlaScene) -> None:
    sla = (await scene.open()).address
    await scene.pass_deadline(sla)
    sight = await see(scene.slas.reader, devices=[scene.device.device])
    assert decide(sight, Policy(owner=Keypair().pubkey())).actions == ()
    assert [each.alarm for each in decide(sight, Policy()).warnings] == [Alarm.SLA_MISSED]
    assert (await owners_watcher(scene).look()).done == ()
