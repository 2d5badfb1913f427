"""The party that owns devices: registers them, changes them, retires them and claims for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.chain.sending import Confirmed, Sender
from worktab.core import contexts
from worktab.core.addresses import find_device
from worktab.core.errors import InputError
from worktab.core.keys import DeviceKey, Signer
from worktab.core.messages import Message
from worktab.program.generated import PROGRAM_ID, events, instructions
from worktab.program.generated.accounts import Device
from worktab.program.generated.types import DeviceTerms, DeviceUpdate, NewKey
from worktab.roles.base import Role
from worktab.roles.claiming import ClaimReport, Crank
from worktab.roles.errors import AlreadyRegistered, TabNotFound
from worktab.roles.proving import NO_PROOF, Possession, as_signer, prove
from worktab.roles.snapshots import DeviceTable
from worktab.roles.terms import DeviceStatus

NO_EVIDENCE = bytes(32)


@dataclass(frozen=True, slots=True)
class RegisteredDevice:
    """A new device: its address, its index in the network, and the transaction that registered it."""

    address: Pubkey
    index: int
    confirmed: Confirmed


@dataclass(frozen=True, slots=True)
class RetiredDevice:
    """A retired device.

    left       its account, while pay, bond, SLAs or disputes keep it open; None once it is closed
    confirmed  None where a device was retired already and nothing could be done yet
    """

    left: Device | None
    confirmed: Confirmed | None

    @property
    def closed(self) -> bool:
        """Whether its account is gone."""
        return self.left is None

    @property
    def owed(self) -> int:
        """Base units that are owed: rewards, and earnings before fee and burn."""
        return 0 if self.left is None else _owed(self.left)


class Owner(Role):
    """Owns devices of one network; `owner` signs, and the sender's fee payer pays fees and rent.

    Every call that sends raises what `Sender.send` raises; a refusal is the program's own error.
    """

    def __init__(self, sender: Sender, network: Pubkey, *, owner: Keypair, program_id: Pubkey = PROGRAM_ID) -> None:
        super().__init__(sender, network, program_id=program_id)
        self.owner = owner

    def device_address(self, first_key: DeviceKey) -> Pubkey:
        """The address of the device that is, or would be, registered with this key."""
        return find_device(self.program_id, self.address, first_key)[0]

    async def possession_message(self, key: DeviceKey, *, device: Pubkey | None = None) -> Message:
        """The message that `key` signs to show that it is held (PROTOCOL section 2), for a device far away.

        `device` is the device that takes it as its new key; by default the one to be registered with it. Its
        signature goes into a `Possession`. It is good for this owner alone.
        """
        domain, address = await self.reader.domain(), device or self.device_address(key)
        return Message.key_possession(contexts.key_context(domain, address, key.kind, key.raw33, self.owner.pubkey()))

    async def register(
        self,
        key: Signer | Keypair | Possession,
        *,
        capacity: int,
        work_class: int = 0,
        payout: Pubkey | None = None,
        evidence: bytes = NO_EVIDENCE,
        admission: Keypair | None = None,
    ) -> RegisteredDevice:
        """Register a device under this owner.

        key         the device's key, or its signature over `possession_message`
        capacity    work units an epoch, from the next epoch on
        payout      wallet whose associated token account is paid; by default the owner's
        evidence    32-byte hash of evidence about the hardware; zero for none
        admission   the authority or an attestor, where the network asks for admission

        Raises `AlreadyRegistered`, and `VerificationError` if the key's signature does not hold.
        """
        # A network on another cluster must be noticed before the key signs anything.
        await self.reader.network()
        signer = _key_of(key)
        public = _public(signer)
        address = self.device_address(public)
        [held] = await self.reader.find_devices([address])
        if held is not None:
            raise AlreadyRegistered(
                "The key is registered in this network", got=f"device {address}, index {held.index}, owner {held.owner}"
            )
        proof = prove(signer, await self.possession_message(public))
        passed = instructions.RegisterDeviceAccounts(
            payer=self.sender.fee_payer.pubkey(),
            owner=self.owner.pubkey(),
            network=self.address,
            device=address,
            proof=proof.account,
            admission=admission.pubkey() if admission else None,
        )
        terms = DeviceTerms(
            public.raw33, int(public.kind), work_class, capacity, payout or self.owner.pubkey(), evidence
        )
        registered = instructions.register_device(
            passed, terms=terms, possession=proof.shown, program_id=self.program_id
        )
        signers = [self.owner, *proof.signers, *([admission] if admission else [])]
        confirmed = await self.sender.send(proof.lead(registered), signers, label="register device")
        event = self.event(confirmed, events.DeviceRegistered)
        index = event.index if event else (await self.reader.device(address)).index
        return RegisteredDevice(address, index, confirmed)

    async def update(
        self,
        device: Pubkey,
        *,
        key: Signer | Keypair | Possession | None = None,
        capacity: int | None = None,
        payout: Pubkey | None = None,
        evidence: bytes | None = None,
        owner: Pubkey | None = None,
        admission: Keypair | None = None,
    ) -> Confirmed:
        """Change a device; what is None stays.

        key        its next key, or that key's signature over `possession_message(key, device=device)`
        capacity   work units an epoch, from the next epoch on
        owner      who owns it from here on; this owner can do nothing more with it
        admission  the authority or an attestor, where the network asks for admission of a key or of more capacity

        Raises `InputError` if nothing is to change, and `VerificationError` if the key's signature does not hold.
        """
        if key is None and all(each is None for each in (capacity, payout, evidence, owner)):
            raise InputError("Nothing is to change", expected="at least one of key, capacity, payout, evidence, owner")
        await self.reader.network()
        proof, new_key = NO_PROOF, None
        if key is not None:
            signer = _key_of(key)
            public = _public(signer)
            proof = prove(signer, await self.possession_message(public, device=device))
            new_key = NewKey(public.raw33, int(public.kind), proof.shown)
        passed = instructions.UpdateDeviceAccounts(
            owner=self.owner.pubkey(),
            network=self.address,
            device=device,
            proof=proof.account,
            admission=admission.pubkey() if admission else None,
        )
        update = DeviceUpdate(key=new_key, capacity=capacity, payout=payout, evidence=evidence, owner=owner)
        instruction = instructions.update_device(passed, update=update, program_id=self.program_id)
        signers = [self.owner, *proof.signers, *([admission] if admission else [])]
        return await self.sender.send(proof.lead(instruction), signers, label="update device")

    async def retire(self, device: Pubkey) -> RetiredDevice:
        """End a device; its account closes as soon as nothing is owed, bonded, promised or disputed, in this call or in
        a later one.

        The rent goes back to who paid it. What its sales could still earn on a network that rewards units sold is given
        up. Raises `DeviceNotFound` also for a device that is closed.
        """
        held = await self.reader.device(device)
        if held.status == DeviceStatus.RETIRED and not _is_clear(held):
            return RetiredDevice(held, None)
        passed = instructions.RetireDeviceAccounts(
            owner=self.owner.pubkey(), network=self.address, device=device, rent_payer=held.rent_payer
        )
        instruction = instructions.retire_device(passed, program_id=self.program_id)
        confirmed = await self.sender.send([instruction], [self.owner], label="retire device")
        [left] = await self.reader.find_devices([device])
        return RetiredDevice(left, confirmed)

    async def release_lane(self, device: Pubkey, tab: Pubkey, nonce: int) -> Confirmed | None:
        """End a consumer's lane at once and give up what vouchers have not moved; None where it has ended already.

        What is left of its reserve goes back to the consumer's balance. Raises `TabNotFound`, and `LaneNotFound` for a
        lane that never was.
        """
        [view] = await self.reader.find_tabs([tab])
        if view is None:
            raise TabNotFound(f"There is no tab at {tab}", got="no account")
        if not view.has_lane(nonce) and nonce < view.tab.nonce:
            return None
        view.lane(nonce)
        passed = instructions.CloseLaneAccounts(
            signer=self.owner.pubkey(),
            network=self.address,
            tab=tab,
            rent_payer=view.tab.rent_payer,
            device=device,
        )
        instruction = instructions.close_lane(passed, nonce=nonce, program_id=self.program_id)
        return await self.sender.send([instruction], [self.owner], label="release lane")

    async def devices(self) -> DeviceTable:
        """All devices of this owner in the network."""
        return await self.reader.devices(owner=self.owner.pubkey())

    async def claim(self, devices: Sequence[Pubkey] | None = None, *, create_accounts: bool = True) -> ClaimReport:
        """Pay what these devices are owed, by default all of this owner; see `Crank.claim`."""
        crank = Crank(self.sender, self.address, program_id=self.program_id)
        if devices is None:
            return await crank.claim_read(await self.devices(), create_accounts=create_accounts)
        return await crank.claim(devices, create_accounts=create_accounts)


def _key_of(key: Signer | Keypair | Possession) -> Signer | Possession:
    return key if isinstance(key, Possession) else as_signer(key)


def _public(key: Signer | Possession) -> DeviceKey:
    return key.key if isinstance(key, Possession) else key.public


def _owed(device: Device) -> int:
    return device.rewards_owed + device.earnings_owed


def _is_clear(device: Device) -> bool:
    """Whether the account can close: the program's rule."""
    return not (_owed(device) or device.bond or device.open_disputes or device.open_slas)
