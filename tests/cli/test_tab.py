"""`worktab tab`, on a real program behind real HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.cli import Cli, utc
from support.selling import settle
from worktab.core.addresses import find_tab
from worktab.program.generated import PROGRAM_ID
from worktab.roles.consumer import Consumer
from worktab.roles.tabs import TabView

TOKENS = 1_000_000
"""Base units of a whole token."""
DELAY = 3_600
"""Seconds a lane of the network takes to close."""


class Buyer:
    """A consumer without lamports, whose fees and rent the payer sponsors."""

    def __init__(self, cli: Cli, tokens: int) -> None:
        self.cli, self.key = cli, Keypair()
        cli.give(self.key.pubkey(), tokens)
        self.file = cli.key_file("buyer.json", self.key)
        self.wallet = ("--keypair", self.file, "--fee-payer", cli.payer)

    @property
    def address(self) -> str:
        return str(self.key.pubkey())

    def tab(self, *args: object) -> Any:
        return self.cli.json("tab", *args, *self.wallet)

    def refused(self, *args: object, code: int = 1) -> dict[str, str]:
        return self.cli.failure("tab", *args, *self.wallet, code=code)

    def held(self) -> int:
        """Base units in its own token account."""
        return self.cli.served.do(self.cli.fleet.mint.balance(self.key.pubkey()))

    def lamports(self) -> int:
        return self.cli.served.do(self.cli.fleet.lamports(self.key.pubkey()))

    def view(self) -> TabView:
        return self.cli.served.do(self.cli.fleet.operator.reader.tab(self.key.pubkey()))

    def money(self) -> tuple[int, int, int]:
        """Base units in its account, in the tab's balance and on its lanes."""
        view = self.view()
        return self.held(), view.tab.balance, view.reserved


@pytest.fixture
def buyer(cli: Cli) -> Buyer:
    """A consumer with 30 tokens and no tab."""
    return Buyer(cli, 30 * TOKENS)


@pytest.fixture
def open_tab(cli: Cli, buyer: Buyer) -> Buyer:
    """A consumer with 10 tokens, and 20 in an open tab."""
    buyer.tab("open", cli.network, "--deposit", 20)
    return buyer


def device(cli: Cli, **terms: Any) -> str:
    return str(cli.served.do(cli.fleet.device(**terms)).device)


def agent(cli: Cli, name: str = "agent.json") -> tuple[str, Any]:
    key = Keypair()
    return str(key.pubkey()), cli.key_file(name, key)


def test_open_with_a_deposit(cli: Cli, buyer: Buyer) -> None:
    tab = str(find_tab(PROGRAM_ID, cli.fleet.network, buyer.key.pubkey())[0])
    vault = cli.served.do(cli.fleet.vault())
    made = buyer.tab("open", cli.network, "--deposit", "12.5")
    assert [each["fee_lamports"] for each in made.pop("transactions")] == [10_000, 10_000]
    assert made == {
        "tab": tab,
        "network": cli.network,
        "consumer": buyer.address,
        "opened": True,
        "deposited": 12_500_000,
    }
    assert buyer.money() == (17_500_000, 12_500_000, 0)
    assert cli.served.do(cli.fleet.vault()) == vault + 12_500_000
    assert buyer.lamports() == 0
    assert buyer.view().tab.rent_payer == cli.fleet.payer.pubkey()

    again = buyer.tab("open", cli.network)
    assert (again["opened"], again["deposited"], again["transactions"]) == (False, 0, [])
    assert buyer.money() == (17_500_000, 12_500_000, 0)


def test_open_refuses_before_anything_happens(cli: Cli, buyer: Buyer) -> None:
    error = buyer.refused("open", cli.network, "--deposit", "30.000001")
    assert (error["code"], error["expected"], error["got"]) == ("not_enough_tokens", "30.000001 tokens", "30")
    assert buyer.refused("open", cli.network, "--deposit", "0.0000001", code=2)["code"] == "input"
    assert buyer.refused("open", cli.mint)["code"] == "network_not_found"
    assert buyer.refused("open", "here", code=2)["message"] == "NETWORK is not an address"
    assert buyer.refused("show", cli.network)["code"] == "tab_not_found"
    assert buyer.held() == 30 * TOKENS


def test_what_was_sent_is_a_table(cli: Cli, buyer: Buyer) -> None:
    shown = cli.text("tab", "open", cli.network, "--deposit", 1, *buyer.wallet)
    assert "{" not in shown
    lines = shown.splitlines()
    start = lines.index("transactions")
    assert lines[start + 1].split() == ["signature", "slot", "fee", "lamports"]
    assert [line.split()[2] for line in lines[start + 2 :]] == ["10,000", "10,000"]


