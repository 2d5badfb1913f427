"""The accounts of the real program against the model of the rules, field by field."""

from __future__ import annotations

from support.epochs import Roots
from support.ledger_parts import DeviceModel
from support.ledger_trust_model import TrustModel
from support.parties import Device, Network, Tab
from support.roots_model import CommitmentModel, RootsModel
from support.sales_model import InvoiceModel, TabModel
from support.trust_model import KEPT, MISSED
from support.world import World
from worktab.program.generated import accounts as state


def compare_network(world: World, network: Network, model: TrustModel) -> None:
    """Asserts that pool, vault, statistics and every class of a network are the model's."""
    held = world.read_network(network)
    assert (held.pool_free, held.pool_owed) == (model.pool, model.owed() + model.roots.owed)
    assert (held.fees, held.accounted) == (model.fees, model.accounted())
    assert network.mint.balance(network.address) == model.vault == held.accounted + model.stray
    assert (held.total_jobs, held.total_units) == (model.jobs, model.units)
    accrued = sum(each.earned.total() - each.forfeited for each in model.devices)
    assert held.total_rewards == accrued + model.roots.total
    assert (held.fee_bps, held.burn_bps) == (model.fee_bps, model.burn_bps)
    assert (held.total_units_sold, held.total_units_self_sold) == (model.units_sold, model.own_units_sold)
    assert held.total_revenue == model.revenue
    assert held.total_fees == sum(each.fees for each in model.devices)
    assert held.total_burned == sum(each.burned for each in model.devices) == model.burned
    assert (held.dispute_deposit, held.slash_bps) == (model.deposit, model.slash_bps)
    assert held.total_slashed == model.slashed
    assert (held.disputes_guilty, held.disputes_not_guilty) == (model.guilty, model.not_guilty)
    assert held.next_device_index == len(model.devices)
    assert held.reward_path == model.path
    for number, class_ in enumerate(model.classes):
        found, epoch = held.classes[number], class_.latest
        assert (found.rate, found.max_capacity, found.budget) == (class_.rate, class_.max_capacity, class_.budget)
        assert found.least_bond == class_.least_bond
        assert (found.epoch, found.spent) == (epoch, class_.spent[epoch])
        assert found.total_capacity == model.total(number, epoch)
        assert found.next_total_capacity == model.total(number, epoch + 1)
        assert found.devices == sum(each.class_ == number and not each.retired for each in model.devices)


def compare_device(world: World, device: Device, model: DeviceModel) -> None:
    """Asserts that a device that exists is the model's."""
    held = world.read_device(device)
    assert (held.index, held.seq, held.units) == (model.index, model.seq, model.units)
    assert held.units_for_roots == model.for_roots
    assert (held.rewards_owed, held.carry) == (model.owed, model.carry)
    assert held.lifetime_rewards == model.earned.total() - model.forfeited
    assert (held.epoch_units, held.epoch_rewards) == (model.eligible[held.epoch], model.earned[held.epoch])
    assert held.status == (3 if model.retired else 2 if model.suspended else 1)
    bond = model.bond
    assert (held.bond, held.bond_held) == (bond.amount, bond.held)
    assert (held.unbonding, held.unbonding_at) == (bond.leaving, bond.leaving_at)
    assert (held.open_slas, held.open_disputes) == (len(bond.slas), len(bond.disputes))
    assert (held.slas_kept, held.slas_missed) == (bond.outcomes[KEPT], bond.outcomes[MISSED])
    assert (held.fees_paid, held.burned) == (model.fees, model.burned)
    sales = model.sales
    assert (held.earnings_owed, held.self_earnings_owed) == (sales.earnings, sales.own_earnings)
    assert (held.units_sold, held.units_self_sold) == (sales.units, sales.own_units)
    assert (held.units_counted, held.self_units_counted) == (sales.counted, sales.own_counted)
    assert (held.fee_carry, held.burn_carry) == (sales.fee_due, sales.burn_due)
    assert (held.units_unrewarded, held.reward_waiting) == (sales.unrewarded, sales.waiting)
    assert held.revenue_claimed == sales.claimed


def compare_roots(roots: Roots, model: RootsModel) -> None:
    """Asserts that attestors, the newest final root and all that was claimed from roots are the model's."""
    held = roots.read_network()
    keys = [roots.attestors[number].pubkey() for number in model.attestors]
    assert list(held.attestors[: held.attestor_count]) == keys
    assert (held.threshold, held.attestor_version, held.roots_from) == (model.threshold, model.version, model.since)
    assert (held.root_total, held.root_count, held.root_owed) == (model.total, model.count, model.owed)
    assert (held.records_checked, held.records_failed, held.check_ms) == model.checked()
    if model.finals:
        newest = model.finals[-1]
        assert (held.root_epoch, held.root_units) == (newest.epoch, newest.units)
        assert [roots.watermark(position) for position in range(model.count)] == [
            model.paid[position] for position in range(model.count)
        ]


def compare_commitment(held: state.Epoch, model: CommitmentModel) -> None:
    """Asserts that a commitment and its votes are the model's."""
    assert (held.index, held.count, held.total, held.units) == (model.epoch, model.count, model.total, model.units)
    assert (held.attestor_version, held.approvals.bit_count()) == (model.version, len(model.approving))
    assert (held.approved_at, held.vetoed) == (model.approved_at or 0, model.vetoed)


def compare_tab(world: World, tab: Tab, model: TabModel) -> None:
    """Asserts that a tab, its lanes and its delegates are the model's."""
    held = world.read_tab(tab)
    assert (held.balance, held.deposited, held.withdrawn) == (model.balance, model.deposited, model.withdrawn)
    assert held.nonce == model.nonce
    assert list(world.lanes(tab)) == [
        (lane.device, lane.nonce, lane.paid, lane.reserved, lane.units, lane.close_at, lane.signer, int(lane.held), 0)
        for lane in model.lanes
    ]
    for slot, found in enumerate(held.delegates, 1):
        delegate = model.delegates.get(slot)
        if delegate is None:
            assert (found.status, found.lanes, found.allowance) == (0, 0, 0)
        else:
            assert (found.status, found.lanes) == (2 if delegate.revoked else 1, len(model.lanes_of(slot)))
            assert (found.allowance, found.period_spent) == (delegate.allowance, delegate.spent[delegate.period])


def compare_invoice(held: state.Invoice, model: InvoiceModel) -> None:
    """Asserts that an invoice is the model's."""
    assert (held.index, held.amount, held.units) == (model.device, model.amount, model.units)
    assert (held.paid, held.refunded) == (model.paid, model.refunded)
