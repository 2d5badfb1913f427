"""The part of the random histories that works: devices, receipts, claims and terms."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support import changes
from support import ledger_strategies as some
from support.earning import burning
from support.ledger_parts import DeviceModel, Terms
from support.ledger_people import People
from support.parties import Device
from worktab.core.keys import Ed25519Signer, Signer
from worktab.program.generated.types import ClassTerms

MOST_DEVICES = 6


@dataclass(frozen=True, slots=True)
class Sent:
    """A receipt as it was sent once."""

    model: DeviceModel
    instructions: list[Instruction]
    seq: int
    units: int
    time: int
    consent: Keypair | None


class WorkRules(People):
    """Rules for a machine whose devices are registered, work, are paid and retire."""

    wallets: list[Keypair]

    def start_working(self) -> None:
        """To be called once the network is there."""
        self.sent: list[Sent] = []
        self.wallets = [self.world.keypair() for _ in range(some.WALLETS)]
        for wallet in self.wallets:
            self.network.mint.open(wallet.pubkey())

    def taken(self) -> set[Pubkey]:
        """Addresses of the devices that exist."""
        return {self.handles[each.index].address for each in self.open_devices()}

    @precondition(lambda self: self.supply < 2**62)
    @rule(amount=st.one_of(st.just(0), some.AMOUNTS))
    def fund(self, amount: int) -> None:
        event = self.world.send(self.world.fund(self.network, amount)).event()
        assert (event.amount, event.surplus) == self.model.fund(amount)
        self.supply += amount

    @precondition(lambda self: self.supply < 2**62)
    @rule(amount=some.AMOUNTS)
    def send_stray_tokens(self, amount: int) -> None:
        self.world.must(self.network.mint.mint_to(self.network.vault, amount))
        self.model.stray += amount
        self.model.vault += amount
        self.supply += amount

    @precondition(lambda self: len(self.open_devices()) < MOST_DEVICES)
    @rule(class_=some.CLASS, capacity=some.CAPACITIES, payout=some.WALLET, p256=st.booleans(), back=st.booleans())
    def register(self, class_: int, capacity: int, payout: int, p256: bool, back: bool) -> None:
        gone = [each for each in self.model.devices if each.closed]
        signer: Signer = self.world.p256() if p256 else self.world.ed25519()
        if back and gone and self.handles[gone[-1].index].address not in self.taken():
            signer = self.handles[gone[-1].index].signer
        device, terms = self.world.plan(
            self.network,
            signer=signer,
            class_=class_,
            capacity=capacity,
            owner=self.people[payout],
            payout=self.wallets[payout],
            open_payout=False,
        )
        result = self.world.send(self.world.possession(device), self.world.register(device, terms))
        assert result.error_name == self.model.register(class_, capacity, payout, owner=payout)
        if result.ok:
            self.handles.append(device)

    @precondition(lambda self: self.open_devices())
    @rule(number=some.PICK, capacity=st.none() | some.CAPACITIES, payout=st.none() | some.WALLET)
    def update(self, number: int, capacity: int | None, payout: int | None) -> None:
        model, device = self.pick(number)
        wallet = None if payout is None else self.wallets[payout].pubkey()
        result = self.world.send(self.world.update(device, capacity=capacity, payout=wallet))
        assert result.error_name == self.model.update(model, capacity, payout)

    @precondition(lambda self: self.open_devices())
    @rule(number=some.PICK)
    def retire(self, number: int) -> None:
        model, device = self.pick(number)
        result = self.world.send(self.world.retire(device))
        expected = self.model.retire(model)
        assert (result.event().closed if result.ok else result.error_name) == expected

    @precondition(lambda self: self.open_devices())
    @rule(number=some.PICK, part=st.integers(1, 8))
    def submit_part_of_what_is_left(self, number: int, part: int) -> None:
        """A receipt within the epoch's capacity; limits on the reward may still cut it."""
        model, _ = self.pick(number)
        epoch = self.model.epoch(model.class_)
        left = model.capacity(epoch) - model.eligible[epoch]
        self.submit(number, jobs=1, units=max(1, left // part), late=0, consent="owner" if part % 2 else "nobody")

    @precondition(lambda self: self.open_devices())
    @rule(
        number=some.PICK,
        jobs=st.one_of(st.integers(1, 5), st.sampled_from([2**32, 2**32 + 1])),
        units=st.one_of(some.UNITS, some.UNITS, some.UNITS, st.sampled_from([0, 2**48 + 1])),
        late=st.sampled_from([0, 0, 0, 300, 301, -5]),
        consent=st.sampled_from(["nobody", "owner", "owner", "key", "stranger"]),
    )
    def submit(self, number: int, jobs: int, units: int, late: int, consent: str) -> None:
        model, device = self.pick(number)
        seq, total, time = model.seq + jobs, model.units + units, self.world.now + late
        signer = self.who(device, consent)
        receipt = self.world.receipt(device, seq, total, time=time, consent=signer)
        self.sent.append(Sent(model, receipt, seq, total, time, signer))
        self.expect_receipt(self.sent[-1])

    def who(self, device: Device, name: str) -> Keypair | None:
        """Who signs besides, if anybody."""
        if name == "key" and isinstance(device.signer, Ed25519Signer):
            return Keypair.from_json(device.signer.to_json_bytes().decode())
        return {"stranger": self.world.payer, "owner": device.owner}.get(name)

    def agreed(self, sent: Sent) -> bool:
        """Whether who signed then is the owner now, or the device."""
        if sent.consent is None:
            return False
        device = self.handles[sent.model.index]
        return sent.consent.pubkey() == device.owner.pubkey() or sent.consent == self.who(device, "key")

    @precondition(lambda self: self.sent)
    @rule(number=some.PICK)
    def repeat(self, number: int) -> None:
        sent = self.sent[number % len(self.sent)]
        if not sent.model.closed:
            self.expect_receipt(sent)

    def expect_receipt(self, sent: Sent) -> None:
        result = self.world.send(sent.instructions)
        expected = self.model.submit(sent.model, sent.seq, sent.units, sent.time, consent=self.agreed(sent))
        if not result.ok:
            assert result.error_name == expected
            return
        event = result.event()
        assert (event.eligible, event.reward) == expected

    @precondition(lambda self: self.has_claims())
    @rule(payout=some.WALLET)
    def claim_all(self, payout: int) -> None:
        self.claim(payout, list(range(len(self.model.devices))))

    @precondition(lambda self: self.has_claims())
    @rule(epoch=st.booleans())
    def claim_for_everybody(self, epoch: bool) -> None:
        if epoch:
            self.pass_to_the_edge_of_an_epoch(before=0)
        for payout in range(some.WALLETS):
            self.claim_all(payout)

    def has_claims(self) -> bool:
        return any(each.owed or each.sales.earnings or each.sales.unrewarded for each in self.model.devices)

    @precondition(lambda self: self.has_claims())
    @rule(payout=some.WALLET, numbers=st.lists(some.PICK, max_size=8))
    def claim(self, payout: int, numbers: list[int]) -> None:
        models = [self.model.devices[number % len(self.model.devices)] for number in numbers]
        # A closed device whose key came back as another one has the other's account.
        taken = self.taken()
        models = [each for each in models if not each.closed or self.handles[each.index].address not in taken]
        devices = [self.handles[each.index] for each in models]
        claim = burning(self.world.claim(devices, self.wallets[payout], self.network), self.network)
        event = self.world.send(claim).event()
        entries, paid = self.model.claim(payout, models)
        assert [(each.device, each.rewards, each.earnings, each.outcome) for each in event.entries] == entries
        assert (event.amount, event.fee, event.burn) == (paid.amount, paid.fee, paid.burn)

    @rule(payout=some.WALLET, state=st.sampled_from(["open", "frozen", "missing"]))
    def change_wallet(self, payout: int, state: str) -> None:
        """Freezes or removes a payout wallet's token account, or opens it again."""
        mint, wallet = self.network.mint, self.wallets[payout].pubkey()
        account = mint.account_of(wallet)
        if self.world.account(account) is None:
            mint.open(wallet)
        elif payout not in self.model.payable:
            self.world.must(mint.thaw(account))
        self.model.payable.add(payout)
        if state == "frozen":
            self.world.must(mint.freeze(account))
            self.model.payable.remove(payout)
        elif state == "missing":
            sink = mint.open(self.network.authority.pubkey())
            balance = mint.balance(wallet)
            self.world.must(mint.transfer(account, sink, wallet, balance), mint.close(account, wallet))
            self.model.payable.remove(payout)
            self.model.paid[payout] = 0

    @precondition(lambda self: self.open_devices())
    @rule(flags=st.sampled_from([1, 2, 31]), number=some.PICK, capacity=some.CAPACITIES)
    def pause_for_a_while(self, flags: int, number: int, capacity: int) -> None:
        assert self.world.send(self.world.pause(self.network, flags)).ok
        self.model.pause = flags
        self.submit_part_of_what_is_left(number, part=1)
        self.register(0, capacity, 0, p256=False, back=False)
        self.claim_all(0)
        assert self.world.send(self.world.pause(self.network, 0)).ok
        self.model.pause = 0

    @rule(terms=some.TERMS)
    def propose(self, terms: Terms | None) -> None:
        change = changes.CANCEL
        if terms:
            new = ClassTerms(1, terms.rate, terms.max_capacity, terms.least_bond, terms.budget)
            change = changes.class_terms(terms.class_, new)
        event = self.world.send(self.world.propose(self.network, change)).event()
        assert event.effective_at == self.model.propose(terms)

    @precondition(lambda self: self.model.pending)
    @rule(wait=st.sampled_from([0, some.DELAY - 1, some.DELAY, some.DELAY]))
    def apply(self, wait: int) -> None:
        self.pass_time(wait)
        assert self.world.send(self.world.apply(self.network)).error_name == self.model.apply()

    @precondition(lambda self: self.open_devices())
    @rule(class_=some.CLASS, part=st.integers(2, 9))
    def cut_terms_within_an_epoch(self, class_: int, part: int) -> None:
        """Less budget and capacity while devices that were paid by the old terms go on working."""
        old = self.model.classes[class_]
        self.submit_part_of_what_is_left(0, part=1)
        self.propose(Terms(class_, old.rate, old.max_capacity // part, old.budget // part, old.least_bond))
        self.apply(some.DELAY)
        for number, model in enumerate(self.open_devices()):
            self.submit_part_of_what_is_left(number, part=3)
            self.update(number, capacity=model.announced, payout=None)
