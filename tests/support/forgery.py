"""Native signature instructions in any layout, for tests in which somebody lies about a signature."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from support.noop import NOOP
from support.parties import Device, Network
from support.world import World
from worktab.core.keys import Signer
from worktab.core.native import native_program

HEADER: Final = 16
SIGNATURE: Final = 64
MESSAGE: Final = 104
HERE: Final = 0xFFFF
"""The instruction index that means the running instruction."""


@dataclass(frozen=True, slots=True)
class Offsets:
    """One entry of a native instruction's header: where it finds signature, key and message, and in which instruction.

    The order of the fields is that of the bytes.
    """

    signature_at: int
    key_at: int
    message_at: int
    signature_in: int = HERE
    key_in: int = HERE
    message_in: int = HERE
    size: int = MESSAGE

    def encode(self) -> bytes:
        """14 bytes."""
        return struct.pack(
            "<HHHHHHH",
            self.signature_at,
            self.signature_in,
            self.key_at,
            self.key_in,
            self.message_at,
            self.size,
            self.message_in,
        )


@dataclass(frozen=True, slots=True)
class Scene:
    """A device that signed `genuine` and not `forged`, both its first receipts, and an attacker with a key of its own.

    Offsets without further name are those of the accepted layout.
    """

    world: World
    device: Device
    attacker: Signer
    genuine: bytes
    forged: bytes

    @property
    def key(self) -> bytes:
        """The device's key as the native program takes it."""
        return self.device.signer.public.public_bytes

    @property
    def key_at(self) -> int:
        """Where the key stands."""
        return HEADER

    @property
    def signature_at(self) -> int:
        """Where the signature stands."""
        return HEADER + len(self.key)

    @property
    def message_at(self) -> int:
        """Where the message stands."""
        return self.signature_at + SIGNATURE

    @property
    def end(self) -> int:
        """The size of the accepted layout."""
        return self.message_at + MESSAGE

    @property
    def program(self) -> Pubkey:
        """The native program for the device's kind of key."""
        return Pubkey.from_string(native_program(self.device.signer.public.kind))

    @property
    def shown(self) -> bytes:
        """The parts as a lie shows them: the device's key, an empty signature, the forged receipt."""
        return self.key + bytes(SIGNATURE) + self.forged

    def by_device(self, message: bytes | None = None) -> bytes:
        """The device's signature, of the genuine receipt unless told otherwise."""
        return self.device.signer.sign(self.genuine if message is None else message)

    def by_attacker(self, message: bytes | None = None) -> bytes:
        """The attacker's signature, of the forged receipt unless told otherwise."""
        return self.attacker.sign(self.forged if message is None else message)

    def canonical(self, **changes: int) -> Offsets:
        """The offsets of the accepted layout; `changes` replace some."""
        return Offsets(
            **{"signature_at": self.signature_at, "key_at": self.key_at, "message_at": self.message_at} | changes
        )

    def native(
        self,
        body: bytes,
        offsets: Offsets | None = None,
        *,
        count: int = 1,
        padding: int = 0,
        accounts: Sequence[AccountMeta] = (),
    ) -> Instruction:
        """A native instruction: a header with these offsets, then `body`."""
        header = bytes([count, padding]) + (offsets or self.canonical()).encode()
        return Instruction(self.program, header + body, list(accounts))

    def honest(self) -> Instruction:
        """The accepted instruction, with the genuine receipt."""
        return self.native(self.key + self.by_device() + self.genuine)

    def attackers(self) -> Instruction:
        """The same by the attacker, with the forged receipt: the native program has nothing against it."""
        return self.native(self.attacker.public.public_bytes + self.by_attacker() + self.forged)

    def submit(self) -> Instruction:
        """submit_receipt, relayed."""
        return self.world.submit(self.device)

    def noop(self, data: bytes = b"", *, at: Pubkey | None = None) -> Instruction:
        """An instruction of a program that accepts anything; deployed at `at` or at a new address."""
        address = at or self.world.keypair().pubkey()
        self.world.runtime.add_program(address, NOOP)
        return Instruction(address, data, [])


def new_signer(world: World, kind: str) -> Signer:
    """A key of a kind, "ed25519" or "p256"."""
    return world.p256() if kind == "p256" else world.ed25519()


def scene_of(world: World, network: Network, kind: str) -> Scene:
    """A new device of that kind whose capacity counts, and an attacker with a key of the same kind."""
    device = world.device(network, signer=new_signer(world, kind))
    world.next_epoch(network)
    genuine, forged = world.receipt_message(device, 1, 10), world.receipt_message(device, 1, 900)
    return Scene(world, device, new_signer(world, kind), genuine, forged)


Attack: TypeAlias = Callable[[Scene], list[Instruction]]


def sysvar_image(instructions: Sequence[Instruction], running: int) -> bytes:
    """What the instructions sysvar holds while one of these instructions runs."""
    parts = []
    for instruction in instructions:
        metas = b"".join(
            bytes([meta.is_signer | meta.is_writable << 1]) + bytes(meta.pubkey) for meta in instruction.accounts
        )
        data = struct.pack("<H", len(instruction.data)) + instruction.data
        parts.append(struct.pack("<H", len(instruction.accounts)) + metas + bytes(instruction.program_id) + data)
    at = 2 + 2 * len(parts)
    offsets = []
    for part in parts:
        offsets.append(at)
        at += len(part)
    return struct.pack(f"<{1 + len(parts)}H", len(parts), *offsets) + b"".join(parts) + struct.pack("<H", running)
