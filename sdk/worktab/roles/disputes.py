"""Disputes: a challenger accuses a device of a record that it signed, attestors vote, anyone resolves (PROTOCOL
section 5, Disputes)."""

from __future__ import annotations

from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.chain.sending import Confirmed, Sender
from worktab.core import contexts
from worktab.core.errors import ChainError
from worktab.core.messages import Message
from worktab.core.records import Meter
from worktab.program.generated import PROGRAM_ID, events, instructions
from worktab.program.generated.accounts import Dispute
from worktab.program.generated.errors import (
    DisputesOff,
    DisputeUndecided,
    InsufficientBalance,
    NotAttestor,
    NotExecutable,
    RecordNeeded,
    RecordNotSigned,
    WrongRecord,
)
from worktab.program.generated.types import DisputedRecord, ShownRecord
from worktab.roles.accusations import (
    DisputeEvidence,
    DisputeFinding,
    DisputeVerdict,
    OpenedDispute,
    OpenOutcome,
    Resolution,
    Shown,
    show_until,
    takes_disputes,
    verdict_of,
)
from worktab.roles.base import Role
from worktab.roles.decoding import class_of, key_of, known
from worktab.roles.errors import DisputeNotFound, RecordUnshowable, TabNotFound, WrongCluster
from worktab.roles.fitting import fits
from worktab.roles.proving import NO_PROOF, Proof, prove_by_signature
from worktab.roles.reading import DeviceView
from worktab.roles.trust_reading import DisputeView

_NOBODY = bytes(32)

# For sizes, to which these are as good as any.
_SOME_DEVICE, _SOME_PROGRAM = Pubkey(b"d" * 32), Pubkey(b"p" * 32)
_LARGEST_PROOF = 217
"""Bytes of the native instruction that checks a P-256 signature; for an Ed25519 key it is one less."""


class DisputeCrank(Role):
    """Ends disputes; it needs no key but the fee payer's.

    Every call that sends raises what `Sender.send` raises; a refusal is the program's own error.
    """

    async def resolve(self, dispute: Pubkey, shown: Shown | None = None) -> Resolution:
        """End a dispute that enough attestors agree on, or whose deadline has passed. One that ended is a success.

        shown  the disputed record: needed where the device is guilty, since the consumer it names is made whole by it,
               until `show_until`; everybody can read it from then on

        Nothing is sent that the chain would refuse. Raises `DisputeUndecided`, `RecordNeeded`, `WrongRecord`, and,
        until `show_until`, `RecordUnshowable` where the record names something else than a tab as its consumer.
        """
        view = await self.reader.dispute(dispute)
        if view is None or not view.is_open:
            return _ended(view)
        account = view.account
        verdict = await self._verdict(account)
        shown = await self._showable(account, shown) if verdict is DisputeVerdict.GUILTY else None
        try:
            confirmed = await self.sender.send([self._resolve(view, shown)], label="resolve dispute")
        except ChainError:
            again = await self.reader.dispute(dispute)
            if again is None or not again.is_open:  # somebody else was first
                return _ended(again)
            raise
        event = self.event(confirmed, events.DisputeResolved)
        return Resolution(verdict if event is None else DisputeVerdict(event.verdict), event, confirmed)

    async def close(self, dispute: Pubkey) -> Confirmed | None:
        """Close a dispute that ended guilty, once its device's account is gone; the rent goes back to who paid it.

        None where it is closed already. Raises `TooSoon` while the device's account is there.
        """
        view = await self.reader.dispute(dispute)
        if view is None:
            return None
        passed = instructions.CloseDisputeAccounts(
            device=view.account.device, dispute=dispute, rent_payer=view.account.rent_payer
        )
        instruction = instructions.close_dispute(passed, program_id=self.program_id)
        try:
            return await self.sender.send([instruction], label="close dispute")
        except ChainError:
            if await self.reader.dispute(dispute) is None:
                return None
            raise

    async def _verdict(self, account: Dispute) -> DisputeVerdict:
        """How the dispute ends now. Raises `DisputeUndecided`."""
        verdict = verdict_of(account, await self.sender.chain.unix_time())
        if verdict is DisputeVerdict.OPEN:
            raise DisputeUndecided(expected="enough votes, or the deadline", got=f"a deadline at {account.deadline}")
        return verdict

    async def _showable(self, account: Dispute, shown: Shown | None) -> Shown | None:
        """The record, to resolve a guilty dispute with; None for without."""
        over = await self.sender.chain.unix_time() >= show_until(account)
        if shown is None:
            if not over:
                raise RecordNeeded(got=f"none, before {show_until(account)}")
            return None
        if shown.hash != account.record_hash:
            raise WrongRecord(expected=account.record_hash.hex(), got=shown.hash.hex())
        if shown.record.tab == _NOBODY:
            return shown
        consumer = Pubkey(shown.record.tab)
        try:
            await self.reader.find_tabs([consumer])
        except (TabNotFound, WrongCluster) as error:
            # Some accounts can't be passed as a consumer's: what programs keep, or the dispute's own parties.
            if not over:
                raise RecordUnshowable(
                    f"The record names {consumer} as its consumer, which is no tab",
                    expected=f"to wait until {show_until(account)}, and resolve without it",
                    got=error.got,
                ) from error
            return None
        return shown

    def _resolve(self, view: DisputeView, shown: Shown | None) -> Instruction:
        account = view.account
        named = shown is not None and shown.record.tab != _NOBODY
        passed = instructions.ResolveDisputeAccounts(
            network=self.address,
            device=account.device,
            dispute=view.address,
            tab=account.tab,
            consumer_tab=Pubkey(shown.record.tab) if shown is not None and named else account.tab,
            rent_payer=account.rent_payer,
        )
        given = None if shown is None else ShownRecord(shown.salt, shown.record.encode())
        return instructions.resolve_dispute(passed, shown=given, program_id=self.program_id)


