"""The scenario of devices that cheat: what it comes to, that honest devices stay out of it, and what it says."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from worktab.core.money import charge
from worktab.demo import __main__ as command
from worktab.demo import digits
from worktab.demo.cheating.cast import CAST, Cheat, CheatingRuntime
from worktab.demo.cheating.challenges import Rerun
from worktab.demo.cheating.court import judge_all
from worktab.demo.cheating.outcome import Missed, Purse, Standing, standing
from worktab.demo.cheating.report import CheatReport, DeviceFacts
from worktab.demo.cheating.scene import scene
from worktab.demo.cheating.show import show
from worktab.demo.cheating.story import run_cheats
from worktab.demo.getting_paid import Claimed
from worktab.demo.stage import Costs
from worktab.program.generated.accounts import Dispute, Sla
from worktab.roles.accusations import DisputeFinding, DisputeVerdict
from worktab.roles.disputes import Challenger
from worktab.roles.sla_standing import SlaOutcome
from worktab.trust.challenging import Fault
from worktab.trust.evidence import evidence_of
from worktab.trust.receipts import ReceiptBook
from worktab.work.wasm import FUEL_LIMIT, WasmRuntime

FUEL = 111 + 64_996
"""Work units of a job of one image."""
PRICE = 2 * FUEL
REWARD = 3 * FUEL
BOND, DEPOSIT, TAB = 1_000_000, 100_000, 2_000_000
SLASH = BOND // 2
PENALTY = PRICE // 2
LANE = 2 * 200_000
"""What the consumer sets aside for a device: two jobs of at most 100,000 units."""

FEE, BURN = 6_510, 2_604
SIGNATURE = 5_000
HONEST = tuple(replace(part, cheat=None) for part in CAST)


def rent(size: int) -> int:
    """Lamports that an account of so many bytes holds."""
    return (128 + size) * 6_960


def run_again(image: int) -> bytes:
    """What the job really finds in an image."""
    input = digits.encode_input([digits.load_images()[image]])
    return WasmRuntime().run(digits.load_module(), input, fuel_limit=FUEL_LIMIT).output


@pytest.fixture(scope="module")
def caught(tmp_path_factory: pytest.TempPathFactory) -> CheatReport:
    """The whole scenario."""
    return asyncio.run(run_cheats(tmp_path_factory.mktemp("cheats")))


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> CheatReport:
    """The same with nobody who cheats."""
    return asyncio.run(run_cheats(tmp_path_factory.mktemp("honest"), cast=HONEST))


def test_each_cheat_is_found_by_running_its_record_again(caught: CheatReport) -> None:
    found = [
        (caught.names[each.device], each.by, each.suspect.seq, each.suspect.fault, each.suspect.shown.record.units)
        for each in (case.accused for case in caught.cases)
    ]
    assert found == [
        ("liar", "the consumer", 3, Fault.DIFFERS, FUEL),
        ("inflater", "a stranger", 3, Fault.DIFFERS, 10 * FUEL),
        ("repeater", "a stranger", 3, Fault.REPEATED, FUEL),
    ]
    # The devices have three images each, in order; the repeater's third job is its first.
    true = [run_again(image) for image in (8, 11, 12)]
    lie = bytes([(true[0][0] + 1) % 10]) + true[0][1:]
    stated = [case.accused.suspect.shown.record.output for case in caught.cases]
    assert stated == [sha256(output).digest() for output in (lie, *true[1:])]
    assert [case.accused.rerun for case in caught.cases] == [Rerun(sha256(each).hexdigest(), FUEL) for each in true]
    # The consumer ran its three purchases again, the stranger all 18 records but the one that repeats another.
    assert (caught.challenges.examined, caught.challenges.executed) == (21, 20)
    assert [caught.names[each] for each in caught.challenges.cleared] == ["phone", "sensor", "absentee"]
    assert [caught.names[each] for each in caught.challenges.known] == ["liar"]


def test_two_of_three_attestors_decide(caught: CheatReport) -> None:
    findings = (DisputeFinding.DIFFERS, DisputeFinding.DIFFERS, DisputeFinding.REPEATED)
    assert [case.votes for case in caught.cases] == [((0, each), (1, each)) for each in findings]
    assert [case.verdict for case in caught.cases] == [DisputeVerdict.GUILTY] * 3


def test_each_bond_goes_to_consumer_challenger_and_pool(caught: CheatReport) -> None:
    moved = [
        (each.deposit_back, each.to_consumer, each.to_challenger, each.to_pool, each.forfeited, each.to_bond)
        for each in (case.resolved for case in caught.cases)
    ]
    assert moved == [
        (DEPOSIT, PRICE, DEPOSIT, SLASH - PRICE - DEPOSIT, REWARD, 0),
        (DEPOSIT, 0, DEPOSIT, SLASH - DEPOSIT, 12 * FUEL, 0),
        (DEPOSIT, 0, DEPOSIT, SLASH - DEPOSIT, REWARD, 0),
    ]
    liar, inflater, repeater = caught.devices[2:5]
    assert [each.before.rewards for each in (liar, inflater, repeater)] == [REWARD, 12 * FUEL, REWARD]
    guilty = Standing(BOND - SLASH, 0, 0, 0, suspended=True)
    # What consumers paid stays with the liar; its bond made up for it.
    assert [each.after for each in (liar, inflater, repeater)] == [replace(guilty, earnings=PRICE), guilty, guilty]
    assert [each.wallet for each in (liar, inflater, repeater)] == [PRICE - FEE - BURN, 0, 0]


def test_the_consumer_has_its_money_back(caught: CheatReport) -> None:
    assert caught.paid == {"phone": PRICE, "liar": PRICE, "absentee": PRICE}
    free = TAB - 3 * LANE + PRICE + DEPOSIT + PENALTY
    assert caught.consumer == Purse(free, 3 * (LANE - PRICE))
    assert caught.stranger == Purse(TAB + 2 * DEPOSIT, 0)
    assert caught.whole


def test_honest_devices_are_untouched_and_paid(caught: CheatReport) -> None:
    assert (charge(PRICE, 500, 200).fee, charge(PRICE, 500, 200).burn) == (FEE, BURN)
    phone, sensor, absentee = caught.devices[0], caught.devices[1], caught.devices[5]
    for device, earnings in ((phone, PRICE), (sensor, 0)):
        assert device.before == device.after == Standing(BOND, 0, REWARD, earnings, suspended=False)
    paid = REWARD + PRICE - FEE - BURN
    assert phone.claimed == absentee.claimed == Claimed(PRICE, FEE, BURN, REWARD, paid)
    assert [each.wallet for each in (phone, sensor, absentee)] == [paid, REWARD, paid]
    # Who went away loses the penalty and nothing else.
    assert absentee.before == Standing(BOND, PRICE, REWARD, PRICE, suspended=False)
    assert absentee.after == Standing(BOND - PENALTY, 0, REWARD, PRICE, suspended=False)


def test_the_bond_pays_for_the_sla_that_was_missed(caught: CheatReport) -> None:
    assert caught.missed == Missed(2 * PRICE, PRICE, 5_000, PENALTY, SlaOutcome.MISSED)


def test_it_adds_up(caught: CheatReport) -> None:
    bonds, pool, consumer, stranger, owners = caught.sums
    assert (bonds.whole, pool.whole) == (3 * SLASH + PENALTY, 3 * SLASH - PRICE - 3 * DEPOSIT + 18 * FUEL)
    assert consumer.whole == TAB + DEPOSIT + PRICE + PENALTY
    assert stranger.whole == TAB + 2 * DEPOSIT
    assert owners.parts == {"rewards": 3 * REWARD, "earnings less fee and burn": 3 * (PRICE - FEE - BURN)}
    assert all(each.holds for each in caught.sums)
    worked, disputed, decided, claimed = caught.ledgers.values()
    assert [each.deposits for each in (worked, disputed, decided, claimed)] == [0, 3 * DEPOSIT, 0, 0]
    assert [each.bonds for each in (worked, decided)] == [6 * BOND, 6 * BOND - 3 * SLASH - PENALTY]
    assert worked.vault == disputed.vault == decided.vault == 6 * BOND + 2 * TAB + 6 * BOND
    assert claimed.vault == decided.vault - sum(each.wallet for each in caught.devices) - 3 * BURN
    assert all(each.holds and each.surplus == 0 for each in caught.ledgers.values())
    assert caught.holds


def test_what_checking_costs(caught: CheatReport) -> None:
    # A dispute is signed by relay and challenger; the consumer's shows a receipt, whose signature is checked natively.
    # Votes are signed by relay and attestor. Accounts of the guilty stay, so that nobody is punished twice.
    assert caught.costs["opening disputes"] == Costs(3, 7 * SIGNATURE, 3 * rent(Dispute.SIZE))
    assert caught.costs["voting and resolving"] == Costs(9, (6 * 2 + 3) * SIGNATURE, 0)
    assert caught.costs["ending the SLA"] == Costs(1, SIGNATURE, -rent(Sla.SIZE))
    assert caught.checking_fees == 22 * SIGNATURE
    assert {name: each.count for name, each in caught.units.items()} == {
        "deposit_bond": 6,
        "open_sla": 1,
        "enforce_sla": 1,
        "open_dispute": 3,
        "vote_dispute": 6,
        "resolve_dispute": 3,
    }
    assert all(0 < each.least <= each.most < 20_000 for each in caught.units.values())
    assert caught.challenges.cpu_ns > 0
    assert caught.attestors_cpu_ns > 0


def test_nobody_is_convicted_where_nobody_cheats(honest: CheatReport) -> None:
    assert honest.cases == ()
    assert (honest.challenges.accused, honest.challenges.known) == ([], [])
    assert len(honest.challenges.cleared) == 6
    assert (honest.challenges.examined, honest.challenges.executed) == (21, 21)
    assert [each.untouched for each in honest.devices] == [True] * 5 + [False]
    assert [each.after.bond for each in honest.devices] == [BOND] * 5 + [BOND - PENALTY]
    assert [each.claimed.rewards for each in honest.devices] == [REWARD] * 6
    assert honest.ledgers["worked"].pool_free == honest.ledgers["claimed"].pool_free == 6 * BOND - 18 * FUEL
    assert honest.consumer == Purse(TAB - 3 * LANE + PENALTY, 3 * (LANE - PRICE))
    assert "open_dispute" not in honest.units
    assert (honest.checking_fees, honest.holds) == (0, True)


async def test_an_honest_device_in_a_cheats_place_gets_the_deposit(tmp_path: Path) -> None:
    async with scene(HONEST, tmp_path) as made:
        await made.work()
        await made.settle()
        challenger = Challenger(made.stage.sender(), made.stage.operator.address, made.stranger.key)
        accused = made.players[2:5]
        before = [await standing(each) for each in accused]
        for player in accused:
            shop = player.shop
            evidence = evidence_of(shop.spool.entries(), 3, await shop.device.view(), ReceiptBook())
            await challenger.open(shop.address, evidence)
        first, second, third = (await judge_all(made)).done
        assert [each.finding for each in first] == [DisputeFinding.AGREES] * 3
        assert [each.verdict for each in second] == [DisputeVerdict.NOT_GUILTY] * 3
        assert third == ()
        after = [await standing(each) for each in accused]
        assert after == [replace(each, bond=BOND + DEPOSIT) for each in before]
        assert [each.suspended for each in after] == [False] * 3
        assert (await made.stranger.tab()).tab.balance == TAB - 3 * DEPOSIT
        assert (await made.stage.operator.ledger()).holds


def test_a_report_holds_only_if_all_of_it_does(caught: CheatReport, capsys: pytest.CaptureFixture[str]) -> None:
    phone, sensor, liar, *others = caught.devices
    first, *cases = caught.cases

    def devices(*changed: DeviceFacts) -> CheatReport:
        return replace(caught, devices=(*changed, *others))

    touched = replace(phone, after=replace(phone.after, bond=BOND - 1))
    broken = {
        "and nobody else is: BROKEN": replace(caught, cases=tuple(cases)),
        "honest, TOUCHED": devices(touched, sensor, liar),
        "ACTIVE": devices(phone, sensor, replace(liar, after=replace(liar.after, suspended=False))),
        "has its money back: BROKEN": replace(
            caught, cases=(replace(first, resolved=replace(first.resolved, to_consumer=0)), *cases)
        ),
        "less fee and burn: BROKEN": devices(replace(phone, wallet=0), sensor, liar),
        "excused": replace(caught, missed=replace(caught.missed, outcome=SlaOutcome.EXCUSED)),
        "by the stranger = ": replace(caught, stranger=Purse(0, 0)),
        "accounted <= vault: BROKEN": replace(
            caught, ledgers={**caught.ledgers, "claimed": replace(caught.ledgers["claimed"], vault=0)}
        ),
        "Nothing was taken from honest devices: holds": None,
    }
    for text, each in broken.items():
        show(each or caught)
        shown = capsys.readouterr().out
        assert text in shown
        assert ("SOMETHING DOES NOT HOLD." in shown, "Everything holds." in shown) == (each is not None, each is None)
        assert (each or caught).holds is (each is None)


def test_the_report_for_people_and_that_for_programs_agree(
    caught: CheatReport, capsys: pytest.CaptureFixture[str]
) -> None:
    show(caught)
    out = capsys.readouterr().out
    facts = json.loads(json.dumps(caught.as_dict()))
    lines = [" ".join(line.split()) for line in out.splitlines()]
    for each in facts["disputes"]:
        claimed, rerun = each["claimed"], each["run_again"]
        hashes = f"{claimed['output'][:16]} {rerun['output'][:16]} {claimed['units']:,} {rerun['units']:,}"
        assert f"{each['device']} {each['job']} {each['challenger']} {each['fault']} {hashes}" in lines
        assert f"{each['device']}: {each['detail']}." in lines
        votes = (each["votes"].get(str(number), "not needed") for number in (1, 2, 3))
        assert " ".join([each["device"], *votes, each["verdict"]]) in lines
    assert "liar 1 0.130214 0.1 0.269786 0.5 0.195321 suspended" in lines
    assert "inflater 1 0 0.1 0.4 0.5 0.781284 suspended" in lines
    assert "phone 1 1 0.195321 0.195321 0.130214 0.130214 0.316421 honest, untouched" in lines
    assert "absentee 1 0.934893 0.195321 0.195321 0.130214 0.130214 0.316421 went away" in lines
    assert "got 0.130214 back out of its bond, and 0.1 more for its own challenge" in out
    assert "promised results worth 0.260428, delivered 0.130214 and went away: missed" in out
    assert "Checking took 110,000 lamports of fees" in out
    for name, units in facts["compute_units"].items():
        assert f"{name} {units['count']:,} {units['least']:,} {units['most']:,}" in lines
    assert lines[-1].startswith("Everything holds. ")
    assert (facts["caught"], facts["made_whole"], facts["honest_untouched"], facts["holds"]) == (True,) * 4
    assert [each["cheat"] for each in facts["devices"]] == [None, None, *(each.value for each in Cheat), None]
    assert facts["challenge"]["cleared"] == ["phone", "sensor", "absentee"]


def test_a_report_without_cheats_says_so(honest: CheatReport, capsys: pytest.CaptureFixture[str]) -> None:
    show(honest)
    out = capsys.readouterr().out
    assert "Cheating: none." in out
    assert "The consumer bought nothing wrong." in out
    assert "Nothing wrong with: phone, sensor, liar, inflater, repeater, absentee." in out


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--cheat", "--json"]) == 0
    out, err = capsys.readouterr()
    facts = json.loads(out)
    assert ([each["verdict"] for each in facts["disputes"]], facts["holds"], err) == (["guilty"] * 3, True, "")
    for options in (["--jobs", "2"], ["--images-per-job", "1"], ["--module", "a"], ["--input", "a"]):
        assert command.main(["--cheat", *options]) == 2
        assert "--cheat has jobs of its own" in capsys.readouterr().err


def test_a_cheat_lies_about_one_job_only() -> None:
    module, images = digits.load_module(), digits.load_images()
    one, other = (digits.encode_input([image]) for image in images[:2])
    true = [WasmRuntime().run(module, input, fuel_limit=FUEL_LIMIT) for input in (one, other)]
    for cheat in Cheat:
        runtime = CheatingRuntime(cheat, one)
        lied, told = (runtime.run(module, input, fuel_limit=FUEL_LIMIT) for input in (one, other))
        assert told == true[1]
        if cheat is Cheat.OUTPUT:
            found = digits.decode_output(true[0].output)[0]
            assert digits.decode_output(lied.output) == (replace(found, digit=(found.digit + 1) % 10),)
            assert lied.fuel == true[0].fuel == FUEL
        elif cheat is Cheat.FUEL:
            assert lied == replace(true[0], fuel=10 * FUEL)
        else:
            assert lied == true[0]
