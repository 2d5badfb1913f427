"""Every instruction of the program with sensible accounts, and the signatures that go before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeAlias

from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.parties import Device, Network
from support.svm import Svm
from support.tokens import Mint, create_mint
from worktab.core import contexts
from worktab.core.addresses import INSTRUCTIONS_SYSVAR_ID, find_network
from worktab.core.keys import Signer
from worktab.core.messages import Message
from worktab.core.native import native_program, signature_instruction_data
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated import instructions as ix
from worktab.program.generated.types import Change, DeviceTerms, DeviceUpdate, NetworkTerms, NewKey

Edits: TypeAlias = Mapping[int, bytes]
"""Bytes to put over others, by their offset."""


class Builders(Svm):
    """A chain and the instructions for it. Accounts given by name replace those passed by default."""

    def __init__(self) -> None:
        super().__init__()
        self._mint: Mint | None = None

    @property
    def mint(self) -> Mint:
        """The world's SPL Token mint, made at first use."""
        self._mint = self._mint or create_mint(self)
        return self._mint

    def create_network(
        self, terms: NetworkTerms, *, mint: Mint | None = None, authority: Keypair | None = None, **accounts: Pubkey
    ) -> tuple[Network, Instruction]:
        """A network's handle and the instruction that creates it; `accounts` replace those passed by default."""
        mint, authority = mint or self.mint, authority or self.keypair()
        address, _ = find_network(PROGRAM_ID, authority.pubkey(), terms.id)
        network = Network(address, authority, mint, contexts.domain(terms.genesis_hash, PROGRAM_ID, address))
        passed = ix.CreateNetworkAccounts(
            payer=self.payer.pubkey(),
            creator=authority.pubkey(),
            network=address,
            mint=mint.address,
            vault=network.vault,
            token_program=mint.token_program,
        )
        return network, ix.create_network(replace(passed, **accounts), terms=terms)

    def fund(self, network: Network, amount: int, /, **accounts: Pubkey) -> Instruction:
        """fund_pool by the network's authority, whose wallet is given the tokens at once."""
        funder = network.authority.pubkey()
        source = network.mint.open(funder, amount)
        passed = ix.FundPoolAccounts(
            network=network.address,
            funder=funder,
            source=source,
            mint=network.mint.address,
            vault=network.vault,
            token_program=network.mint.token_program,
        )
        return ix.fund_pool(replace(passed, **accounts), amount=amount)

    def propose(self, network: Network, change: Change, *, signer: Keypair | None = None) -> Instruction:
        """propose_update by the network's creator, or by `signer`."""
        authority = (signer or network.authority).pubkey()
        return ix.propose_update(ix.ProposeUpdateAccounts(network=network.address, authority=authority), change=change)

    def apply(self, network: Network) -> Instruction:
        """apply_update."""
        return ix.apply_update(ix.ApplyUpdateAccounts(network=network.address))

    def accept(self, network: Network, signer: Keypair) -> Instruction:
        """accept_authority by `signer`."""
        return ix.accept_authority(ix.AcceptAuthorityAccounts(network=network.address, new_authority=signer.pubkey()))

    def pause(self, network: Network, flags: int, *, signer: Keypair | None = None) -> Instruction:
        """set_pause by the network's creator, or by `signer`."""
        signed_by = (signer or network.authority).pubkey()
        return ix.set_pause(ix.SetPauseAccounts(network=network.address, signer=signed_by), flags=flags)

    def register(
        self,
        device: Device,
        terms: DeviceTerms,
        /,
        *,
        possession: bytes | None = None,
        admission: Keypair | None = None,
        **accounts: Pubkey,
    ) -> Instruction:
        """register_device alone; `accounts` replace those passed by default."""
        passed = ix.RegisterDeviceAccounts(
            payer=self.payer.pubkey(),
            owner=device.owner.pubkey(),
            network=device.network.address,
            device=device.address,
            proof=INSTRUCTIONS_SYSVAR_ID,
            admission=admission.pubkey() if admission else None,
        )
        return ix.register_device(replace(passed, **accounts), terms=terms, possession=possession)

    def possession_message(self, device: Device, *, signer: Signer | None = None, owner: Pubkey | None = None) -> bytes:
        """The 104 bytes that prove possession of the device's key, or of its next one."""
        key = (signer or device.signer).public
        owner = owner or device.owner.pubkey()
        context = contexts.key_context(device.network.domain, device.address, key.kind, key.raw33, owner)
        return Message.key_possession(context).encode()

    def possession(self, device: Device, *, signer: Signer | None = None, owner: Pubkey | None = None) -> Instruction:
        """The native instruction with the signature of possession."""
        return self.native(signer or device.signer, self.possession_message(device, signer=signer, owner=owner))

    def native(self, signer: Signer, message: bytes, *, edit: Edits | None = None) -> Instruction:
        """The native instruction that checks the signer's signature over 104 bytes; `edit` alters its data."""
        data = signature_instruction_data(signer.public, signer.sign(message), message)
        return Instruction(Pubkey.from_string(native_program(signer.public.kind)), put(data, edit), [])

    def receipt_message(
        self,
        device: Device,
        seq: int,
        units: int,
        *,
        time: int | None = None,
        head: bytes | None = None,
        context: bytes | None = None,
        edit: Edits | None = None,
    ) -> bytes:
        """A receipt's 104 bytes. The head is the seq in each byte unless given; `edit` alters the bytes."""
        message = Message.receipt(
            device.receipt_context if context is None else context,
            seq,
            units,
            self.now if time is None else time,
            bytes([seq % 256]) * 32 if head is None else head,
        )
        return put(message.encode(), edit)

    def submit(
        self, device: Device, /, *, shown: bytes | None = None, consent: Keypair | None = None, **accounts: Pubkey
    ) -> Instruction:
        """submit_receipt alone; `shown` is the message of a device that signs the transaction itself."""
        passed = ix.SubmitReceiptAccounts(
            network=device.network.address,
            device=device.address,
            proof=INSTRUCTIONS_SYSVAR_ID,
        )
        consenting = [AccountMeta(consent.pubkey(), is_signer=True, is_writable=False)] if consent else []
        return ix.submit_receipt(replace(passed, **accounts), receipt=shown, remaining_accounts=consenting)

    def receipt(
        self,
        device: Device,
        seq: int,
        units: int,
        *,
        time: int | None = None,
        head: bytes | None = None,
        context: bytes | None = None,
        edit: Edits | None = None,
        edit_native: Edits | None = None,
        signer: Signer | None = None,
        consent: Keypair | None = None,
    ) -> list[Instruction]:
        """The native signature instruction and submit_receipt, in this order.

        Tampering: `edit` alters the message before it is signed, `edit_native` the native instruction's data,
        `signer` signs in the device's place.
        """
        message = self.receipt_message(device, seq, units, time=time, head=head, context=context, edit=edit)
        native = self.native(signer or device.signer, message, edit=edit_native)
        return [native, self.submit(device, consent=consent)]

    def claim(
        self, devices: Iterable[Device | Pubkey], payout: Keypair, network: Network, /, **accounts: Pubkey
    ) -> Instruction:
        """claim for one payout wallet."""
        passed = ix.ClaimAccounts(
            network=network.address,
            vault=network.vault,
            mint=network.mint.address,
            payout=payout.pubkey(),
            payout_account=network.mint.account_of(payout.pubkey()),
            token_program=network.mint.token_program,
        )
        passed = replace(passed, **accounts)
        remaining = [
            AccountMeta(each.address if isinstance(each, Device) else each, is_signer=False, is_writable=True)
            for each in devices
        ]
        bump = network.mint.bump_of(passed.payout)
        return ix.claim(passed, payout_bump=bump, remaining_accounts=remaining)

    def update(
        self,
        device: Device,
        /,
        *,
        key: NewKey | None = None,
        capacity: int | None = None,
        payout: Pubkey | None = None,
        evidence: bytes | None = None,
        new_owner: Pubkey | None = None,
        admission: Keypair | None = None,
        **accounts: Pubkey,
    ) -> Instruction:
        """update_device by the device's first owner."""
        passed = ix.UpdateDeviceAccounts(
            owner=device.owner.pubkey(),
            network=device.network.address,
            device=device.address,
            proof=INSTRUCTIONS_SYSVAR_ID,
            admission=admission.pubkey() if admission else None,
        )
        update = DeviceUpdate(key=key, capacity=capacity, payout=payout, evidence=evidence, owner=new_owner)
        return ix.update_device(replace(passed, **accounts), update=update)

    def retire(self, device: Device, /, **accounts: Pubkey) -> Instruction:
        """retire_device by the device's first owner, the rent going back to the world's payer."""
        passed = ix.RetireDeviceAccounts(
            owner=device.owner.pubkey(),
            network=device.network.address,
            device=device.address,
            rent_payer=self.payer.pubkey(),
        )
        return ix.retire_device(replace(passed, **accounts))


