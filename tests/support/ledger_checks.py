"""The accounts of the real program against the model of the rules, field by field."""

from __future__ import annotations

from support.ledger_model import DeviceModel, LedgerModel
from support.parties import Device, Network
from support.world import World


def compare_network(world: World, network: Network, model: LedgerModel) -> None:
    """Asserts that pool, vault, statistics and every class of a network are the model's."""
    held = world.read_network(network)
    assert (held.pool_free, held.pool_owed) == (model.pool, model.owed())
    assert held.accounted == model.pool + model.owed()
    assert network.mint.balance(network.address) == model.vault == held.accounted + model.stray
    assert (held.total_jobs, held.total_units) == (model.jobs, model.units)
    assert held.total_rewards == sum(each.earned.total() for each in model.devices)
    assert held.next_device_index == len(model.devices)
    for number, class_ in enumerate(model.classes):
        found, epoch = held.classes[number], class_.latest
        assert (found.rate, found.max_capacity, found.budget) == (class_.rate, class_.max_capacity, class_.budget)
        assert (found.epoch, found.spent) == (epoch, class_.spent[epoch])
        assert found.total_capacity == model.total(number, epoch)
        assert found.next_total_capacity == model.total(number, epoch + 1)
        assert found.devices == sum(each.class_ == number and not each.retired for each in model.devices)


def compare_device(world: World, device: Device, model: DeviceModel) -> None:
    """Asserts that a device that exists is the model's."""
    held = world.read_device(device)
    assert (held.index, held.seq, held.units) == (model.index, model.seq, model.units)
    assert (held.rewards_owed, held.carry) == (model.owed, model.carry)
    assert held.lifetime_rewards == model.earned.total()
    assert (held.epoch_units, held.epoch_rewards) == (model.eligible[held.epoch], model.earned[held.epoch])
    assert held.status == (3 if model.retired else 1)
