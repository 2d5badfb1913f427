"""A process that signs for a request, stores the voucher, and is killed before the answer comes.

    python -m support.buyer_victim PURSE
reads key, offer, domain, tab and the request's digest as a line of JSON, writes the signature, and waits to be killed.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.market.buyer.lane_state import Pending, Place
from worktab.market.buyer.purchases import voucher_for
from worktab.market.buyer.purse import Purse
from worktab.market.terms import Requirement


async def main() -> None:
    """Sign what stdin says, under the lane's lock, and hold it."""
    told = json.loads(sys.stdin.readline())
    key = Keypair.from_bytes(bytes.fromhex(told["key"]))
    offer = Requirement.from_json(told["offer"])
    place = Place(bytes.fromhex(told["domain"]), Pubkey.from_string(told["tab"]), offer.device, key.pubkey())
    purse = Purse.open(Path(sys.argv[1]))
    async with purse.locks.hold(place.name):
        lane = purse.lane(place)
        assert lane is not None
        voucher = voucher_for(key, lane, offer.amount, offer.units)
        purse.sign(lane, Pending("killed", bytes.fromhex(told["request"]), offer, voucher))
        print(voucher.signature.hex(), flush=True)
        await asyncio.sleep(600)


if __name__ == "__main__":
    asyncio.run(main())
