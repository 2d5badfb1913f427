"""Where proofs come from: a server, an exported folder on a server or here, or a folder of published data.

Nothing that a source says is believed: every proof and page is checked against a root that the caller read from the
chain before it is handed out.
"""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Final, Protocol

from solders.pubkey import Pubkey

from worktab.core._json import json_address, json_decimal, json_fields, json_hex, json_u32
from worktab.core.errors import EncodingError, WorktabError
from worktab.core.merkle import HASH_SIZE, payee_leaf, proves
from worktab.epochs.data import EpochData
from worktab.epochs.lineage import manifests
from worktab.epochs.proofs.book import ProofBook
from worktab.epochs.proofs.errors import EpochNotPublished, PayeeUnknown, ProofRefused, SourceForeign, SourceUnknown
from worktab.epochs.proofs.fetching import Files, Folder, Site
from worktab.epochs.proofs.files import DIRECTORY, LATEST, MANIFEST, devices_name, payees_name, shard_name
from worktab.epochs.proofs.index import DIRECTORY_LIMIT, SHARD_LIMIT, find_in_shard, shard_of
from worktab.epochs.proofs.pages import PAYEE_PAGE_LIMIT, PayeePage
from worktab.epochs.proofs.root import PAGE, Root
from worktab.ingest.rows import Rows
from worktab.roles.roots import RootProof

HEALTH: Final = "v1/health"
"""What a proof server says of itself."""

_JSON_LIMIT: Final = 1 << 20
_DEVICES_LIMIT: Final = 4 << 30
_PROOF_FIELDS: Final = ("epoch", "position", "payout", "lifetime_reward", "devices_root", "siblings")


class ProofSource(Protocol):
    """Proofs under a root that is known to be final.

    Every method raises `EpochNotPublished` where the source has not got the root's epoch, `SourceForeign` where it is
    another network's, `ProofRefused` for what is not in the root, and `SourceUnreachable`.
    """

    async def proof(self, root: Root, payout: Pubkey) -> RootProof | None:
        """The proof of a payout wallet; None where the source names no position for it."""
        ...

    async def page(self, root: Root, number: int) -> PayeePage:
        """A page of payees."""
        ...

    async def devices(self, root: Root, payout: Pubkey) -> Rows:
        """A payee's device rows (`worktab.epochs.data.DEVICE`): as `PayeePage.devices`. Raises `PayeeUnknown`."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


async def open_source(named: str) -> ProofSource:
    """The source at an address or in a folder, whichever kind it is.

    Raises `SourceUnknown`, `SourceUnreachable`, `ProofRefused`.
    """
    if "://" not in named:
        return _in_folder(Path(named))
    site = Site(named)
    try:
        if await site.get(HEALTH, _JSON_LIMIT) is not None:
            return ServerSource(site)
        if await site.get(LATEST, _JSON_LIMIT) is not None:
            return StaticSource(site)
    except WorktabError:
        await site.close()
        raise
    await site.close()
    raise SourceUnknown(f"There are no proofs at {named}", expected=f"a proof server, or an export with {LATEST}")


def _in_folder(named: Path) -> ProofSource:
    folder = named.expanduser()
    if (folder / LATEST).is_file():
        return StaticSource(Folder(folder))
    if any(folder.glob(f"[0-9]*/{MANIFEST}")):
        return DataSource(folder)
    raise SourceUnknown(f"There are no proofs in {folder}", expected=f"an export with {LATEST}, or folders of epochs")


class DataSource:
    """Proofs made from a folder of published data; one epoch is kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._book: ProofBook | None = None

    async def proof(self, root: Root, payout: Pubkey) -> RootProof | None:
        """See `ProofSource.proof`."""
        book = await self._of(root)
        position = book.position(payout)
        return None if position is None else book.proof_at(position)

    async def page(self, root: Root, number: int) -> PayeePage:
        """See `ProofSource.page`."""
        return PayeePage.read((await self._of(root)).page(number), root, number)

    async def devices(self, root: Root, payout: Pubkey) -> Rows:
        """See `ProofSource.devices`."""
        book = await self._of(root)
        position = book.proof(payout).position
        number = position // PAGE
        return PayeePage.read(book.page(number), root, number).devices(book.device_page(number), position)

    async def close(self) -> None:
        """See `ProofSource.close`."""

    async def _of(self, root: Root) -> ProofBook:
        if self._book is None or self._book.root != root:
            self._book = await asyncio.to_thread(read_book, self._folder, root)
        return self._book


