"""The spool: every job once, whatever is repeated, refused or reopened."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.jobs import DEVICE, chain, record, salt
from worktab.core.errors import InputError, StateError, StorageError
from worktab.core.records import Meter
from worktab.work.history import MAX_SEQ, MAX_UNITS, START, ChainState
from worktab.work.spool import Spool


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool.open(tmp_path / "device.spool", device=DEVICE) as opened:
        yield opened


def test_a_new_spool_is_empty(spool: Spool) -> None:
    assert spool.state() == spool.base() == spool.landed() == START
    assert list(spool.entries()) == []
    assert spool.pending_receipt() is None
    assert spool.set_aside() == []
    assert spool.journal.unsettled() == []


@given(units=st.lists(st.integers(1, 2**48), max_size=8))
@settings(max_examples=20, deadline=None)
def test_entries_form_the_chain_of_the_protocol(units: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    records = [record(number, units=each) for number, each in enumerate(units, 1)]
    expected = chain(records)
    path = tmp_path_factory.mktemp("spool") / "spool"
    with Spool.open(path, device=DEVICE) as spool:
        appended = [spool.append(each, salt(number)) for number, each in enumerate(records, 1)]
        assert appended == expected
        assert spool.state() == (expected[-1].state if expected else START)
    with Spool.open(path, device=DEVICE) as spool:
        assert list(spool.entries()) == expected
        assert spool.state() == (expected[-1].state if expected else START)


def test_entries_are_read_by_range_and_across_pages(spool: Spool) -> None:
    expected = chain([record(number) for number in range(1, 601)])
    for number in range(1, 601):
        spool.append(record(number), salt(number))
    assert list(spool.entries()) == expected
    assert list(spool.entries(256, 257)) == expected[255:257]
    assert list(spool.entries(599)) == expected[598:]
    assert list(spool.entries(601)) == []
    assert list(spool.entries(5, 4)) == []


def test_a_repeated_job_id_gives_the_same_entry_and_counts_once(spool: Spool) -> None:
    first = spool.append(record(1), salt(1), job_id=b"a")
    again = replace(record(1), started_ms=5, finished_ms=6, output=sha256(b"other").digest(), units=11, meter_version=2)
    assert spool.append(again, salt(2), job_id=b"a") == first
    second = spool.append(record(1), salt(1), job_id=b"b")
    assert (second.seq, second.units_total) == (2, 20)
    assert spool.append(record(1), salt(9), job_id=b"a") == first
    assert spool.find(b"a") == first
    assert spool.find(b"b") == second
    assert spool.find(b"c") is None
    assert list(spool.entries()) == [first, second]


def test_without_an_id_a_repeated_call_is_a_second_job(spool: Spool) -> None:
    assert [spool.append(record(1), salt(1)).seq for _ in range(2)] == [1, 2]


@pytest.mark.parametrize(
    "other",
    [
        record(2),
        record(1, module=sha256(b"other").digest()),
        record(1, meter=Meter.SAMPLES),
        record(1, work_class=1),
        record(1, tab=bytes([1]) * 32),
    ],
    ids=["input", "module", "meter", "class", "tab"],
)
def test_a_job_id_names_one_job(spool: Spool, other: object) -> None:
    spool.append(record(1), salt(1), job_id=b"a")
    with pytest.raises(StateError, match=r"job id 61 is already used by another job \(number 1\)"):
        spool.append(other, salt(2), job_id=b"a")  # type: ignore[arg-type]
    assert spool.state().seq == 1


@pytest.mark.parametrize("job_id", [b"", bytes(65), "text", 7])
def test_a_bad_job_id_is_refused(spool: Spool, job_id: object) -> None:
    with pytest.raises(InputError, match="job id has the wrong form; expected 1 to 64 bytes"):
        spool.append(record(), salt(), job_id=job_id)  # type: ignore[arg-type]
    assert spool.append(record(), salt(), job_id=bytes(64)).seq == 1


@pytest.mark.parametrize(("units", "message"), [(0, "without units"), (2**48 + 1, "so many units")])
def test_a_record_that_could_never_be_claimed_is_refused(spool: Spool, units: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        spool.append(record(units=units), salt())
    assert spool.state() == START
    assert spool.append(record(units=2**48), salt()).units_total == 2**48


def test_a_salt_must_have_32_bytes(spool: Spool) -> None:
    with pytest.raises(InputError):
        spool.append(record(), bytes(31))
    assert spool.state() == START


def test_the_lifetime_totals_end_at_their_limits(spool: Spool) -> None:
    spool.adopt(ChainState(MAX_SEQ - 2, MAX_UNITS - 7, bytes(32)), last_time=0)
    with pytest.raises(InputError, match=f"expected at most 7 more units and job {MAX_SEQ}; got 8 units"):
        spool.append(record(units=8), salt())
    assert spool.append(record(units=7), salt()).units_total == MAX_UNITS
    with pytest.raises(InputError, match="at most 0 more units"):
        spool.append(record(units=1), salt())
    spool.adopt(ChainState(MAX_SEQ, 5, bytes(32)), last_time=0)
    with pytest.raises(InputError, match="lifetime total is full"):
        spool.append(record(units=1), salt())
    assert spool.state() == ChainState(MAX_SEQ, 5, bytes(32))


def test_the_salt_stays_out_of_sight(spool: Spool) -> None:
    entry = spool.append(record(), salt())
    assert repr(salt()) not in repr(entry)
    assert salt().hex() not in repr(entry)


def test_a_second_opening_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "spool"
    with Spool.open(path, device=DEVICE) as first:
        with pytest.raises(StateError, match="is in use"):
            Spool.open(path, device=DEVICE)
        code = (
            "import sys\nfrom worktab.core.errors import StateError\nfrom worktab.work.spool import Spool\n"
            "try:\n    Spool.open(sys.argv[1], device=bytes.fromhex(sys.argv[2]))\n"
            "except StateError as error:\n    print(error.message)\n"
        )
        other = subprocess.run([sys.executable, "-c", code, path, DEVICE.hex()], capture_output=True, text=True)
        assert other.stdout == f"the spool {path} is in use\n"
        # The refused openings have not loosened the lock, nor anything else.
        assert first.append(record(), salt()).seq == 1
        with pytest.raises(StateError, match="is in use"):
            Spool.open(path, device=DEVICE)
    with Spool.open(path, device=DEVICE) as again:
        assert again.state().seq == 1


def test_a_forked_copy_is_refused_and_does_no_harm(tmp_path: Path) -> None:
    # In a process of its own: forking one that has threads is not allowed everywhere.
    code = (
        "import os, sys\n"
        "from support.jobs import DEVICE, record, salt\n"
        "from worktab.core.errors import StateError\n"
        "from worktab.work.spool import Spool\n"
        "with Spool.open(sys.argv[1], device=DEVICE) as spool:\n"
        "    spool.append(record(1), salt(1))\n"
        "    if os.fork() == 0:\n"
        "        try:\n"
        "            spool.append(record(2), salt(2))\n"
        "        except StateError as error:\n"
        "            print(error.message, flush=True)\n"
        "            spool.close()\n"
        "        os._exit(0)\n"
        "    os.wait()\n"
        "    print(spool.append(record(2), salt(2)).seq)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "spool"],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    assert (done.stdout, done.stderr) == ("the spool was opened before this process was forked\n2\n", "")


def test_threads_take_turns(spool: Spool) -> None:
    def work(first: int) -> None:
        for number in range(first, first + 25):
            spool.append(record(number), salt(number), job_id=b"%d" % (number % 50))

    threads = [threading.Thread(target=work, args=(first,)) for first in (0, 25, 0, 25)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = list(spool.entries())
    assert sorted(entry.record.started_ms for entry in entries) == [1_000 * number for number in range(50)]
    assert [entry.seq for entry in entries] == list(range(1, 51))
    assert spool.state().units == 500


def test_a_closed_spool_says_so(spool: Spool) -> None:
    spool.close()
    spool.close()
    with pytest.raises(StateError, match="the spool is closed"):
        spool.state()


def test_a_spool_belongs_to_one_device(tmp_path: Path) -> None:
    path = tmp_path / "spool"
    Spool.open(path, device=DEVICE).close()
    with pytest.raises(StateError, match="belongs to another device"):
        Spool.open(path, device=bytes(32))
    with pytest.raises(InputError):
        Spool.open(path, device=b"short")
    # A refused opening lets go of the file.
    Spool.open(path, device=DEVICE).close()


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "folder" / "spool"
    with Spool.open(path, device=DEVICE) as spool:
        spool.append(record(), salt())
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name


def test_a_foreign_or_damaged_file_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_bytes(b"not a database, whatever its name says" * 100)
    with pytest.raises(StorageError, match="is damaged"):
        Spool.open(text, device=DEVICE)
    assert text.read_bytes() == b"not a database, whatever its name says" * 100

    foreign = tmp_path / "foreign"
    other = sqlite3.connect(foreign)
    other.execute("CREATE TABLE addresses (name TEXT)")
    other.close()
    with pytest.raises(StorageError, match="another program's database"):
        Spool.open(foreign, device=DEVICE)

    newer = tmp_path / "newer"
    Spool.open(newer, device=DEVICE).close()
    other = sqlite3.connect(newer)
    other.execute("PRAGMA user_version = 2")
    other.close()
    with pytest.raises(StorageError, match="expected format 1; got format 2"):
        Spool.open(newer, device=DEVICE)

    with pytest.raises(StorageError):
        Spool.open(tmp_path, device=DEVICE)


def test_a_damaged_page_is_an_error_not_a_wrong_answer(tmp_path: Path) -> None:
    path = tmp_path / "spool"
    with Spool.open(path, device=DEVICE) as spool:
        for number in range(100):
            spool.append(record(number), salt(number))
    data = bytearray(path.read_bytes())
    for page in range(2, len(data) // 4096):
        data[page * 4096 : page * 4096 + 100] = b"\xff" * 100
    path.write_bytes(data)
    with pytest.raises(StorageError, match="is damaged"), Spool.open(path, device=DEVICE) as spool:
        list(spool.entries())


def test_every_change_is_synced_before_the_call_returns(spool: Spool) -> None:
    with spool._database.transaction() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA locking_mode").fetchone() == ("exclusive",)
