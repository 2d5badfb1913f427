"""Random histories of a network on the real program, step by step against a model of the rules.

After every instruction the ledger rule holds (the world checks it), and every amount, carry, capacity and balance is
the model's, to the last unit; ledger and statistics rebuilt from the events alone are the same.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant
from solders.pubkey import Pubkey

from support import ledger_strategies as some
from support.books_checks import Audit
from support.invoices import supply
from support.ledger_bonds import BondRules
from support.ledger_checks import (
    compare_commitment,
    compare_device,
    compare_invoice,
    compare_network,
    compare_roots,
    compare_tab,
)
from support.ledger_parts import ClassModel
from support.ledger_roots import ATTESTORS, CHALLENGE
from support.ledger_rounds import RoundRules
from support.ledger_trade import TradeRules
from support.ledger_trust import TrustRules
from support.ledger_trust_model import TrustModel
from support.parties import EPOCH
from support.roots_model import RootsModel
from support.tokens import create_mint
from support.trust_scenes import TrustWorld
from worktab.core.addresses import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID
from worktab.program.generated.types import ClassTerms

TERMS = st.tuples(some.FIRST_TERMS, some.FIRST_TERMS)
TOKEN_PROGRAMS = st.sampled_from([TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID])
FIRST = st.lists(st.tuples(some.CLASS, some.LARGE_CAPACITIES, some.WALLET), min_size=1, max_size=4)


class Ledger(BondRules, RoundRules):
    """A network with two classes, up to six devices at a time, and three people, payout wallets and attestors each."""

    def begin(
        self,
        terms: tuple[ClassTerms, ...],
        token_program: Pubkey,
        fund: int,
        first: list[tuple[int, int, int]],
        *,
        path: int,
        basis: int = 1,
        bps: tuple[int, int] = (0, 0),
        deposit: int = 0,
        slash_bps: int = 0,
    ) -> None:
        """The network, with what is in its pool, and its first devices: class, capacity and payout wallet of each."""
        self.world = TrustWorld()
        attestors = [self.world.keypair() for _ in range(ATTESTORS)]
        guardian = self.world.keypair()
        self.network = self.world.network(
            mint=create_mint(self.world, token_program=token_program),
            classes=terms,
            parameter_delay=some.DELAY,
            fund=fund,
            reward_path=path,
            basis=basis,
            fee_bps=bps[0],
            burn_bps=bps[1],
            attestors=tuple(each.pubkey() for each in attestors),
            threshold=2,
            challenge_delay=CHALLENGE,
            guardian=guardian.pubkey(),
            dispute_deposit=deposit,
            slash_bps=slash_bps,
        )
        self.audit = Audit(self.world, self.network)
        self.start_attesting(attestors, guardian)
        self.start_selling()
        self.handles = []
        self.start_working()
        self.supply = fund
        self.model = TrustModel(
            self.world.now,
            EPOCH,
            some.DELAY,
            [ClassModel(each.rate, each.max_capacity, each.budget, each.least_bond) for each in terms],
            RootsModel(list(range(ATTESTORS)), threshold=2, challenge=CHALLENGE),
            path,
            payable=set(range(some.WALLETS)),
            basis=basis,
            fee_bps=bps[0],
            burn_bps=bps[1],
            deposit=deposit,
            slash_bps=slash_bps,
        )
        self.model.fund(fund)
        for class_, capacity, payout in first:
            largest, least = terms[class_].max_capacity, terms[class_].least_bond
            self.register(class_, 0 if least else min(capacity, largest), payout, p256=False, back=False)
            if least:
                self.deposit_bond(-1, least)
                self.update(-1, capacity=min(capacity, largest), payout=None)

    # What must hold

    @invariant()
    def the_events_tell_the_same(self) -> None:
        self.audit.check()

    @invariant()
    def the_chain_is_the_models(self) -> None:
        compare_network(self.world, self.network, self.model)
        compare_roots(self.roots, self.model.roots)
        for made in self.open:
            compare_commitment(self.roots.read(made.commitment), made.model)
        for model in self.open_devices():
            compare_device(self.world, self.handles[model.index], model)
        for number, wallet in enumerate(self.wallets):
            assert self.network.mint.balance(wallet.pubkey()) == self.model.paid[number]
        for wallet, held in zip([*self.people, self.collector], [*self.purses, self.collected], strict=True):
            assert self.network.mint.balance(wallet.pubkey()) == held
        assert supply(self.world, self.network) == self.supply - self.model.burned


class LedgerMachine(Ledger, TradeRules, TrustRules, RuleBasedStateMachine):
    """Everything together: devices, receipts, tabs, lanes, invoices, claims, roots, bonds, SLAs and disputes."""

    @initialize(
        terms=TERMS,
        token_program=TOKEN_PROGRAMS,
        fund=some.AMOUNTS,
        rewards=st.sampled_from([(1, 1), (1, 1), (1, 2), (2, 1)]),
        bps=some.FEES,
        first=FIRST,
    )
    def create(
        self,
        terms: tuple[ClassTerms, ...],
        token_program: Pubkey,
        fund: int,
        rewards: tuple[int, int],
        bps: tuple[int, int],
        first: list[tuple[int, int, int]],
    ) -> None:
        path, basis = rewards
        self.begin(terms, token_program, fund, first, path=path, basis=basis, bps=bps, deposit=100, slash_bps=5_000)
        self.open_tabs(10**7)
        self.pass_to_the_edge_of_an_epoch(before=0)

    @invariant()
    def tabs_and_invoices_are_the_models(self) -> None:
        for person, tab in self.model.tabs.items():
            compare_tab(self.world, self.tab_of(person), tab)
        for sold in self.sold:
            compare_invoice(self.desk.read(sold.invoice), sold.model)


class TrustMachine(Ledger, TrustRules, RuleBasedStateMachine):
    """Bonds, SLAs and disputes over devices that work and sell on lanes, so that a history has many of them."""

    @initialize(
        terms=TERMS,
        token_program=TOKEN_PROGRAMS,
        deposit=st.sampled_from([1, 9, 100, 10**6]),
        slash_bps=st.sampled_from([1, 5_000, 9_999, 10_000]),
        first=FIRST,
    )
    def create(
        self,
        terms: tuple[ClassTerms, ...],
        token_program: Pubkey,
        deposit: int,
        slash_bps: int,
        first: list[tuple[int, int, int]],
    ) -> None:
        self.begin(terms, token_program, 10**9, first, path=1, bps=(500, 250), deposit=deposit, slash_bps=slash_bps)
        self.open_tabs(10**7)
        for number in range(len(first)):
            self.deposit_bond(number, 10**5)
        self.pass_to_the_edge_of_an_epoch(before=0)

    def move_to_roots(self, working: bool) -> None:
        """Not here: epochs with their roots would leave little room."""

    @invariant()
    def tabs_are_the_models(self) -> None:
        for person, tab in self.model.tabs.items():
            compare_tab(self.world, self.tab_of(person), tab)


class RootsMachine(Ledger, RuleBasedStateMachine):
    """Receipts and roots alone, so that a history has many of them."""

    @initialize(terms=TERMS, token_program=TOKEN_PROGRAMS, fund=some.AMOUNTS, path=st.sampled_from([1, 2]), first=FIRST)
    def create(
        self,
        terms: tuple[ClassTerms, ...],
        token_program: Pubkey,
        fund: int,
        path: int,
        first: list[tuple[int, int, int]],
    ) -> None:
        self.begin(terms, token_program, fund, first, path=path)
        self.pass_to_the_edge_of_an_epoch(before=0)


LedgerMachine.TestCase.settings = settings(
    max_examples=100, stateful_step_count=50, deadline=None, derandomize=True, print_blob=False
)
RootsMachine.TestCase.settings = settings(
    max_examples=60, stateful_step_count=50, deadline=None, derandomize=True, print_blob=False
)
TrustMachine.TestCase.settings = settings(
    max_examples=100, stateful_step_count=50, deadline=None, derandomize=True, print_blob=False
)
TestLedger = LedgerMachine.TestCase
TestTrust = TrustMachine.TestCase
TestRoots = RootsMachine.TestCase
