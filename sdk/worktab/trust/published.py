"""Records of a device as somebody else comes by them: bundles of its chain, or what it proved to a buyer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from solders.pubkey import Pubkey

from worktab.core.errors import EncodingError, InputError
from worktab.roles.accusations import Shown
from worktab.trust.judging import AnyBlobs
from worktab.work.blobs import BlobSource
from worktab.work.bundle import open_bundle
from worktab.work.history import ChainState, Entry, SignedReceipt


@dataclass(frozen=True, slots=True)
class Published:
    """A part of a device's record chain, with its data.

    device   its address, as the records' source states it
    base     the state that the first record follows
    count    how many records there are
    entries  goes through them, as often as it is called
    blobs    their data
    """

    device: Pubkey
    base: ChainState
    count: int
    entries: Callable[[], Iterable[Entry]]
    blobs: BlobSource


@contextmanager
def open_published(paths: Sequence[Path]) -> Iterator[Published]:
    """The records in one or more bundles of one device, whose order is that of their records.

    Raises `InputError` for no bundle or bundles of several devices, and what `open_bundle` raises.
    """
    with ExitStack() as stack:
        bundles = [stack.enter_context(open_bundle(path)) for path in paths]
        if len({bundle.device for bundle in bundles}) != 1:
            raise InputError("These are not bundles of one device", got=f"{len(bundles)} bundles")
        bundles.sort(key=lambda bundle: bundle.base.seq)
        yield Published(
            Pubkey(bundles[0].device),
            bundles[0].base,
            sum(bundle.count for bundle in bundles),
            lambda: chain.from_iterable(bundle.entries() for bundle in bundles),
            AnyBlobs(bundles),
        )


def bundles_in(folder: Path) -> dict[Pubkey, list[Path]]:
    """The bundles in a folder by their device; files that are none are left out."""
    found: dict[Pubkey, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if not path.is_file():
            continue
        try:
            with open_bundle(path) as bundle:
                found.setdefault(Pubkey(bundle.device), []).append(path)
        except EncodingError:
            continue
    return found


@dataclass(frozen=True, slots=True)
class BoughtJob:
    """A job that a device sold, with the proof that came with its answer.

    device    the device
    seq       the record's place in its chain
    before    32-byte chain head before the record
    shown     the record and its salt
    receipt   the device's receipt with this record as the newest
    module    32-byte hash of the program that was ordered; None where that is not known
    input     32-byte hash of the input that was sent; None likewise
    """

    device: Pubkey
    seq: int
    before: bytes
    shown: Shown
    receipt: SignedReceipt
    module: bytes | None = None
    input: bytes | None = None
