"""What a watcher tells Prometheus; docs/guarantees.md lists it."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from worktab.core.errors import WorktabError
from worktab.trust.watching.acting import Look
from worktab.trust.watching.deciding import Alarm


class Metrics:
    """A registry of its own, and what is in it. Amounts are base units, times Unix seconds; 0 for never."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._done = Counter("worktab_watch_done", "What was done, by deed", ("deed",), registry=self.registry)
        self._moved = Counter(
            "worktab_watch_moved_base_units", "Base units that it moved, by deed", ("deed",), registry=self.registry
        )
        self._undone = Counter(
            "worktab_watch_undone", "What was to be done and failed, by deed", ("deed",), registry=self.registry
        )
        self._alarms = Gauge(
            "worktab_watch_warnings", "Warnings of the newest look, by alarm", ("alarm",), registry=self.registry
        )
        self._looked = Gauge(
            "worktab_watch_last_look_timestamp_seconds", "When it last saw the chain", registry=self.registry
        )
        self._failures = Counter(
            "worktab_watch_failures", "Looks that failed as a whole, by code", ("code",), registry=self.registry
        )

    def looked(self, look: Look) -> None:
        """Count a look."""
        for each in look.done:
            deed = each.action.deed.value
            (self._undone if each.error is not None else self._done).labels(deed).inc()
            self._moved.labels(deed).inc(each.moved)
        for alarm in Alarm:
            self._alarms.labels(alarm.value).set(sum(each.alarm is alarm for each in look.warnings))
        self._looked.set(look.now)

    def failed(self, error: WorktabError) -> None:
        """Count a look that failed as a whole."""
        self._failures.labels(error.code).inc()

    def render(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self.registry)
