"""The blocking proxy: one logic, no await; errors, arguments and nested objects pass through."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import threading
from collections.abc import Iterator

import pytest
from solders.keypair import Keypair

from support.chains import AnyChain
from support.transfers import SOL, pay
from worktab.chain.protocol import AccountData
from worktab.chain.sending import Confirmed
from worktab.chain.sync import Blocking, blocking
from worktab.core.addresses import SYSTEM_PROGRAM_ID
from worktab.core.errors import SimulationFailed, StateError
from worktab.testing.chains import fund, sender_for


class Room:
    """An asynchronous object that opens rooms like itself."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.events: list[str] = []
        self.next: Room | None = None
        self.waiting, self.cancelled = threading.Event(), threading.Event()

    async def __aenter__(self) -> Room:
        self.events.append("enter")
        return self

    async def __aexit__(self, *error: object) -> None:
        self.events.append(f"leave {error[0]}")

    async def open(self, name: str) -> Room:
        """Open a room."""
        self.next = Room(name)
        return self.next

    async def open_many(self, *names: str) -> tuple[list[Room], dict[str, Room], int]:
        rooms = [await self.open(name) for name in names]
        return rooms, {room.name: room for room in rooms}, len(rooms)

    async def names(self, *rooms: Room, more: list[Room]) -> list[str]:
        assert all(type(room) is Room for room in [*rooms, *more])
        return [room.name for room in [*rooms, *more]]

    def thread(self) -> str:
        return threading.current_thread().name

    async def fail(self) -> None:
        raise KeyError("lost")

    async def wait_forever(self) -> None:
        self.waiting.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()


@pytest.fixture
def room() -> Iterator[Blocking[Room]]:
    with blocking(Room("hall")) as proxy:
        yield proxy


def worker_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "worktab-blocking"]


def test_a_sender_works_without_await(worktab_chain: AnyChain) -> None:
    payer, target = Keypair(), Keypair().pubkey()
    with blocking(sender_for(worktab_chain, payer)) as sender:
        sender(lambda real: fund(real.chain, payer.pubkey(), 5 * SOL))
        confirmed = sender.send([pay(payer, target, SOL)])
        assert isinstance(confirmed, Confirmed)
        assert confirmed.fee == 5_000
        assert sender.chain.account(target) == AccountData(SOL, SYSTEM_PROGRAM_ID, b"")
        with pytest.raises(SimulationFailed):
            sender.send([pay(payer, target, 100 * SOL)])
        assert sender.resume() == []
        sender.chain.close()


def test_a_call_of_the_proxy_is_typed(room: Blocking[Room]) -> None:
    opened: Room = room(lambda hall: hall.open("attic"))
    assert type(opened) is Room
    assert opened.name == "attic"


def test_attributes_are_read_and_set(room: Blocking[Room]) -> None:
    assert room.name == "hall"
    room.name = "lobby"
    assert room(lambda hall: hall.names(hall, more=[])) == ["lobby"]
    assert "open_many" in dir(room)
    assert room.open.__doc__ == "Open a room."
    with pytest.raises(AttributeError, match="cellar"):
        _ = room.cellar
    assert not hasattr(room, "cellar")
    assert repr(room).startswith("blocking(<")


def test_plain_methods_run_on_the_loops_thread(room: Blocking[Room]) -> None:
    assert room.thread() == "worktab-blocking"


def test_nested_objects_come_back_as_proxies_and_go_in_as_themselves(room: Blocking[Room]) -> None:
    attic = room.open("attic")
    assert isinstance(attic, Blocking)
    assert attic.open("trunk").name == "trunk"
    assert isinstance(attic.next, Blocking)
    rooms, by_name, count = room.open_many("a", "b")
    assert [type(item) for item in [*rooms, *by_name.values()]] == [Blocking] * 4
    assert count == 2
    assert room.names(rooms[0], by_name["b"], more=[attic]) == ["a", "b", "attic"]
    room.next = attic
    assert room(lambda hall: hall.names(hall.next, more=[])) == ["attic"]  # type: ignore[arg-type]
    assert len(worker_threads()) == 1


def test_errors_pass_through(room: Blocking[Room]) -> None:
    with pytest.raises(KeyError, match="lost"):
        room.fail()


def test_the_objects_own_context_is_entered_and_left() -> None:
    target = Room("hall")
    with blocking(target):
        assert target.events == ["enter"]
    assert target.events == ["enter", "leave None"]
    with pytest.raises(ValueError, match="inside"), blocking(target):
        raise ValueError("inside")
    assert target.events[2:] == ["enter", "leave <class 'ValueError'>"]


def test_after_the_block_the_proxies_say_so_and_the_thread_is_gone() -> None:
    with blocking(Room("hall")) as room:
        attic = room.open("attic")
        with attic:
            pass
        assert attic.name == "attic", "leaving a nested object's block does not end the loop"
        assert len(worker_threads()) == 1
    assert worker_threads() == []
    for proxy in (room, attic):
        with pytest.raises(StateError, match="has ended"):
            _ = proxy.name


def test_what_still_runs_at_the_end_is_cancelled() -> None:
    target, raised = Room("hall"), []

    def wait() -> None:
        try:
            room.wait_forever()
        except concurrent.futures.CancelledError as error:
            raised.append(error)

    with blocking(target) as room:
        waiting = threading.Thread(target=wait)
        waiting.start()
        assert target.waiting.wait(timeout=120)
    waiting.join()
    assert target.cancelled.is_set()
    assert len(raised) == 1


def test_without_a_block_the_loop_ends_with_the_last_proxy() -> None:
    room = blocking(Room("hall"))
    attic = room.open("attic")
    del room
    gc.collect()
    assert attic.name == "attic"
    del attic
    gc.collect()
    assert worker_threads() == []


def test_a_proxy_refuses_to_wait_inside_its_own_loop(room: Blocking[Room]) -> None:
    async def inside(hall: Room) -> str:
        return str(room.name)

    with pytest.raises(StateError, match="inside its own event loop"):
        room(inside)


def test_an_interrupt_ends_the_work_too(monkeypatch: pytest.MonkeyPatch) -> None:
    target = Room("hall")

    def interrupted(self: concurrent.futures.Future[object], timeout: float | None = None) -> object:
        assert target.waiting.wait(timeout=120)
        raise KeyboardInterrupt

    with blocking(target) as room:
        wait = room.wait_forever
        monkeypatch.setattr(concurrent.futures.Future, "result", interrupted)
        with pytest.raises(KeyboardInterrupt):
            wait()
        monkeypatch.undo()
        assert target.cancelled.wait(timeout=120)


def test_many_threads_may_share_a_proxy(room: Blocking[Room]) -> None:
    names: list[str] = []
    threads = [threading.Thread(target=lambda n=n: names.append(room.open(str(n)).name)) for n in range(8)]  # type: ignore[misc]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(names) == [str(n) for n in range(8)]
