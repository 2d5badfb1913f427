"""`worktab stats`."""

from __future__ import annotations

from typing import Any

from solders.keypair import Keypair

from support.cli import Cli
from support.fleet import FUNDS, Fleet
from support.guarantees import Guarantees
from support.selling import sell
from worktab.roles.changes import FeeChange
from worktab.roles.claiming import Crank


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
        "fees_paid": 0,
        "burned": 0,
        "paid_away_bps": 0,
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
                "max_capacity": 1_000_000,
                "least_bond": 0,
                "budget": 1_000_000,
                "budget_left": 1_000_000 - 666,
                "devices": 3,
                "utilisation": {"units": 333, "capacity": 1_400, "bps": 2_378},
                "next_capacity": 1_401,
            }
        ],
        "guarantees": {
            "bonds": 0,
            "bonds_held": 0,
            "bonds_leaving": 0,
            "slas_kept": 0,
            "slas_missed": 0,
            "slas_open": 0,
            "disputes_guilty": 0,
            "disputes_not_guilty": 0,
            "disputes_open": 0,
            "slashed": 0,
        },
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
    work, [stakes, *stake] = lines[start : start + 3], lines[start + 4 :]
    assert lines[start + 3] == ""
    assert [line.split()[1] for line in work] == [line.split()[1] for line in stake] == devices
    assert "0  333 of 1,000 (33.30 %)  0.000666      0.000666" in work[0]
    assert stakes.split("  ")[-3:] == ["fees paid", "burned", "paid away bps"]
    assert stake[0].split()[2:] == ["active", *["0"] * 10]


def test_beside_each_number_is_what_it_proves(cli: Cli) -> None:
    cli.served.do(sales(cli.fleet))

    def remarks() -> dict[str, tuple[str, str]]:
        lines = cli.text("stats", cli.network).splitlines()
        section = lines[lines.index("") + 1 :]
        cells = [[cell.strip() for cell in line.split("  ") if cell] for line in section[: section.index("")]]
        return {name: (value, note) for name, value, note in cells}

    told = remarks()
    names = ["jobs", "units", "utilisation", "units sold", "units self sold", "revenue"]
    assert list(told) == [*names, "fees paid", "burned", "paid away bps", "rewards"]
    assert told["units"] == (
        "0",
        "reported by receipts: the devices' word, but WASM fuel can be checked by running the jobs again",
    )
    assert told["units sold"] == ("100", "what consumers signed or paid for; faking them costs nothing")
    assert told["units self sold"][0] == "30"
    assert told["revenue"][0] == "0.003"
    cli.served.do(charge(cli.fleet, 250, 105))
    assert remarks()["units sold"][1].endswith("; faking them costs 3.55 % in fee and burn")


async def stakes(cli: Cli) -> tuple[str, str, str]:
    """A network where 1 % of revenue is given away, with a device that sold, kept a promise and was slashed, and one
    whose bond leaves; returns the network and both devices."""

    async def start(**plan: Any) -> Fleet:
        return await Fleet(cli.fleet.chain).start(**plan)

    guarantees = await Guarantees.start(start, fee_bps=60, burn_bps=40)
    fleet = guarantees.fleet
    consumer, bonded, other = await fleet.consumer(5_000), await guarantees.bonded(), await guarantees.bonded(7)
    sla, nonce = await guarantees.promise(consumer, bonded, 2_000, 500)
    await guarantees.deliver(consumer, bonded, nonce, 2_000)
    await guarantees.enforce(consumer, bonded, sla)
    await Crank(fleet.sender, fleet.network).claim([bonded.address])
    await guarantees.withdraw(other, 7)
    await fleet.next_epoch()
    entry = await guarantees.work(bonded)
    dispute = await guarantees.accuse(consumer, bonded, entry)
    await guarantees.judge(dispute, 2)
    await guarantees.resolve(dispute, consumer, bonded, entry)
    return str(fleet.network), str(bonded.address), str(other.address)


def test_what_is_at_stake(cli: Cli) -> None:
    network, *devices = cli.served.do(stakes(cli))
    facts = cli.json("stats", network)
    assert [facts[name] for name in ("revenue", "fees_paid", "burned", "paid_away_bps")] == [2_000, 12, 8, 100]
    assert facts["guarantees"] == {
        "bonds": 5_007,
        "bonds_held": 0,
        "bonds_leaving": 7,
        "slas_kept": 1,
        "slas_missed": 0,
        "slas_open": 0,
        "disputes_guilty": 1,
        "disputes_not_guilty": 0,
        "disputes_open": 0,
        "slashed": 5_000,
    }
    first, second = facts["devices"]
    assert [first["device"], second["device"]] == devices
    names = ("status", "fees_paid", "burned", "paid_away_bps", "bond", "bond_held", "bond_leaving", "slas_kept")
    assert [first[name] for name in names] == ["suspended", 12, 8, 100, 5_000, 0, 0, 1]
    assert [second[name] for name in names] == ["active", 0, 0, 0, 7, 0, 7, 0]
    assert (first["bond_leaves_at"], first["open_disputes"]) == (None, 0)
    assert second["bond_leaves_at"] > cli.served.time() + 604_000 - 3_600
    lines = cli.text("stats", network).splitlines()
    section = lines[lines.index("guarantees") :]
    slashed = next(line for line in section if line.startswith("  slashed"))
    assert slashed.split(maxsplit=2) == ["slashed", "0.005", "taken from bonds by disputes"]


def test_everything_is_explained_when_asked(cli: Cli) -> None:
    cli.served.do(history(cli.fleet))
    facts = cli.json("stats", cli.network, "--explain")
    legend = facts.pop("legend")
    assert facts == cli.json("stats", cli.network)
    assert [list(each) for each in legend] == [["number", "proves", "does_not_prove"]] * len(legend)
    numbers = {number for each in legend for number in each["number"].split(", ")}
    of_device = {"bond", "slas_kept", "slas_missed", "open_disputes", "fees_paid", "burned", "paid_away_bps"}
    assert {"jobs", "units", "units_sold", "units_self_sold", "revenue", "rewards", "utilisation"} | of_device < numbers
    assert numbers <= {*facts, *facts["guarantees"], *facts["devices"][0]}
    lines = cli.text("stats", cli.network, "--explain").splitlines()
    assert len(lines[lines.index("legend") :]) == 2 + len(legend)


def test_a_long_list_is_cut_for_people_only(cli: Cli) -> None:
    devices = cli.served.do(history(cli.fleet))
    lines = cli.text("stats", cli.network, "--rows", 1).splitlines()
    assert lines[-1] == "  and 2 more"
    assert [device for device in devices if device in "\n".join(lines)] == devices[:1]
    assert len(cli.json("stats", cli.network, "--rows", 1)["devices"]) == 3


def test_an_empty_network(cli: Cli) -> None:
    lines = cli.text("stats", cli.network).splitlines()
    assert lines[-2:] == ["devices", "  none"]
