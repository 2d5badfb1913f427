"""Claims for everyone: who is chosen, what it costs, and that nothing stops it or is paid twice."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.fleet import StartFleet
from support.proving import Person, Publisher, epoch_data, people
from support.rooted import Rooted
from worktab.chain.protocol import AccountData
from worktab.core.addresses import TOKEN_PROGRAM_ID, associated_token_address
from worktab.core.errors import InputError
from worktab.epochs.cranking import Choice, CrankIncomplete, CrankOutcome, CrankReport, Sponsor
from worktab.epochs.proofs.book import ProofBook
from worktab.epochs.proofs.errors import EpochNotPublished, SourceForeign
from worktab.epochs.proofs.export import export
from worktab.epochs.proofs.fetching import Folder
from worktab.epochs.proofs.pages import PayeePage
from worktab.epochs.proofs.root import Root
from worktab.epochs.proofs.sources import DataSource, StaticSource
from worktab.program.generated.accounts import Page
from worktab.roles.terms import RewardPath
from worktab.testing.chains import sender_for

PAID, UNPAYABLE, NOTHING = CrankOutcome.PAID, CrankOutcome.UNPAYABLE, CrankOutcome.NOTHING_OWED
EVERYONE = Choice(create_accounts=True)


class Stage:
    """A network that pays by roots, its published epochs, and a sponsor with lamports of its own."""

    def __init__(self, rooted: Rooted, folder: Path) -> None:
        self.rooted, self.fleet = rooted, rooted.fleet
        self.publisher = Publisher(rooted, folder)
        self.source: Any = DataSource(folder)
        self.payer = Keypair()

    @classmethod
    async def start(cls, start_fleet: StartFleet, folder: Path) -> Stage:
        stage = cls(await Rooted.start(start_fleet), folder)
        await stage.fleet.airdrop(stage.payer.pubkey(), 100 * 10**9)
        return stage

    def sponsor(self, choice: Choice = EVERYONE, **terms: Any) -> Sponsor:
        sender = sender_for(self.fleet.chain, self.payer)
        return Sponsor(sender, self.fleet.network, self.source, choice, **terms)

    async def open(self, *named: Person) -> None:
        """Make the token accounts of wallets."""
        for person in named:
            await self.fleet.mint.give(person.payout, 0)

    def account(self, person: Person) -> Pubkey:
        """The address of a wallet's token account."""
        return associated_token_address(person.payout, self.fleet.mint.address, TOKEN_PROGRAM_ID)[0]

    async def balances(self, named: list[Person]) -> list[int]:
        return [await self.fleet.mint.balance(person.payout) for person in named]

    async def lamports(self) -> int:
        return await self.fleet.lamports(self.payer.pubkey())


@pytest.fixture
async def stage(start_fleet: StartFleet, tmp_path: Path) -> Stage:
    return await Stage.start(start_fleet, tmp_path)


def outcomes(report: CrankReport) -> dict[Pubkey, tuple[CrankOutcome, int, int]]:
    return {each.payout: (each.outcome, each.paid, each.left) for each in report.payees}


async def test_everyone_is_paid_once(stage: Stage) -> None:
    named = people(*range(1, 31))
    await stage.publisher.publish(0, named)
    vault, before = await stage.fleet.vault(), await stage.lamports()
    rent = await stage.fleet.chain.rent_exempt(Page.SIZE)

    survey = await stage.sponsor().survey()
    assert (survey.epoch, survey.payees, survey.by_root, survey.below) == (0, 30, 465, 0)
    assert (survey.pages, survey.page_rent, survey.fees) == (1, rent, 31 * 5_000)
    assert await stage.lamports() == before

    told: list[int] = []
    report = await stage.sponsor().run(told.append)
    assert await stage.balances(named) == list(range(1, 31))
    assert await stage.fleet.vault() == vault - 465
    assert (report.epochs, report.claimed, report.paid, report.below) == ((0,), 30, 465, 0)
    assert (report.pages, report.page_rent) == (1, rent)
    assert outcomes(report) == {person.payout: (PAID, person.reward, 0) for person in named}
    accounts = 30 * await stage.fleet.chain.rent_exempt(165)
    assert await stage.lamports() == before - rent - accounts - report.fees
    assert report.fees == report.transactions * 5_000
    assert {len(each.transactions) for each in report.payees} == {1}
    assert told[-1] == 30

    again = await stage.sponsor().run()
    assert (again.payees, again.transactions, again.paid) == ((), 0, 0)
    assert await stage.fleet.vault() == vault - 465


