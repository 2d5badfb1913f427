"""claim: payout accounts that can't be paid are skipped, harm nobody else, and are paid once they are repaired."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import pytest
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.earning import earning
from support.parties import Device, Network
from support.tokens import Mint, create_mint
from support.world import World
from worktab.core.addresses import SYSTEM_PROGRAM_ID, TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID
from worktab.program.generated.events import Claimed
from worktab.program.generated.types import ClaimEntry

PAID, UNPAYABLE = 0, 5
MINT_AT, STATE_AT = 0, 108
UNINITIALIZED = 0
_APPROVE, _SET_AUTHORITY, _CLOSE_AUTHORITY, _REALLOCATE, _MEMO_EXTENSION, _MEMO_TRANSFER = 4, 6, 3, 29, 30, 8


@dataclass(frozen=True, slots=True)
class Payout:
    """A payout wallet and its token account."""

    world: World
    mint: Mint
    wallet: Keypair

    @property
    def account(self) -> Pubkey:
        """The associated token account."""
        return self.mint.account_of(self.wallet.pubkey())

    def do(self, *instructions: Instruction) -> None:
        """What the wallet, or somebody, does to the account."""
        assert self.world.send(*instructions).ok

    def write(self, at: int, data: bytes) -> None:
        """Writes into the account past every rule."""
        before = self.world.data(self.account)
        self.world.set_data(self.account, before[:at] + data + before[at + len(data) :])


Repair: TypeAlias = Callable[[], object]
Breaking: TypeAlias = Callable[[Payout], Repair]
"""Makes the account unusable and returns what repairs it."""


def frozen(payout: Payout) -> Repair:
    payout.do(payout.mint.freeze(payout.account))
    return lambda: payout.do(payout.mint.thaw(payout.account))


def closed(payout: Payout) -> Repair:
    payout.do(payout.mint.close(payout.account, payout.wallet.pubkey()))
    return lambda: payout.do(payout.mint.create_account(payout.wallet.pubkey()))


def closed_with_lamports_left(payout: Payout) -> Repair:
    repair = closed(payout)
    payout.world.runtime.airdrop(payout.account, 10**9)
    return repair


def reassigned(payout: Payout) -> Repair:
    thief, wallet = payout.world.keypair().pubkey(), payout.wallet.pubkey()
    payout.do(payout.mint.reassign(payout.account, wallet, thief))
    return lambda: payout.do(payout.mint.reassign(payout.account, thief, wallet))


def uninitialized(payout: Payout) -> Repair:
    payout.write(STATE_AT, bytes([UNINITIALIZED]))
    return lambda: payout.write(STATE_AT, bytes([1]))


def of_another_mint(payout: Payout) -> Repair:
    other = create_mint(payout.world)
    payout.write(MINT_AT, bytes(other.address))
    return lambda: payout.write(MINT_AT, bytes(payout.mint.address))


def of_another_program(payout: Payout) -> Repair:
    data, lamports = payout.world.data(payout.account), payout.world.lamports(payout.account)
    payout.world.set_account(payout.account, data, TOKEN_2022_PROGRAM_ID, lamports)
    return lambda: payout.world.set_account(payout.account, data, TOKEN_PROGRAM_ID, lamports)


def cut_short(payout: Payout) -> Repair:
    data = payout.world.data(payout.account)
    payout.world.set_data(payout.account, data[:-1])
    return lambda: payout.world.set_data(payout.account, data)


BREAKINGS = [
    frozen,
    closed,
    closed_with_lamports_left,
    reassigned,
    uninitialized,
    of_another_mint,
    of_another_program,
    cut_short,
]


def assert_skipped_then_paid(world: World, device: Device, repair: Repair) -> None:
    """The device is skipped and still owed, blocks nobody in its transaction, and is paid after the repair."""
    network = device.network
    neighbour = earning(world, network, 40)
    claim = world.claim([device], device.payout, network)
    vault, owed = network.mint.balance(network.address), world.read_network(network).pool_owed

    result = world.send(claim, world.claim([neighbour], neighbour.payout, network), claim)

    assert result.ok, result.logs
    skipped = Claimed(
        network.address,
        device.payout.pubkey(),
        amount=0,
        fee=0,
        burn=0,
        entries=(ClaimEntry(device.index, 70, 0, UNPAYABLE),),
    )
    assert result.events[0] == result.events[2] == skipped
    assert world.balance(neighbour.payout, network.mint) == 40
    assert network.mint.balance(network.address) == vault - 40
    assert world.read_device(device).rewards_owed == 70
    assert world.read_network(network).pool_owed == owed - 40

    repair()
    paid = world.send(claim).event()
    assert (paid.amount, paid.entries) == (70, (ClaimEntry(device.index, 70, 0, PAID),))
    assert world.balance(device.payout, network.mint) == 70
    assert world.read_device(device).rewards_owed == 0


@pytest.mark.parametrize("breaking", BREAKINGS, ids=lambda each: each.__name__.replace("_", " "))
def test_an_account_that_can_not_be_paid_waits(world: World, network: Network, breaking: Breaking) -> None:
    device = earning(world, network, 70)
    repair = breaking(Payout(world, network.mint, device.payout))

    assert_skipped_then_paid(world, device, repair)


def test_an_account_never_opened_waits(world: World, network: Network) -> None:
    device = earning(world, network, 70, open_payout=False)

    assert_skipped_then_paid(world, device, lambda: network.mint.open(device.payout.pubkey()))


def require_memos(payout: Payout, required: bool) -> Instruction:
    """Switches Token-2022's rule that an incoming transfer must carry a memo."""
    metas = [
        AccountMeta(payout.account, is_signer=False, is_writable=True),
        AccountMeta(payout.wallet.pubkey(), is_signer=True, is_writable=False),
    ]
    return Instruction(TOKEN_2022_PROGRAM_ID, bytes([_MEMO_EXTENSION, 0 if required else 1]), metas)


