"""The part of the random histories in which what was sold is claimed: small sales, and refunds after claims."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from support import ledger_strategies as some
from support.ledger_sales import SalesRules
from support.ledger_work import WorkRules
from support.sales_model import MOST_SOLD


class TradeRules(WorkRules, SalesRules):
    """Rules for a machine whose devices sell, and claim in between."""

    @precondition(lambda self: self.model.tabs and self.open_devices())
    @rule(number=some.PICK, seller=some.PICK, amounts=st.lists(st.integers(1, 3), min_size=1, max_size=8))
    def claim_after_every_small_sale(self, number: int, seller: int, amounts: list[int]) -> None:
        """Sales so small that fee and burn fall due together."""
        device, handle = self.pick(seller)
        person, tab, _ = self.pick_tab(number)
        for amount in amounts:
            if amount <= tab.balance and not device.retired:
                self.sell_by_invoice(device, handle, person, amount, 1)
                self.claim(device.payout, [device.index])

    @precondition(lambda self: len(self.model.tabs) > 1 and self.open_devices())
    @rule(seller=some.PICK, part=some.PART, units=some.SOLD)
    def refund_what_was_claimed(self, seller: int, part: int, units: int) -> None:
        """One buys, the device claims, another buys, and the first is refunded out of that: each way round."""
        device, handle = self.pick(seller)
        units = min(max(0, units), MOST_SOLD)
        for first, second in ((0, 1), (1, 0)):
            buyers = [sorted(self.model.tabs)[each] for each in (first, second)]
            amounts = [self.model.tabs[person].balance // (4 * part) for person in buyers]
            if min(amounts) and not device.retired:
                self.sell_by_invoice(device, handle, buyers[0], amounts[0], units)
                refunded = len(self.sold) - 1
                self.claim(device.payout, [device.index])
                self.sell_by_invoice(device, handle, buyers[1], amounts[1], units // 2)
                self.refund_invoice(refunded, part + 1, 0)
                self.claim(device.payout, [device.index])
