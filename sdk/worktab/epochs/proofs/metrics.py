"""What a proof server tells Prometheus."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from worktab.core.errors import WorktabError
from worktab.epochs.proofs.shelf import Shelf

_SECONDS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1)


class Metrics:
    """A registry of its own, and what is in it."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._answers = Counter(
            "worktab_proofs_answers", "Answers by path and status", ("path", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "worktab_proofs_seconds", "Seconds to an answer", ("path",), buckets=_SECONDS, registry=self.registry
        )
        self._failures = Counter(
            "worktab_proofs_refresh_failures",
            "Failed looks for a newer epoch, by code",
            ("code",),
            registry=self.registry,
        )
        self._epoch = Gauge(
            "worktab_proofs_epoch", "The epoch that is served; -1 before there is one", registry=self.registry
        )
        self._payees = Gauge("worktab_proofs_payees", "Positions in it", registry=self.registry)
        self._missing = Gauge(
            "worktab_proofs_behind", "1 while the newest final epoch cannot be served", registry=self.registry
        )

    def answered(self, path: str, status: int, seconds: float) -> None:
        """Count an answer."""
        self._answers.labels(path, str(status)).inc()
        self._seconds.labels(path).observe(seconds)

    def failed(self, error: Exception) -> None:
        """Count a look for a newer epoch that failed."""
        self._failures.labels(error.code if isinstance(error, WorktabError) else "internal").inc()

    def render(self, shelf: Shelf) -> bytes:
        """All of it, in Prometheus' text format."""
        self._epoch.set(-1 if shelf.book is None else shelf.book.root.epoch)
        self._payees.set(0 if shelf.book is None else shelf.book.root.count)
        self._missing.set(shelf.missing is not None)
        return generate_latest(self.registry)
