"""The same objects without `await`: `blocking(obj)` runs an asynchronous object on an event loop of its own.

    with blocking(operator) as op:
        network = op.create_network(...)

There is one logic, the asynchronous one. The proxy reads attributes and runs methods on a background thread's event
loop and waits for the result, so that scripts and notebooks need no event loop and any thread may call.

On types: Python's type system cannot say "the same methods, with `await` taken out", so a mirrored attribute is `Any`
to a type checker. Where types matter, call the proxy with a function of the real object; its result is typed:

    network = op(lambda operator: operator.create_network(...))
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import threading
import weakref
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from worktab.core.errors import StateError

_Target = TypeVar("_Target")
_Result = TypeVar("_Result")


class Blocking(Generic[_Target]):
    """A proxy for an asynchronous object that waits where the object would be awaited; made by `blocking()`.

    Asynchronous objects that come back, alone or in a list, tuple or dict, come back as proxies on the same event
    loop; proxies given as arguments arrive as what they stand for. Errors pass through unchanged. Attributes can be
    set. After its `with` block, or inside its own event loop, a proxy raises `StateError`.
    """

    __slots__ = ("__weakref__", "_background_", "_owner_", "_target_")

    _target_: _Target
    _background_: _Background
    _owner_: bool

    def __init__(self, target: _Target, background: _Background, *, owner: bool) -> None:
        object.__setattr__(self, "_target_", target)
        object.__setattr__(self, "_background_", background)
        object.__setattr__(self, "_owner_", owner)

    def __call__(self, use: Callable[[_Target], Awaitable[_Result]]) -> _Result:
        """What `use` awaits from the real object, with its type."""

        async def run() -> _Result:
            return await use(self._target_)

        return self._background_.run(run)

    def __getattr__(self, name: str) -> Any:
        attribute = self._background_.run(functools.partial(_read, self._target_, name))
        if not inspect.isroutine(attribute):
            return self._wrapped(attribute)

        @functools.wraps(attribute)
        def call(*args: Any, **kwargs: Any) -> Any:
            async def run() -> Any:
                result = attribute(*_unwrapped(args), **_unwrapped(kwargs))
                return await result if inspect.isawaitable(result) else result

            return self._wrapped(self._background_.run(run))

        return call

    def __setattr__(self, name: str, value: Any) -> None:
        self._background_.run(functools.partial(_write, self._target_, name, _unwrapped(value)))

    def __dir__(self) -> list[str]:
        return dir(self._target_)

    def __repr__(self) -> str:
        return f"blocking({self._target_!r})"

    def __enter__(self) -> Self:
        enter = getattr(self._target_, "__aenter__", None)
        if enter is not None:
            self._background_.run(enter)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        leave = getattr(self._target_, "__aexit__", None)
        try:
            if leave is not None:
                self._background_.run(functools.partial(leave, kind, error, trace))
        finally:
            if self._owner_:
                self._background_.close()

    def _wrapped(self, value: Any) -> Any:
        if type(value) in (list, tuple):
            return type(value)(self._wrapped(item) for item in value)
        if type(value) is dict:
            return {key: self._wrapped(item) for key, item in value.items()}
        return Blocking(value, self._background_, owner=False) if _is_async(value.__class__) else value


def blocking(target: _Target) -> Blocking[_Target]:
    """A proxy for `target` whose methods wait for their result; see the module's text.

    Best used in a `with` statement, which enters and leaves the object's own `async with` if it has one and ends the
    event loop. Without one the loop ends with the last proxy. The object must not be in use by another event loop.
    """
    return Blocking(target, _Background(), owner=True)


class _Background:
    """An event loop on a thread of its own, which ends when nothing refers to this object any more."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        # The thread must not refer to self, or self would live as long as the thread.
        self._thread = threading.Thread(target=_run_loop, args=(self._loop,), name="worktab-blocking", daemon=True)
        self._thread.start()
        self.close = weakref.finalize(self, _stop_loop, self._loop, self._thread)

    def run(self, call: Callable[[], Awaitable[_Result]]) -> _Result:
        if not self.close.alive:
            raise StateError("The event loop behind this object has ended", next_step="Make a new one with blocking()")
        if threading.current_thread() is self._thread:
            raise StateError(
                "A blocking object was used inside its own event loop", next_step="Await the asynchronous object there"
            )

        async def run() -> _Result:
            return await call()

        future = asyncio.run_coroutine_threadsafe(run(), self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # an interrupt ends the wait only; without this the work would go on unseen
            raise


def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def _stop_loop(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    loop.call_soon_threadsafe(loop.stop)
    if threading.current_thread() is not thread:
        thread.join()


async def _read(target: Any, name: str) -> Any:
    return getattr(target, name)


async def _write(target: Any, name: str, value: Any) -> None:
    setattr(target, name, value)


def _unwrapped(value: Any) -> Any:
    if isinstance(value, Blocking):
        return value._target_
    if type(value) in (list, tuple):
        return type(value)(_unwrapped(item) for item in value)
    if type(value) is dict:
        return {key: _unwrapped(item) for key, item in value.items()}
    return value


@functools.cache
def _is_async(kind: type) -> bool:
    """Whether objects of a type have anything to await."""
    return any(inspect.iscoroutinefunction(inspect.getattr_static(kind, name, None)) for name in dir(kind))
