"""A device's program that records jobs and brings them to the chain; run as a script: `flush_victim ORDER`.

ORDER is JSON: see `Order`. When it is done it prints one line: the job number that the chain has recorded then.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.jobs import record, salt
from worktab.chain.rpc import RpcChain
from worktab.roles.base import program_sender
from worktab.roles.device import Device
from worktab.roles.submitting import Submitter
from worktab.work.spool import Spool


@dataclass(frozen=True)
class Order:
    """What to do.

    spool         the file to work in
    url           the node
    network       its address
    device        address of the Device account
    signer, payer keypairs in base58
    first, last   numbers of the jobs to record
    """

    spool: str
    url: str
    network: str
    device: str
    signer: str
    payer: str
    first: int
    last: int


async def main(order: Order) -> None:
    device = Pubkey.from_string(order.device)
    with Spool.open(order.spool, device=bytes(device)) as spool:
        for number in range(order.first, order.last + 1):
            spool.append(record(number), salt(number), job_id=b"%d" % number)
        async with RpcChain(order.url) as chain:
            payer, signer = (Keypair.from_base58_string(each) for each in (order.payer, order.signer))
            sender = program_sender(chain, fee_payer=payer, journal=spool.journal, poll=0.02, rebroadcast=0.2)
            role = Device(sender, Pubkey.from_string(order.network), signer=signer, device=device)
            print((await Submitter(role, spool).flush()).seq)


if __name__ == "__main__":
    asyncio.run(main(Order(**json.loads(sys.argv[1]))))
