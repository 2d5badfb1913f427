"""Testing an app that pays devices. The same test runs on a chain inside the process and on a real node:

scripts/python -m pytest examples/test_my_app.py
scripts/python -m pytest examples/test_my_app.py --worktab-chain=localnet
"""

import pytest
from wasmtime import wat2wasm

from worktab.roles.base import program_sender
from worktab.roles.device import Device
from worktab.roles.submitting import Submitter
from worktab.work.blobs import BlobStore
from worktab.work.spool import Spool
from worktab.work.wasm import WasmRuntime
from worktab.work.worker import run_wasm_job

ECHO = bytes(
    wat2wasm(
        """(module
          (memory (export "memory") 1)
          (func (export "alloc") (param i32) (result i32) (i32.const 1024))
          (func (export "run") (param $ptr i32) (param $len i32) (result i64)
            (i64.or (i64.shl (i64.extend_i32_u (local.get $ptr)) (i64.const 32))
                    (i64.extend_i32_u (local.get $len)))))"""
    )
)


@pytest.mark.asyncio
async def test_a_device_is_paid_for_its_work(
    worktab_chain,
    worktab_clock,
    worktab_wallet,
    worktab_mint,
    worktab_network,
    worktab_owner,
    worktab_devices,
    tmp_path,
):
    [device] = await worktab_devices(1)
    await worktab_clock.pass_epoch(worktab_network.address)  # its capacity counts from the next epoch on

    # The device does two jobs and brings one receipt for both.
    with Spool.open(tmp_path / "spool", device=bytes(device.device)) as spool:
        blobs = BlobStore(tmp_path / "blobs")
        jobs = [run_wasm_job(WasmRuntime(), spool, blobs, ECHO, text) for text in (b"one", b"two")]
        sender = program_sender(worktab_chain, fee_payer=worktab_wallet, journal=spool.journal)
        await Submitter(Device(sender, worktab_network.address, signer=device.signer), spool).flush()
    report = await worktab_owner.claim()

    units = sum(job.record.units for job in jobs)
    assert report.paid == 2 * units  # the network pays two base units for a unit of work
    assert await worktab_mint.balance(worktab_owner.owner.pubkey()) == report.paid
