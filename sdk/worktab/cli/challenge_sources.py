"""Where `worktab challenge` gets records from."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
from solders.pubkey import Pubkey

from worktab.cli.connecting import Reading, read
from worktab.cli.keyfiles import wallet as read_wallet
from worktab.cli.options import Wallet
from worktab.cli.output import working
from worktab.core.answers import ask
from worktab.core.errors import ConnectionFailed, InputError
from worktab.epochs.attesting.evidence import HttpEvidence, Wanted
from worktab.trust.published import BoughtJob, Published, bundles_in, open_published
from worktab.work.blobs import BlobSource

_MOST_BYTES: Final = 1 << 30
_NEWEST: Final = 10_000
"""Records that are asked of a device's server at most."""

_LONGEST: Final = 1800.0
"""Seconds that a bundle may take."""


@dataclass(frozen=True, slots=True)
class Found:
    """Records of one device: a part of its chain, or jobs that it sold."""

    device: Pubkey
    published: Published | None
    jobs: list[BoughtJob] = field(default_factory=list)
    blobs: BlobSource | None = None


@contextmanager
def open_sources(
    sources: Sequence[str], device: Pubkey | None, attestor: Path | None, wallet: Wallet
) -> Iterator[list[Found]]:
    """The records in sources. Raises `InputError`, `ConnectionFailed`, and what opening and fetching bundles raises."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="worktab-challenge-")))
        found = []
        for number, source in enumerate(sources):
            place = folder / str(number)
            place.mkdir()
            for paths in _bundles(source, place, device, attestor, wallet):
                published = stack.enter_context(open_published(paths))
                found.append(Found(published.device, published))
        yield found


def _bundles(
    source: str, place: Path, device: Pubkey | None, attestor: Path | None, wallet: Wallet
) -> list[list[Path]]:
    """The bundles of a source; those that are parts of one chain together."""
    if source.startswith(("http://", "https://")):
        if device is not None:
            return [_from_device(source, place, device, attestor, wallet)]
        return [[_download(source, place / "records.bundle")]]
    path = Path(source).expanduser()
    if path.is_dir():
        return [[each] for paths in bundles_in(path).values() for each in paths]
    if not path.is_file():
        expected = "a bundle, a folder of bundles or a URL"
        raise InputError("There is nothing to challenge", expected=expected, got=repr(source))
    return [[path]]


def _from_device(url: str, place: Path, device: Pubkey, attestor: Path | None, wallet: Wallet) -> list[Path]:
    """The newest records up to the head on chain, as a device shows them to an attestor."""
    key = read_wallet(attestor or wallet.keypair)

    async def fetch(session: Reading) -> list[Path]:
        view = await session.device(device)
        last = view.device.seq
        if not last:
            raise InputError("The device has no receipt on chain yet", got=str(device))
        first = max(1, last - _NEWEST + 1)
        async with httpx.AsyncClient() as client:
            source = HttpEvidence(url, attestor=key, domain=view.network.domain, client=client, most=_MOST_BYTES)
            return await source.fetch(Wanted(device, first, last, tuple(range(first, last + 1))), place)

    return read(wallet, "Getting the device's records", fetch)


def _download(url: str, path: Path) -> Path:
    async def fetch() -> None:
        async with (
            httpx.AsyncClient() as client,
            ask(client, url, most=_MOST_BYTES, seconds=_LONGEST) as answer,
        ):
            if not answer.ok:
                raise ConnectionFailed(
                    f"{url} cannot be had", got=f"HTTP {answer.status}", next_step="Check the address"
                )
            with path.open("wb") as file:
                async for chunk in answer.chunks():
                    file.write(chunk)

    try:
        with working("Getting the bundle"):
            asyncio.run(fetch())
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ConnectionFailed(
            f"{url} cannot be had", got=str(error) or type(error).__name__, next_step="Check the address"
        ) from error
    return path
