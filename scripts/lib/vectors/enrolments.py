"""enrolments.json"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from vectors.common import Json, fixed, p256_private_key, p256_signer
from worktab.core.contexts import domain
from worktab.core.enrolments import Enrolment, SignedEnrolment, enrolled_index
from worktab.core.keys import DeviceKey, Ed25519Signer, low_s


class SteadySigner:
    """A P-256 key that signs the same every time, so that the file does not change; a signer may use any nonce."""

    public: DeviceKey = p256_signer("p256 scalar").public

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature over `message`."""
        key = p256_private_key("p256 scalar")
        return low_s(key.sign(message, ec.ECDSA(SHA256(), deterministic_signing=True)))


def vectors() -> Json:
    program, network = fixed("program"), fixed("network")
    here = domain(fixed("genesis"), program, network)
    owner, admission = Keypair.from_seed(fixed("owner seed")), Keypair.from_seed(fixed("authority seed"))
    payout = Pubkey(fixed("payout"))
    ed25519 = Ed25519Signer(fixed("ed25519 seed"))
    p256 = SteadySigner()
    cases = [
        (
            "an Ed25519 key, paid to its owner",
            ed25519,
            Enrolment(ed25519.public, owner.pubkey(), owner.pubkey(), 0),
            None,
        ),
        (
            "a later enrolment, with an admission",
            ed25519,
            Enrolment(ed25519.public, owner.pubkey(), payout, 7, 3),
            admission,
        ),
        (
            "a P-256 key and the largest serial",
            p256,
            Enrolment(p256.public, owner.pubkey(), payout, 1, 2**63 - 1),
            None,
        ),
    ]
    signed = [
        (
            description,
            SignedEnrolment.sign(
                terms, domain=here, program_id=program, network=network, owner=owner, key=signer, admission=admitting
            ),
        )
        for description, signer, terms, admitting in cases
    ]
    return {
        "description": "Enrolments as they are signed and carried in JSON.",
        "program_id": program.hex(),
        "network": network.hex(),
        "domain": here.hex(),
        "indexes": [
            {"description": description, "device": device.hex(), "index": enrolled_index(device)}
            for description, device in (
                ("an ordinary address", fixed("device")),
                ("an address that begins with zeros", bytes(32)),
                ("an address that begins with ones", b"\xff" * 32),
            )
        ],
        "enrolments": [
            {
                "description": description,
                "message": each.enrolment.message(here, bytes(each.device)).encode().hex(),
                "receipt_context": each.enrolment.receipt_context(here, bytes(each.device)).hex(),
                "json": each.to_json(),
            }
            for description, each in signed
        ],
    }
