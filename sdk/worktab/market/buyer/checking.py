"""A device's terms and answers, believed only as far as the chain and signatures bear them out."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from solders.pubkey import Pubkey

from worktab.core.contexts import receipt_context
from worktab.core.errors import InputError
from worktab.core.messages import MessageKind
from worktab.core.records import next_head, record_hash
from worktab.market.buyer.errors import AnswerRefused, LaneDisputed, TermsRefused
from worktab.market.buyer.lane_state import Place, PurseLane
from worktab.market.terms import Requirement, Terms, chain_name
from worktab.market.wire import WorkReceipt
from worktab.program.generated.accounts import Device
from worktab.roles.consumer import Consumer
from worktab.roles.decoding import key_of
from worktab.roles.errors import DeviceNotFound


class Market:
    """What a consumer knows from the chain of its network and the devices there; read once, and kept."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._reader = consumer.reader
        self._facts: tuple[str, Pubkey] | None = None
        self._devices: dict[Pubkey, Device] = {}
        self._places: dict[Pubkey, Place] = {}

    async def place(self, device: Pubkey) -> Place:
        """Where this consumer's vouchers for a device are good."""
        if device not in self._places:
            consumer, domain = self._consumer, await self._reader.domain()
            self._places[device] = Place(domain, consumer.tab_address, device, consumer.key.pubkey())
        return self._places[device]

    async def offered(self, terms: Terms) -> Requirement | None:
        """The offer that this consumer can take up: for its cluster, program and network; None where there is none."""
        chain, _ = await self._known()
        for each in terms.accepts:
            if (each.chain, each.program, each.network) == (chain, self._reader.program_id, self._reader.address):
                return each
        return None

    async def check(self, offer: Requirement) -> None:
        """Check that an offer names the network's token and one of its devices, and asks no more than it says.

        Raises `TermsRefused`, and what reading the chain raises.
        """
        _, mint = await self._known()
        if offer.asset != mint:
            raise _refused(offer, "The terms name another token than the network's", str(mint), str(offer.asset))
        try:
            device = await self.device(offer.device)
            if offer.index != device.index:  # it may have been registered anew
                device = await self.device(offer.device, fresh=True)
        except DeviceNotFound as error:
            raise _refused(offer, "The terms name a device that is not in the network", "", str(error)) from error
        if offer.index != device.index:
            raise _refused(offer, "The terms name another index than the device's", str(device.index), str(offer.index))
        try:
            cost = offer.price.cost(offer.units)
        except InputError as error:
            raise _refused(offer, "The terms name a price out of range", "", str(error)) from error
        if offer.amount > cost:
            raise _refused(offer, "The terms ask for more than their own price", f"at most {cost}", str(offer.amount))

    async def check_answer(
        self,
        lane: PurseLane,
        offer: Requirement,
        answer: WorkReceipt,
        body: bytes,
        *,
        input: bytes | None,
        old: bool = False,
    ) -> None:
        """Check that a receipt bears out an answer: the work, its price, and the lane's totals with it.

        input  32-byte hash that the record must name as that of its input; None for any
        old    it was charged before, so that it says nothing of the totals now

        Raises `AnswerRefused`, and what reading the chain raises.
        """
        _check_record(lane, offer, answer, body, input)
        _check_head(lane, answer)
        if not old:
            _check_totals(lane, answer)
            _check_growth(lane, answer)
        message = answer.receipt
        context = receipt_context(lane.place.domain, lane.place.device, lane.index)
        said = (message.kind, message.context, message.seq, message.head)
        if said != (MessageKind.RECEIPT, context, answer.charged.seq, answer.charged.head):
            raise _doubt(lane, "The receipt is for another device or another state of its record chain")
        for fresh in (False, True):  # the device may have changed its key since it was read
            key = key_of(await self.device(lane.place.device, fresh=fresh))
            if key.verify(message.encode(), answer.signature):
                return
        raise _doubt(lane, "The receipt is not signed by the device's key")

    async def device(self, address: Pubkey, *, fresh: bool = False) -> Device:
        """A device of the network. Raises `DeviceNotFound`."""
        if fresh or address not in self._devices:
            self._devices[address] = await self._reader.device(address)
        return self._devices[address]

    async def _known(self) -> tuple[str, Pubkey]:
        if self._facts is None:
            network = await self._reader.network()
            self._facts = chain_name(await self._reader.chain.genesis_hash()), network.mint
        return self._facts


