"""The sender on a network that works: what it builds, what it refuses, what it reports."""

from __future__ import annotations

import pytest
from solders.compute_budget import ID as COMPUTE_BUDGET
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.transaction import VersionedTransaction

from support.chains import AnyChain, set_account
from support.network import Network
from support.transfers import SOL, lamports, pay
from worktab.chain.building import PriorityFee
from worktab.chain.journal import MemoryJournal
from worktab.chain.protocol import AccountData, Blockhash
from worktab.chain.sending import Confirmed, Sender
from worktab.core.errors import (
    ChainError,
    InputError,
    SimulationFailed,
    StorageError,
    TransactionFailed,
)
from worktab.testing.chains import fund

MEMO = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
ED25519 = Pubkey.from_string("Ed25519SigVerify111111111111111111111111111")


class TooPoor(ChainError):
    """Stands for a program's own error."""

    code = "too_poor"


@pytest.fixture
def network(worktab_chain: AnyChain) -> Network:
    return Network(worktab_chain)


@pytest.fixture
async def payer(network: Network) -> Keypair:
    keypair = Keypair()
    await fund(network.chain, keypair.pubkey(), 10 * SOL)
    return keypair


@pytest.fixture
def sender(network: Network, payer: Keypair) -> Sender:
    return sender_for(network, payer)


def sender_for(network: Network, payer: Keypair, **options: object) -> Sender:
    options = {"journal": network.journal(), "sleep": network.sleep, "clock": network.clock} | options
    return Sender(network, fee_payer=payer, **options)  # type: ignore[arg-type]


def instructions_of(raw: bytes) -> list[tuple[Pubkey, bytes]]:
    message = VersionedTransaction.from_bytes(raw).message
    return [(message.account_keys[ix.program_id_index], ix.data) for ix in message.instructions]


def limit_data(units: int) -> bytes:
    return b"\x02" + units.to_bytes(4, "little")


def price_data(price: int) -> bytes:
    return b"\x03" + price.to_bytes(8, "little")


async def test_a_transfer_is_confirmed_and_journaled_before_it_is_sent(
    network: Network, sender: Sender, payer: Keypair
) -> None:
    target = Keypair().pubkey()
    slot = await network.chain.slot()

    confirmed = await sender.send([pay(payer, target, SOL)], label="rent")

    assert network.events == ["put: rent", "send: deliver", "settle: confirmed"]
    signature = VersionedTransaction.from_bytes(network.sent[0]).signatures[0]
    logs = tuple(
        f"Program {program} {what}"
        for program in (COMPUTE_BUDGET, SYSTEM_PROGRAM)
        for what in ("invoke [1]", "success")
    )
    assert confirmed == Confirmed(signature, confirmed.slot, units=300, fee=5_000, logs=logs)
    assert slot < confirmed.slot <= await network.chain.slot()
    assert await lamports(network.chain, target) == SOL


async def test_the_journal_gets_what_was_sent(network: Network, payer: Keypair) -> None:
    journal = MemoryJournal()
    sender = sender_for(network, payer, journal=journal, patience=5.0)
    network.script(looks=["down"] * 1_000)
    network.frozen = await network.chain.latest_blockhash()
    with pytest.raises(ChainError):
        await sender.send([pay(payer, Keypair().pubkey(), SOL)], label="x")
    [sent] = journal.unsettled()
    signature = str(VersionedTransaction.from_bytes(network.sent[0]).signatures[0])
    assert (sent.label, sent.signature) == ("x", signature)
    assert sent.last_valid_block_height == network.frozen.last_valid_block_height
    assert set(network.sent) == {sent.raw}


