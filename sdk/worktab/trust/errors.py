"""Errors of disputes; their codes are stable."""

from __future__ import annotations

from worktab.core.errors import StateError, VerificationError


class RecordNotHeld(StateError):
    """The records at hand do not hold the one to be disputed, or do not form a chain there."""

    code = "record_not_held"
    default_next_step = "Get a bundle of the device's records in which that job and those after it stand"


class NotShownSigned(VerificationError):
    """Nothing at hand shows that the device signed the record: no receipt, nor the head on chain, is over it."""

    code = "not_shown_signed"
    default_next_step = (
        "Pass a receipt of the device over that job or a later one (--receipt, --ingest), or wait until it submits one"
    )


class TooFarFromReceipt(StateError):
    """Too many records lie between the one to be disputed and what the device signed for one transaction."""

    code = "too_far_from_receipt"
    default_next_step = (
        "Get a receipt that the device signed closer to the record: from a purchase, an ingest, or the receipts.bin of"
        " an epoch"
    )


class AnotherDisputed(StateError):
    """The challenger disputes another record of the device already, and one is enough to suspend it."""

    code = "another_disputed"
    default_next_step = (
        "See how that dispute stands (worktab dispute status); to deposit for this record as well, name it (--job)"
    )


class NothingToDispute(StateError):
    """Nothing was found that attestors could find, too."""

    code = "nothing_to_dispute"
    default_next_step = "Nothing was sent and nothing was paid; get other records, or execute more of them"
