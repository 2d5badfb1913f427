"""`worktab receipt`: look at receipts and check them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worktab.cli.options import Cluster, DeviceArgument, Ingests, Json, State, examples, expanded, group
from worktab.cli.output import When, emit

if TYPE_CHECKING:
    from solders.pubkey import Pubkey

    from worktab.cli.holding import Holding
    from worktab.core.messages import Message

app = group(
    "Look at receipts and check them.",
    examples("worktab receipt show $DEVICE", "worktab receipt verify receipt.json"),
)


@app.command(
    epilog=examples(
        "worktab receipt show $DEVICE",
        "worktab receipt show $DEVICE --pending --json > receipt.json",
        "worktab receipt show $DEVICE --ingest https://ingest.example",
    )
)
@expanded
def show(
    device: DeviceArgument,
    pending: Annotated[
        bool,
        typer.Option(
            "--pending",
            help="The newest one that the spool on this machine signed and that has yet to reach the chain, or enough"
            " ingests, with its signature. Needs no chain.",
        ),
    ] = False,
    ingest: Ingests = None,
    state: State = None,
    cluster: Cluster = Cluster(),
    as_json: Json = False,
) -> None:
    """Show a device's newest receipt: the one on chain, the one that an ingest holds, or the one that waits."""
    from worktab.cli.holding import newest_held
    from worktab.cli.parsing import address
    from worktab.cli.state import device_state
    from worktab.core.errors import StateError

    where = address(device, "DEVICE")
    if pending:
        message, signature = _pending(where, state)
        emit(_facts(where, message, signature), as_json=as_json)
        return
    held = newest_held(device_state(where, state), ingest, cluster, "Reading the receipt")
    if held.message is None:
        who = "The chain has recorded" if held.view else "The ingests hold"
        raise StateError(f"{who} no receipt of {where} yet", next_step="Submit one first")
    emit(_facts(where, held.message, held.signature) | ({"ingest": held.where} if held.where else {}), as_json=as_json)


@app.command(epilog=examples("worktab receipt verify receipt.json"))
@expanded
def verify(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="A receipt as `receipt show --pending --json` prints it.", show_default=False
        ),
    ],
    ingest: Ingests = None,
    state: State = None,
    cluster: Cluster = Cluster(),
    as_json: Json = False,
) -> None:
    """Check a receipt against the device's key, and the chain or the ingests.

    It is `new`, `recorded`, or `superseded` by a newer one that stands for it. Of a device without an account on chain
    the enrolment tells the key.
    """
    from worktab.cli.holding import newest_held
    from worktab.cli.state import device_state
    from worktab.core.errors import VerificationError
    from worktab.ingest.enrolment_file import EnrolmentFile
    from worktab.program.generated.errors import WrongContext
    from worktab.roles.decoding import key_of

    where, message, signature = _read(file)
    here = device_state(where, state)
    held = newest_held(here, ingest, cluster, "Reading the device")
    if held.view is not None:
        key, context = key_of(held.view.device), held.view.device.receipt_context
    else:
        enrolled = EnrolmentFile.read(here.enrolment)
        key, context = enrolled.signed.enrolment.key, enrolled.receipt_context
    if message.context != context:
        raise WrongContext(expected=context.hex(), got=message.context.hex())
    if not key.verify(message.encode(), signature):
        raise VerificationError(
            "The signature is not the device's",
            expected=f"one by the {key.kind.name} key {key.public_bytes.hex()}",
            next_step="The receipt was changed, or signed before the device's key was",
        )
    facts = _facts(where, message, signature)
    emit({**facts, "signature_holds": True, "standing": _standing(held, message)}, as_json=as_json)


def _pending(device: Pubkey, folder: Path | None) -> tuple[Message, bytes]:
    from worktab.cli.state import device_state
    from worktab.core.errors import StateError

    with device_state(device, folder).open_spool() as spool:
        receipt = spool.pending_receipt()
    if receipt is None:
        raise StateError("No receipt waits in the spool", next_step="worktab device submit signs one")
    return receipt.message, receipt.signature


def _standing(newest: Holding, message: Message) -> str:
    """How a receipt stands to the newest that is held. Raises `ConflictingHistory` if that is a rival of it."""
    from worktab.roles.errors import ConflictingHistory

    held, where = newest.message, newest.where or "chain"
    if held is None:
        return "new"
    if held.seq != message.seq:
        return "new" if message.seq > held.seq else "superseded"
    if (held.units, held.head) != (message.units, message.head):
        raise ConflictingHistory(
            f"The {where} holds another receipt of this device for job {message.seq}",
            expected=f"{held.units} units, head {held.head.hex()}",
            got=f"{message.units} units, head {message.head.hex()}",
        )
    return "recorded"


def _facts(device: Pubkey, message: Message, signature: bytes | None) -> dict[str, Any]:
    return {
        "device": device,
        "jobs": message.seq,
        "units": message.units,
        "issued_at": When(message.time),
        "head": message.head,
        "context": message.context,
        "message": message.encode(),
        "signature": signature,
    }


def _read(file: Path) -> tuple[Pubkey, Message, bytes]:
    """Device, message and signature in a receipt file; the other fields only repeat what the message says."""
    import json

    from worktab.cli.keyfiles import read_file
    from worktab.cli.parsing import address
    from worktab.core.errors import EncodingError
    from worktab.core.messages import Message, MessageKind

    form = "JSON with device, message and signature, as `worktab receipt show --pending --json` prints it"
    try:
        held = json.loads(read_file(file, "receipt"))
        fields = {name: held[name] for name in ("device", "message", "signature")}
        message, signature = bytes.fromhex(fields["message"]), bytes.fromhex(fields["signature"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise EncodingError(f"The file {file} holds no receipt", expected=form) from None
    decoded = Message.decode(message)
    if decoded.kind is not MessageKind.RECEIPT:
        raise EncodingError("The message is no receipt", expected="RECEIPT", got=decoded.kind.name)
    return address(fields["device"], "device"), decoded, signature
