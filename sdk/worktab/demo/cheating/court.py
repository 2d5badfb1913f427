"""Attestors: each asks the disputed devices for their records, over HTTP, runs them again, and votes."""

from __future__ import annotations

import time
from dataclasses import dataclass

import httpx

from worktab.demo.cheating.scene import Scene
from worktab.epochs.attesting.evidence import HttpEvidence
from worktab.roles.disputes import DisputeVoter
from worktab.trust.asking import Asker
from worktab.trust.attesting import DisputeAttestor, Disputed
from worktab.trust.memory import DisputeMemory


@dataclass(frozen=True, slots=True)
class Looked:
    """What the attestors did about all disputes, one after the other; `cpu_ns` are CPU nanoseconds of this process."""

    done: tuple[tuple[Disputed, ...], ...]
    cpu_ns: int


async def judge_all(scene: Scene) -> Looked:
    """Each attestor looks at the open disputes once. As soon as enough agree on one, it is resolved."""
    began = time.process_time_ns()
    urls = {player.shop.address: player.shop.url for player in scene.players}
    sender, network = scene.stage.sender(), scene.stage.operator.address
    done = []
    async with httpx.AsyncClient() as http:
        for number, key in enumerate(scene.attestors):
            voter = DisputeVoter(sender, network, key)
            evidence = HttpEvidence(urls, attestor=key, domain=await voter.reader.domain(), client=http)
            memory = DisputeMemory(scene.folder / f"attestor-{number}.json")
            done.append(await DisputeAttestor(voter, Asker([evidence]), memory).look())
    return Looked(tuple(done), time.process_time_ns() - began)