def test_nothing_is_no_amount(cli: Cli, open_tab: Buyer) -> None:
    where, somebody = device(cli), agent(cli)[0]
    commands: tuple[tuple[str, tuple[object, ...]], ...] = (
        ("--deposit", ("open", cli.network, "--deposit", "0")),
        ("AMOUNT", ("deposit", cli.network, "0.0")),
        ("AMOUNT", ("withdraw", cli.network, 0)),
        ("AMOUNT", ("reserve", where, 0)),
        ("--allowance", ("delegate", cli.network, somebody, "--allowance", 0)),
        ("--lane-limit", ("delegate", cli.network, somebody, "--allowance", 1, "--lane-limit", 0)),
        ("--per-period", ("delegate", cli.network, somebody, "--allowance", 1, "--per-period", 0, "--period", 60)),
    )
    before = open_tab.money()
    for name, command in commands:
        error = open_tab.refused(*command, code=2)
        assert (error["message"], error["expected"]) == (f"{name} is nothing", "an amount above 0")
        assert error["next_step"] == f"Raise {name}"
    own = open_tab.refused("delegate", cli.network, open_tab.address, "--allowance", 1, code=2)
    assert (own["expected"], own["got"]) == ("another key", open_tab.address)
    assert open_tab.money() == before
    assert [each.status for each in open_tab.view().tab.delegates] == [0] * 4


def test_deposit_into_ones_own_tab_and_into_anothers(cli: Cli, open_tab: Buyer) -> None:
    made = open_tab.tab("deposit", cli.network, "2.5")
    assert (made["deposited"], made["balance"], made["consumer"]) == (2_500_000, 22_500_000, open_tab.address)
    assert open_tab.money() == (7_500_000, 22_500_000, 0)

    payer = cli.fleet.payer.pubkey()
    cli.give(payer, 3 * TOKENS)
    made = cli.json("tab", "deposit", cli.network, 1, "--tab-of", open_tab.address)
    assert (made["deposited"], made["balance"], made["consumer"]) == (1_000_000, 23_500_000, open_tab.address)
    assert cli.served.do(cli.fleet.mint.balance(payer)) == 2 * TOKENS
    assert open_tab.money() == (7_500_000, 23_500_000, 0)

    assert open_tab.refused("deposit", cli.network, 8)["code"] == "not_enough_tokens"
    assert cli.failure("tab", "deposit", cli.network, 1)["code"] == "tab_not_found"
    assert open_tab.refused("deposit", cli.network, "1,5", code=2)["code"] == "input"
    assert open_tab.money() == (7_500_000, 23_500_000, 0)


def test_withdraw_a_part_and_the_rest(cli: Cli, open_tab: Buyer) -> None:
    open_tab.tab("reserve", device(cli), 5)
    part = open_tab.tab("withdraw", cli.network, "2.5")
    assert (part["withdrawn"], part["balance"]) == (2_500_000, 12_500_000)
    assert part["destination"] == str(cli.fleet.mint.account_of(open_tab.key.pubkey()))
    assert open_tab.money() == (12_500_000, 12_500_000, 5_000_000)

    error = open_tab.refused("withdraw", cli.network, "12.500001")
    assert error["code"] == "program.insufficient_balance"
    assert open_tab.money() == (12_500_000, 12_500_000, 5_000_000)

    elsewhere = cli.give(Keypair().pubkey(), 1)
    rest = open_tab.tab("withdraw", cli.network, "--to", elsewhere)
    assert (rest["withdrawn"], rest["balance"], rest["destination"]) == (12_500_000, 0, str(elsewhere))
    assert open_tab.money() == (12_500_000, 0, 5_000_000)
    nothing = open_tab.tab("withdraw", cli.network)
    assert (nothing["withdrawn"], nothing["transaction"]) == (0, None)


