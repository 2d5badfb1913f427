"""`worktab network`, on a real program behind real HTTP."""

from __future__ import annotations

from typing import Any

from solders.keypair import Keypair

from support.cli import Cli, utc
from support.fleet import CLASS, EPOCH, FUNDS
from support.selling import consumer_of, sell
from worktab.chain.tokens import associated_account
from worktab.core.addresses import find_network
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated.accounts import Network
from worktab.roles.changes import FeeChange
from worktab.roles.claiming import Crank
from worktab.roles.reading import NetworkReader


def read(cli: Cli, address: str | None = None) -> Network:
    from solders.pubkey import Pubkey

    where = cli.fleet.network if address is None else Pubkey.from_string(address)
    return cli.served.do(NetworkReader(cli.fleet.chain, where).network())


def test_create(cli: Cli) -> None:
    guardian, attestors = Keypair().pubkey(), [Keypair().pubkey() for _ in range(3)]
    made = cli.json(
        *("network", "create", "--mint", cli.mint, "--id", 7, "--epoch-length", 7_200),
        *("--class", "rate=2,max-capacity=30,budget=400,least-bond=5,meter=gpu-ms"),
        *("--class", "rate=1, max-capacity=1, budget=1"),
        *("--path", "roots", "--admission", "--fee-bps", 100, "--burn-bps", 50, "--parameter-delay", 60),
        *("--lane-close-delay", 3_700, "--challenge-delay", 90_000, "--unbonding-delay", 91_000),
        *("--guardian", guardian, *(word for each in attestors for word in ("--attestor", each)), "--threshold", 3),
    )
    assert list(made) == ["network", "vault", "transaction"]
    assert made["network"] == str(find_network(PROGRAM_ID, cli.fleet.payer.pubkey(), 7)[0])
    assert made["transaction"]["fee_lamports"] == 5_000
    held = read(cli, made["network"])
    assert (held.authority, held.guardian, str(held.vault)) == (cli.fleet.payer.pubkey(), guardian, made["vault"])
    assert (held.epoch_length, held.reward_path, held.admission) == (7_200, 2, 1)
    assert (held.fee_bps, held.burn_bps) == (100, 50)
    assert (held.parameter_delay, held.lane_close_delay) == (60, 3_700)
    assert (held.challenge_delay, held.unbonding_delay) == (90_000, 91_000)
    assert (list(held.attestors[:3]), held.threshold) == (attestors, 3)
    first, second = held.classes[:2]
    assert (first.meter, first.rate, first.max_capacity, first.budget, first.least_bond) == (3, 2, 30, 400, 5)
    assert (second.meter, second.rate, second.max_capacity, second.budget, second.least_bond) == (1, 1, 1, 1, 0)


def test_create_with_a_basis(cli: Cli) -> None:
    create = ("network", "create", "--mint", cli.mint, "--id")
    assert read(cli, cli.json(*create, 1)["network"]).basis == 1
    assert read(cli, cli.json(*create, 2, "--basis", "all")["network"]).basis == 1
    made = cli.json(*create, 3, "--basis", "sold", "--fee-bps", 200)["network"]
    assert read(cli, made).basis == 2
    shown = cli.json("network", "show", made)
    assert (shown["basis"], shown["fee_bps"], shown["burn_bps"], shown["fees"]) == ("sold_units", 200, 0, 0)
    error = cli.failure(*create, 4, "--basis", "sold", "--path", "roots", code=2)
    assert error["message"] == "Only a network on the path of receipts can reward by units sold"


def test_create_by_a_wallet_whose_fees_another_pays(cli: Cli) -> None:
    creator = Keypair()
    made = cli.json(
        *("network", "create", "--mint", cli.mint),
        *("--keypair", cli.key_file("creator.json", creator), "--fee-payer", cli.payer),
    )
    held = read(cli, made["network"])
    assert (held.authority, held.rent_payer) == (creator.pubkey(), cli.fleet.payer.pubkey())
    assert (held.epoch_length, held.reward_path, held.threshold) == (3_600, 1, 0)


