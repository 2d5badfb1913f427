"""Changes of a network's parameters, as `propose_update` takes them."""

from __future__ import annotations

from typing import Final

from solders.pubkey import Pubkey

from support.parties import NOBODY
from worktab.program.generated.types import Change, ClassTerms


def change(kind: int, *values: int, class_: int = 0, key: Pubkey = NOBODY) -> Change:
    """A change with the values that are given, and zeros for the others."""
    return Change(kind, class_, values + (0,) * (5 - len(values)), key)


CANCEL: Final = change(0)


def class_terms(number: int, terms: ClassTerms) -> Change:
    """New terms for a class, or a class where there was none."""
    values = (terms.meter, terms.rate, terms.max_capacity, terms.least_bond, terms.budget)
    return change(1, *values, class_=number)


def fees(fee_bps: int, burn_bps: int) -> Change:
    """Fee and burn in basis points."""
    return change(2, fee_bps, burn_bps)


def delays(parameter: int, lane_close: int, challenge: int, unbonding: int) -> Change:
    """The four delays in seconds."""
    return change(3, parameter, lane_close, challenge, unbonding)


def admission(flag: int) -> Change:
    """Whether devices need an admission signature."""
    return change(4, flag)


def guardian(key: Pubkey) -> Change:
    """Another guardian; zero for none."""
    return change(5, key=key)


def authority(key: Pubkey) -> Change:
    """Proposes the next authority; zero withdraws the proposal."""
    return change(6, key=key)


def reward_path(path: int) -> Change:
    """The path of roots is 2, from the epoch after it is applied."""
    return change(7, path)


def add_attestor(key: Pubkey, threshold: int) -> Change:
    """Another attestor, and how many must agree with it there."""
    return change(8, threshold, key=key)


def remove_attestor(key: Pubkey) -> Change:
    """One attestor less, at once."""
    return change(9, key=key)


def threshold(number: int) -> Change:
    """How many attestors must agree."""
    return change(10, number)


def withdraw_pool(amount: int, destination: Pubkey) -> Change:
    """So many base units of the free pool for a token account."""
    return change(11, amount, key=destination)


def disputes(deposit: int, slash_bps: int) -> Change:
    """What a challenger deposits, and what a guilty dispute slashes at most, basis points."""
    return change(12, deposit, slash_bps)
