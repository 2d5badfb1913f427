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
from worktab.program.generated.errors import RewardLimited, StaleSequence, WrongContext
from worktab.roles.base import Role
from worktab.roles.decoding import key_of
from worktab.roles.errors import ConflictingHistory
from worktab.roles.forecast import Forecast, forecast
from worktab.roles.proving import KeypairSigner, as_signer, prove_by_keypair, prove_by_signature
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

    signer              the device's key
    device              address of its Device account; by default that of a device registered with this key
    signs_transactions  the key, a Solana keypair, signs the transaction itself: 84 bytes shorter, or 180 and cheaper
                        by a signature where it is the fee payer, too. The program takes this for consent that limits
                        cut the reward. A receipt that they would cut now is refused all the same, but what others
                        take from the pool before it lands is lost without being asked for

    Raises `InputError` if a key that is no Solana keypair is to sign transactions.
    """

    def __init__(
        self,
        sender: Sender,
        network: Pubkey,
        *,
        signer: Signer | Keypair,
        device: Pubkey | None = None,
        signs_transactions: bool = False,
        program_id: Pubkey = PROGRAM_ID,
    ) -> None:
        super().__init__(sender, network, program_id=program_id)
        self.signer = as_signer(signer)
        if signs_transactions and not isinstance(self.signer, KeypairSigner):
            raise InputError("Only a Solana keypair signs transactions", got=type(signer).__name__)
        self.signs_transactions = signs_transactions
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
        key = key_of(view.device)
        proof = prove_by_signature(key, message, signature)
        if _is_recorded(view.device, message):
            return _already(message)
        keypair = self._transaction_key(key, consent)
        if keypair is not None:
            if consent is None:
                _require_uncut(view, message)
            proof, consent = prove_by_keypair(keypair, message), None
        passed = instructions.SubmitReceiptAccounts(network=self.address, device=self.device, proof=proof.account)
        consenting = [consent] if consent else []
        submit = instructions.submit_receipt(
            passed,
            receipt=proof.shown,
            program_id=self.program_id,
            remaining_accounts=[AccountMeta(each.pubkey(), is_signer=True, is_writable=False) for each in consenting],
        )
        signers = [*proof.signers, *consenting]
        try:
            confirmed = await self.sender.send(proof.lead(submit), signers, label=f"{_LABEL} {message.seq}")
        except StaleSequence:
            # Somebody was faster; what they recorded must be there to see, and not contradict this receipt.
            if not _is_recorded(await self.reader.device(self.device), message):
                raise
            return _already(message)
        event = self.event(confirmed, events.ReceiptSubmitted)
        eligible, reward = (event.eligible, event.reward) if event else (None, None)
        return Submission(SubmitOutcome.RECORDED, message.seq, message.units, eligible, reward, confirmed)

    def _transaction_key(self, key: DeviceKey, consent: Keypair | None) -> Keypair | None:
        """The device's key, if it is to sign the transaction itself: that, too, is how it consents."""
        if consent is not None:
            return consent if DeviceKey.ed25519(consent.pubkey()) == key else None
        if self.signs_transactions and isinstance(self.signer, KeypairSigner) and self.signer.public == key:
            return self.signer.keypair
        return None


def receipt_seq(label: str) -> int | None:
    """The job number of the receipt that a journal's label names, None where it names something else."""
    name, _, number = label.partition(" ")
    return int(number) if name == _LABEL and number.isdecimal() else None


def _require_context(view: DeviceView, message: Message) -> None:
    context = contexts.receipt_context(view.network.domain, view.address, view.device.index)
    if message.context != context:
        raise WrongContext(expected=context.hex(), got=message.context.hex())


def _require_uncut(view: DeviceView, message: Message) -> None:
    """Refuses what the program would, were the signature of the transaction not its consent."""
    expected = forecast(view.network, view.device, message.units, view.now)
    if expected.cut:
        raise RewardLimited(expected=f"a reward of {expected.full_reward}", got=f"{expected.reward}")


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
