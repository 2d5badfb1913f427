"""What a network's authority chooses, with names for the numbers the program knows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag

from solders.pubkey import Pubkey

from worktab.core.errors import InputError
from worktab.core.records import Meter
from worktab.program.generated.types import ClassTerms, NetworkTerms
from worktab.roles.decoding import known

NOBODY = Pubkey.default()
"""The zero address, which stands for nobody."""


class RewardPath(IntEnum):
    """How a network rewards: by receipts recorded on chain, or by roots (PROTOCOL section 1)."""

    RECEIPTS = 1
    ROOTS = 2


class RewardBasis(IntEnum):
    """Which units a network on the path of receipts rewards (PROTOCOL section 5).

    ALL_UNITS   all reported units within a device's capacity
    SOLD_UNITS  only units sold to others than the device's owner, at most by the fee and burn that those sales paid;
                settled at claims, while receipts accrue nothing
    """

    ALL_UNITS = 1
    SOLD_UNITS = 2


class Pause(IntFlag):
    """Kinds of new work that a network can stop; nothing stops an exit (PROTOCOL section 5)."""

    NONE = 0
    REGISTER = 1
    SUBMIT = 2
    RESERVE = 4
    COMMIT = 8
    FINALIZE = 16
    ALL = 31


class DeviceStatus(IntEnum):
    """Where a device stands. Only an active one submits receipts."""

    ACTIVE = 1
    SUSPENDED = 2
    RETIRED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkClass:
    """A class of devices: what its work is measured in and what it pays (PROTOCOL section 4).

    rate          base units for 1,000,000 work units
    max_capacity  largest capacity of one device, work units an epoch
    budget        most base units the class may be paid in one epoch
    least_bond    base units a device must have bonded to have capacity and to submit receipts
    meter         what work is measured in; never changes once the class is set up
    """

    rate: int
    max_capacity: int
    budget: int
    least_bond: int = 0
    meter: Meter = Meter.WASM_FUEL

    def encode(self) -> ClassTerms:
        """The class as the program takes it."""
        return ClassTerms(int(self.meter), self.rate, self.max_capacity, self.least_bond, self.budget)

    @classmethod
    def decode(cls, terms: ClassTerms) -> WorkClass:
        """The class that `terms` tell of. Raises `EncodingError` for a meter that this release does not know."""
        return cls(
            rate=terms.rate,
            max_capacity=terms.max_capacity,
            budget=terms.budget,
            least_bond=terms.least_bond,
            meter=known(Meter, terms.meter, "meter"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPlan:
    """What the creator of a network chooses (PROTOCOL sections 4 and 5). Delays are in seconds.

    mint              the token it pays in
    classes           8 at most; more can be set up later, by changes
    id                tells one creator's networks apart, u64
    epoch_length      seconds; never changes
    reward_path       by receipts, or by roots
    basis             which units are rewarded; sold ones only on the path of receipts
    admission         whether devices need the authority's or an attestor's signature to register
    fee_bps           fee on earnings, basis points; fee and burn together 3,000 at most
    burn_bps          part of earnings that is burnt, basis points
    parameter_delay   what every later change of these parameters waits
    lane_close_delay  how long a consumer's closing lane still settles; 3,600 or more
    challenge_delay   how long a root or a contested agreement can be challenged
    unbonding_delay   how long a leaving bond stays; not below the challenge delay
    dispute_deposit   what a challenger of a record deposits, base units; 0 for no disputes
    slash_bps         most of a bond that one guilty dispute slashes, basis points
    guardian          may pause new work
    attestors         16 at most
    threshold         attestors that must agree, more than half; by default the least number that is

    Raises `InputError` for a basis that the path does not go with.
    """

    mint: Pubkey
    classes: tuple[WorkClass, ...]
    id: int = 0
    epoch_length: int = 3_600
    reward_path: RewardPath = RewardPath.RECEIPTS
    basis: RewardBasis = RewardBasis.ALL_UNITS
    admission: bool = False
    fee_bps: int = 0
    burn_bps: int = 0
    parameter_delay: int = 86_400
    lane_close_delay: int = 3_600
    challenge_delay: int = 86_400
    unbonding_delay: int = 604_800
    dispute_deposit: int = 0
    slash_bps: int = 0
    guardian: Pubkey | None = None
    attestors: tuple[Pubkey, ...] = ()
    threshold: int | None = None

    def __post_init__(self) -> None:
        if self.basis == RewardBasis.SOLD_UNITS and self.reward_path != RewardPath.RECEIPTS:
            raise InputError(
                "Only a network on the path of receipts can reward by units sold",
                expected="RewardPath.RECEIPTS",
                got=f"path {self.reward_path}",
            )

    def encode(self, genesis_hash: bytes) -> NetworkTerms:
        """The terms as the program takes them, for the cluster of this 32-byte genesis hash."""
        majority = len(self.attestors) // 2 + 1 if self.attestors else 0
        return NetworkTerms(
            id=self.id,
            genesis_hash=genesis_hash,
            guardian=self.guardian or NOBODY,
            epoch_length=self.epoch_length,
            reward_path=int(self.reward_path),
            basis=int(self.basis),
            admission=int(self.admission),
            fee_bps=self.fee_bps,
            burn_bps=self.burn_bps,
            parameter_delay=self.parameter_delay,
            lane_close_delay=self.lane_close_delay,
            challenge_delay=self.challenge_delay,
            unbonding_delay=self.unbonding_delay,
            dispute_deposit=self.dispute_deposit,
            slash_bps=self.slash_bps,
            threshold=majority if self.threshold is None else self.threshold,
            attestors=self.attestors,
            classes=tuple(each.encode() for each in self.classes),
        )
