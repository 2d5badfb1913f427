"""Errors of the roles; their codes are stable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worktab.core.errors import ChainError, StateError, VerificationError

if TYPE_CHECKING:
    from worktab.roles.claiming import ClaimReport
    from worktab.roles.roots import RootReport


class NetworkNotFound(StateError):
    """There is no network at the address."""

    code = "network_not_found"
    default_next_step = "Check the address and the cluster"


class NetworkExists(StateError):
    """The creator has a network of this number already."""

    code = "network_exists"
    default_next_step = "Give the new network another id"


class WrongCluster(StateError):
    """The network was made for another cluster or another program: signatures for it would mean something else."""

    code = "wrong_cluster"
    default_next_step = "Connect to the cluster that the network was created for; never sign for this one"


class DeviceNotFound(StateError):
    """There is no such device in the network: never registered, closed, or of another network."""

    code = "device_not_found"
    default_next_step = "Check the address and the network, or register the device"


class TabNotFound(StateError):
    """The consumer has no tab in the network: never opened, or closed."""

    code = "tab_not_found"
    default_next_step = "Check the consumer and the network, or open a tab"


class InvoiceNotFound(StateError):
    """There is no such invoice in the network: never made, voided, or of another network."""

    code = "invoice_not_found"
    default_next_step = "Check the address and the network; an invoice that was voided is gone"


class InvoiceExists(StateError):
    """The device has an invoice of this number with other terms."""

    code = "invoice_exists"
    default_next_step = "Give the new invoice another number, or void the old one first"


class InvoiceDisputed(StateError):
    """The consumer has disputed the invoice, so it is not paid."""

    code = "invoice_disputed"
    default_next_step = "Settle it with the issuer, then pay without passing the dispute"


class EpochNotFound(StateError):
    """There is no such commitment in the network: never made, of another network, or closed since it is final."""

    code = "epoch_not_found"
    default_next_step = "List the network's commitments again: a final or outdated one is closed"


class SlaNotFound(StateError):
    """There is no such SLA in the network: never opened, of another network, or ended and closed."""

    code = "sla_not_found"
    default_next_step = "Check tab, lane and network; an SLA that ended is gone, and its device's statistics count it"


class SlaExists(StateError):
    """An SLA is open on the lane already."""

    code = "sla_exists"
    default_next_step = "Wait until it ends, or agree on another lane"


class DisputeNotFound(StateError):
    """There is no such dispute in the network: never opened, of another network, or ended and closed."""

    code = "dispute_not_found"
    default_next_step = "Check the address and the network; a dispute that ended without guilt is gone"


class RecordUnshowable(StateError):
    """A guilty device's record names as its consumer what is no tab, so that it can't be shown to end the dispute."""

    code = "record_unshowable"
    default_next_step = "Wait: a challenge delay after the deadline, anyone ends the dispute without the record"


class NoFreeSlot(StateError):
    """Every delegate's slot of the tab is taken."""

    code = "no_free_slot"
    default_next_step = "Revoke a delegate; its slot is free as soon as no lane names it"


class AlreadyRegistered(StateError):
    """A device with this first key is registered in the network."""

    code = "already_registered"
    default_next_step = "Use the registered device, or give the new one a key of its own"


class ConflictingHistory(StateError):
    """The chain holds another receipt of the device for the same job: its key is in use in two places."""

    code = "conflicting_history"
    default_next_step = (
        "Make sure that no other copy of the device is running, then adopt the chain's state (worktab device adopt)"
    )


class NetworkBusy(StateError):
    """The network changed during every attempt to read it and its devices as of one moment."""

    code = "network_busy"
    default_next_step = "Try again"


class ClaimIncomplete(ChainError):
    """Some transactions of a claim failed; `report` tells what the others paid. The cause is the first failure."""

    code = "claim_incomplete"
    default_next_step = "Claim again: what was not paid is still owed"

    def __init__(self, message: str, *, got: str, report: ClaimReport) -> None:
        super().__init__(message, got=got)
        self.report = report


class RootReplaced(VerificationError):
    """A proof does not lead to the network's newest final root: a newer one became final since it was made.

    `report` tells what a claim for many did before; None after a claim for one.
    """

    code = "root_replaced"
    default_next_step = (
        "Fetch the payee's proof of the newest final epoch and claim with that one; what was not paid is still owed"
    )

    def __init__(self, message: str, *, expected: str = "", got: str = "", report: RootReport | None = None) -> None:
        super().__init__(message, expected=expected, got=got)
        self.report = report


class RootClaimIncomplete(ChainError):
    """Some transactions of a claim from a root failed; `report` tells what the others paid."""

    code = "root_claim_incomplete"
    default_next_step = "Claim again: what was not paid is still owed"

    def __init__(self, message: str, *, got: str, report: RootReport) -> None:
        super().__init__(message, got=got)
        self.report = report
