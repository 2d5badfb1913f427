"""`worktab device submit`: from the spool to the chain, or to ingests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from worktab.cli.options import DeviceArgument, DeviceKeyFile, Ingests, Json, Least, State, Wallet, examples, expanded
from worktab.cli.output import Amount, Rows, emit, warn

if TYPE_CHECKING:
    from worktab.cli.connecting import Acting
    from worktab.cli.failures import RewardHeldBack
    from worktab.cli.state import DeviceState
    from worktab.core.keys import Ed25519Signer, P256Signer
    from worktab.ingest.enrolment_file import EnrolmentFile
    from worktab.ingest.submitting import Delivered
    from worktab.roles.forecast import Forecast
    from worktab.roles.submitting import Flushed
    from worktab.work.spool import Spool

app = typer.Typer()


@app.command(
    epilog=examples(
        "worktab device submit $DEVICE --key device.json",
        "worktab device submit $DEVICE --key device.pem --fee-payer relay.json",
        "worktab device submit $DEVICE --key device.json --ingest https://ingest.example",
    )
)
@expanded
def submit(
    device: DeviceArgument,
    key: DeviceKeyFile,
    accept_cut: Annotated[
        bool,
        typer.Option(
            "--accept-cut",
            help="Give up what limits cut from the reward, for good. A device with a P-256 key needs its owner's"
            " wallet for it.",
        ),
    ] = False,
    ingest: Ingests = None,
    least: Least = 1,
    state: State = None,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Sign a receipt for all of the spool and bring it to where the network pays for it: the chain, or ingests.

    Safe to repeat. On chain a receipt whose reward a limit would cut is held back, and the program itself refuses it,
    unless --accept-cut is given. An enrolled device needs neither chain nor wallet.
    """
    from worktab.cli.failures import Unsuccessful
    from worktab.cli.ingesting import delivery_rows
    from worktab.cli.keyfiles import device_signer
    from worktab.cli.parsing import address
    from worktab.cli.state import device_state
    from worktab.ingest.submitting import Delivered, NotDelivered

    signer, here = device_signer(key), device_state(address(device, "DEVICE"), state)
    with here.open_spool() as spool:
        enrolled = here.find_enrolment()
        flushed: Flushed | Delivered
        decimals = 0
        try:
            if enrolled is not None:
                flushed = _enrolled(here, enrolled, spool, signer, ingest, least)
            else:
                flushed, decimals = _registered(here, spool, signer, accept_cut, ingest, least, wallet)
        except NotDelivered as error:
            facts = {"device": here.device, "jobs": spool.landed().seq, "ingests": delivery_rows(error.deliveries)}
            raise Unsuccessful(error, facts) from error
    if flushed.clock_correction:
        warn(f"the device's clock is off: the receipt's time is {flushed.clock_correction} seconds from what it says")
    if isinstance(flushed, Delivered):
        emit(_delivered(here, flushed), as_json=as_json)
        return
    facts = _submitted(here, flushed, decimals)
    if flushed.refused is not None:
        raise Unsuccessful(_held_back(flushed.refused, decimals, accept_cut), facts)
    emit(facts, as_json=as_json)


def _registered(
    here: DeviceState,
    spool: Spool,
    signer: Ed25519Signer | P256Signer,
    accept_cut: bool,
    urls: list[str] | None,
    least: int,
    wallet: Wallet,
) -> tuple[Flushed | Delivered, int]:
    from worktab.cli.connecting import act
    from worktab.cli.ingesting import connected
    from worktab.cli.keyfiles import as_keypair
    from worktab.core.keys import Ed25519Signer
    from worktab.ingest.paths import PathSubmitter
    from worktab.roles.device import Device

    async def flush(session: Acting) -> tuple[Flushed | Delivered, int]:
        network = await session.network_of(here.device)
        role = Device(
            session.sender(spool.journal), network, signer=signer, device=here.device, program_id=session.program
        )
        consent = None
        if accept_cut:
            consent = as_keypair(signer) if isinstance(signer, Ed25519Signer) else session.actor
        async with connected(urls) as ingests:
            flushed = await PathSubmitter(role, spool, ingests, least=least).flush(consent=consent)
        return flushed, (await role.reader.network()).decimals

    return act(wallet, "Submitting", flush)


def _enrolled(
    here: DeviceState,
    file: EnrolmentFile,
    spool: Spool,
    signer: Ed25519Signer | P256Signer,
    urls: list[str] | None,
    least: int,
) -> Delivered:
    from worktab.cli.ingesting import through_ingests
    from worktab.ingest.submitting import submit
    from worktab.roles.submitting import device_clock

    file.require_key(signer.public)
    return through_ingests(
        urls,
        "Submitting",
        lambda ingests: submit(
            spool,
            ingests,
            device=here.device,
            signer=signer,
            context=file.receipt_context,
            now=device_clock(),
            least=least,
            enrolment=file.signed if file.complete else None,
        ),
    )


def _delivered(here: DeviceState, delivered: Delivered) -> dict[str, Any]:
    from worktab.cli.ingesting import delivery_rows

    return {
        "device": here.device,
        "jobs": delivered.seq,
        "units": delivered.units,
        "clock_correction": delivered.clock_correction,
        "ingests": delivery_rows(delivered.deliveries),
    }


def _submitted(here: DeviceState, flushed: Flushed, decimals: int) -> dict[str, Any]:
    from worktab.cli.connecting import transaction
    from worktab.cli.facts import forecast_facts

    rows = [
        {
            "jobs": each.seq,
            "units": each.units,
            "outcome": each.outcome,
            "eligible": each.eligible,
            "reward": None if each.reward is None else Amount(each.reward, decimals),
            "transaction": None if each.confirmed is None else transaction(each.confirmed),
        }
        for each in flushed.submissions
    ]
    return {
        "device": here.device,
        "jobs": flushed.seq,
        "reward": Amount(flushed.reward, decimals),
        "clock_correction": flushed.clock_correction,
        "receipts": Rows(rows, ("jobs", "units", "outcome", "eligible", "reward")),
        "held_back": None if flushed.refused is None else forecast_facts(flushed.refused, decimals),
    }


def _held_back(refused: Forecast, decimals: int, accepted: bool) -> RewardHeldBack:
    from worktab.cli.failures import RewardHeldBack
    from worktab.cli.output import When

    how = "--keypair with the owner's wallet, which alone can give it up" if accepted else "--accept-cut to give it up"
    return RewardHeldBack(
        f"The limit on {' and '.join(refused.limits)} would cut the reward; the receipt was not submitted",
        expected=str(Amount(refused.full_reward, decimals)),
        got=str(Amount(refused.reward, decimals)),
        next_step=f"Submit after {When(refused.next_epoch_at)}, or with {how}",
    )
