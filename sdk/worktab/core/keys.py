"""Device keys: Ed25519 and P-256, verifying and signing (PROTOCOL section 2).

A signature that `DeviceKey.verify` accepts is one that the chain accepts too. That takes more than a library call:
the chain refuses small-order Ed25519 points and high-S P-256 signatures, which common libraries let pass. A consumer
could otherwise hand out vouchers that look good off chain and can never be settled.

`cryptography` is imported at first use, so that importing this module stays cheap.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final, Protocol

from worktab.core._checks import Bytes32, sized
from worktab.core._signatures import P256_ORDER, verify_ed25519, verify_p256
from worktab.core.errors import KeyFormatError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SIGNATURE_SIZE: Final = 64
"""Size of a signature of either kind in bytes: R and S for Ed25519, r and s (big-endian) for P-256."""


class KeyKind(IntEnum):
    """The kind of a device's key (PROTOCOL section 2). Consumers and delegates always use Ed25519."""

    ED25519 = 1
    P256 = 2


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """A public key in the form the program stores (PROTOCOL section 2).

    Attributes:
        kind: the kind of key.
        raw33: 33 bytes. Ed25519: the 32-byte key and a zero. P-256: the compressed point.

    Raises:
        KeyFormatError: the kind is not known, or the bytes do not have that form. Whether a point lies on its curve
            is not looked at here: `verify` is false for every signature by a key that does not.
    """

    kind: KeyKind
    raw33: bytes

    def __post_init__(self) -> None:
        if self.kind not in (KeyKind.ED25519, KeyKind.P256):
            raise KeyFormatError("key kind is not known", expected="1 (Ed25519) or 2 (P-256)", got=repr(self.kind))
        object.__setattr__(self, "kind", KeyKind(self.kind))
        if not isinstance(self.raw33, bytes) or len(self.raw33) != 33:
            raise KeyFormatError("key has the wrong form", expected="33 bytes", got=_shape(self.raw33))
        if self.kind is KeyKind.ED25519 and self.raw33[32] != 0:
            raise KeyFormatError("an Ed25519 key ends in a zero byte", expected="00", got=f"{self.raw33[32]:02x}")
        if self.kind is KeyKind.P256 and self.raw33[0] not in (2, 3):
            raise KeyFormatError("a compressed P-256 key starts with 02 or 03", got=f"{self.raw33[0]:02x}")

    @classmethod
    def ed25519(cls, public: Bytes32) -> DeviceKey:
        """The Ed25519 key whose 32 bytes are `public` (bytes, or an object with `__bytes__` such as a `Pubkey`).

        Raises:
            InputError: not 32 bytes.
        """
        return cls(KeyKind.ED25519, sized(public, 32, "Ed25519 public key") + b"\0")

    @classmethod
    def p256(cls, compressed: bytes) -> DeviceKey:
        """The P-256 key whose 33-byte compressed point is `compressed`.

        Raises:
            KeyFormatError: not the form of a compressed point.
        """
        return cls(KeyKind.P256, compressed)

    @property
    def public_bytes(self) -> bytes:
        """The key as its native program takes it: 32 bytes for Ed25519, 33 for P-256."""
        return self.raw33[:32] if self.kind is KeyKind.ED25519 else self.raw33

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether `signature` (64 bytes) is this key's signature over `message`, by the chain's rules.

        Never raises on what a stranger sent: a wrong length, a point off the curve, a small-order Ed25519 point and
        a high-S P-256 signature are all false.
        """
        if len(signature) != SIGNATURE_SIZE:
            return False
        if self.kind is KeyKind.ED25519:
            return verify_ed25519(self.public_bytes, message, signature)
        return verify_p256(self.raw33, message, signature)


class Signer(Protocol):
    """Something that holds a key and signs with it: in memory, in a secure element, in a TPM."""

    @property
    def public(self) -> DeviceKey:
        """The public half."""

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature over `message`; P-256 signatures are r and s with the low S."""


