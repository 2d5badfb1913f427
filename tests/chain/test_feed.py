"""The feed on a chain in this process, and on nodes whose histories are late, short or gone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import ID as SYSTEM_PROGRAM

from support.feeding import Node, Payer, Time
from support.mortal import Yielding
from worktab.chain.embedded import EmbeddedChain
from worktab.chain.feed import CursorLost, Delivery, Feed, NodeBehind, Start, TransactionMissing
from worktab.core.errors import ConnectionFailed, StateError

NOWHERE = "ws://127.0.0.1:9"
"""Says that the chain is behind a node; a feed that does not follow opens no socket."""


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def payer(node: Node) -> Payer:
    return Payer(node.chain)


def feed_of(node: Any, payer: Payer, time: Time | None = None, **options: Any) -> Feed:
    return Feed(node, payer.address, **(time or Time()).options() | options)


async def everything(node: Any, payer: Payer, **options: Any) -> list[Delivery]:
    """What a feed that does not follow delivers."""
    given: dict[str, Any] = {"since": Start.OLDEST, "follow": False} | options
    async with feed_of(node, payer, **given) as feed, asyncio.timeout(120):
        return [delivery async for delivery in feed]


async def test_from_now_only_what_comes_after_in_order_with_logs_and_failures(node: Node, payer: Payer) -> None:
    before = await payer.send(3)
    async with feed_of(node, payer) as feed:
        assert feed.cursor == before[-1].signature
        sent = [*await payer.send(), await payer.fail(), *await payer.send(2)]
        assert [await anext(feed) for _ in sent] == sent
        assert feed.cursor == sent[-1].signature
        waiting = asyncio.ensure_future(anext(feed))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not waiting.done(), "nothing twice"
        [late] = await payer.send()
        assert await waiting == late
    assert sent[0].logs == (f"Program {SYSTEM_PROGRAM} invoke [1]", f"Program {SYSTEM_PROGRAM} success")
    assert sent[1].error is not None
    assert sent[1].error.custom == 1


async def test_from_now_on_an_address_without_transactions(node: Node) -> None:
    payer = Payer(node.chain)
    async with feed_of(node, payer) as feed:
        cursor = feed.cursor
        sent = await payer.send(2)
        assert [await anext(feed), await anext(feed)] == sent
    assert cursor is None
    assert await everything(node, payer, since=cursor) == sent


async def test_the_real_clock_serves_too(payer: Payer, node: Node) -> None:
    async with Feed(node.chain, payer.address) as feed:
        waiting = asyncio.ensure_future(anext(feed))
        [sent] = await payer.send()
        assert await waiting == sent
        assert feed.trouble == "", "a chain in this process needs nobody to tell"


async def test_everything_that_is_kept_or_what_follows_a_cursor(node: Node, payer: Payer) -> None:
    sent = [*await payer.send(2), await payer.fail(), *await payer.send(2)]
    assert await everything(node, payer) == sent
    for place, delivery in enumerate(sent):
        assert await everything(node, payer, since=delivery.signature) == sent[place + 1 :]
    node.pruned = sent[2].slot
    assert await everything(node, payer) == sent[2:]


async def test_failed_transactions_can_be_left_out_without_a_request_for_them(node: Node, payer: Payer) -> None:
    sent = [await payer.fail(), *await payer.send(2), await payer.fail()]
    assert await everything(node, payer, failed=False) == sent[1:3]
    assert node.calls["transaction"] == 2


async def test_a_gap_of_more_than_a_thousand(node: Node, payer: Payer) -> None:
    [first] = await payer.send()
    sent = await payer.send(2_100)
    assert await everything(node, payer, since=first.signature) == sent
    assert list(node.limits) == [32, 1_000, 1_000, 1_000], "32 + 2,068, and the cursor"


@settings(max_examples=40, deadline=None)
@given(parts=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=6))
def test_restarts_at_any_moment_miss_nothing_and_repeat_nothing(parts: list[tuple[int, int]]) -> None:
    """In turn some are sent, and a feed made from the cursor delivers some of what there is."""

    async def scenario() -> None:
        node = Node()
        payer = Payer(node.chain)
        sent, delivered = await payer.send(), list[Delivery]()
        cursor: Signature | None = None
        for more, wanted in parts:
            sent += await payer.send(more)
            async with feed_of(node, payer, since=cursor) as feed:
                for _ in range(min(wanted, len(sent) - len(delivered))):
                    delivered.append(await anext(feed))
                cursor = feed.cursor
        assert delivered == sent[: len(delivered)]
        assert delivered + await everything(node, payer, since=cursor) == sent

    asyncio.run(scenario())


@pytest.mark.parametrize("patience", [1, 2, 3, 5, 8, 13, 21])
async def test_a_wait_cancelled_at_any_step_loses_nothing(patience: int) -> None:
    node = Node()
    payer = Payer(node.chain)
    sent = await payer.send(20)
    delivered: list[Delivery] = []
    async with feed_of(Yielding(node), payer, since=Start.OLDEST) as feed:
        for _ in range(2_000):
            waiting = asyncio.ensure_future(anext(feed))
            # A step more each time, or a step that takes more would never be over.
            for _ in range(patience + len(delivered) // 2):
                await asyncio.sleep(0)
            waiting.cancel()
            [outcome] = await asyncio.gather(waiting, return_exceptions=True)
            if isinstance(outcome, Delivery):
                delivered.append(outcome)
            else:
                assert isinstance(outcome, asyncio.CancelledError)
                patience += 1
            if len(delivered) == len(sent):
                break
    assert delivered == sent


async def test_the_newest_block_is_left_until_the_next_for_its_history_to_be_complete(time: Time) -> None:
    """Two in one slot, of which the second is written first: nodes write in the order in which execution ends."""
    node = Node(ws_url=NOWHERE, per_slot=4)
    payer = Payer(node.chain)
    while await node.chain.slot() % 4 != 3:
        node.chain.advance(slots=1)
    sent = await payer.send(2)
    node.hidden = {sent[0].signature}
    assert len(await node.history(payer.address, limit=9)) == 1

    async def next_block(seconds: float) -> None:
        node.hidden.clear()
        node.chain.advance(slots=4)
        await asyncio.sleep(0)

    assert [each.signature for each in await everything(node, payer, sleep=next_block)] == [
        each.signature for each in sent
    ]


async def test_a_chain_that_makes_no_empty_blocks_delivers_its_newest_all_the_same(time: Time) -> None:
    node = Node(ws_url=NOWHERE)
    payer = Payer(node.chain)
    sent = await payer.send(2)
    assert await everything(node, payer, **time.options()) == sent
    assert time.pauses == [0.4] * 5, "two seconds of standstill"


async def test_what_a_standing_block_shows_late_is_delivered_once_another_comes(time: Time) -> None:
    node = Node(ws_url=NOWHERE, per_slot=8)
    payer = Payer(node.chain)
    while await node.chain.slot() % 8 != 7:
        node.chain.advance(slots=1)
    sent = await payer.send(4)
    node.hidden = {sent[0].signature, sent[2].signature}
    async with asyncio.timeout(120), Feed(node, payer.address, since=Start.OLDEST, **time.options()) as feed:
        early = [await anext(feed) for _ in range(2)]
        assert [each.signature for each in early] == [sent[1].signature, sent[3].signature]
        node.hidden.clear()
        node.chain.advance(slots=8)
        sent += await payer.send()
        node.chain.advance(slots=8)
        late = [await anext(feed) for _ in range(3)]
    assert [each.signature for each in late] == [sent[index].signature for index in (0, 2, 4)]


async def test_what_is_told_with_its_logs_is_not_asked_for_unless_it_failed(node: Node, payer: Payer) -> None:
    """Some nodes do not tell of a failure what it was, nor that it was one."""
    async with feed_of(node, payer) as feed:
        sent = [*await payer.send(), await payer.fail(), *await payer.send()]
        for each in sent[:2]:
            feed.heard(each.signature, each.slot, each.logs)
        assert [await anext(feed) for _ in sent] == sent
    assert node.calls["transaction"] == 2


async def test_what_is_told_twice_late_or_in_vain_changes_nothing(node: Node, payer: Payer) -> None:
    async with feed_of(node, payer) as feed:
        sent = await payer.send(3)
        for each in [*sent[::-1], *sent]:
            feed.heard(each.signature, each.slot, each.logs)
        feed.heard(Signature.new_unique(), sent[2].slot, ("never listed",))
        assert [await anext(feed) for _ in sent] == sent
        for each in sent:
            feed.heard(each.signature, each.slot, each.logs)
        sent = await payer.send(3)
        assert [await anext(feed) for _ in sent] == sent


@pytest.mark.parametrize("follow", [True, False])
async def test_an_unknown_cursor_is_lost_on_entering(node: Node, payer: Payer, time: Time, follow: bool) -> None:
    await payer.send()
    unknown = Signature.new_unique()
    with pytest.raises(CursorLost, match="does not know transaction") as caught:
        async with feed_of(node, payer, time, since=unknown, follow=follow):
            pass
    assert caught.value.cursor == unknown
    assert (caught.value.code, time.pauses) == ("cursor_lost", [0.375, 0.75])
    assert "start over" in caught.value.next_step


async def test_a_cursor_that_a_node_of_a_pool_does_not_know_yet_is_not_lost(
    node: Node, payer: Payer, time: Time
) -> None:
    [first, second] = await payer.send(2)
    whole, node.chain = node.chain, EmbeddedChain()

    async def sleep(seconds: float) -> None:
        node.chain = whole
        await time.sleep(seconds)

    options = time.options() | {"since": first.signature, "sleep": sleep}
    assert await everything(node, payer, **options) == [second]
    assert time.pauses == [0.375]


async def test_without_following_it_ends_though_more_comes_all_the_time(time: Time) -> None:
    node = Node(ws_url=NOWHERE)
    payer = Payer(node.chain)
    sent = await payer.send(3)

    async def sleep(seconds: float) -> None:
        sent.extend(await payer.send())
        await time.sleep(seconds)

    found = await everything(node, payer, **time.options() | {"sleep": sleep})
    assert found == sent[:3], "the fourth only made the third settled"


async def test_a_cursor_that_does_not_name_the_address_is_lost(node: Node, payer: Payer) -> None:
    await payer.send(50)
    [foreign] = await Payer(node.chain).send()
    await payer.send()
    with pytest.raises(CursorLost, match=f"does not show transaction {foreign.signature}"):
        await everything(node, payer, since=foreign.signature)
    assert list(node.limits) == [32] * 3, "what is older than the cursor was not read"


async def test_a_cursor_pruned_in_mid_stream_is_lost(node: Node, payer: Payer) -> None:
    async with feed_of(node, payer, since=Start.OLDEST) as feed:
        sent = await payer.send(2)
        assert [await anext(feed), await anext(feed)] == sent
        await payer.send(40)
        node.pruned = sent[1].slot + 1
        with pytest.raises(CursorLost) as caught:
            await anext(feed)
    assert caught.value.cursor == sent[1].signature == feed.cursor


async def test_an_entry_that_a_node_misses_for_a_moment_is_no_lost_cursor(node: Node, payer: Payer, time: Time) -> None:
    sent = await payer.send(2)
    looks = iter([{sent[0].signature}, {sent[0].signature}, set[Signature]()])

    async def sleep(seconds: float) -> None:
        node.hidden = next(looks)
        await time.sleep(seconds)

    node.hidden = next(looks)
    options = time.options() | {"since": sent[0].signature, "sleep": sleep}
    assert await everything(node, payer, **options) == sent[1:]
    assert time.pauses == [0.375, 0.75]


async def test_a_node_that_restarts_with_an_older_ledger_is_waited_for(node: Node, payer: Payer, time: Time) -> None:
    whole = node.chain
    async with feed_of(node, payer, time, patience=60.0) as feed:
        sent = await payer.send(3)
        assert [await anext(feed) for _ in sent] == sent
        sent = await payer.send()
        node.chain = EmbeddedChain()
        waiting = asyncio.ensure_future(anext(feed))
        while time.now < 40:
            await asyncio.sleep(0)
        node.chain = whole
        assert await waiting == sent[0]

        node.chain, began = EmbeddedChain(), time.now
        with pytest.raises(NodeBehind, match="has not reached") as caught:
            await anext(feed)
        assert isinstance(caught.value, CursorLost)
        assert time.now - began >= 60
        node.chain.advance(slots=1_000)
        with pytest.raises(CursorLost, match="does not show"):
            await anext(feed)


async def test_a_transaction_that_is_listed_before_it_is_shown_is_waited_for(
    node: Node, payer: Payer, time: Time
) -> None:
    sent = await payer.send(3)
    node.missing = {sent[1].signature}
    async with feed_of(node, payer, time, since=Start.OLDEST) as feed:
        assert await anext(feed) == sent[0]
        waiting = asyncio.ensure_future(anext(feed))
        while len(time.pauses) < 4:
            await asyncio.sleep(0)
        node.missing.clear()
        assert [await waiting, await anext(feed)] == sent[1:]


async def test_a_transaction_that_is_never_shown_is_an_error_and_not_passed_over(
    node: Node, payer: Payer, time: Time
) -> None:
    sent = await payer.send(3)
    node.missing = {sent[1].signature}
    async with feed_of(node, payer, time, since=Start.OLDEST, patience=30.0) as feed:
        assert await anext(feed) == sent[0]
        for _ in range(2):
            with pytest.raises(TransactionMissing) as caught:
                await anext(feed)
            assert caught.value.signature == sent[1].signature
            assert feed.cursor == sent[0].signature
        node.missing.clear()
        assert [await anext(feed), await anext(feed)] == sent[1:]


async def test_a_node_that_does_not_answer_is_asked_until_patience_ends(node: Node, payer: Payer, time: Time) -> None:
    async with feed_of(node, payer, time, patience=10.0) as feed:
        node.down = 5
        [first] = await payer.send()
        assert await anext(feed) == first
        assert time.pauses[:5] == [0.375, 0.75, 1.5, 3.0, 6.0], "doubling, three quarters with chance at one half"
        node.down = 1_000
        began = time.now
        with pytest.raises(ConnectionFailed):
            await anext(feed)
        assert 10 <= time.now - began < 20 + 0.05
        node.down = 0
        [second] = await payer.send()
        assert await anext(feed) == second


@pytest.mark.parametrize("since", [Start.NOW, Start.OLDEST, None, Signature.default()], ids=str)
async def test_no_answer_on_entering_is_told_at_once(node: Node, payer: Payer, time: Time, since: Any) -> None:
    node.down = 1
    with pytest.raises(ConnectionFailed):
        async with feed_of(node, payer, time, since=since):
            pass
    assert time.pauses == []


async def test_a_feed_is_open_inside_of_its_block_only_and_goes_on_in_another(node: Node, payer: Payer) -> None:
    feed = feed_of(node, payer)
    with pytest.raises(StateError, match="async with"):
        await anext(feed)
    async with feed:
        [first] = await payer.send()
        assert await anext(feed) == first
    with pytest.raises(StateError, match="not open"):
        await anext(feed)
    [second] = await payer.send()
    async with feed:
        assert await anext(feed) == second


async def test_entered_again_it_goes_on_though_nothing_was_delivered_before(node: Node, payer: Payer) -> None:
    feed = feed_of(node, payer, patience=0.0)
    async with feed:
        start = feed.cursor
    sent = await payer.send(2)
    async with feed:
        assert feed.cursor == start
        assert [await anext(feed), await anext(feed)] == sent


async def test_entered_again_its_cursor_is_not_ahead_of_what_was_delivered(node: Node, payer: Payer) -> None:
    sent = await payer.send(2)
    node.missing = {each.signature for each in sent}
    feed = feed_of(node, payer, since=Start.OLDEST, patience=0.0)
    async with feed:
        with pytest.raises(TransactionMissing):
            await anext(feed)
    node.missing.clear()
    async with feed:
        assert feed.cursor is None
        assert [await anext(feed), await anext(feed)] == sent


async def test_entered_again_without_following_it_looks_for_more(node: Node, payer: Payer) -> None:
    sent = await payer.send(2)
    feed = feed_of(node, payer, since=Start.OLDEST, follow=False)
    async with feed:
        assert [delivery async for delivery in feed] == sent
    sent = await payer.send(2)
    async with feed:
        assert [delivery async for delivery in feed] == sent


async def test_two_feeds_do_not_disturb_each_other(node: Node, payer: Payer) -> None:
    other = Payer(node.chain)
    async with feed_of(node, payer) as one, feed_of(node, other) as two, Feed(node, Pubkey.default()) as both:  # type: ignore[arg-type]
        sent = [*await payer.send(), *await other.send(), *await payer.send()]
        assert [await anext(one), await anext(one)] == [sent[0], sent[2]]
        assert await anext(two) == sent[1]
        assert [await anext(both) for _ in sent] == sent
    assert Keypair().pubkey() != payer.address
