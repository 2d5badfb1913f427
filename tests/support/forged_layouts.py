"""Ways to show a signature that the native programs have nothing against and that the program must not take.

Each function is one attack and makes the instructions of its transaction; exactly one is of the Worktab program.
"""

from __future__ import annotations

from solders.compute_budget import set_compute_unit_limit
from solders.instruction import AccountMeta, Instruction

from support.forgery import HEADER, MESSAGE, SIGNATURE, Attack, Offsets, Scene

ATTACKS: dict[str, Attack] = {}
"""By name."""


def attack(build: Attack) -> Attack:
    """Lists an attack under the name of its function."""
    ATTACKS[build.__name__.replace("_", " ")] = build
    return build


# Parts elsewhere in the same instruction


@attack
def key_elsewhere(scene: Scene) -> list[Instruction]:
    body = scene.key + scene.by_attacker() + scene.forged + scene.attacker.public.public_bytes
    return [scene.native(body, scene.canonical(key_at=scene.end)), scene.submit()]


@attack
def signature_elsewhere(scene: Scene) -> list[Instruction]:
    body = scene.key + bytes(SIGNATURE) + scene.genuine + scene.by_device()
    return [scene.native(body, scene.canonical(signature_at=scene.end)), scene.submit()]


@attack
def message_elsewhere(scene: Scene) -> list[Instruction]:
    body = scene.key + scene.by_device() + scene.forged + scene.genuine
    return [scene.native(body, scene.canonical(message_at=scene.end)), scene.submit()]


@attack
def everything_elsewhere(scene: Scene) -> list[Instruction]:
    theirs = scene.attacker.public.public_bytes
    offsets = Offsets(scene.end + len(theirs), scene.end, scene.end + len(theirs) + SIGNATURE)
    return [scene.native(scene.shown + theirs + scene.by_attacker() + scene.forged, offsets), scene.submit()]


@attack
def key_over_the_message(scene: Scene) -> list[Instruction]:
    """Nothing is added: the message's own head holds the key that is checked."""
    theirs = scene.attacker.public.public_bytes
    message = scene.forged[: MESSAGE - len(theirs)] + theirs
    body = scene.key + scene.by_attacker(message) + message
    return [scene.native(body, scene.canonical(key_at=scene.end - len(theirs))), scene.submit()]


# Parts in another instruction


@attack
def key_in_another_instruction(scene: Scene) -> list[Instruction]:
    body = scene.key + scene.by_attacker() + scene.forged
    return [scene.attackers(), scene.native(body, scene.canonical(key_in=0)), scene.submit()]


@attack
def signature_in_another_instruction(scene: Scene) -> list[Instruction]:
    body = scene.key + bytes(SIGNATURE) + scene.genuine
    return [scene.honest(), scene.native(body, scene.canonical(signature_in=0)), scene.submit()]


@attack
def message_in_another_instruction(scene: Scene) -> list[Instruction]:
    body = scene.key + scene.by_device() + scene.forged
    return [scene.honest(), scene.native(body, scene.canonical(message_in=0)), scene.submit()]


@attack
def everything_in_another_instruction(scene: Scene) -> list[Instruction]:
    offsets = scene.canonical(key_in=0, signature_in=0, message_in=0)
    return [scene.attackers(), scene.native(scene.shown, offsets), scene.submit()]


@attack
def everything_in_a_later_instruction(scene: Scene) -> list[Instruction]:
    offsets = scene.canonical(key_in=2, signature_in=2, message_in=2)
    return [scene.native(scene.shown, offsets), scene.submit(), scene.attackers()]


@attack
def the_instruction_named_by_its_number(scene: Scene) -> list[Instruction]:
    """Harmless by itself, and still a second way to say the same."""
    offsets = scene.canonical(key_in=0, signature_in=0, message_in=0)
    return [scene.native(scene.honest().data[HEADER:], offsets), scene.submit()]


# Header, length, gaps, order


@attack
def two_signatures(scene: Scene) -> list[Instruction]:
    theirs, ours = scene.attackers().data[HEADER:], scene.honest().data[HEADER:]
    moved = 14
    second = Offsets(scene.signature_at + moved, scene.key_at + moved, scene.message_at + moved)
    first = Offsets(second.signature_at + len(ours), second.key_at + len(ours), second.message_at + len(ours))
    return [scene.native(second.encode() + ours + theirs, first, count=2), scene.submit()]


@attack
def the_same_signature_twice(scene: Scene) -> list[Instruction]:
    moved = 14
    offsets = Offsets(scene.signature_at + moved, scene.key_at + moved, scene.message_at + moved)
    return [scene.native(offsets.encode() + scene.honest().data[HEADER:], offsets, count=2), scene.submit()]


@attack
def padding_that_is_not_zero(scene: Scene) -> list[Instruction]:
    return [scene.native(scene.honest().data[HEADER:], padding=1), scene.submit()]


@attack
def a_trailing_byte(scene: Scene) -> list[Instruction]:
    return [scene.native(scene.honest().data[HEADER:] + b"\0"), scene.submit()]


