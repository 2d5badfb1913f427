"""What became of the cheats, read back from the chain or measured. Amounts are base units, units work units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from solders.pubkey import Pubkey

from worktab.demo.cheating.cast import Part
from worktab.demo.cheating.challenges import Challenges
from worktab.demo.cheating.outcome import Decided, Missed, Purse, Standing, Units
from worktab.demo.cheating.scene import TAB
from worktab.demo.getting_paid import Claimed
from worktab.demo.report import Sum
from worktab.demo.stage import Costs
from worktab.roles.accusations import DisputeVerdict
from worktab.roles.ledger import Ledger
from worktab.roles.sla_standing import SlaOutcome

OPENING: Final = "opening disputes"
JUDGING: Final = "voting and resolving"
"""Names of what lamports were spent on."""


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """One device: what it did, how it stood before the challenges and after the verdicts, and what its owner got.

    claimed  rewards and earnings, at the end
    wallet   what its owner holds then
    """

    part: Part
    address: Pubkey
    before: Standing
    after: Standing
    claimed: Claimed
    wallet: int

    @property
    def name(self) -> str:
        """The device's name."""
        return self.part.name

    @property
    def paid(self) -> bool:
        """Whether its owner got all that the device was owed after the verdicts, and nothing else."""
        owed = (self.after.rewards, self.after.earnings) == (self.claimed.rewards, self.claimed.earnings)
        return owed and self.wallet == self.claimed.paid

    @property
    def untouched(self) -> bool:
        """Whether nothing was taken from it."""
        return self.before == self.after

    def as_dict(self) -> dict[str, Any]:
        """The device as JSON-ready facts."""
        return {
            "name": self.name,
            "device": str(self.address),
            "cheat": self.part.cheat,
            "before": asdict(self.before),
            "after": asdict(self.after),
            "claimed": asdict(self.claimed),
            "wallet": self.wallet,
            "untouched": self.untouched,
        }


