"""Taking the free pool back: announced, then paid to the account that was announced."""

from __future__ import annotations

from dataclasses import replace

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.fleet import FUNDS, Fleet, StartFleet
from worktab.chain.tokens import associated_account, read_token_account
from worktab.core.addresses import TOKEN_2022_PROGRAM_ID
from worktab.core.errors import InputError
from worktab.program.generated import errors
from worktab.roles.changes import DisputeChange, PendingChange, PoolWithdrawal, pending_change
from worktab.roles.ledger import ledger_of
from worktab.roles.operator import Operator
from worktab.testing.tokens import Mint

DELAY = 1_000


async def pending(fleet: Fleet) -> PendingChange:
    found = pending_change(await fleet.operator.network())
    assert found is not None
    return found


async def free(fleet: Fleet) -> tuple[int, int, int]:
    """The free pool, what is accounted and what the vault holds; the ledger rule holds."""
    ledger = ledger_of(await fleet.operator.reader.snapshot())
    assert ledger.holds
    return ledger.pool_free, ledger.accounted, ledger.vault


async def holds(fleet: Fleet, account: Pubkey) -> int | None:
    found = await read_token_account(fleet.chain, account)
    return None if found is None else found.amount


@pytest.mark.parametrize("token_program", [None, TOKEN_2022_PROGRAM_ID])
async def test_the_pool_goes_to_the_authoritys_own_account(
    start_fleet: StartFleet, token_program: Pubkey | None
) -> None:
    program = {} if token_program is None else {"token_program": token_program}
    fleet = await start_fleet(parameter_delay=DELAY, **program)
    own = associated_account(fleet.authority.pubkey(), fleet.mint.address, fleet.mint.program)
    before = await fleet.mint.balance(fleet.authority.pubkey())

    proposed = await fleet.operator.propose_pool_withdrawal(400)

    assert await pending(fleet) == PendingChange(PoolWithdrawal(400, own), proposed.effective_at)
    assert await holds(fleet, own) == before
    assert await free(fleet) == (FUNDS, FUNDS, FUNDS)
    with pytest.raises(errors.NotDue):
        await fleet.operator.withdraw_pool()
    await fleet.clock.set_time(proposed.effective_at)
    # Applying it as other changes moves no token, so it is refused.
    with pytest.raises(errors.TokensMove):
        await fleet.operator.apply_update()
    # Anyone may put it in force.
    withdrawn = await Operator(fleet.sender, fleet.network, authority=Keypair()).withdraw_pool()

    assert (withdrawn.amount, withdrawn.destination) == (400, own)
    assert await holds(fleet, own) == before + 400
    assert await free(fleet) == (FUNDS - 400, FUNDS - 400, FUNDS - 400)
    assert pending_change(await fleet.operator.network()) is None
    with pytest.raises(errors.NothingPending):
        await fleet.operator.withdraw_pool()


async def test_a_wallets_account_is_made_when_the_withdrawal_is_announced(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(parameter_delay=0)
    wallet = Keypair().pubkey()
    account = associated_account(wallet, fleet.mint.address, fleet.mint.program)
    assert await holds(fleet, account) is None

    await fleet.operator.propose_pool_withdrawal(5, wallet)

    assert (await pending(fleet)).change == PoolWithdrawal(5, account)
    assert await holds(fleet, account) == 0
    assert (await fleet.operator.withdraw_pool()).amount == 5
    assert await holds(fleet, account) == 5


async def test_a_wallet_with_lamports_is_a_wallet(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(parameter_delay=0)
    account = associated_account(fleet.payer.pubkey(), fleet.mint.address, fleet.mint.program)
    await fleet.operator.propose_pool_withdrawal(5, fleet.payer.pubkey())
    assert (await pending(fleet)).change == PoolWithdrawal(5, account)


async def test_a_token_account_is_taken_as_it_is(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(parameter_delay=0)
    account = await fleet.mint.give(Keypair().pubkey(), 1)
    await fleet.operator.propose_pool_withdrawal(5, account)
    assert (await fleet.operator.withdraw_pool()).destination == account
    assert await holds(fleet, account) == 6


async def test_what_is_neither_wallet_nor_account_of_the_mint_is_refused(fleet: Fleet) -> None:
    elsewhere = await Mint.create(fleet.sender)
    foreign = await elsewhere.give(Keypair().pubkey(), 1)
    with pytest.raises(InputError, match="of another mint") as caught:
        await fleet.operator.propose_pool_withdrawal(5, foreign)
    assert (caught.value.expected, caught.value.got) == (str(fleet.mint.address), str(elsewhere.address))
    missing = associated_account(Keypair().pubkey(), fleet.mint.address, fleet.mint.program)
    with pytest.raises(InputError, match="is no wallet"):
        await fleet.operator.propose_pool_withdrawal(5, missing)
    assert pending_change(await fleet.operator.network()) is None


async def test_no_more_leaves_than_is_free_by_then(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(parameter_delay=0)
    device = await fleet.device()
    await fleet.operator.propose_pool_withdrawal(FUNDS)
    await fleet.next_epoch()
    await fleet.earn(device, 1, 30)  # 60 base units, which are owed now

    assert (await fleet.operator.withdraw_pool()).amount == FUNDS - 60

    assert await free(fleet) == (0, 60, 60)
    await fleet.operator.propose_pool_withdrawal(1)
    with pytest.raises(errors.NothingOwed):
        await fleet.operator.withdraw_pool()


async def test_another_change_takes_the_place_of_a_withdrawal(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(parameter_delay=0)
    await fleet.operator.propose_pool_withdrawal(5)
    await fleet.operator.set_disputes(100, 5_000)
    with pytest.raises(errors.NothingPending):
        await fleet.operator.withdraw_pool()
    await fleet.operator.apply_update()
    assert await free(fleet) == (FUNDS, FUNDS, FUNDS)


async def test_deposit_and_slash_are_changed_together_or_one_by_one(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(parameter_delay=0, dispute_deposit=10, slash_bps=20)
    before = await fleet.operator.network()
    for change, given in [
        (DisputeChange(30, 40), {"deposit": 30, "slash_bps": 40}),
        (DisputeChange(0, 40), {"deposit": 0}),
        (DisputeChange(0, 0), {"slash_bps": 0}),
        (DisputeChange(0, 10_000), {"slash_bps": 10_000}),
    ]:
        await fleet.operator.set_disputes(**given)
        assert (await pending(fleet)).change == change
        await fleet.operator.apply_update()
        held = await fleet.operator.network()
        assert held == replace(before, dispute_deposit=change.deposit, slash_bps=change.slash_bps, classes=held.classes)
    with pytest.raises(errors.InvalidParameter):
        await fleet.operator.set_disputes(slash_bps=10_001)
