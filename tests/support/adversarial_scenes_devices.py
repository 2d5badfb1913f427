"""Valid calls of the instructions of devices and of their work."""

from __future__ import annotations

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from support.adversarial_cast import Company
from support.adversarial_idl import Family, slot
from support.adversarial_scene import scene
from support.adversarial_scenes_consumers import sell
from support.builders import signed
from support.earning import burning
from support.parties import Device
from support.svm import Instructions
from worktab.program.generated.types import DeviceTerms, NewKey


def _planned(company: Company) -> tuple[Device, DeviceTerms]:
    """A device of the company's people that could be registered next."""
    people = company.people
    return company.world.plan(company.network, owner=people.owner, payout=people.payout)


def key_of(device: Device) -> Pubkey:
    """The device's key as one that signs transactions."""
    return Pubkey(device.signer.public.public_bytes)


@scene("register_device", created=("device",), without=("admission",))
def register_device(company: Company) -> Instructions:
    device, terms = _planned(company)
    return [company.world.possession(device), company.world.register(device, terms)]


@scene(
    "register_device",
    "admitted, by the key itself",
    created=("device",),
    signs=("proof",),
    differs={"proof": tuple(Family)},
    terms={"admission": 1},
)
def register_device_admitted(company: Company) -> Instructions:
    world = company.world
    device, terms = _planned(company)
    key = key_of(device)
    shown = world.possession_message(device)
    registering = world.register(device, terms, possession=shown, admission=company.cast.authority, proof=key)
    return signed(registering, key)


@scene("update_device", without=("admission",))
def update_device(company: Company) -> Instruction:
    return company.world.update(company.device, capacity=900, payout=company.cast.stranger.pubkey())


@scene("update_device", "with a new key, admitted", terms={"admission": 1})
def update_device_key(company: Company) -> Instructions:
    world, device = company.world, company.device
    signer = world.ed25519()
    key = NewKey(signer.public.raw33, int(signer.public.kind), None)
    return [
        world.possession(device, signer=signer),
        world.update(device, key=key, capacity=2_000, admission=company.cast.attestors[0]),
    ]


@scene("retire_device", closed=("device",))
def retire_device(company: Company) -> Instruction:
    return company.world.retire(company.device)


@scene("submit_receipt")
def submit_receipt(company: Company) -> Instructions:
    return company.world.receipt(company.device, 1, 10)


@scene(
    "submit_receipt",
    "by the key itself",
    signs=("proof",),
    differs={"proof": (Family.SIBLING, Family.NEIGHBOUR)},
)
def submit_receipt_by_the_key(company: Company) -> Instructions:
    world, device = company.world, company.device
    key = key_of(device)
    return signed(world.submit(device, shown=world.receipt_message(device, 1, 10), proof=key), key)


@scene("submit_receipt", "cut, the owner consents", extra=(slot("owner", signer=True),))
def submit_receipt_cut(company: Company) -> Instructions:
    return company.world.receipt(company.device, 1, 5_000, consent=company.people.owner)


_DEVICES = (slot("device 1", writable=True), slot("device 2", writable=True))


def _earning(company: Company) -> list[Device]:
    """Two devices of one payout wallet that are owed earnings, the first of them rewards as well."""
    world = company.world
    world.must(world.receipt(company.device, 1, 10))
    world.must(sell(company, 40))
    second = company.second
    lane = world.lane(company.tab, second, 50)
    world.must(world.voucher(lane, 50))
    return [company.device, second]


@scene("claim", extra=_DEVICES, writes=("mint",))
def claim(company: Company) -> Instruction:
    claiming = company.world.claim(_earning(company), company.people.payout, company.network)
    return burning(claiming, company.network)


@scene("claim", "of rewards alone", extra=_DEVICES[:1])
def claim_of_rewards(company: Company) -> Instruction:
    company.world.must(company.world.receipt(company.device, 1, 10))
    return company.world.claim([company.device], company.people.payout, company.network)
