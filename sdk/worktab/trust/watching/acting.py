"""Doing what was decided, one thing after the other; what fails is tried again at the next look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from solders.pubkey import Pubkey

from worktab.chain.sending import Confirmed
from worktab.core.errors import StateError, WorktabError
from worktab.roles.disputes import DisputeCrank
from worktab.roles.errors import RecordUnshowable, SlaNotFound
from worktab.roles.settling import Settler
from worktab.roles.slas import SlaOwner, Slas
from worktab.trust.watching.deciding import Action, Alarm, Deed, Policy, Warned, decide
from worktab.trust.watching.seeing import BoughtRecords, LaneBook, see


@dataclass(frozen=True, slots=True)
class Done:
    """What became of an action.

    moved      base units: settled to earnings, paid by the bond to a tab, or by a dispute to the consumer's tab and the
               challenger's; 0 where nothing moved or somebody else was first
    confirmed  the transaction; None where there was nothing to do any more, or it failed
    error      what kept it; None for a success
    """

    action: Action
    moved: int = 0
    confirmed: Confirmed | None = None
    error: WorktabError | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """One look: the chain's clock, Unix seconds, what was done, what is to be told, and what could not be asked.

    `decimals` are those of the network's token.
    """

    now: int
    decimals: int
    done: tuple[Done, ...]
    warnings: tuple[Warned, ...]
    failures: tuple[WorktabError, ...]

    @property
    def failed(self) -> bool:
        """Whether something was to be done and was not."""
        return any(each.error is not None for each in self.done)


class Watcher:
    """Watches a consumer's tab, and devices.

    slas      ends SLAs; an owner's (`SlaOwner`) contests as well
    disputes  ends disputes
    settler   brings vouchers of the books to the chain
    tab       the consumer's; None for none
    owner     all of whose devices are watched; None for none
    devices   further ones
    records   what the consumer bought
    books     of devices
    """

    def __init__(
        self,
        slas: Slas,
        disputes: DisputeCrank,
        settler: Settler,
        policy: Policy,
        *,
        tab: Pubkey | None = None,
        owner: Pubkey | None = None,
        devices: Sequence[Pubkey] = (),
        records: BoughtRecords | None = None,
        books: Mapping[Pubkey, LaneBook] | None = None,
    ) -> None:
        self._slas, self._disputes, self._settler, self._policy = slas, disputes, settler, policy
        self._tab, self._owner, self._devices = tab, owner, devices
        self._records, self._books = records, books

    async def look(self) -> Look:
        """Look once, and do what follows. Raises what reading the chain raises; what else fails is in the result."""
        sight = await see(
            self._slas.reader,
            tab=self._tab,
            owner=self._owner,
            devices=self._devices,
            records=self._records,
            books=self._books,
        )
        decision = decide(sight, self._policy)
        results = [await self._do(each) for each in decision.actions]
        done = tuple(each for each in results if isinstance(each, Done))
        warned = tuple(each for each in results if isinstance(each, Warned))
        return Look(sight.now, sight.network.decimals, done, decision.warnings + warned, sight.failures)

    async def _do(self, action: Action) -> Done | Warned | None:
        try:
            return await self._done(action)
        except RecordUnshowable as error:
            # Nobody can end it yet: nothing failed.
            return Warned(Alarm.RECORD_MISSING, action.subject, str(error))
        except WorktabError as error:
            return Done(action, error=error)

    async def _done(self, action: Action) -> Done | None:
        match action.deed:
            case Deed.SETTLE:
                assert action.voucher is not None
                settled = await self._settler.settle(action.voucher)
                return Done(action, settled.amount, settled.confirmed)
            case Deed.CONTEST:
                if not isinstance(self._slas, SlaOwner):
                    raise StateError("There is no owner's key to contest with")
                try:
                    stands = await self._slas.standing(action.subject)
                    if stands.can_end or (action.delivered is not None and stands.delivered >= action.delivered):
                        return None  # what was settled meanwhile makes up for it
                    return Done(action, 0, await self._slas.contest(action.subject))
                except SlaNotFound:
                    return None  # somebody ended it meanwhile: what was settled sufficed
            case Deed.ENFORCE:
                ended = await self._slas.enforce(action.subject)
                return Done(action, ended.penalty, ended.confirmed)
            case Deed.RESOLVE:
                resolved = await self._disputes.resolve(action.subject, action.shown)
                event = resolved.event
                moved = event.to_consumer + event.deposit_back + event.to_challenger if event else 0
                return Done(action, moved, resolved.confirmed)
