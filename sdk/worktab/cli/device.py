"""`worktab device`: keys, registration, pay. What a device does itself is in `work`, changes are in `changing`."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worktab.cli import changing, enrol, submit, work
from worktab.cli.options import (
    Cluster,
    DeviceArgument,
    DeviceKeyFile,
    Ingests,
    Json,
    NetworkArgument,
    State,
    Wallet,
    examples,
    expanded,
    group,
)
from worktab.cli.output import Amount, Rows, emit

if TYPE_CHECKING:
    from solders.pubkey import Pubkey

    from worktab.cli.connecting import Acting
    from worktab.roles.claiming import ClaimReport
    from worktab.roles.owner import RegisteredDevice, RetiredDevice

app = group(
    "Register devices, run their jobs, submit their receipts, claim their pay.",
    examples("worktab device run $DEVICE job.wasm input.bin", "worktab device submit $DEVICE --key device.json"),
)


class KeyKind(StrEnum):
    """The kind of a device's key."""

    ED25519 = "ed25519"
    P256 = "p256"


@app.command(epilog=examples("worktab device keygen device.json", "worktab device keygen device.pem --kind p256"))
def keygen(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to keep it.", show_default=False)],
    kind: Annotated[KeyKind, typer.Option(help="Ed25519 as a Solana key file, or P-256 as a PEM file.")] = (
        KeyKind.ED25519
    ),
    as_json: Json = False,
) -> None:
    """Make a key for a device, or an Ed25519 one for a wallet.

    Only you can read the file. A file that is there already is never overwritten.
    """
    from worktab.chain.wallet import save_new_keypair
    from worktab.cli.keyfiles import save_new_p256_key

    if kind is KeyKind.ED25519:
        public = str(save_new_keypair(file).pubkey())
    else:
        public = save_new_p256_key(file).public_bytes.hex()
    emit({"file": file, "kind": kind, "public_key": public}, as_json=as_json)


@app.command(
    epilog=examples(
        "worktab device register $NETWORK --key device.json --capacity 1000000000",
        "worktab device register $NETWORK --key device.pem --capacity 5000 --class 1 --payout $WALLET",
    )
)
@expanded
def register(
    network: NetworkArgument,
    key: DeviceKeyFile,
    capacity: Annotated[int, typer.Option(metavar="UNITS", min=0, help="Work units an epoch.", show_default=False)],
    work_class: Annotated[int, typer.Option("--class", min=0, help="Number of its class.")] = 0,
    payout: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Wallet that is paid; by default the owner's.")
    ] = None,
    evidence: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Evidence about the hardware; its SHA-256 goes on chain.")
    ] = None,
    admission: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Key file of the authority or an attestor, where the network asks for it."),
    ] = None,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Register a device; the wallet becomes its owner.

    Its capacity counts from the next epoch on. Where its class asks for a bond, register it with a capacity of 0,
    deposit the bond, and then announce capacity with `worktab device update`.
    """
    from worktab.cli import keyfiles
    from worktab.cli.connecting import act, transaction
    from worktab.cli.parsing import address, address_or_none
    from worktab.roles.owner import NO_EVIDENCE

    where, paid = address(network, "NETWORK"), address_or_none(payout, "--payout")
    signer = keyfiles.device_signer(key)
    admitting = None if admission is None else keyfiles.wallet(admission)
    shown = NO_EVIDENCE if evidence is None else hashlib.sha256(keyfiles.read_file(evidence, "evidence")).digest()

    async def add(session: Acting) -> tuple[RegisteredDevice, Pubkey]:
        registered = await session.owner(where).register(
            signer, capacity=capacity, work_class=work_class, payout=paid, evidence=shown, admission=admitting
        )
        return registered, session.actor.pubkey()

    made, owner = act(wallet, "Registering the device", add)
    facts = {
        "device": made.address,
        "index": made.index,
        "network": where,
        "owner": owner,
        "transaction": transaction(made.confirmed),
    }
    emit(facts, as_json=as_json)


app.add_typer(changing.app)
app.add_typer(work.app)
app.add_typer(submit.app)
app.add_typer(enrol.app)


@app.command(epilog=examples("worktab device claim $DEVICE", "worktab device claim --network $NETWORK --owner $WALLET"))
@expanded
def claim(
    devices: Annotated[
        list[str] | None, typer.Argument(metavar="DEVICE...", help="Addresses of devices of one network.")
    ] = None,
    network: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Claim for the devices of this network, without naming them.")
    ] = None,
    owner: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="With --network: only for the devices of this owner.")
    ] = None,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Pay devices' wallets what they are owed: rewards, and earnings less fee and burn.

    Anyone may, for any device.
    """
    from worktab.cli.connecting import act
    from worktab.cli.failures import Unsuccessful
    from worktab.cli.parsing import address, address_or_none
    from worktab.core.errors import InputError
    from worktab.roles.claiming import Crank
    from worktab.roles.errors import ClaimIncomplete

    named = [address(each, "DEVICE") for each in devices or ()]
    where, whose = address_or_none(network, "--network"), address_or_none(owner, "--owner")
    if bool(named) == (where is not None) or (whose is not None and where is None):
        raise InputError(
            "It is not clear for which devices to claim",
            expected="devices, or --network, to which --owner can be added",
        )

    async def pay(session: Acting) -> tuple[ClaimReport, int, ClaimIncomplete | None]:
        place = where or await session.network_of(named[0])
        crank = Crank(session.sender(), place, program_id=session.program)
        decimals = (await crank.reader.network()).decimals
        try:
            if named:
                return await crank.claim(named), decimals, None
            return await crank.claim_read(await crank.reader.devices(owner=whose)), decimals, None
        except ClaimIncomplete as error:
            return error.report, decimals, error

    report, decimals, error = act(wallet, "Claiming", pay)
    facts = _claimed(report, decimals)
    if error is not None:
        raise Unsuccessful(error, facts) from error
    emit(facts, as_json=as_json)