def test_show(cli: Cli, open_tab: Buyer) -> None:
    where = device(cli)
    first = open_tab.tab("reserve", where, 5)["lane"]
    second = open_tab.tab("reserve", where, "0.5")["lane"]
    consumer = Consumer(cli.fleet.sender, cli.fleet.network, open_tab.key)
    cli.served.do(settle(consumer, Pubkey.from_string(where), first, 1_250_000, 77))
    key, file = agent(cli)
    limits = ("--allowance", 9, "--per-period", 4, "--period", 86_400, "--lane-limit", 3, "--classes", "0,2")
    slot = open_tab.tab("delegate", cli.network, file, *limits)["slot"]
    spender = ("--tab-of", open_tab.address, "--keypair", file, "--fee-payer", cli.payer)
    third = cli.json("tab", "reserve", where, 1, *spender)["lane"]
    closes = open_tab.tab("release", cli.network, second)["may_end_at"]

    lane = {"index": 0, "device": where, "paid": 0, "units": 0, "signer": open_tab.address, "may_end_at": None}
    expected = {
        "tab": str(open_tab.view().address),
        "network": cli.network,
        "consumer": open_tab.address,
        "balance": 13_500_000,
        "reserved": 5_250_000,
        "spent": 1_250_000,
        "deposited": 20_000_000,
        "withdrawn": 0,
        "lanes": [
            lane | {"nonce": first, "paid": 1_250_000, "reserved": 3_750_000, "units": 77},
            lane | {"nonce": second, "reserved": 500_000, "may_end_at": closes},
            lane | {"nonce": third, "reserved": 1_000_000, "signer": key},
        ],
        "delegates": [
            {
                "slot": slot,
                "key": key,
                "status": "active",
                "expired": False,
                "allowance": 8_000_000,
                "period_left": 3_000_000,
                "period_ends_at": open_tab.view().tab.delegates[slot - 1].set_at + 86_400,
                "lane_limit": 3_000_000,
                "expires_at": 0,
                "classes": [0, 2],
                "lanes": 1,
            }
        ],
    }
    facts = open_tab.tab("show", cli.network)
    assert facts == expected
    assert list(facts) == list(expected)
    assert cli.json("tab", "show", cli.network, "--tab-of", open_tab.address) == expected

    lines = cli.text("tab", "show", cli.network, "--tab-of", open_tab.address).splitlines()
    assert "balance    13.5" in lines
    assert "spent      1.25" in lines
    told = [line.split() for line in lines if where in line]
    assert told[0] == [str(first), where, "1.25", "3.75", "77", open_tab.address, "-"]
    assert told[1] == [str(second), where, "0", "0.5", "0", open_tab.address, *utc(closes).split()]
    assert [line for line in lines if f"  {key}  active" in line]


def test_list(cli: Cli, open_tab: Buyer) -> None:
    open_tab.tab("reserve", device(cli), 5)
    open_tab.tab("delegate", cli.network, agent(cli)[0], "--allowance", 1)
    cli.json("tab", "open", cli.network)
    facts = cli.json("tab", "list", cli.network)
    mine = {
        "tab": str(open_tab.view().address),
        "consumer": open_tab.address,
        "balance": 15_000_000,
        "reserved": 5_000_000,
        "spent": 0,
        "lanes": 1,
        "delegates": 1,
    }
    payer = str(cli.fleet.payer.pubkey())
    other = {"tab": facts["tabs"][1]["tab"], "consumer": payer} | dict.fromkeys(list(mine)[2:], 0)
    assert facts == {"network": cli.network, "tabs": [mine, other]}
    assert cli.text("tab", "list", cli.network, "--rows", 1).splitlines()[-2:] == [
        f" {open_tab.address}       15         5      0      1          1",
        "  and 1 more",
    ]
    assert cli.failure("tab", "list", cli.mint)["code"] == "network_not_found"


def test_reserve(cli: Cli, open_tab: Buyer) -> None:
    where = device(cli)
    made = open_tab.tab("reserve", where, "2.5")
    lane = made["lane"]
    assert (made["tab"], made["device"], made["reserved"]) == (str(open_tab.view().address), where, 2_500_000)
    assert open_tab.tab("reserve", where, 1, "--lane", lane)["reserved"] == 3_500_000
    assert open_tab.money() == (10_000_000, 16_500_000, 3_500_000)
    assert len(open_tab.view().lanes) == 1

    other = device(cli)
    assert open_tab.refused("reserve", other, 1, "--lane", lane)["code"] == "program.foreign_lane"
    assert open_tab.refused("reserve", where, 1, "--lane", 7)["code"] == "program.lane_not_found"
    assert open_tab.refused("reserve", where, "16.500001")["code"] == "program.insufficient_balance"
    assert open_tab.refused("reserve", cli.network, 1)["code"] == "device_not_found"
    assert cli.failure("tab", "reserve", where, 1)["code"] == "tab_not_found"
    assert open_tab.money() == (10_000_000, 16_500_000, 3_500_000)


