"""Takes modules in from whoever sends them.

Nobody pays for an upload, so a few at once have to do: they wait on the disk, not in memory, and one that stalls ends.
"""

from __future__ import annotations

import asyncio
import tempfile
from typing import IO, Final

from starlette.requests import Request

from worktab.agent.errors import UploadTooSlow
from worktab.core.errors import StorageError
from worktab.market.errors import BodyTooLarge, Overloaded

MOST_UPLOADS: Final = 4
"""Uploads at once; more are answered 503."""

SECONDS: Final = 60.0
"""How long an upload may take."""


class Uploads:
    """Reads the bodies of uploads of at most `limit` bytes. For the tasks of one event loop."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._now = 0

    async def read(self, request: Request) -> bytes:
        """The body of an upload.

        Raises `BodyTooLarge`, `Overloaded` (there are enough already), `UploadTooSlow`, `StorageError`, and starlette's
        `ClientDisconnect` where the client has gone.
        """
        too_large = BodyTooLarge("The module is too large", expected=f"at most {self._limit} bytes")
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._limit:
            raise too_large
        if self._now >= MOST_UPLOADS:
            raise Overloaded("There are enough uploads already", expected=f"at most {MOST_UPLOADS} at once")
        self._now += 1
        try:
            with tempfile.TemporaryFile() as file:
                async with asyncio.timeout(SECONDS):
                    await self._receive(request, file, too_large)
                file.seek(0)
                return file.read()
        except TimeoutError:
            raise UploadTooSlow("The module took too long to come", expected=f"within {SECONDS:.0f} seconds") from None
        except OSError as error:
            raise StorageError("The module cannot be written", got=str(error.strerror)) from error
        finally:
            self._now -= 1

    async def _receive(self, request: Request, file: IO[bytes], too_large: BodyTooLarge) -> None:
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > self._limit:
                raise too_large
            file.write(chunk)
