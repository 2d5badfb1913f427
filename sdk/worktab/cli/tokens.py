"""What a wallet holds, looked at before it is spent."""

from __future__ import annotations

from solders.pubkey import Pubkey

from worktab.chain.tokens import associated_account, read_token_account
from worktab.cli.connecting import Acting
from worktab.cli.failures import NotEnoughTokens
from worktab.cli.output import Amount
from worktab.program.generated.accounts import Network


async def require_tokens(session: Acting, network: Network, source: Pubkey | None, wanted: int) -> None:
    """Check that `source`, by default the wallet's own token account, holds `wanted` base units.

    It says what a token program would say less clearly. Raises `NotEnoughTokens`.
    """
    address = source or associated_account(session.actor.pubkey(), network.mint, network.token_program)
    account = await read_token_account(session.chain, address)
    held = account.amount if account else 0
    if held < wanted:
        raise NotEnoughTokens(
            f"The token account {address} holds too little",
            expected=f"{Amount(wanted, network.decimals)} tokens",
            got=str(Amount(held, network.decimals)),
            next_step=f"Bring tokens of the mint {network.mint} there, or take less",
        )