@attack
def a_gap_before_the_key(scene: Scene) -> list[Instruction]:
    offsets = Offsets(scene.signature_at + 1, scene.key_at + 1, scene.message_at + 1)
    return [scene.native(b"\0" + scene.honest().data[HEADER:], offsets), scene.submit()]


@attack
def a_gap_before_the_signature(scene: Scene) -> list[Instruction]:
    offsets = scene.canonical(signature_at=scene.signature_at + 1, message_at=scene.message_at + 1)
    return [scene.native(scene.key + b"\0" + scene.by_device() + scene.genuine, offsets), scene.submit()]


@attack
def a_gap_before_the_message(scene: Scene) -> list[Instruction]:
    body = scene.key + scene.by_device() + b"\0" + scene.genuine
    return [scene.native(body, scene.canonical(message_at=scene.message_at + 1)), scene.submit()]


@attack
def the_key_after_the_signature(scene: Scene) -> list[Instruction]:
    offsets = scene.canonical(signature_at=HEADER, key_at=HEADER + SIGNATURE)
    return [scene.native(scene.by_device() + scene.key + scene.genuine, offsets), scene.submit()]


@attack
def the_message_first(scene: Scene) -> list[Instruction]:
    offsets = Offsets(HEADER + MESSAGE + len(scene.key), HEADER + MESSAGE, HEADER)
    return [scene.native(scene.genuine + scene.key + scene.by_device(), offsets), scene.submit()]


@attack
def a_message_of_103_bytes(scene: Scene) -> list[Instruction]:
    message = scene.genuine[:-1]
    return [scene.native(scene.key + scene.by_device(message) + message, scene.canonical(size=103)), scene.submit()]


@attack
def a_message_of_103_bytes_and_one_unsigned(scene: Scene) -> list[Instruction]:
    body = scene.key + scene.by_device(scene.genuine[:-1]) + scene.genuine
    return [scene.native(body, scene.canonical(size=103)), scene.submit()]


@attack
def an_empty_message(scene: Scene) -> list[Instruction]:
    return [scene.native(scene.key + scene.by_device(b"") + scene.forged, scene.canonical(size=0)), scene.submit()]


@attack
def a_message_of_105_bytes(scene: Scene) -> list[Instruction]:
    message = scene.genuine + b"\0"
    return [scene.native(scene.key + scene.by_device(message) + message, scene.canonical(size=105)), scene.submit()]


@attack
def a_message_of_twice_the_size(scene: Scene) -> list[Instruction]:
    message = scene.genuine + scene.forged
    body = scene.key + scene.by_device(message) + message
    return [scene.native(body, scene.canonical(size=2 * MESSAGE)), scene.submit()]


@attack
def a_longer_message_that_holds_a_receipt(scene: Scene) -> list[Instruction]:
    """The device signed something else, in which a receipt stands where the accepted layout has its message."""
    prefix = b"please sign this: "
    message = prefix + scene.forged
    offsets = scene.canonical(
        signature_at=scene.end, message_at=scene.message_at - len(prefix), size=len(prefix) + MESSAGE
    )
    body = scene.key + bytes(SIGNATURE - len(prefix)) + message + scene.by_device(message)
    return [scene.native(body, offsets), scene.submit()]


# Which instruction


@attack
def no_signature_at_all(scene: Scene) -> list[Instruction]:
    return [scene.submit()]


@attack
def the_signature_two_before(scene: Scene) -> list[Instruction]:
    return [scene.honest(), scene.noop(), scene.submit()]


@attack
def a_compute_budget_between(scene: Scene) -> list[Instruction]:
    return [scene.honest(), set_compute_unit_limit(200_000), scene.submit()]


@attack
def the_signature_after(scene: Scene) -> list[Instruction]:
    return [scene.submit(), scene.honest()]


@attack
def a_strangers_signature_between(scene: Scene) -> list[Instruction]:
    return [scene.honest(), scene.attackers(), scene.submit()]


@attack
def another_program_with_the_same_data(scene: Scene) -> list[Instruction]:
    return [scene.noop(scene.native(scene.shown).data), scene.submit()]


@attack
def an_account_attached(scene: Scene) -> list[Instruction]:
    account = AccountMeta(scene.world.payer.pubkey(), is_signer=False, is_writable=False)
    return [scene.native(scene.honest().data[HEADER:], accounts=[account]), scene.submit()]


@attack
def accounts_attached_that_read_like_a_signature(scene: Scene) -> list[Instruction]:
    """The bytes of account references stand where an instruction without accounts has its program and data."""
    accounts = [AccountMeta(scene.program, is_signer=False, is_writable=False)] * 8
    return [scene.native(scene.honest().data[HEADER:], accounts=accounts), scene.submit()]


# Whose key


@attack
def the_attackers_own_key(scene: Scene) -> list[Instruction]:
    return [scene.attackers(), scene.submit()]


@attack
def the_key_of_another_device(scene: Scene) -> list[Instruction]:
    other = scene.world.device(scene.device.network, signer=scene.attacker)
    message = scene.world.receipt_message(other, 1, 900)
    theirs = scene.attacker.public.public_bytes
    return [scene.native(theirs + scene.by_attacker(message) + message), scene.submit()]
