"""Disputes, as `worktab attest run` sees to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from solders.pubkey import Pubkey

from worktab.cli.connecting import Acting
from worktab.cli.output import Name, Rows, When, to_json
from worktab.cli.proof_sources import data_folder
from worktab.epochs.attesting.evidence import EvidenceSource
from worktab.ingest.store import ReceiptStore
from worktab.program.generated.accounts import Device
from worktab.roles.disputes import DisputeVoter
from worktab.trust.asking import Asker
from worktab.trust.attesting import DisputeAction, DisputeAttestor, Disputed
from worktab.trust.memory import DisputeMemory
from worktab.trust.receipts import signed_states
from worktab.work.history import ChainState

_SHOWN: Final = 50
_QUIET: Final = frozenset({DisputeAction.KEPT, DisputeAction.NONE})


class Asked(Protocol):
    """What of the command's options concerns disputes."""

    @property
    def max_units(self) -> int: ...
    @property
    def memory(self) -> Path | None: ...


def dispute_attestor(
    where: Pubkey, asked: Asked, session: Acting, store: ReceiptStore | None, sources: Sequence[EvidenceSource]
) -> DisputeAttestor:
    """The wallet as an attestor of a network's disputes.

    Raises `StorageError`, and `JobError` where this machine does not run jobs as all others do.
    """

    def signed(address: Pubkey, device: Device) -> list[ChainState]:
        return [] if store is None else signed_states(store.newest(bytes(address)).tobytes(), address, device)

    epochs = memory_file(where, asked.memory, session.actor.pubkey())
    return DisputeAttestor(
        DisputeVoter(session.sender(), where, session.actor, session.program),
        Asker(sources, asked.max_units),
        DisputeMemory(epochs.with_name(f"{epochs.stem}-disputes.json")),
        signed,
    )


def memory_file(network: Pubkey, named: Path | None, attestor: Pubkey) -> Path:
    """Where an attestor of a network keeps what it found of commitments; disputes are kept beside it."""
    return (named or data_folder() / "attest" / f"{network}-{attestor}.json").expanduser()


def dispute_facts(disputed: Sequence[Disputed], *, as_json: bool) -> dict[str, Any]:
    """What a look did about disputes."""
    if as_json:
        return {"disputes": [each.to_json() for each in disputed]}
    rows = [
        {
            "dispute": each.view.address,
            "job": Name(each.view.account.seq),
            "finding": None if each.finding is None else each.finding.name.lower(),
            "action": each.action.value,
            "verdict": None if each.verdict is None else each.verdict.name.lower(),
            "deadline": When(each.view.account.deadline),
            "detail": each.detail,
        }
        for each in disputed
    ]
    columns = ("dispute", "job", "finding", "action", "verdict", "deadline", "detail")
    return {"disputes": Rows(rows, columns, _SHOWN)}


class DisputeLines:
    """Tells of looks at disputes, each in one line, and of each change once."""

    def __init__(self, say: Callable[[str], None], *, as_json: bool) -> None:
        self._say, self._as_json = say, as_json
        self._last: dict[Pubkey, tuple[object, ...]] = {}

    def __call__(self, disputed: Sequence[Disputed]) -> None:
        """Tell of one look."""
        now: dict[Pubkey, tuple[object, ...]] = {
            each.view.address: (each.action, each.finding, each.verdict) for each in disputed
        }
        new = [each for each in disputed if self._last.get(each.view.address) != now[each.view.address]]
        self._last = now
        told = [each for each in new if each.action not in _QUIET]
        if told and self._as_json:
            self._say(to_json({"disputes": [each.to_json() for each in told]}, indent=None))
        elif told:
            self._say("; ".join(_line(each) for each in told))


def _line(each: Disputed) -> str:
    finding = "" if each.finding is None else f" {each.finding.name.lower()}"
    verdict = "" if each.verdict is None else f" {each.verdict.name.lower()}"
    why = f" ({each.detail})" if each.detail else ""
    return f"dispute {each.view.address}: {each.action.value}{finding}{verdict}{why}"
