"""Addresses from their seeds; the addresses themselves are in the vectors."""

from __future__ import annotations

from typing import Any

import pytest
from solders.pubkey import Pubkey
from spl.token.constants import ASSOCIATED_TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID, WRAPPED_SOL_MINT
from spl.token.instructions import get_associated_token_address

from worktab.core import addresses
from worktab.core.errors import InputError
from worktab.core.keys import DeviceKey

A, B, C, D = (Pubkey(bytes([n]) * 32) for n in range(1, 5))
KEY = DeviceKey.ed25519(bytes(C))


def test_addresses_may_be_bytes_or_pubkeys() -> None:
    a, b, c, d = map(bytes, (A, B, C, D))
    assert addresses.find_network(A, B, 1) == addresses.find_network(a, b, 1)
    assert addresses.find_device(A, B, KEY) == addresses.find_device(a, b, KEY)
    assert addresses.find_tab(A, B, C) == addresses.find_tab(a, b, c)
    assert addresses.find_invoice(A, B, 1) == addresses.find_invoice(a, b, 1)
    assert addresses.find_epoch(A, B, 1, C) == addresses.find_epoch(a, b, 1, c)
    assert addresses.find_page(A, B, 1) == addresses.find_page(a, b, 1)
    assert addresses.find_sla(A, B, 1) == addresses.find_sla(a, b, 1)
    assert addresses.find_dispute(A, B, 1, C) == addresses.find_dispute(a, b, 1, c)
    assert addresses.associated_token_address(A, B, D) == addresses.associated_token_address(a, b, d)


def test_well_known_ids_agree_with_the_token_library() -> None:
    assert addresses.TOKEN_PROGRAM_ID == TOKEN_PROGRAM_ID
    assert addresses.TOKEN_2022_PROGRAM_ID == TOKEN_2022_PROGRAM_ID
    assert addresses.ASSOCIATED_TOKEN_PROGRAM_ID == ASSOCIATED_TOKEN_PROGRAM_ID
    assert addresses.NATIVE_MINT_ID == WRAPPED_SOL_MINT


@pytest.mark.parametrize("token_program", [TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID])
def test_associated_token_address_agrees_with_the_token_library(token_program: Pubkey) -> None:
    address, _ = addresses.associated_token_address(A, B, token_program)
    assert address == get_associated_token_address(A, B, token_program)


def test_ranges_and_lengths() -> None:
    with pytest.raises(InputError, match=r"^network id is out of range"):
        addresses.find_network(A, B, 2**64)
    with pytest.raises(InputError, match=r"^page number is out of range"):
        addresses.find_page(A, B, 2**32)
    with pytest.raises(InputError, match=r"^lane nonce is out of range"):
        addresses.find_sla(A, B, 2**32)
    with pytest.raises(InputError, match=r"^program id has the wrong length"):
        addresses.find_tab(bytes(A)[:31], B, C)
    text: Any = str(B)
    with pytest.raises(InputError, match=r"^network is not bytes"):
        addresses.find_tab(A, text, C)