def test_create_refuses_what_is_no_network(cli: Cli) -> None:
    def error(*options: object, code: int = 2) -> dict[str, str]:
        return cli.failure("network", "create", "--mint", cli.mint, *options, code=code)

    assert error("--class", "rate=1,budget=1")["message"] == "This is not a class"
    assert error("--class", "rate=1,rate=2,max-capacity=1,budget=1")["message"] == "This is not a class"
    assert error("--class", "rate=1,max-capacity=1,budget=1,size=3")["message"] == "This is not a class"
    assert error("--class", "rate=-1,max-capacity=1,budget=1")["message"] == "rate is not a whole number"
    assert "gpu-ms" in error("--class", "rate=1,max-capacity=1,budget=1,meter=apples")["expected"]
    short = error("--challenge-delay", 7_200, "--unbonding-delay", 7_199)
    assert (short["message"], short["expected"]) == (
        "--unbonding-delay is too short",
        "the challenge delay, 7200, or more",
    )
    assert error("--guardian", "me")["message"] == "--guardian is not an address"
    assert error("--fee-bps", 70_000)["code"] == "input"
    assert error("--fee-bps", 3_001, code=1)["code"] == "program.invalid_parameter"
    assert cli.failure("network", "create", "--mint", Keypair().pubkey(), code=2)["message"].startswith("There is no")
    cli.json("network", "create", "--mint", cli.mint)
    assert error(code=1)["code"] == "network_exists"


