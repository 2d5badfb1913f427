"""SLAs: opened by two parties, kept, missed, contested and ended."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.fleet import Fleet, StartFleet
from support.sla_scene import BOND, DUE, HOUR, SlaScene
from worktab.chain.countersigning import DraftExpired
from worktab.chain.sending import Confirmed
from worktab.core.errors import EncodingError, InputError, VerificationError
from worktab.core.times import utc
from worktab.program.generated import errors
from worktab.roles.changes import RemoveAttestor
from worktab.roles.errors import SlaExists, SlaNotFound
from worktab.roles.sla_offers import SlaAcceptance, SlaOffer
from worktab.roles.sla_opening import SlaParty
from worktab.roles.sla_standing import SlaOutcome, SlaStage
from worktab.roles.slas import SlaOwner
from worktab.testing.chains import sender_for

SOL = 10**9


@pytest.fixture
async def scene(start_fleet: StartFleet) -> SlaScene:
    made = SlaScene()
    return await made.join(await start_fleet(**made.plan))


async def test_an_sla_is_opened_with_both_keys_and_kept(scene: SlaScene) -> None:
    assert await scene.money() == (500, 0, 700)
    offer = await scene.offer()
    opened = await scene.buyer.open(offer, scene.owner.owner)
    assert (opened.address, await scene.money()) == (offer.address(), (500, 100, 700))
    again = await scene.seller.open(offer, scene.consumer.key)
    assert (again.address, again.confirmed) == (opened.address, None)

    stands = await scene.slas.standing(opened.address)
    assert (stands.stage, stands.delivered, stands.reserved, stands.shortfall, stands.penalty, stands.can_end) == (
        (SlaStage.RUNNING, 0, 300, 200, 100, False)
    )
    assert stands.changes_at == offer.terms.deadline
    with pytest.raises(errors.SlaRunning) as running:
        await scene.slas.enforce(opened.address)
    assert running.value.expected == f"{utc(offer.terms.deadline)} at the earliest"

    await scene.deliver(150)
    stands = await scene.slas.standing(opened.address)
    assert (stands.delivered, stands.reserved, stands.shortfall, stands.penalty) == (150, 150, 50, 25)
    await scene.deliver(200)
    kept = await scene.slas.standing(opened.address)
    assert (kept.stage, kept.can_end, kept.penalty, kept.changes_at) == (SlaStage.KEPT, True, 0, None)

    vault = await scene.fleet.vault()
    ended = await scene.slas.enforce(opened.address)
    assert (ended.outcome, ended.delivered, ended.penalty) == (SlaOutcome.KEPT, 200, 0)
    assert (await scene.money(), await scene.fleet.vault()) == ((500, 0, 700), vault)
    device, _, _ = await scene.read()
    assert (device.slas_kept, device.slas_missed, device.open_slas) == (1, 0, 0)
    repeated = await scene.slas.enforce(opened.address)
    assert (repeated.outcome, repeated.confirmed) == (None, None)
    assert (await scene.fleet.operator.ledger()).holds


async def test_a_missed_sla_pays_the_consumer_out_of_the_bond(scene: SlaScene) -> None:
    # What was paid before does not count.
    await scene.deliver(40)
    sla = (await scene.open()).address
    await scene.deliver(130)
    await scene.pass_deadline(sla)
    stands = await scene.slas.standing(sla)
    assert (stands.stage, stands.delivered, stands.penalty) == (SlaStage.CONTESTABLE, 90, 55)
    with pytest.raises(errors.SlaRunning):
        await scene.slas.enforce(sla)
    await scene.pass_contest(sla)
    assert (await scene.slas.standing(sla)).stage is SlaStage.MISSED

    vault = await scene.fleet.vault()
    ended = await scene.slas.enforce(sla)
    assert (ended.outcome, ended.delivered, ended.penalty) == (SlaOutcome.MISSED, 90, 55)
    assert await scene.money() == (445, 0, 755)
    assert await scene.fleet.vault() == vault
    assert (await scene.read())[0].slas_missed == 1
    assert (await scene.fleet.operator.ledger()).holds


async def test_an_uncontested_penalty_is_not_dodged_by_the_clock_but_by_delivering(scene: SlaScene) -> None:
    sla = (await scene.open()).address
    await scene.pass_contest(sla)
    assert (await scene.slas.standing(sla)).stage is SlaStage.MISSED
    await scene.deliver(200)
    assert (await scene.slas.enforce(sla)).outcome is SlaOutcome.KEPT
    assert await scene.money() == (500, 0, 700)


@pytest.mark.parametrize(
    ("votes", "outcome", "bond"),
    [((True, True), SlaOutcome.MISSED, 400), ((False, False), SlaOutcome.EXCUSED, 500)],
    ids=["upheld", "dismissed"],
)
async def test_a_contested_penalty_is_the_attestors_to_decide(
    scene: SlaScene, votes: tuple[bool, bool], outcome: SlaOutcome, bond: int
) -> None:
    sla = (await scene.open()).address
    with pytest.raises(errors.SlaRunning):
        await scene.contester.contest(sla)
    await scene.pass_deadline(sla)
    with pytest.raises(errors.NotContested):
        await scene.attestor(0).vote(sla, True)
    with pytest.raises(errors.Unauthorized):
        await SlaOwner(scene.fleet.sender, scene.fleet.network, scene.consumer.key).contest(sla)
    assert await scene.contester.contest(sla) is not None
    assert await scene.contester.contest(sla) is None

    assert (await scene.slas.standing(sla)).stage is SlaStage.CONTESTED
    assert await scene.attestor(0).vote(sla, None) is None
    assert await scene.attestor(0).vote(sla, votes[0]) is not None
    assert await scene.attestor(0).vote(sla, votes[0]) is None
    stands = await scene.slas.standing(sla)
    assert (stands.yes, stands.no, stands.stage) == (votes[0], not votes[0], SlaStage.CONTESTED)
    assert await scene.attestor(0).vote(sla, None) is not None
    assert (await scene.slas.standing(sla)).yes + (await scene.slas.standing(sla)).no == 0
    with pytest.raises(errors.NotAttestor):
        await type(scene.attestor(0))(scene.fleet.sender, scene.fleet.network, Keypair()).vote(sla, True)
    await scene.attestor(1).vote(sla, votes[0])
    await scene.attestor(2).vote(sla, votes[1])

    assert (await scene.slas.standing(sla)).stage.value == outcome.name.lower()
    ended = await scene.slas.enforce(sla)
    assert (ended.outcome, ended.penalty) == (outcome, BOND - bond)
    assert await scene.money() == (bond, 0, 700 + BOND - bond)
    device, _, _ = await scene.read()
    assert (device.slas_kept, device.slas_missed) == (0, int(outcome is SlaOutcome.MISSED))


async def test_a_contested_penalty_that_nobody_decides_is_excused(scene: SlaScene) -> None:
    sla = (await scene.open()).address
    await scene.pass_deadline(sla)
    await scene.contester.contest(sla)
    await scene.attestor(0).vote(sla, True)
    with pytest.raises(errors.SlaRunning):
        await scene.slas.enforce(sla)
    await scene.pass_votes(sla)
    with pytest.raises(errors.VotingOver):
        await scene.attestor(1).vote(sla, True)
    assert (await scene.slas.standing(sla)).stage is SlaStage.EXCUSED
    assert (await scene.slas.enforce(sla)).outcome is SlaOutcome.EXCUSED
    assert await scene.money() == (500, 0, 700)


async def test_it_is_too_late_to_contest_after_the_delay(scene: SlaScene) -> None:
    sla = (await scene.open()).address
    await scene.pass_contest(sla)
    with pytest.raises(errors.ContestOver):
        await scene.contester.contest(sla)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"limit": 1}, "The draft asks for too few compute units"),
        ({"limit": 1_400_001}, "The draft costs too much"),
        ({"price": 100_001}, "The draft costs too much"),
    ],
    ids=["too few", "too many", "too dear"],
)
async def test_a_draft_that_costs_its_payer_for_nothing_is_refused(
    scene: SlaScene, change: dict[str, Any], told: str
) -> None:
    offer = await scene.offer()
    accepted = await scene.seller.accept(offer)
    draft = replace(accepted.draft, **change)
    hostile = replace(accepted, draft=draft, signature=draft.sign([offer.instruction()], scene.owner.owner))
    payer = scene.fleet.payer.pubkey()
    before = await scene.fleet.lamports(payer)
    with pytest.raises(InputError, match=told):
        await scene.buyer.complete(offer, hostile)
    assert (await scene.fleet.lamports(payer), await scene.money()) == (before, (500, 0, 700))
    assert (await scene.buyer.complete(offer, accepted)).confirmed is not None


async def test_two_contest_at_once(scene: SlaScene, monkeypatch: pytest.MonkeyPatch) -> None:
    sla = (await scene.open()).address
    await scene.pass_deadline(sla)
    slow, send = scene.contester, scene.fleet.sender.send

    async def after_another(*args: Any, **named: Any) -> Confirmed:
        monkeypatch.undo()
        assert await scene.contester.contest(sla) is not None
        return await send(*args, **named)

    monkeypatch.setattr(slow.sender, "send", after_another)
    assert await slow.contest(sla) is None
    assert (await scene.slas.standing(sla)).stage is SlaStage.CONTESTED


async def test_nobody_promises_itself_anything(scene: SlaScene) -> None:
    with pytest.raises(InputError) as told:
        await scene.offer(scene.seller, consumer=scene.owner.owner.pubkey())
    assert told.value.next_step == "Name the consumer to whom it is promised"


async def test_votes_of_former_attestors_do_not_count(scene: SlaScene) -> None:
    sla = (await scene.open()).address
    await scene.pass_deadline(sla)
    await scene.contester.contest(sla)
    await scene.attestor(0).vote(sla, True)
    await scene.fleet.operator.propose_update(RemoveAttestor(scene.attestors[2].pubkey()))
    stands = await scene.slas.standing(sla)
    assert (stands.yes, stands.no) == (0, 0)
    assert await scene.attestor(0).vote(sla, True) is not None
    assert (await scene.slas.standing(sla)).yes == 1


async def test_offers_travel_and_are_accepted_on_another_machine(scene: SlaScene) -> None:
    fleet = scene.fleet
    sponsor, owner = Keypair(), Keypair()
    await fleet.airdrop(sponsor.pubkey(), SOL)
    buyer = SlaParty(sender_for(fleet.chain, sponsor), fleet.network, scene.consumer.key)
    offered = await scene.offer(buyer)
    assert (offered.payer, offered.owner, offered.held) == (sponsor.pubkey(), scene.owner.owner.pubkey(), 100)

    # Each machine has what the other one sent, and its own key.
    offer = SlaOffer.from_json(json.loads(json.dumps(offered.to_json())))
    assert offer == offered
    await fleet.airdrop(owner.pubkey(), SOL)
    seller = SlaParty(sender_for(fleet.chain, owner), fleet.network, scene.owner.owner)
    accepted = await seller.accept(offer)
    acceptance = SlaAcceptance.from_json(json.loads(json.dumps(accepted.to_json())))
    assert acceptance == accepted
    assert await scene.money() == (500, 0, 700)

    opened = await buyer.complete(offered, acceptance)
    assert opened.address == accepted.sla == offer.address()
    assert opened.confirmed is not None
    assert (await scene.slas.standing(opened.address)).account.rent_payer == sponsor.pubkey()
    assert await scene.money() == (500, 100, 700)
    assert await fleet.lamports(owner.pubkey()) == SOL
    assert (await buyer.complete(offered, acceptance)).confirmed is None
    with pytest.raises(SlaExists):
        await seller.accept(offer)


async def test_an_owner_may_offer_as_well(scene: SlaScene) -> None:
    offer = await scene.offer(scene.seller)
    opened = await scene.seller.complete(offer, await scene.buyer.accept(offer))
    assert (await scene.slas.standing(opened.address)).account.due == DUE


async def test_what_was_accepted_opens_nothing_else(scene: SlaScene) -> None:
    offer = await scene.offer()
    better = replace(offer, terms=replace(offer.terms, due=150))
    accepted = await scene.seller.accept(better)
    for changed in (offer, replace(offer, terms=replace(offer.terms, deadline=offer.terms.deadline + 1))):
        with pytest.raises(VerificationError):
            await scene.buyer.complete(changed, accepted)
    with pytest.raises(InputError) as cost:
        await scene.buyer.complete(offer, replace(accepted, draft=replace(accepted.draft, price=100_001)))
    assert cost.value.got.endswith("at 100001")
    with pytest.raises(InputError):
        await scene.buyer.complete(offer, replace(accepted, draft=replace(accepted.draft, payer=Keypair().pubkey())))
    with pytest.raises(SlaNotFound):
        await scene.slas.standing(offer.address())
    assert await scene.money() == (500, 0, 700)


async def test_an_acceptance_that_is_too_old_is_refused_and_may_be_given_again(scene: SlaScene) -> None:
    offer = await scene.offer()
    accepted = await scene.seller.accept(offer)
    await scene.fleet.clock.expire_blockhashes()
    with pytest.raises(DraftExpired) as old:
        await scene.buyer.complete(offer, accepted)
    assert old.value.code == "draft_expired"
    assert (await scene.buyer.complete(offer, await scene.seller.accept(offer))).confirmed is not None


async def test_nobody_is_made_to_pay_or_sign_for_another(scene: SlaScene) -> None:
    offer = await scene.offer()
    with pytest.raises(InputError) as pays:
        await scene.seller.accept(replace(offer, payer=scene.owner.owner.pubkey()))
    assert "pay" in str(pays.value)
    stranger = SlaParty(scene.fleet.sender, scene.fleet.network, Keypair())
    with pytest.raises(InputError):
        await stranger.accept(offer)
    with pytest.raises(InputError):
        await scene.offer(stranger)
    with pytest.raises(InputError):
        await scene.buyer.open(offer, stranger.key)
    with pytest.raises(InputError):
        await SlaParty(scene.fleet.sender, Keypair().pubkey(), scene.consumer.key).complete(
            offer, await scene.seller.accept(offer)
        )


async def test_terms_the_chain_does_not_bear_are_refused_when_they_are_accepted(scene: SlaScene) -> None:
    cases = [
        ({"due": 301}, errors.OverReserve),
        ({"nonce": scene.nonce + 1}, errors.LaneNotFound),
        ({"deadline": await scene.fleet.clock.now() - 1}, errors.InvalidParameter),
    ]
    for terms, refusal in cases:
        with pytest.raises(refusal):
            await scene.seller.accept(await scene.offer(**terms))
    for wrong in ({"due": 0}, {"bps": 10_001}, {"deadline": 0}):
        with pytest.raises(InputError):
            await scene.offer(**wrong)
    await scene.keeper.leave(scene.device.device, 401)
    with pytest.raises(errors.BondHeld):
        await scene.open()
    await scene.keeper.leave(scene.device.device, 400)
    await scene.open()
    with pytest.raises(SlaExists):
        await scene.open(deadline=await scene.fleet.clock.now() + 2 * HOUR)


async def test_without_attestors_there_is_no_penalty(fleet: Fleet) -> None:
    scene = await SlaScene().join(fleet)
    with pytest.raises(errors.InvalidParameter):
        await scene.open()
    sla = (await scene.open(bps=0)).address
    assert await scene.money() == (500, 0, 700)
    await scene.pass_contest(sla)
    ended = await scene.slas.enforce(sla)
    assert (ended.outcome, ended.penalty) == (SlaOutcome.MISSED, 0)


async def test_slas_are_listed_by_deadline(scene: SlaScene) -> None:
    first = (await scene.open(due=10, bps=10_000)).address
    lane = await scene.consumer.reserve(scene.device.device, 50)
    earlier = (await scene.open(nonce=lane.nonce, due=50, deadline=await scene.fleet.clock.now() + 60)).address
    tab = scene.consumer.tab_address
    assert [each.view.address for each in await scene.slas.standings(tab=tab)] == [earlier, first]
    assert [each.view.address for each in await scene.slas.standings(device=scene.device.device)] == [earlier, first]
    assert await scene.slas.standings(tab=Keypair().pubkey()) == []
    assert (await scene.money())[:2] == (500, 35)


async def test_what_is_no_sla_is_told(scene: SlaScene) -> None:
    with pytest.raises(SlaNotFound):
        await scene.slas.standing(Keypair().pubkey())
    with pytest.raises(SlaNotFound):
        await scene.slas.enforce(scene.device.device)
    with pytest.raises(SlaNotFound):
        await scene.contester.contest(Keypair().pubkey())
    with pytest.raises(SlaNotFound):
        await scene.attestor(0).vote(Pubkey.default(), True)
    for kind, value in ((SlaOffer, {"worktab": "other"}), (SlaAcceptance, [])):
        with pytest.raises(EncodingError):
            kind.from_json(value)
    offer = (await scene.offer()).to_json() | {"worktab": "sla-acceptance-1"}
    with pytest.raises(EncodingError):
        SlaOffer.from_json(offer)
