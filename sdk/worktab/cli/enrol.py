"""`worktab device enrol` and `enrolment`: devices that are paid by roots, without an account on chain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worktab.cli.options import (
    Cluster,
    DeviceKeyFile,
    Ingests,
    Json,
    NetworkArgument,
    State,
    examples,
    expanded,
    group,
)
from worktab.cli.output import When, emit

if TYPE_CHECKING:
    from solders.keypair import Keypair
    from solders.pubkey import Pubkey

    from worktab.cli.connecting import Reading
    from worktab.cli.holding import Holding
    from worktab.cli.output import Rows
    from worktab.core.errors import WorktabError
    from worktab.ingest.enrolment_file import EnrolmentFile
    from worktab.roles.reading import NetworkReader

app = typer.Typer()

enrolment = group(
    "Sign an enrolment where its owner is, check it, post it.",
    examples("worktab device enrolment sign enrolment.json", "worktab device enrolment verify enrolment.json"),
)
app.add_typer(enrolment, name="enrolment")

FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="An enrolment as `device enrol` writes it.", show_default=False)
]


@app.command(
    epilog=examples(
        "worktab device enrol $NETWORK --key device.json --ingest https://ingest.example",
        "worktab device enrol $NETWORK --key device.json --owner $WALLET --output enrolment.json",
    )
)
@expanded
def enrol(
    network: NetworkArgument,
    key: DeviceKeyFile,
    owner: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|ADDRESS",
            help="Owner: a wallet's key file; or its address, and it signs later, with `device enrolment sign`. By"
            " default ANCHOR_WALLET or ~/.config/solana/id.json.",
        ),
    ] = None,
    payout: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Wallet that is paid; by default the owner's.")
    ] = None,
    work_class: Annotated[int, typer.Option("--class", min=0, max=7, help="Number of its class.")] = 0,
    admission: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Key file of the authority or an attestor, where the network asks for it."),
    ] = None,
    serial: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER",
            min=1,
            help="Of a device's enrolments the one with the highest counts; by default the time in seconds.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the enrolment here, too, for those who sign it elsewhere."),
    ] = None,
    ingest: Ingests = None,
    state: State = None,
    cluster: Cluster = Cluster(),
    as_json: Json = False,
) -> None:
    """Enrol a device on a network that pays by roots: owner and key sign who is paid.

    The device needs no account on chain. Enrol it again to change owner, payout or class; the new payout is paid for
    what is done from then on. The enrolment is kept beside the device's spool; without --ingest it can be posted later.
    """
    from worktab.cli import keyfiles
    from worktab.cli.connecting import read
    from worktab.cli.parsing import address, address_or_none
    from worktab.cli.state import device_state
    from worktab.core.addresses import find_device
    from worktab.core.enrolments import Enrolment
    from worktab.ingest.enrolment_file import EnrolmentFile, require_enrollable

    where, paid = address(network, "NETWORK"), address_or_none(payout, "--payout")
    signer, (speaks, wallet) = keyfiles.device_signer(key), _owner(owner)
    admitting = None if admission is None else keyfiles.wallet(admission)

    async def make(session: Reading) -> tuple[EnrolmentFile, WorktabError | None, Rows | None]:
        reader = session.network(where)
        account, device = await reader.network(), find_device(session.program, where, signer.public)[0]
        here = device_state(device, state)
        number = _next_serial(here.find_enrolment()) if serial is None else serial
        terms = Enrolment(signer.public, speaks, paid or speaks, work_class, number)
        await require_enrollable(reader, account, device, work_class)
        file = EnrolmentFile.start(terms, program_id=session.program, network=where, domain=account.domain)
        file = file.by_key(signer)
        for each in (wallet, admitting):
            file = file if each is None else file.by_wallet(each, account)
        for path in (here.enrolment, output):
            if path is not None:
                file.write(path)
        return await _brought(file, reader, ingest)

    file, error, rows = read(cluster, "Enrolling the device", make)
    _end(file, error, rows, as_json)


@enrolment.command(
    epilog=examples(
        "worktab device enrolment sign enrolment.json --ingest https://ingest.example",
        "worktab device enrolment sign enrolment.json --wallet attestor.json",
    )
)
@expanded
def sign(
    file: FileArgument,
    wallet: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Key file of the owner, or of the authority or an attestor that admits the device; by default"
            " ANCHOR_WALLET or ~/.config/solana/id.json.",
        ),
    ] = None,
    ingest: Ingests = None,
    cluster: Cluster = Cluster(),
    as_json: Json = False,
) -> None:
    """Add a wallet's signature to an enrolment: the owner's, or that of who admits the device.

    The file is replaced. Once all have signed it can be posted.
    """
    from worktab.cli import keyfiles
    from worktab.cli.connecting import read
    from worktab.ingest.enrolment_file import EnrolmentFile

    held, signing = EnrolmentFile.read(file), keyfiles.wallet(wallet)

    async def add(session: Reading) -> tuple[EnrolmentFile, WorktabError | None, Rows | None]:
        reader = session.network(held.network)
        account = await reader.network()
        held.require_of(account)
        signed = held.by_wallet(signing, account)
        signed.write(file)
        return await _brought(signed, reader, ingest)

    signed, error, rows = read(cluster, "Signing the enrolment", add)
    _end(signed, error, rows, as_json)


@enrolment.command(epilog=examples("worktab device enrolment post enrolment.json --ingest https://ingest.example"))
@expanded
def post(file: FileArgument, ingest: Ingests = None, cluster: Cluster = Cluster(), as_json: Json = False) -> None:
    """Check an enrolment and bring it to ingests. Safe to repeat."""
    from worktab.cli.connecting import read
    from worktab.ingest.enrolment_file import EnrolmentFile
    from worktab.ingest.paths import IngestNeeded

    held = EnrolmentFile.read(file)
    if not ingest:
        raise IngestNeeded("No ingest was named")

    async def bring(session: Reading) -> tuple[EnrolmentFile, WorktabError | None, Rows | None]:
        return await _brought(held, session.network(held.network), ingest)

    signed, error, rows = read(cluster, "Posting the enrolment", bring)
    _end(signed, error, rows, as_json)


@enrolment.command(epilog=examples("worktab device enrolment verify enrolment.json"))
@expanded
def verify(file: FileArgument, cluster: Cluster = Cluster(), as_json: Json = False) -> None:
    """Show an enrolment, and check its address, its signatures and whether its network takes it."""
    from worktab.cli.connecting import read
    from worktab.cli.failures import Unsuccessful
    from worktab.core.errors import StateError
    from worktab.ingest.enrolment_file import EnrolmentFile

    held = EnrolmentFile.read(file)
    try:
        read(cluster, "Checking the enrolment", lambda session: held.check(session.network(held.network)))
    except StateError as error:
        raise Unsuccessful(error, _facts(held)) from error
    emit({**_facts(held), "holds": True}, as_json=as_json)


def status_facts(file: EnrolmentFile, held: Holding | None) -> dict[str, Any]:
    """How a device is enrolled, and the newest receipt of it that an ingest holds, where one was asked."""
    message = None if held is None else held.message
    return {
        **_facts(file),
        "jobs": None if message is None else message.seq,
        "units": None if message is None else message.units,
        "last_receipt_at": None if message is None else When(message.time),
        "ingest": None if held is None else held.where,
    }


async def _brought(
    file: EnrolmentFile, reader: NetworkReader, urls: list[str] | None
) -> tuple[EnrolmentFile, WorktabError | None, Rows | None]:
    """The enrolment; why it cannot be posted, or could not everywhere; and what became of it at each ingest."""
    from worktab.cli import ingesting
    from worktab.ingest.enrolment_file import NotAdmitted, Unsigned

    try:
        await file.check(reader)
    except (NotAdmitted, Unsigned) as missing:
        # A step on the way, unless it was to be posted.
        return file, missing if urls else None, None
    if not urls:
        return file, None, None
    async with ingesting.connected(urls) as ingests:
        rows, error = await ingesting.post(file, ingests)
    return file, error, rows


def _end(file: EnrolmentFile, error: WorktabError | None, rows: Rows | None, as_json: bool) -> None:
    from worktab.cli.failures import Unsuccessful

    facts = {**_facts(file), "ingests": rows}
    if error is not None:
        raise Unsuccessful(error, facts) from error
    emit(facts, as_json=as_json)


def _facts(file: EnrolmentFile) -> dict[str, Any]:
    signed, terms = file.signed, file.signed.enrolment
    return {
        "device": signed.device,
        "network": file.network,
        "owner": terms.owner,
        "payout": terms.payout,
        "class": terms.class_,
        "serial": terms.serial,
        "signed_by_owner": file.signed_by_owner,
        "signed_by_key": file.signed_by_key,
        "admitted_by": signed.admission,
    }


def _owner(text: str | None) -> tuple[Pubkey, Keypair | None]:
    """The owner that is named, and its wallet where that is here."""
    from solders.pubkey import Pubkey

    from worktab.cli import keyfiles

    if text is not None:
        try:
            return Pubkey.from_string(text), None
        except ValueError:
            pass
    wallet = keyfiles.wallet(None if text is None else Path(text))
    return wallet.pubkey(), wallet


def _next_serial(kept: EnrolmentFile | None) -> int:
    """A serial above the one before, also where that was made elsewhere."""
    import time

    return max(int(time.time()), 0 if kept is None else kept.signed.enrolment.serial + 1)
