"""What became of a consumer's calls. `confirmed` is None where the chain showed it to be done already."""

from __future__ import annotations

from dataclasses import dataclass

from solders.pubkey import Pubkey

from worktab.chain.sending import Confirmed


@dataclass(frozen=True, slots=True)
class OpenedTab:
    """A consumer's tab."""

    address: Pubkey
    confirmed: Confirmed | None


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Base units that went from a tab's balance to the token account `destination`."""

    amount: int
    destination: Pubkey
    confirmed: Confirmed | None


@dataclass(frozen=True, slots=True)
class ChosenSlot:
    """The slot, 1 to 4, that a delegate has."""

    slot: int
    confirmed: Confirmed | None


@dataclass(frozen=True, slots=True)
class Reservation:
    """A lane and what it holds.

    nonce      the lane's nonce
    index      the device's index in the network
    reserved   base units that the lane holds now, not yet moved
    confirmed  the transaction
    """

    nonce: int
    index: int
    reserved: int
    confirmed: Confirmed


@dataclass(frozen=True, slots=True)
class LaneEnd:
    """How far a lane's end has come.

    ended       whether the lane is gone
    returned    base units that this call gave back to the balance
    may_end_at  when a lane that closes may end, Unix seconds; 0 for one that is gone
    """

    nonce: int
    ended: bool
    returned: int
    may_end_at: int
    confirmed: Confirmed | None


@dataclass(frozen=True, slots=True)
class PaidInvoice:
    """Base units that were paid on an invoice, and what is left to pay."""

    amount: int
    outstanding: int
    confirmed: Confirmed | None
