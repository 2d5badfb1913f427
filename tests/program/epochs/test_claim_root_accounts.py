"""claim_root: accounts that do not belong there are refused, and nothing is paid or lost."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.builders import read_only
from support.epochs import PAGE, Payee, Root, Roots, roots_of
from support.invoices import state_of
from support.parties import FUNDS
from support.tokens import create_mint
from support.world import World
from worktab.core.addresses import (
    ASSOCIATED_TOKEN_PROGRAM_ID,
    SYSTEM_PROGRAM_ID,
    TOKEN_2022_PROGRAM_ID,
    TOKEN_PROGRAM_ID,
    associated_token_address,
)
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated import accounts as state

CLAIMED_AT = state.Page.OFFSETS["claimed"]


@pytest.fixture
def final(roots: Roots, root: Root) -> Root:
    """The root of five payees, final, with its page open."""
    roots.make_final(root)
    return root


def assert_refused(roots: Roots, claim: Instruction, error: str) -> None:
    """The claim fails and every account it names stays as it was."""
    watched = [meta.pubkey for meta in claim.accounts]
    before = state_of(roots.world, *watched)

    result = roots.world.send(claim)

    assert (result.error_name, result.instruction) == (error, 0), result.logs
    assert state_of(roots.world, *watched) == before


def assert_paid_once(roots: Roots, final: Root) -> None:
    """The right claim of position 2 pays its 300 base units, and another pays nothing."""
    claims = [roots.world.send(roots.claim(final, 2)).event().amount for _ in range(2)]
    assert claims == [300, 0]
    assert roots.vault() == FUNDS - 300


# Pages


def test_the_page_of_another_network_is_refused(roots: Roots, final: Root) -> None:
    """Another network's page of the same number, where the position has claimed nothing yet."""
    other = roots_of(roots.world)
    other.make_final(other.root(0, final.payees))
    foreign = other.page_address(0)
    roots.must(roots.claim(final, 2))

    assert_refused(roots, roots.claim(final, 2, page=foreign), "WrongPage")
    assert_refused(roots, roots.claim(final, 3, page=foreign), "WrongPage")
    assert (roots.balance(final, 2), roots.balance(final, 3)) == (300, 0)


def test_a_page_of_another_number_is_refused(roots: Roots) -> None:
    """Its watermark at the same place is another payee's."""
    first, second = roots.payees(10, 20)
    root = roots.root(0, [first, *[None] * (PAGE - 1), second])
    roots.make_final(root)
    roots.must(roots.claim(root, 0))

    assert_refused(roots, roots.claim(root, 0, page=roots.page_address(1)), "WrongPage")
    assert_refused(roots, roots.claim(root, PAGE, page=roots.page_address(0)), "WrongPage")
    assert roots.world.send(roots.claim(root, PAGE)).event().amount == 20


def test_a_page_that_is_not_open_is_refused(world: World, roots: Roots, root: Root) -> None:
    commitment = roots.commit_to(root)
    world.advance(600)
    roots.must(roots.finalize(commitment))

    assert_refused(roots, roots.claim(root, 2), "InvalidAccountData")
    world.runtime.airdrop(roots.page_address(0), 10**9)
    assert_refused(roots, roots.claim(root, 2), "InvalidAccountData")

    roots.must(roots.open_page(0), roots.claim(root, 2))
    assert roots.balance(root, 2) == 300


@pytest.mark.parametrize("owner", [SYSTEM_PROGRAM_ID, TOKEN_PROGRAM_ID], ids=["system", "token"])
def test_a_forged_page_is_refused(roots: Roots, final: Root, owner: Pubkey) -> None:
    """A page of another program with no watermark in it: it is written, which the runtime lets only its owner do."""
    roots.must(roots.claim(final, 2))
    page = roots.world.data(roots.page_address(0))
    forged = Keypair().pubkey()
    roots.world.set_account(forged, page[:CLAIMED_AT] + bytes(8 * PAGE), owner)

    assert_refused(roots, roots.claim(final, 2, page=forged), "ExternalAccountDataModified")
    assert_refused(roots, roots.claim(final, 3, page=forged), "ExternalAccountDataModified")
    assert (roots.balance(final, 2), roots.balance(final, 3)) == (300, 0)


