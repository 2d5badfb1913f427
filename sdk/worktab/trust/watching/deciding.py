"""What to do and what to tell, from what a look saw alone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from solders.pubkey import Pubkey

from worktab.core.money import WHOLE_BPS
from worktab.core.vouchers import SignedVoucher
from worktab.roles.accusations import DisputeVerdict, Shown, show_until, verdict_of
from worktab.roles.sla_standing import SlaStage, SlaStanding
from worktab.roles.trust_reading import DisputeView
from worktab.trust.watching.seeing import Owed, Seen, Sight


class Contest(StrEnum):
    """Which penalties an owner contests, by a watcher.

    ALWAYS  every one
    SHORT   where the chain falls short of the book: it has a voucher or charges beyond what was settled, and settling
            does not make up for it
    NEVER   none
    """

    ALWAYS = "always"
    SHORT = "short"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Policy:
    """What a watcher is told.

    contest  which penalties to contest
    owner    whose key it has to contest with; None for none
    ahead    seconds before a deadline in which it warns, and settles what the book has
    """

    contest: Contest = Contest.SHORT
    owner: Pubkey | None = None
    ahead: int = 3_600


class Deed(StrEnum):
    """What a watcher does."""

    SETTLE = "settle"
    CONTEST = "contest"
    ENFORCE = "enforce"
    RESOLVE = "resolve"


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do, and why, in words, with amounts in whole tokens.

    subject    the SLA or the dispute
    voucher    what to settle
    shown      the record that a dispute is resolved with
    delivered  base units that a book shows to be delivered: contested only where the chain shows less, once what can be
               settled is; None to contest in any case
    """

    deed: Deed
    subject: Pubkey
    why: str
    voucher: SignedVoucher | None = None
    shown: Shown | None = None
    delivered: int | None = None


class Alarm(StrEnum):
    """What a watcher warns of; programs may switch on these."""

    SLA_ENDS_SOON = "sla_ends_soon"
    SLA_MISSED = "sla_missed"
    SLA_CONTESTED = "sla_contested"
    SLA_PENALTY_DUE = "sla_penalty_due"
    DEVICE_DISPUTED = "device_disputed"
    DEVICE_GUILTY = "device_guilty"
    PURCHASE_DISPUTED = "purchase_disputed"
    RECORD_MISSING = "record_missing"
    BOND_SHORT = "bond_short"
    BOND_DUE = "bond_due"


