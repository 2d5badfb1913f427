"""Errors of attesting; their codes are stable."""

from __future__ import annotations

from worktab.core.errors import ChainError, StateError, VerificationError


class SlotNotThere(ChainError):
    """The chain shows no slot hash after the one asked for."""

    code = "slot_not_there"
    default_next_step = "Try again in a second"


class DataUnavailable(StateError):
    """An epoch's published data could not be had, or is not what was committed to."""

    code = "data_unavailable"
    default_next_step = "Ask the attestor that committed where its data is published, and pass it as --data"


class EvidenceWithheld(StateError):
    """A device's records could not be had."""

    code = "evidence_withheld"
    default_next_step = "Pass where the device is reached, or a folder with its bundles, as --evidence"


class DeviceNotListed(EvidenceWithheld):
    """Nobody says where a device is reached, so that it was not asked: no fault of the device."""

    code = "device_not_listed"
    default_next_step = "Add a line DEVICE URL to the file passed as --evidence"


class EvidenceRefused(EvidenceWithheld):
    """A device does not take whoever asked for an attestor, and shows nothing; or the clock here is wrong."""

    code = "evidence_refused"
    default_next_step = "Look at the clock of this machine, and whether the key is an attestor's"


class KeyAttestsNothing(StateError):
    """Only attestors commit to epochs, and the key is none's."""

    code = "key_attests_nothing"
    default_next_step = (
        "Pass an attestor's key as --keypair: `worktab attest status` lists them; the network's authority adds one by"
        " `worktab network update propose --add-attestor`"
    )


class NotAnAttestor(VerificationError):
    """Records are shown to attestors of the network alone."""

    code = "not_an_attestor"
    default_next_step = "Sign the request with the key of an attestor, with a clock that is right"
