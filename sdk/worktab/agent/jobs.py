"""Runs paid jobs on threads, so that the event loop stays free, and records them in the device's spool."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from worktab.agent.errors import JobFailed
from worktab.core.errors import JobError, StateError, StorageError
from worktab.market.errors import KeyReused
from worktab.market.provider.sale import Sale
from worktab.work.blobs import BlobStore
from worktab.work.spool import Spool
from worktab.work.wasm import JobFailure, WasmJobError, WasmRuntime
from worktab.work.worker import run_wasm_job

_MORE_UNITS: Final = "Allow it more units (WORKTAB-MAX-UNITS, --max-units), and a budget that pays for them"


class JobRunner:
    """Runs jobs side by side; WASM holds no lock of the interpreter's.

    spool       takes their records; its journal of jobs decides what was done already
    blobs       takes modules, inputs and outputs
    work_class  the device's class of work
    threads     jobs at once; more wait for their turn
    runtime     runs them

    waiting  jobs that wait for a thread
    running  jobs under way
    """

    def __init__(
        self,
        spool: Spool,
        blobs: BlobStore,
        *,
        work_class: int = 0,
        threads: int = 1,
        runtime: WasmRuntime | None = None,
    ) -> None:
        self._spool, self._blobs, self._work_class = spool, blobs, work_class
        self._runtime = runtime or WasmRuntime()
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="worktab-job")
        self.waiting = 0
        self.running = 0

    async def run(self, sale: Sale, module: bytes, input: bytes) -> bytes:
        """The job's output; the job is recorded for the sale's tab at its price, and told to the sale.

        The sale's job id stands for it: one that was recorded before is not run again.

        Raises:
            JobFailed: it ended without a result; nothing was recorded.
            KeyReused: its job id was used for another job.
            StorageError: the disk is full or failing.
        """
        self.waiting += 1
        return await asyncio.wrap_future(self._threads.submit(self._do, sale, module, input))

    def close(self, *, wait: bool = True) -> None:
        """Take no more jobs; with `wait`, see those under way to their end."""
        self._threads.shutdown(wait=wait, cancel_futures=True)

    def _do(self, sale: Sale, module: bytes, input: bytes) -> bytes:
        self.waiting -= 1
        self.running += 1
        try:
            entry = run_wasm_job(
                self._runtime,
                self._spool,
                self._blobs,
                module,
                input,
                work_class=self._work_class,
                fuel_limit=sale.max_units,
                amount=sale.price.cost,
                tab=bytes(sale.tab),
                job_id=sale.job_id,
            )
        except WasmJobError as error:
            raise JobFailed(
                f"The job failed ({error.reason.value}): {error.message}",
                expected=error.expected,
                got=error.got,
                next_step=_MORE_UNITS if error.reason is JobFailure.OUT_OF_FUEL else error.next_step,
            ) from error
        except JobError as error:
            raise JobFailed(f"The job failed: {error.message}", got=error.got, next_step=error.next_step) from error
        except StateError as error:
            raise KeyReused(
                "The idempotency key was used for another job", expected=error.expected, got=error.got
            ) from error
        finally:
            self.running -= 1
        output = self._blobs.get(entry.record.output)
        if output is None:
            raise StorageError("the output of a recorded job is gone", got=entry.record.output.hex())
        sale.recorded(entry)
        return output
