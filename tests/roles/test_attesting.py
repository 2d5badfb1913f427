"""Attestors, a guardian and whoever finalizes: commitments, votes, vetoes, and roots that become final."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.fleet import EPOCH, FUNDS, SOL, Fleet, StartFleet
from support.network import Network
from support.rooted import CHALLENGE, Payee, Root, Rooted, payees
from worktab.core.addresses import find_epoch
from worktab.core.errors import ConnectionFailed
from worktab.program.generated import PROGRAM_ID, errors
from worktab.program.generated.accounts import Epoch, Page
from worktab.program.generated.events import EpochCommitted, EpochFinalized, EpochVoted
from worktab.program.logs import events_from_logs
from worktab.roles.attesting import Attestor, Finalization, FinalizeOutcome, Finalizer
from worktab.roles.commitments import EpochStage, EpochView, next_root_epoch
from worktab.roles.errors import EpochNotFound
from worktab.roles.terms import Pause, RewardPath
from worktab.testing.chains import sender_for


@pytest.fixture
async def rooted(start_fleet: StartFleet) -> Rooted:
    """A network whose first epoch is over."""
    rooted = await Rooted.start(start_fleet)
    await rooted.fleet.next_epoch()
    return rooted


async def first_root(rooted: Rooted, *rewards: int) -> Root:
    """A root of the first epoch."""
    return await rooted.root(0, payees(*(rewards or (100, 200))))


async def only(rooted: Rooted) -> EpochView:
    """The one commitment there is."""
    [view] = await rooted.finalizer.reader.epochs()
    return view


async def stage(rooted: Rooted, address: Pubkey) -> EpochStage:
    view = next(view for view in await rooted.finalizer.reader.epochs() if view.address == address)
    return view.stage(await rooted.network(), await rooted.fleet.clock.now())


async def test_a_commitment_is_stored_as_it_was_made_and_approves_itself(rooted: Rooted) -> None:
    root = await first_root(rooted)
    commitment = root.commitment(records_checked=40, records_failed=1, check_ms=900)
    before = await rooted.fleet.lamports(rooted.fleet.payer.pubkey())

    address = await rooted.attestors[1].commit(commitment)

    assert address == rooted.attestors[1].epoch_address(commitment)
    assert address == find_epoch(PROGRAM_ID, rooted.fleet.network, 0, commitment.hash())[0]
    view = await rooted.finalizer.reader.epoch(address)
    assert view == await only(rooted)
    assert (view.address, view.commitment) == (address, commitment)
    network = await rooted.network()
    assert view.approving(network) == (rooted.keys[1].pubkey(),)
    assert view.final_from(network) is None
    assert view.stage(network, 2**40) is EpochStage.OPEN
    rent = await rooted.fleet.chain.rent_exempt(Epoch.SIZE)
    # The attestor signs beside the payer.
    assert await rooted.fleet.lamports(rooted.fleet.payer.pubkey()) == before - rent - 10_000
    assert view.account.rent_payer == rooted.fleet.payer.pubkey()


async def test_the_same_commitment_again_is_an_approval_and_then_nothing(rooted: Rooted) -> None:
    commitment = (await first_root(rooted)).commitment(records_checked=2**40, check_ms=7)
    address = await rooted.attestors[0].commit(commitment)
    assert await rooted.attestors[2].commit(commitment) == address
    network, view = await rooted.network(), await only(rooted)
    assert view.approving(network) == (rooted.keys[0].pubkey(), rooted.keys[2].pubkey())
    assert view.final_from(network) == view.account.approved_at + CHALLENGE

    lamports = await rooted.fleet.lamports(rooted.fleet.payer.pubkey())
    for attestor in (rooted.attestors[0], rooted.attestors[2]):
        assert await attestor.commit(commitment) == address
    assert await rooted.fleet.lamports(rooted.fleet.payer.pubkey()) == lamports
    assert await only(rooted) == view


async def test_a_rivals_commit_that_lands_first_is_approved(rooted: Rooted) -> None:
    """The account is missing when it is looked for, and there when the commitment lands."""
    commitment = (await first_root(rooted)).commitment()

    class Raced(Network):
        """Another attestor commits right after the first look."""

        raced = False

        async def account(self, address: Any) -> Any:
            found = await self.chain.account(address)
            if not self.raced and address == rooted.attestors[1].epoch_address(commitment):
                self.raced = True
                await rooted.attestors[0].commit(commitment)
            return found

    network = Raced(rooted.fleet.chain)
    sender = sender_for(network, rooted.fleet.payer)
    address = await Attestor(sender, rooted.fleet.network, rooted.keys[1]).commit(commitment)
    assert network.raced
    view = await only(rooted)
    assert view.address == address
    assert view.approving(await rooted.network()) == (rooted.keys[0].pubkey(), rooted.keys[1].pubkey())


async def test_rival_commitments_stand_side_by_side(rooted: Rooted) -> None:
    one, two = await first_root(rooted, 1, 2), await first_root(rooted, 3, 4)
    first = await rooted.attestors[0].commit(one.commitment())
    second = await rooted.attestors[0].commit(two.commitment())
    third = await rooted.attestors[1].commit(two.commitment(records_checked=1))
    views = await rooted.finalizer.reader.epochs()
    assert {view.address for view in views} == {first, second, third}
    assert [view.account.committed_slot for view in views] == sorted(view.account.committed_slot for view in views)
    assert {view.address: view.commitment for view in views}[second] == two.commitment()


async def test_votes_carry_what_was_checked_and_can_be_withdrawn(rooted: Rooted) -> None:
    address = await rooted.attestors[0].commit((await first_root(rooted)).commitment())
    voter = rooted.attestors[1]

    confirmed = await voter.vote(address, approve=True, checked=12, failed=3, ms=450)

    assert events_from_logs(confirmed.logs, PROGRAM_ID) == [
        EpochVoted(address, voter.key.pubkey(), 1, 2, 12, 3, 450),
    ]
    assert await stage(rooted, address) is EpochStage.APPROVED
    withdrawn = await voter.vote(address, approve=False)
    assert events_from_logs(withdrawn.logs, PROGRAM_ID) == [EpochVoted(address, voter.key.pubkey(), 0, 1, 0, 0, 0)]
    assert await stage(rooted, address) is EpochStage.OPEN
    await rooted.fleet.clock.advance(CHALLENGE)
    with pytest.raises(errors.BelowThreshold, match="Ask more attestors"):
        await rooted.finalizer.finalize(address)


async def test_only_attestors_commit_and_vote_and_only_the_guardian_vetoes(rooted: Rooted) -> None:
    commitment = (await first_root(rooted)).commitment()
    stranger = rooted.attestor(Keypair())
    with pytest.raises(errors.NotAttestor):
        await stranger.commit(commitment)
    with pytest.raises(errors.NotAttestor):
        await rooted.guardian.commit(commitment)
    address = await rooted.attestors[0].commit(commitment)
    with pytest.raises(errors.NotAttestor):
        await stranger.commit(commitment)
    with pytest.raises(errors.NotAttestor):
        await stranger.vote(address, approve=True)
    with pytest.raises(errors.Unauthorized):
        await rooted.attestors[1].veto(address)
    assert (await only(rooted)).account.vetoed == 0


async def test_a_veto_stays(rooted: Rooted) -> None:
    address = await rooted.approve(await first_root(rooted))
    await rooted.fleet.clock.advance(CHALLENGE)
    assert await stage(rooted, address) is EpochStage.DUE

    confirmed = await rooted.guardian.veto(address, checked=9, failed=9, ms=1)

    guardian = rooted.guardian.key.pubkey()
    assert events_from_logs(confirmed.logs, PROGRAM_ID) == [EpochVoted(address, guardian, 2, 2, 9, 9, 1)]
    assert await stage(rooted, address) is EpochStage.VETOED
    with pytest.raises(errors.CommitmentVetoed):
        await rooted.finalizer.finalize(address)
    with pytest.raises(errors.CommitmentVetoed):
        await rooted.attestors[2].vote(address, approve=True)
    assert (await rooted.network()).root_count == 0


async def test_what_is_no_commitment_of_the_network_is_not_voted_on(rooted: Rooted, start_fleet: StartFleet) -> None:
    other = await Rooted.start(start_fleet)
    await other.fleet.next_epoch()
    foreign = await other.attestors[0].commit((await first_root(other)).commitment())
    attestor, reader = rooted.attestors[0], rooted.finalizer.reader
    for address, got in (
        (Keypair().pubkey(), "no account"),
        (rooted.fleet.network, f"an account of {PROGRAM_ID}"),
        (foreign, str(other.fleet.network)),
    ):
        for call in (attestor.vote(address, approve=True), attestor.veto(address), reader.epoch(address)):
            with pytest.raises(EpochNotFound) as caught:
                await call
            assert (caught.value.code, caught.value.got) == ("epoch_not_found", got)
    assert await reader.epochs() == []


async def test_a_root_becomes_final_once_its_challenge_is_over(rooted: Rooted) -> None:
    root = await first_root(rooted, 100, 200, 300)
    commitment = root.commitment(records_checked=40, records_failed=1, check_ms=900)
    for attestor in rooted.attestors[1:]:
        address = await attestor.commit(commitment)
    view, network = await only(rooted), await rooted.network()
    final_from = view.final_from(network)
    assert final_from is not None
    assert view.stage(network, final_from - 1) is EpochStage.APPROVED
    assert view.stage(network, final_from) is EpochStage.DUE
    assert next_root_epoch(network) == 0
    with pytest.raises(errors.ChallengeOpen):
        await rooted.finalizer.finalize(address)
    await rooted.fleet.clock.advance(CHALLENGE)
    lamports = await rooted.fleet.lamports(rooted.fleet.payer.pubkey())
    stranger = Keypair()
    await rooted.fleet.airdrop(stranger.pubkey(), SOL)

    done = await Finalizer(sender_for(rooted.fleet.chain, stranger), rooted.fleet.network).finalize(address)

    assert (done.outcome, done.increase) == (FinalizeOutcome.FINAL, 600)
    assert done.confirmed is not None
    assert events_from_logs(done.confirmed.logs, PROGRAM_ID) == [
        EpochFinalized(rooted.fleet.network, address, 0, root.tree.root, 3, 600)
    ]
    rent = await rooted.fleet.chain.rent_exempt(Epoch.SIZE)
    assert await rooted.fleet.lamports(rooted.fleet.payer.pubkey()) == lamports + rent
    after = await rooted.network()
    assert (after.root, after.root_epoch, after.root_count) == (root.tree.root, 0, 3)
    assert (after.root_total, after.root_units, after.root_owed) == (600, 1_800, 600)
    assert (after.records_checked, after.records_failed, after.check_ms) == (40, 1, 900)
    assert (after.pool_free, after.pool_owed) == (FUNDS - 600, 600)
    assert next_root_epoch(after) == 1
    assert await rooted.finalizer.reader.epochs() == []


async def test_finalizing_again_finds_it_gone(rooted: Rooted) -> None:
    address = await rooted.make_final(await first_root(rooted))
    lamports = await rooted.fleet.lamports(rooted.fleet.payer.pubkey())
    assert await rooted.finalizer.finalize(address) == Finalization(FinalizeOutcome.GONE, 0, None)
    assert await rooted.fleet.lamports(rooted.fleet.payer.pubkey()) == lamports
    with pytest.raises(EpochNotFound):
        await rooted.attestors[0].vote(address, approve=True)


async def test_another_crank_that_finalizes_first_is_no_failure(rooted: Rooted) -> None:
    address = await rooted.approve(await first_root(rooted))
    await rooted.fleet.clock.advance(CHALLENGE)

    class Raced(Network):
        """Somebody else finalizes right after the first look."""

        raced = False

        async def account(self, asked: Any) -> Any:
            found = await self.chain.account(asked)
            if asked == address and not self.raced:
                self.raced = True
                await rooted.finalizer.finalize(address)
            return found

    sender = sender_for(Raced(rooted.fleet.chain), rooted.fleet.payer)
    done = await Finalizer(sender, rooted.fleet.network).finalize(address)
    assert done == Finalization(FinalizeOutcome.GONE, 0, None)
    assert (await rooted.network()).root_total == 300


async def test_a_root_that_would_pay_too_much_waits(start_fleet: StartFleet) -> None:
    rooted = await Rooted.start(start_fleet, funds=1_000)
    await rooted.fleet.next_epoch()
    large, modest = await first_root(rooted, 1_000_001), await first_root(rooted, 1_001)
    for root, error in ((large, errors.BudgetExceeded), (modest, errors.PoolTooSmall)):
        address = await rooted.approve(root)
        await rooted.fleet.clock.advance(CHALLENGE)
        with pytest.raises(error):
            await rooted.finalizer.finalize(address)
    await rooted.fleet.mint.give(rooted.fleet.authority.pubkey(), 1)
    await rooted.fleet.operator.fund_pool(1)
    assert (await rooted.finalizer.finalize(address)).increase == 1_001
    assert (await rooted.network()).pool_free == 0


async def test_a_change_of_attestors_voids_votes(rooted: Rooted) -> None:
    root = await first_root(rooted)
    address = await rooted.approve(root)
    await rooted.fleet.clock.advance(CHALLENGE)
    assert await stage(rooted, address) is EpochStage.DUE

    await rooted.fleet.operator.remove_attestor(rooted.keys[2].pubkey())

    view, network = await only(rooted), await rooted.network()
    assert view.approving(network) == ()
    assert await stage(rooted, address) is EpochStage.OPEN
    with pytest.raises(errors.BelowThreshold):
        await rooted.finalizer.finalize(address)
    # The old approvals count for nothing, so committing again votes again.
    await rooted.make_final(root)
    assert (await rooted.network()).root_total == 300


async def test_outdated_commitments_are_closed_by_anyone(rooted: Rooted) -> None:
    network = await rooted.network()
    rivals = [await first_root(rooted, reward) for reward in (1, 2, 3)]
    closing = {await rooted.attestors[0].commit(each.commitment()) for each in rivals}
    vetoed = await rooted.attestors[1].commit(rivals[0].commitment(records_checked=5))
    await rooted.guardian.veto(vetoed)
    await rooted.make_final(await first_root(rooted, 10))
    await rooted.fleet.next_epoch()
    later = Root(network.domain, 1, payees(10, 5))
    waiting = await rooted.attestors[0].commit(later.commitment())
    assert {await stage(rooted, each) for each in (*closing, vetoed)} == {EpochStage.OUTDATED}
    lamports = await rooted.fleet.lamports(rooted.fleet.payer.pubkey())

    closed = await rooted.finalizer.close_outdated()

    assert set(closed) == {*closing, vetoed}
    assert len(closed) == 4
    rent = await rooted.fleet.chain.rent_exempt(Epoch.SIZE)
    assert await rooted.fleet.lamports(rooted.fleet.payer.pubkey()) == lamports + 4 * rent - 5_000
    assert (await only(rooted)).address == waiting
    assert await rooted.finalizer.close_outdated() == ()
    assert (await rooted.network()).root_total == 10


async def test_finalizing_an_outdated_commitment_closes_it(rooted: Rooted) -> None:
    rival = await rooted.approve(await first_root(rooted, 7))
    await rooted.make_final(await first_root(rooted, 10))
    done = await rooted.finalizer.finalize(rival)
    assert (done.outcome, done.increase) == (FinalizeOutcome.CLOSED, 0)
    assert await rooted.finalizer.reader.epochs() == []
    assert (await rooted.network()).root_total == 10


async def test_what_others_closed_meanwhile_is_left_out(rooted: Rooted) -> None:
    made = [await rooted.attestors[0].commit((await first_root(rooted, each)).commitment()) for each in range(1, 5)]
    await rooted.make_final(await first_root(rooted, 10))

    class Raced(Network):
        """Somebody else closes two of them after they were listed."""

        async def program_accounts(self, *args: Any) -> Any:
            found = await self.chain.program_accounts(*args)
            for address in made[:2]:
                await rooted.finalizer.finalize(address)
            return found

    sender = sender_for(Raced(rooted.fleet.chain), rooted.fleet.payer)
    assert set(await Finalizer(sender, rooted.fleet.network).close_outdated()) == set(made[2:])
    assert await rooted.finalizer.reader.epochs() == []


async def test_outcomes_are_told_also_by_a_node_without_logs(rooted: Rooted) -> None:
    outdated = await rooted.attestors[0].commit((await first_root(rooted, 3)).commitment())
    address = await rooted.approve(await first_root(rooted, 10))
    await rooted.fleet.clock.advance(CHALLENGE)
    silent = Network(rooted.fleet.chain)
    silent.details = False
    finalizer = Finalizer(sender_for(silent, rooted.fleet.payer), rooted.fleet.network)
    done, closed = [await finalizer.finalize(each) for each in (address, outdated)]
    assert (done.outcome, done.increase) == (FinalizeOutcome.FINAL, None)
    assert (closed.outcome, closed.increase) == (FinalizeOutcome.CLOSED, 0)


async def test_commits_wait_for_the_end_of_the_epoch_and_for_the_path_of_roots(start_fleet: StartFleet) -> None:
    rooted = await Rooted.start(start_fleet)
    with pytest.raises(errors.EpochNotOver):
        await rooted.attestors[0].commit((await first_root(rooted)).commitment())
    receipts = await Rooted.start(start_fleet, reward_path=RewardPath.RECEIPTS)
    await receipts.fleet.next_epoch()
    with pytest.raises(errors.WrongRewardPath):
        await receipts.attestors[0].commit((await first_root(receipts)).commitment())


async def test_a_pause_stops_commits_and_finalizing_but_no_vote(rooted: Rooted) -> None:
    root = await first_root(rooted)
    await rooted.fleet.operator.set_pause(Pause.COMMIT | Pause.FINALIZE)
    with pytest.raises(errors.Paused):
        await rooted.attestors[0].commit(root.commitment())
    await rooted.fleet.operator.set_pause(Pause.FINALIZE)
    address = await rooted.approve(root)
    await rooted.fleet.clock.advance(CHALLENGE)
    with pytest.raises(errors.Paused):
        await rooted.finalizer.finalize(address)
    await rooted.attestors[0].vote(address, approve=False)
    assert await stage(rooted, address) is EpochStage.OPEN


async def test_a_missed_epoch_loses_nothing(rooted: Rooted) -> None:
    await rooted.fleet.next_epoch()
    await rooted.fleet.next_epoch()
    people = payees(5)
    await rooted.make_final(await rooted.root(2, people))
    assert next_root_epoch(await rooted.network()) == 3
    with pytest.raises(errors.EpochCovered):
        await rooted.attestors[0].commit((await rooted.root(1, people)).commitment())
    await rooted.fleet.next_epoch()
    with pytest.raises(errors.InvalidCommitment):
        await rooted.attestors[0].commit((await rooted.root(3, payees(4))).commitment())


async def test_moving_from_receipts_to_roots(start_fleet: StartFleet) -> None:
    rooted = await Rooted.start(start_fleet, reward_path=RewardPath.RECEIPTS)
    fleet, operator = rooted.fleet, rooted.fleet.operator
    device = await fleet.device()
    await fleet.next_epoch()
    await fleet.earn(device, 1, 10)
    proposed = await operator.pay_by_roots()
    assert proposed.effective_at > await fleet.clock.now()
    with pytest.raises(errors.NotDue):
        await operator.apply_update()
    await fleet.clock.advance(86_400)
    before = await fleet.clock.now()
    await operator.apply_update()
    network = await rooted.network()
    assert (network.reward_path, network.roots_from) == (2, (before - network.created_at) // EPOCH + 1)
    assert next_root_epoch(network) == network.roots_from
    # The epoch in which it was applied is still paid by receipts.
    await fleet.earn(device, 2, 15)
    assert (await fleet.read(device.device)).rewards_owed == 30
    await fleet.next_epoch()
    await fleet.earn(device, 3, 25)
    held = await fleet.read(device.device)
    assert (held.rewards_owed, held.units, held.units_for_roots) == (30, 25, 10)
    with pytest.raises(errors.EpochCovered):
        await rooted.attestors[0].commit((await rooted.root(network.roots_from - 1, payees(1))).commitment())
    await fleet.next_epoch()
    await rooted.make_final(await rooted.root(network.roots_from, payees(20)))
    ledger = await operator.ledger()
    assert (ledger.device_rewards, ledger.root_owed, ledger.pool_owed, ledger.holds) == (30, 20, 50, True)
    with pytest.raises(errors.WrongRewardPath):
        await operator.pay_by_roots()


async def test_pages_and_watermarks_of_a_network_without_any(fleet: Fleet) -> None:
    reader = fleet.operator.reader
    assert await reader.pages([0, 3]) == {0: None, 3: None}
    marks = await reader.watermarks(2_500)
    assert (marks.shape, marks.dtype.str, int(marks.sum())) == ((2_500,), "<u8", 0)
    assert (await reader.watermarks(0)).shape == (0,)


async def test_a_commitment_of_a_broken_chain_is_not_taken_for_made(rooted: Rooted) -> None:
    class Down(Network):
        async def simulate(self, transaction: Any) -> Any:
            raise ConnectionFailed("no answer")

    sender = sender_for(Down(rooted.fleet.chain), rooted.fleet.payer)
    with pytest.raises(ConnectionFailed):
        await Attestor(sender, rooted.fleet.network, rooted.keys[0]).commit((await first_root(rooted)).commitment())
    assert await rooted.finalizer.reader.epochs() == []


async def test_the_commit_tells_what_it_commits_to(rooted: Rooted) -> None:
    root = await rooted.root(0, [Payee(Keypair().pubkey(), 9), None])
    commitment = root.commitment()
    await rooted.attestors[0].commit(commitment)
    [newest, *_] = await rooted.fleet.chain.history(rooted.attestors[0].epoch_address(commitment))
    landed = await rooted.fleet.chain.transaction(newest.signature)
    assert landed is not None
    [event] = events_from_logs(landed.logs, PROGRAM_ID)
    assert isinstance(event, EpochCommitted)
    assert replace(commitment, epoch=event.index, root=event.root, data=event.data) == commitment
    assert (event.count, event.total, event.units, event.attestor) == (2, 9, 27, rooted.keys[0].pubkey())
    assert Page.SIZE == 80 + 8 * 1_024