def put(data: bytes, edit: Edits | None) -> bytes:
    """`data` with other bytes at some offsets; its length stays."""
    edited = bytearray(data)
    for offset, written in (edit or {}).items():
        edited[offset : offset + len(written)] = written
    assert len(edited) == len(data)
    return bytes(edited)


def signed(instruction: Instruction, address: Pubkey) -> Instruction:
    """The instruction with the signature of `address` asked for wherever it names it."""
    metas = [
        AccountMeta(each.pubkey, each.is_signer or each.pubkey == address, each.is_writable)
        for each in instruction.accounts
    ]
    return Instruction(instruction.program_id, instruction.data, metas)


def unsigned(instruction: Instruction, address: Pubkey) -> Instruction:
    """The instruction as if `address` need not sign."""
    metas = [
        AccountMeta(each.pubkey, each.is_signer and each.pubkey != address, each.is_writable)
        for each in instruction.accounts
    ]
    return Instruction(instruction.program_id, instruction.data, metas)


def read_only(instruction: Instruction, address: Pubkey) -> Instruction:
    """The instruction as if `address` need not be written."""
    metas = [
        AccountMeta(each.pubkey, each.is_signer, each.is_writable and each.pubkey != address)
        for each in instruction.accounts
    ]
    return Instruction(instruction.program_id, instruction.data, metas)