@app.command(epilog=examples("worktab device status $DEVICE", "worktab device status $DEVICE --json"))
@expanded
def status(
    device: DeviceArgument,
    ingest: Ingests = None,
    state: State = None,
    cluster: Cluster = Cluster(),
    as_json: Json = False,
) -> None:
    """Show what a device did and is owed, and what waits in its spool; of an enrolled one, what an ingest holds.

    Of a retired one also what keeps its account open, and what to do about it.
    """
    from worktab.cli.connecting import read
    from worktab.cli.facts import device_facts
    from worktab.cli.holding import newest_held
    from worktab.cli.parsing import address
    from worktab.cli.retiring import kept_open
    from worktab.cli.state import device_state
    from worktab.roles.stats import device_stats
    from worktab.roles.terms import DeviceStatus

    where = address(device, "DEVICE")
    here = device_state(where, state)
    enrolled = here.find_enrolment()
    if enrolled is not None:
        held = newest_held(here, ingest, cluster, "Reading the device") if ingest else None
        emit({**enrol.status_facts(enrolled, held), "spool": work.spool_facts(here, None)}, as_json=as_json)
        return
    view = read(cluster, "Reading the device", lambda session: session.device(where))
    stats = device_stats(where, view.device, view.network, view.now)
    retired = stats.status is DeviceStatus.RETIRED
    facts = {
        "network": view.device.network,
        **device_facts(stats, view.network.decimals),
        "kept_open_by": kept_open(where, view.device, view.network.decimals) if retired else None,
        "spool": work.spool_facts(here, view),
    }
    emit(facts, as_json=as_json)


@app.command(epilog=examples("worktab device retire $DEVICE"))
@expanded
def retire(
    device: DeviceArgument,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """End a device; the wallet is its owner.

    Its account closes, and its rent comes back, once nothing is owed, bonded, promised or disputed: claim, let the bond
    leave, and run this again. What keeps it open is told, with what to do next.
    """
    from worktab.cli.connecting import act, transaction
    from worktab.cli.parsing import address
    from worktab.cli.retiring import kept_open

    where = address(device, "DEVICE")

    async def end(session: Acting) -> tuple[RetiredDevice, int]:
        owner = session.owner(await session.network_of(where))
        return await owner.retire(where), (await owner.reader.network()).decimals

    retired, decimals = act(wallet, "Retiring the device", end)
    facts = {
        "device": where,
        "closed": retired.closed,
        "owed": Amount(retired.owed, decimals),
        "kept_open_by": kept_open(where, retired.left, decimals),
        "transaction": None if retired.confirmed is None else transaction(retired.confirmed),
    }
    emit(facts, as_json=as_json)


def _claimed(report: ClaimReport, decimals: int) -> dict[str, Any]:
    from worktab.cli.connecting import transaction

    rows = [
        {
            "device": each.device,
            "outcome": each.outcome,
            "payout": each.payout,
            "rewards": Amount(each.rewards, decimals),
            "earnings": Amount(each.earnings, decimals),
        }
        for each in report.devices
    ]
    sent = [transaction(each) for each in report.confirmed]
    return {
        "paid": Amount(report.paid, decimals),
        "rewards": Amount(report.rewards, decimals),
        "earnings": Amount(report.earnings, decimals),
        "fee": Amount(report.fee, decimals),
        "burned": Amount(report.burn, decimals),
        "devices": Rows(rows, ("device", "outcome", "payout", "rewards", "earnings")),
        "transactions": Rows(sent, ("signature", "slot", "fee_lamports")),
    }
