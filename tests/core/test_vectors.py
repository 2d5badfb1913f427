"""The published vectors, against the core and against the protocol's formulas written out by hand."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.core import addresses, contexts, merkle, money
from worktab.core.commitments import EpochCommitment
from worktab.core.enrolments import SignedEnrolment, enrolled_index
from worktab.core.errors import EncodingError
from worktab.core.invoices import invoice_terms, memo_hash
from worktab.core.keys import DeviceKey, Ed25519Signer, KeyKind
from worktab.core.messages import Message, MessageKind
from worktab.core.native import native_program, signature_instruction_data
from worktab.core.records import ZERO_HEAD, JobRecord, Meter, next_head, record_hash
from worktab.core.vouchers import SignedBatch, SignedVoucher

ROOT = Path(__file__).resolve().parents[2]


def load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ROOT / "tests" / "vectors" / name).read_text())
    return loaded


def cases(name: str, group: str) -> list[Any]:
    return [pytest.param(case, id=case["description"]) for case in load(name)[group]]


def unhex(case: dict[str, Any], *names: str) -> list[bytes]:
    return [bytes.fromhex(case[name]) for name in names]


def sha(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()


def le(value: int | str, size: int) -> bytes:
    return int(value).to_bytes(size, "little", signed=int(value) < 0)


def test_regenerating_changes_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-B", ROOT / "scripts" / "vectors", "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("case", cases("messages.json", "valid"))
def test_message(case: dict[str, Any]) -> None:
    context, head, encoded = unhex(case, "context", "head", "encoded")
    numbers = [int(case[name]) for name in ("seq", "units", "amount", "time")]
    seq, units, amount, time = numbers
    message = Message(MessageKind(case["kind"]), context, seq, units, amount, time, head)
    by_hand = b"WTB1" + bytes([case["kind"], 0, 0, 0]) + context + b"".join(le(n, 8) for n in numbers) + head
    assert message.encode() == encoded == by_hand
    assert Message.decode(encoded) == message


REASONS = {
    "length": "message has the wrong length",
    "magic": "message has another magic",
    "kind": "message kind is not known",
    "zero": "message bytes 5 to 7 must be zero",
    "time": "time",
    "seq": "seq must be zero",
    "units": "units must be zero",
    "amount": "amount must be zero",
    "head": "head must be zero",
}


@pytest.mark.parametrize("case", cases("messages.json", "invalid"))
def test_invalid_message(case: dict[str, Any]) -> None:
    with pytest.raises(EncodingError) as caught:
        Message.decode(bytes.fromhex(case["encoded"]))
    assert REASONS[case["reason"]] in caught.value.message


@pytest.mark.parametrize("case", cases("contexts.json", "domains"))
def test_domain(case: dict[str, Any]) -> None:
    genesis, program, network = unhex(case, "genesis_hash", "program_id", "network")
    assert case["domain"] == sha(b"worktab/domain", genesis, program, network)
    assert contexts.domain(genesis, program, network).hex() == case["domain"]


@pytest.mark.parametrize("case", cases("contexts.json", "receipts"))
def test_receipt_context(case: dict[str, Any]) -> None:
    domain, device = unhex(case, "domain", "device")
    assert case["context"] == sha(b"worktab/receipt", domain, device, le(case["index"], 4))
    assert contexts.receipt_context(domain, device, case["index"]).hex() == case["context"]


@pytest.mark.parametrize("case", cases("contexts.json", "vouchers"))
def test_voucher_context(case: dict[str, Any]) -> None:
    domain, tab, device = unhex(case, "domain", "tab", "device")
    index, nonce = case["index"], case["lane_nonce"]
    assert case["context"] == sha(b"worktab/voucher", domain, tab, device, le(index, 4), le(nonce, 4))
    assert contexts.voucher_context(domain, tab, device, index, nonce).hex() == case["context"]


@pytest.mark.parametrize("case", cases("contexts.json", "keys"))
def test_key_context(case: dict[str, Any]) -> None:
    domain, device, key33, owner = unhex(case, "domain", "device", "key33", "owner")
    kind = KeyKind(case["key_kind"])
    assert case["context"] == sha(b"worktab/key", domain, device, bytes([kind]), key33, owner)
    assert contexts.key_context(domain, device, kind, key33, owner).hex() == case["context"]


@pytest.mark.parametrize("case", cases("contexts.json", "batches"))
def test_batch_context(case: dict[str, Any]) -> None:
    domain, tab = unhex(case, "domain", "tab")
    listed = case["entries"]
    by_hand = b"".join(
        le(e["index"], 4) + le(e["lane_nonce"], 4) + le(e["amount"], 8) + le(e["units"], 8) for e in listed
    )
    assert case["encoded_entries"] == by_hand.hex()
    assert case["context"] == sha(b"worktab/batch", domain, tab, hashlib.sha256(by_hand).digest())
    entries = [contexts.BatchEntry(e["index"], e["lane_nonce"], int(e["amount"]), int(e["units"])) for e in listed]
    assert contexts.batch_context(domain, tab, entries).hex() == case["context"]


@pytest.mark.parametrize("case", cases("contexts.json", "invoices"))
def test_invoice_terms(case: dict[str, Any]) -> None:
    domain, invoice, consumer, head, memo = unhex(case, "domain", "invoice", "consumer", "head", "memo")
    amount, units, due, slot = (int(case[name]) for name in ("amount", "units", "due", "created_slot"))
    numbers = b"".join(le(each, 8) for each in (amount, units, due, slot))
    by_hand = sha(b"worktab/invoice", domain, invoice, consumer, numbers, head, memo)
    assert case["terms"] == by_hand
    assert invoice_terms(domain, invoice, consumer, amount, units, due, slot, head, memo).hex() == by_hand


@pytest.mark.parametrize("case", cases("contexts.json", "memos"))
def test_memo_hash(case: dict[str, Any]) -> None:
    assert memo_hash(case["text"]).hex() == case["hash"]
    assert case["hash"] == (sha(case["text"].encode()) if case["text"] else "00" * 32)


@pytest.mark.parametrize("case", cases("vouchers.json", "vouchers"))
def test_signed_voucher(case: dict[str, Any]) -> None:
    given, shown = load("vouchers.json"), case["json"]
    key, domain = Keypair.from_seed(bytes.fromhex(given["secret"])), bytes.fromhex(given["domain"])
    head, context = unhex(shown, "head", "context")
    numbers = b"".join(le(shown[name], 8) for name in ("seq", "units", "amount", "expires_at"))
    by_hand = b"WTB1\x02\0\0\0" + context + numbers + head
    assert case["message"] == by_hand.hex()
    voucher = SignedVoucher.from_json(shown)
    voucher.verify(Pubkey.from_string(given["key"]), domain)
    assert (voucher.to_json(), voucher.message.encode()) == (shown, by_hand)
    signed = SignedVoucher.sign(
        key,
        domain,
        Pubkey.from_string(shown["tab"]),
        Pubkey.from_string(shown["device"]),
        shown["index"],
        shown["lane"],
        amount=int(shown["amount"]),
        units=int(shown["units"]),
        seq=int(shown["seq"]),
        head=head,
        expires_at=int(shown["expires_at"]),
    )
    assert signed == voucher


@pytest.mark.parametrize("case", cases("vouchers.json", "batches"))
def test_signed_batch(case: dict[str, Any]) -> None:
    given, shown = load("vouchers.json"), case["json"]
    key, domain = Keypair.from_seed(bytes.fromhex(given["secret"])), bytes.fromhex(given["domain"])
    by_hand = b"WTB1\x04\0\0\0" + bytes.fromhex(shown["context"]) + bytes(24) + le(shown["expires_at"], 8) + bytes(32)
    assert case["message"] == by_hand.hex()
    batch = SignedBatch.from_json(shown)
    batch.verify(Pubkey.from_string(given["key"]), domain)
    assert (batch.to_json(), batch.message.encode()) == (shown, by_hand)
    assert SignedBatch.sign(key, domain, batch.tab, batch.entries, expires_at=batch.expires_at) == batch
    listed = (le(e["index"], 4) + le(e["lane"], 4) + le(e["amount"], 8) + le(e["units"], 8) for e in shown["entries"])
    assert batch.entry_bytes == b"".join(listed)


def test_record_chain() -> None:
    head = ZERO_HEAD
    for case in load("records.json")["chain"]:
        module, job_input, output, tab, salt, encoded = unhex(
            case, "module", "input", "output", "tab", "salt", "encoded"
        )
        record = JobRecord(
            Meter(case["meter"]),
            case["class"],
            case["meter_version"],
            module,
            job_input,
            output,
            int(case["units"]),
            int(case["amount"]),
            int(case["started_ms"]),
            int(case["finished_ms"]),
            tab,
        )
        start = bytes([case["meter"], case["class"]]) + le(case["meter_version"], 2) + bytes(4)
        numbers = b"".join(le(case[name], 8) for name in ("units", "amount", "started_ms", "finished_ms"))
        assert record.encode() == encoded == start + module + job_input + output + numbers + tab
        assert JobRecord.decode(encoded) == record
        assert record_hash(salt, record).hex() == case["record_hash"] == sha(b"\x03", salt, encoded)
        assert case["head"] == sha(b"\x02", head, bytes.fromhex(case["record_hash"]))
        head = next_head(head, record_hash(salt, record))
        assert head.hex() == case["head"]


@pytest.mark.parametrize("case", cases("records.json", "invalid"))
def test_invalid_record(case: dict[str, Any]) -> None:
    reasons = {
        "length": "record has the wrong length",
        "meter": "meter is not known",
        "zero": "record bytes 4 to 7 must be zero",
    }
    with pytest.raises(EncodingError) as caught:
        JobRecord.decode(bytes.fromhex(case["encoded"]))
    assert caught.value.message == reasons[case["reason"]]


@pytest.mark.parametrize("case", cases("keys.json", "cases"))
def test_key(case: dict[str, Any]) -> None:
    key33, message, signature, data = unhex(case, "key33", "message", "signature", "instruction_data")
    key = DeviceKey(KeyKind(case["kind"]), key33)
    assert key.verify(message, signature) is case["valid"]
    assert native_program(key.kind) == case["native_program"]
    assert signature_instruction_data(key, signature, message) == data
    # Header, key, signature, message and nothing else.
    assert data[16:] == key.public_bytes + signature + message
    if case["kind"] == 1 and "secret" in case:
        signer = Ed25519Signer(bytes.fromhex(case["secret"]))
        assert (signer.public, signer.sign(message)) == (key, signature)


@pytest.mark.parametrize(
    "case", load("addresses.json")["accounts"], ids=lambda c: f"{c['account']}: {c['description']}"
)
def test_address(case: dict[str, Any]) -> None:
    program = Pubkey(bytes.fromhex(load("addresses.json")["program_id"]))
    seeds = [bytes.fromhex(seed) for seed in case["seeds"]]
    assert seeds[0] == case["account"].encode()
    address = Pubkey.create_program_address([*seeds, bytes([case["bump"]])], program)
    assert (bytes(address).hex(), str(address)) == (case["address"], case["address_base58"])
    assert Pubkey.find_program_address(seeds, program) == (address, case["bump"])


@pytest.mark.parametrize("case", cases("addresses.json", "associated_token_accounts"))
def test_associated_token_account(case: dict[str, Any]) -> None:
    wallet, mint, token_program = unhex(case, "wallet", "mint", "token_program")
    address, bump = addresses.associated_token_address(wallet, mint, token_program)
    assert (bytes(address).hex(), bump) == (case["address"], case["bump"])


@pytest.mark.parametrize("case", cases("roots.json", "payees"))
def test_payee_leaf(case: dict[str, Any]) -> None:
    domain, payout, devices_root = unhex(case, "domain", "payout", "devices_root")
    epoch, reward, position = int(case["epoch"]), int(case["lifetime_reward"]), case["position"]
    numbers = le(epoch, 8) + le(position, 4)
    assert case["leaf"] == sha(b"\0", domain, numbers, payout, le(reward, 8), devices_root)
    assert merkle.payee_leaf(domain, epoch, position, payout, reward, devices_root).hex() == case["leaf"]


@pytest.mark.parametrize("case", cases("roots.json", "devices"))
def test_device_leaf(case: dict[str, Any]) -> None:
    units, reward, head = int(case["lifetime_units"]), int(case["lifetime_reward"]), bytes.fromhex(case["head"])
    assert case["leaf"] == sha(b"\0", le(case["index"], 4), le(units, 8), le(reward, 8), head)
    assert merkle.device_leaf(case["index"], units, reward, head).hex() == case["leaf"]


@pytest.mark.parametrize("case", cases("roots.json", "depths"))
def test_depth(case: dict[str, Any]) -> None:
    assert merkle.depth(case["count"]) == case["depth"]
    assert 2 ** case["depth"] >= case["count"] > 2 ** case["depth"] // 2


@pytest.mark.parametrize("case", cases("roots.json", "trees"))
def test_tree(case: dict[str, Any]) -> None:
    leaves = [bytes.fromhex(leaf) for leaf in case["leaves"]]
    level = leaves + [bytes(32)] * (2 ** case["depth"] - len(leaves))
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [hashlib.sha256(b"\1" + left + right).digest() for left, right in pairs]
    assert [case["root"]] == [node.hex() for node in level]
    tree = merkle.Tree(b"".join(leaves))
    assert (tree.root.hex(), tree.count, tree.depth) == (case["root"], case["count"], case["depth"])


@pytest.mark.parametrize("case", cases("roots.json", "proofs"))
def test_proof(case: dict[str, Any]) -> None:
    root, leaf, argument = unhex(case, "root", "leaf", "argument")
    levels = [argument[at : at + 33] for at in range(0, len(argument), 33)]
    shaped = all(len(level) == 33 and level[0] == 1 for level in levels)
    siblings = [level[1:] for level in levels]
    found = shaped and merkle.proves(root, case["count"], leaf, case["position"], siblings)
    assert found is case["valid"]
    if shaped:
        assert merkle.proof_argument(siblings) == argument


@pytest.mark.parametrize("case", cases("roots.json", "commitments"))
def test_commitment(case: dict[str, Any]) -> None:
    root, data = unhex(case, "root", "data")
    names = ("total", "units", "records_checked", "records_failed", "check_ms")
    numbers = {name: int(case[name]) for name in names}
    fields = [le(case["epoch"], 8), root, le(case["count"], 4), *(le(numbers[name], 8) for name in names), data]
    assert case["hash"] == sha(*fields)
    made = EpochCommitment(epoch=int(case["epoch"]), root=root, count=case["count"], data=data, **numbers)
    assert made.hash().hex() == case["hash"]


@pytest.mark.parametrize("case", cases("enrolments.json", "indexes"))
def test_enrolled_index(case: dict[str, Any]) -> None:
    device = bytes.fromhex(case["device"])
    assert enrolled_index(device) == case["index"] == 2**31 + int.from_bytes(device[:4], "little") % 2**31


@pytest.mark.parametrize("case", cases("enrolments.json", "enrolments"))
def test_enrolment(case: dict[str, Any]) -> None:
    program, network, domain = unhex(load("enrolments.json"), "program_id", "network", "domain")
    shown = case["json"]
    owner, payout, device = (bytes(Pubkey.from_string(shown[name])) for name in ("owner", "payout", "device"))
    kind, key33 = bytes([shown["key_kind"]]), bytes.fromhex(shown["key"])
    context = hashlib.sha256(
        b"worktab/enrol" + domain + device + kind + key33 + owner + payout + bytes([shown["class"]])
    ).digest()
    by_hand = b"WTB1\x05\0\0\0" + context + le(shown["serial"], 8) + bytes(56)
    assert case["message"] == by_hand.hex()
    signed = SignedEnrolment.from_json(shown)
    signed.verify(domain=domain, program_id=program, network=network)
    assert signed.to_json() == shown
    terms = signed.enrolment
    assert terms.message(domain, device).encode() == by_hand
    index = 2**31 + int.from_bytes(device[:4], "little") % 2**31
    assert case["receipt_context"] == sha(b"worktab/receipt", domain, device, le(index, 4))
    assert terms.receipt_context(domain, device).hex() == case["receipt_context"]


@pytest.mark.parametrize("case", cases("rewards.json", "rewards"))
def test_reward(case: dict[str, Any]) -> None:
    carry, units, rate, reward, new_carry = (
        int(case[name]) for name in ("carry", "units", "rate", "reward", "new_carry")
    )
    assert money.reward(carry, units, rate) == (reward, new_carry)
    assert reward * 10**6 + new_carry == carry + units * rate
    assert new_carry < 10**6


@pytest.mark.parametrize("case", cases("rewards.json", "charges"))
def test_charge(case: dict[str, Any]) -> None:
    earnings, fee, burn = (int(case[name]) for name in ("earnings", "fee", "burn"))
    given = [case[name] for name in ("fee_bps", "burn_bps", "fee_carry", "burn_carry")]
    charged = money.charge(earnings, *given)
    assert list(charged) == [fee, burn, case["new_fee_carry"], case["new_burn_carry"]]
    assert fee * 10**4 + charged.fee_carry == case["fee_carry"] + earnings * case["fee_bps"]
    assert burn * 10**4 + charged.burn_carry == case["burn_carry"] + earnings * case["burn_bps"]
    assert fee + burn <= earnings
    assert charged.burn_carry < 10**4 or fee + burn == earnings


@pytest.mark.parametrize("case", cases("rewards.json", "shares"))
def test_share(case: dict[str, Any]) -> None:
    budget, capacity, total, share = (int(case[name]) for name in ("budget", "capacity", "total", "share"))
    assert money.share(budget, capacity, total) == share
    if total:
        assert share * total <= budget * capacity < (share + 1) * total


@pytest.mark.parametrize("case", cases("rewards.json", "epochs"))
def test_epoch_index(case: dict[str, Any]) -> None:
    now, created, length, index = (int(case[name]) for name in ("now", "created", "length", "index"))
    assert money.epoch_index(now, created, length) == index
    assert created + index * length <= now < created + (index + 1) * length
