"""How much fits into one transaction: exactly as much as the wire and the account limit allow."""

from __future__ import annotations

import pytest
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.chain.building import MOST_UNITS, compile_message, unsigned
from worktab.chain.embedded import EmbeddedChain
from worktab.core.errors import InputError
from worktab.roles.base import program_sender
from worktab.roles.fitting import largest_fit

ACCOUNTS = [Pubkey(number.to_bytes(32, "big")) for number in range(1, 101)]


def build(count: int) -> list[Instruction]:
    metas = [AccountMeta(each, is_signer=False, is_writable=True) for each in ACCOUNTS[:count]]
    return [Instruction(Pubkey(b"p" * 32), b"", metas)]


def test_the_wire_is_the_limit_without_a_table() -> None:
    sender = program_sender(EmbeddedChain(), fee_payer=Keypair())
    count = largest_fit(sender, build, 100)
    assert count == 30
    payer = sender.fee_payer.pubkey()
    compile_message(payer, build(count), (), Hash.default(), limit=MOST_UNITS, price=1)
    with pytest.raises(InputError, match="too large"):
        compile_message(payer, build(count + 1), (), Hash.default(), limit=MOST_UNITS, price=1)


def test_there_is_room_for_a_price() -> None:
    def data(count: int) -> list[Instruction]:
        return [Instruction(Pubkey(b"p" * 32), bytes(count), [])]

    sender = program_sender(EmbeddedChain(), fee_payer=Keypair())
    count = largest_fit(sender, data, 2_000)
    message = compile_message(sender.fee_payer.pubkey(), data(count), (), Hash.default(), limit=MOST_UNITS, price=1)
    assert len(bytes(unsigned(message))) == 1_232


def test_64_accounts_are_the_limit_with_a_table() -> None:
    table = AddressLookupTableAccount(Pubkey(b"t" * 32), ACCOUNTS)
    sender = program_sender(EmbeddedChain(), fee_payer=Keypair(), lookup_tables=[table])
    # Beside them: the fee payer, the program and the compute budget.
    assert largest_fit(sender, build, 100) == 61


@pytest.mark.parametrize("most", [1, 2, 5])
def test_no_more_than_asked_for(most: int) -> None:
    assert largest_fit(program_sender(EmbeddedChain(), fee_payer=Keypair()), build, most) == most


def test_one_is_tried_even_where_it_does_not_fit() -> None:
    sender = program_sender(EmbeddedChain(), fee_payer=Keypair())
    assert largest_fit(sender, lambda _: [Instruction(Pubkey(b"p" * 32), bytes(1_300), [])], 5) == 1
