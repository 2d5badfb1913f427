"""The device's durable spool: every job it did, every receipt it signed, every transaction it sent.

One SQLite file per registration of a device, held by one process at a time. A job recorded is never lost and never
counted twice: when `append` returns the job is on the disk; when it raises nothing changed; and a caller that does not
know which of the two happened (it was killed, the power went) repeats the call with the same job id and gets the
same entry back. How receipts are chosen and dated is told in `worktab.work.receipts`.

A spool restored from an old backup is behind the chain. What it would sign is refused as soon as the chain's state is
shown to it, and `adopt` then continues from there; see there for what becomes of its entries.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from worktab.core._checks import Bytes32, bytes32, uint
from worktab.core.errors import StateError
from worktab.core.keys import Signer
from worktab.core.records import JobRecord
from worktab.work import appending, receipts, tables, upkeep
from worktab.work.database import Database
from worktab.work.history import MAX_SEQ, START, ChainState, Entry, SignedReceipt
from worktab.work.sent import SentJournal

_PAGE: Final = 256


class Spool:
    """A device's record of its work; see the module's text. Made by `Spool.open`, safe to share between threads."""

    def __init__(self, database: Database) -> None:
        """Wraps an open file; use `Spool.open`."""
        self._database = database
        self.journal = SentJournal(database)
        """Transactions on their way to the chain, in the same file."""

    @classmethod
    def open(cls, path: str | Path, *, device: Bytes32) -> Spool:
        """Opens the spool at `path`, or makes a new one there.

        `device` is the 32-byte address of the Device account; the file remembers it.

        Raises:
            StateError: another process holds the file, or it belongs to another device.
            StorageError: the file cannot be opened, is damaged, or is not a spool of a known format.
        """
        owner = bytes32(device, "device")
        database = Database(Path(path))
        try:
            with database.transaction() as connection:
                stored = tables.read_meta(connection, "device")
                if stored is None:
                    tables.write_meta(connection, "device", owner)
                elif stored != owner:
                    raise StateError(
                        f"the spool {path} belongs to another device",
                        expected=stored.hex(),
                        got=owner.hex(),
                        next_step="Give every device a file of its own",
                    )
        except BaseException:
            database.close()
            raise
        return cls(database)

    def close(self) -> None:
        """Releases the file. Closing twice is fine."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def append(self, record: JobRecord, salt: Bytes32, *, job_id: bytes | None = None) -> Entry:
        """Records a finished job; on the disk when this returns.

        Args:
            record: what was done, with at least 1 and at most 2^48 units.
            salt: 32 random bytes, fresh for every record (PROTOCOL section 3).
            job_id: up to 64 bytes that name the job. A second call with the same id returns the first call's entry
                and records nothing, whatever its times, units, output and salt; without an id a repeated call is a
                second job.

        Raises:
            InputError: no units, too many units, the device's lifetime total would pass the u64, or a bad job id.
            StateError: the id names a job of another module, input, class, meter or tab, or one whose entry is no
                longer here.
            StorageError: the disk is full or failing; nothing was recorded.
        """
        entry_salt = bytes32(salt, "salt")
        appending.check(record, job_id)
        with self._database.transaction() as connection:
            return appending.append(connection, record, entry_salt, job_id)

    def find(self, job_id: bytes) -> Entry | None:
        """The entry recorded under `job_id`, or None when the id is new.

        Raises:
            StateError: it was recorded, and its entry is no longer here.
        """
        with self._database.transaction() as connection:
            return appending.find(connection, job_id)

    def state(self) -> ChainState:
        """The chain's state after the newest job."""
        with self._database.transaction() as connection:
            return tables.newest_state(connection)

    def base(self) -> ChainState:
        """The state just before the oldest entry held: `START`, or where `prune` or `adopt` left off."""
        with self._database.transaction() as connection:
            return tables.base_state(connection)

    def landed(self) -> ChainState:
        """The newest state known to be on chain, or held by enough ingests."""
        with self._database.transaction() as connection:
            return tables.landed_state(connection)

    def entries(self, from_seq: int = 1, to_seq: int = MAX_SEQ) -> Iterator[Entry]:
        """The entries held with `from_seq <= seq <= to_seq`, in order.

        Read page by page: what is appended meanwhile may or may not be seen.
        """
        next_seq, last_seq = uint(from_seq, 63, "from seq"), uint(to_seq, 63, "to seq")
        while True:
            with self._database.transaction() as connection:
                rows = connection.execute(
                    f"SELECT {tables.ENTRY_COLUMNS} FROM entries WHERE seq BETWEEN ? AND ? ORDER BY seq LIMIT ?",  # noqa: S608
                    (next_seq, last_seq, _PAGE),
                ).fetchall()
            yield from map(tables.entry_from_row, rows)
            if len(rows) < _PAGE:
                return
            next_seq = rows[-1][0] + 1

    def sign_receipt(
        self,
        signer: Signer,
        context: Bytes32,
        now: int,
        *,
        landed: ChainState | None = None,
        chain_time: int | None = None,
        last_time: int | None = None,
    ) -> SignedReceipt:
        """The receipt for the newest state that one receipt can claim; on the disk before it is returned.

        The same state gives the same receipt. After a backlog of over 2^32 jobs or 2^48 units the receipt is for the
        newest state within that reach; call again when it has landed.

        Args:
            signer: the device's key.
            context: 32-byte receipt context (`worktab.core.contexts`); the spool is tied to the first one it sees.
            now: the device's clock in Unix seconds.
            landed: what the chain holds of the device, where the caller has just looked.
            chain_time: the chain's clock in Unix seconds, where the caller has just looked.
            last_time: the time of the device's last receipt on chain in Unix seconds, where the caller has just
                looked; 0 before any.

        Raises:
            StateError: nothing new to claim; the chain holds a newer or another history (`adopt`); or the context is,
                or may be, that of another registration.
            VerificationError: the signer gave a signature that does not hold.
            StorageError: the disk is full or failing; no receipt was signed.
        """
        bound = bytes32(context, "context")
        uint(now, 62, "now")
        for seen, name in ((chain_time, "chain time"), (last_time, "last time")):
            if seen is not None:
                uint(seen, 62, name)
        if landed is not None:
            # On its own, so that it is remembered also when there is nothing to sign.
            self.confirm(landed)
        with self._database.transaction() as connection:
            return receipts.choose_receipt(connection, signer, bound, now, landed, chain_time, last_time)

    def sign_newest(
        self,
        signer: Signer,
        context: Bytes32,
        now: int,
        *,
        known: ChainState = START,
        their_time: int | None = None,
        last_time: int | None = None,
    ) -> SignedReceipt:
        """The receipt for the newest state, whatever has landed, for an ingest; on the disk before it is returned.

        The same state gives the same receipt. An ingest takes a step of any size (`worktab.work.receipts`).

        Args:
            signer, context, now: as for `sign_receipt`.
            known: the newest state that the chain or an ingest holds under this context.
            their_time, last_time: as `chain_time` and `last_time` of `sign_receipt`, of the ingests.

        Raises:
            StateError: no job was ever recorded; or the context is, or may be, that of another registration.
            VerificationError, StorageError: as `sign_receipt`.
        """
        bound = bytes32(context, "context")
        uint(now, 62, "now")
        for seen, name in ((their_time, "their time"), (last_time, "last time")):
            if seen is not None:
                uint(seen, 62, name)
        with self._database.transaction() as connection:
            return receipts.newest_receipt(connection, signer, bound, now, known, their_time, last_time)

    def pending_receipt(self) -> SignedReceipt | None:
        """The newest receipt signed and not known to have landed, or None."""
        with self._database.transaction() as connection:
            return receipts.newest_pending(connection)

    def mark_landed(self, seq: int) -> None:
        """Notes that the receipt for job number `seq` landed. An older number than before changes nothing.

        Raises:
            StateError: no receipt was signed for that job.
        """
        uint(seq, 63, "seq")
        with self._database.transaction() as connection:
            if seq <= tables.landed_state(connection).seq:
                return
            receipt = receipts.stored_receipt(connection, seq)
            if receipt is None:
                raise StateError(
                    f"no receipt was signed for job {seq}", next_step="Pass the seq of a receipt that this spool signed"
                )
            tables.write_landed(connection, receipt.state)

    def confirm(self, chain: ChainState) -> None:
        """Compares what the chain holds of the device with this history, and notes it as landed.

        Raises:
            StateError: the chain holds a newer or another history; nothing is signed over it until `adopt`.
        """
        with self._database.transaction() as connection:
            receipts.confirm(connection, chain)

    def compare(self, held: ChainState, where: str) -> bool:
        """Whether what is held of the device elsewhere (`where`) is part of this history, as far as it is still here.

        Raises:
            StateError: it is a newer or another history; nothing may be signed over it until `adopt`.
        """
        with self._database.transaction() as connection:
            return receipts.compare(connection, held, where)

    def adopt(self, chain: ChainState, *, last_time: int) -> int:
        """Continues from the state that the chain holds, where it is not part of this history.

        For a device restored from an old backup, or one whose spool was lost. Nothing here shows which of the entries
        held are among the jobs that the chain has counted, so none of them is claimed again: they are set aside (see
        `set_aside`), receipts for them are dropped, and their job ids stay used.

        Args:
            chain: what the chain holds of the device.
            last_time: the time of the last receipt on chain, in Unix seconds; no later receipt is dated before it.

        Returns:
            how many entries were set aside; 0 and no change where the chain's state is part of this history.

        Raises:
            StateError: the chain's state is older than anything held here; a lagging node may have shown it.
        """
        floor = uint(last_time, 63, "last time")
        with self._database.transaction() as connection:
            return upkeep.adopt(connection, chain, floor)

    def set_aside(self) -> list[Entry]:
        """The entries that `adopt` took out of the chain, oldest first. They count for nothing any more.

        Somebody who knows that one of them was never claimed can append its record again under a new job id.
        """
        with self._database.transaction() as connection:
            rows = connection.execute(f"SELECT {tables.ENTRY_COLUMNS} FROM set_aside ORDER BY id").fetchall()  # noqa: S608
        return [tables.entry_from_row(row) for row in rows]

    def prune(self, before_seq: int) -> int:
        """Drops the entries and receipts below `before_seq`, all of which must have landed.

        Nothing is dropped unless this is called. The chain of what is left is still verifiable, from `base`. Dropped
        records can no longer be shown to a verifier or in a dispute; their job ids stay used. The file keeps its
        size and uses the room again.

        Returns:
            how many entries were dropped.

        Raises:
            StateError: one of them is not known to have landed.
        """
        first = uint(before_seq, 63, "before seq")
        with self._database.transaction() as connection:
            return upkeep.prune(connection, first)
