"""Opening SLAs: with both parties' keys at hand, or with one on each of two machines (PROTOCOL section 5)."""

from __future__ import annotations

from dataclasses import dataclass

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.chain.countersigning import draft, send_countersigned
from worktab.chain.sending import Confirmed, Sender
from worktab.core.errors import InputError
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated.types import SlaTerms
from worktab.roles.base import Role
from worktab.roles.errors import SlaExists
from worktab.roles.sla_offers import SlaAcceptance, SlaOffer


@dataclass(frozen=True, slots=True)
class OpenedSla:
    """An SLA that is open; `confirmed` is None where it was before."""

    address: Pubkey
    confirmed: Confirmed | None


class SlaParty(Role):
    """A party to SLAs: a consumer, or an owner of devices; `key` signs. The sender's fee payer pays fees and rent.

    Every call that sends raises what `Sender.send` raises; a refusal is the program's own error.
    """

    def __init__(self, sender: Sender, network: Pubkey, key: Keypair, *, program_id: Pubkey = PROGRAM_ID) -> None:
        super().__init__(sender, network, program_id=program_id)
        self.key = key

    async def offer(
        self, device: Pubkey, *, consumer: Pubkey, nonce: int, due: int, bps: int, deadline: int
    ) -> SlaOffer:
        """Write down terms; nothing is signed or sent, and nobody is bound.

        consumer  whose tab has the lane
        nonce     of the lane, which must be the device's
        due       base units that vouchers must move on the lane between opening and deadline
        bps       penalty for what is not delivered, basis points; 0 where the network has no attestors or no
                  challenge delay
        deadline  Unix seconds, at most a year ahead

        Whether chain and program take them is seen when they are accepted. Raises `DeviceNotFound`, `WrongCluster`,
        and `InputError` for terms out of range or where this key is neither party's.
        """
        await self.reader.network()
        held = await self.reader.device(device)
        made = SlaOffer(
            self.address,
            consumer,
            device,
            held.owner,
            self.sender.fee_payer.pubkey(),
            SlaTerms(nonce, due, bps, deadline),
        )
        made.other(self.key.pubkey())
        return made

    async def open(self, offer: SlaOffer, other: Keypair) -> OpenedSla:
        """Open an SLA with both keys at hand. One that is open on these terms already is a success.

        Raises `SlaExists` where another is open on the lane, and `InputError` for keys that are not the parties'.
        """
        self._require_ours(offer)
        if offer.other(self.key.pubkey()) != other.pubkey():
            raise InputError(
                "The other key is not the other party's",
                expected=str(offer.other(self.key.pubkey())),
                got=str(other.pubkey()),
            )
        if offer.payer != self.sender.fee_payer.pubkey():
            raise InputError(
                "The fee payer is another", expected=str(offer.payer), got=str(self.sender.fee_payer.pubkey())
            )
        address = offer.address(self.program_id)
        if await self._is_open(offer):
            return OpenedSla(address, None)
        instruction = offer.instruction(self.program_id)
        confirmed = await self.sender.send([instruction], [self.key, other], label="open SLA")
        return OpenedSla(address, confirmed)

    async def accept(self, offer: SlaOffer) -> SlaAcceptance:
        """Sign the transaction that opens what the other party offered; nothing is sent.

        It is good for about a minute. Until then, or until it is sent, the other party may open the SLA on these terms
        and on no others. Raises what opening would raise, `SlaExists`, and `InputError` for an offer that this key is
        no party to, or that would have it pay.
        """
        await self.reader.network()
        self._require_ours(offer)
        offer.other(self.key.pubkey())
        if offer.payer == self.key.pubkey():
            raise InputError("The offer would have this wallet pay", expected="a payer of the other party's")
        if await self._is_open(offer):
            raise SlaExists("The SLA is open already", got=str(offer.address(self.program_id)))
        instruction = offer.instruction(self.program_id)
        made = await draft(self.sender, [instruction], offer.payer)
        signature = made.sign([instruction], self.key)
        return SlaAcceptance(offer.address(self.program_id), self.key.pubkey(), made, signature)

    async def complete(self, offer: SlaOffer, acceptance: SlaAcceptance) -> OpenedSla:
        """Sign and send what the other party accepted of this party's own offer.

        A repeat is a success. Raises `DraftExpired` where more than a minute went by: have it accepted again; and
        `VerificationError` for an acceptance of other terms.
        """
        self._require_ours(offer)
        other = offer.other(self.key.pubkey())
        address = offer.address(self.program_id)
        if await self._is_open(offer):
            return OpenedSla(address, None)
        instruction = offer.instruction(self.program_id)
        confirmed = await send_countersigned(
            self.sender, acceptance.draft, [instruction], [self.key], other, acceptance.signature, label="open SLA"
        )
        return OpenedSla(address, confirmed)

    def _require_ours(self, offer: SlaOffer) -> None:
        if offer.network != self.address:
            raise InputError("The offer is for another network", expected=str(self.address), got=str(offer.network))

    async def _is_open(self, offer: SlaOffer) -> bool:
        """Whether the SLA is open on these terms. Raises `SlaExists` where one is open on others."""
        view = await self.reader.sla(offer.address(self.program_id))
        if view is None:
            return False
        held, terms = view.account, offer.terms
        if (held.device, held.due, held.bps, held.deadline) != (offer.device, terms.due, terms.bps, terms.deadline):
            raise SlaExists("Another SLA is open on the lane", got=str(view.address))
        return True
