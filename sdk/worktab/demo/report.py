"""What the demo found: everything measured or read back from the chain."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from worktab.demo.digits import DigitImage
from worktab.demo.stage import Costs
from worktab.roles.ledger import Ledger


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """What one device did and what its owner holds now. Fuel in work units, amounts in base units.

    recorded  whether the chain holds exactly the state of the device's spool
    paid      what its owner's wallet holds of the token
    """

    name: str
    device: str
    owner: str
    key: str
    relayed: bool
    jobs: int
    fuel: int
    receipts: int
    recorded: bool
    reward: int
    paid: int


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
    recorded_cpu_ns               of the devices doing and recording their jobs
    """

    records: int
    executed: int
    differing: int
    cpu_ns: int
    work_cpu_ns: int
    recorded_cpu_ns: int

    @property
    def ratio(self) -> float:
        """CPU time of the verification over that of the work."""
        return self.cpu_ns / self.work_cpu_ns


@dataclass(frozen=True, slots=True)
class Report:
    """The whole demo.

    images, correct  classified, and classified as their writers meant; None for a module of the user's own
    rate             base units for 1,000,000 work units
    before, after    the ledger between receipts and claims, and after the claims
    setup, work      what setting up cost, and what receipts and claims cost
    seconds          from an empty chain to the end of the verification
    """

    jobs: int
    images: int | None
    correct: int | None
    shown: Shown | None
    decimals: int
    rate: int
    devices: tuple[DeviceReport, ...]
    checked: Checked
    before: Ledger
    after: Ledger
    setup: Costs
    work: Costs
    seconds: float

    @property
    def fuel(self) -> int:
        """Work units of all jobs."""
        return sum(each.fuel for each in self.devices)

    @property
    def holds(self) -> bool:
        """Whether ledger, records and payments are what they must be."""
        paid = all(each.recorded and each.paid == each.reward for each in self.devices)
        ledgers = self.before.holds and self.after.holds
        return paid and ledgers and self.checked.differing == 0 and self.checked.executed > 0

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON-ready facts; amounts in base units, costs in lamports."""
        costs = {
            name: {**asdict(each), "fees_per_job": each.fees / self.jobs}
            for name, each in {"setup": self.setup, "work": self.work}.items()
        }
        return {
            "jobs": self.jobs,
            "images": self.images,
            "correct": self.correct,
            "fuel": self.fuel,
            "decimals": self.decimals,
            "rate": self.rate,
            "devices": [asdict(each) for each in self.devices],
            "verification": {**asdict(self.checked), "cost_ratio": self.checked.ratio},
            "ledger": {
                name: {**asdict(each), "surplus": each.surplus, "holds": each.holds}
                for name, each in {"before_claims": self.before, "after_claims": self.after}.items()
            },
            "lamports": costs,
            "seconds": self.seconds,
            "holds": self.holds,
        }
