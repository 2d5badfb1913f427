"""What the demo found: everything measured or read back from the chain. Amounts are base units, units work units."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, Final

from worktab.demo.digits import DigitImage
from worktab.demo.getting_paid import Billed, Claimed, Settled
from worktab.demo.purchases import FailOver, Purchase, Refusal, Use
from worktab.demo.stage import Costs
from worktab.market.buyer.bill import BASIS_POINTS
from worktab.roles.ledger import Ledger
from worktab.roles.stats import DeviceStats

_FOR: Final = {
    Use.RESULT: "for results",
    Use.COMPARE: "to compare",
    Use.RETRY: "for retries",
    Use.OWN: "by an owner",
}


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """One device: what was bought from it, what the chain says of it, and what its owner holds now.

    price     base units for 1,000,000 units
    bought    the answers that it was paid for, as their buyers know them
    records   the paid jobs in its own chain, and what they come to
    recorded  whether the chain holds exactly the state of its spool
    wallet    what its owner holds of the token
    """

    name: str
    relayed: bool
    price: int
    bought: tuple[Purchase, ...]
    records: tuple[int, int]
    stats: DeviceStats
    recorded: bool
    settled: Settled
    claimed: Claimed
    wallet: int

    @property
    def charged(self) -> int:
        """What its answers cost."""
        return sum(each.price for each in self.bought)

    @property
    def holds(self) -> bool:
        """Whether each answer was charged once, exactly that was settled, and what was owed was paid."""
        once = self.records == (len(self.bought), self.charged) and self.settled.exact
        settled = self.settled.vouchers == self.charged
        paid = self.wallet == self.claimed.paid and self.claimed.rewards == self.settled.reward
        return once and settled and paid and self.recorded

    def as_dict(self) -> dict[str, Any]:
        """The device as JSON-ready facts."""
        uses = Counter(each.use for each in self.bought)
        stats, claimed = self.stats, self.claimed
        return {
            "name": self.name,
            "device": str(stats.address),
            "owner": str(stats.owner),
            "key": stats.key_kind.name.lower(),
            "relayed": self.relayed,
            "price": self.price,
            "answers": {use.value: uses[use] for use in Use},
            "charged": self.charged,
            "paid_records": {"count": self.records[0], "amount": self.records[1]},
            "settled": self.settled.vouchers,
            "settled_exactly": self.settled.exact,
            "jobs": stats.jobs,
            "units_reported": stats.units,
            "units_sold": stats.units_sold,
            "units_self_sold": stats.units_self_sold,
            "revenue": stats.revenue,
            "receipts": self.settled.receipts,
            "recorded": self.recorded,
            "reward": self.settled.reward,
            "earnings": claimed.earnings,
            "fee": claimed.fee,
            "burned": claimed.burn,
            "paid": claimed.paid,
            "wallet": self.wallet,
        }


@dataclass(frozen=True, slots=True)
class AgentReport:
    """The agent: what its session key may spend in all, what it may still set aside, and how it was refused."""

    key: str
    limit: int
    left: int
    refusal: Refusal | None

    def as_dict(self) -> dict[str, Any]:
        """The agent as JSON-ready facts."""
        refusal = None
        if self.refusal is not None:
            refusal = asdict(self.refusal) | {"error": self.refusal.error.as_dict(), "holds": self.refusal.holds}
        return {"key": self.key, "limit": self.limit, "left": self.left, "refusal": refusal}


@dataclass(frozen=True, slots=True)
class Shown:
    """An image, and the digit that its job found in it."""

    image: DigitImage
    found: int


@dataclass(frozen=True, slots=True)
class Checked:
    """Verification, with CPU nanoseconds measured on this machine.

    records, executed, differing  in all, executed again, found to differ
    cpu_ns                        of the whole verification
    work_cpu_ns                   of executing all records, from those that were
    bought_cpu_ns                 of buying: jobs, records, HTTP and payments, of both sides
    """

    records: int
    executed: int
    differing: int
    cpu_ns: int
    work_cpu_ns: int
    bought_cpu_ns: int

    @property
    def ratio(self) -> float:
        """CPU time of the verification over that of the work."""
        return self.cpu_ns / self.work_cpu_ns


@dataclass(frozen=True, slots=True)
class Sum:
    """A whole and its parts, each side from another place: base units, or numbers of answers where it `counts`."""

    name: str
    whole: int
    parts: dict[str, int]
    counts: bool = False

    @property
    def holds(self) -> bool:
        """Whether the parts come to the whole."""
        return self.whole == sum(self.parts.values())


@dataclass(frozen=True, slots=True)
class Report:
    """The whole demo.

    jobs             that the agent wanted done
    images, correct  classified, and classified as their writers meant; None for a module of the user's own
    rate             reward for 1,000,000 units
    fee_bps          of what devices earn from consumers, basis points; burn_bps likewise
    deposited        by consumers into their tabs
    minted, supply   of the token ever made, and left at the end
    before, after    the ledger between receipts and claims, and after the claims
    setup            what making token, network and devices cost
    buying           what tabs, delegate and lanes cost
    paying           what settling, receipts, invoice and claims cost
    seconds          from an empty chain to the end of the verification
    """

    jobs: int
    images: int | None
    correct: int | None
    shown: Shown | None
    decimals: int
    rate: int
    fee_bps: int
    burn_bps: int
    devices: tuple[DeviceReport, ...]
    agent: AgentReport
    fail_over: FailOver | None
    invoice: Billed
    deposited: int
    minted: int
    supply: int
    checked: Checked
    before: Ledger
    after: Ledger
    setup: Costs
    buying: Costs
    paying: Costs
    seconds: float

    @property
    def units(self) -> int:
        """Work units of all jobs, as the chain has them reported."""
        return sum(each.stats.units for each in self.devices)

    @property
    def burned(self) -> int:
        """What is missing of all that was minted."""
        return self.minted - self.supply

    def price(self, use: Use) -> int:
        """What was paid for answers of a use."""
        return sum(each.price for device in self.devices for each in device.bought if each.use is use)

    def overhead_bps(self, use: Use) -> int:
        """What was paid for a use as a share of the price of the results, in basis points, rounded up."""
        return -(-self.price(use) * BASIS_POINTS // self.price(Use.RESULT))

    @property
    def sums(self) -> tuple[Sum, ...]:
        """What must add up, so that nothing was charged twice and nothing lost."""
        revenue = sum(each.stats.revenue for each in self.devices)
        after = self.after
        held = {"balances of tabs": after.tab_balances, "still on lanes": after.lane_reserves}
        vouchers = sum(each.settled.vouchers for each in self.devices)
        answers = {_FOR[use]: self.price(use) for use in Use}
        net = {f"to the {each.name}'s owner": each.wallet - each.claimed.rewards for each in self.devices}
        recorded = {f"recorded by the {each.name}": each.records[0] for each in self.devices}
        return (
            Sum("deposited", self.deposited, held | {"paid to devices": revenue}),
            Sum("paid to devices", revenue, {"by vouchers": vouchers, "by invoice": self.invoice.paid}),
            Sum("by vouchers", vouchers, answers),
            Sum(
                "paid to devices",
                revenue,
                net | {"fees": after.fees, "burned": self.burned, "not claimed": after.device_earnings},
            ),
            Sum("burned", self.burned, {f"from the {each.name}": each.claimed.burn for each in self.devices}),
            Sum("fees", after.fees, {f"from the {each.name}": each.claimed.fee for each in self.devices}),
            Sum("answers bought", sum(len(each.bought) for each in self.devices), recorded, counts=True),
        )

    @property
    def holds(self) -> bool:
        """Whether ledger, sums, records, payments and what happened on the way are what they must be."""
        met = self.fail_over is not None and self.fail_over.holds
        refused = self.agent.refusal is not None and self.agent.refusal.holds
        checked = self.checked.differing == 0 and self.checked.executed > 0
        added = all(each.holds for each in self.sums) and self.before.holds and self.after.holds
        return met and refused and checked and added and self.invoice.holds and all(each.holds for each in self.devices)

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON-ready facts; costs in lamports."""
        names = {each.stats.address: each.name for each in self.devices}
        fail_over = None
        if self.fail_over is not None:
            who = {"device": names[self.fail_over.device], "successor": names[self.fail_over.successor]}
            fail_over = asdict(self.fail_over) | who | {"holds": self.fail_over.holds}
        invoice = {"device": names[self.invoice.device], "invoice": str(self.invoice.invoice)}
        costs = {"setup": self.setup, "buying": self.buying, "paying": self.paying}
        return {
            "jobs": self.jobs,
            "images": self.images,
            "correct": self.correct,
            "units": self.units,
            "decimals": self.decimals,
            "rate": self.rate,
            "fee_bps": self.fee_bps,
            "burn_bps": self.burn_bps,
            "devices": [each.as_dict() for each in self.devices],
            "agent": self.agent.as_dict(),
            "fail_over": fail_over,
            "invoice": asdict(self.invoice) | invoice | {"holds": self.invoice.holds},
            "overhead": {
                use.value: {"price": self.price(use), "bps": self.overhead_bps(use)} for use in (Use.COMPARE, Use.RETRY)
            },
            "deposited": self.deposited,
            "minted": self.minted,
            "supply": self.supply,
            "burned": self.burned,
            "sums": [asdict(each) | {"holds": each.holds} for each in self.sums],
            "verification": {**asdict(self.checked), "cost_ratio": self.checked.ratio},
            "ledger": {
                name: {**asdict(each), "surplus": each.surplus, "holds": each.holds}
                for name, each in {"before_claims": self.before, "after_claims": self.after}.items()
            },
            "lamports": {
                name: asdict(each)
                | {"fees_per_job": per_job(each.fees, self.jobs), "rent_per_job": per_job(each.rent, self.jobs)}
                for name, each in costs.items()
            },
            "seconds": self.seconds,
            "holds": self.holds,
        }


def per_job(lamports: int, jobs: int) -> int:
    """Lamports for each job, rounded up."""
    return -(-lamports // jobs)
