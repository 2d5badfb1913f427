"""`worktab device update`: another key, capacity, payout wallet, evidence or owner of a registered device."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from worktab.cli.options import DeviceArgument, Json, Wallet, examples, expanded
from worktab.cli.output import emit

if TYPE_CHECKING:
    from worktab.chain.sending import Confirmed
    from worktab.cli.connecting import Acting
    from worktab.program.generated.accounts import Device

app = typer.Typer()


@app.command(
    epilog=examples(
        "worktab device update $DEVICE --capacity 1000000000",
        "worktab device update $DEVICE --key new.json",
        "worktab device update $DEVICE --payout $WALLET",
    )
)
@expanded
def update(
    device: DeviceArgument,
    capacity: Annotated[
        int | None, typer.Option(metavar="UNITS", min=0, help="Work units an epoch, from the next epoch on.")
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Its next key: a Solana key file (Ed25519) or an unencrypted PEM file (P-256)."
        ),
    ] = None,
    payout: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Wallet that is paid, also what is owed already.")
    ] = None,
    evidence: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Evidence about the hardware; its SHA-256 goes on chain.")
    ] = None,
    owner: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Who owns it from here on, its bond included.")
    ] = None,
    admission: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Key file of the authority or an attestor, where the network asks for it: for a key or more capacity.",
        ),
    ] = None,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Change a device; the wallet is its owner, and what is not named stays.

    Where a class asks for a bond, deposit it before you announce capacity. With another key, receipts by the old one
    count no more: submit them first. The device's address stays.
    """
    from worktab.cli import keyfiles
    from worktab.cli.connecting import act, transaction
    from worktab.cli.parsing import address, address_or_none
    from worktab.core.keys import KeyKind

    where = address(device, "DEVICE")
    paid, to = address_or_none(payout, "--payout"), address_or_none(owner, "--owner")
    signer = None if key is None else keyfiles.device_signer(key)
    admitting = None if admission is None else keyfiles.wallet(admission)
    shown = None if evidence is None else hashlib.sha256(keyfiles.read_file(evidence, "evidence")).digest()

    async def change(session: Acting) -> tuple[Confirmed, Device]:
        acting = session.owner(await session.network_of(where))
        confirmed = await acting.update(
            where, key=signer, capacity=capacity, payout=paid, evidence=shown, owner=to, admission=admitting
        )
        return confirmed, await acting.reader.device(where)

    confirmed, held = act(wallet, "Changing the device", change)
    facts = {
        "device": where,
        "owner": held.owner,
        "payout": held.payout,
        "key": KeyKind(held.key_kind),
        "next_capacity": held.next_capacity,
        "transaction": transaction(confirmed),
    }
    emit(facts, as_json=as_json)
