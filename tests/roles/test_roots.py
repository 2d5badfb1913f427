"""Claims from roots: who is paid what, in how many transactions, and what is skipped and still owed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.fleet import FUNDS, SOL, StartFleet
from support.network import Network
from support.rooted import Payee, Root, Rooted, payees, raised
from worktab.chain.protocol import AccountData
from worktab.chain.tokens import associated_account
from worktab.core.addresses import SYSTEM_PROGRAM_ID, TOKEN_PROGRAM_ID
from worktab.core.errors import InputError, SimulationFailed, StorageError
from worktab.program.generated import PROGRAM_ID, errors
from worktab.program.generated.accounts import Page
from worktab.program.generated.events import PageOpened, RootClaimed
from worktab.program.logs import events_from_logs
from worktab.roles.errors import RootClaimIncomplete, RootReplaced
from worktab.roles.roots import RootClaim, RootClaimer, RootOutcome, RootProof, RootReport, owed
from worktab.testing.chains import sender_for

TOKEN_ACCOUNT = 165
"""Bytes of a token account."""


@pytest.fixture
async def rooted(start_fleet: StartFleet) -> Rooted:
    """A network that pays by roots, without one."""
    return await Rooted.start(start_fleet)


def outcomes(report: RootReport) -> list[RootOutcome]:
    return [each.outcome for each in report.claims]


def sizes(report: RootReport) -> list[int]:
    """How many payees each transaction paid."""
    found = [events_from_logs(each.logs, PROGRAM_ID) for each in report.confirmed]
    return sorted(sum(isinstance(event, RootClaimed) for event in events) for events in found)


async def balance(rooted: Rooted, payee: Payee | None) -> int:
    assert payee is not None
    return await rooted.fleet.mint.balance(payee.payout)


def wallet(root: Root, position: int) -> Pubkey:
    payee = root.payees[position]
    assert payee is not None
    return payee.payout


async def page(rooted: Rooted, number: int = 0) -> Page:
    found = (await rooted.claimer.reader.pages([number]))[number]
    assert found is not None
    return found


async def test_a_payee_is_paid_its_page_opened_and_its_account_made(rooted: Rooted) -> None:
    root = await rooted.final(0, payees(100, 250, 3))
    fleet = rooted.fleet
    lamports = await fleet.lamports(fleet.payer.pubkey())
    assert owed(await rooted.network(), root.proof(1), None) == 250

    claim = await rooted.claimer.claim(root.proof(1))

    assert (claim.position, claim.payout) == (1, wallet(root, 1))
    assert (claim.outcome, claim.amount) == (RootOutcome.PAID, 250)
    assert claim.confirmed is not None
    assert events_from_logs(claim.confirmed.logs, PROGRAM_ID) == [
        RootClaimed(fleet.network, wallet(root, 1), 250, 1, 0),
    ]
    assert [await balance(rooted, each) for each in root.payees] == [0, 250, 0]
    assert await fleet.vault() == FUNDS - 250
    network = await rooted.network()
    assert (network.root_owed, network.pool_owed, network.accounted) == (103, 103, FUNDS - 250)
    opened = await page(rooted)
    assert (opened.network, opened.number, opened.rent_payer) == (fleet.network, 0, fleet.payer.pubkey())
    assert opened.claimed == (0, 250, *[0] * 1_022)
    assert owed(network, root.proof(1), opened) == 0
    assert owed(network, root.proof(2), opened) == 3
    rent = await fleet.chain.rent_exempt(Page.SIZE) + await fleet.chain.rent_exempt(TOKEN_ACCOUNT)
    assert await fleet.lamports(fleet.payer.pubkey()) == lamports - rent - 2 * 5_000


async def test_a_second_claim_has_nothing_to_do(rooted: Rooted) -> None:
    root = await rooted.final(0, payees(100, 0))
    await rooted.claimer.claim(root.proof(0))
    lamports = await rooted.fleet.lamports(rooted.fleet.payer.pubkey())
    for position in (0, 1):
        again = await rooted.claimer.claim(root.proof(position))
        assert again == RootClaim(position, wallet(root, position), RootOutcome.NOTHING_OWED, 0, None)
    assert await balance(rooted, root.payees[0]) == 100
    assert await rooted.fleet.lamports(rooted.fleet.payer.pubkey()) == lamports


async def test_one_leaf_is_the_root(rooted: Rooted) -> None:
    root = await rooted.final(0, payees(77))
    assert root.proof(0).siblings == ()
    assert (await rooted.claimer.claim(root.proof(0))).amount == 77


async def test_a_later_root_pays_what_came_on_top(rooted: Rooted) -> None:
    first = await rooted.final(0, payees(100, 50))
    await rooted.claimer.claim(first.proof(0))
    second = await rooted.final(1, [*raised(first, 11, 22), *payees(8)])

    assert [(await rooted.claimer.claim(second.proof(position))).amount for position in range(3)] == [11, 72, 8]

    assert [await balance(rooted, each) for each in second.payees] == [111, 72, 8]
    ledger = await rooted.fleet.operator.ledger()
    assert (ledger.root_owed, ledger.root_total, ledger.root_claimed, ledger.holds) == (0, 191, 191, True)
    assert ledger.vault == FUNDS - 191


async def test_many_payees_share_transactions_as_far_as_these_reach(rooted: Rooted) -> None:
    root = await rooted.final(0, payees(*range(1, 41)))

    report = await rooted.claimer.claim_all(reversed(root.proofs()))

    assert [(each.position, each.amount) for each in report.claims] == [(at, at + 1) for at in reversed(range(40))]
    assert outcomes(report) == [RootOutcome.PAID] * 40
    assert report.paid == 820
    assert [await balance(rooted, each) for each in root.payees] == list(range(1, 41))
    assert sum(sizes(report)) == 40
    assert sizes(report)[-1] > 1
    assert {each.confirmed for each in report.claims} == set(report.confirmed)
    assert (await rooted.network()).root_owed == 0
    marks = await rooted.claimer.reader.watermarks(41)
    assert marks.tolist() == [*range(1, 41), 0]


async def test_accounts_that_exist_let_more_payees_share_a_transaction(rooted: Rooted) -> None:
    root = await rooted.final(0, payees(1, 1, 1, 1, 1, 1, 1, 1))
    for payee in root.payees:
        assert payee is not None
        await rooted.fleet.mint.give(payee.payout, 0)
    report = await rooted.claimer.claim_all(root.proofs(), at_once=1)
    assert outcomes(report) == [RootOutcome.PAID] * 8
    assert sizes(report) == [2, 3, 3]


async def test_repeats_and_interleavings_pay_once(rooted: Rooted) -> None:
    first = await rooted.final(0, payees(10, 20, 30, 0))
    proofs = first.proofs()
    await rooted.claimer.claim_all([proofs[1]])

    report = await rooted.claimer.claim_all([*proofs, *proofs])

    paid, nothing = RootOutcome.PAID, RootOutcome.NOTHING_OWED
    assert outcomes(report) == [paid, nothing, paid, nothing]
    assert [each.amount for each in report.claims] == [10, 0, 30, 0]
    second = await rooted.final(1, raised(first, 5, 0, 5, 5))
    with pytest.raises(RootReplaced):
        await rooted.claimer.claim_all(proofs)
    report = await rooted.claimer.claim_all(second.proofs())
    assert [each.amount for each in report.claims] == [5, 0, 5, 5]
    again = await rooted.claimer.claim_all(second.proofs())
    assert (outcomes(again), again.paid, again.confirmed) == ([nothing] * 4, 0, ())
    assert [await balance(rooted, each) for each in second.payees] == [15, 20, 35, 5]
    assert await rooted.fleet.vault() == FUNDS - 75


async def test_pages_open_where_they_are_needed(rooted: Rooted) -> None:
    # Positions 1,023 to 1,025 and 2,048, the others held by nobody.
    people: list[Payee | None] = [None] * 2_049
    for position in (1_023, 1_024, 1_025, 2_048):
        people[position] = Payee(Keypair().pubkey(), position)
    root = await rooted.final(0, people)
    assert len(root.proof(2_048).siblings) == 12
    opened = await rooted.claimer.open_page(1)
    assert opened is not None
    assert events_from_logs(opened.logs, PROGRAM_ID) == [PageOpened(rooted.fleet.network, 1)]
    assert await rooted.claimer.open_page(1) is None
    assert await rooted.claimer.open_pages([1, 1]) == []

    await rooted.claimer.claim(root.proof(1_024))
    assert [number for number, page in (await rooted.claimer.reader.pages(range(3))).items() if page] == [1]
    report = await rooted.claimer.claim_all(root.proofs())

    assert [each.amount for each in report.claims] == [1_023, 0, 1_025, 2_048]
    marks = await rooted.claimer.reader.watermarks(2_049)
    assert {at: int(marks[at]) for at in marks.nonzero()[0]} == {at: at for at in (1_023, 1_024, 1_025, 2_048)}
    with pytest.raises(errors.WrongPage):
        await rooted.claimer.open_page(3)


async def test_several_pages_open_in_one_transaction(rooted: Rooted) -> None:
    people: list[Payee | None] = [None] * 4_096
    people[4_095] = Payee(Keypair().pubkey(), 1)
    await rooted.final(0, people)
    await rooted.claimer.open_page(2)
    [sent] = await rooted.claimer.open_pages([0, 1, 2, 3])
    assert [event.number for event in events_from_logs(sent.logs, PROGRAM_ID) if isinstance(event, PageOpened)] == [
        0,
        1,
        3,
    ]
    assert all((await rooted.claimer.reader.pages(range(4))).values())


async def test_pages_that_others_open_meanwhile_are_left_out(rooted: Rooted) -> None:
    people: list[Payee | None] = [None] * 3_000
    people[2_999] = Payee(Keypair().pubkey(), 1)
    await rooted.final(0, people)

    class Raced(Network):
        """Somebody else opens a page after the first look."""

        raced = False

        async def accounts(self, addresses: Any) -> Any:
            found = await self.chain.accounts(addresses)
            if not self.raced:
                self.raced = True
                await rooted.claimer.open_page(1)
            return found

    sender = sender_for(Raced(rooted.fleet.chain), rooted.fleet.payer)
    [sent] = await RootClaimer(sender, rooted.fleet.network).open_pages([0, 1, 2])
    assert [event.number for event in events_from_logs(sent.logs, PROGRAM_ID) if isinstance(event, PageOpened)] == [
        0,
        2,
    ]


async def test_accounts_are_not_made_unless_asked_for(rooted: Rooted) -> None:
    root = await rooted.final(0, payees(5, 6))
    await rooted.fleet.mint.give(wallet(root, 1), 0)

    report = await rooted.claimer.claim_all(root.proofs(), create_accounts=False)

    assert outcomes(report) == [RootOutcome.UNPAYABLE, RootOutcome.PAID]
    assert [each.amount for each in report.claims] == [5, 6]
    assert report.paid == 6
    single = await rooted.claimer.claim(root.proof(0), create_accounts=False)
    assert single == RootClaim(0, wallet(root, 0), RootOutcome.UNPAYABLE, 5, None)
    account = associated_account(wallet(root, 0), rooted.fleet.mint.address)
    assert await rooted.fleet.chain.account(account) is None
    assert (await rooted.network()).root_owed == 5


async def test_lamports_where_an_account_belongs_do_not_stop_a_claim(rooted: Rooted) -> None:
    root = await rooted.final(0, payees(5))
    account = associated_account(wallet(root, 0), rooted.fleet.mint.address)
    await rooted.fleet.airdrop(account, SOL)
    plain = await rooted.fleet.chain.account(account)
    assert plain is not None
    assert plain.owner == SYSTEM_PROGRAM_ID
    assert (await rooted.claimer.claim(root.proof(0))).outcome is RootOutcome.PAID


async def test_a_wallet_that_cannot_be_paid_holds_up_nobody(rooted: Rooted) -> None:
    root = await rooted.final(0, payees(1, 2, 4))
    fleet = rooted.fleet
    frozen, seized = (associated_account(wallet(root, at), fleet.mint.address) for at in (0, 1))
    for position in (0, 1):
        await fleet.mint.give(wallet(root, position), 0)
    held = await fleet.chain.account(seized)
    assert held is not None
    await fleet.set_account(
        seized, AccountData(held.lamports, held.owner, held.data[:32] + bytes(Keypair().pubkey()) + held.data[64:])
    )
    sealed = await fleet.chain.account(frozen)
    assert sealed is not None
    data = bytearray(sealed.data)
    data[108] = 2
    await fleet.set_account(frozen, AccountData(sealed.lamports, sealed.owner, bytes(data)))

    report = await rooted.claimer.claim_all(root.proofs())

    assert outcomes(report) == [RootOutcome.UNPAYABLE, RootOutcome.UNPAYABLE, RootOutcome.PAID]
    assert [each.amount for each in report.claims] == [1, 2, 4]
    assert len(report.confirmed) == 1
    assert (await rooted.network()).root_owed == 3


async def test_a_wallet_frozen_meanwhile_is_told_by_the_program(rooted: Rooted) -> None:
    root = await rooted.final(0, payees(1, 2))
    fleet = rooted.fleet
    await rooted.claimer.open_page(0)
    for position in (0, 1):
        await fleet.mint.give(wallet(root, position), 0)
    account = associated_account(wallet(root, 0), fleet.mint.address)

    class Freezing(Network):
        """Freezes the account after it was looked at."""

        async def accounts(self, addresses: Any) -> Any:
            found = await self.chain.accounts(addresses)
            if account in addresses:
                held: Any = found[list(addresses).index(account)]
                data = bytearray(held.data)
                data[108] = 2
                await fleet.set_account(account, AccountData(held.lamports, held.owner, bytes(data)))
            return found

    claimer = RootClaimer(sender_for(Freezing(fleet.chain), fleet.payer), fleet.network)
    report = await claimer.claim_all(root.proofs())
    assert outcomes(report) == [RootOutcome.UNPAYABLE, RootOutcome.PAID]
    assert [each.amount for each in report.claims] == [1, 2]
    assert (report.paid, sizes(report)) == (2, [2])
    assert (await page(rooted)).claimed[:2] == (0, 2)


async def test_a_proof_of_an_older_root_is_told(rooted: Rooted) -> None:
    first = await rooted.final(0, payees(100, 50))
    second = await rooted.final(1, raised(first, 1, 1))
    network = await rooted.network()

    with pytest.raises(RootReplaced) as caught:
        await rooted.claimer.claim(first.proof(0))
    assert (caught.value.code, caught.value.expected) == ("root_replaced", "the root of epoch 1")
    assert str(wallet(first, 0)) in caught.value.got
    assert "Fetch the payee's proof" in caught.value.next_step
    assert caught.value.report is None
    with pytest.raises(RootReplaced):
        first.proof(1).verify(network)
    with pytest.raises(RootReplaced):
        owed(network, first.proof(1), None)
    second.proof(1).verify(network)

    with pytest.raises(RootReplaced) as mixed:
        await rooted.claimer.claim_all([first.proof(0), second.proof(1)])
    assert mixed.value.report is not None
    assert outcomes(mixed.value.report) == [RootOutcome.REPLACED, RootOutcome.PAID]
    assert [each.amount for each in mixed.value.report.claims] == [0, 51]
    assert mixed.value.message == "1 of 2 proofs do not lead to the newest final root"
    assert [await balance(rooted, each) for each in second.payees] == [0, 51]


async def test_there_is_nothing_to_claim_before_the_first_root(rooted: Rooted) -> None:
    root = await rooted.root(0, payees(1))
    with pytest.raises(RootReplaced) as caught:
        await rooted.claimer.claim(root.proof(0))
    assert caught.value.expected == "no root: none is final yet"


async def test_a_root_replaced_between_reading_and_landing_is_told(rooted: Rooted) -> None:
    first = await rooted.final(0, payees(*[10] * 8))
    await rooted.claimer.open_page(0)
    newer = raised(first, *[1] * 8)

    class Moving(Network):
        """A newer root becomes final once the first transaction was sent."""

        moved = False

        async def send(self, raw: bytes) -> None:
            await self.chain.send(raw)
            if not self.moved:
                self.moved = True
                await rooted.final(1, newer)

    chain = Moving(rooted.fleet.chain)
    claimer = RootClaimer(sender_for(chain, rooted.fleet.payer), rooted.fleet.network)
    with pytest.raises(RootReplaced) as caught:
        await claimer.claim_all(first.proofs(), at_once=1)

    report = caught.value.report
    assert report is not None
    [sent] = report.confirmed
    paid = [each for each in report.claims if each.outcome is RootOutcome.PAID]
    assert [each.amount for each in paid] == [10] * len(paid)
    assert {each.confirmed for each in paid} == {sent}
    left = [each for each in report.claims if each.outcome is RootOutcome.REPLACED]
    assert (len(paid) + len(left), len(left) > 0, {each.amount for each in left}) == (8, True, {0})
    assert caught.value.expected == "the root of epoch 1"
    # With the new proofs everybody gets the rest, once.
    again = await rooted.claimer.claim_all((await rooted.root(1, newer)).proofs())
    assert again.paid == 88 - report.paid
    assert [await balance(rooted, each) for each in newer] == [11] * 8


async def test_a_single_claim_tells_of_a_root_replaced_meanwhile(rooted: Rooted) -> None:
    first = await rooted.final(0, payees(10))
    newer = raised(first, 1)

    class Moving(Network):
        """A newer root becomes final after the payee's account was looked at."""

        async def accounts(self, addresses: Any) -> Any:
            found = await self.chain.accounts(addresses)
            if associated_account(wallet(first, 0), rooted.fleet.mint.address) in addresses:
                await rooted.final(1, newer)
            return found

    claimer = RootClaimer(sender_for(Moving(rooted.fleet.chain), rooted.fleet.payer), rooted.fleet.network)
    with pytest.raises(RootReplaced) as caught:
        await claimer.claim(first.proof(0))
    assert (caught.value.expected, caught.value.report) == ("the root of epoch 1", None)
    assert await balance(rooted, first.payees[0]) == 0


