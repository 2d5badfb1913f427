"""What watchers see, made here, for tests of what they decide: an SLA, a voucher on its lane, and a dispute."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.blank import blank
from worktab.core.vouchers import SignedVoucher
from worktab.program.generated.accounts import Dispute, Network, Sla
from worktab.program.generated.types import Ballot
from worktab.roles.accusations import DisputeVerdict
from worktab.roles.bonds import BondStatus
from worktab.roles.sla_standing import SlaStanding, standing
from worktab.roles.tabs import Lane
from worktab.roles.trust_reading import DisputeView, SlaView
from worktab.trust.watching.deciding import Contest, Policy

DEVICE, OWNER, TAB, OTHER, SLA, DISPUTE = (Pubkey(bytes([letter]) * 32) for letter in b"dotxsa")
DEADLINE, CONTEST_UNTIL, DECIDE_UNTIL, AHEAD = 1_000, 1_600, 2_200, 100
CONTESTED, UPHELD, DISMISSED = 1, 2, 3
NETWORK = blank(Network, decimals=2, attestor_version=4)
BOND = BondStatus(bond=90, held=0, leaving=0, leaves_at=0, least=0, capacity=5, next_capacity=5, open_disputes=0, now=9)
ALL = Policy(Contest.ALWAYS, OWNER, AHEAD)
OPENED, VOTED_UNTIL, SHOWN_UNTIL = 1_000, 1_701, 2_402
HASH = b"h" * 32
OPEN, GUILTY, NOT_GUILTY = DisputeVerdict.OPEN, DisputeVerdict.GUILTY, DisputeVerdict.NOT_GUILTY


def promise(now: int, delivered: int = 80, reserved: int = 120, **fields: Any) -> SlaStanding:
    """An SLA over 200 base units of which a quarter is paid where they fall short; 50 were paid before it."""
    account = blank(
        Sla,
        tab=TAB,
        nonce=7,
        due=200,
        paid_before=50,
        held=50,
        bps=2_500,
        deadline=DEADLINE,
        contest_until=CONTEST_UNTIL,
        decide_until=DECIDE_UNTIL,
    )
    lane = Lane(index=3, nonce=7, paid=50 + delivered, reserved=reserved, units=0, close_at=0, signer=0, flags=1)
    return standing(SlaView(SLA, replace(account, **fields)), lane, NETWORK, now)


def voucher(amount: int) -> SignedVoucher:
    """A voucher on the SLA's lane, over base units in all."""
    key = Keypair.from_seed(b"k" * 32)
    return SignedVoucher.sign(key, b"n" * 32, TAB, DEVICE, 3, 7, amount=amount, units=0, seq=0, head=bytes(32))


def dispute(found: DisputeVerdict, tab: Pubkey = OTHER) -> DisputeView:
    """A dispute of the device's ninth job, for a deposit of 50, which comes from `tab`; what attestors found of it."""
    account = blank(
        Dispute,
        device=DEVICE,
        tab=tab,
        record_hash=HASH,
        seq=9,
        deposit=50,
        opened_at=OPENED,
        deadline=VOTED_UNTIL,
        votes=Ballot(4, 0b1, 0b10),
        found=found,
    )
    return DisputeView(DISPUTE, account)
