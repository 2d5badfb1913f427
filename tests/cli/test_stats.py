"""`worktab stats`."""

from __future__ import annotations

from support.cli import Cli
from support.fleet import FUNDS, Fleet


async def history(fleet: Fleet) -> list[str]:
    """Three devices: one that worked in this epoch, one in the one before, and a new one."""
    made = [await fleet.device(capacity=capacity) for capacity in (1_000, 400)]
    await fleet.next_epoch()
    await fleet.earn(made[1], 2, 40)
    await fleet.next_epoch()
    await fleet.earn(made[0], 5, 333)
    made.append(await fleet.device(capacity=1))
    return [str(device.device) for device in made]


def test_stats(cli: Cli) -> None:
    devices = cli.served.do(history(cli.fleet))
    facts = cli.json("stats", cli.network)
    rows = facts.pop("devices")
    assert facts == {
        "network": cli.network,
        "epoch": 2,
        "epoch_ends_at": cli.epoch(3),
        "devices_registered": 3,
        "jobs": 7,
        "units": 373,
        "utilisation": {"units": 333, "capacity": 1_400, "bps": 2_378},
        "units_sold": 0,
        "units_self_sold": 0,
        "revenue": 0,
        "rewards": 746,
        "owed": 746,
        "pool_free": FUNDS - 746,
        "classes": [
            {
                "class": 0,
                "meter": "wasm_fuel",
                "rate": 2_000_000,
                "budget": 1_000_000,
                "budget_left": 1_000_000 - 666,
                "devices": 3,
                "utilisation": {"units": 333, "capacity": 1_400, "bps": 2_378},
                "next_capacity": 1_401,
            }
        ],
    }
    told = [
        (each["index"], each["device"], each["jobs"], each["units"], each["utilisation"], each["rewards"], each["owed"])
        for each in rows
    ]
    assert told == [
        (0, devices[0], 5, 333, {"units": 333, "capacity": 1_000, "bps": 3_330}, 666, 666),
        (1, devices[1], 2, 40, {"units": 0, "capacity": 400, "bps": 0}, 80, 80),
        (2, devices[2], 0, 0, {"units": 0, "capacity": 0, "bps": 0}, 0, 0),
    ]


def test_stats_for_people(cli: Cli) -> None:
    devices = cli.served.do(history(cli.fleet))
    lines = cli.text("stats", cli.network).splitlines()
    assert "utilisation         333 of 1,400 (23.78 %)" in lines
    assert "rewards             0.000746" in lines
    start = lines.index("devices") + 2
    assert [line.split()[1] for line in lines[start:]] == devices
    assert "333 of 1,000 (33.30 %)  0.000666  0.000666" in lines[start]


def test_a_long_list_is_cut_for_people_only(cli: Cli) -> None:
    devices = cli.served.do(history(cli.fleet))
    lines = cli.text("stats", cli.network, "--rows", 1).splitlines()
    assert lines[-1] == "  and 2 more"
    assert [device for device in devices if device in "\n".join(lines)] == devices[:1]
    assert len(cli.json("stats", cli.network, "--rows", 1)["devices"]) == 3


def test_an_empty_network(cli: Cli) -> None:
    lines = cli.text("stats", cli.network).splitlines()
    assert lines[-2:] == ["devices", "  none"]
