"""Random histories of a network on the real program, step by step against a model of the rules.

After every instruction the ledger rule holds (the world checks it), and every amount, carry, capacity and balance is
the model's, to the last unit.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant
from solders.pubkey import Pubkey

from support import ledger_strategies as some
from support.invoices import supply
from support.ledger_checks import compare_device, compare_invoice, compare_network, compare_tab
from support.ledger_model import LedgerModel
from support.ledger_parts import ClassModel
from support.ledger_work import WorkRules
from support.parties import EPOCH
from support.tokens import create_mint
from support.world import World
from worktab.core.addresses import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID
from worktab.program.generated.types import ClassTerms


class LedgerMachine(WorkRules, RuleBasedStateMachine):
    """A network with two classes, up to six devices at a time, three people and three payout wallets."""

    @initialize(
        terms=st.tuples(*[some.FIRST_TERMS] * 2),
        token_program=st.sampled_from([TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID]),
        fund=some.AMOUNTS,
        basis=st.sampled_from([1, 2]),
        bps=some.FEES,
        first=st.lists(st.tuples(some.CLASS, some.LARGE_CAPACITIES, some.WALLET), min_size=1, max_size=4),
    )
    def create(
        self,
        terms: tuple[ClassTerms, ...],
        token_program: Pubkey,
        fund: int,
        basis: int,
        bps: tuple[int, int],
        first: list[tuple[int, int, int]],
    ) -> None:
        self.world = World()
        mint = create_mint(self.world, token_program=token_program)
        self.network = self.world.network(
            mint=mint,
            classes=terms,
            parameter_delay=some.DELAY,
            fund=fund,
            basis=basis,
            fee_bps=bps[0],
            burn_bps=bps[1],
        )
        self.start_selling()
        self.handles = []
        self.start_working()
        self.supply = fund
        self.model = LedgerModel(
            self.world.now,
            EPOCH,
            some.DELAY,
            [ClassModel(each.rate, each.max_capacity, each.budget) for each in terms],
            payable=set(range(some.WALLETS)),
            basis=basis,
            fee_bps=bps[0],
            burn_bps=bps[1],
        )
        self.model.fund(fund)
        for class_, capacity, payout in first:
            self.register(class_, min(capacity, terms[class_].max_capacity), payout, p256=False, back=False)
        self.open_tabs(10**7)
        self.pass_to_the_edge_of_an_epoch(before=0)

    # What must hold

    @invariant()
    def the_chain_is_the_models(self) -> None:
        compare_network(self.world, self.network, self.model)
        for model in self.open_devices():
            compare_device(self.world, self.handles[model.index], model)
        for number, wallet in enumerate(self.wallets):
            assert self.network.mint.balance(wallet.pubkey()) == self.model.paid[number]
        for person, tab in self.model.tabs.items():
            compare_tab(self.world, self.tab_of(person), tab)
        for sold in self.sold:
            compare_invoice(self.desk.read(sold.invoice), sold.model)
        for wallet, held in zip([*self.people, self.collector], [*self.purses, self.collected], strict=True):
            assert self.network.mint.balance(wallet.pubkey()) == held
        assert supply(self.world, self.network) == self.supply - self.model.burned


LedgerMachine.TestCase.settings = settings(
    max_examples=100, stateful_step_count=50, deadline=None, derandomize=True, print_blob=False
)
TestLedger = LedgerMachine.TestCase
