"""`worktab claim`: what a wallet is owed on either path, in one go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from worktab.cli.options import Json, Wallet, examples, expanded
from worktab.cli.output import Amount, Name, Rows, emit, warn
from worktab.cli.proof_sources import NetworkOption, Proofs

if TYPE_CHECKING:
    from worktab.cli.connecting import Acting
    from worktab.epochs.owing import Owed, WalletClaim

app = typer.Typer()


@app.command(
    epilog=examples(
        "worktab claim --network $NETWORK",
        "worktab claim $WALLET --network $NETWORK --proofs https://proofs.example --dry-run",
    )
)
@expanded
def claim(
    payout: Annotated[
        str | None, typer.Argument(metavar="WALLET", help="Payout wallet to claim for; by default --keypair's.")
    ] = None,
    *,
    network: NetworkOption,
    proofs: Proofs = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what is owed, and send nothing.")] = False,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Find what a wallet is owed and pay it out: rewards by roots, and its devices' rewards and earnings.

    Anyone may, for any wallet. Every proof is checked against the chain before it is used. The first claim of a page of
    1,024 payees opens it, at the fee payer's cost: its rent, 0.0585 SOL, stays there for good; --dry-run shows it.
    """
    from worktab.cli.connecting import act
    from worktab.cli.failures import Unsuccessful
    from worktab.cli.parsing import address, address_or_none
    from worktab.cli.proof_sources import proofs_of
    from worktab.epochs.owing import WalletClaimer
    from worktab.program.generated.accounts import Page

    where, whose = address(network, "--network"), address_or_none(payout, "WALLET")
    unproven = False

    async def work(session: Acting) -> tuple[Owed, WalletClaim | None, int, int]:
        nonlocal unproven
        claimer = WalletClaimer(session.sender(), where, program_id=session.program)
        held = await claimer.reader.network()
        async with proofs_of(where, proofs) as source:
            unproven = source is None and held.root_count > 0
            owed = await claimer.owed(whose or session.actor.pubkey(), source)
            rent = await session.chain.rent_exempt(Page.SIZE) if owed.by_root and not owed.page_open else 0
            claimed = None if dry_run or not owed.total else await claimer.claim(owed, source)
        return owed, claimed, held.decimals, rent

    owed, claimed, decimals, rent = act(wallet, "Claiming", work)
    if unproven:
        warn("rewards by roots were not looked for: name where proofs come from with --proofs")
    facts = {"network": where, **_owed(owed, decimals), "page_rent_lamports": rent}
    if claimed is not None:
        facts |= _claimed(claimed, decimals)
        if claimed.failure is not None:
            raise Unsuccessful(claimed.failure, facts) from claimed.failure
    emit(facts, as_json=as_json)


def _owed(owed: Owed, decimals: int) -> dict[str, Any]:
    return {
        "wallet": owed.wallet,
        "token_account": owed.account,
        "epoch": None if owed.epoch is None else Name(owed.epoch),
        "position": None if owed.proof is None else Name(owed.proof.position),
        "rewards_by_roots": Amount(owed.lifetime, decimals),
        "owed": {
            "total": Amount(owed.total, decimals),
            "by_root": Amount(owed.by_root, decimals),
            "rewards": Amount(owed.rewards, decimals),
            "earnings": Amount(owed.earnings, decimals),
            "devices": len(owed.devices),
        },
    }


def _claimed(claimed: WalletClaim, decimals: int) -> dict[str, Any]:
    from worktab.cli.connecting import transaction

    rows = [
        {
            "device": each.device,
            "outcome": each.outcome,
            "rewards": Amount(each.rewards, decimals),
            "earnings": Amount(each.earnings, decimals),
        }
        for each in claimed.devices
    ]
    sent = [transaction(each) for each in claimed.confirmed]
    return {
        "paid": {
            "total": Amount(claimed.paid, decimals),
            "by_root": Amount(claimed.by_root, decimals),
            "rewards": Amount(claimed.rewards, decimals),
            "earnings": Amount(claimed.earnings, decimals),
            "fee": Amount(claimed.fee, decimals),
            "burned": Amount(claimed.burn, decimals),
        },
        "root_outcome": claimed.root_outcome,
        "devices": Rows(rows, ("device", "outcome", "rewards", "earnings")),
        "transactions": Rows(sent, ("signature", "slot", "fee_lamports")),
    }