def test_a_page_that_may_not_be_written_is_refused(roots: Roots, final: Root) -> None:
    claim = read_only(roots.claim(final, 2), roots.page_address(0))

    assert_refused(roots, claim, "ConstraintMut")
    assert_paid_once(roots, final)


def test_what_is_no_page_is_refused(roots: Roots, final: Root) -> None:
    world, data = roots.world, roots.world.data(roots.page_address(0))
    cut, other = Keypair().pubkey(), Keypair().pubkey()
    world.set_account(cut, data[:-8], PROGRAM_ID)
    world.set_account(other, bytes(8) + data[8:], PROGRAM_ID)
    commitment = roots.commit_to(roots_later(roots, final))
    device = world.device(roots.network)

    for address in (cut, other, roots.address(commitment), device.address):
        assert_refused(roots, roots.claim(final, 2, page=address), "InvalidAccountData")
    for address in (roots.network.address, roots.network.vault, roots.network.mint.account_of(final.payee(2).payout)):
        assert_refused(roots, roots.claim(final, 2, page=address), "ConstraintDuplicateMutableAccount")
    assert_paid_once(roots, final)


def roots_later(roots: Roots, final: Root) -> Root:
    """The same payees in the next epoch, which is over then."""
    roots.world.next_epoch(roots.network)
    return roots.root(final.epoch + 1, final.payees)


# Where the pay would go


@pytest.mark.parametrize("off", [-1, 1, -128])
def test_a_wrong_bump_is_refused(roots: Roots, final: Root, off: int) -> None:
    bump = (roots.network.mint.bump_of(final.payee(2).payout) + off) % 256

    assert_refused(roots, roots.claim(final, 2, bump=bump), "WrongPayoutAccount")
    assert_paid_once(roots, final)


def test_another_account_of_the_wallet_is_refused(roots: Roots, final: Root) -> None:
    other = token_account(roots, final.payee(2).payout)

    assert_refused(roots, roots.claim(final, 2, payout_account=other), "WrongPayoutAccount")
    assert_paid_once(roots, final)


def test_an_address_of_another_bump_is_skipped(roots: Roots, final: Root) -> None:
    """The address fits its bump, but no token account can be made there: it is skipped like a missing one."""
    payout, mint = final.payee(2).payout, roots.network.mint
    lower = mint.bump_of(payout) - 1
    seeds = bytes(payout) + bytes(TOKEN_PROGRAM_ID) + bytes(mint.address) + bytes([lower])
    hashed = hashlib.sha256(seeds + bytes(ASSOCIATED_TOKEN_PROGRAM_ID) + b"ProgramDerivedAddress").digest()
    address = Pubkey(hashed)

    assert roots.world.send(roots.claim(final, 2, payout_account=address, bump=lower)).event().outcome == 5
    assert_paid_once(roots, final)


def test_an_account_of_another_mint_is_refused(roots: Roots, final: Root) -> None:
    other, wallet = create_mint(roots.world), final.payee(2).payout
    claim = roots.claim(final, 2, payout_account=other.open(wallet), bump=other.bump_of(wallet))

    assert_refused(roots, claim, "WrongPayoutAccount")
    assert_paid_once(roots, final)


def test_the_address_under_the_other_token_program_is_refused(roots: Roots, final: Root) -> None:
    wallet = final.payee(2).payout
    address, bump = associated_token_address(wallet, roots.network.mint.address, TOKEN_2022_PROGRAM_ID)

    assert_refused(roots, roots.claim(final, 2, payout_account=address, bump=bump), "WrongPayoutAccount")
    assert_paid_once(roots, final)


def test_the_vault_is_nobodys_payout_account(world: World, roots: Roots) -> None:
    """Not even where a root names the network as a payee: nothing would move, and yet be booked."""
    root = roots.root(0, [Payee(roots.network.address, 5)])
    roots.make_final(root)

    assert_refused(roots, roots.claim(root, 0), "ConstraintDuplicateMutableAccount")


# Where the pay would come from


def test_another_vault_is_refused(roots: Roots, final: Root) -> None:
    for vault in (token_account(roots, roots.network.address), roots_of(roots.world).network.vault):
        assert_refused(roots, roots.claim(final, 2, vault=vault), "AddressMismatch")
    assert_paid_once(roots, final)


