"""Ending WASM jobs that take too long, whatever they cost.

Fuel counts instructions, and some of them take hundreds of times as long as others. How long a job takes depends on
the machine, so that a limit of time says nothing about a record.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import wasmtime

_TICK: Final = 1.0


class Ticker:
    """Counts an engine's epoch up, once a second, while jobs of it run."""

    def __init__(self, engine: wasmtime.Engine) -> None:
        """For an engine that interrupts jobs by its epoch."""
        self._engine, self._lock, self._running = engine, threading.Lock(), 0
        self._done, self._thread = threading.Event(), threading.Thread()

    @contextmanager
    def running(self, store: wasmtime.Store, seconds: int) -> Iterator[None]:
        """Let what runs in the store trap with `INTERRUPT` after so many seconds, and up to one more."""
        store.set_epoch_deadline(seconds + 1)
        with self._lock:
            if not self._running:
                self._done = threading.Event()
                self._thread = threading.Thread(target=self._tick, args=(self._done,), daemon=True)
                self._thread.start()
            # Counted once the time is: where no thread could be started, the next job tries again.
            self._running += 1
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1
                if not self._running:
                    self._done.set()
                    # The engine may be closed from here on.
                    self._thread.join()

    def _tick(self, done: threading.Event) -> None:
        while not done.wait(_TICK):
            self._engine.increment_epoch()