async def test_only_those_are_claimed_for_who_are_owed_enough(stage: Stage) -> None:
    named = people(9, 10, 11, 100)
    await stage.publisher.publish(0, named)
    assert Choice(at_least=10).least == 10
    assert Choice(price=2_000_000).least == 11
    assert Choice(at_least=12, price=2_000_000).least == 12
    report = await stage.sponsor(Choice(at_least=10, create_accounts=True)).run()
    assert (report.claimed, report.below, await stage.balances(named)) == (3, 1, [0, 10, 11, 100])
    rest = await stage.sponsor(Choice(price=1_800_000, create_accounts=True)).run()
    assert (rest.claimed, rest.below) == (0, 1)
    with pytest.raises(InputError):
        Choice(at_least=-1)


async def test_a_page_without_anyone_to_claim_for_is_not_opened(stage: Stage) -> None:
    await stage.publisher.publish(0, people(1, 2))
    report = await stage.sponsor(Choice(at_least=3)).run()
    assert (report.pages, report.below, report.transactions) == (0, 2, 0)
    assert (await stage.fleet.operator.reader.pages([0]))[0] is None


async def test_token_accounts_are_made_only_when_asked_for(stage: Stage) -> None:
    named = people(5, 6)
    await stage.publisher.publish(0, named)
    await stage.open(named[0])
    report = await stage.sponsor(Choice()).run()
    assert outcomes(report) == {named[0].payout: (PAID, 5, 0), named[1].payout: (UNPAYABLE, 0, 6)}
    assert await stage.fleet.chain.account(stage.account(named[1])) is None
    more = await stage.sponsor().run()
    assert outcomes(more) == {named[1].payout: (PAID, 6, 0)}
    assert await stage.balances(named) == [5, 6]


async def test_no_page_is_opened_for_those_who_cannot_be_paid(stage: Stage) -> None:
    named = people(5)
    await stage.publisher.publish(0, named)
    before = await stage.lamports()
    report = await stage.sponsor(Choice()).run()
    assert outcomes(report) == {named[0].payout: (UNPAYABLE, 0, 5)}
    assert (report.pages, report.transactions, await stage.lamports()) == (0, 0, before)


async def test_those_who_cannot_be_paid_hold_up_no_other(stage: Stage) -> None:
    named = people(*range(1, 9))
    await stage.publisher.publish(0, named)
    await stage.fleet.set_account(stage.account(named[2]), AccountData(10**9, Keypair().pubkey(), b"x"))
    report = await stage.sponsor().run()
    assert outcomes(report)[named[2].payout] == (UNPAYABLE, 0, 3)
    assert (report.claimed, report.paid, report.count(UNPAYABLE)) == (7, 33, 1)
    others = named[:2] + named[3:]
    assert await stage.balances(others) == [person.reward for person in others]


async def test_both_paths_are_claimed(stage: Stage) -> None:
    named = people(50)
    await stage.publisher.publish(0, named)
    owner = stage.fleet.owner()
    device = await stage.fleet.device(owner=owner, payout=named[0].payout)
    other = await stage.fleet.device(payout=(seller := Keypair().pubkey()))
    await stage.fleet.next_epoch()
    consumer = await stage.fleet.consumer(1_000)
    await stage.fleet.sell(consumer, device, 40, 1)
    await stage.fleet.sell(consumer, other, 7, 1)
    survey = await stage.sponsor().survey()
    assert (survey.wallets, survey.by_devices, survey.payees, survey.by_root) == (2, 47, 1, 50)
    report = await stage.sponsor().run()
    assert outcomes(report) == {named[0].payout: (PAID, 90, 0), seller: (PAID, 7, 0)}
    assert await stage.fleet.mint.balance(named[0].payout) == 90
    assert await stage.fleet.mint.balance(seller) == 7
    assert {each.payout: len(each.transactions) for each in report.payees} == {named[0].payout: 2, seller: 1}