async def test_one_that_fails_holds_up_none_of_its_transaction(rooted: Rooted) -> None:
    root = await rooted.final(0, payees(1, 2, 4))
    await rooted.claimer.open_page(0)
    # In the hands of the token program without being a token account of any size: it can be neither made nor paid.
    account = associated_account(wallet(root, 1), rooted.fleet.mint.address)

    class Blocking(Network):
        """Something else stands at an account's address after it was looked at."""

        async def accounts(self, addresses: Any) -> Any:
            found = await self.chain.accounts(addresses)
            if account in addresses:
                await rooted.fleet.set_account(account, AccountData(SOL, TOKEN_PROGRAM_ID, b"\1"))
            return found

    claimer = RootClaimer(sender_for(Blocking(rooted.fleet.chain), rooted.fleet.payer), rooted.fleet.network)
    with pytest.raises(RootClaimIncomplete) as caught:
        await claimer.claim_all(root.proofs())

    assert caught.value.code == "root_claim_incomplete"
    assert caught.value.message == "Claims for 1 of 3 payees failed"
    assert outcomes(caught.value.report) == [RootOutcome.PAID, RootOutcome.FAILED, RootOutcome.PAID]
    assert caught.value.report.paid == 5
    assert isinstance(caught.value.__cause__, SimulationFailed)
    assert (await page(rooted)).claimed[:3] == (1, 0, 4)
    with pytest.raises(SimulationFailed):
        await RootClaimer(
            sender_for(Unlooked(rooted.fleet.chain, account), rooted.fleet.payer), rooted.fleet.network
        ).claim(root.proof(1))