def make_room_for_memos(payout: Payout) -> Instruction:
    """Enlarges the token account for the rule."""
    metas = [
        AccountMeta(payout.account, is_signer=False, is_writable=True),
        AccountMeta(payout.world.payer.pubkey(), is_signer=True, is_writable=True),
        AccountMeta(SYSTEM_PROGRAM_ID, is_signer=False, is_writable=False),
        AccountMeta(payout.wallet.pubkey(), is_signer=True, is_writable=False),
    ]
    return Instruction(TOKEN_2022_PROGRAM_ID, bytes([_REALLOCATE, _MEMO_TRANSFER, 0]), metas)


def test_an_account_that_asks_for_memos_waits(world: World) -> None:
    mint = create_mint(world, token_program=TOKEN_2022_PROGRAM_ID)
    device = earning(world, world.network(mint=mint), 70)
    payout = Payout(world, mint, device.payout)
    payout.do(make_room_for_memos(payout), require_memos(payout, True))

    assert_skipped_then_paid(world, device, lambda: payout.do(require_memos(payout, False)))


def test_a_malformed_account_of_token_2022_waits(world: World) -> None:
    """No token program leaves one behind; the program still does not trust its length fields."""
    mint = create_mint(world, token_program=TOKEN_2022_PROGRAM_ID)
    device = earning(world, world.network(mint=mint), 70)
    payout = Payout(world, mint, device.payout)
    data = world.data(payout.account)
    world.set_data(payout.account, data + bytes([200, 0, 200, 0]))

    assert_skipped_then_paid(world, device, lambda: world.set_data(payout.account, data))


def test_where_nothing_is_owed_the_account_does_not_matter(world: World, network: Network) -> None:
    device = world.device(network, open_payout=False)

    event = world.send(world.claim([device], device.payout, network)).event()

    assert event.entries == (ClaimEntry(0, 0, 0, 1),)


def test_a_delegate_and_a_close_authority_do_not_stop_pay(world: World, network: Network) -> None:
    device = earning(world, network, 70)
    payout = Payout(world, network.mint, device.payout)
    friend, wallet = world.keypair().pubkey(), device.payout.pubkey()
    account = AccountMeta(payout.account, is_signer=False, is_writable=True)
    signer = AccountMeta(wallet, is_signer=True, is_writable=False)
    payout.do(
        Instruction(
            TOKEN_PROGRAM_ID,
            bytes([_APPROVE]) + (2**64 - 1).to_bytes(8, "little"),
            [account, AccountMeta(friend, is_signer=False, is_writable=False), signer],
        ),
        Instruction(TOKEN_PROGRAM_ID, bytes([_SET_AUTHORITY, _CLOSE_AUTHORITY, 1]) + bytes(friend), [account, signer]),
    )

    assert world.send(world.claim([device], device.payout, network)).event().amount == 70
