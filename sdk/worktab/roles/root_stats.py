"""What a network's roots came to, as attestors agreed and the chain counts it."""

from __future__ import annotations

from dataclasses import dataclass

from worktab.program.generated.accounts import Network
from worktab.roles.terms import RewardPath


@dataclass(frozen=True, slots=True)
class Verification:
    """What it took to check work, in the network's lifetime: by attestors, before they committed to what became final.

    What voters re-executed is in their `EpochVoted` events alone.

    records  re-executed
    failed   those of them that did not agree
    ms       milliseconds it took
    """

    records: int
    failed: int
    ms: int

    @property
    def failed_bps(self) -> int:
        """The share that did not agree in basis points, rounded up so that none is hidden; 0 with nothing checked."""
        return -(-self.failed * 10_000 // self.records) if self.records else 0

    @property
    def us_a_record(self) -> int:
        """Microseconds a record, rounded down; 0 with nothing checked."""
        return self.ms * 1_000 // self.records if self.records else 0


@dataclass(frozen=True, slots=True)
class RootStats:
    """The roots of a network at one moment. Amounts in base units, units in work units.

    pays_from     first epoch that roots pay for
    epoch         of the newest final root, as all that follows; None before the first
    root          32 bytes; zero before the first
    payees        positions in it
    units         of all devices in their lifetimes, as attestors agreed
    total         rewards of all payees in their lifetimes
    owed          the part of it that is not claimed yet
    verification  what was re-executed for all final roots
    """

    pays_from: int
    epoch: int | None
    root: bytes
    payees: int
    units: int
    total: int
    owed: int
    verification: Verification

    @property
    def claimed(self) -> int:
        """The part of the rewards that was claimed."""
        return self.total - self.owed

    @property
    def claimed_bps(self) -> int:
        """The share of the rewards that was claimed in basis points, rounded down; 0 before the first root."""
        return self.claimed * 10_000 // self.total if self.total else 0


def root_stats(network: Network) -> RootStats | None:
    """What the roots of a network came to; None on the path of receipts."""
    if network.reward_path != RewardPath.ROOTS:
        return None
    return RootStats(
        pays_from=network.roots_from,
        epoch=network.root_epoch if network.root_count else None,
        root=network.root,
        payees=network.root_count,
        units=network.root_units,
        total=network.root_total,
        owed=network.root_owed,
        verification=Verification(network.records_checked, network.records_failed, network.check_ms),
    )
