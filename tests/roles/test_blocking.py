"""The roles without `await`: the whole life of a small network in a plain function."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from solders.keypair import Keypair

from support.fleet import FUNDS, TIMING, Fleet
from support.jobs import record, salt
from worktab.chain.sync import Blocking, blocking
from worktab.program.generated import errors
from worktab.roles.base import program_sender
from worktab.roles.claiming import ClaimOutcome
from worktab.roles.device import Device
from worktab.roles.operator import Operator
from worktab.roles.reading import NetworkReader
from worktab.roles.submitting import Flushed, Submitter
from worktab.roles.terms import Pause
from worktab.work.spool import Spool


def test_a_script_needs_no_event_loop(worktab_chain: Any, tmp_path: Path) -> None:
    # A connection belongs to one event loop, so all goes through this one proxy and what comes out of it.
    with blocking(Fleet(worktab_chain)) as fleet:
        fleet.start(create=False)
        plan, operator = fleet.plan(), fleet.operator
        created = operator.create_network(plan)
        assert created.address == operator.address == fleet.network

        def strangers_pause(real: Fleet) -> Any:
            return Operator(real.sender, real.network, authority=Keypair()).set_pause(Pause.ALL)

        with pytest.raises(errors.Unauthorized):
            fleet(strangers_pause)
        fleet.mint.give(fleet.authority.pubkey(), FUNDS)
        assert operator.fund_pool(FUNDS).amount == FUNDS

        owner = fleet.owner()
        signer = Keypair()
        registered = owner.register(signer, capacity=100)
        fleet.next_epoch()
        with Spool.open(tmp_path / "spool", device=bytes(registered.address)) as spool:
            spool.append(record(1, units=40), salt(1))
            now = fleet.clock.now()

            async def flush(real: Fleet) -> Flushed:
                sender = program_sender(real.chain, fee_payer=real.payer, journal=spool.journal, **TIMING)
                return await Submitter(Device(sender, real.network, signer=signer), spool, clock=lambda: now).flush()

            flushed = fleet(flush)
        assert (flushed.seq, flushed.reward) == (1, 80)

        assert fleet(lambda real: NetworkReader(real.chain, real.network).network()).pool_owed == 80
        report = owner.claim()
        assert [each.outcome for each in report.devices] == [ClaimOutcome.PAID]
        assert operator.ledger().holds
        # Typed, and for every attribute of the real object.
        stats = fleet(lambda real: real.operator.stats())
        assert (stats.rewards_accrued, stats.rewards_owed) == (80, 0)
        assert isinstance(operator.reader, Blocking)
        assert operator.reader.device(registered.address).units == 40
