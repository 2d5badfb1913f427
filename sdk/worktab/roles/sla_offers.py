"""What two parties of an SLA send each other before it is opened: terms, and a signature over them.

An offer binds nobody: it is the terms as one party wrote them down. The acceptance is the other party's signature over
the one transaction that opens the SLA on these terms; it is good for about a minute (see
`worktab.chain.countersigning`), in which the party that offered signs and sends it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self

from solders.hash import Hash
from solders.instruction import Instruction
from solders.pubkey import Pubkey
from solders.signature import Signature

from worktab.chain.countersigning import Draft
from worktab.core._checks import uint
from worktab.core._json import json_address, json_decimal, json_fields, json_hex, json_u32
from worktab.core.addresses import find_sla, find_tab
from worktab.core.errors import EncodingError, InputError
from worktab.core.money import WHOLE_BPS
from worktab.program.generated import PROGRAM_ID, instructions
from worktab.program.generated.types import SlaTerms

_OFFER: Final = (
    "worktab",
    "network",
    "consumer",
    "device",
    "owner",
    "payer",
    "lane",
    "due",
    "penalty_bps",
    "deadline",
)
_ACCEPTANCE: Final = (
    "worktab",
    "sla",
    "signer",
    "payer",
    "blockhash",
    "last_valid_block_height",
    "compute_units",
    "micro_lamports",
    "signature",
)
_OFFER_KIND: Final = "sla-offer-1"
_ACCEPTANCE_KIND: Final = "sla-acceptance-1"


@dataclass(frozen=True, slots=True)
class SlaOffer:
    """Terms of an SLA, and who its parties are (PROTOCOL section 5).

    network   where
    consumer  to whom it is promised; its tab has the lane
    device    what delivers; `owner` owns it, and its bond pays the penalty
    payer     pays the transaction's fee and the account's rent, which comes back when it ends
    terms     the lane's nonce, base units due, penalty in basis points, deadline in Unix seconds

    Raises `InputError` for terms that no network takes.
    """

    network: Pubkey
    consumer: Pubkey
    device: Pubkey
    owner: Pubkey
    payer: Pubkey
    terms: SlaTerms

    def __post_init__(self) -> None:
        if self.consumer == self.owner:
            raise InputError(
                "A device's owner can promise itself nothing",
                expected="a consumer with another wallet",
                got=str(self.consumer),
                next_step="Name the consumer to whom it is promised",
            )
        uint(self.terms.nonce, 32, "lane")
        uint(self.terms.due, 64, "due")
        if not self.terms.due:
            raise InputError("Nothing is due", expected="above 0", got="0", next_step="Raise what is due")
        if not 0 <= self.terms.bps <= WHOLE_BPS:
            raise InputError("The penalty is out of range", expected=f"0 to {WHOLE_BPS}", got=str(self.terms.bps))
        if not 0 < self.terms.deadline < 1 << 63:
            raise InputError("The deadline is out of range", expected="Unix seconds", got=str(self.terms.deadline))

    @property
    def held(self) -> int:
        """Base units of free bond that it holds: the largest penalty."""
        return self.terms.due * self.terms.bps // WHOLE_BPS

    def tab(self, program_id: Pubkey = PROGRAM_ID) -> Pubkey:
        """The address of the consumer's tab."""
        return find_tab(program_id, self.network, self.consumer)[0]

    def address(self, program_id: Pubkey = PROGRAM_ID) -> Pubkey:
        """The address that the SLA has."""
        return find_sla(program_id, self.tab(program_id), self.terms.nonce)[0]

    def instruction(self, program_id: Pubkey = PROGRAM_ID) -> Instruction:
        """What opens it."""
        passed = instructions.OpenSlaAccounts(
            payer=self.payer,
            consumer=self.consumer,
            owner=self.owner,
            network=self.network,
            tab=self.tab(program_id),
            device=self.device,
            sla=self.address(program_id),
        )
        return instructions.open_sla(passed, terms=self.terms, program_id=program_id)

    def other(self, party: Pubkey) -> Pubkey:
        """The party that `party` makes it with. Raises `InputError` for somebody who is no party to it."""
        if party not in (self.consumer, self.owner):
            raise InputError(
                "The wallet is no party to the SLA",
                expected=f"the consumer {self.consumer} or the device's owner {self.owner}",
                got=str(party),
            )
        return self.owner if party == self.consumer else self.consumer

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "worktab": _OFFER_KIND,
            "network": str(self.network),
            "consumer": str(self.consumer),
            "device": str(self.device),
            "owner": str(self.owner),
            "payer": str(self.payer),
            "lane": self.terms.nonce,
            "due": str(self.terms.due),
            "penalty_bps": self.terms.bps,
            "deadline": str(self.terms.deadline),
        }

    @classmethod
    def from_json(cls, value: object) -> Self:
        """From a JSON object. Raises `EncodingError`, `InputError`."""
        kind, network, consumer, device, owner, payer, lane, due, bps, deadline = json_fields(value, _OFFER)
        _require_kind(kind, _OFFER_KIND)
        return cls(
            json_address(network, "network"),
            json_address(consumer, "consumer"),
            json_address(device, "device"),
            json_address(owner, "owner"),
            json_address(payer, "payer"),
            SlaTerms(
                json_u32(lane, "lane"),
                json_decimal(due, "due"),
                json_u32(bps, "penalty_bps"),
                json_decimal(deadline, "deadline"),
            ),
        )


@dataclass(frozen=True, slots=True)
class SlaAcceptance:
    """A party's signature over an offer's transaction.

    sla        the address that the SLA has
    signer     the party that accepted
    draft      what the transaction is made of
    signature  over it
    """

    sla: Pubkey
    signer: Pubkey
    draft: Draft
    signature: Signature

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "worktab": _ACCEPTANCE_KIND,
            "sla": str(self.sla),
            "signer": str(self.signer),
            "payer": str(self.draft.payer),
            "blockhash": bytes(self.draft.blockhash).hex(),
            "last_valid_block_height": str(self.draft.last_valid_block_height),
            "compute_units": self.draft.limit,
            "micro_lamports": str(self.draft.price),
            "signature": bytes(self.signature).hex(),
        }

    @classmethod
    def from_json(cls, value: object) -> Self:
        """From a JSON object. Raises `EncodingError`."""
        kind, sla, signer, payer, blockhash, height, units, price, signature = json_fields(value, _ACCEPTANCE)
        _require_kind(kind, _ACCEPTANCE_KIND)
        return cls(
            json_address(sla, "sla"),
            json_address(signer, "signer"),
            Draft(
                json_address(payer, "payer"),
                Hash(json_hex(blockhash, 32, "blockhash")),
                json_decimal(height, "last_valid_block_height"),
                json_u32(units, "compute_units"),
                json_decimal(price, "micro_lamports"),
            ),
            Signature(json_hex(signature, 64, "signature")),
        )


def _require_kind(kind: object, expected: str) -> None:
    if kind != expected:
        raise EncodingError("The file holds something else", expected=expected, got=ascii(kind)[:50])
