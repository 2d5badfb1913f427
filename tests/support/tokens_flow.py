"""A network in which everything that moves tokens can be done at once, and each such instruction with what it moves."""

from __future__ import annotations

from dataclasses import dataclass

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from support import changes
from support.earning import burning
from support.epochs import Root, Roots
from support.invoices import Desk
from support.parties import Device, Lane, Network, Tab
from support.svm import Result
from support.tokens import Mint, token_amount
from support.world import World
from worktab.program.generated import instructions as ix

FUND, DEPOSIT = 1_000_000, 10_000
FEE_BPS, BURN_BPS = 500, 250
_WITHDRAW_POOL = 11
REWARDS, EARNINGS, ROOT = 70, 400, 300
"""What the first device is owed by receipts and by sales, and the only payee by a root."""
BOND, LEAVING, POOL_LEAVING = 1_000, 400, 700
"""The device's bond, what of it may leave, and what the authority may take back of the pool."""


@dataclass(frozen=True, slots=True)
class Movement:
    """An instruction that moves tokens, the token account at its other end, and by how much both change."""

    name: str
    instruction: Instruction
    account: Pubkey
    outside: int
    vault: int


class TokenFlow:
    """A network of any mint: its pool is funded, a tab holds money, a device with a bond is owed rewards and earnings,
    fees wait to be collected, and a final root owes a payee. Parts of bond and pool are due to leave. Receipts paid
    until the network moved to the path of roots."""

    def __init__(self, world: World, mint: Mint, *, burn_bps: int = BURN_BPS) -> None:
        self.world, self.mint, self.burn_bps = world, mint, burn_bps
        self.desk = Desk(world)
        attestor = world.keypair()
        self.network: Network = world.network(
            mint=mint,
            fund=FUND,
            fee_bps=FEE_BPS,
            burn_bps=burn_bps,
            parameter_delay=0,
            attestors=(attestor.pubkey(),),
            threshold=1,
        )
        self.roots = Roots(world, self.network, [attestor])
        self.device: Device = world.device(self.network)
        self.tab: Tab = world.tab(self.network, DEPOSIT)
        self.lane: Lane = self._sales()
        self._rewards()
        self.root: Root = self._root()
        self.pool_destination: Pubkey = self._leaving()

    def movements(self) -> list[Movement]:
        """Every instruction that moves tokens, each possible now, and in this order whatever was done before it."""
        return [
            self._fund(),
            self._deposit(),
            self._withdraw(),
            self._collect(),
            self._claim(),
            self._claim_root(),
            self._deposit_bond(),
            self._withdraw_bond(),
            self._withdraw_pool(),
        ]

    def refund(self) -> Result:
        """Sells by invoice and gives the half of it back; no tokens move."""
        invoice = self.desk.sell(self.device, self.tab, 100, 10)
        return self.must(self.desk.refund(invoice, self.tab, 50))

    def do(self, movement: Movement) -> Result:
        """Sends a movement, which must move exactly what it says; the ledger is checked after it."""
        before = self.holdings(movement)
        result = self.must(movement.instruction)
        after = self.holdings(movement)
        assert (after[0] - before[0], after[1] - before[1]) == (movement.outside, movement.vault), movement.name
        return result

    def holdings(self, movement: Movement) -> tuple[int, int]:
        """Base units at the movement's other end, and in the vault."""
        return token_amount(self.world.data(movement.account)), self.mint.balance(self.network.address)

    def must(self, *instructions: Instruction | list[Instruction]) -> Result:
        """Sends what a test takes for granted; the ledger is checked after it."""
        result = self.world.send(*instructions)
        assert result.ok, f"{result.error_name}: {result.logs}"
        return result

    # Making the scene

    def _sales(self) -> Lane:
        """Fees of a sale that was claimed, and earnings of one that was not."""
        other = self.world.device(self.network)
        sold = self.world.lane(self.tab, other, 1_000)
        self.must(self.world.voucher(sold, 800))
        self.must(burning(self.world.claim([other], other.payout, self.network), self.network))
        lane = self.world.lane(self.tab, self.device, 1_000)
        self.must(self.world.voucher(lane, EARNINGS))
        return lane

    def _rewards(self) -> None:
        self.world.next_epoch(self.network)
        self.must(self.world.receipt(self.device, 1, REWARDS))

    def _root(self) -> Root:
        world, network = self.world, self.network
        self.must(world.propose(network, changes.reward_path(2)), world.apply(network))
        world.next_epoch(network)
        epoch = world.epoch(network)
        world.next_epoch(network)
        root = self.roots.root(epoch, self.roots.payees(ROOT))
        self.roots.make_final(root, votes=1)
        return root

    def _leaving(self) -> Pubkey:
        """Announces that parts of bond and pool leave, and waits until they may."""
        self.must(self._bond(BOND))
        self.must(self._unbond(LEAVING, self.mint.open(self.device.owner.pubkey())))
        destination = self.mint.open(self.world.keypair().pubkey())
        self.must(self.world.propose(self.network, changes.change(_WITHDRAW_POOL, POOL_LEAVING, key=destination)))
        self.world.advance(self.world.read_network(self.network).unbonding_delay)
        return destination

    def _bond(self, amount: int) -> Instruction:
        owner, network = self.device.owner.pubkey(), self.network
        accounts = ix.DepositBondAccounts(
            owner=owner,
            network=network.address,
            device=self.device.address,
            source=self.mint.open(owner, amount),
            mint=self.mint.address,
            vault=network.vault,
            token_program=self.mint.token_program,
        )
        return ix.deposit_bond(accounts, amount=amount)

    def _unbond(self, amount: int | None, destination: Pubkey) -> Instruction:
        accounts = ix.WithdrawBondAccounts(
            owner=self.device.owner.pubkey(),
            network=self.network.address,
            device=self.device.address,
            destination=destination,
            mint=self.mint.address,
            vault=self.network.vault,
            token_program=self.mint.token_program,
        )
        return ix.withdraw_bond(accounts, amount=amount)

    # Movements

    def _fund(self) -> Movement:
        source = self.mint.account_of(self.network.authority.pubkey())
        return Movement("fund_pool", self.world.fund(self.network, 500), source, -500, 500)

    def _deposit(self) -> Movement:
        source = self.mint.account_of(self.tab.consumer.pubkey())
        return Movement("deposit", self.world.deposit(self.tab, 300), source, -300, 300)

    def _withdraw(self) -> Movement:
        wallet = self.world.keypair().pubkey()
        destination = self.mint.open(wallet)
        instruction = self.world.withdraw(self.tab, 200, destination=destination)
        return Movement("withdraw", instruction, destination, 200, -200)

    def _claim(self) -> Movement:
        fee, burn = EARNINGS * FEE_BPS // 10_000, EARNINGS * self.burn_bps // 10_000
        claim = burning(self.world.claim([self.device], self.device.payout, self.network), self.network)
        pay = REWARDS + EARNINGS - fee - burn
        return Movement("claim", claim, self.mint.account_of(self.device.payout.pubkey()), pay, -pay - burn)

    def _collect(self) -> Movement:
        fees = 800 * FEE_BPS // 10_000
        destination = self.mint.open(self.world.keypair().pubkey())
        return Movement("collect_fees", self.desk.collect(self.network, destination), destination, fees, -fees)

    def _claim_root(self) -> Movement:
        account = self.mint.account_of(self.root.payee(0).payout)
        return Movement("claim_root", self.roots.claim(self.root, 0), account, ROOT, -ROOT)

    def _deposit_bond(self) -> Movement:
        source = self.mint.account_of(self.device.owner.pubkey())
        return Movement("deposit_bond", self._bond(250), source, -250, 250)

    def _withdraw_bond(self) -> Movement:
        destination = self.mint.open(self.world.keypair().pubkey())
        return Movement("withdraw_bond", self._unbond(None, destination), destination, LEAVING, -LEAVING)

    def _withdraw_pool(self) -> Movement:
        accounts = ix.WithdrawPoolAccounts(
            network=self.network.address,
            destination=self.pool_destination,
            mint=self.mint.address,
            vault=self.network.vault,
            token_program=self.mint.token_program,
        )
        instruction = ix.withdraw_pool(accounts)
        return Movement("withdraw_pool", instruction, self.pool_destination, POOL_LEAVING, -POOL_LEAVING)