def test_release_waits_and_gives_back_what_was_not_settled(cli: Cli, open_tab: Buyer) -> None:
    where = device(cli)
    lane = open_tab.tab("reserve", where, 5)["lane"]
    earliest = int(cli.served.time()) + DELAY
    started = open_tab.tab("release", cli.network, lane)
    assert (started["ended"], started["returned"]) == (False, 0)
    assert earliest <= started["may_end_at"] <= cli.served.time() + DELAY
    early = open_tab.tab("release", cli.network, lane)
    assert (early["ended"], early["may_end_at"], early["transaction"]) == (False, started["may_end_at"], None)
    lines = cli.text("tab", "release", cli.network, lane, *open_tab.wallet).splitlines()
    assert f"may end at   {utc(started['may_end_at'])}" in lines
    assert open_tab.refused("reserve", where, 1, "--lane", lane)["code"] == "program.lane_closing"

    consumer = Consumer(cli.fleet.sender, cli.fleet.network, open_tab.key)
    cli.served.do(settle(consumer, Pubkey.from_string(where), lane, 2_000_000, 9))
    cli.pass_time(DELAY)
    ended = open_tab.tab("release", cli.network, lane)
    assert (ended["ended"], ended["returned"], ended["may_end_at"]) == (True, 3_000_000, None)
    assert open_tab.money() == (10_000_000, 18_000_000, 0)
    gone = open_tab.tab("release", cli.network, lane)
    assert (gone["ended"], gone["returned"], gone["transaction"]) == (True, 0, None)
    assert (ended["found"], gone["found"]) == (True, False)
    shown = cli.text("tab", "release", cli.network, lane, *open_tab.wallet)
    assert f"lane  {lane}  the tab has none of this nonce: it ended, or never was" in shown.splitlines()
    for nonce in (lane + 1, 2**32 - 1):
        error = open_tab.refused("release", cli.network, nonce)
        assert (error["code"], error["expected"]) == ("program.lane_not_found", f"a nonce below {lane + 1}")
        assert error["message"] == "The tab never had a lane of this nonce"


def test_close(cli: Cli, open_tab: Buyer) -> None:
    assert open_tab.refused("close", cli.network)["code"] == "program.tab_not_empty"
    open_tab.tab("withdraw", cli.network)
    tab, payer = open_tab.view().address, cli.fleet.payer.pubkey()
    rent = cli.served.do(cli.fleet.lamports(tab))
    before = cli.served.do(cli.fleet.lamports(payer))
    closed = open_tab.tab("close", cli.network)
    assert (closed["tab"], closed["closed"]) == (str(tab), True)
    assert cli.served.do(cli.fleet.lamports(tab)) == 0
    assert cli.served.do(cli.fleet.lamports(payer)) == before + rent - closed["transaction"]["fee_lamports"]
    assert open_tab.held() == 30 * TOKENS
    assert open_tab.tab("close", cli.network)["transaction"] is None


def test_a_delegate_spends_within_its_limits(cli: Cli, open_tab: Buyer) -> None:
    key, file = agent(cli)
    where, other = device(cli), device(cli)
    made = open_tab.tab("delegate", cli.network, key, "--allowance", 5, "--lane-limit", 3)
    del made["transaction"]
    assert made == {
        "tab": str(open_tab.view().address),
        "slot": 1,
        "key": key,
        "allowance": 5_000_000,
        "period_limit": None,
        "period_length": None,
        "lane_limit": 3_000_000,
        "expires_at": 0,
        "classes": list(range(8)),
    }
    again = open_tab.tab("delegate", cli.network, file, "--allowance", 5, "--lane-limit", 3)
    assert (again["slot"], again["transaction"]) == (1, None)
    spender = ("--tab-of", open_tab.address, "--keypair", file, "--fee-payer", cli.payer)

    def refused(*args: object) -> str:
        return cli.failure("tab", *args, *spender)["code"]

    lane = cli.json("tab", "reserve", where, 2, *spender)["lane"]
    assert open_tab.money() == (10_000_000, 18_000_000, 2_000_000)
    assert refused("reserve", where, "1.000001", "--lane", lane) == "program.lane_limit_exceeded"
    cli.json("tab", "reserve", where, 1, "--lane", lane, *spender)
    assert refused("reserve", other, "2.000001") == "program.allowance_exceeded"
    assert open_tab.refused("reserve", where, 1, "--lane", lane)["code"] == "program.foreign_lane"
    assert open_tab.money() == (10_000_000, 17_000_000, 3_000_000)

    cli.json("tab", "release", cli.network, lane, *spender)
    cli.pass_time(DELAY)
    assert cli.json("tab", "release", cli.network, lane, *spender)["returned"] == 3_000_000
    assert open_tab.money() == (10_000_000, 20_000_000, 0)
    assert open_tab.tab("show", cli.network)["delegates"][0]["allowance"] == 2_000_000

    keyless = ("--keypair", file, "--fee-payer", cli.payer)
    assert cli.failure("tab", "reserve", where, 1, *keyless)["code"] == "tab_not_found"
    stranger = ("--tab-of", open_tab.address, "--keypair", cli.authority, "--fee-payer", cli.payer)
    assert cli.failure("tab", "reserve", where, 1, *stranger)["code"] == "program.unauthorized"


