"""The roles without `await`: the whole life of a small network in a plain function."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from solders.keypair import Keypair

from support.fleet import FUNDS, Fleet
from support.jobs import record, salt
from worktab.chain.sync import Blocking, blocking
from worktab.program.generated import errors
from worktab.roles.base import program_sender
from worktab.roles.claiming import ClaimOutcome
from worktab.roles.device import Device
from worktab.roles.operator import Operator
from worktab.roles.reading import NetworkReader
from worktab.roles.submitting import Submitter
from worktab.roles.terms import Pause
from worktab.work.spool import Spool


@pytest.fixture
def fleet() -> Fleet:
    return asyncio.run(Fleet.start(create=False))


def test_a_script_needs_no_event_loop(fleet: Fleet, tmp_path: Any) -> None:
    plan = fleet.plan()
    with blocking(fleet.operator) as operator:
        created = operator.create_network(plan)
        assert created.address == operator.address == fleet.network
        with pytest.raises(errors.Unauthorized):
            blocking(Operator(fleet.sender, fleet.network, authority=Keypair())).set_pause(Pause.ALL)
        asyncio.run(fleet.give(fleet.authority.pubkey(), FUNDS))
        assert operator.fund_pool(FUNDS).amount == FUNDS

        owner = blocking(fleet.owner())
        signer = Keypair()
        registered = owner.register(signer, capacity=100)
        fleet.next_epoch()
        with Spool.open(tmp_path / "spool", device=bytes(registered.address)) as spool:
            spool.append(record(1, units=40), salt(1))
            sender = program_sender(fleet.chain, fee_payer=fleet.payer, journal=spool.journal)
            now = fleet.chain._svm.get_clock().unix_timestamp
            submitter = Submitter(Device(sender, fleet.network, signer=signer), spool, clock=lambda: now)
            flushed = blocking(submitter).flush()
        assert (flushed.seq, flushed.reward) == (1, 80)

        assert blocking(NetworkReader(fleet.chain, fleet.network)).network().pool_owed == 80
        report = owner.claim()
        assert [each.outcome for each in report.devices] == [ClaimOutcome.PAID]
        assert operator.ledger().holds
        # Typed, and for every attribute of the real object.
        stats = operator(lambda real: real.stats())
        assert (stats.rewards_accrued, stats.rewards_owed) == (80, 0)
        assert isinstance(operator.reader, Blocking)
        assert operator.reader.device(registered.address).units == 40
