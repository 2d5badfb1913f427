"""What to do about each error of the program, by its name in the IDL."""

from __future__ import annotations

from typing import Final

NEXT_STEPS: Final[dict[str, str]] = {
    "Overflow": "Check the amounts: one is far larger than the network can hold",
    "Unauthorized": "Sign with the key that holds this power: the authority, the guardian or the device's owner",
    "Paused": "Wait until the authority resumes it; claims and withdrawals work all the while",
    "WrongNetwork": "Pass the device together with the network it is registered in",
    "InvalidParameter": "Compare the values with the ranges in the documentation of this instruction",
    "AddressMismatch": "Read the account again and pass the address that it records",
    "VaultMismatch": "Pass the network's own vault and a source that holds the whole amount",
    "UnsafeMint": "Use a mint without transfer fee, hook, permanent delegate or other extensions that move tokens",
    "NothingPending": "Propose a change first",
    "NotDue": "Wait until the date at which the pending change may be applied",
    "MeterFixed": "Set up another class for another meter",
    "UnknownClass": "Choose a class that the network has set up",
    "InvalidKey": "Pass an Ed25519 key as 32 bytes and a zero, a P-256 key as 33 compressed bytes",
    "InvalidPossession": "Let the device's key sign the possession message for this very device and owner",
    "AdmissionRequired": "Ask the network's authority or an attestor to sign, too",
    "CapacityTooLarge": "Ask for no more capacity than the class allows one device",
    "DeviceInactive": "Look at the device's status: a suspended or retired device submits nothing",
    "BondTooSmall": "Deposit the missing bond first",
    "InvalidProof": "Put the native signature instruction directly before this one, with nothing but header, key, "
    "signature and message in it",
    "WrongMessage": "Pass the message that this instruction is for",
    "WrongContext": "Sign again for this network, device and index; a message is never good for another",
    "StaleSequence": "Nothing is lost: the receipt on chain stands for all before it. Read the device's sequence",
    "UnitsNotRising": "Sign a receipt over the device's lifetime units, which only grow",
    "JumpTooLarge": "Check the device's totals; one receipt spans at most 2^32 jobs and 2^48 units",
    "TimeBackwards": "Set the device's clock, then sign a newer receipt",
    "TimeAhead": "Set the device's clock: a receipt may be at most 300 seconds ahead of the chain",
    "RewardLimited": "Submit it in the next epoch, or let the device or its owner sign and give up what is cut",
    "WrongPayoutAccount": "Pass the associated token account of the payout wallet for the network's mint",
}