async def test_what_stays_owed_is_told_over_both_paths(stage: Stage) -> None:
    named = people(50)
    await stage.publisher.publish(0, named)
    device = await stage.fleet.device(payout=named[0].payout)
    await stage.fleet.next_epoch()
    await stage.fleet.sell(await stage.fleet.consumer(40), device, 40, 1)
    report = await stage.sponsor(Choice()).run()
    assert outcomes(report) == {named[0].payout: (UNPAYABLE, 0, 90)}


async def test_a_network_without_roots_is_cranked_by_its_devices(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(reward_path=RewardPath.RECEIPTS)
    device = await fleet.device()
    await fleet.next_epoch()
    await fleet.earn(device, 1, 100)
    report = await Sponsor(fleet.sender, fleet.network, None, EVERYONE).run()
    assert (report.epochs, report.claimed, report.paid) == ((), 1, 200)


async def test_a_newer_root_in_the_middle_is_switched_to(stage: Stage) -> None:
    named = people(*[2] * 1_030)
    owed = {0: 5, 1: 7, 1_025: 9}
    first = [person if at not in owed else person.raised(owed[at]) for at, person in enumerate(named)]
    second = [person.raised(10) if at in owed else person for at, person in enumerate(first)] + people(40)
    await stage.publisher.publish(0, first)
    newer = await stage.publisher.data(1, second)

    source, asked = stage.source, list[tuple[int, int]]()

    class Late:
        """The newer root becomes final after the older one's proofs were made, before they are sent."""

        async def page(self, root: Root, number: int) -> PayeePage:
            page: PayeePage = await source.page(root, number)
            asked.append((root.epoch, number))
            if asked[-1] == (0, 1):
                await stage.publisher.finalize(newer)
            return page

    stage.source = Late()
    report = await stage.sponsor(Choice(at_least=5, create_accounts=True)).run()
    assert report.epochs == (0, 1)
    paid = {at: second[at].reward for at in owed} | {1_030: 40}
    assert {each.payout: each.paid for each in report.payees} == {second[at].payout: due for at, due in paid.items()}
    for at, due in paid.items():
        assert await stage.fleet.mint.balance(second[at].payout) == due
    assert asked == [(0, 0), (0, 1), (1, 0), (1, 1)]
    network = await stage.rooted.network()
    assert network.root_owed == sum(person.reward for person in second) - sum(paid.values())


async def test_claims_interleaved_across_two_roots_pay_each_once(stage: Stage) -> None:
    """Some are paid from the first root by themselves, some by a crank, some only from the second."""
    first = people(10, 20, 30, 40)
    await stage.publisher.publish(0, first)
    root = await stage.publisher.root()
    proofs = {person.payout: await stage.source.proof(root, person.payout) for person in first}
    await stage.rooted.claimer.claim(proofs[first[0].payout])
    await stage.sponsor(Choice(at_least=40, create_accounts=True)).run()
    assert await stage.balances(first) == [10, 0, 0, 40]
    second = [first[0].raised(1), first[1], first[2].raised(3), first[3]]
    await stage.publisher.publish(1, second)
    report = await stage.sponsor().run()
    assert outcomes(report) == {
        second[0].payout: (PAID, 1, 0),
        second[1].payout: (PAID, 20, 0),
        second[2].payout: (PAID, 33, 0),
    }
    assert await stage.balances(second) == [11, 20, 33, 40]
    assert (await stage.rooted.network()).root_owed == 0


async def test_a_source_that_gets_the_newest_epoch_later_is_waited_for(stage: Stage, tmp_path: Path) -> None:
    named = people(5)
    elsewhere = Publisher(stage.rooted, tmp_path / "elsewhere")
    data = await elsewhere.publish(0, named)
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            data.write(tmp_path)

    report = await stage.sponsor(sleep=sleep).run()
    assert (report.paid, waited) == (5, [5.0, 5.0, 5.0])


async def test_a_source_that_never_gets_it_is_told_of(stage: Stage, tmp_path: Path) -> None:
    await Publisher(stage.rooted, tmp_path / "elsewhere").publish(0, people(5))

    async def sleep(_: float) -> None:
        pass

    told: list[tuple[str, float]] = []
    sponsor = stage.sponsor(sleep=sleep, patience=20, waiting=lambda why, most: told.append((why.code, most)))
    with pytest.raises(CrankIncomplete) as incomplete:
        await sponsor.run()
    assert getattr(incomplete.value.__cause__, "code", "") == "epoch_not_published"
    assert incomplete.value.report.payees == ()
    assert told == [("epoch_not_published", 20)]
    # It has waited once: there is no more patience for another look.
    with pytest.raises(EpochNotPublished):
        await sponsor.survey()
    assert len(told) == 1


async def test_newer_roots_do_not_renew_patience(stage: Stage, tmp_path: Path) -> None:
    elsewhere = Publisher(stage.rooted, tmp_path / "elsewhere")
    named = people(5)
    await elsewhere.publish(0, named)
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 2:
            await elsewhere.publish(1, [named[0].raised(1)])

    with pytest.raises(CrankIncomplete):
        await stage.sponsor(sleep=sleep, patience=20).run()
    assert waited == [5.0] * 4


@pytest.mark.parametrize("foreign", ["network", "cluster"])
@pytest.mark.parametrize("epoch", [0, 7])
async def test_anothers_data_are_refused_at_once(stage: Stage, tmp_path: Path, foreign: str, epoch: int) -> None:
    named = people(5)
    await Publisher(stage.rooted, tmp_path / "elsewhere").publish(0, named)
    account, ours = await stage.rooted.network(), stage.fleet.network
    network = Keypair().pubkey() if foreign == "network" else ours
    data = epoch_data(named, epoch=epoch, network=network, domain=b"o" * 32)
    data.write(tmp_path / "data")
    export(ProofBook(data), tmp_path / "export")

    async def sleep(_: float) -> None:
        pytest.fail("it waited")

    for source in (DataSource(tmp_path / "data"), StaticSource(Folder(tmp_path / "export"))):
        stage.source = source
        with pytest.raises(SourceForeign) as refused:
            await stage.sponsor(sleep=sleep).survey()
        expected = str(ours) if foreign == "network" else f"domain {account.domain.hex()}"
        assert (refused.value.expected, refused.value.next_step != "") == (expected, True)
        assert f"another {foreign}" in str(refused.value)


async def test_a_page_that_is_not_of_the_root_holds_up_no_other(stage: Stage) -> None:
    named = people(*[1] * 1_026)
    named = [person.raised(at % 1_000) if at in (3, 1_025) else person for at, person in enumerate(named)]
    await stage.publisher.publish(0, named)
    good = stage.source

    class Damaged:
        async def page(self, root: Root, number: int) -> PayeePage:
            page: PayeePage = await good.page(root, number)
            return PayeePage.read(b"x" * 100, root, number) if number == 0 else page

    stage.source = Damaged()
    with pytest.raises(CrankIncomplete) as incomplete:
        await stage.sponsor(Choice(at_least=2, create_accounts=True)).run()
    report = incomplete.value.report
    assert (report.refused, outcomes(report)) == ((0,), {named[1_025].payout: (PAID, named[1_025].reward, 0)})


async def test_a_sponsor_without_lamports_stops_before_it_fails(stage: Stage) -> None:
    named = people(5, 6)
    await stage.publisher.publish(0, named)
    stage.payer = Keypair()
    await stage.fleet.airdrop(stage.payer.pubkey(), 10**6)
    with pytest.raises(CrankIncomplete) as incomplete:
        await stage.sponsor().run()
    assert getattr(incomplete.value.__cause__, "code", "") == "sponsor_empty"
    assert await stage.lamports() == 10**6


async def test_two_sponsors_at_once_pay_everyone_once(stage: Stage) -> None:
    named = people(*range(1, 25))
    await stage.publisher.publish(0, named)
    vault = await stage.fleet.vault()
    await stage.fleet.airdrop((payer := Keypair()).pubkey(), 10**9 * 10)
    other = Sponsor(sender_for(stage.fleet.chain, payer), stage.fleet.network, stage.source, EVERYONE)
    results = await asyncio.gather(stage.sponsor().run(), other.run(), return_exceptions=True)
    reports = [each.report if isinstance(each, CrankIncomplete) else each for each in results]
    assert await stage.balances(named) == list(range(1, 25))
    assert await stage.fleet.vault() == vault - 300
    assert sum(report.paid for report in reports if isinstance(report, CrankReport)) == 300
