"""Running the daemon for `worktab agent serve`."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import typer

from worktab.agent.daemon import Agent, Parts
from worktab.agent.errors import AccountNeeded, MissingSetting
from worktab.agent.settings import Settings
from worktab.chain.rpc import LOCAL_URL, RpcChain
from worktab.cli.connecting import Reading
from worktab.cli.ingesting import connected
from worktab.cli.keyfiles import as_keypair, device_signer, read_file, wallet
from worktab.cli.output import Amount, emit, to_json, warn
from worktab.cli.parsing import address
from worktab.cli.state import device_state
from worktab.core.errors import InputError, StorageError
from worktab.core.keys import Ed25519Signer
from worktab.program.generated import PROGRAM_ID
from worktab.roles.base import program_sender
from worktab.roles.claiming import Crank
from worktab.roles.device import Device
from worktab.roles.settling import Settler
from worktab.work.spool import Spool

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def serve_until_stopped(settings: Settings, *, as_json: bool) -> None:
    """Run a daemon until a signal comes. Raises what starting it raises."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    if not asyncio.run(_serve(settings, as_json)):
        warn("jobs were still under way; their buyers can ask for them again")
        sys.stdout.flush()
        sys.stderr.flush()
        # The threads of those jobs end when the jobs do; everything they need is on the disk.
        os._exit(0)


def command_line() -> list[str]:
    """How to start this command from anywhere."""
    beside = shutil.which("worktab", path=os.path.dirname(sys.executable))
    return [beside] if beside else [sys.executable, "-P", "-m", "worktab.cli"]


def state_folder(settings: Settings) -> Path:
    """The folder that a daemon with these settings works in, made where it is missing.

    Raises `MissingSetting` without a device, `StorageError`.
    """
    if settings.device is None:
        raise MissingSetting("device")
    folder = device_state(address(settings.device, "device"), settings.state).folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"The folder {folder} cannot be made", got=str(error.strerror)) from error
    return folder


async def _serve(settings: Settings, as_json: bool) -> bool:
    async with AsyncExitStack() as held:
        url = settings.url or os.environ.get("ANCHOR_PROVIDER_URL") or LOCAL_URL
        chain = await held.enter_async_context(RpcChain(url))
        parts = await _parts(settings, chain, held)
        agent = await Agent.open(parts, settings)
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, stop.set)
        return await agent.run(stop, ready=lambda: _tell(agent, as_json))


async def _parts(settings: Settings, chain: RpcChain, held: AsyncExitStack) -> Parts:
    if settings.device is None:
        raise MissingSetting("device")
    if settings.key is None:
        raise MissingSetting("key")
    named = settings.program or os.environ.get("WORKTAB_PROGRAM_ID")
    program = PROGRAM_ID if named is None else address(named, "program")
    here = device_state(address(settings.device, "device"), settings.state)
    signer, payer = device_signer(settings.key), wallet(settings.wallet)
    consent = None
    if settings.accept_cut:
        if not isinstance(signer, Ed25519Signer):
            raise InputError(
                "A device with a P-256 key cannot accept cuts itself",
                next_step="Leave accept_cut out, and use `worktab device submit --accept-cut` with the owner's wallet",
            )
        consent = as_keypair(signer)
    modules = tuple(read_file(each, "module") for each in settings.modules) or None
    if here.find_enrolment() is not None:
        raise AccountNeeded(f"Device {here.device} is enrolled, without an account on chain")
    network = await Reading(chain, program).network_of(here.device)
    ingests = await held.enter_async_context(connected(settings.ingest))
    spool: Spool = held.enter_context(here.make_spool())
    journaled = program_sender(chain, fee_payer=payer, journal=spool.journal, program_id=program)
    # Settling and claiming are safe to repeat as they are, and must not be taken for receipts after a restart.
    plain = program_sender(chain, fee_payer=payer, program_id=program)
    return Parts(
        Device(journaled, network, signer=signer, device=here.device, program_id=program),
        spool,
        here.folder,
        Settler(plain, network, program_id=program),
        Crank(plain, network, program_id=program),
        modules,
        consent,
        ingests,
    )


def _tell(agent: Agent, as_json: bool) -> None:
    """Say where it listens: the line that somebody may wait for."""
    facts: dict[str, Any] = {
        "device": agent.parts.device.device,
        "network": agent.parts.device.address,
        "url": agent.url,
        "metrics": agent.metrics_url,
        "price": Amount(agent.tariff.price.rate, agent.tariff.decimals),
        "minimum": Amount(agent.tariff.price.minimum, agent.tariff.decimals),
        "state": agent.parts.folder,
    }
    if as_json:
        typer.echo(to_json(facts, indent=None))
    else:
        emit(facts, as_json=False)
    sys.stdout.flush()
