"""An enrolment on its way: in a file that goes from the device to its owner and to who admits it, until all signed.

The file is what `SignedEnrolment.to_json` gives, the network and its domain; a signature that is missing is zeros.
It holds no secret. With it a device needs no chain to submit its receipts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.core._json import json_address, json_hex
from worktab.core.addresses import find_device
from worktab.core.enrolments import Enrolment, SignedEnrolment
from worktab.core.errors import EncodingError, InputError, StateError, StorageError, VerificationError
from worktab.core.keys import DeviceKey, Signer
from worktab.program.generated.accounts import Network
from worktab.roles.decoding import known
from worktab.roles.reading import NetworkReader
from worktab.roles.terms import DeviceStatus, RewardPath

_MISSING: Final = bytes(64)


class CannotEnrol(StateError):
    """The network does not pay for the work of such a device unless it registers."""

    code = "cannot_enrol"
    default_next_step = "Register the device on chain instead (worktab device register)"


class NotAdmitted(StateError):
    """The network asks for admission, and nobody who may admit a device has signed."""

    code = "not_admitted"
    default_next_step = "Let the network's authority or an attestor sign it, too: worktab device enrolment sign FILE"


class Unsigned(StateError):
    """Owner or device key have not signed the enrolment yet."""

    code = "unsigned"
    default_next_step = "Sign it where the owner's wallet is: worktab device enrolment sign FILE"


@dataclass(frozen=True, slots=True)
class EnrolmentFile:
    """An enrolment in a network of this 32-byte domain, with the signatures that there are so far."""

    network: Pubkey
    domain: bytes
    signed: SignedEnrolment

    @property
    def signed_by_owner(self) -> bool:
        """Whether the owner has signed."""
        return self.signed.owner_signature != _MISSING

    @property
    def signed_by_key(self) -> bool:
        """Whether the device's key has signed."""
        return self.signed.key_signature != _MISSING

    @property
    def complete(self) -> bool:
        """Whether owner and key have signed."""
        return self.signed_by_owner and self.signed_by_key

    @property
    def receipt_context(self) -> bytes:
        """The 32-byte context of the device's receipts."""
        return self.signed.enrolment.receipt_context(self.domain, bytes(self.signed.device))

    @classmethod
    def start(cls, enrolment: Enrolment, *, program_id: Pubkey, network: Pubkey, domain: bytes) -> Self:
        """An enrolment that nobody has signed."""
        device = find_device(program_id, network, enrolment.key)[0]
        return cls(network, domain, SignedEnrolment(enrolment, device, _MISSING, _MISSING))

    def by_key(self, key: Signer) -> Self:
        """With the signature of the device's key. Raises `InputError` if it is another key."""
        self.require_key(key.public)
        return replace(self, signed=replace(self.signed, key_signature=key.sign(self._message())))

    def by_wallet(self, wallet: Keypair, network: Network) -> Self:
        """With the signature of a wallet: the owner's, or the admission of who may admit devices.

        An owner that may admit, too, does both where the network asks for it. Raises `InputError` for any other.
        """
        message, key, signed = self._message(), wallet.pubkey(), self.signed
        signature = bytes(wallet.sign_message(message))
        admits = key in admitting(network)
        if key != signed.enrolment.owner and not admits:
            raise InputError(
                "The wallet is neither the device's owner nor one that admits devices",
                expected=f"the owner {signed.enrolment.owner}, the network's authority or an attestor",
                got=str(key),
            )
        if key == signed.enrolment.owner:
            signed = replace(signed, owner_signature=signature)
        if admits and (network.admission or key != signed.enrolment.owner):
            signed = replace(signed, admission=key, admission_signature=signature)
        return replace(self, signed=signed)

    def require_key(self, key: DeviceKey) -> None:
        """See that this is the device's key. Raises `InputError`."""
        if key != self.signed.enrolment.key:
            raise InputError(
                "The key is not the one that is enrolled",
                expected=self.signed.enrolment.key.public_bytes.hex(),
                got=key.public_bytes.hex(),
            )

    def require_of(self, network: Network) -> None:
        """See that the enrolment is for this network, program and cluster. Raises `VerificationError`."""
        if network.domain != self.domain:
            raise VerificationError(
                "The enrolment is for another network, program or cluster",
                expected=f"domain {network.domain.hex()}",
                got=self.domain.hex(),
            )

    async def check(self, reader: NetworkReader) -> None:
        """See that an ingest of this network would take it.

        Raises `Unsigned`, `NotAdmitted`, `CannotEnrol`, `VerificationError`, and what reading the network raises.
        """
        network = await reader.network()
        self.require_of(network)
        await require_enrollable(reader, network, self.signed.device, self.signed.enrolment.class_)
        if not self.complete:
            who = "owner" if self.signed_by_key else "device's key"
            raise Unsigned(f"The enrolment is not signed by the {who} yet")
        self.signed.verify(domain=network.domain, program_id=bytes(reader.program_id), network=bytes(reader.address))
        if network.admission and self.signed.admission not in admitting(network):
            raise NotAdmitted(
                f"Network {self.network} asks for admission",
                expected="a signature of its authority or an attestor",
                got=str(self.signed.admission or "none"),
            )

    def to_text(self) -> str:
        """The file's text."""
        return (
            json.dumps({"network": str(self.network), "domain": self.domain.hex(), **self.signed.to_json()}, indent=2)
            + "\n"
        )

    @classmethod
    def from_text(cls, text: str | bytes) -> Self:
        """What a file says. Raises `EncodingError` if it holds no enrolment."""
        try:
            fields = json.loads(text)
            network, domain = (
                json_address(fields.pop("network"), "network"),
                json_hex(fields.pop("domain"), 32, "domain"),
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise EncodingError("The file holds no enrolment", expected="what `worktab device enrol` writes") from None
        return cls(network, domain, SignedEnrolment.from_json(fields))

    @classmethod
    def read(cls, path: Path) -> Self:
        """The enrolment in a file. Raises `StorageError`, `EncodingError`."""
        try:
            return cls.from_text(path.expanduser().read_bytes())
        except OSError as error:
            raise StorageError(f"The enrolment {path} cannot be read", got=str(error.strerror)) from error

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all, over one that is there. Raises `StorageError`."""
        file = path.expanduser()
        beside = file.with_name(file.name + ".new")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(self.to_text(), encoding="utf-8")
            beside.replace(file)
        except OSError as error:
            raise StorageError(f"The enrolment {path} cannot be written", got=str(error.strerror)) from error

    def _message(self) -> bytes:
        return self.signed.enrolment.message(self.domain, bytes(self.signed.device)).encode()


def admitting(network: Network) -> tuple[Pubkey, ...]:
    """The keys that may admit devices: the authority's and the attestors'."""
    return (network.authority, *network.attestors[: network.attestor_count])


async def require_enrollable(reader: NetworkReader, network: Network, device: Pubkey, class_: int) -> None:
    """See that a device of a class can be paid without an account on chain. Raises `CannotEnrol`."""
    if known(RewardPath, network.reward_path, "reward path") is not RewardPath.ROOTS:
        raise CannotEnrol("The network pays by receipts on chain", expected="one that pays by roots")
    terms = network.classes[class_] if class_ < len(network.classes) else None
    if terms is None or not terms.meter:
        raise CannotEnrol(f"The network has no class {class_}", next_step="Choose one that `worktab stats` lists")
    if terms.least_bond:
        raise CannotEnrol(
            f"Devices of class {class_} need a bond", expected="a bond of 0", got=f"{terms.least_bond} base units"
        )
    [held] = await reader.find_devices([device])
    if held is not None and held.status != DeviceStatus.RETIRED:
        raise CannotEnrol(
            f"Device {device} is registered on chain, and paid by its registration",
            next_step="Change its payout there, or retire it first",
        )
