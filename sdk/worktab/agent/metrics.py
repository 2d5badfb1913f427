"""What a daemon tells Prometheus; docs/selling.md lists it."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """A registry of its own, and what is in it. Amounts are base units, times Unix seconds; 0 for never."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.jobs = self._counter("jobs", "Paid requests by what became of them", "outcome")
        self.units = self._counter("units", "Work units sold")
        self.charged = self._counter("charged_base_units", "Base units charged")
        self.settled = self._counter("settled_base_units", "Base units that settling moved on the chain")
        self.unsettled = self._gauge("unsettled_base_units", "Base units charged and not yet paid on the chain")
        self.vouchers = self._counter("vouchers_checked", "Vouchers checked")
        self.refused = self._counter("vouchers_refused", "Vouchers refused, by the refusal's code", "code")
        self.receipts = self._counter("receipts_submitted", "Receipts that were recorded on the chain")
        self.delivered = self._counter("receipts_delivered", "Receipts that were brought to an ingest")
        self.behind = self._gauge("ingests_behind", "Ingests that do not hold the newest receipt, as last seen")
        self.reward = self._counter("reward_base_units", "Base units of rewards accrued by receipts")
        self.held_back = self._gauge("receipt_held_back", "1 while a limit would cut a receipt's reward, so it waits")
        self.claimed = self._counter("claimed_base_units", "Base units that claims paid to the payout wallet")
        self.lanes = self._gauge("lanes", "Lanes that paid since the daemon started and have not ended")
        self.reserve = self._gauge("lowest_reserve_base_units", "The least that any of these lanes has left")
        self.waiting = self._gauge("jobs_waiting", "Jobs that wait for a thread")
        self.running = self._gauge("jobs_running", "Jobs under way")
        self.seconds = Histogram(
            "worktab_request_seconds",
            "Seconds from a paid request to its answer",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.settled_at = self._gauge("last_settle_timestamp_seconds", "When settling last moved anything")
        self.submitted_at = self._gauge("last_submit_timestamp_seconds", "When all of the spool was last submitted")
        self.claimed_at = self._gauge("last_claim_timestamp_seconds", "When claiming last succeeded")
        self.lag_jobs = self._gauge("spool_lag_jobs", "Jobs in the spool that neither chain nor ingests hold")
        self.lag_units = self._gauge("spool_lag_units", "Work units in the spool that neither chain nor ingests hold")
        self.failures = self._counter("background_failures", "Failed runs of a background task", "task")

    def render(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self.registry)

    def _counter(self, name: str, told: str, *labels: str) -> Counter:
        return Counter(f"worktab_{name}", told, labels, registry=self.registry)

    def _gauge(self, name: str, told: str) -> Gauge:
        return Gauge(f"worktab_{name}", told, registry=self.registry)
