"""What the roles that send transactions share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.chain.building import PriorityFee
from worktab.chain.failures import ErrorTable
from worktab.chain.journal import Journal
from worktab.chain.protocol import Chain
from worktab.chain.sending import Confirmed, Sender
from worktab.core.errors import ChainError, EncodingError
from worktab.program.errors import error_from_number
from worktab.program.generated import PROGRAM_ID
from worktab.program.logs import events_from_logs
from worktab.program.structs import Event
from worktab.roles.reading import NetworkReader

E = TypeVar("E", bound=Event)


def error_table(program_id: Pubkey = PROGRAM_ID) -> ErrorTable:
    """What a `Sender` needs to raise the program's own errors (`worktab.program.generated.errors`)."""

    def look_up(program: Pubkey, number: int) -> ChainError | None:
        return error_from_number(number) if program == program_id else None

    return look_up


def program_sender(
    chain: Chain,
    *,
    fee_payer: Keypair,
    journal: Journal | None = None,
    priority_fee: PriorityFee | None = None,
    lookup_tables: Sequence[AddressLookupTableAccount] = (),
    program_id: Pubkey = PROGRAM_ID,
    **timing: Any,
) -> Sender:
    """A sender whose failures are the program's own errors; the roles are made with it.

    Any key may pay: `fee_payer` need not be the owner, the authority or the device that a role acts for. Roles that
    share a fee payer should share its sender. `timing` is passed on to `Sender`.
    """
    return Sender(
        chain,
        fee_payer=fee_payer,
        journal=journal,
        priority_fee=priority_fee,
        error_table=error_table(program_id),
        lookup_tables=lookup_tables,
        **timing,
    )


class Role:
    """A party to one network that sends transactions.

    sender   made by `program_sender`; its fee payer pays fees and rent
    network  address of the network
    reader   reads the network and its devices
    """

    def __init__(self, sender: Sender, network: Pubkey, *, program_id: Pubkey = PROGRAM_ID) -> None:
        self.sender = sender
        self.reader = NetworkReader(sender.chain, network, program_id=program_id)

    @property
    def address(self) -> Pubkey:
        """The network's address."""
        return self.reader.address

    @property
    def program_id(self) -> Pubkey:
        """The program's address."""
        return self.reader.program_id

    def event(self, confirmed: Confirmed, kind: type[E]) -> E | None:
        """The one event of a kind that a transaction logged; None where the node shows no readable logs of it."""
        try:
            found = [event for event in events_from_logs(confirmed.logs, self.program_id) if isinstance(event, kind)]
        except EncodingError:  # the transaction has landed all the same
            return None
        return found[0] if found else None
