"""Errors of epochs; their codes are stable."""

from __future__ import annotations

from worktab.core.errors import InputError, StateError, VerificationError


class EpochNotFound(StateError):
    """The folder of published data has no such epoch."""

    code = "epoch_not_found"
    default_next_step = "Build the epoch, or fetch its folder from who published it"


class EpochExists(StateError):
    """The epoch was published with other data already."""

    code = "epoch_exists"
    default_next_step = "Published data never change: use another folder, or take away the one that was never committed"


class EpochDamaged(VerificationError):
    """Published data are not what their manifest, or a root, says."""

    code = "epoch_damaged"
    default_next_step = "Fetch the epoch's folder again from who published it"


class EpochNotOver(StateError):
    """The epoch goes on, so receipts of it may still come."""

    code = "epoch_not_over"
    default_next_step = "Wait until it is over"


class PolicyError(InputError):
    """A policy is not one that this version knows, or it gave more than it may."""

    code = "policy"