class Challenger(DisputeCrank):
    """Accuses devices of records that they signed; `key` is the consumer whose tab's balance holds the deposits.

    Every call that sends raises what `Sender.send` raises; a refusal is the program's own error.
    """

    def __init__(self, sender: Sender, network: Pubkey, key: Keypair, program_id: Pubkey = PROGRAM_ID) -> None:
        super().__init__(sender, network, program_id=program_id)
        self.key = key

    async def open(self, device: Pubkey, evidence: DisputeEvidence, *, witness: Keypair | None = None) -> OpenedDispute:
        """Dispute a record, with the network's deposit. One that is disputed already is a success.

        witness  an attestor, who says that it followed the records from this one to what the device signed, where they
                 are too many for one transaction; the evidence's receipt and later hashes are not needed then

        Nothing is sent that the chain would refuse. Raises `DisputesOff`, `NotExecutable` (the device's class has
        another meter), `RecordNotSigned` (the evidence leads to nothing that the device signed), `VerificationError`
        (another key signed the receipt), `NotAttestor` (the witness is none), `TabNotFound`, `InsufficientBalance`,
        `InputError` (too many later hashes for one transaction).
        """
        address = self.reader.dispute_address(device, evidence.seq, evidence.hash)
        standing = await self._standing(address)
        if standing is not None:
            return standing
        view, tab = await self.reader.view(device), await self.reader.tab(self.key.pubkey())
        proof = _checked(view, evidence) if witness is None else _witnessed(view, witness)
        if tab.tab.balance < view.network.dispute_deposit:
            raise InsufficientBalance(expected=f"{view.network.dispute_deposit} free", got=str(tab.tab.balance))
        try:
            confirmed = await self.sender.send(
                self._open(device, evidence, proof), [self.key, *proof.signers], label=f"dispute {evidence.seq}"
            )
        except ChainError:
            standing = await self._standing(address)
            if standing is None:
                raise
            return standing
        opened = await self.reader.dispute(address)
        if opened is None:
            raise DisputeNotFound(f"The dispute {address} is gone already", got="no account")
        return OpenedDispute(OpenOutcome.OPENED, opened, confirmed)

    def room(self, evidence: DisputeEvidence) -> bool:
        """Whether evidence fits one transaction."""
        proof = NO_PROOF
        if evidence.message is not None:
            proof = Proof((Instruction(_SOME_PROGRAM, bytes(_LARGEST_PROOF), []),), NO_PROOF.account, None, ())
        return fits(self.sender, self._open(_SOME_DEVICE, evidence, proof))

    def most_later(self, *, receipt: bool) -> int:
        """How many hashes of later records fit one transaction, with a receipt or up to the head on chain."""
        message = Message.receipt(_NOBODY, 1, 1, 0, _NOBODY) if receipt else None
        count = 0
        while self.room(DisputeEvidence(1, _NOBODY, _NOBODY, (_NOBODY,) * (count + 1), message)):
            count += 1
        return count

    async def _standing(self, address: Pubkey) -> OpenedDispute | None:
        view = await self.reader.dispute(address)
        if view is None:
            return None
        return OpenedDispute(OpenOutcome.ALREADY_OPEN if view.is_open else OpenOutcome.ENDED_GUILTY, view, None)

    def _open(self, device: Pubkey, evidence: DisputeEvidence, proof: Proof) -> list[Instruction]:
        consumer = self.key.pubkey()
        passed = instructions.OpenDisputeAccounts(
            payer=self.sender.fee_payer.pubkey(),
            challenger=consumer,
            network=self.address,
            tab=self.reader.tab_address(consumer),
            device=device,
            proof=proof.account,
            dispute=self.reader.dispute_address(device, evidence.seq, evidence.hash),
        )
        opened = instructions.open_dispute(
            passed,
            record=DisputedRecord(evidence.seq, evidence.hash, evidence.before),
            later=b"".join(evidence.later),
            receipt=proof.shown,
            program_id=self.program_id,
        )
        return proof.lead(opened)


