"""A registered device's receipts to wherever its network pays for them: to the chain, or to ingests.

A network may move from the path of receipts to that of roots while its devices run. The same spool goes on: until the
epoch from which roots pay, receipts go to the chain; from then on the newest one goes to the ingests and stands for all
before it. What the chain recorded, at whatever time, it tells those who build roots apart from what it paid for
(`Device.units_for_roots`), so no unit is paid twice, and none that was held back is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from solders.keypair import Keypair

from worktab.chain.sending import OutcomeUnknown
from worktab.core.errors import InputError, VerificationError
from worktab.ingest.looking import Ingest
from worktab.ingest.submitting import Delivered, require_ingests, submit
from worktab.ingest.timing import submission_at
from worktab.program.generated.accounts import Network
from worktab.roles.decoding import key_of
from worktab.roles.device import Device
from worktab.roles.forecast import pays_by_receipts
from worktab.roles.reading import DeviceView
from worktab.roles.submitting import Flushed, Submitter, device_clock
from worktab.roles.terms import RewardPath
from worktab.work.history import ChainState
from worktab.work.receipts import CLOCK_TOLERANCE
from worktab.work.spool import Spool


class IngestNeeded(InputError):
    """The network pays by roots, and no ingest was named that takes the device's receipts."""

    code = "ingest_needed"
    default_next_step = "Name one or several with --ingest, or WORKTAB_INGEST; the network's operator knows them"


class PathSubmitter:
    """Brings a spool's receipts to the chain or to ingests, as the network pays; see the module's text.

    device   its sender must keep its journal in the spool
    spool    the device's spool
    ingests  where receipts go once roots pay; none while the network pays by receipts
    least    ingests that must hold a receipt for a flush to be a success
    clock    the device's clock in Unix seconds

    Raises `InputError` if the sender keeps another journal, or there are not so many ingests.
    """

    def __init__(
        self,
        device: Device,
        spool: Spool,
        ingests: Sequence[Ingest] = (),
        *,
        least: int = 1,
        clock: Callable[[], int] = device_clock,
    ) -> None:
        if ingests:
            require_ingests(ingests, least)
        self.device, self.ingests = device, tuple(ingests)
        self._chain = Submitter(device, spool, clock=clock)
        self._spool, self._least, self._clock = spool, least, clock
        self._turn = asyncio.Lock()
        self._network: Network | None = None
        self._ahead = 0

    async def flush(self, *, consent: Keypair | None = None) -> Flushed | Delivered:
        """Bring everything that the spool holds now to where the network pays for it.

        consent  as in `Submitter.flush`; ingests need none

        Raises what `Submitter.flush` and `submit` raise; `IngestNeeded` once roots pay; and `VerificationError` if the
        key is not the device's. Nothing that was recorded is ever lost: call it again later.
        """
        async with self._turn:
            view = await self.device.view()
            self._note(view)
            if pays_by_receipts(view.network, view.now):
                return await self._chain.flush(consent=consent)
            if not self.ingests:
                raise IngestNeeded("The network pays by roots, and receipts go to an ingest")
            return await self._deliver(view)

    def seconds_left(self) -> float | None:
        """Seconds until the device must submit for its work to be counted in this epoch; None where no epoch's end
        matters, or none is known yet."""
        network = self._network
        if network is None or network.reward_path != RewardPath.ROOTS:
            return None
        now = self._clock() + self._ahead
        return submission_at(self.device.device, network.created_at, network.epoch_length, now) - now

    async def _deliver(self, view: DeviceView) -> Delivered:
        key = key_of(view.device)
        if self.device.signer.public != key:
            raise VerificationError(
                "The key is not the device's", expected=f"the {key.kind.name} key {key.public_bytes.hex()}"
            )
        # A receipt that was sent while receipts paid may still land; either way it is paid for once.
        with suppress(OutcomeUnknown):
            await self._chain.finish_earlier()
        chain = ChainState(view.device.seq, view.device.units, view.device.head)
        self._spool.confirm(chain)
        return await submit(
            self._spool,
            self.ingests,
            device=view.address,
            signer=self.device.signer,
            context=view.device.receipt_context,
            now=self._clock(),
            least=self._least,
            chain=chain,
            chain_time=view.now,
        )

    def _note(self, view: DeviceView) -> None:
        """Remember the epochs, and the time that receipts carry where the device's clock is not believed."""
        ahead = view.now - self._clock()
        self._network, self._ahead = view.network, ahead if abs(ahead) > CLOCK_TOLERANCE else 0