def test_a_delegate_of_other_classes_or_past_its_time(cli: Cli, open_tab: Buyer) -> None:
    _, file = agent(cli)
    where = device(cli)
    spender = ("--tab-of", open_tab.address, "--keypair", file, "--fee-payer", cli.payer)

    def set_limits(*limits: object) -> Any:
        return open_tab.tab("delegate", cli.network, file, "--allowance", 5, *limits)

    def refused(amount: object) -> str:
        return cli.failure("tab", "reserve", where, amount, *spender)["code"]

    set_limits("--classes", "1,7")
    assert refused(1) == "program.class_not_allowed"
    earliest = int(cli.served.time()) + 500
    made = set_limits("--per-period", 1, "--period", 1_000, "--expires-in", 500)
    assert (made["period_limit"], made["period_length"]) == (1_000_000, 1_000)
    assert earliest <= made["expires_at"] <= cli.served.time() + 500
    assert refused("1.000001") == "program.period_limit_exceeded"
    cli.pass_time(501)
    assert refused(1) == "program.delegate_expired"
    shown = open_tab.tab("show", cli.network)["delegates"][0]
    assert (shown["status"], shown["expired"]) == ("active", True)
    assert open_tab.money() == (10_000_000, 20_000_000, 0)


def test_revoke(cli: Cli, open_tab: Buyer) -> None:
    key, file = agent(cli)
    where = device(cli)
    open_tab.tab("delegate", cli.network, file, "--allowance", 5, "--slot", 3)
    spender = ("--tab-of", open_tab.address, "--keypair", file, "--fee-payer", cli.payer)
    cli.json("tab", "reserve", where, 1, *spender)
    revoked = open_tab.tab("revoke", cli.network, key)
    assert (revoked["delegate"], revoked["revoked"]) == (key, True)
    assert cli.failure("tab", "reserve", where, 1, *spender)["code"] == "program.delegate_revoked"
    shown = open_tab.tab("show", cli.network)["delegates"]
    assert [(each["slot"], each["status"], each["lanes"]) for each in shown] == [(3, "revoked", 1)]
    assert open_tab.tab("revoke", cli.network, file)["revoked"] is False

    open_tab.tab("delegate", cli.network, agent(cli, "other.json")[0], "--allowance", 5)
    by_slot = open_tab.tab("revoke", cli.network, 1)
    assert (by_slot["delegate"], by_slot["revoked"]) == (1, True)
    assert [each["slot"] for each in open_tab.tab("show", cli.network)["delegates"]] == [3]


def test_delegates_that_cannot_be(cli: Cli, open_tab: Buyer) -> None:
    key, _ = agent(cli)

    def refused(*limits: object, code: int = 1) -> dict[str, str]:
        return open_tab.refused("delegate", cli.network, key, *limits, code=code)

    needs_both = refused("--allowance", 1, "--period", 60, code=2)
    assert needs_both["expected"] == "--per-period and --period"
    assert refused("--allowance", 1, "--per-period", 1, code=2) == needs_both
    assert refused("--allowance", 1, "--classes", "0,8", code=2)["message"] == "There is no such class"
    assert refused("--allowance", 1, "--classes", "x", code=2)["message"] == "class is not a whole number"
    nobody = open_tab.refused("delegate", cli.network, cli.folder / "none.json", "--allowance", 1)
    assert nobody["code"] == "storage"
    for number in range(4):
        open_tab.tab("delegate", cli.network, agent(cli, f"{number}.json")[0], "--allowance", 1)
    assert refused("--allowance", 1)["code"] == "no_free_slot"
    assert len(open_tab.tab("show", cli.network)["delegates"]) == 4
