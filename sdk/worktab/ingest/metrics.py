"""What an ingest tells Prometheus, each worker of its own."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_ROWS: Final = (1, 10, 100, 1_000, 10_000)


class Metrics:
    """A registry of its own, and what is in it."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.receipts = Counter(
            "worktab_ingest_receipts", "Receipts by what became of them", ("verdict",), registry=registry
        )
        self.enrolments = Counter(
            "worktab_ingest_enrolments", "Enrolments by what became of them", ("verdict",), registry=registry
        )
        self.refused = Counter("worktab_ingest_requests_refused", "Requests refused", ("code",), registry=registry)
        self.rows = Histogram(
            "worktab_ingest_batch_receipts", "Receipts stored together", buckets=_ROWS, registry=registry
        )
        self.check_seconds = Histogram(
            "worktab_ingest_check_seconds", "Seconds to check a batch", buckets=_SECONDS, registry=registry
        )
        self.store_seconds = Histogram(
            "worktab_ingest_store_seconds", "Seconds to store a batch", buckets=_SECONDS, registry=registry
        )
        self.waiting = Gauge("worktab_ingest_receipts_waiting", "Receipts that wait to be checked", registry=registry)
        self.lookups = Counter("worktab_ingest_lookups", "Devices looked up on the chain", registry=registry)
        self.mirrored = Gauge(
            "worktab_ingest_last_mirror_timestamp_seconds",
            "When registrations were last read from the chain, Unix seconds; 0 for never",
            registry=registry,
        )

    def render(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self.registry)
