"""How SLAs are told, and the network that one is in."""

from __future__ import annotations

from typing import Any, Final

from solders.pubkey import Pubkey

from worktab.cli.connecting import Reading
from worktab.cli.output import Amount, Name, Rows, When
from worktab.core.errors import EncodingError
from worktab.program.generated.accounts import Sla
from worktab.roles.errors import SlaNotFound
from worktab.roles.sla_offers import SlaOffer
from worktab.roles.sla_standing import SlaStanding

COLUMNS: Final = ("sla", "lane", "stage", "due", "delivered", "shortfall", "penalty", "deadline", "next")


def sla_facts(stands: SlaStanding, decimals: int) -> dict[str, Any]:
    """All about one SLA. `penalty` is what ending it now would cost if the penalty stood."""
    account = stands.account
    return {
        "sla": stands.view.address,
        "tab": account.tab,
        "device": account.device,
        "lane": Name(account.nonce),
        "stage": stands.stage.value,
        "due": Amount(account.due, decimals),
        "delivered": Amount(stands.delivered, decimals),
        "shortfall": Amount(stands.shortfall, decimals),
        "penalty": Amount(stands.penalty, decimals),
        "penalty_bps": account.bps,
        "held": Amount(account.held, decimals),
        "opened_at": When(account.start),
        "deadline": When(account.deadline),
        "contest_until": When(account.contest_until),
        "decide_until": When(account.decide_until),
        "votes_for": stands.yes,
        "votes_against": stands.no,
        "can_end": stands.can_end,
        "changes_at": None if stands.changes_at is None else When(stands.changes_at),
        "next": stands.next,
    }


def sla_rows(found: list[SlaStanding], decimals: int) -> Rows:
    """A table of SLAs."""
    return Rows([sla_facts(each, decimals) for each in found], COLUMNS)


def offer_facts(offer: SlaOffer, program: Pubkey, decimals: int) -> dict[str, Any]:
    """The terms of an offer."""
    terms = offer.terms
    return {
        "sla": offer.address(program),
        "network": offer.network,
        "consumer": offer.consumer,
        "device": offer.device,
        "owner": offer.owner,
        "payer": offer.payer,
        "lane": Name(terms.nonce),
        "due": Amount(terms.due, decimals),
        "penalty_bps": terms.bps,
        "penalty_at_most": Amount(offer.held, decimals),
        "deadline": When(terms.deadline),
    }


async def network_of_sla(session: Reading, sla: Pubkey) -> Pubkey:
    """The network that an SLA says it is in. Raises `SlaNotFound`."""
    account = await session.chain.account(sla)
    try:
        if account is not None and account.owner == session.program:
            return Sla.decode(account.data).network
    except EncodingError:
        pass
    raise SlaNotFound(
        f"There is no SLA at {sla}",
        got=f"an account of {account.owner}" if account and account.lamports else "no account",
    )