class Unlooked(Network):
    """A chain on which one account seems not to be there."""

    def __init__(self, chain: Any, hidden: Pubkey) -> None:
        super().__init__(chain)
        self.hidden = hidden

    async def accounts(self, addresses: Any) -> Any:
        found = await self.chain.accounts(addresses)
        return [None if address == self.hidden else account for address, account in zip(addresses, found, strict=True)]


async def test_an_outcome_that_no_log_tells_is_unknown(rooted: Rooted) -> None:
    root = await rooted.final(0, payees(9))
    silent = Network(rooted.fleet.chain)
    silent.details = False
    claimer = RootClaimer(sender_for(silent, rooted.fleet.payer), rooted.fleet.network)
    claim = await claimer.claim(root.proof(0))
    assert (claim.outcome, claim.amount) == (RootOutcome.UNKNOWN, 9)
    assert await balance(rooted, root.payees[0]) == 9
    assert (await rooted.claimer.claim(root.proof(0))).outcome is RootOutcome.NOTHING_OWED


async def test_a_journal_that_breaks_ends_the_claim(rooted: Rooted) -> None:
    root = await rooted.final(0, payees(*[1] * 20))
    await rooted.claimer.open_page(0)
    sender = sender_for(rooted.fleet.chain, rooted.fleet.payer)

    def broken(*_: object) -> None:
        raise StorageError("The disk is full")

    sender.journal.put = broken  # type: ignore[method-assign, assignment]
    with pytest.raises(StorageError):
        await RootClaimer(sender, rooted.fleet.network).claim_all(root.proofs())
    assert (await rooted.network()).root_owed == 20


