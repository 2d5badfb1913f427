"""Getting files by name, from a folder or over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Protocol

import httpx

from worktab.core.answers import UnfitAnswer, ask
from worktab.epochs.proofs.errors import ProofRefused, SourceUnreachable

_TRIES: Final = 4
_PAUSE: Final = 0.5
_LONGEST: Final = 120.0
_MISSING: Final = (404, 410)
_BUSY: Final = (408, 425, 429)


class Files(Protocol):
    """A place with files."""

    async def get(self, name: str, limit: int) -> bytes | None:
        """The file of this name, None where there is none.

        Raises `ProofRefused` above `limit` bytes, `SourceUnreachable`.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class Folder:
    """Files of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def get(self, name: str, limit: int) -> bytes | None:
        """See `Files.get`."""
        file = self._folder / name
        try:
            size = file.stat().st_size
            if size > limit:
                raise _too_large(name, limit)
            return await asyncio.to_thread(file.read_bytes)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SourceUnreachable(f"The file {file} cannot be read", got=str(error.strerror)) from error

    async def close(self) -> None:
        """See `Files.close`."""


class Site:
    """Files below an address. One that does not answer, or not now, is asked again."""

    def __init__(
        self,
        url: str,
        *,
        client: httpx.AsyncClient | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._url = url.rstrip("/")
        self._client = client or httpx.AsyncClient()
        self._sleep = sleep

    async def get(self, name: str, limit: int) -> bytes | None:
        """See `Files.get`."""
        for again in reversed(range(_TRIES)):
            try:
                async with ask(self._client, f"{self._url}/{name}", most=limit, seconds=_LONGEST) as answer:
                    if answer.status in _MISSING:
                        return None
                    if answer.ok:
                        return await answer.body()
                    trouble = f"HTTP {answer.status}"
                    if not (httpx.codes.is_server_error(answer.status) or answer.status in _BUSY):
                        break
            except UnfitAnswer as error:
                raise ProofRefused(error.message, expected=error.expected, got=error.got) from error
            except httpx.TransportError as error:
                trouble = f"{type(error).__name__}: {error}"
            except httpx.InvalidURL as error:
                raise SourceUnreachable(f"{self._url} is no address", got=str(error)) from error
            if again:
                await self._sleep(_PAUSE * 2 ** (_TRIES - 1 - again))
        raise SourceUnreachable(f"{self._url}/{name} gave no usable answer", got=trouble)

    async def close(self) -> None:
        """See `Files.close`."""
        await self._client.aclose()


def _too_large(name: str, limit: int) -> ProofRefused:
    return ProofRefused(f"The source's {name} is too large", expected=f"at most {limit} bytes")
