"""The published data of an epoch: what a root was made from, and what the next one is made on.

An epoch is a folder `<directory>/<index>/` with `manifest.json` and four files of fixed rows. It appears under its name
only once it is whole and on the disk, and never changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from worktab.core._checks import Bytes32, bytes32
from worktab.core.commitments import EpochCommitment
from worktab.core.errors import EncodingError
from worktab.core.merkle import Tree
from worktab.epochs.errors import EpochDamaged, EpochNotFound
from worktab.epochs.folders import publish, read_file
from worktab.epochs.layout import PAYEE, ROWS
from worktab.epochs.leaves import device_roots, payee_leaves
from worktab.epochs.manifest import FILES, Manifest
from worktab.epochs.sums import U64_MAX, total
from worktab.epochs.terms import EpochTerms
from worktab.ingest.inputs import Inputs
from worktab.ingest.rows import Rows


@dataclass(frozen=True, eq=False)
class EpochData:
    """The data of one epoch.

    Attributes:
        manifest: what the data say of themselves.
        payees: `PAYEE` rows; a payee's row number is its position.
        devices: `DEVICE` rows.
        registrations: `REGISTRATION` rows that this epoch is the first to count receipts by.
        receipts: `RECEIPT` rows that this epoch counts, sorted by device.
        left_out: receipts and registrations that the build left out, by reason. Not published: nothing is known of them
            where data were read.
    """

    manifest: Manifest
    payees: Rows
    devices: Rows
    registrations: Rows
    receipts: Rows
    left_out: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def seal(
        cls,
        draft: Manifest,
        payees: Rows,
        devices: Rows,
        registrations: Rows,
        receipts: Rows,
        left_out: Mapping[str, int],
    ) -> EpochData:
        """The data of these rows, their sums, root and hashes put into the draft of their manifest.

        The payees' rewards and roots are made from their devices; `payees` needs only payout, first and devices.
        """
        payees = payees.copy()
        payees["reward"] = _sums(devices["reward"], payees)
        payees["devices_root"] = device_roots(devices, payees["first"], payees["devices"])
        sealed = replace(
            draft,
            files=_hashes(payees, devices, registrations, receipts),
            root=Tree(payee_leaves(draft.domain, draft.epoch, payees)).root,
            count=len(payees),
            devices=len(devices),
            total=total(payees["reward"]),
            units=min(total(devices["units"]), U64_MAX),
        )
        return cls(sealed, payees, devices, registrations, receipts, left_out)

    @property
    def epoch(self) -> int:
        """The epoch whose end the data stand for."""
        return self.manifest.epoch

    def inputs(self) -> Inputs:
        """What was published of what the epoch was built from: with the previous data, terms and policy of the manifest
        it builds to the same bytes again."""
        return Inputs(self.epoch, self.registrations, self.receipts)

    def leaves(self) -> bytes:
        """The payees' leaves in the order of their positions, 32 bytes each."""
        return payee_leaves(self.manifest.domain, self.epoch, self.payees)

    def tree(self) -> Tree:
        """The tree over all payees; made anew at every call, about 1.5 s for a million."""
        return Tree(self.leaves())

    def commitment(self, checked: int = 0, failed: int = 0, ms: int = 0) -> EpochCommitment:
        """The commitment to these data, with the records its attestor checked, those that failed and the milliseconds
        it took."""
        manifest = self.manifest
        return EpochCommitment(
            epoch=manifest.epoch,
            root=manifest.root,
            count=manifest.count,
            total=manifest.total,
            units=manifest.units,
            data=manifest.hash(),
            records_checked=checked,
            records_failed=failed,
            check_ms=ms,
        )

    def position(self, payout: Bytes32) -> int | None:
        """The position of a payout wallet; None where it is no payee."""
        order, wallets = self._wallets
        wanted = np.frombuffer(bytes32(payout, "payout"), "S32")
        at = int(np.searchsorted(wallets, wanted)[0])
        return int(order[at]) if at < len(order) and wallets[at] == wanted[0] else None

    @cached_property
    def _wallets(self) -> tuple[Rows, Rows]:
        wallets = np.ascontiguousarray(self.payees["payout"]).view("S32")[:, 0]
        order = np.argsort(wallets, kind="stable")
        return order, wallets[order]

    def check(self) -> None:
        """Makes sums, roots and the order of rows anew and compares them with what the data say.

        Hashes of files are not looked at; `read` does that.

        Raises:
            EpochDamaged: something differs.
        """
        payees, devices = self.payees, self.devices
        counts = payees["devices"].astype(np.int64)
        ends = np.cumsum(counts)
        _require((counts > 0).all() and (payees["first"] == ends - counts).all(), "payees' rows of devices")
        _require(int(counts.sum()) == len(devices), "payees' rows of devices")
        _require((devices["position"] == np.repeat(np.arange(len(payees)), counts)).all(), "positions of devices")
        same, index = devices["position"][1:] == devices["position"][:-1], devices["index"]
        device = np.ascontiguousarray(devices["device"]).view("S32")[:, 0]
        rising = (index[1:] > index[:-1]) | ((index[1:] == index[:-1]) & (device[1:] > device[:-1]))
        _require((~same | rising).all(), "order of devices")
        order, wallets = self._wallets
        _require((wallets[1:] > wallets[:-1]).all() and len(order) > 0, "payees")
        fresh = EpochData.seal(self.manifest, payees, devices, self.registrations, self.receipts, {})
        for name in PAYEE.names or ():
            _require((fresh.payees[name] == payees[name]).all(), f"payees' {name}")
        _require(fresh.manifest == self.manifest, "sums, root or hashes in the manifest")

    def write(self, directory: Path, *, replace: bool = False) -> Path:
        """Publishes the data as `<directory>/<epoch>/` and returns that folder.

        Data that are there already, byte for byte, are left as they are; others give way where `replace` says so.

        Raises:
            EpochExists: the epoch is there with other data.
            StorageError: the folder can't be written.
        """
        contents = {name: _bytes(rows) for name, rows in self._files().items()}
        contents["manifest.json"] = memoryview(self.manifest.encode())
        return publish(directory, self.epoch, contents, replace=replace)

    @classmethod
    def read(cls, directory: Path, index: int) -> EpochData:
        """The published data of epoch `index`, every file checked against the manifest's hash of it.

        Rows are mapped from the disk, not held in memory.

        Raises:
            EpochNotFound: there is none.
            EpochDamaged: a file is not what the manifest says.
            StorageError: a file can't be read.
        """
        folder = directory / str(index)
        try:
            manifest = Manifest.decode((folder / "manifest.json").read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            raise EpochNotFound(f"There are no data of epoch {index}", expected=str(folder)) from None
        except EncodingError as error:
            raise EpochDamaged(f"The manifest of epoch {index} is damaged", got=str(error)) from error
        if manifest.epoch != index:
            raise EpochDamaged("The manifest is of another epoch", expected=str(index), got=str(manifest.epoch))
        rows = {name: read_file(folder / name, dtype) for name, dtype in ROWS.items()}
        for name in FILES:
            found = hashlib.sha256(_bytes(rows[name])).digest()
            if found != manifest.files[name]:
                raise EpochDamaged(
                    f"{name} of epoch {index} is damaged", expected=manifest.files[name].hex(), got=found.hex()
                )
        return cls(manifest, rows["payees.bin"], rows["devices.bin"], rows["registrations.bin"], rows["receipts.bin"])

    def _files(self) -> dict[str, Rows]:
        return {
            "devices.bin": self.devices,
            "payees.bin": self.payees,
            "receipts.bin": self.receipts,
            "registrations.bin": self.registrations,
        }


def draft(
    terms: EpochTerms, policy: Mapping[str, Any], epoch: int, first_epoch: int, previous: bytes | None
) -> Manifest:
    """A manifest without what `EpochData.seal` puts in; for the arguments see `Manifest`."""
    return Manifest(
        network=terms.network,
        domain=terms.domain,
        epoch=epoch,
        first_epoch=first_epoch,
        previous=previous,
        policy=policy,
        terms=terms.to_json(),
        files={},
        root=b"",
        count=0,
        devices=0,
        total=0,
        units=0,
    )


def _hashes(payees: Rows, devices: Rows, registrations: Rows, receipts: Rows) -> dict[str, bytes]:
    rows = {
        "devices.bin": devices,
        "payees.bin": payees,
        "receipts.bin": receipts,
        "registrations.bin": registrations,
    }
    return {name: hashlib.sha256(_bytes(each)).digest() for name, each in rows.items()}


def _bytes(rows: Rows) -> memoryview:
    return np.ascontiguousarray(rows).view("u1").data


def _sums(rewards: Rows, payees: Rows) -> Rows:
    """The sum of each payee's devices."""
    if not len(payees):
        return np.zeros(0, "<u8")
    return np.add.reduceat(rewards, payees["first"].astype(np.int64), dtype="<u8")


def _require(holds: bool | np.bool_, what: str) -> None:
    if not holds:
        raise EpochDamaged(f"The {what} are not those of the data")