async def test_the_limit_is_a_tenth_above_what_the_simulation_used(
    network: Network, sender: Sender, payer: Keypair
) -> None:
    note = Instruction(MEMO, b"n" * 100, [AccountMeta(payer.pubkey(), is_signer=True, is_writable=False)])
    confirmed = await sender.send([note] * 3)
    assert confirmed.units is not None
    assert confirmed.units > 1_000
    limit = confirmed.units + -(-confirmed.units // 10)
    assert instructions_of(network.sent[0]) == [(COMPUTE_BUDGET, limit_data(limit))] + [(MEMO, b"n" * 100)] * 3


async def test_a_price_is_paid_when_others_pay_and_never_above_the_cap(network: Network, payer: Keypair) -> None:
    network.fees = [0, 5_000_000, 1_000_000, 2_000_000]
    sender = sender_for(network, payer, priority_fee=PriorityFee(percentile=50, cap=10_000_000))
    confirmed = await sender.send([pay(payer, Keypair().pubkey(), SOL)])
    budget = instructions_of(network.sent[0])[:2]
    assert budget == [(COMPUTE_BUDGET, limit_data(1_000)), (COMPUTE_BUDGET, price_data(1_000_000))]
    assert (confirmed.units, confirmed.fee) == (450, 5_000 + 1_000)

    sender = sender_for(network, payer, priority_fee=PriorityFee(percentile=100, cap=3_000_000))
    confirmed = await sender.send([pay(payer, Keypair().pubkey(), SOL)])
    assert confirmed.fee == 5_000 + 3_000


async def test_a_signature_instruction_stays_before_its_user(network: Network, payer: Keypair) -> None:
    network.fees = [1_000]
    header = bytes([1, 0]) + b"".join(n.to_bytes(2, "little") for n in (48, 0xFFFF, 16, 0xFFFF, 112, 7, 0xFFFF))
    check = Instruction(
        ED25519, header + bytes(payer.pubkey()) + bytes(payer.sign_message(b"worktab")) + b"worktab", []
    )
    await sender_for(network, payer).send([check, pay(payer, Keypair().pubkey(), SOL)])
    programs = [program for program, _ in instructions_of(network.sent[0])]
    assert programs == [COMPUTE_BUDGET, COMPUTE_BUDGET, ED25519, SYSTEM_PROGRAM]


async def test_any_key_pays_for_another(network: Network, sender: Sender, payer: Keypair) -> None:
    owner, target, bystander = Keypair(), Keypair().pubkey(), Keypair()
    await fund(network.chain, owner.pubkey(), 2 * SOL)
    confirmed = await sender.send([pay(owner, target, 2 * SOL)], [owner, owner, bystander])
    assert confirmed.fee == 10_000
    assert await lamports(network.chain, owner.pubkey()) == 0
    assert await lamports(network.chain, payer.pubkey()) == 10 * SOL - 10_000


async def test_a_transaction_that_would_fail_is_not_sent(network: Network, sender: Sender, payer: Keypair) -> None:
    with pytest.raises(SimulationFailed) as caught:
        await sender.send([pay(payer, Keypair().pubkey(), 100 * SOL)])
    assert network.events == []
    assert caught.value.got == f"Custom(1) from instruction 1 ({SYSTEM_PROGRAM})"
    assert caught.value.message == "The transaction would fail and was not sent"
    assert f"Program {SYSTEM_PROGRAM} failed: custom program error: 0x1" in caught.value.__notes__


async def test_an_unfunded_payer_is_told_so(network: Network) -> None:
    poor = Keypair()
    with pytest.raises(SimulationFailed, match="Give the fee payer enough lamports"):
        await sender_for(network, poor).send([pay(poor, Keypair().pubkey(), 1)])


async def test_a_programs_own_error_comes_from_the_table(network: Network, payer: Keypair) -> None:
    asked: list[tuple[Pubkey, int]] = []

    def table(program: Pubkey, number: int) -> ChainError | None:
        asked.append((program, number))
        return TooPoor("Too poor") if number == 1 else None

    sender = sender_for(network, payer, error_table=table)
    with pytest.raises(TooPoor) as caught:
        await sender.send([pay(payer, Keypair().pubkey(), 100 * SOL)])
    assert asked == [(SYSTEM_PROGRAM, 1)]
    assert caught.value.__notes__[0] == "The transaction would fail and was not sent"
    assert f"Program {SYSTEM_PROGRAM} failed: custom program error: 0x1" in caught.value.__notes__
    assert network.sent == []


async def test_an_error_the_table_does_not_know_stays_general(network: Network, payer: Keypair) -> None:
    sender = sender_for(network, payer, error_table=lambda program, number: None)
    with pytest.raises(SimulationFailed):
        await sender.send([pay(payer, Keypair().pubkey(), 100 * SOL)])


async def test_a_transaction_that_lands_and_fails_is_reported_with_its_logs(network: Network, payer: Keypair) -> None:
    sender = sender_for(network, payer)
    rival = Keypair().pubkey()

    async def drained_meanwhile() -> Blockhash:
        await set_account(network.chain, payer.pubkey(), AccountData(SOL, SYSTEM_PROGRAM, b""))
        return await network.chain.latest_blockhash()

    network.latest_blockhash = drained_meanwhile  # type: ignore[method-assign]
    with pytest.raises(TransactionFailed) as caught:
        await sender.send([pay(payer, rival, 2 * SOL)], label="late")
    assert network.events == ["put: late", "send: deliver", "settle: failed"]
    assert caught.value.got == f"Custom(1) from instruction 1 ({SYSTEM_PROGRAM})"
    assert "landed in slot" in caught.value.message
    assert f"Program {SYSTEM_PROGRAM} failed: custom program error: 0x1" in caught.value.__notes__
    assert await lamports(network.chain, payer.pubkey()) == SOL - 5_000

    await fund(network.chain, payer.pubkey(), 5 * SOL)
    sender = sender_for(network, payer, error_table=lambda program, number: TooPoor("Too poor"))
    with pytest.raises(TooPoor):
        await sender.send([pay(payer, rival, 2 * SOL)])


async def test_equal_requests_on_one_blockhash_are_two_transactions(
    network: Network, sender: Sender, payer: Keypair
) -> None:
    target = Keypair().pubkey()
    network.frozen = await network.chain.latest_blockhash()
    first = await sender.send([pay(payer, target, SOL)])
    second = await sender.send([pay(payer, target, SOL)])
    assert first.signature != second.signature
    assert await lamports(network.chain, target) == 2 * SOL


async def test_without_transaction_history_a_confirmation_has_no_costs(
    network: Network, sender: Sender, payer: Keypair
) -> None:
    network.details = False
    slot = await network.chain.slot()
    confirmed = await sender.send([pay(payer, Keypair().pubkey(), SOL)])
    assert (confirmed.units, confirmed.fee, confirmed.logs) == (None, None, ())
    assert slot < confirmed.slot <= await network.chain.slot()
    assert network.events[-1] == "settle: confirmed"


async def test_what_cannot_be_a_transaction_is_refused_at_once(
    network: Network, sender: Sender, payer: Keypair
) -> None:
    stranger = Keypair()
    await fund(network.chain, stranger.pubkey(), SOL)
    with pytest.raises(InputError, match=f"A signer is missing.*{stranger.pubkey()}"):
        await sender.send([pay(stranger, payer.pubkey(), SOL)])
    with pytest.raises(InputError, match="at least one instruction"):
        await sender.send([])
    with pytest.raises(InputError, match="at most 1232 bytes"):
        await sender.send([Instruction(MEMO, b"n" * 1_200, [])])
    with pytest.raises(InputError, match="too many accounts"):
        await sender.send([pay(payer, Keypair().pubkey(), 1) for _ in range(300)])
    assert network.events == []


async def test_nothing_is_sent_when_the_journal_cannot_be_written(network: Network, payer: Keypair) -> None:
    class FullJournal(MemoryJournal):
        def put(self, label: str, signature: str, last_valid_block_height: int, raw: bytes) -> None:
            raise StorageError("The disk is full")

    with pytest.raises(StorageError, match="disk is full"):
        await sender_for(network, payer, journal=FullJournal()).send([pay(payer, Keypair().pubkey(), SOL)])
    assert network.sent == []


@pytest.mark.parametrize(
    ("percentile", "expected"), [(1, 10), (25, 10), (26, 20), (50, 20), (51, 30), (75, 30), (76, 35), (100, 35)]
)
def test_the_percentile_is_the_nearest_rank_within_the_cap(percentile: int, expected: int) -> None:
    assert PriorityFee(percentile, cap=35).price([40, 10, 30, 20]) == expected


def test_a_fee_policy_has_bounds() -> None:
    assert PriorityFee().price([]) == 0
    assert PriorityFee(cap=0).price([7]) == 0
    for percentile, cap in ((0, 1), (101, 1), (50, -1), (50, 2**64)):
        with pytest.raises(InputError, match="out of range"):
            PriorityFee(percentile, cap)
