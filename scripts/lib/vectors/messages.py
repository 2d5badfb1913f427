"""messages.json"""

from __future__ import annotations

from vectors.common import I64_MAX, U64_MAX, Json, fixed
from worktab.core.messages import Message


def vectors() -> Json:
    context, head = fixed("context"), fixed("head")
    receipt = Message.receipt(context, seq=12, units=3_450_000, time=1_790_000_000, head=head)
    voucher = Message.voucher(context, seq=12, units=90_000, amount=1_250_000, time=0, head=head)
    possession, batch = Message.key_possession(context), Message.batch(context, 1_790_003_600)
    valid = [
        ("a receipt", receipt),
        ("a receipt for the first job of a device", Message.receipt(context, 1, 0, 0, head)),
        ("a receipt with the largest numbers", Message.receipt(context, U64_MAX, U64_MAX, I64_MAX, head)),
        ("a voucher that never expires", voucher),
        ("a voucher with the largest numbers", Message.voucher(context, U64_MAX, U64_MAX, U64_MAX, I64_MAX, head)),
        ("a proof that a key is held", possession),
        ("a batch voucher that expires", batch),
        ("a batch voucher that never expires", Message.batch(context, 0)),
        ("an enrolment", Message.enrolment(context, 1)),
        ("an enrolment with the largest serial", Message.enrolment(context, U64_MAX)),
    ]

    def put(message: Message, at: int, value: str) -> bytes:
        changed = bytearray(message.encode())
        patch = bytes.fromhex(value)
        changed[at : at + len(patch)] = patch
        return bytes(changed)

    invalid = [
        ("length", "empty", b""),
        ("length", "one byte short", receipt.encode()[:-1]),
        ("length", "one byte long", receipt.encode() + b"\0"),
        ("magic", "another version's magic", put(receipt, 0, "57544232")),
        ("kind", "kind 0", put(receipt, 4, "00")),
        ("kind", "kind 6", put(receipt, 4, "06")),
        ("zero", "byte 5 set", put(receipt, 5, "01")),
        ("zero", "byte 7 set", put(receipt, 7, "80")),
        ("amount", "a receipt with an amount", put(receipt, 56, "01")),
        ("time", "a receipt issued at 2^63", put(receipt, 64, "0000000000000080")),
        ("time", "a voucher that expires at 2^63", put(voucher, 64, "0000000000000080")),
        ("time", "a batch voucher that expires at 2^64 - 1", put(batch, 64, "ffffffffffffffff")),
    ]
    fields = (("seq", 40), ("units", 48), ("amount", 56), ("time", 64), ("head", 103))
    invalid += [(name, f"a proof of possession with {name} set", put(possession, at, "01")) for name, at in fields]
    invalid += [
        (name, f"a batch voucher with {name} set", put(batch, at, "01")) for name, at in fields if name != "time"
    ]
    return {
        "description": "The 104-byte signed message. `reason` names the part of an invalid one that is at fault.",
        "valid": [
            {
                "description": description,
                "kind": message.kind.value,
                "context": message.context.hex(),
                "seq": str(message.seq),
                "units": str(message.units),
                "amount": str(message.amount),
                "time": str(message.time),
                "head": message.head.hex(),
                "encoded": message.encode().hex(),
            }
            for description, message in valid
        ],
        "invalid": [
            {"description": description, "reason": reason, "encoded": encoded.hex()}
            for reason, description, encoded in invalid
        ],
    }
