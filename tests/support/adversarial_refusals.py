"""The errors that attacks are refused with, by what is done. Any other, and any abort of the program, is a defect."""

from __future__ import annotations

from typing import Final

from support.adversarial_cases import Mutation

_WRONG_ACCOUNT: Final = frozenset({"AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "UninitializedAccount"})
"""What the framework says of an account of another kind, owner or size; the token program uses the same names."""
_NOT_RECORDED: Final = frozenset({"AddressMismatch", "WrongPayoutAccount", "WrongParty", "InvalidSeeds"})
_NOT_THEIRS: Final = frozenset({"Unauthorized", "NotAttestor", "AdmissionRequired", "RewardLimited"})
_NOT_SIGNED: Final = frozenset({"InvalidProof", "InvalidPossession", "WrongContext"})
_TOKEN_MINT_MISMATCH, _TOKEN_OWNER_MISMATCH = "Custom(3)", "Custom(4)"
_SYSTEM_IN_USE, _SYSTEM_TOO_POOR = "Custom(0)", "Custom(1)"

REFUSALS: Final[dict[Mutation, frozenset[str]]] = {
    Mutation.UNSIGNED: frozenset({"MissingRequiredSignature", "InvalidProof", "RewardLimited"}),
    Mutation.READ_ONLY: frozenset(
        {
            "ConstraintMut",
            "MissingRequiredSignature",  # the framework's word for a payer that can't be written
            "PrivilegeEscalation",
            "ReadonlyDataModified",
            "ReadonlyLamportChange",
        }
    ),
    Mutation.OWNER: _WRONG_ACCOUNT
    | _NOT_RECORDED
    | {"ExternalAccountDataModified", "ExternalAccountLamportSpend", "UnsafeMint", "WrongContext"},
    Mutation.ANOTHER: _NOT_RECORDED
    | _NOT_THEIRS
    | _NOT_SIGNED
    | {"ForeignLane", "InvalidBatch", "WrongPage", _TOKEN_MINT_MISMATCH, _TOKEN_OWNER_MISMATCH},
    Mutation.NETWORK: _NOT_RECORDED | {"WrongNetwork", "WrongPage", "WrongContext"},
    Mutation.PAIR: _NOT_RECORDED
    | _NOT_THEIRS
    | _NOT_SIGNED
    | {"ForeignLane", "InvalidBatch", "NotInRoot", "TermsChanged", "WrongNetwork", _TOKEN_OWNER_MISMATCH},
    Mutation.ALL_BUT: _NOT_RECORDED
    | _NOT_THEIRS
    | _NOT_SIGNED
    | {"ForeignLane", "InvalidBatch", "WrongPage", "WrongNetwork", _TOKEN_OWNER_MISMATCH},
    Mutation.KIND: _WRONG_ACCOUNT | _NOT_RECORDED | {"UnsafeMint", "InvalidProof", "MissingRequiredSignature"},
    Mutation.DISCRIMINATOR: frozenset({"InvalidAccountData"}),
    Mutation.TWICE: _WRONG_ACCOUNT
    | _NOT_RECORDED
    | _NOT_THEIRS
    | _NOT_SIGNED
    | {
        "ConstraintDuplicateMutableAccount",
        "InvalidArgument",  # the system program's, of a payer that is a mint
        "InvalidBatch",
        "MissingRequiredSignature",
        "UnsafeMint",
        _SYSTEM_TOO_POOR,
    },
    Mutation.CLOSED: _WRONG_ACCOUNT | {"VaultMismatch", "UnsafeMint", _SYSTEM_TOO_POOR},
    Mutation.REVIVED: _WRONG_ACCOUNT | {"VaultMismatch", "UnsafeMint"},
    Mutation.TAKEN: frozenset({_SYSTEM_IN_USE, "IllegalOwner"}),
    Mutation.PROGRAM: frozenset({"IncorrectProgramId", "MissingAccount", "UnsafeMint"}),
    Mutation.PROOF: frozenset({"InvalidProof"}),
    Mutation.MISSING: _NOT_THEIRS
    | {
        "NotEnoughAccountKeys",
        "AccountDataTooSmall",
        "ConstraintMut",
        "InvalidProof",
        "MissingAccount",
        "StaleVoucher",
    },
    Mutation.EXTRA: frozenset({"ConstraintDuplicateMutableAccount", "InvalidAccountData", "InvalidBatch"}),
    Mutation.DATA: frozenset({"InvalidInstructionData"}),
    Mutation.AGAIN: frozenset(
        {
            "AccountDataTooSmall",
            "ContestOver",
            "DisputeOver",
            "InvoiceOverpaid",
            "LaneNotDue",
            "LaneNotFound",
            "NothingOwed",
            "NothingPending",
            "RefundTooLarge",
            "StaleSequence",
            "StaleVoucher",
            "Unauthorized",
            _SYSTEM_IN_USE,
        }
    ),
}