def read_book(folder: Path, root: Root) -> ProofBook:
    """The proofs of a root from a folder of published data.

    Raises `EpochNotPublished`, `SourceForeign`, `ProofRefused` where the folder has another root for the epoch, and
    what `EpochData.read` raises.
    """
    if not (folder / str(root.epoch) / MANIFEST).is_file():
        if known := manifests(folder):
            newest = known[max(known)]
            _require_own(root, str(newest.network), newest.domain.hex())
        raise EpochNotPublished(f"{folder} has no data of epoch {root.epoch}")
    book = ProofBook(EpochData.read(folder, root.epoch))
    _require_own(root, str(book.root.network), book.root.domain.hex())
    if book.root != root:
        raise ProofRefused(
            f"The data of epoch {root.epoch} in {folder} is not that of the final root",
            expected=root.root.hex(),
            got=book.root.root.hex(),
        )
    return book


def _require_own(root: Root, network: object, domain: object) -> None:
    """Raises `SourceForeign` where a source says that it is of another network; `domain` is in hex."""
    if isinstance(network, str) and network != str(root.network):
        raise SourceForeign("The proofs are another network's", expected=str(root.network), got=network)
    if isinstance(domain, str) and domain != root.domain.hex():
        # The domain binds a network's address to the cluster.
        raise SourceForeign(
            f"The proofs are those of network {root.network} on another cluster",
            expected=f"domain {root.domain.hex()}",
            got=f"domain {domain}",
        )


