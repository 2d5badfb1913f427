"""The scenario from bonded devices to who paid for what."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from worktab.demo.cheating.cast import CAST, Part
from worktab.demo.cheating.challenges import challenge_all
from worktab.demo.cheating.court import judge_all
from worktab.demo.cheating.outcome import compute_units, decided, miss, purse, standing
from worktab.demo.cheating.report import JUDGING, OPENING, CheatReport, DeviceFacts
from worktab.demo.cheating.scene import scene
from worktab.demo.getting_paid import claim
from worktab.demo.stage import DECIMALS


async def run_cheats(folder: Path, *, cast: Sequence[Part] = CAST) -> CheatReport:
    """Let devices work, of which some cheat; let challengers and attestors find out, and the chain settle it.

    A consumer buys jobs, one of them from a device that hands out a wrong result; the one device that promised more
    goes away. `folder` takes spools, purchases, published records and what attestors remember. Raises what selling,
    buying, challenging and attesting raise.
    """
    began = time.perf_counter()
    async with scene(cast, folder) as made:
        stage, players, ledger = made.stage, made.players, made.stage.operator.ledger
        costs = {"setting up": await stage.spent()}
        paid = await made.work()
        [gone] = [each for each in players if each.part.leaves]
        promised = await made.promise(gone, paid[gone.name])
        await made.settle()
        published = made.publish()
        await gone.shop.close()
        before, ledgers = [await standing(each) for each in players], {"worked": await ledger()}
        costs["lanes, vouchers, receipts, SLA"] = await stage.spent()

        challenges = await challenge_all(made, published)
        ledgers["disputed"] = await ledger()
        costs[OPENING] = await stage.spent()
        looked = await judge_all(made)
        cases = await decided(made, challenges.accused)
        costs[JUDGING] = await stage.spent()
        missed = await miss(stage, promised.address)
        costs["ending the SLA"] = await stage.spent()
        after, ledgers["decided"] = [await standing(each) for each in players], await ledger()

        claimed = [await claim(stage, each.shop) for each in players]
        ledgers["claimed"] = await ledger()
        costs["claims"] = await stage.spent()
        devices = [
            DeviceFacts(
                part=player.part,
                address=player.shop.address,
                before=before[number],
                after=after[number],
                claimed=claimed[number],
                wallet=await stage.tokens(player.shop.party.owner.pubkey()),
            )
            for number, player in enumerate(players)
        ]
        return CheatReport(
            decimals=DECIMALS,
            devices=tuple(devices),
            cases=cases,
            challenges=challenges,
            attestors_cpu_ns=looked.cpu_ns,
            missed=missed,
            paid=paid,
            consumer=await purse(made.consumer),
            stranger=await purse(made.stranger),
            ledgers=ledgers,
            costs=costs,
            units=compute_units(stage.chain.landed.values()),
            seconds=time.perf_counter() - began,
        )
