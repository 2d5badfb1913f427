"""How fast the off-chain parts are, on one core. Numbers differ between machines and runs; the shape should not."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from solders.keypair import Keypair

import market
from support.world import World
from worktab.chain.embedded import EmbeddedChain
from worktab.chain.sending import Sender
from worktab.core.keys import DeviceKey, Ed25519Signer, P256Signer, Signer
from worktab.core.messages import Message
from worktab.core.records import ZERO_HEAD, JobRecord, Meter, next_head, record_hash
from worktab.demo.digits import encode_input, load_images, load_module
from worktab.program.bulk import decode_many
from worktab.program.generated.accounts import Device
from worktab.work.blobs import BlobStore
from worktab.work.spool import Spool
from worktab.work.verify import verify
from worktab.work.wasm import WasmRuntime
from worktab.work.worker import run_wasm_job

Speed = dict[str, float | str]
SECONDS = 1.0
MESSAGE = Message.receipt(bytes(32), 7, 1_000, 1_800_000_000, bytes(32))


def measure() -> dict[str, Speed]:
    """Throughputs, by name."""
    record = JobRecord(Meter.WASM_FUEL, 0, 50, bytes(32), bytes(32), bytes(32), 1_000, 0, 1, 2)
    return {
        "message_encode": _speed(lambda: MESSAGE.encode(), "messages"),
        "record_hash_and_head": _speed(lambda: next_head(ZERO_HEAD, record_hash(bytes(32), record)), "records"),
        **_signatures(),
        "vouchers_checked": _speed(market.voucher_check(), "vouchers"),
        **_bulk_decoding(),
        **_spool(record),
        **_wasm(),
        **_chain(),
    }


def _speed(work: Callable[[], object], unit: str, amount: float = 1) -> Speed:
    """Repeats `work` for about a second; `amount` is how many units one call does."""
    work()
    calls, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < SECONDS:
        work()
        calls += 1
    return {"per_second": round(calls * amount / elapsed), "unit": unit}


def _signatures() -> dict[str, Speed]:
    message = MESSAGE.encode()
    results = {}
    signers: dict[str, Signer] = {"ed25519": Ed25519Signer(bytes(range(32))), "p256": P256Signer.generate()}
    for name, signer in signers.items():
        signature, key = signer.sign(message), signer.public
        results[f"sign_{name}"] = _speed(lambda signer=signer: signer.sign(message), "signatures")
        results[f"verify_{name}"] = _speed(_verification(key, message, signature), "signatures")
    return results


def _verification(key: DeviceKey, message: bytes, signature: bytes) -> Callable[[], bool]:
    assert key.verify(message, signature)
    return lambda: key.verify(message, signature)


def _bulk_decoding() -> dict[str, Speed]:
    world = World()
    device = world.read_device(world.device(world.network()))
    accounts = [replace(device, index=index).encode() for index in range(100_000)]
    assert decode_many(Device, accounts)["index"][-1] == 99_999
    return {
        "decode_100000_devices_at_once": _speed(lambda: decode_many(Device, accounts), "accounts", len(accounts)),
        "decode_device": _speed(lambda: Device.decode(accounts[0]), "accounts"),
    }


def _spool(record: JobRecord) -> dict[str, Speed]:
    with tempfile.TemporaryDirectory() as folder, Spool.open(Path(folder) / "spool", device=bytes(32)) as spool:
        return {"spool_append_durable": _speed(lambda: spool.append(record, secrets.token_bytes(32)), "jobs")}


def _wasm() -> dict[str, Speed]:
    runtime, module, images = WasmRuntime(), load_module(), load_images()
    job = encode_input(images)
    fuel = runtime.run(module, job, fuel_limit=10**9).fuel
    results = {
        "wasm_fuel": _speed(lambda: runtime.run(module, job, fuel_limit=10**9), "fuel units", fuel),
        "digits_classified": _speed(lambda: runtime.run(module, job, fuel_limit=10**9), "images", len(images)),
    }
    with tempfile.TemporaryDirectory() as folder, Spool.open(Path(folder) / "spool", device=bytes(32)) as spool:
        blobs = BlobStore(Path(folder) / "blobs")
        results["wasm_job_recorded"] = _speed(lambda: run_wasm_job(runtime, spool, blobs, module, job), "jobs")
        verification = verify(spool.entries(), blobs, runtime)
        assert not verification.differing
        results["verify_by_execution"] = {
            "per_second": round(verification.executed * 1e9 / verification.cpu_ns),
            "unit": "jobs",
        }
    return results


def _chain() -> dict[str, Speed]:
    world = World()
    network = world.network()
    device = world.device(network, capacity=1_000_000)
    world.next_epoch(network)
    seq = iter(range(1, 10**9))

    def receipt() -> None:
        number = next(seq)
        assert world.transmit(world.receipt(device, number, number)).ok

    return {"receipt_on_embedded_chain": _speed(receipt, "receipts"), **asyncio.run(_sending())}


async def _sending() -> dict[str, Speed]:
    """The whole way of a transaction through the sender: simulate, price, journal, send, confirm."""
    from solders.system_program import TransferParams, transfer

    payer, other = Keypair(), Keypair().pubkey()
    async with EmbeddedChain() as chain:
        chain.airdrop(payer.pubkey(), 10**12)
        sender = Sender(chain, fee_payer=payer)
        start, sent = time.perf_counter(), 0
        while (elapsed := time.perf_counter() - start) < SECONDS:
            sent += 1
            pay = transfer(TransferParams(from_pubkey=payer.pubkey(), to_pubkey=other, lamports=1_000_000 + sent))
            await sender.send([pay])
    return {"sender_on_embedded_chain": {"per_second": round(sent / elapsed), "unit": "transactions"}}
