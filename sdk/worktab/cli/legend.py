"""What each number of `worktab stats` proves and what it does not (docs/protocol.md, "What the numbers prove")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from worktab.cli.output import Noted, Rows
from worktab.roles.stats import NetworkStats

LEGEND: Final = {
    "jobs, units": (
        "what devices reported by receipts; WASM fuel can be checked by running the jobs again",
        "that anybody wanted the work; by another meter, that it was done",
    ),
    "utilisation": (
        "units counted in this epoch, of the capacity announced",
        "the capacity, which nobody checks",
    ),
    "units_sold, revenue": (
        "what consumers signed or paid for, before fee and burn",
        "that the buyer is a stranger: faking them costs the fee and burn",
    ),
    "units_self_sold": (
        "what owners bought from their own devices under their own key",
        "by being 0, anything: an owner can buy with another key",
    ),
    "fees_paid, burned, paid_away_bps": (
        "what claims really took: each base unit of it was given away, and selling to oneself under any name costs"
        " just this",
        "who bought; an authority gets its own fee back, and where units sold are rewarded the pool gives back as much"
        " at most",
    ),
    "rewards": (
        "what the network's own rules paid or owe",
        "demand",
    ),
    "bond": (
        "what the device can lose by lying; what is leaving answers as well, what SLAs hold for these alone",
        "that it works, or works well",
    ),
    "slas_kept": (
        "that a consumer other than the owner was promised something, and vouchers paid for it",
        "that the consumer is no friend, or that much was due: cheap promises can be arranged",
    ),
    "slas_missed": (
        "that what was due was not delivered, and attestors did not excuse it",
        "by being 0, that anything was promised; otherwise, whose fault it was where nobody contested",
    ),
    "disputes_guilty, disputes_not_guilty, slashed": (
        "that enough attestors agreed about a record that the device signed",
        "more than these attestors are worth; by being 0, that anybody looked",
    ),
    "open_disputes": (
        "that somebody put a deposit at stake to accuse the device",
        "that it is guilty",
    ),
    "roots": (
        "what more than half of the attestors agreed on; anyone can rebuild it from the published data",
        "demand",
    ),
}
"""Numbers, what they prove, and what they do not."""

_ROOTS: Final = {
    "units": "what most attestors agreed that devices reported by receipts",
    "total": "what most attestors agreed on; says nothing about demand",
    "records_checked": "re-executed by attestors before they committed; voters tell theirs in the event EpochVoted",
    "records_failed": "did not agree with the re-execution",
}

_GUARANTEES: Final = {
    "bonds": "what devices can lose by lying",
    "slas_kept": "promised to others than the owner, and paid; a friend can arrange cheap ones, so see what was due",
    "slas_missed": "not delivered, and not excused by attestors",
    "disputes_guilty": "enough attestors agreed; as good as they are",
    "disputes_not_guilty": "enough attestors agreed; the challenger paid for it",
    "slashed": "taken from bonds by disputes",
}


def with_proof(facts: Mapping[str, Any], stats: NetworkStats) -> dict[str, Any]:
    """The facts of a network, with what each number proves said beside it."""
    cut = stats.fee_bps + stats.burn_bps
    faking = f"faking them costs {cut // 100}.{cut % 100:02} % in fee and burn" if cut else "faking them costs nothing"
    proves = {
        "jobs": "reported by receipts: the devices' word",
        "units": "reported by receipts: the devices' word, but WASM fuel can be checked by running the jobs again",
        "utilisation": "units counted in this epoch, of the capacity that devices announced, which nobody checks",
        "units_sold": f"what consumers signed or paid for; {faking}",
        "units_self_sold": "the part that owners bought from their own devices; an owner can buy with another key",
        "revenue": f"what consumers paid, before fee and burn; as good as units sold: {faking}",
        "fees_paid": "really taken out of claimed revenue and given away, whoever bought",
        "burned": "really destroyed out of claimed revenue, whoever bought",
        "paid_away_bps": "of revenue, in basis points: fees paid and burned",
        "rewards": "paid or owed by the network's own rules; says nothing about demand",
    }
    told = _noted(facts, proves) | {"guarantees": _noted(facts["guarantees"], _GUARANTEES)}
    return told if stats.roots is None else told | {"roots": _noted(facts["roots"], _ROOTS)}


def legend() -> Rows:
    """All numbers with what they prove and what they do not."""
    rows = [{"number": number, "proves": does, "does_not_prove": not_} for number, (does, not_) in LEGEND.items()]
    return Rows(rows, tuple(rows[0]))


def _noted(facts: Mapping[str, Any], notes: Mapping[str, str]) -> dict[str, Any]:
    return {key: Noted(value, notes[key]) if key in notes else value for key, value in facts.items()}