@dataclass(frozen=True, slots=True)
class Warned:
    """A warning.

    subject  the SLA, the dispute or the device
    text     for people, with amounts in whole tokens
    amount   base units at stake; None where that is not known
    until    until when something can be done, Unix seconds; None for no end
    """

    alarm: Alarm
    subject: Pubkey
    text: str
    amount: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, in this order, and what to tell."""

    actions: tuple[Action, ...]
    warnings: tuple[Warned, ...]


def decide(sight: Sight, policy: Policy) -> Decision:
    """What follows from a look. The same look gives the same decision."""
    actions: dict[tuple[Deed, Pubkey], Action] = {}
    warnings: dict[tuple[Alarm, Pubkey], Warned] = {}
    for seen in sight.devices:
        for stands in seen.slas:
            _promise(sight, seen, stands, policy, actions, warnings)
        for dispute in seen.disputes:
            _accusation(sight, seen, dispute, actions, warnings)
        _bond(sight, seen, warnings)
    for stands in sight.slas:
        _claim(sight, stands, actions, warnings)
    for dispute in sight.disputes:
        _loss(sight, dispute, actions, warnings)
    order = list(Deed)
    done = sorted(actions.values(), key=lambda each: order.index(each.deed))
    return Decision(tuple(done), tuple(warnings.values()))


_Actions = dict[tuple[Deed, Pubkey], Action]
_Warnings = dict[tuple[Alarm, Pubkey], Warned]


def _act(into: _Actions, action: Action) -> None:
    into.setdefault((action.deed, action.subject), action)


def _warn(into: _Warnings, warned: Warned) -> None:
    into.setdefault((warned.alarm, warned.subject), warned)


def _promise(
    sight: Sight, seen: Seen, stands: SlaStanding, policy: Policy, actions: _Actions, warnings: _Warnings
) -> None:
    """An SLA as its device's owner sees it: what frees the bond is done, what would cost it is held off."""
    account, subject, told = stands.account, stands.view.address, sight.told
    if stands.stage in (SlaStage.KEPT, SlaStage.EXCUSED):
        _act(actions, Action(Deed.ENFORCE, subject, f"{stands.stage}: frees {told(account.held)} of the bond"))
        return
    if stands.stage is SlaStage.RUNNING and account.deadline - sight.now > policy.ahead:
        return
    owed = seen.owed.get((account.tab, account.nonce))
    # What is settled before the SLA is ended counts, also after the deadline.
    settled = _settled(stands, owed)
    if owed is not None and owed.voucher is not None and settled > stands.delivered:
        why = f"{told(stands.shortfall)} are short, and the book has a voucher for {told(settled - stands.delivered)}"
        _act(actions, Action(Deed.SETTLE, subject, why, voucher=owed.voucher))
    left = account.due - settled if settled < account.due else stands.shortfall
    penalty = left * account.bps // WHOLE_BPS
    short = f"{told(left)} of {told(account.due)} are not delivered: that costs {told(penalty)}"
    if stands.stage is SlaStage.CONTESTABLE and policy.owner == seen.owner and stands.penalty:
        _contest(stands, owed, policy.contest, short, actions)
    if settled >= account.due:
        return
    match stands.stage:
        case SlaStage.RUNNING:
            _warn(warnings, Warned(Alarm.SLA_ENDS_SOON, subject, short, penalty, account.deadline))
        case SlaStage.CONTESTABLE:
            _warn(warnings, Warned(Alarm.SLA_MISSED, subject, short, penalty, account.contest_until))
        case SlaStage.CONTESTED:
            votes = f"{stands.yes} attestors for the penalty, {stands.no} against it: {short}"
            _warn(warnings, Warned(Alarm.SLA_CONTESTED, subject, votes, penalty, account.decide_until))
        case SlaStage.MISSED:
            text = f"anyone can end it: {short}"
            _warn(warnings, Warned(Alarm.SLA_PENALTY_DUE, subject, text, penalty))


def _settled(stands: SlaStanding, owed: Owed | None) -> int:
    """Base units delivered once the book's voucher is settled."""
    if owed is None or owed.voucher is None:
        return stands.delivered
    more = owed.voucher.amount - stands.account.paid_before - stands.delivered
    return stands.delivered + min(max(0, more), stands.reserved)


def _contest(stands: SlaStanding, owed: Owed | None, contest: Contest, why: str, actions: _Actions) -> None:
    """Contests a penalty where that is told, also where a voucher would do: settling it may fail."""
    subject = stands.view.address
    if contest is Contest.ALWAYS:
        _act(actions, Action(Deed.CONTEST, subject, why))
    if contest is Contest.SHORT and owed is not None:
        vouched = 0 if owed.voucher is None else owed.voucher.amount
        shown = max(owed.charged, vouched) - stands.account.paid_before
        if shown > stands.delivered:
            _act(actions, Action(Deed.CONTEST, subject, why, delivered=shown))