class _PagedSource(ABC):
    """What a proof server and exported files have in common: pages."""

    facts: str
    """The file in which the source says whose it is."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._own = False

    async def _require_own(self, root: Root) -> None:
        """Ask once whose it is. Raises `SourceForeign`."""
        if not self._own:
            told = await self._files.get(self.facts, _JSON_LIMIT)
            if told is not None:
                facts = _json(told)
                _require_own(root, facts.get("network"), facts.get("domain"))
            self._own = True

    async def page(self, root: Root, number: int) -> PayeePage:
        """See `ProofSource.page`."""
        data = await self._file(root, payees_name(number), PAYEE_PAGE_LIMIT)
        return await asyncio.to_thread(PayeePage.read, data, root, number)

    async def devices(self, root: Root, payout: Pubkey) -> Rows:
        """See `ProofSource.devices`."""
        proof = await self.proof(root, payout)
        if proof is None:
            raise PayeeUnknown(f"The source names no position for {payout}")
        page = await self.page(root, proof.position // PAGE)
        data = await self._file(root, devices_name(page.number), _DEVICES_LIMIT)
        return await asyncio.to_thread(page.devices, data, proof.position)

    @abstractmethod
    async def proof(self, root: Root, payout: Pubkey) -> RootProof | None:
        """See `ProofSource.proof`."""

    async def close(self) -> None:
        """See `ProofSource.close`."""
        await self._files.close()

    @abstractmethod
    async def _file(self, root: Root, name: str, limit: int) -> bytes: ...


class StaticSource(_PagedSource):
    """Proofs from exported files (`worktab.epochs.proofs.files`)."""

    facts = LATEST

    async def proof(self, root: Root, payout: Pubkey) -> RootProof | None:
        """See `ProofSource.proof`."""
        directory = await self._file(root, DIRECTORY, DIRECTORY_LIMIT)
        shard = shard_of(directory, bytes(payout))
        if shard is None:
            return None
        position = find_in_shard(await self._file(root, shard_name(shard), SHARD_LIMIT), bytes(payout))
        if position is None:
            return None
        if position >= root.count:
            raise ProofRefused("The index names a position beyond the root", got=str(position))
        proof = (await self.page(root, position // PAGE)).proof(position)
        if proof.payout != payout:
            raise ProofRefused("The index names another payee's position", expected=str(payout), got=str(proof.payout))
        return proof

    async def _file(self, root: Root, name: str, limit: int) -> bytes:
        await self._require_own(root)
        data = await self._files.get(f"{root.epoch}/{name}", limit)
        if data is None:
            raise EpochNotPublished(f"The source has no {name} of epoch {root.epoch}", got=await self._newest())
        return data

    async def _newest(self) -> str:
        told = await self._files.get(LATEST, _JSON_LIMIT)
        epoch = _json(told).get("epoch") if told is not None else None
        return f"epoch {epoch}" if type(epoch) is int else "no epoch"


class ServerSource(_PagedSource):
    """Proofs from a proof server (`worktab.epochs.proofs.server`)."""

    facts = HEALTH

    async def proof(self, root: Root, payout: Pubkey) -> RootProof | None:
        """See `ProofSource.proof`."""
        await self._require_own(root)
        data = await self._files.get(f"v1/proofs/{payout}", _JSON_LIMIT)
        if data is None:
            return None
        try:
            epoch, proof = proof_from_json(_json(data))
        except EncodingError as error:
            raise ProofRefused("The server's proof cannot be read", expected=error.expected, got=error.got) from error
        if epoch != root.epoch:
            raise EpochNotPublished(f"The server has no proofs of epoch {root.epoch}", got=f"epoch {epoch}")
        leaf = payee_leaf(
            root.domain, root.epoch, proof.position, proof.payout, proof.lifetime_reward, proof.devices_root
        )
        if proof.payout != payout or not proves(root.root, root.count, leaf, proof.position, proof.siblings):
            raise ProofRefused(f"The server's proof for {payout} does not lead to the final root of epoch {epoch}")
        return proof

    async def _file(self, root: Root, name: str, limit: int) -> bytes:
        await self._require_own(root)
        data = await self._files.get(f"v1/epochs/{root.epoch}/{name}", limit)
        if data is None:
            raise EpochNotPublished(f"The server has no {name} of epoch {root.epoch}")
        return data


def proof_to_json(root: Root, proof: RootProof) -> dict[str, Any]:
    """A proof as JSON-ready facts: addresses in base58, hashes in hex, the reward in base units as digits."""
    return {
        "epoch": str(root.epoch),
        "position": proof.position,
        "payout": str(proof.payout),
        "lifetime_reward": str(proof.lifetime_reward),
        "devices_root": proof.devices_root.hex(),
        "siblings": [each.hex() for each in proof.siblings],
    }


def proof_from_json(value: object) -> tuple[int, RootProof]:
    """The epoch and the proof in a JSON object; the exact inverse of `proof_to_json`. Raises `EncodingError`."""
    epoch, position, payout, reward, devices_root, siblings = json_fields(value, _PROOF_FIELDS)
    if not isinstance(siblings, list):
        raise EncodingError("siblings is no list", got=type(siblings).__name__)
    proof = RootProof(
        json_u32(position, "position"),
        json_address(payout, "payout"),
        json_decimal(reward, "lifetime_reward"),
        json_hex(devices_root, HASH_SIZE, "devices_root"),
        tuple(json_hex(each, HASH_SIZE, "sibling") for each in siblings),
    )
    return json_decimal(epoch, "epoch"), proof


def _json(data: bytes) -> dict[str, Any]:
    try:
        told = json.loads(data)
    except ValueError as error:
        raise ProofRefused("The source's answer is not JSON", got=str(error)) from error
    if not isinstance(told, dict):
        raise ProofRefused("The source's answer is no JSON object", got=type(told).__name__)
    return told
