"""The program's instructions as the IDL states them, and of what kind each of their accounts is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import worktab.program

IDL: Final[dict[str, Any]] = json.loads(Path(worktab.program.__file__).with_name("worktab.json").read_text())
INSTRUCTIONS: Final[dict[str, dict[str, Any]]] = {item["name"]: item for item in IDL["instructions"]}
STATES: Final[dict[str, bytes]] = {item["name"]: bytes(item["discriminator"]) for item in IDL["accounts"]}
"""The discriminator of each kind of account that the program keeps."""


class Kind(StrEnum):
    """What an instruction takes an account for. Those of the program's own are named as in the IDL."""

    NETWORK = "Network"
    DEVICE = "Device"
    TAB = "Tab"
    INVOICE = "Invoice"
    EPOCH = "Epoch"
    PAGE = "Page"
    SLA = "Sla"
    DISPUTE = "Dispute"
    MINT = "mint"
    VAULT = "vault"
    TOKENS = "token account"
    WALLET = "wallet"
    PROGRAM = "program"
    PROOF = "proof"


class Family(StrEnum):
    """Who else could make the same call: what an attacker swaps accounts with."""

    SIBLING = "sibling"
    """The same people in the same network, with another device, invoice, lane or commitment."""
    NEIGHBOUR = "neighbour"
    """Other people in the same network."""
    FOREIGN = "foreign"
    """The same people, mint and keys in another network."""


_KINDS: Final = {
    "network": Kind.NETWORK,
    "device": Kind.DEVICE,
    "tab": Kind.TAB,
    "consumer_tab": Kind.TAB,
    "invoice": Kind.INVOICE,
    "epoch": Kind.EPOCH,
    "page": Kind.PAGE,
    "sla": Kind.SLA,
    "dispute": Kind.DISPUTE,
    "mint": Kind.MINT,
    "vault": Kind.VAULT,
    "source": Kind.TOKENS,
    "destination": Kind.TOKENS,
    "payout_account": Kind.TOKENS,
    "token_program": Kind.PROGRAM,
    "associated_token_program": Kind.PROGRAM,
    "system_program": Kind.PROGRAM,
    "proof": Kind.PROOF,
}
_WALLETS: Final = {
    "payer": (),
    "rent_payer": (),
    "authority": (),
    "new_authority": (),
    "attestor": (),
    "admission": (),
    "voter": (),
    "creator": (Family.NEIGHBOUR,),
    "funder": (Family.NEIGHBOUR,),
    "depositor": (Family.NEIGHBOUR,),
    "challenger": (Family.NEIGHBOUR,),
    "owner": (Family.NEIGHBOUR,),
    "consumer": (Family.NEIGHBOUR,),
    "signer": (Family.NEIGHBOUR,),
    "payout": (Family.NEIGHBOUR,),
}
"""Wallets by their names, with the families in which somebody else holds the place."""
_FAMILIES: Final = {
    Kind.NETWORK: (Family.FOREIGN,),
    Kind.VAULT: (Family.FOREIGN,),
    Kind.TAB: (Family.NEIGHBOUR, Family.FOREIGN),
    Kind.TOKENS: (Family.NEIGHBOUR,),
    Kind.EPOCH: (Family.SIBLING, Family.FOREIGN),
    Kind.PAGE: (Family.SIBLING, Family.FOREIGN),
    Kind.DEVICE: tuple(Family),
    Kind.INVOICE: tuple(Family),
    Kind.SLA: tuple(Family),
    Kind.DISPUTE: tuple(Family),
}
"""The families in which an account of this kind is another one."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One account of an instruction.

    fixed      the IDL states its address
    families   those in which another account stands here
    """

    name: str
    kind: Kind
    families: tuple[Family, ...]
    signer: bool = False
    writable: bool = False
    optional: bool = False
    fixed: bool = False

    @property
    def is_state(self) -> bool:
        """Whether the program keeps it."""
        return self.kind in STATES

    @property
    def has_data(self) -> bool:
        """Whether it is more than an address."""
        return self.is_state or self.kind in (Kind.MINT, Kind.VAULT, Kind.TOKENS)


def slot(
    name: str, *, signer: bool = False, writable: bool = False, optional: bool = False, fixed: bool = False
) -> Slot:
    """The slot of a name; numbers at its end are not part of the kind's name.

    Raises:
        KeyError: nobody has said yet of what kind accounts of this name are.
    """
    base = name.rstrip("0123456789 ")
    kind = Kind.WALLET if base in _WALLETS else _KINDS[base]
    families = _WALLETS[base] if kind is Kind.WALLET else _FAMILIES.get(kind, ())
    return Slot(name, kind, families, signer, writable, optional, fixed)


def slots_of(instruction: str) -> tuple[Slot, ...]:
    """The declared accounts of an instruction, in their order."""
    return tuple(
        slot(
            item["name"],
            signer=item.get("signer", False),
            writable=item.get("writable", False),
            optional=item.get("optional", False),
            fixed="address" in item,
        )
        for item in INSTRUCTIONS[instruction]["accounts"]
    )