@dataclass(frozen=True, slots=True)
class CheatReport:
    """The whole scenario.

    cases             disputes that ended, in the order in which they were opened
    challenges        what challengers found, and what it took them
    attestors_cpu_ns  CPU nanoseconds of all attestors, with the devices that serve them and the chain
    missed            the SLA of the device that went away
    paid              by the consumer for jobs, by device
    consumer          its tab at the end; `stranger` likewise
    ledgers           by moment
    costs             lamports, by what they were spent on
    units             compute units by instruction
    seconds           from an empty chain to the end
    """

    decimals: int
    devices: tuple[DeviceFacts, ...]
    cases: tuple[Decided, ...]
    challenges: Challenges
    attestors_cpu_ns: int
    missed: Missed
    paid: Mapping[str, int]
    consumer: Purse
    stranger: Purse
    ledgers: Mapping[str, Ledger]
    costs: Mapping[str, Costs]
    units: Mapping[str, Units]
    seconds: float

    @property
    def names(self) -> dict[Pubkey, str]:
        """The devices' names by their addresses."""
        return {each.address: each.name for each in self.devices}

    def case(self, device: DeviceFacts) -> Decided | None:
        """The dispute about a device's record."""
        return next((each for each in self.cases if each.accused.device == device.address), None)

    def of(self, by: str) -> list[Decided]:
        """The disputes that somebody opened."""
        return [each for each in self.cases if each.accused.by == by]

    @property
    def caught(self) -> bool:
        """Whether each device that cheated was found guilty, slashed and suspended without rewards, and no other."""
        for device in self.devices:
            case, after = self.case(device), device.after
            if device.part.cheat is None:
                if case is not None or after.suspended:
                    return False
                continue
            guilty = case is not None and case.verdict is DisputeVerdict.GUILTY
            if not (guilty and after.suspended and after.rewards == 0 and after.bond < device.before.bond):
                return False
        return True

    @property
    def whole(self) -> bool:
        """Whether the consumer got back what it paid for each wrong result that it bought, and its deposits."""
        return all(
            (each.resolved.to_consumer, each.resolved.deposit_back)
            == (each.accused.suspect.shown.record.amount, each.deposit)
            for each in self.cases
        )

    @property
    def untouched(self) -> bool:
        """Whether nothing was taken from devices that neither cheated nor went away."""
        honest = [each for each in self.devices if each.part.cheat is None and not each.part.leaves]
        return all(each.untouched for each in honest)

    @property
    def checking_fees(self) -> int:
        """Lamports of fees for disputes, from opening to resolving them."""
        return sum(self.costs[name].fees for name in (OPENING, JUDGING))

    @property
    def sums(self) -> tuple[Sum, ...]:
        """What must add up, each side from another place."""
        bonds = sum(each.before.bond - each.after.bond for each in self.devices)
        moved = [each.resolved for each in self.cases]
        to_pool, forfeited = sum(each.to_pool for each in moved), sum(each.forfeited for each in moved)
        parts = {
            "to consumers": sum(each.to_consumer for each in moved),
            "to challengers": sum(each.to_challenger for each in moved),
            "to the pool": to_pool,
            "for the SLA": self.missed.penalty,
        }
        pool = self.ledgers["decided"].pool_free - self.ledgers["worked"].pool_free
        wallets, claimed = sum(each.wallet for each in self.devices), [each.claimed for each in self.devices]
        return (
            Sum("taken from bonds", bonds, parts),
            Sum("more in the pool", pool, {"out of bonds": to_pool, "forfeited rewards": forfeited}),
            Sum("held and spent by the consumer", self._consumers, self._came("the consumer", self.missed.penalty)),
            Sum("held by the stranger", self.stranger.free + self.stranger.reserved, self._came("a stranger", 0)),
            Sum(
                "paid to owners",
                wallets,
                {
                    "rewards": sum(each.rewards for each in claimed),
                    "earnings less fee and burn": sum(each.earnings - each.fee - each.burn for each in claimed),
                },
            ),
        )

    @property
    def _consumers(self) -> int:
        return self.consumer.free + self.consumer.reserved + sum(self.paid.values())

    def _came(self, by: str, penalty: int) -> dict[str, int]:
        """What came into a challenger's tab, beside its own deposits for disputes."""
        moved = [each.resolved for each in self.of(by)]
        came = {"deposited": TAB, "for challenges": sum(each.to_challenger for each in moved)}
        if by == "the consumer":
            came |= {"made whole": sum(each.resolved.to_consumer for each in self.cases), "by the SLA": penalty}
        return came

    @property
    def holds(self) -> bool:
        """Whether it went as it must: cheats caught, consumer whole, the others untouched and paid, all adding up."""
        sums = all(each.holds for each in self.sums) and all(each.holds for each in self.ledgers.values())
        paid = all(each.paid for each in self.devices)
        ended = self.missed.outcome is SlaOutcome.MISSED and self.ledgers["decided"].deposits == 0
        return self.caught and self.whole and self.untouched and sums and paid and ended

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON-ready facts; costs in lamports."""
        names = self.names
        return {
            "decimals": self.decimals,
            "devices": [each.as_dict() for each in self.devices],
            "disputes": [_case(each, names) for each in self.cases],
            "challenge": {
                "records": self.challenges.examined,
                "executed": self.challenges.executed,
                "cleared": [names[each] for each in self.challenges.cleared],
                "disputed_before": [names[each] for each in self.challenges.known],
                "cpu_ns": self.challenges.cpu_ns,
            },
            "checking_fees": self.checking_fees,
            "attestors_cpu_ns": self.attestors_cpu_ns,
            "sla": asdict(self.missed) | {"outcome": self.missed.outcome.name.lower()},
            "paid": dict(self.paid),
            "consumer": asdict(self.consumer),
            "stranger": asdict(self.stranger),
            "sums": [asdict(each) | {"holds": each.holds} for each in self.sums],
            "ledger": {name: asdict(each) | {"holds": each.holds} for name, each in self.ledgers.items()},
            "lamports": {name: asdict(each) for name, each in self.costs.items()},
            "compute_units": {name: asdict(each) for name, each in self.units.items()},
            "caught": self.caught,
            "made_whole": self.whole,
            "honest_untouched": self.untouched,
            "seconds": self.seconds,
            "holds": self.holds,
        }


def _case(each: Decided, names: Mapping[Pubkey, str]) -> dict[str, Any]:
    record, moved, accused = each.accused.suspect.shown.record, each.resolved, each.accused
    return {
        "device": names[accused.device],
        "dispute": str(accused.dispute),
        "challenger": accused.by,
        "job": accused.suspect.seq,
        "fault": accused.suspect.fault.value,
        "detail": accused.suspect.detail,
        "claimed": {"output": record.output.hex(), "units": record.units},
        "run_again": asdict(accused.rerun),
        "deposit": each.deposit,
        "votes": {str(number + 1): finding.name.lower() for number, finding in each.votes},
        "verdict": each.verdict.name.lower(),
        "to_consumer": moved.to_consumer,
        "deposit_back": moved.deposit_back,
        "to_challenger": moved.to_challenger,
        "to_pool": moved.to_pool,
        "forfeited": moved.forfeited,
        "to_bond": moved.to_bond,
    }
