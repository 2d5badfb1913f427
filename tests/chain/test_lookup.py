"""Address lookup tables: made, filled, fetched and used in real transactions."""

from __future__ import annotations

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from support.chains import AnyChain, set_account
from support.network import Network
from support.transfers import SOL, lamports, pay
from worktab.chain.lookup import create_table, extend_table, fetch_table
from worktab.chain.protocol import AccountData
from worktab.chain.sending import Sender
from worktab.core.errors import ChainError, InputError

LOOKUP_PROGRAM = Pubkey.from_string("AddressLookupTab1e1111111111111111111111111")


async def test_a_table_shortens_a_transaction_to_forty_accounts(
    worktab_chain: AnyChain, worktab_wallet: Keypair
) -> None:
    network, payer, authority = Network(worktab_chain), worktab_wallet, Keypair()
    network.fees = [1_000]
    sender = Sender(network, fee_payer=payer, sleep=network.sleep, clock=network.clock)
    targets = [Keypair().pubkey() for _ in range(40)]
    payments = [pay(payer, target, SOL // 10) for target in targets]
    with pytest.raises(InputError, match="or an address lookup table"):
        await sender.send(payments)

    create, address = await create_table(network, authority=authority.pubkey(), payer=payer.pubkey())
    await sender.send([create])
    assert (await fetch_table(network.chain, address)).addresses == []
    extensions = extend_table(address, targets, authority=authority.pubkey(), payer=payer.pubkey())
    assert len(extensions) == 2
    for extension in extensions:
        await sender.send([extension], [authority])
    table = await fetch_table(network.chain, address)
    assert (table.key, table.addresses) == (address, targets)
    sender.lookup_tables = [table]

    await sender.send(payments)

    assert [await lamports(network.chain, target) for target in targets] == [SOL // 10] * 40
    message = VersionedTransaction.from_bytes(network.sent[-1]).message
    assert len(message.account_keys) == 3, "payer, compute budget, system program"
    assert all(len(raw) <= 1_232 for raw in network.sent)


@pytest.mark.parametrize(
    ("data", "message"), [(None, "does not show"), (bytes(7), "does not show"), (bytes(16), "no fin")]
)
async def test_a_node_without_recent_slots_is_told(data: bytes | None, message: str) -> None:
    class Node:
        async def account(self, address: Pubkey) -> AccountData | None:
            assert str(address) == "SysvarS1otHashes111111111111111111111111111"
            return None if data is None else AccountData(1, Pubkey.default(), data)

    key = Keypair().pubkey()
    with pytest.raises(ChainError, match=message):
        await create_table(Node(), authority=key, payer=key)  # type: ignore[arg-type]


def test_a_table_takes_from_1_to_256_addresses() -> None:
    key, keys = Keypair().pubkey(), [Keypair().pubkey()] * 257
    sizes = [len(ix.data) for ix in extend_table(key, keys[:256], authority=key, payer=key)]
    assert sizes == [4 + 8 + 32 * 25] * 10 + [4 + 8 + 32 * 6]
    for wrong in ([], keys):
        with pytest.raises(InputError, match="1 to 256"):
            extend_table(key, wrong, authority=key, payer=key)


async def test_what_is_no_table_is_refused(worktab_chain: AnyChain) -> None:
    chain, key = worktab_chain, Keypair().pubkey()
    with pytest.raises(InputError, match="got no account"):
        await fetch_table(chain, key)
    await set_account(chain, key, AccountData(SOL, Pubkey.default(), bytes(56)))
    with pytest.raises(InputError, match="got another account"):
        await fetch_table(chain, key)
    await set_account(chain, key, AccountData(SOL, LOOKUP_PROGRAM, bytes(56)))
    with pytest.raises(InputError, match="not initialized"):
        await fetch_table(chain, key)
