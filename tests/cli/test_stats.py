"""`worktab stats`."""

from __future__ import annotations

from solders.keypair import Keypair

from support.cli import Cli
from support.fleet import FUNDS, Fleet
from support.selling import sell
from worktab.roles.changes import FeeChange


async def history(fleet: Fleet) -> list[str]:
    """Three devices: one that worked in this epoch, one in the one before, and a new one."""
    made = [await fleet.device(capacity=capacity) for capacity in (1_000, 400)]
    await fleet.next_epoch()
    await fleet.earn(made[1], 2, 40)
    await fleet.next_epoch()
    await fleet.earn(made[0], 5, 333)
    made.append(await fleet.device(capacity=1))
    return [str(device.device) for device in made]


async def sales(fleet: Fleet) -> list[str]:
    """Two devices of one owner: the first sold to a stranger and to its owner, the second to nobody."""
    owner = fleet.owner(Keypair())
    made = [await fleet.device(owner=owner) for _ in range(2)]
    await sell(fleet, made[0].device, 2_000, 70)
    await sell(fleet, made[0].device, 1_000, 30, to=owner.owner)
    return [str(device.device) for device in made]


async def charge(fleet: Fleet, fee_bps: int, burn_bps: int) -> None:
    """Change the network's fee and burn, which takes a day."""
    await fleet.operator.propose_update(FeeChange(fee_bps, burn_bps))
    await fleet.clock.advance(86_400)
    await fleet.operator.apply_update()


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
        "earnings_owed": 0,
        "fees": 0,
        "rewards": 746,
        "rewards_owed": 746,
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
        "roots": None,
    }
    told = [
        tuple(each[name] for name in ("index", "device", "jobs", "units", "utilisation", "rewards", "rewards_owed"))
        for each in rows
    ]
    assert told == [
        (0, devices[0], 5, 333, {"units": 333, "capacity": 1_000, "bps": 3_330}, 666, 666),
        (1, devices[1], 2, 40, {"units": 0, "capacity": 400, "bps": 0}, 80, 80),
        (2, devices[2], 0, 0, {"units": 0, "capacity": 0, "bps": 0}, 0, 0),
    ]


def test_what_was_sold_is_told_from_what_was_reported_and_from_what_owners_bought(cli: Cli) -> None:
    devices = cli.served.do(sales(cli.fleet))
    cli.served.do(charge(cli.fleet, 250, 100))

    def sold() -> tuple[list[int], list[tuple[int, ...]]]:
        facts = cli.json("stats", cli.network)
        names = ("units", "units_sold", "units_self_sold", "revenue", "earnings_owed")
        assert [each["device"] for each in facts["devices"]] == devices
        return [facts[name] for name in (*names, "fees")], [
            tuple(each[name] for name in names) for each in facts["devices"]
        ]

    assert sold() == ([0, 100, 30, 3_000, 3_000, 0], [(0, 100, 30, 3_000, 3_000), (0, 0, 0, 0, 0)])
    claimed = cli.json("device", "claim", *devices)
    assert [claimed[name] for name in ("paid", "rewards", "earnings", "fee", "burned")] == [2_895, 0, 3_000, 75, 30]
    assert [(each["outcome"], each["earnings"]) for each in claimed["devices"]] == [
        ("paid", 3_000),
        ("nothing_owed", 0),
    ]
    assert sold() == ([0, 100, 30, 3_000, 0, 75], [(0, 100, 30, 3_000, 0), (0, 0, 0, 0, 0)])


def test_stats_for_people(cli: Cli) -> None:
    devices = cli.served.do(history(cli.fleet))
    lines = cli.text("stats", cli.network).splitlines()
    assert "rewards owed        0.000746" in lines
    start = lines.index("devices") + 2
    assert [line.split()[1] for line in lines[start:]] == devices
    assert "0  333 of 1,000 (33.30 %)  0.000666      0.000666" in lines[start]


def test_beside_each_number_is_what_it_proves(cli: Cli) -> None:
    cli.served.do(sales(cli.fleet))

    def remarks() -> dict[str, tuple[str, str]]:
        lines = cli.text("stats", cli.network).splitlines()
        section = lines[lines.index("") + 1 :]
        cells = [[cell.strip() for cell in line.split("  ") if cell] for line in section[: section.index("")]]
        return {name: (value, note) for name, value, note in cells}

    told = remarks()
    assert list(told) == ["jobs", "units", "utilisation", "units sold", "units self sold", "revenue", "rewards"]
    assert told["units"] == (
        "0",
        "reported by receipts: the devices' word, but WASM fuel can be checked by running the jobs again",
    )
    assert told["units sold"] == ("100", "what consumers signed or paid for; faking them costs nothing")
    assert told["units self sold"][0] == "30"
    assert told["revenue"][0] == "0.003"
    cli.served.do(charge(cli.fleet, 250, 105))
    assert remarks()["units sold"][1].endswith("; faking them costs 3.55 % in fee and burn")


def test_a_long_list_is_cut_for_people_only(cli: Cli) -> None:
    devices = cli.served.do(history(cli.fleet))
    lines = cli.text("stats", cli.network, "--rows", 1).splitlines()
    assert lines[-1] == "  and 2 more"
    assert [device for device in devices if device in "\n".join(lines)] == devices[:1]
    assert len(cli.json("stats", cli.network, "--rows", 1)["devices"]) == 3


def test_an_empty_network(cli: Cli) -> None:
    lines = cli.text("stats", cli.network).splitlines()
    assert lines[-2:] == ["devices", "  none"]