def test_show(cli: Cli) -> None:
    facts = cli.json("network", "show", cli.network)
    held = read(cli)
    expected: dict[str, Any] = {
        "network": cli.network,
        "authority": str(cli.fleet.authority.pubkey()),
        "pending_authority": None,
        "guardian": None,
        "mint": cli.mint,
        "decimals": 6,
        "vault": str(held.vault),
        "created_at": cli.epoch(0),
        "epoch_length": EPOCH,
        "reward_path": "receipts",
        "basis": "all_units",
        "paused": [],
        "admission": False,
        "fee_bps": 0,
        "burn_bps": 0,
        "parameter_delay": 86_400,
        "lane_close_delay": 3_600,
        "challenge_delay": 86_400,
        "unbonding_delay": 604_800,
        "dispute_deposit": 0,
        "slash_bps": 0,
        "attestors": [],
        "threshold": 0,
        "pending_change": None,
        "epoch": 0,
        "epoch_ends_at": cli.epoch(1),
        "devices_registered": 0,
        "jobs": 0,
        "units": 0,
        "utilisation": {"units": 0, "capacity": 0, "bps": 0},
        "units_sold": 0,
        "units_self_sold": 0,
        "revenue": 0,
        "fees_paid": 0,
        "burned": 0,
        "paid_away_bps": 0,
        "earnings_owed": 0,
        "fees": 0,
        "rewards": 0,
        "rewards_owed": 0,
        "pool_free": FUNDS,
        "classes": [
            {
                "class": 0,
                "meter": "wasm_fuel",
                "rate": CLASS.rate,
                "max_capacity": CLASS.max_capacity,
                "least_bond": 0,
                "budget": CLASS.budget,
                "budget_left": CLASS.budget,
                "devices": 0,
                "utilisation": {"units": 0, "capacity": 0, "bps": 0},
                "next_capacity": 0,
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
        "ledger": {
            "pool_free": FUNDS,
            "pool_owed": 0,
            "device_rewards": 0,
            "root_owed": 0,
            "fees": 0,
            "device_earnings": 0,
            "tab_balances": 0,
            "lane_reserves": 0,
            "bonds": 0,
            "deposits": 0,
            "accounted": FUNDS,
            "vault": FUNDS,
            "surplus": 0,
            "root_total": 0,
            "root_claimed": 0,
            "holds": True,
        },
    }
    assert facts == expected
    assert list(facts) == list(expected)


def test_show_for_people(cli: Cli) -> None:
    lines = cli.text("network", "show", cli.network).splitlines()
    assert lines[0] == f"network             {cli.network}"
    assert f"created at          {utc(cli.epoch(0))}" in lines
    assert "pool free           10" in lines
    [row] = [line.split() for line in lines if line.startswith("     0  wasm_fuel")]
    assert row == ["0", "wasm_fuel", "2,000,000", "1,000,000", "0", "1", "1", "0", "0", "of", "0", "(0.00", "%)", "0"]
    assert lines[-1] == "  holds            yes"


def test_fund(cli: Cli) -> None:
    cli.give(cli.fleet.payer.pubkey(), 5_000_000)
    funded = cli.json("network", "fund", cli.network, "1.25")
    assert (funded["amount"], funded["surplus"]) == (1_250_000, 0)
    assert read(cli).pool_free == FUNDS + 1_250_000

    stray = cli.give(cli.fleet.network, 3)
    assert str(stray) == cli.json("network", "show", cli.network)["vault"]
    assert cli.text("network", "fund", cli.network, "0").splitlines()[1:3] == ["amount   0", "surplus  0.000003"]
    assert read(cli).pool_free == FUNDS + 1_250_003


def test_fund_from_another_account(cli: Cli) -> None:
    source = cli.give(cli.fleet.authority.pubkey(), 10)
    wallet = ("--keypair", cli.authority, "--fee-payer", cli.payer)
    assert cli.json("network", "fund", cli.network, "0.00001", "--source", source, *wallet)["amount"] == 10
    error = cli.failure("network", "fund", cli.network, "0.000001", "--source", source, *wallet)
    assert error["code"] == "not_enough_tokens"


def test_fund_refuses_amounts_that_are_not_there_or_not_meant(cli: Cli) -> None:
    error = cli.failure("network", "fund", cli.network, "2.5")
    assert (error["code"], error["expected"], error["got"]) == ("not_enough_tokens", "2.5 tokens", "0")
    assert cli.mint in error["next_step"]
    for amount in ("0.0000001", "1,5", "1e3", "abc"):
        assert cli.failure("network", "fund", cli.network, amount, code=2)["code"] == "input"


async def earned_fees(cli: Cli) -> None:
    """A network that charges 1 % and burns 0.5 %, and a device that claimed what it sold for 1,000 base units."""
    fleet = cli.fleet
    await fleet.operator.propose_update(FeeChange(100, 50))
    await fleet.clock.advance(86_400)
    await fleet.operator.apply_update()
    device = await fleet.device()
    await sell(fleet, device.device, 1_000, 9)
    await Crank(fleet.sender, fleet.network).claim([device.device])


def test_collect_fees(cli: Cli) -> None:
    wallet = ("--keypair", cli.authority, "--fee-payer", cli.payer)
    collect = ("network", "collect-fees", cli.network, *wallet)
    nothing = cli.json(*collect)
    assert nothing == {"network": cli.network, "collected": 0, "transaction": None}

    cli.served.do(earned_fees(cli))
    shown = cli.json("network", "show", cli.network)
    assert (shown["fees"], shown["ledger"]["fees"], shown["fee_bps"], shown["burn_bps"]) == (10, 10, 100, 50)
    assert cli.failure("network", "collect-fees", cli.network)["code"] == "program.unauthorized"
    assert cli.failure(*collect, "--to", "me", code=2)["message"] == "--to is not an address"
    authority = cli.fleet.authority.pubkey()
    assert cli.served.do(cli.fleet.mint.balance(authority)) == 0
    vault = cli.served.do(cli.fleet.vault())
    collected = cli.json(*collect)
    assert (collected["collected"], list(collected)) == (10, ["network", "collected", "transaction"])
    assert cli.served.do(cli.fleet.mint.balance(authority)) == 10
    assert cli.served.do(cli.fleet.vault()) == vault - 10
    after = cli.json("network", "show", cli.network)
    assert (after["fees"], after["ledger"]["holds"]) == (0, True)
    assert cli.text(*collect).splitlines()[1:] == ["collected    0", "transaction  -"]


def test_collect_fees_elsewhere(cli: Cli) -> None:
    cli.served.do(earned_fees(cli))
    wallet = ("--keypair", cli.authority, "--fee-payer", cli.payer)
    treasury = Keypair().pubkey()
    account = cli.give(treasury, 1)
    assert cli.json("network", "collect-fees", cli.network, "--to", account, *wallet)["collected"] == 10
    assert cli.served.do(cli.fleet.mint.balance(treasury)) == 11


def test_show_counts_tabs_in_the_ledger(cli: Cli) -> None:
    async def buy() -> None:
        device = await cli.fleet.device()
        consumer = await consumer_of(cli.fleet, 1_000)
        await consumer.reserve(device.device, 400)

    cli.served.do(buy())
    ledger = cli.json("network", "show", cli.network)["ledger"]
    assert (ledger["tab_balances"], ledger["lane_reserves"], ledger["holds"]) == (600, 400, True)
    assert ledger["accounted"] == ledger["vault"] == FUNDS + 1_000


def test_pause(cli: Cli) -> None:
    wallet = ("--keypair", cli.authority, "--fee-payer", cli.payer)
    assert cli.json("network", "pause", cli.network, "submit", "register", *wallet)["paused"] == ["register", "submit"]
    assert read(cli).pause == 3
    assert cli.json("network", "pause", cli.network, "all", *wallet)["paused"] == [
        "register",
        "submit",
        "reserve",
        "commit",
        "finalize",
    ]
    assert cli.json("network", "pause", cli.network, "none", *wallet)["paused"] == []
    assert read(cli).pause == 0
    assert cli.failure("network", "pause", cli.network, "all")["code"] == "program.unauthorized"
    assert cli.failure("network", "pause", cli.network, "lunch", code=2)["got"] == "'lunch'"


def test_update(cli: Cli) -> None:
    wallet = ("--keypair", cli.authority, "--fee-payer", cli.payer)

    def propose(*options: object) -> Any:
        earliest = int(cli.served.time()) + 86_400
        cli.json("network", "update", "propose", cli.network, *options, *wallet)
        change = cli.json("network", "show", cli.network)["pending_change"]
        assert earliest <= change.pop("effective_at") <= cli.served.time() + 86_400
        return change

    somebody = str(Keypair().pubkey())
    assert propose("--fees", "100,50") == {"kind": "fees", "fee_bps": 100, "burn_bps": 50}
    assert propose("--class", "1:rate=3,max-capacity=2,budget=1,meter=samples") == {
        "kind": "class",
        "class": 1,
        "meter": "samples",
        "rate": 3,
        "max_capacity": 2,
        "budget": 1,
        "least_bond": 0,
    }
    assert propose("--delays", "60,3600,90000,90001") == {
        "kind": "delays",
        "parameter_delay": 60,
        "lane_close_delay": 3_600,
        "challenge_delay": 90_000,
        "unbonding_delay": 90_001,
    }
    assert propose("--no-admission") == {"kind": "admission", "admission": False}
    assert propose("--guardian", "none") == {"kind": "guardian", "guardian": None}
    assert propose("--reward-path", "roots") == {"kind": "reward_path", "reward_path": "roots"}
    assert propose("--guardian", somebody) == {"kind": "guardian", "guardian": somebody}

    assert cli.failure("network", "update", "apply", cli.network)["code"] == "program.not_due"
    cli.pass_time(86_400)
    assert list(cli.json("network", "update", "apply", cli.network)) == ["network", "transaction"]
    assert str(read(cli).guardian) == somebody

    assert propose("--fees", "1,2") == {"kind": "fees", "fee_bps": 1, "burn_bps": 2}
    assert cli.json("network", "update", "cancel", cli.network, *wallet)["effective_at"] is None
    assert cli.failure("network", "update", "apply", cli.network)["code"] == "program.nothing_pending"
    assert cli.failure("network", "update", "propose", cli.network, *wallet, code=2)["got"] == "0"
    two = ("network", "update", "propose", cli.network, *wallet, "--withdraw-pool", 1, "--no-admission")
    assert cli.failure(*two, code=2)["got"] == "2"


def test_disputes_are_set_and_changed(cli: Cli) -> None:
    wallet = ("--keypair", cli.authority, "--fee-payer", cli.payer)
    create = ("network", "create", "--mint", cli.mint, "--id", 1)
    made = cli.json(*create, "--dispute-deposit", "2.5", "--slash-bps", 10_000)["network"]
    shown = cli.json("network", "show", made)
    assert (shown["dispute_deposit"], shown["slash_bps"]) == (2_500_000, 10_000)
    assert "dispute deposit     2.5" in cli.text("network", "show", made).splitlines()
    assert cli.failure(*create, "--dispute-deposit", "0.0000001", code=2)["code"] == "input"

    def propose(*options: object) -> Any:
        cli.json("network", "update", "propose", cli.network, *options, *wallet)
        change = cli.json("network", "show", cli.network)["pending_change"]
        del change["effective_at"]
        return change

    assert propose("--slash-bps", 7) == {"kind": "disputes", "dispute_deposit": 0, "slash_bps": 7}
    both = propose("--dispute-deposit", "1", "--slash-bps", 5_000)
    assert both == {"kind": "disputes", "dispute_deposit": 1_000_000, "slash_bps": 5_000}
    cli.pass_time(86_400)
    cli.json("network", "update", "apply", cli.network)
    assert propose("--dispute-deposit", 0) == {"kind": "disputes", "dispute_deposit": 0, "slash_bps": 5_000}
    held = read(cli)
    assert (held.dispute_deposit, held.slash_bps) == (1_000_000, 5_000)


def test_the_pool_is_taken_back(cli: Cli) -> None:
    wallet = ("--keypair", cli.authority, "--fee-payer", cli.payer)
    propose = ("network", "update", "propose", cli.network, *wallet)
    heir = Keypair().pubkey()
    account = str(associated_account(heir, cli.fleet.mint.address, cli.fleet.mint.program))
    assert cli.failure(*propose, "--no-admission", "--to", heir, code=2)["message"] == "--to goes with --withdraw-pool"
    assert cli.failure(*propose, "--withdraw-pool", 1, "--to", account, code=2)["got"] == "no account"
    assert cli.failure("network", "update", "propose", cli.network, "--withdraw-pool", 1)["code"] == (
        "program.unauthorized"
    )

    announced = cli.json(*propose, "--withdraw-pool", "1.5", "--to", heir)
    pending = cli.json("network", "show", cli.network)["pending_change"]
    assert pending == {
        "kind": "withdraw_pool",
        "amount": 1_500_000,
        "to": account,
        "effective_at": announced["effective_at"],
    }
    lines = cli.text("network", "show", cli.network).splitlines()
    at = lines.index("pending change")
    assert [line.split(maxsplit=1) for line in lines[at + 1 : at + 4]] == [
        ["kind", "withdraw_pool"],
        ["amount", "1.5"],
        ["to", account],
    ]
    assert lines[at + 4].split() == ["effective", "at", *utc(announced["effective_at"]).split()]
    assert cli.failure("network", "update", "apply", cli.network)["code"] == "program.not_due"
    cli.pass_time(86_400)
    paid = cli.json("network", "update", "apply", cli.network)
    assert list(paid) == ["network", "withdrawn", "to", "transaction"]
    assert (paid["withdrawn"], paid["to"]) == (1_500_000, account)
    assert cli.served.do(cli.fleet.mint.balance(heir)) == 1_500_000
    shown = cli.json("network", "show", cli.network)
    assert (shown["pool_free"], shown["ledger"]["vault"]) == (FUNDS - 1_500_000, FUNDS - 1_500_000)
    assert (shown["pending_change"], shown["ledger"]["holds"]) == (None, True)


def test_the_pool_goes_to_the_wallets_own_account_otherwise(cli: Cli) -> None:
    wallet = ("--keypair", cli.authority, "--fee-payer", cli.payer)
    authority = cli.fleet.authority.pubkey()
    own = associated_account(authority, cli.fleet.mint.address, cli.fleet.mint.program)
    before = cli.served.do(cli.fleet.mint.balance(authority))
    cli.json("network", "update", "propose", cli.network, *wallet, "--withdraw-pool", 1_000_000)
    cli.pass_time(86_400)
    lines = cli.text("network", "update", "apply", cli.network).splitlines()
    assert lines[1:3] == ["withdrawn  10", f"to         {own}"]
    assert cli.served.do(cli.fleet.mint.balance(authority)) == before + FUNDS
    assert read(cli).pool_free == 0


def test_attestors_come_and_go(cli: Cli) -> None:
    wallet = ("--keypair", cli.authority, "--fee-payer", cli.payer)
    keys = [str(Keypair().pubkey()) for _ in range(4)]

    def propose(*options: object) -> Any:
        return cli.json("network", "update", "propose", cli.network, *options, *wallet)

    def shown() -> tuple[list[str], int, Any]:
        facts = cli.json("network", "show", cli.network)
        if facts["pending_change"] is not None:
            del facts["pending_change"]["effective_at"]
        return facts["attestors"], facts["threshold"], facts["pending_change"]

    for count, (key, threshold) in enumerate(zip(keys, (1, 2, 2, 3), strict=True)):
        assert propose("--add-attestor", key)["effective_at"] >= int(cli.served.time()) + 86_399
        assert shown()[2] == {"kind": "add_attestor", "attestor": key, "threshold": threshold}
        cli.pass_time(86_400)
        cli.json("network", "update", "apply", cli.network)
        assert shown() == (keys[: count + 1], threshold, None)
    propose("--threshold", 4)
    assert shown()[2] == {"kind": "threshold", "threshold": 4}
    # At once, and what waits is not touched.
    assert propose("--remove-attestor", keys[1])["effective_at"] is None
    assert shown() == ([keys[0], *keys[2:]], 3, {"kind": "threshold", "threshold": 4})
    cli.pass_time(86_400)
    error = cli.failure("network", "update", "apply", cli.network)
    assert error["code"] == "program.invalid_parameter"
    assert propose("--add-attestor", keys[1], "--threshold", 4)["effective_at"] is not None
    assert shown()[2] == {"kind": "add_attestor", "attestor": keys[1], "threshold": 4}
    for options in (("--remove-attestor", keys[1]), ("--add-attestor", keys[0]), ("--threshold", 1)):
        refused = cli.failure("network", "update", "propose", cli.network, *options, *wallet)
        assert refused["code"] in ("program.not_attestor", "program.invalid_parameter")
    assert version(cli) == 5


def version(cli: Cli) -> int:
    """How often the attestors changed."""
    return read(cli).attestor_version


def test_the_authority_changes_hands(cli: Cli) -> None:
    wallet = ("--keypair", cli.authority, "--fee-payer", cli.payer)
    heir = Keypair()
    made = cli.json("network", "update", "propose", cli.network, "--authority", heir.pubkey(), *wallet)
    assert made["effective_at"] is None
    assert cli.json("network", "show", cli.network)["pending_authority"] == str(heir.pubkey())
    assert cli.failure("network", "update", "accept", cli.network)["code"] == "program.unauthorized"
    key = cli.key_file("heir.json", heir)
    cli.json("network", "update", "accept", cli.network, "--keypair", key, "--fee-payer", cli.payer)
    assert read(cli).authority == heir.pubkey()


def test_a_proposal_is_one_change(cli: Cli) -> None:
    def error(*options: object) -> str:
        return cli.failure("network", "update", "propose", cli.network, *options, code=2)["message"]

    assert error() == "A proposal is one change"
    assert error("--fees", "1,2", "--admission") == "A proposal is one change"
    assert error("--add-attestor", Keypair().pubkey(), "--remove-attestor", cli.mint) == "A proposal is one change"
    assert error("--add-attestor", Keypair().pubkey(), "--fees", "1,2") == "A proposal is one change"
    assert error("--add-attestor", "me") == "--add-attestor is not an address"
    assert error("--remove-attestor", "me") == "--remove-attestor is not an address"
    assert error("--fees", "1") == "These are not the numbers asked for"
    assert error("--delays", "1,2,3,x") == "UNBONDING is not a whole number"
    assert error("--class", "rate=1,max-capacity=1,budget=1") == "class is not a whole number"
    assert error("--authority", "me") == "--authority is not an address"
