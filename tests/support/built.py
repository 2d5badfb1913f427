"""Epochs built of a few devices, and what they give whom."""

from __future__ import annotations

import numpy as np

from support import receipts as r
from support.receipts import Machine, at, inputs, wallet
from worktab.epochs.building import build
from worktab.epochs.data import EpochData
from worktab.epochs.policy import FixedRate, Policy
from worktab.epochs.runners import LocalRunner
from worktab.ingest.inputs import Inputs

ONE = LocalRunner(1)
TERMS = r.terms()
RATE = FixedRate()
A, B = Machine("a", wallet("alice"), index=3), Machine("b", wallet("bob"), p256=True)


def made(
    previous: EpochData | None,
    given: Inputs,
    terms: r.EpochTerms = TERMS,
    policy: Policy = RATE,
) -> EpochData:
    """A build, sound in itself, and the same again from what it published."""
    data = build(previous, given, terms, policy, runner=ONE)
    data.check()
    again = build(previous, data.inputs(), terms, policy, runner=ONE)
    assert again.manifest.encode() == data.manifest.encode()
    assert again.left_out == {}
    return data


def first(*machines: Machine, units: int = 100, terms: r.EpochTerms = TERMS) -> EpochData:
    """Epoch 0, in which every machine did its first job."""
    return made(
        None,
        inputs(0, [each.registration() for each in machines], [each.receipt(1, units, at(0, 5)) for each in machines]),
        terms,
    )


def row(data: EpochData, machine: Machine, payout: r.Pubkey | None = None) -> np.void:
    """A machine's row, under its present payout unless another is named."""
    position = data.position(bytes(payout or machine.payout))
    mine = (data.devices["device"] == np.frombuffer(bytes(machine.address), "u1")).all(axis=1)
    [found] = data.devices[mine & (data.devices["position"] == position) & (data.devices["index"] == machine.number)]
    return found


def reward(data: EpochData, payout: r.Pubkey) -> int:
    """A payee's lifetime reward in base units."""
    position = data.position(bytes(payout))
    assert position is not None
    return int(data.payees["reward"][position])
