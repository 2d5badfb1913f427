"""The device itself: submits the receipts that its key has signed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from solders.instruction import AccountMeta
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.chain.sending import Confirmed, Sender
from worktab.core import contexts
from worktab.core.addresses import find_device
from worktab.core.errors import InputError
from worktab.core.keys import DeviceKey, Signer
from worktab.core.messages import Message, MessageKind
from worktab.program.generated import PROGRAM_ID, accounts, events, instructions
from worktab.program.generated.errors import StaleSequence, WrongContext
from worktab.roles.base import Role
from worktab.roles.errors import ConflictingHistory
from worktab.roles.forecast import Forecast, forecast
from worktab.roles.proving import KeypairSigner, Proof, as_signer, prove_by_keypair, prove_by_signature
from worktab.roles.reading import DeviceView
from worktab.roles.stats import DeviceStats, device_stats

_LABEL = "receipt"


class SubmitOutcome(StrEnum):
    """What became of a submitted receipt.

    RECORDED          it was recorded by this call
    ALREADY_RECORDED  it, or a newer one that stands for it, was on chain already
    """

    RECORDED = "recorded"
    ALREADY_RECORDED = "already_recorded"


@dataclass(frozen=True, slots=True)
class Submission:
    """A receipt that is on chain.

    seq, units  what it states: jobs and work units so far
    eligible    work units that were rewarded; None where this call did not record it or the node keeps no logs
    reward      base units accrued; None likewise
    confirmed   the transaction; None where it was on chain already
    """

    outcome: SubmitOutcome
    seq: int
    units: int
    eligible: int | None
    reward: int | None
    confirmed: Confirmed | None


class Device(Role):
    """One device of one network.

    signer   the device's key; a Solana keypair signs the transaction itself, which is shorter and, where the key is
             the fee payer, too, cheaper
    device   address of its Device account; by default that of a device registered with this key
    """

    def __init__(
        self,
        sender: Sender,
        network: Pubkey,
        *,
        signer: Signer | Keypair,
        device: Pubkey | None = None,
        program_id: Pubkey = PROGRAM_ID,
    ) -> None:
        super().__init__(sender, network, program_id=program_id)
        self.signer = as_signer(signer)
        self.device = device or find_device(program_id, network, self.signer.public)[0]

    async def view(self) -> DeviceView:
        """The device, its network and the chain's clock, read together.

        Raises `NetworkNotFound`, `WrongCluster`, `DeviceNotFound`.
        """
        return await self.reader.view(self.device)

    async def status(self) -> DeviceStats:
        """What the device did and is owed. Raises as `view` does."""
        view = await self.view()
        return device_stats(view.address, view.device, view.network, view.now)

    async def forecast(self, units: int) -> Forecast:
        """What a receipt over `units` lifetime work units would earn now, and what limits would cut."""
        view = await self.view()
        return forecast(view.network, view.device, units, view.now)

    async def submit(self, message: Message, signature: bytes, *, consent: Keypair | None = None) -> Submission:
        """Record a receipt. A receipt that is on chain already is a success, so a call may be repeated safely.

        message    the receipt
        signature  64 bytes by the device's present key
        consent    the device's owner or its key: accepts that limits cut the reward, and what is cut is lost

        Nothing is sent that the chain would refuse. Raises `InputError` (no receipt), `WrongContext`,
        `VerificationError` (the signature is not by the device's key), `ConflictingHistory`, what `view` and
        `Sender.send` raise, and the program's own errors, among them `RewardLimited` without consent.
        """
        if message.kind is not MessageKind.RECEIPT:
            raise InputError("The message is no receipt", expected="RECEIPT", got=message.kind.name)
        view = await self.view()
        _require_context(view, message)
        proof = self._proof(view.device, message, signature)
        if _is_recorded(view.device, message):
            return _already(message)
        passed = instructions.SubmitReceiptAccounts(
            network=self.address,
            device=self.device,
            proof=proof.account,
        )
        consenting = [AccountMeta(consent.pubkey(), is_signer=True, is_writable=False)] if consent else []
        submit = instructions.submit_receipt(
            passed, receipt=proof.shown, program_id=self.program_id, remaining_accounts=consenting
        )
        signers = [*proof.signers, *([consent] if consent else [])]
        try:
            confirmed = await self.sender.send(proof.lead(submit), signers, label=f"{_LABEL} {message.seq}")
        except StaleSequence:
            # Somebody was faster; what they recorded must not contradict this receipt.
            _is_recorded(await self.reader.device(self.device), message)
            return _already(message)
        event = self.event(confirmed, events.ReceiptSubmitted)
        eligible, reward = (event.eligible, event.reward) if event else (None, None)
        return Submission(SubmitOutcome.RECORDED, message.seq, message.units, eligible, reward, confirmed)

    def _proof(self, device: accounts.Device, message: Message, signature: bytes) -> Proof:
        key = DeviceKey(device.key_kind, device.key)  # type: ignore[arg-type]  # it takes the number as well
        by_signature = prove_by_signature(key, message, signature)
        if isinstance(self.signer, KeypairSigner) and self.signer.public == key:
            return prove_by_keypair(self.signer.keypair, message)
        return by_signature


def receipt_seq(label: str) -> int | None:
    """The job number of the receipt that a journal's label names, None where it names something else."""
    name, _, number = label.partition(" ")
    return int(number) if name == _LABEL and number.isdecimal() else None


def _require_context(view: DeviceView, message: Message) -> None:
    context = contexts.receipt_context(view.network.domain, view.address, view.device.index)
    if message.context != context:
        raise WrongContext(expected=context.hex(), got=message.context.hex())


def _is_recorded(device: accounts.Device, message: Message) -> bool:
    """Whether the chain holds the receipt or a newer one. Raises `ConflictingHistory` if it holds a rival of it."""
    if device.seq == message.seq and (device.units, device.head) != (message.units, message.head):
        raise ConflictingHistory(
            f"The chain holds another receipt of this device for job {message.seq}",
            expected=f"{device.units} units, head {device.head.hex()}",
            got=f"{message.units} units, head {message.head.hex()}",
        )
    return device.seq >= message.seq


def _already(message: Message) -> Submission:
    return Submission(SubmitOutcome.ALREADY_RECORDED, message.seq, message.units, None, None, None)
