"""Accounts closed and made again by their own instructions: what was signed for the old one is void for the new one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final

import pytest

from support.adversarial_cast import Chain
from support.adversarial_effects import moved
from support.adversarial_mutations import Attempt
from support.adversarial_oracle import Changes, Theatre, compared, snapshot
from support.adversarial_rebirths import LIVES, Steps, reborn_slots
from support.adversarial_scenes import ALL, stage_of
from support.adversarial_summary import PROPERTY

_SLOTS: Final = 100
"""So many go by before the account is closed: tabs and invoices can't close in the slot that they began in."""
STAYS: Final = "it stays"
SUCCEEDS: Final = "the call succeeds"

OUTCOMES: Final[dict[str, tuple[str, ...]]] = {
    STAYS: (  # what is owed, held or disputed keeps the account
        "claim: device 1",
        "claim: device 2",
        "claim (of rewards alone): device 1",
        "contest_sla: device",
        "enforce_sla (kept): device",
        "enforce_sla (missed): device",
        "open_dispute (by the head on chain): device",
        "open_sla: device",
        "refund_invoice: device",
        "resolve_dispute (guilty): device",
        "resolve_dispute (guilty): dispute",
        "resolve_dispute (not guilty): device",
        "resolve_dispute (undecided): device",
        "withdraw_bond (after the delay): device",
        "withdraw_bond (that is to leave): device",
    ),
    "it can't close: TabNotEmpty": (
        "close_lane: tab",
        "close_lane (after the delay): tab",
        "close_lane (by a delegate): tab",
        "close_lane (by the device's owner): tab",
        "enforce_sla (kept): tab",
        "enforce_sla (missed): tab",
        "open_sla: tab",
        "reserve_lane (more on a lane): tab",
        "settle_batch: tab",
        "settle_batch (by the signer itself): tab",
        "settle_voucher: tab",
        "settle_voucher (of a delegate's lane): tab",
        "settle_voucher (by the signer itself): tab",
    ),
    "it can't close: SlaRunning": ("contest_sla: sla", "vote_sla: sla"),
    "it can't close: DisputeUndecided": ("vote_dispute: dispute",),
    "it can't close: BelowThreshold": ("vote_epoch: epoch", "vote_epoch (a veto): epoch"),
    "it can't begin again: EpochCovered": ("finalize_epoch: epoch",),
    "it can't begin again: OverReserve": ("enforce_sla (kept): sla",),
    "it can't begin again: WrongContext": ("close_dispute: dispute",),
    "the call fails: ForeignLane": (
        "close_lane (by the device's owner): device",
        "reserve_lane (more on a lane): device",
        "settle_voucher: device",
        "settle_voucher (of a delegate's lane): device",
        "settle_voucher (by the signer itself): device",
    ),
    "the call fails: InvalidBatch": (
        "settle_batch: device 1",
        "settle_batch: device 2",
        "settle_batch (by the signer itself): device 1",
        "settle_batch (by the signer itself): device 2",
    ),
    "the call fails: WrongContext": (
        "open_dispute: device",
        "open_dispute (by the key itself): device",
        "submit_receipt: device",
        "submit_receipt (by the key itself): device",
        "submit_receipt (cut, the owner consents): device",
    ),
    "the call fails: WrongParty": ("pay_invoice: device", "pay_invoice (by a delegate): device"),
    "the call fails: TermsChanged": ("pay_invoice: invoice", "pay_invoice (by a delegate): invoice"),
    "the call fails: Unauthorized": ("pay_invoice (by a delegate): tab", "reserve_lane (by a delegate): tab"),
    "the call fails: RefundTooLarge": ("refund_invoice: invoice",),
    "the call fails: SlaRunning": ("enforce_sla (missed): sla",),
    "the call fails: DisputeUndecided": (
        "resolve_dispute (not guilty): dispute",
        "resolve_dispute (undecided): dispute",
    ),
    "the call fails: TooSoon": ("close_tab: tab", "void_invoice: invoice"),
    SUCCEEDS: (  # who has power over the new account signs, or the call only adds to it
        "close_dispute: device",
        "create_invoice: device",
        "deposit: tab",
        "deposit_bond: device",
        "open_dispute: tab",
        "open_dispute (by the head on chain): tab",
        "open_dispute (by the key itself): tab",
        "pay_invoice: tab",
        "refund_invoice: tab",
        "reserve_lane: device",
        "reserve_lane: tab",
        "reserve_lane (by a delegate): device",
        "resolve_dispute (guilty): consumer_tab",
        "resolve_dispute (guilty): tab",
        "resolve_dispute (not guilty): consumer_tab",
        "resolve_dispute (not guilty): tab",
        "resolve_dispute (undecided): consumer_tab",
        "resolve_dispute (undecided): tab",
        "retire_device: device",
        "set_delegate: tab",
        "update_device: device",
        "update_device (with a new key, admitted): device",
        "void_invoice: device",
        "withdraw: tab",
    ),
}
EXPECTED: Final = {name: outcome for outcome, names in OUTCOMES.items() for name in names}
REBORN: Final = [f"{scene}: {slot}" for scene, slot in reborn_slots()]


def test_every_account_that_can_close_has_its_outcome() -> None:
    assert set(EXPECTED) == set(REBORN)


@pytest.mark.parametrize("name", REBORN)
def test_what_was_signed_for_an_account_is_void_for_the_next(
    name: str, record_property: Callable[[str, object], None]
) -> None:
    record_property(PROPERTY, "closed and made again")
    scene, slot = name.split(": ")
    theatre = _theatre(scene)
    valid = theatre.valid(Attempt(theatre.stage.own, theatre.stage.own)).changes
    with _later(theatre):
        assert _outcome(theatre, scene, slot, valid) == EXPECTED.get(name)


@cache
def _theatre(scene: str) -> Theatre:
    return Theatre(stage_of(scene))


@contextmanager
def _later(theatre: Theatre) -> Iterator[None]:
    """Some slots go by at the same time of day; afterwards everything is as before."""
    runtime = theatre.cast.world.runtime
    before, after = runtime.get_clock(), runtime.get_clock()
    after.slot += _SLOTS
    runtime.set_clock(after)
    try:
        yield
    finally:
        theatre.restore()
        runtime.set_clock(before)


def _outcome(theatre: Theatre, scene: str, slot: str, valid: Changes) -> str:
    stage = theatre.stage
    company, world = stage.cast.own, stage.cast.world
    number = [each.name for each in ALL[scene].places].index(slot)
    address, life = stage.own.metas[number].pubkey, LIVES[ALL[scene].places[number].kind]
    data = world.data(address)
    refused = _send(world, life.close(company, address))
    if refused:
        return f"it can't close: {refused}"
    if world.account(address) is not None:
        return STAYS
    refused = _send(world, life.open(company, address, data))
    if refused:
        return f"it can't begin again: {refused}"
    before = snapshot(stage.cast)
    result = world.send(*stage.own.transaction, payer=stage.cast.fees)
    changes = compared(before, snapshot(stage.cast))
    assert changes.pop(stage.cast.fees.pubkey()).moved == (-result.fee, 0)
    if not result.ok:
        assert not changes
        return f"the call fails: {result.error_name}"
    assert moved(changes) == moved(valid)
    return SUCCEEDS


def _send(world: Chain, steps: Steps) -> str:
    """Why a step was refused, empty if none was."""
    for step in steps:
        result = world.send(step)
        if not result.ok:
            return result.error_name
    return ""
