"""A program as a chain holds it: its bytes, and who may replace them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from solders.pubkey import Pubkey

from worktab.chain.protocol import AccountData, Chain
from worktab.core.errors import StateError

LOADER: Final = Pubkey.from_string("BPFLoaderUpgradeab1e11111111111111111111111")
"""The loader of programs that can be replaced."""
DATA_HEADER: Final = 45
"""Bytes of a program's data account before the ELF file's: u32 kind, u64 slot, and the upgrade authority."""
_LOADERS: Final = (
    Pubkey.from_string("BPFLoader2111111111111111111111111111111111"),
    Pubkey.from_string("BPFLoader1111111111111111111111111111111111"),
)
_AUTHORITY_AT: Final = 12
_PROGRAM: Final = (2).to_bytes(4, "little")
_PROGRAM_DATA: Final = (3).to_bytes(4, "little")


class ProgramNotFound(StateError):
    """There is no program at the address."""

    code = "program_not_found"
    default_next_step = "Check the address and the cluster it is deployed on"


@dataclass(frozen=True, slots=True)
class DeployedProgram:
    """A program on a chain.

    Attributes:
        address: the program's id.
        binary: the ELF file's bytes, without the zeros that fill up the account behind it.
        upgrade_authority: who may put other bytes in their place at any time; None when nobody can.
        slot: of the last deployment; None where the loader does not keep it.
    """

    address: Pubkey
    binary: bytes
    upgrade_authority: Pubkey | None
    slot: int | None

    @property
    def sha256(self) -> str:
        """Of `binary`, in hexadecimal."""
        return hashlib.sha256(self.binary).hexdigest()

    def is_same(self, binary: bytes) -> bool:
        """Whether these are the bytes of a file, but for zeros at its end."""
        return self.binary == trimmed(binary)


def trimmed(binary: bytes) -> bytes:
    """A binary without zeros at its end: accounts are filled up with them, so they say nothing."""
    return binary.rstrip(b"\0")


def program_data_address(program_id: Pubkey) -> Pubkey:
    """The account that holds a replaceable program's bytes."""
    return Pubkey.find_program_address([bytes(program_id)], LOADER)[0]


async def deployed_program(chain: Chain, program_id: Pubkey) -> DeployedProgram:
    """Read a program from a chain.

    Raises:
        ProgramNotFound: nothing is deployed at the address.
        ChainError: the chain could not be read.
    """
    account = await chain.account(program_id)
    # Bytes in an account that a loader owns are no program before the loader made them one.
    if account is not None and account.executable and account.owner in _LOADERS:
        return DeployedProgram(program_id, trimmed(account.data), None, None)
    where = program_data_address(program_id)
    data = await chain.account(where)
    if account is None or data is None or not _is_program(account, where) or not _is_program_data(data):
        raise ProgramNotFound(
            f"There is no program at {program_id}",
            expected=f"a program of {LOADER}, or of an older loader",
            got="no account" if account is None else f"an account of {account.owner}",
        )
    return DeployedProgram(program_id, trimmed(data.data[DATA_HEADER:]), _authority(data), _slot(data))


def _is_program(account: AccountData, data: Pubkey) -> bool:
    return account.executable and account.owner == LOADER and account.data.startswith(_PROGRAM + bytes(data))


def _is_program_data(data: AccountData) -> bool:
    return data.owner == LOADER and len(data.data) >= DATA_HEADER and data.data[:4] == _PROGRAM_DATA


def _slot(data: AccountData) -> int:
    return int.from_bytes(data.data[4:_AUTHORITY_AT], "little")


def _authority(data: AccountData) -> Pubkey | None:
    given = data.data[_AUTHORITY_AT] == 1
    return Pubkey(data.data[_AUTHORITY_AT + 1 : DATA_HEADER]) if given else None
