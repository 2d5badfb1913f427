"""The sender on a network that fails: nothing applied twice, the same bytes always, expiry proven before it is said."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solders.keypair import Keypair

from support.network import DELAY, Fate, Network
from support.transfers import SOL, lamports, pay
from worktab.chain.embedded import EmbeddedChain
from worktab.chain.journal import MemoryJournal
from worktab.chain.protocol import Level
from worktab.chain.sending import OutcomeUnknown, Sender
from worktab.core.errors import ConnectionFailed, TransactionExpired

TARGET = Keypair().pubkey()


@pytest.fixture
def network() -> Network:
    return Network(EmbeddedChain())


@pytest.fixture
def payer(network: Network) -> Keypair:
    keypair = Keypair()
    network.chain.airdrop(keypair.pubkey(), 10 * SOL)
    return keypair


def sender_for(
    network: Network, payer: Keypair, journal: MemoryJournal | None = None, patience: float = 90.0
) -> Sender:
    return Sender(
        network,  # type: ignore[arg-type]
        fee_payer=payer,
        journal=journal or network.journal(),
        patience=patience,
        sleep=network.sleep,
        clock=network.clock,
    )


async def paid(network: Network) -> int:
    return await lamports(network.chain, TARGET)


@pytest.mark.parametrize("fate", ["drop", "refuse", "delay"])
async def test_bytes_that_do_not_arrive_are_sent_again_unchanged(network: Network, payer: Keypair, fate: Fate) -> None:
    network.script([fate, fate, "drop"])
    started = network.now
    await sender_for(network, payer).send([pay(payer, TARGET, SOL)])
    assert await paid(network) == SOL
    assert network.events == [
        "put: ",
        f"send: {fate}",
        f"send: {fate}",
        "send: drop",
        "send: deliver",
        "settle: confirmed",
    ]
    assert network.now - started == 6.0, "every two seconds"
    assert len(set(network.sent)) == 1


async def test_a_lost_answer_is_not_a_failure(network: Network, payer: Keypair) -> None:
    network.script(["lose answer"])
    await sender_for(network, payer).send([pay(payer, TARGET, SOL)])
    assert await paid(network) == SOL
    assert network.events == ["put: ", "send: lose answer", "settle: confirmed"]


async def test_a_late_copy_of_a_landed_transaction_changes_nothing(network: Network, payer: Keypair) -> None:
    network.script(["delay", "deliver"])
    await sender_for(network, payer).send([pay(payer, TARGET, SOL)])
    for _ in range(DELAY + 1):
        await network.sleep(0.5)
    assert await paid(network) == SOL


async def test_an_unconfirmed_block_is_waited_for(network: Network, payer: Keypair) -> None:
    network.script(looks=["processed", "processed", "absent", "processed"])
    await sender_for(network, payer).send([pay(payer, TARGET, SOL)])
    assert len(network.looked) == 5
    assert network.events == ["put: ", "send: deliver", "send: deliver", "settle: confirmed"]
    assert await paid(network) == SOL


async def test_a_final_chain_waits_for_finality(network: Network, payer: Keypair) -> None:
    network.level = Level.FINALIZED
    network.script(looks=["confirmed", "confirmed"])
    await sender_for(network, payer).send([pay(payer, TARGET, SOL)])
    assert len(network.looked) == 3
    assert await paid(network) == SOL


async def test_expiry_is_proven_before_it_is_reported(network: Network, payer: Keypair) -> None:
    network.script(["drop"] * 1_000)
    last_valid = (await network.chain.latest_blockhash()).last_valid_block_height
    with pytest.raises(TransactionExpired, match="It is safe to build and sign it again"):
        await sender_for(network, payer).send([pay(payer, TARGET, SOL)])
    assert await network.chain.block_height() == last_valid + 1
    assert network.looked[-1] == (True, await network.chain.slot()), "the last look is at a node that saw the end"
    assert {look[0] for look in network.looked[:-1]} == {False}
    assert network.events[-1] == "settle: expired"
    assert len(set(network.sent)) == 1
    assert len(network.sent) == 38, "150 slots of half a second, one sending every two seconds"
    assert await paid(network) == 0


async def test_the_reason_for_an_expiry_is_kept(network: Network, payer: Keypair) -> None:
    network.script(["refuse"] * 1_000)
    with pytest.raises(TransactionExpired) as caught:
        await sender_for(network, payer).send([pay(payer, TARGET, SOL)])
    assert "The connection broke" in caught.value.got


async def test_a_landing_that_every_look_missed_is_found_by_the_last_one(network: Network, payer: Keypair) -> None:
    network.script(["drop"] * 37, looks=["absent"] * 151)
    last_valid = (await network.chain.latest_blockhash()).last_valid_block_height
    confirmed = await sender_for(network, payer).send([pay(payer, TARGET, SOL)])
    assert await network.chain.block_height() > last_valid
    assert [look[0] for look in network.looked].count(True) == 1
    assert network.events[-1] == "settle: confirmed"
    assert confirmed.fee == 5_000
    assert await paid(network) == SOL


async def test_past_the_last_block_an_unconfirmed_landing_is_neither_landed_nor_expired(
    network: Network, payer: Keypair
) -> None:
    network.script(["drop"] * 1_000, looks=["absent"] * 151 + ["processed"] * 5 + ["vanished"])
    network.fates[0] = "deliver"
    with pytest.raises(TransactionExpired):
        await sender_for(network, payer).send([pay(payer, TARGET, SOL)])
    assert [look[0] for look in network.looked].count(True) == 6
    assert network.events[-1] == "settle: expired"


async def test_a_silent_chain_is_asked_for_90_seconds(network: Network, payer: Keypair) -> None:
    network.script(["deliver"], looks=["down"] * 180)
    await sender_for(network, payer).send([pay(payer, TARGET, SOL)])
    assert await paid(network) == SOL

    journal = MemoryJournal()
    network.script(looks=["down"] * 10_000)
    started = network.now
    with pytest.raises(OutcomeUnknown, match=r"Call resume\(\)") as caught:
        await sender_for(network, payer, journal).send([pay(payer, TARGET, SOL)])
    assert isinstance(caught.value, ConnectionFailed)
    assert caught.value.code == "outcome_unknown"
    assert network.now - started == 90.5
    assert len(journal.unsettled()) == 1


async def test_patience_begins_anew_with_every_answer(network: Network, payer: Keypair) -> None:
    network.script(["delay"], looks=["down"] * 21 + ["absent"] + ["down"] * 20)
    await sender_for(network, payer, patience=10.0).send([pay(payer, TARGET, SOL)])
    assert await paid(network) == SOL
    network.script(["delay"], looks=["down"] * 22)
    with pytest.raises(OutcomeUnknown):
        await sender_for(network, payer, patience=10.0).send([pay(payer, TARGET, SOL)])


async def test_a_crash_right_after_the_journal_leaves_a_transaction_to_resume(network: Network, payer: Keypair) -> None:
    journal = network.journal()
    await crash(network, payer, journal, before=lambda: network.sent != [])
    [sent] = journal.unsettled()
    assert sent.label == "receipt 7"
    network.script(["drop", "lose answer"])

    [resumed] = await sender_for(network, payer, journal).resume()

    assert resumed.sent == sent
    assert resumed.error is None
    assert resumed.confirmed is not None
    assert str(resumed.confirmed.signature) == sent.signature
    assert set(network.sent) == {sent.raw}, "nothing was signed anew"
    assert journal.unsettled() == []
    assert await paid(network) == SOL
    assert await sender_for(network, payer, journal).resume() == []


async def test_a_crash_after_landing_is_resumed_to_confirmed_and_applied_once(network: Network, payer: Keypair) -> None:
    journal = network.journal()
    network.script(looks=["absent"] * 1_000)
    await crash(network, payer, journal, before=lambda: len(network.looked) == 3)
    network.script()
    network.chain.advance(slots=1_000)

    [resumed] = await sender_for(network, payer, journal).resume()

    assert resumed.confirmed is not None
    assert resumed.confirmed.fee == 5_000
    assert journal.outcome(resumed.sent.signature) == "confirmed"
    assert await paid(network) == SOL


async def test_a_resumed_transaction_that_never_arrived_is_proven_expired(network: Network, payer: Keypair) -> None:
    journal = network.journal()
    network.script(["drop"] * 1_000)
    await crash(network, payer, journal, before=lambda: len(network.looked) == 3)
    network.script()
    network.chain.advance(slots=1_000)

    [resumed] = await sender_for(network, payer, journal).resume()

    assert resumed.confirmed is None
    assert isinstance(resumed.error, TransactionExpired)
    assert journal.outcome(resumed.sent.signature) == "expired"
    assert await paid(network) == 0


async def test_a_node_without_the_history_proves_nothing(network: Network, payer: Keypair) -> None:
    journal = network.journal()
    network.script(["drop"] * 1_000)
    await crash(network, payer, journal, before=lambda: len(network.looked) == 3)
    network.script()
    [sent] = journal.unsettled()
    network.chain.advance(slots=1_000)
    network.kept_from = sent.last_valid_block_height - 150 + 1

    [resumed] = await sender_for(network, payer, journal).resume()

    assert isinstance(resumed.error, OutcomeUnknown)
    assert "longer history" in str(resumed.error)
    assert journal.unsettled() == [sent]
    network.kept_from -= 1
    [resumed] = await sender_for(network, payer, journal).resume()
    assert isinstance(resumed.error, TransactionExpired)


async def test_many_unsettled_transactions_resume_together(network: Network, payer: Keypair) -> None:
    journal = network.journal()
    network.frozen = await network.chain.latest_blockhash()
    for _ in range(3):
        looked = len(network.looked)
        network.script(["drop"] * 1_000)
        await crash(network, payer, journal, before=lambda looked=looked: len(network.looked) > looked)  # type: ignore[misc]
    network.script(["refuse", "drop"], looks=["down"])
    before = [sent.signature for sent in journal.unsettled()]

    resumed = await sender_for(network, payer, journal).resume()

    assert [entry.sent.signature for entry in resumed] == before
    assert all(entry.confirmed for entry in resumed)
    assert await paid(network) == 3 * SOL


async def crash(network: Network, payer: Keypair, journal: MemoryJournal, *, before: Callable[[], bool]) -> None:
    """Start a send and kill it at the first pause at which `before` holds."""

    class Crashed(BaseException):
        pass

    async def sleep(seconds: float) -> None:
        if before():
            raise Crashed
        await network.sleep(seconds)

    sender = sender_for(network, payer, journal)
    sender._sleep = sleep
    network.script(network.fates, network.looks or ["absent"] * 1_000)
    with pytest.raises(Crashed):
        await sender.send([pay(payer, TARGET, SOL)], label="receipt 7")


@settings(max_examples=60, deadline=None)
@given(
    fates=st.lists(st.sampled_from(["deliver", "drop", "lose answer", "refuse", "delay"]), max_size=60),
    looks=st.lists(st.sampled_from(["true", "absent", "processed", "down"]), max_size=200),
    tail=st.sampled_from(["deliver", "drop", "lose answer"]),
    quiet=st.sampled_from([0, 0, 170, 190, 400]),
)
def test_whatever_the_network_does_a_payment_is_made_once(
    fates: list[Fate], looks: list[str], tail: Fate, quiet: int
) -> None:
    async def scenario() -> None:
        chain = EmbeddedChain()
        network, payer, journal = Network(chain), Keypair(), MemoryJournal()
        chain.airdrop(payer.pubkey(), 10 * SOL)
        sender = sender_for(network, payer, journal)
        network.script(fates + [tail] * 100, ["down"] * quiet + looks)
        outcome = "expired"
        while outcome == "expired":
            try:
                await sender.send([pay(payer, TARGET, SOL)])
                outcome = "confirmed"
            except TransactionExpired:
                assert await paid(network) == 0
                network.script()
            except OutcomeUnknown:
                while journal.unsettled():
                    [resumed] = await sender_for(network, payer, journal).resume()
                    outcome = "confirmed" if resumed.confirmed else "expired"
        assert await paid(network) == SOL

    asyncio.run(scenario())