class Ed25519Signer:
    """An Ed25519 key in memory. Its secret shows neither in `repr` nor in errors."""

    __slots__ = ("_key", "public")

    public: DeviceKey

    def __init__(self, seed: bytes) -> None:
        """The key made from a 32-byte secret seed.

        Raises:
            InputError: not 32 bytes.
        """
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._key: Ed25519PrivateKey = Ed25519PrivateKey.from_private_bytes(sized(seed, 32, "Ed25519 seed"))
        self.public = DeviceKey.ed25519(self._key.public_key().public_bytes_raw())

    @classmethod
    def generate(cls) -> Ed25519Signer:
        """A new key from the system's random source."""
        import secrets

        return cls(secrets.token_bytes(32))

    @classmethod
    def from_json_bytes(cls, data: bytes) -> Ed25519Signer:
        """The key in a Solana keypair file: a JSON list of 64 integers, the seed and the public key.

        Raises:
            KeyFormatError: not such a list, or its public half does not belong to its seed.
        """
        try:
            numbers = json.loads(data)
            keypair = bytes(numbers) if isinstance(numbers, list) else b""
        except (ValueError, TypeError, RecursionError):
            keypair = b""
        if len(keypair) != 64:
            raise KeyFormatError(
                "not a Solana keypair file",
                expected="a JSON list of 64 integers from 0 to 255",
                next_step="Make one with `worktab` or with `solana-keygen new`",
            ) from None
        signer = cls(keypair[:32])
        if signer.public.public_bytes != keypair[32:]:
            raise KeyFormatError(
                "the two halves of the keypair do not belong together",
                next_step="The file is damaged or was edited: restore it from a backup",
            )
        return signer

    def to_json_bytes(self) -> bytes:
        """The secret key as the contents of a Solana keypair file. Store it where only its owner can read it."""
        return json.dumps(list(self._key.private_bytes_raw() + self.public.public_bytes)).encode()

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature over `message`."""
        return self._key.sign(message)

    def __repr__(self) -> str:
        return f"Ed25519Signer(public={self.public.public_bytes.hex()})"


class P256Signer:
    """A P-256 key in memory. Its secret shows neither in `repr` nor in errors."""

    __slots__ = ("_key", "public")

    public: DeviceKey

    def __init__(self, key: EllipticCurvePrivateKey) -> None:
        """Wraps a private key of `cryptography`.

        Raises:
            KeyFormatError: the key is on another curve.
        """
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        if key.curve.name != "secp256r1":
            raise KeyFormatError("the key is on another curve", expected="secp256r1 (P-256)", got=key.curve.name)
        self._key = key
        point = key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        self.public = DeviceKey.p256(point)

    @classmethod
    def generate(cls) -> P256Signer:
        """A new key from the system's random source."""
        from cryptography.hazmat.primitives.asymmetric import ec

        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def from_pem(cls, data: bytes) -> P256Signer:
        """The key in an unencrypted PKCS #8 PEM file.

        Raises:
            KeyFormatError: not such a file, encrypted, or not a P-256 key.
        """
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            key = load_pem_private_key(data, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            # The library's own message is dropped: it may quote parts of the file.
            key = None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise KeyFormatError(
                "not a P-256 private key",
                expected="an unencrypted PKCS #8 PEM file",
                next_step="Make one with `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`",
            ) from None
        return cls(key)

    def to_pem(self) -> bytes:
        """The secret key as an unencrypted PKCS #8 PEM file. Store it where only its owner can read it."""
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature over the SHA-256 of `message`: r and s, big-endian, with the low S."""
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.hashes import SHA256

        return low_s(self._key.sign(message, ec.ECDSA(SHA256())))

    def __repr__(self) -> str:
        return f"P256Signer(public={self.public.raw33.hex()})"


def low_s(der: bytes) -> bytes:
    """A DER-encoded P-256 signature as 64 bytes, r and s, with the low S that the chain asks for.

    For signers outside this module: secure elements and TPMs hand out DER and either S.

    Raises:
        KeyFormatError: not DER, or r or s is out of range.
    """
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    try:
        r, s = decode_dss_signature(der)
    except ValueError:
        r = s = 0
    if not (0 < r < P256_ORDER and 0 < s < P256_ORDER):
        raise KeyFormatError("not a P-256 signature", expected="DER with r and s in range", got=_shape(der)) from None
    return r.to_bytes(32, "big") + min(s, P256_ORDER - s).to_bytes(32, "big")


def _shape(value: object) -> str:
    """What a malformed value is, without showing it: it may be a secret."""
    return f"{len(value)} bytes" if isinstance(value, bytes) else type(value).__name__
