"""The steps of a network's life in their order, and by which error each is refused at a time that is not its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

from support import changes
from support.earning import burning
from support.edges_life import CHALLENGE, DELAY, TIME_ENDS, UNBONDING, Life
from support.edges_trust import AGREES
from support.parties import EPOCH
from support.svm import Instructions, Result
from support.world import World
from worktab.program.generated.errors import ERRORS
from worktab.program.generated.types import Change

ABSENT: Final = "AccountDataTooSmall"
"""What a step finds where the one before it made no account."""
TYPED: Final = {error.name for error in ERRORS.values()} | {ABSENT, ""}
"""What may come of a step."""
_U32, _YEAR, _LANE_CLOSE, _AHEAD = (1 << 32) - 1, 31_536_000, 3_600, 300


@dataclass(frozen=True, slots=True)
class Step:
    """An instruction, its refusal, if any, when the clock shows a time, and how long after the step before it comes."""

    name: str
    make: Callable[[Life], Instructions]
    refusal: Callable[[Life, int], str] = lambda life, clock: ""
    wait: int = 0


def do(life: Life, step: Step, clock: int | None = None) -> Result:
    """Does a step by the parties' time, or while the chain's clock shows another one."""
    life.world.now = life.now if clock is None else clock
    result = life.send(step.make(life))
    life.world.now = life.now
    return result


def live(life: Life) -> dict[str, str]:
    """Does all steps, each at its time; the errors of those that were refused."""
    errors = {}
    for step in STEPS:
        life.wait(step.wait)
        if error := do(life, step).error_name:
            errors[step.name] = error
    return errors


@cache
def straight() -> dict[str, int]:
    """What everybody is paid by a clock that only goes on."""
    life = Life(World())
    assert live(life) == {}
    return life.paid()


def not_before(date: str, error: str) -> Callable[[Life, int], str]:
    """Refused until what was announced is due."""
    return lambda life, clock: error if clock < life.dates[date] else ""


def ends_within_time(delay: int) -> Callable[[Life, int], str]:
    """Refused where the delay would last longer than time."""
    return lambda life, clock: "Overflow" if clock + delay > TIME_ENDS else ""


def delegate_refusal(life: Life, clock: int) -> str:
    return "" if clock < life.expires_at else "InvalidParameter"


def agent_refusal(life: Life, clock: int) -> str:
    return "" if clock < life.expires_at else "DelegateExpired"


def promise_refusal(life: Life, clock: int) -> str:
    if clock >= life.deadline:
        return "InvalidParameter"
    if clock + _YEAR > TIME_ENDS:
        return "Overflow"
    return "InvalidParameter" if life.deadline > clock + _YEAR else ""


def receipt_refusal(life: Life, clock: int) -> str:
    if life.reported_at - _AHEAD > clock:
        return "TimeAhead"
    return "" if life.epoch(clock) > 0 else "RewardLimited"


def lane_refusal(life: Life, clock: int) -> str:
    return "" if 0 <= clock + _LANE_CLOSE <= _U32 else "Overflow"


def commit_refusal(life: Life, clock: int) -> str:
    return "" if life.epoch(clock) > life.root.epoch else "EpochNotOver"


def vote_refusal(life: Life, clock: int) -> str:
    return "" if clock < life.dates["dispute"] else "VotingOver"


def propose(name: str, change: Callable[[Life], Change]) -> Callable[[Life], Instructions]:
    return lambda life: life.announce(name, DELAY, life.world.propose(life.network, change(life)))


STEPS: Final = (
    Step("create", lambda life: life.create),
    Step("fund", lambda life: life.world.fund(life.network, 1_000_000)),
    Step("register", Life.register),
    Step("open tab", Life.open_tab),
    Step("deposit", lambda life: life.world.deposit(life.tab, 10_000)),
    Step("reserve", lambda life: life.world.reserve(life.tab, life.device, 1_000)),
    Step("settle", lambda life: life.world.voucher(life.lane, 400)),
    Step("delegate", Life.delegate, delegate_refusal),
    Step("spend", lambda life: life.world.reserve(life.tab, life.device, 100, signer=life.agent), agent_refusal),
    Step("invoice", Life.invoice),
    Step("pay", lambda life: life.desk.pay(life.bill, life.tab, 50)),
    Step("refund", lambda life: life.desk.refund(life.bill, life.tab, 10)),
    Step("bond", lambda life: life.trust.bond(life.device, 1_000)),
    Step("promise", Life.promise, promise_refusal),
    Step("receipt", Life.receipt, receipt_refusal, wait=EPOCH),
    Step("enforce", lambda life: life.trust.enforce(life.lane), not_before("sla", "SlaRunning")),
    Step(
        "accuse",
        lambda life: life.announce("dispute", CHALLENGE, life.trust.accuse(life.accusation)),
        ends_within_time(CHALLENGE),
    ),
    Step("find", lambda life: life.trust.find(life.accusation, life.attestor, AGREES), vote_refusal),
    Step("resolve", lambda life: life.trust.resolve(life.accusation)),
    Step(
        "claim", lambda life: burning(life.world.claim([life.device], life.device.payout, life.network), life.network)
    ),
    Step("propose fees", propose("fees", lambda life: changes.fees(100, 50)), ends_within_time(DELAY)),
    Step("apply fees", lambda life: life.world.apply(life.network), not_before("fees", "NotDue"), wait=DELAY),
    Step(
        "unbond",
        lambda life: life.announce("bond", UNBONDING, life.trust.unbond(life.device, 300)),
        ends_within_time(UNBONDING),
    ),
    Step(
        "take bond",
        lambda life: life.trust.unbond(life.device, None, destination=life.wallets["bond"]),
        not_before("bond", "BondNotDue"),
        wait=UNBONDING,
    ),
    Step("close lane", lambda life: life.announce("lane", _LANE_CLOSE, life.world.close_lane(life.lane)), lane_refusal),
    Step(
        "end lane",
        lambda life: life.world.close_lane(life.lane),
        not_before("lane", "LaneNotDue"),
        wait=_LANE_CLOSE,
    ),
    Step("propose roots", propose("roots", lambda life: changes.reward_path(2)), ends_within_time(DELAY)),
    Step("apply roots", lambda life: life.world.apply(life.network), not_before("roots", "NotDue"), wait=DELAY),
    Step("commit", Life.commit, commit_refusal, wait=2 * EPOCH),
    Step(
        "finalize",
        lambda life: life.roots.finalize(life.root.commitment()),
        not_before("root", "ChallengeOpen"),
        wait=CHALLENGE,
    ),
    Step("open page", lambda life: life.roots.open_page(0)),
    Step("claim root", lambda life: life.roots.claim(life.root, 0)),
    Step(
        "propose pool",
        propose("pool", lambda life: life.trust.pool_leaves(700, life.wallets["pool"])),
        ends_within_time(DELAY),
    ),
    Step(
        "take pool",
        lambda life: life.trust.withdraw_pool(life.network, life.wallets["pool"]),
        not_before("pool", "NotDue"),
        wait=DELAY,
    ),
    Step("collect", lambda life: life.desk.collect(life.network, life.wallets["fees"])),
    Step("withdraw", lambda life: life.world.withdraw(life.tab, 500, destination=life.wallets["consumer"])),
    Step("retire", lambda life: life.world.retire(life.device)),
)