async def test_many_transactions_go_out_at_once_but_no_more_than_asked(rooted: Rooted) -> None:
    root = await rooted.final(0, payees(*[1] * 24))
    await rooted.claimer.open_page(0)

    class Counting(Network):
        """Counts the simulations under way: one a transaction."""

        under_way = most = 0

        async def simulate(self, transaction: Any) -> Any:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            try:
                return await self.chain.simulate(transaction)
            finally:
                self.under_way -= 1

    chain = Counting(rooted.fleet.chain)
    claimer = RootClaimer(sender_for(chain, rooted.fleet.payer), rooted.fleet.network)
    report = await claimer.claim_all(root.proofs(), at_once=3)
    assert report.paid == 24
    assert chain.most == 3


async def test_attacks_on_a_proof_are_refused_here_and_there(rooted: Rooted, start_fleet: StartFleet) -> None:
    other = await Rooted.start(start_fleet)
    people = payees(1, 2, 4, 8, 16)
    root, foreign = await rooted.final(0, people), await other.final(0, people)
    network, good = await rooted.network(), root.proof(2)
    good.verify(network)
    forged = [
        replace(good, lifetime_reward=5),
        replace(good, payout=Keypair().pubkey()),
        replace(good, devices_root=bytes(32)),
        replace(good, position=3),
        replace(good, position=2 + 8),
        replace(good, siblings=good.siblings[:-1]),
        replace(good, siblings=(*good.siblings, bytes(32))),
        replace(good, siblings=tuple(reversed(good.siblings))),
        foreign.proof(2),
        (await rooted.root(1, people)).proof(2),
    ]
    for proof in forged:
        with pytest.raises(RootReplaced):
            proof.verify(network)
        with pytest.raises(RootReplaced):
            await rooted.claimer.claim(proof)
    assert (await rooted.network()).root_owed == 31
    assert (await rooted.claimer.claim(good)).amount == 4


def test_a_proof_is_checked_as_it_is_made() -> None:
    payout = Keypair().pubkey()
    good = RootProof(1_025, payout, 7, bytes(32), (bytes(32),))
    assert (good.page, replace(good, position=1_023).page) == (1, 0)
    for field, value in (
        ("position", 2**32),
        ("position", -1),
        ("lifetime_reward", 2**64),
        ("devices_root", bytes(31)),
        ("siblings", (bytes(33),)),
    ):
        with pytest.raises(InputError):
            replace(good, **{field: value})  # type: ignore[arg-type]
