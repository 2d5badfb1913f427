"""Objects that die at a chosen step, and a chain whose every answer lets others go first."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any


class Killed(BaseException):
    """The process is gone: nothing in it may catch this."""


class Fuse:
    """Burns a step at a time and kills at the one it was set to."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def burn(self) -> None:
        self.left -= 1
        if self.left <= 0:
            raise Killed


class Mortal:
    """An object before and after whose every call the fuse burns a step."""

    def __init__(self, target: Any, fuse: Fuse, **parts: Any) -> None:
        self._target = target
        self._fuse = fuse
        self.__dict__.update(parts)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        if not callable(value):
            return value

        def call(*args: Any, **kwargs: Any) -> Any:
            self._fuse.burn()
            result = value(*args, **kwargs)
            if inspect.isawaitable(result):
                return self._finish(result)
            self._fuse.burn()
            return result

        return call

    async def _finish(self, result: Any) -> Any:
        answer = await result
        self._fuse.burn()
        return answer


class Yielding:
    """A chain that lets every other task run before and after each answer."""

    def __init__(self, target: Any) -> None:
        self._target = target

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        if not inspect.iscoroutinefunction(value):
            return value

        async def call(*args: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(0)
            answer = await value(*args, **kwargs)
            await asyncio.sleep(0)
            return answer

        return call