def _accusation(sight: Sight, seen: Seen, dispute: DisputeView, actions: _Actions, warnings: _Warnings) -> None:
    """A dispute as the accused device's owner sees it."""
    account, subject = dispute.account, dispute.address
    match _verdict(sight, dispute):
        case DisputeVerdict.OPEN:
            # From half of the time on the program lets attestors say that data are withheld; their daemon waits for the
            # last quarter.
            half = account.opened_at + (account.deadline - account.opened_at) // 2
            early = sight.now < half
            why = "before they may call them withheld" if early else "at once: they may call them withheld"
            text = f"job {account.seq} of {seen.address} is disputed: serve its data to the attestors {why}"
            until = half if early else account.deadline
            _warn(warnings, Warned(Alarm.DEVICE_DISPUTED, subject, text, seen.bond.bond, until))
        case DisputeVerdict.GUILTY:
            text = f"job {account.seq} of {seen.address} was found wrong: the device will be suspended"
            _warn(warnings, Warned(Alarm.DEVICE_GUILTY, subject, text, seen.bond.bond))
        case verdict:
            why = f"{verdict.name.lower()}: the bond gets its part of the deposit of {sight.told(account.deposit)}"
            _act(actions, Action(Deed.RESOLVE, subject, why))


def _bond(sight: Sight, seen: Seen, warnings: _Warnings) -> None:
    bond, told = seen.bond, sight.told
    if bond.missing:
        text = f"{told(bond.missing)} are missing of the least bond, {told(bond.least)}: no receipt is taken"
        _warn(warnings, Warned(Alarm.BOND_SHORT, seen.address, text, bond.missing))
    if bond.may_finish:
        text = f"{told(bond.leaving)} of the bond may be paid out"
        _warn(warnings, Warned(Alarm.BOND_DUE, seen.address, text, bond.leaving))


def _claim(sight: Sight, stands: SlaStanding, actions: _Actions, warnings: _Warnings) -> None:
    """An SLA as its consumer sees it."""
    subject = stands.view.address
    if stands.can_end:
        paid = (
            f"{sight.told(stands.penalty)} are paid to the tab" if stands.stage is SlaStage.MISSED else "frees the lane"
        )
        _act(actions, Action(Deed.ENFORCE, subject, f"{stands.stage}: {paid}"))
    elif stands.stage is SlaStage.CONTESTED:
        text = f"the owner contests {sight.told(stands.penalty)}: {stands.yes} attestors for it, {stands.no} against it"
        until = stands.account.decide_until
        _warn(warnings, Warned(Alarm.SLA_CONTESTED, subject, text, stands.penalty, until))


def _loss(sight: Sight, dispute: DisputeView, actions: _Actions, warnings: _Warnings) -> None:
    """A dispute as a consumer sees it: of what it bought, or that it opened itself."""
    account, subject = dispute.account, dispute.address
    shown, challenged = sight.shown.get(account.record_hash), account.tab == sight.tab
    bought = shown is not None and sight.tab is not None and shown.record.tab == bytes(sight.tab)
    if not (bought or challenged):
        return
    amount = shown.record.amount if shown is not None and bought else 0
    price = sight.told(amount)
    match _verdict(sight, dispute):
        case DisputeVerdict.OPEN if bought:
            text = f"job {account.seq} of {account.device}, which was bought for {price}, is disputed"
            _warn(warnings, Warned(Alarm.PURCHASE_DISPUTED, subject, text, amount, account.deadline))
        case DisputeVerdict.GUILTY if shown is not None:
            why = f"guilty: {price} are owed for the record" if bought else "guilty: the deposit comes back"
            _act(actions, Action(Deed.RESOLVE, subject, why, shown=shown))
        case DisputeVerdict.GUILTY if sight.now >= show_until(account):
            _act(actions, Action(Deed.RESOLVE, subject, "guilty: the deposit comes back"))
        case DisputeVerdict.GUILTY:
            text = f"job {account.seq} of {account.device} was found wrong, and its record is not kept here"
            _warn(warnings, Warned(Alarm.RECORD_MISSING, subject, text, account.deposit, show_until(account)))
        case DisputeVerdict.UNDECIDED if challenged:
            _act(actions, Action(Deed.RESOLVE, subject, "undecided: most of the deposit comes back"))


def _verdict(sight: Sight, dispute: DisputeView) -> DisputeVerdict:
    return verdict_of(dispute.account, sight.now)