class DisputeVoter(DisputeCrank):
    """Votes on disputes with an attestor's key, and ends them."""

    def __init__(self, sender: Sender, network: Pubkey, key: Keypair, program_id: Pubkey = PROGRAM_ID) -> None:
        super().__init__(sender, network, program_id=program_id)
        self.key = key

    async def vote(self, dispute: Pubkey, finding: DisputeFinding) -> Confirmed:
        """Vote on an open dispute; a later vote replaces an earlier one.

        Raises `DisputeNotFound`, `NotAttestor`, and the program's `VotingOver`, `DisputeOver` and `TooSoon`
        (withheld, before half of the time is over).
        """
        if await self.reader.dispute(dispute) is None:
            raise DisputeNotFound(f"There is no dispute at {dispute}", got="no account")
        network, key = await self.reader.network(), self.key.pubkey()
        if key not in network.attestors[: network.attestor_count]:
            raise NotAttestor(expected="an attestor of the network", got=str(key))
        passed = instructions.VoteDisputeAccounts(attestor=key, network=self.address, dispute=dispute)
        instruction = instructions.vote_dispute(passed, finding=int(finding), program_id=self.program_id)
        return await self.sender.send([instruction], [self.key], label="vote dispute")


def _ended(view: DisputeView | None) -> Resolution:
    verdict = None if view is None else known(DisputeVerdict, view.account.verdict, "verdict")
    return Resolution(verdict, None, None)


def _witnessed(view: DeviceView, witness: Keypair) -> Proof:
    """An attestor's signature as the proof; raises where it is none's."""
    _require_disputes(view)
    network, key = view.network, witness.pubkey()
    if key not in network.attestors[: network.attestor_count]:
        raise NotAttestor(expected="an attestor of the network", got=str(key))
    return Proof((), key, None, (witness,))


def _checked(view: DeviceView, evidence: DisputeEvidence) -> Proof:
    """The proof that evidence takes; raises what is wrong with it."""
    _require_disputes(view)
    network, device = view.network, view.device
    if evidence.message is None:
        if (evidence.head_seq, evidence.head) != (device.seq, device.head):
            raise RecordNotSigned(
                expected=f"head {device.head.hex()} at job {device.seq}",
                got=f"{evidence.head.hex()} at job {evidence.head_seq}",
            )
        return NO_PROOF
    message, context = evidence.message, contexts.receipt_context(network.domain, view.address, device.index)
    claimed = (message.context, message.seq, message.head)
    if claimed != (context, evidence.head_seq, evidence.head):
        raise RecordNotSigned(
            expected=f"a receipt of this registration for job {evidence.head_seq}", got=f"one for job {message.seq}"
        )
    return prove_by_signature(key_of(device), message, evidence.signature)


def _require_disputes(view: DeviceView) -> None:
    network, device = view.network, view.device
    if not takes_disputes(network):
        raise DisputesOff(got=f"a deposit of {network.dispute_deposit}, {network.attestor_count} attestors")
    if class_of(network, device).meter != Meter.WASM_FUEL:
        raise NotExecutable(got=f"class {device.class_}")
