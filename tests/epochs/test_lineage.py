"""What an epoch is built on: data that lead to the final root, by the hashes of the manifests they follow."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from support.built import RATE, TERMS, A, B, first, made
from support.receipts import at, inputs
from worktab.epochs.attesting.accepted import Accepted
from worktab.epochs.data import EpochData
from worktab.epochs.errors import EpochDamaged, EpochExists
from worktab.epochs.lineage import PreviousUnknown, base, put
from worktab.epochs.policy import FixedRate
from worktab.epochs.publishing import build_next
from worktab.ingest.inputs import Inputs


def network(final: EpochData | None) -> Any:
    """What is read of a network whose final root is that of these data."""
    if final is None:
        return SimpleNamespace(root_count=0, root_epoch=0, root=bytes(32), root_data=bytes(32))
    manifest = final.manifest
    return SimpleNamespace(
        root_count=manifest.count, root_epoch=final.epoch, root=manifest.root, root_data=manifest.hash()
    )


@cache
def signed(epoch: int) -> Inputs:
    """Of two devices, for 10 jobs and 100 units an epoch; signed once, for signatures differ."""
    seq = epoch + 1
    receipts = [each.receipt(10 * seq, 100 * seq, at(epoch)) for each in (A, B)]
    return inputs(epoch, [A.registration(), B.registration()], receipts)


STORE: Any = SimpleNamespace(inputs=signed)


def build(folder: Path, epoch: int, final: EpochData | None, policy: FixedRate = RATE) -> tuple[EpochData, bool]:
    return build_next(folder, epoch, STORE, network(final), TERMS, policy, verify=False)


def test_both_ways_build_on_the_newest_that_leads_to_the_final_root(tmp_path: Path) -> None:
    zero = build(tmp_path, 0, None)[0]
    # Of other data for epoch 0 than those that became final.
    stray = made(first(A), inputs(1, [A.registration()], [A.receipt(10, 150, at(1))]))
    stray.write(tmp_path)
    assert base(tmp_path, 2, network(zero), TERMS).manifest == zero.manifest  # type: ignore[union-attr]
    found = Accepted(tmp_path).base(2, network(zero), TERMS)
    assert found is not None
    assert found.manifest == zero.manifest
    two, new = build(tmp_path, 2, zero)
    assert (new, two.manifest.previous, two.manifest.first_epoch) == (True, zero.manifest.hash(), 1)
    shutil.rmtree(tmp_path / "0")
    for folder in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(PreviousUnknown):
            build(folder, 3, zero)


def test_an_epoch_that_follows_what_was_replaced_is_built_anew(tmp_path: Path) -> None:
    old, one = build(tmp_path, 0, None)[0], build(tmp_path, 1, None)[0]
    assert one.manifest.previous == old.manifest.hash()
    assert build(tmp_path, 1, None)[1] is False
    without = FixedRate((B.address,))
    new, built = build(tmp_path, 0, None, without)
    assert (built, new.left_out) == (True, {"excluded": 1})
    assert EpochData.read(tmp_path, 0).manifest == new.manifest != old.manifest
    again, built = build(tmp_path, 1, None, without)
    assert (built, again.manifest.previous) == (True, new.manifest.hash())
    # By the first policy again: epoch 1 was built by another, and on what is there no more.
    build(tmp_path, 0, None)
    back, built = build(tmp_path, 1, None)
    assert (built, back.manifest) == (True, one.manifest)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["0", "1"]


def test_what_a_final_root_covers_stays(tmp_path: Path) -> None:
    zero, one = build(tmp_path, 0, None)[0], build(tmp_path, 1, None)[0]
    without = FixedRate((B.address,))
    for epoch in (0, 1):
        with pytest.raises(EpochExists, match="is final"):
            build(tmp_path, epoch, one, without)
        assert build(tmp_path, epoch, one)[1] is False
    other = build(tmp_path / "other", 0, None, without)[0]
    with pytest.raises(EpochExists, match="epoch 1 is final"):
        put(tmp_path, other, network(one))
    assert EpochData.read(tmp_path, 0).manifest == zero.manifest
    # What became final takes the place of what did not.
    put(tmp_path / "other", zero, network(zero))
    assert EpochData.read(tmp_path / "other", 0).manifest == zero.manifest


def test_data_that_only_share_the_final_root_are_not_the_final_ones(tmp_path: Path) -> None:
    true = build(tmp_path, 0, None)[0]
    devices = np.array(true.devices)
    devices["chain_units"] = 0
    forged = EpochData.seal(true.manifest, true.payees, devices, true.registrations, true.receipts, {})
    assert forged.manifest.root == true.manifest.root
    forged.write(tmp_path, replace=True)
    with pytest.raises(EpochDamaged, match="not the one that is final"):
        build(tmp_path, 0, true)
    with pytest.raises(PreviousUnknown):
        build(tmp_path, 1, true)