def same_offer(one: Requirement, other: Requirement) -> bool:
    """Whether two offers ask the same, whatever they say of the lane: the units that are asked for depend on it."""
    return replace(one, lane=None, units=0) == replace(other, lane=None, units=0)


def check_stated(lane: PurseLane, offer: Requirement) -> None:
    """Check what terms say is charged on the lane: no more than receipts and unanswered requests account for.

    Raises `TermsRefused`; `LaneDisputed` where it is more.
    """
    stated = offer.lane
    if stated is None:
        return
    if (stated.tab, stated.nonce) != (lane.place.tab, lane.nonce):
        raise _refused(offer, "The terms tell of another lane", str(lane.nonce), f"{stated.tab}:{stated.nonce}")
    amount, units = lane.believable[0] - lane.behind, lane.believable[1]
    if stated.totals.amount > amount or stated.totals.units > units:
        raise LaneDisputed(
            "The device says that more is charged on the lane than it gave receipts for",
            device=offer.device,
            expected=f"at most {amount} base units for {units} units",
            got=f"{stated.totals.amount} for {stated.totals.units}",
        )


def _check_record(lane: PurseLane, offer: Requirement, answer: WorkReceipt, body: bytes, input: bytes | None) -> None:
    record = answer.record
    if (answer.device, answer.index) != (lane.place.device, lane.index):
        raise _doubt(lane, "The receipt names another device", lane.place.device, answer.device)
    if record.tab != bytes(lane.place.tab):
        raise _doubt(lane, "The record names another tab", lane.place.tab, Pubkey(record.tab))
    if (record.amount, record.units) != (answer.price, answer.units):
        raise _doubt(lane, "The record names another price or other units", answer.price, record.amount)
    if record.output != sha256(body).digest():
        raise _doubt(lane, "The record is of another output", sha256(body).hexdigest(), record.output.hex())
    if input not in (None, record.input):
        raise _doubt(lane, "The record is of another input", input and input.hex(), record.input.hex())
    if answer.units > offer.units:
        raise _doubt(lane, "The device did more work than was agreed to", f"at most {offer.units} units", answer.units)
    most = min(offer.amount, offer.price.cost(answer.units))
    if answer.price > most:
        raise _doubt(lane, "The device charges more than its price", f"at most {most} base units", answer.price)


def _check_totals(lane: PurseLane, answer: WorkReceipt) -> None:
    before, after = lane.charged, lane.ours(answer.charged)
    for name, was, now, added, ceiling in (
        ("base units", before.amount, after.amount, answer.price, lane.ceiling[0]),
        ("units", before.units, after.units, answer.units, lane.ceiling[1]),
    ):
        # Without an unanswered request before this one, the totals are known exactly.
        most = max(was, ceiling) + added
        if not was + added <= now <= most:
            raise _doubt(lane, "The lane's totals do not add up", f"{was + added} to {most} {name}", now)


def _check_head(lane: PurseLane, answer: WorkReceipt) -> None:
    head = next_head(answer.previous, record_hash(answer.salt, answer.record))
    if answer.charged.head != head:
        raise _doubt(lane, "The record is not the newest of the device's chain", head.hex(), answer.charged.head.hex())


def _check_growth(lane: PurseLane, answer: WorkReceipt) -> None:
    before, after = lane.charged, answer.charged
    if after.seq <= before.seq:
        raise _doubt(lane, "The device's chain does not grow", f"a job above {before.seq}", after.seq)
    if after.seq == before.seq + 1 and answer.previous != before.head:
        raise _doubt(
            lane, "The device's chain does not follow from the one before", before.head.hex(), answer.previous.hex()
        )


def _refused(offer: Requirement, message: str, expected: str, got: str) -> TermsRefused:
    return TermsRefused(message, device=offer.device, expected=expected, got=got)


def _doubt(lane: PurseLane, message: str, expected: object = "", got: object = "") -> AnswerRefused:
    out = lane.signed - lane.charged.amount
    return AnswerRefused(message, device=lane.place.device, amount=out, expected=str(expected), got=str(got))
