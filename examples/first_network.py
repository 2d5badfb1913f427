"""A network, a device, a job, a receipt and a claim, on a chain inside this process.

scripts/python examples/first_network.py
"""

import asyncio
import tempfile
from pathlib import Path

from solders.keypair import Keypair

from worktab.chain.embedded import EmbeddedChain
from worktab.chain.tokens import associated_account, create_associated_account, create_mint, mint_to
from worktab.demo.digits import encode_input, load_images, load_module
from worktab.program.artefacts import program_binary
from worktab.program.generated import PROGRAM_ID
from worktab.roles.base import program_sender
from worktab.roles.device import Device
from worktab.roles.operator import Operator
from worktab.roles.owner import Owner
from worktab.roles.submitting import Submitter
from worktab.roles.terms import NetworkPlan, WorkClass
from worktab.work.blobs import BlobStore
from worktab.work.spool import Spool
from worktab.work.wasm import WasmRuntime
from worktab.work.worker import run_wasm_job


async def main() -> None:
    chain = EmbeddedChain()
    chain.deploy(PROGRAM_ID, program_binary())
    wallet, mint, device_key = Keypair(), Keypair(), Keypair()
    chain.airdrop(wallet.pubkey(), 10_000_000_000)
    sender = program_sender(chain, fee_payer=wallet)

    # A token, and a network that pays 2 base units for 1,000,000 units of WASM fuel.
    token = await create_mint(chain, payer=wallet.pubkey(), mint=mint.pubkey(), authority=wallet.pubkey(), decimals=6)
    purse = associated_account(wallet.pubkey(), mint.pubkey())
    open_purse = create_associated_account(payer=wallet.pubkey(), owner=wallet.pubkey(), mint=mint.pubkey())
    fill_purse = mint_to(mint=mint.pubkey(), target=purse, authority=wallet.pubkey(), amount=1_000_000)
    await sender.send([*token, open_purse, fill_purse], [mint])
    fuel = WorkClass(rate=2, max_capacity=1_000_000_000, budget=10_000)
    plan = NetworkPlan(mint=mint.pubkey(), classes=(fuel,))
    operator = Operator.of_plan(sender, plan, authority=wallet)
    await operator.create_network(plan)
    await operator.fund_pool(500_000)

    # A device; its capacity counts from the next epoch on.
    owner = Owner(sender, operator.address, owner=wallet)
    registered = await owner.register(device_key, capacity=1_000_000_000)
    chain.advance(seconds=3_600)

    # A real job: a neural network reads 360 handwritten digits. Then one signature for all the work so far.
    with (
        tempfile.TemporaryDirectory() as folder,
        Spool.open(Path(folder) / "spool", device=bytes(registered.address)) as spool,
    ):
        blobs = BlobStore(Path(folder) / "blobs")
        entry = run_wasm_job(WasmRuntime(), spool, blobs, load_module(), encode_input(load_images()))
        bringing = program_sender(chain, fee_payer=wallet, journal=spool.journal)
        device = Device(bringing, operator.address, signer=device_key)
        flushed = await Submitter(device, spool).flush()
    report = await owner.claim()

    print(f"fuel {entry.record.units}, reward {flushed.reward}, paid {report.paid}")
    print("ledger holds:", (await operator.ledger()).holds)


asyncio.run(main())
