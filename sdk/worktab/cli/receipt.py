"""`worktab receipt`: look at receipts and check them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worktab.cli.options import Cluster, DeviceArgument, Json, State, examples, expanded, group
from worktab.cli.output import When, emit

if TYPE_CHECKING:
    from solders.pubkey import Pubkey

    from worktab.core.messages import Message
    from worktab.roles.reading import DeviceView

app = group(
    "Look at receipts and check them.",
    examples("worktab receipt show $DEVICE", "worktab receipt verify receipt.json"),
)


@app.command(
    epilog=examples("worktab receipt show $DEVICE", "worktab receipt show $DEVICE --pending --json > receipt.json")
)
@expanded
def show(
    device: DeviceArgument,
    pending: Annotated[
        bool,
        typer.Option(
            "--pending",
            help="The newest one that the spool on this machine signed and the chain has yet to"
            " record, with its signature. Needs no chain.",
        ),
    ] = False,
    state: State = None,
    cluster: Cluster = Cluster(),
    as_json: Json = False,
) -> None:
    """Show a device's newest receipt: the one on chain, or the one that waits."""
    from worktab.cli.connecting import read
    from worktab.cli.parsing import address

    where = address(device, "DEVICE")
    if pending:
        message, signature = _pending(where, state)
        emit(_facts(where, message, signature), as_json=as_json)
        return
    view = read(cluster, "Reading the receipt", lambda session: session.device(where))
    emit(_facts(where, _recorded(view), None), as_json=as_json)


@app.command(epilog=examples("worktab receipt verify receipt.json"))
@expanded
def verify(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="A receipt as `receipt show --pending --json` prints it.", show_default=False
        ),
    ],
    cluster: Cluster = Cluster(),
    as_json: Json = False,
) -> None:
    """Check a receipt against the device's key and the chain.

    It is `new`, `recorded`, or `superseded` by a newer one that stands for it.
    """
    from worktab.cli.connecting import read
    from worktab.core import contexts
    from worktab.core.errors import VerificationError
    from worktab.program.generated.errors import WrongContext
    from worktab.roles.decoding import key_of

    where, message, signature = _read(file)
    view = read(cluster, "Reading the device", lambda session: session.device(where))
    context = contexts.receipt_context(view.network.domain, where, view.device.index)
    if message.context != context:
        raise WrongContext(expected=context.hex(), got=message.context.hex())
    key = key_of(view.device)
    if not key.verify(message.encode(), signature):
        raise VerificationError(
            "The signature is not the device's",
            expected=f"one by the {key.kind.name} key {key.public_bytes.hex()}",
            next_step="The receipt was changed, or signed before the device's key was",
        )
    facts = _facts(where, message, signature)
    emit({**facts, "signature_holds": True, "standing": _standing(view, message)}, as_json=as_json)


def _recorded(view: DeviceView) -> Message:
    """The message of the newest receipt on chain: the device's account holds all of its fields."""
    from worktab.core.errors import StateError
    from worktab.core.messages import Message

    held = view.device
    if held.seq == 0:
        raise StateError(f"The chain has recorded no receipt of {view.address} yet", next_step="Submit one first")
    return Message.receipt(held.receipt_context, held.seq, held.units, held.last_receipt_at, held.head)


def _pending(device: Pubkey, folder: Path | None) -> tuple[Message, bytes]:
    from worktab.cli.state import device_state
    from worktab.core.errors import StateError

    with device_state(device, folder).open_spool() as spool:
        receipt = spool.pending_receipt()
    if receipt is None:
        raise StateError("No receipt waits in the spool", next_step="worktab device submit signs one")
    return receipt.message, receipt.signature


def _standing(view: DeviceView, message: Message) -> str:
    """How a receipt stands to the chain. Raises `ConflictingHistory` if the chain holds a rival of it."""
    from worktab.roles.errors import ConflictingHistory

    held = view.device
    if held.seq != message.seq:
        return "new" if message.seq > held.seq else "superseded"
    if (held.units, held.head) != (message.units, message.head):
        raise ConflictingHistory(
            f"The chain holds another receipt of this device for job {message.seq}",
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