def test_another_mint_is_refused(roots: Roots, final: Root) -> None:
    other = create_mint(roots.world)

    assert_refused(roots, roots.claim(final, 2, mint=other.address), "AddressMismatch")
    assert_paid_once(roots, final)


@pytest.mark.parametrize("program", [SYSTEM_PROGRAM_ID, TOKEN_2022_PROGRAM_ID, PROGRAM_ID], ids=str)
def test_without_its_token_program_nothing_moves(roots: Roots, final: Root, program: Pubkey) -> None:
    assert_refused(roots, roots.claim(final, 2, token_program=program), "MissingAccount")
    assert_paid_once(roots, final)


def test_a_copy_of_the_network_is_refused(roots: Roots, final: Root) -> None:
    copy = Keypair().pubkey()
    roots.world.set_account(copy, roots.world.data(roots.network.address), SYSTEM_PROGRAM_ID)

    assert_refused(roots, roots.claim(final, 2, network=copy), "IllegalOwner")
    assert_paid_once(roots, final)


def test_another_network_is_refused(roots: Roots, final: Root) -> None:
    """With the same mint, payees and root number."""
    other = roots_of(roots.world)
    other.make_final(other.root(0, final.payees))

    assert_refused(roots, roots.claim(final, 2, network=other.network.address), "AddressMismatch")
    all_but_the_page = roots.claim(final, 2, network=other.network.address, vault=other.network.vault)
    assert_refused(roots, all_but_the_page, "NotInRoot")
    twin = other.claim(other.root(0, final.payees), 2, page=roots.page_address(0))
    assert_refused(roots, twin, "WrongPage")


# A ledger that does not add up: the state is tampered with, no instruction leads there


@pytest.mark.parametrize("field", ["pool_owed", "accounted"])
def test_a_ledger_that_holds_too_little_pays_nothing(roots: Roots, final: Root, field: str) -> None:
    world, right = roots.world, getattr(roots.read_network(), field)
    world.patch_network(roots.network, **{field: 299})

    assert world.send(roots.claim(final, 2), check=False).error_name == "Overflow"

    world.patch_network(roots.network, **{field: right})
    assert_paid_once(roots, final)


def test_a_vault_short_of_tokens_pays_nothing_and_loses_nothing(roots: Roots, final: Root) -> None:
    world, network = roots.world, roots.network
    vault, before = world.data(network.vault), roots.read_network()
    world.set_data(network.vault, vault[:64] + (299).to_bytes(8, "little") + vault[72:])

    result = world.send(roots.claim(final, 2), check=False)

    assert (result.error, result.instruction) == ("Custom(1)", 0)
    assert f"Program {TOKEN_PROGRAM_ID} failed" in " ".join(result.logs)
    assert (roots.read_network(), roots.watermark(2)) == (before, 0)
    world.set_data(network.vault, vault)
    assert_paid_once(roots, final)


def test_a_watermark_above_every_total_pays_nothing(roots: Roots, final: Root) -> None:
    data, at = roots.world.data(roots.page_address(0)), CLAIMED_AT + 8 * 2
    roots.world.set_data(roots.page_address(0), data[:at] + b"\xff" * 8 + data[at + 8 :])

    assert roots.world.send(roots.claim(final, 2), check=False).event().amount == 0
    assert (roots.watermark(2), roots.vault()) == (2**64 - 1, FUNDS)


def test_a_page_that_says_another_number_is_refused(roots: Roots, final: Root) -> None:
    page = state.Page.decode(roots.world.data(roots.page_address(0)))
    roots.world.set_data(roots.page_address(0), replace(page, number=1).encode())
    assert_refused(roots, roots.claim(final, 2), "WrongPage")

    roots.world.set_data(roots.page_address(0), page.encode())
    assert_paid_once(roots, final)


def token_account(roots: Roots, owner: Pubkey) -> Pubkey:
    """A token account of the network's mint that is nobody's associated one."""
    address = Keypair().pubkey()
    template = roots.world.data(roots.network.vault)
    roots.world.set_account(address, template[:32] + bytes(owner) + bytes(8) + template[72:], TOKEN_PROGRAM_ID)
    return address
