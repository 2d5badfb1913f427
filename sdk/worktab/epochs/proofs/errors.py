"""Errors of publishing, serving and finding proofs; their codes are stable."""

from __future__ import annotations

from worktab.core.errors import ConnectionFailed, StateError, VerificationError


class NoFinalRoot(StateError):
    """The network has no final root yet, so nothing can be claimed from one."""

    code = "no_final_root"
    default_next_step = "Wait for the first epoch whose root becomes final"


class EpochNotPublished(StateError):
    """The source has not got the data of the network's newest final root."""

    code = "epoch_not_published"
    default_next_step = "Ask another source, or ask this one again later"


class PayeeUnknown(StateError):
    """The source names no position for the wallet: no device of it was ever paid by a root."""

    code = "payee_unknown"
    default_next_step = "Check the wallet; a new payee is in the root of the epoch after its first work"


class DeviceUnknown(StateError):
    """No payee of the epoch has a row of the device."""

    code = "device_unknown"
    default_next_step = "Check the address; a new device is in the root of the epoch of its first work"


class SourceUnknown(StateError):
    """What was named as a source of proofs is none."""

    code = "source_unknown"
    default_next_step = "Name a proof server, an export or its URL, or a folder of published epochs on this machine"


class SourceForeign(StateError):
    """What was named as a source of proofs is one, of another network or another cluster's."""

    code = "source_foreign"
    default_next_step = "Name a source of this network with --proofs, or the source's own cluster and network"


class ProofRefused(VerificationError):
    """What a source says is not in the network's final root; nothing of it was used."""

    code = "proof_refused"
    default_next_step = "The source is damaged or lies: use another one"


class SourceUnreachable(ConnectionFailed):
    """The source of proofs gave no usable answer within the tries allowed."""

    code = "source_unreachable"
    default_next_step = "Check its address and try again, or use another source"
