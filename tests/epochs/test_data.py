"""Published data: whole or not there, checked when read, and refused when they lie."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support import receipts as r
from support.receipts import Machine, at, inputs, wallet
from worktab.core.errors import EncodingError, InputError, StorageError
from worktab.core.merkle import Tree, device_leaf, payee_leaf
from worktab.epochs import folders
from worktab.epochs.building import build
from worktab.epochs.data import EpochData
from worktab.epochs.errors import EpochDamaged, EpochExists, EpochNotFound
from worktab.epochs.layout import DEVICE, PAYEE
from worktab.epochs.leaves import device_leaves, device_roots, payee_leaves
from worktab.epochs.manifest import FILES, Manifest
from worktab.epochs.policy import FixedRate
from worktab.epochs.runners import LocalRunner
from worktab.epochs.terms import EpochTerms
from worktab.ingest.rows import RECEIPT, REGISTRATION, Rows

MACHINES = [Machine(f"m{number}", wallet(f"w{number % 3}"), index=number) for number in range(8)]


def made(epoch: int = 0, units: int = 100) -> EpochData:
    given_ = inputs(
        epoch, [each.registration() for each in MACHINES], [each.receipt(1, units, at(epoch)) for each in MACHINES]
    )
    return build(None, given_, r.terms(), FixedRate(), runner=LocalRunner(1))


@pytest.fixture
def data() -> EpochData:
    return made()


def test_rows_have_these_sizes() -> None:
    assert (PAYEE.itemsize, DEVICE.itemsize, RECEIPT.itemsize, REGISTRATION.itemsize) == (80, 185, 200, 384)


def test_what_is_written_is_read(data: EpochData, tmp_path: Path) -> None:
    folder = data.write(tmp_path / "epochs")
    assert folder == tmp_path / "epochs" / "0"
    assert sorted(each.name for each in folder.iterdir()) == sorted([*FILES, "manifest.json"])
    assert [each.name for each in folder.parent.iterdir()] == ["0"], "nothing half-written is left"
    assert hashlib.sha256((folder / "manifest.json").read_bytes()).digest() == data.commitment().data
    read = EpochData.read(tmp_path / "epochs", 0)
    assert read.manifest == data.manifest
    for name in ("payees", "devices", "registrations", "receipts"):
        assert getattr(read, name).tobytes() == getattr(data, name).tobytes()
    read.check()
    assert read.left_out == {}


def test_writing_again_changes_nothing_and_other_data_are_refused(data: EpochData, tmp_path: Path) -> None:
    folder = data.write(tmp_path)
    before = {each.name: each.stat().st_mtime_ns for each in folder.iterdir()}
    assert data.write(tmp_path) == folder
    assert {each.name: each.stat().st_mtime_ns for each in folder.iterdir()} == before
    with pytest.raises(EpochExists, match="with other data"):
        made(units=101).write(tmp_path)
    EpochData.read(tmp_path, 0).check()
    assert EpochData.read(tmp_path, 0).manifest == data.manifest


@pytest.mark.parametrize("step", ["_write", "rename"])
def test_a_write_that_fails_leaves_nothing(
    step: str, data: EpochData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        if step == "_write":
            (Path(str(arguments[0])) / "devices.bin").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((folders, "_write", full) if step == "_write" else (os, "rename", full)))
    with pytest.raises(StorageError, match="No space left"):
        data.write(tmp_path)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    data.write(tmp_path)
    EpochData.read(tmp_path, 0).check()


def test_a_missing_epoch_is_told(data: EpochData, tmp_path: Path) -> None:
    with pytest.raises(EpochNotFound, match="no data of epoch 3"):
        EpochData.read(tmp_path, 3)
    folder = data.write(tmp_path)
    (folder / "receipts.bin").unlink()
    with pytest.raises(EpochNotFound, match=r"receipts\.bin"):
        EpochData.read(tmp_path, 0)
    folder.rename(tmp_path / "1")
    with pytest.raises(EpochDamaged, match="another epoch"):
        EpochData.read(tmp_path, 1)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("change", ["flip", "cut", "add", "empty"])
def test_a_changed_file_is_found(name: str, change: str, data: EpochData, tmp_path: Path) -> None:
    file = data.write(tmp_path) / name
    content = file.read_bytes()
    flipped = bytes([content[0] ^ 1]) + content[1:]
    file.write_bytes({"flip": flipped, "cut": content[:-1], "add": content + content, "empty": b""}[change])
    with pytest.raises(EpochDamaged, match=name):
        EpochData.read(tmp_path, 0)


def test_the_manifest_has_one_form(data: EpochData) -> None:
    encoded = data.manifest.encode()
    assert Manifest.decode(encoded) == data.manifest
    value = json.loads(encoded)
    assert encoded == json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    assert value["terms"] == r.terms().to_json()
    assert EpochTerms.from_json(value["terms"]) == r.terms()


CHANGES: list[Callable[[dict[str, object]], object]] = [
    lambda value: value.pop("root"),
    lambda value: value.update(more=1),
    lambda value: value.update(version=2),
    lambda value: value.update(total=5),
    lambda value: value.update(total="05"),
    lambda value: value.update(total=str(1 << 64)),
    lambda value: value.update(count=-1),
    lambda value: value.update(count=True),
    lambda value: value.update(root="AA" * 32),
    lambda value: value.update(root="aa"),
    lambda value: value.update(previous=""),
    lambda value: value.update(policy=[]),
    lambda value: value.update(files={}),
    lambda value: value.update(network="x"),
]


@pytest.mark.parametrize("change", CHANGES)
def test_other_manifests_are_refused(change: Callable[[dict[str, object]], object], data: EpochData) -> None:
    value = json.loads(data.manifest.encode())
    change(value)
    with pytest.raises(EncodingError):
        Manifest.decode(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())


@pytest.mark.parametrize("wrong", [b"", b"[]", b"{", b"[" * 100_000, b"\xff"])
def test_what_is_no_manifest_is_refused(wrong: bytes, data: EpochData, tmp_path: Path) -> None:
    with pytest.raises(EncodingError):
        Manifest.decode(wrong)
    (data.write(tmp_path) / "manifest.json").write_bytes(wrong)
    with pytest.raises(EpochDamaged, match="manifest of epoch 0 is damaged"):
        EpochData.read(tmp_path, 0)


def test_a_manifest_with_spaces_is_not_canonical(data: EpochData) -> None:
    with pytest.raises(EncodingError, match="canonical"):
        Manifest.decode(data.manifest.encode().replace(b",", b", "))


@pytest.mark.parametrize(
    ("rows", "field"),
    [
        ("payees", "payout"),
        ("payees", "reward"),
        ("payees", "devices_root"),
        ("payees", "first"),
        ("payees", "devices"),
        ("devices", "position"),
        ("devices", "index"),
        ("devices", "device"),
        ("devices", "units"),
        ("devices", "reward"),
        ("devices", "head"),
        ("devices", "carry"),
        ("devices", "seq"),
        ("receipts", "signature"),
        ("registrations", "capacity"),
    ],
)
def test_checking_finds_rows_that_were_changed(rows: str, field: str, data: EpochData) -> None:
    changed: Rows = getattr(data, rows).copy()
    if changed[field].ndim == 2:
        changed[field][0, 0] ^= 1
    else:
        changed[field][0] += 1
    with pytest.raises(EpochDamaged):
        replace(data, **{rows: changed}).check()


@pytest.mark.parametrize("field", ["root", "count", "devices", "total", "units"])
def test_checking_finds_a_manifest_that_lies(field: str, data: EpochData) -> None:
    value = getattr(data.manifest, field)
    lie = b"r" * 32 if isinstance(value, bytes) else value + 1
    with pytest.raises(EpochDamaged):
        replace(data, manifest=replace(data.manifest, **{field: lie})).check()


def test_checking_finds_two_payees_of_one_wallet(data: EpochData) -> None:
    payees = data.payees.copy()
    payees["payout"][1] = payees["payout"][0]
    twice = EpochData.seal(data.manifest, payees, data.devices, data.registrations, data.receipts, {})
    with pytest.raises(EpochDamaged, match="payees"):
        twice.check()


def test_checking_finds_devices_out_of_order(data: EpochData) -> None:
    devices = data.devices.copy()
    devices[[0, 1]] = devices[[1, 0]]
    swapped = EpochData.seal(data.manifest, data.payees, devices, data.registrations, data.receipts, {})
    with pytest.raises(EpochDamaged, match="order of devices"):
        swapped.check()


def test_positions_of_wallets(data: EpochData) -> None:
    for position, payout in enumerate(data.payees["payout"]):
        assert data.position(bytes(payout)) == position
    assert data.position(wallet("nobody")) is None
    assert data.position(bytes(32)) is None
    assert data.position(b"\xff" * 32) is None
    with pytest.raises(InputError):
        data.position(b"short")


def test_wallets_are_ordered_as_unsigned_bytes_and_to_their_last_zero() -> None:
    wallets = [bytes(31) + b"\x01", b"\x01" + bytes(31), b"\x7f" * 32, b"\x80" + bytes(31), b"\x80" * 32, b"\xff" * 32]
    machines = [Machine(f"z{number}", r.Pubkey(each)) for number, each in enumerate(reversed(wallets))]
    rows = [each.registration() for each in machines]
    data = build(
        None,
        inputs(0, rows, [each.receipt(1, 1, at(0)) for each in machines]),
        r.terms(),
        FixedRate(),
        runner=LocalRunner(1),
    )
    assert [bytes(each) for each in data.payees["payout"]] == wallets
    assert [data.position(each) for each in wallets] == list(range(6))


@given(st.lists(st.integers(1, 20), min_size=1, max_size=12), st.integers(0, 2**32))
def test_leaves_and_roots_are_those_of_the_core(sizes: list[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    devices, payees = np.zeros(sum(sizes), DEVICE), np.zeros(len(sizes), PAYEE)
    for rows in (devices, payees):
        for name in rows.dtype.names or ():
            if rows[name].ndim == 2:
                rows[name] = random.integers(0, 256, rows[name].shape, "u1")
            else:
                rows[name] = random.integers(
                    0, np.iinfo(rows.dtype[name]).max, len(rows), rows.dtype[name], endpoint=True
                )
    payees["devices"] = sizes
    payees["first"] = np.cumsum(sizes) - sizes
    leaves = [
        device_leaf(int(each["index"]), int(each["units"]), int(each["reward"]), each["head"].tobytes())
        for each in devices
    ]
    assert device_leaves(devices) == b"".join(leaves)
    roots = device_roots(devices, payees["first"], payees["devices"])
    ends = np.cumsum(sizes).tolist()
    expected = [Tree(b"".join(leaves[end - size : end])).root for size, end in zip(sizes, ends, strict=True)]
    assert [bytes(each) for each in roots] == expected
    domain = bytes(range(32))
    assert payee_leaves(domain, 7, payees) == b"".join(
        payee_leaf(domain, 7, at, each["payout"].tobytes(), int(each["reward"]), each["devices_root"].tobytes())
        for at, each in enumerate(payees)
    )
