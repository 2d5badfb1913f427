"""Every instruction: anchorpy builds what Worktab's own client builds, byte for byte and account for account."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from anchorpy import Context, Program
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from values import as_anchor_types, as_dicts, codec_of, highest, lowest, values

from worktab.anchor import claimed_devices, program, signature_instruction
from worktab.core import messages
from worktab.core.addresses import INSTRUCTIONS_SYSVAR_ID
from worktab.core.keys import Ed25519Signer, P256Signer
from worktab.core.native import native_program, signature_instruction_data
from worktab.program.artefacts import program_idl
from worktab.program.generated import PROGRAM_ID, instructions

SPECS: dict[str, dict[str, Any]] = {each["name"]: each for each in program_idl()["instructions"]}
RELAXED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
ELSEWHERE = Pubkey(b"\x07" * 32)

addresses = st.binary(min_size=32, max_size=32).map(Pubkey)
metas = st.builds(AccountMeta, addresses, st.booleans(), st.booleans())


def accounts_class(name: str) -> type:
    found: type = getattr(instructions, "".join(part.capitalize() for part in name.split("_")) + "Accounts")
    return found


def all_accounts(name: str) -> dict[str, Pubkey]:
    """A different address for each account that the instruction names."""
    return {each["name"]: Keypair().pubkey() for each in SPECS[name]["accounts"]}


def ours(
    name: str,
    accounts: dict[str, Any],
    args: dict[str, Any],
    others: Sequence[AccountMeta] = (),
    at: Pubkey = PROGRAM_ID,
) -> Instruction:
    build: Callable[..., Instruction] = getattr(instructions, name)
    return build(accounts_class(name)(**accounts), **args, program_id=at, remaining_accounts=others)


def edge(name: str, pick: Callable[[Any], Any]) -> dict[str, Any]:
    return {arg["name"]: pick(codec_of(arg["type"])) for arg in SPECS[name]["args"]}


def test_every_instruction_is_there(offline: Program) -> None:
    for namespace in ("instruction", "transaction", "rpc", "simulate", "methods"):
        assert set(getattr(offline, namespace)) == set(SPECS), namespace
    assert set(SPECS) <= set(instructions.__all__)


@pytest.mark.parametrize("pick", [lowest, highest], ids=["lowest", "highest"])
@pytest.mark.parametrize("name", SPECS)
def test_edges(offline: Program, name: str, pick: Callable[[Any], Any]) -> None:
    accounts, args = all_accounts(name), edge(name, pick)
    expected = ours(name, accounts, args)
    given_as = [
        list(args.values()),
        list(by_hand(name, args).values()),
        [as_anchor_types(value, offline.type) for value in args.values()],
    ]
    for form in given_as:
        built = offline.instruction[name](*form, ctx=Context(accounts=accounts))
        assert bytes(built.data) == bytes(expected.data)
        assert built.accounts == expected.accounts
        assert built == expected


@pytest.mark.parametrize("name", SPECS)
@given(data=st.data())
@RELAXED
def test_any_values(offline: Program, name: str, data: st.DataObject) -> None:
    accounts = {each["name"]: data.draw(addresses) for each in SPECS[name]["accounts"]}
    args = {arg["name"]: data.draw(values(codec_of(arg["type"]))) for arg in SPECS[name]["args"]}
    others = data.draw(st.lists(metas, max_size=3))
    expected = ours(name, accounts, args, others)
    context = Context(accounts=accounts, remaining_accounts=others)
    assert offline.instruction[name](*args.values(), ctx=context) == expected
    assert offline.instruction[name](*by_hand(name, args).values(), ctx=context) == expected
    typed = [as_anchor_types(value, offline.type) for value in args.values()]
    assert offline.instruction[name](*typed, ctx=context) == expected


@pytest.mark.parametrize("name", SPECS)
def test_bytes_are_read_back(offline: Program, name: str) -> None:
    args = edge(name, highest)
    expected = ours(name, all_accounts(name), args)
    read = offline.coder.instruction.parse(bytes(expected.data))
    assert read.name == name
    assert offline.coder.instruction.build(read) == bytes(expected.data)
    assert offline.coder.instruction.encode(name, by_hand(name, args)) == bytes(expected.data)


def by_hand(name: str, args: dict[str, Any]) -> dict[str, Any]:
    """Arguments as users of anchorpy write them: the IDL's `bytes` are bytes, its arrays of bytes lists."""
    kinds = {arg["name"]: arg["type"] for arg in SPECS[name]["args"]}
    return {arg: value if kinds[arg] == "bytes" else as_dicts(value) for arg, value in args.items()}


@pytest.mark.parametrize("name", SPECS)
def test_what_may_be_left_out(offline: Program, name: str) -> None:
    spec = SPECS[name]["accounts"]
    args = edge(name, lowest)
    accounts = all_accounts(name)
    fixed = {each["name"]: Pubkey.from_string(each["address"]) for each in spec if "address" in each}
    optional = [each["name"] for each in spec if each.get("optional")]
    left = {key: value for key, value in accounts.items() if key not in fixed and key not in optional}
    expected = ours(name, left, args)
    for given_for_none in ({}, dict.fromkeys(optional), dict.fromkeys(optional, PROGRAM_ID)):
        context = Context(accounts={**left, **given_for_none})
        assert offline.instruction[name](*args.values(), ctx=context) == expected
    assert ours(name, {**left, **fixed, **dict.fromkeys(optional)}, args) == expected


@pytest.mark.parametrize("name", SPECS)
def test_a_needed_account_that_is_left_out_is_named(offline: Program, name: str) -> None:
    accounts = all_accounts(name)
    needed = next(each["name"] for each in SPECS[name]["accounts"])
    del accounts[needed]
    with pytest.raises(ValueError, match=f"{needed} not provided"):
        offline.instruction[name](*edge(name, lowest).values(), ctx=Context(accounts=accounts))


@pytest.mark.parametrize("name", SPECS)
def test_another_address(offline: Program, name: str) -> None:
    elsewhere = program(offline.provider, program_id=ELSEWHERE)
    accounts, args = all_accounts(name), edge(name, highest)
    optional = {each["name"] for each in SPECS[name]["accounts"] if each.get("optional")}
    accounts = {key: value for key, value in accounts.items() if key not in optional}
    built = elsewhere.instruction[name](*args.values(), ctx=Context(accounts=accounts))
    assert built == ours(name, accounts, args, at=ELSEWHERE)
    assert elsewhere.program_id == ELSEWHERE


@pytest.mark.parametrize("name", SPECS)
def test_a_transaction_carries_the_instruction(offline: Program, name: str) -> None:
    signers = {each["name"]: Keypair() for each in SPECS[name]["accounts"] if each.get("signer")}
    accounts = all_accounts(name) | {key: keypair.pubkey() for key, keypair in signers.items()}
    args = edge(name, highest)
    expected = ours(name, accounts, args)
    payer = Keypair()
    call = offline.methods[name].args(list(args.values())).accounts(accounts).signers(list(signers.values()))
    context = Context(accounts=accounts, signers=list(signers.values()))
    made = offline.transaction[name](*args.values(), payer=payer, blockhash=Hash.default(), ctx=context)
    assert made == call.transaction(payer, Hash.default())
    assert call.instruction() == expected
    assert made.message == Message.new_with_blockhash([expected], payer.pubkey(), Hash.default())
    made.verify_and_hash_message()


def test_a_proof_that_signs_is_marked_as_a_signer(offline: Program) -> None:
    key = Keypair()
    accounts = {"network": ELSEWHERE, "device": Keypair().pubkey(), "proof": key.pubkey()}
    message = messages.Message.receipt(bytes(32), 1, 2, 3, bytes(32)).encode()
    plain = offline.instruction["submit_receipt"](message, ctx=Context(accounts=accounts))
    signed = offline.instruction["submit_receipt"](message, ctx=Context(accounts=accounts, signers=[key]))
    assert [meta.is_signer for meta in plain.accounts] == [False, False, False]
    assert [meta.is_signer for meta in signed.accounts] == [False, False, True]
    assert [meta.pubkey for meta in signed.accounts] == [meta.pubkey for meta in plain.accounts]
    assert signed.data == plain.data


@pytest.mark.parametrize("signer", [Ed25519Signer(b"\x05" * 32), P256Signer.generate()], ids=["ed25519", "p256"])
def test_the_instruction_that_checks_a_signature(signer: Ed25519Signer | P256Signer) -> None:
    message = messages.Message.receipt(b"\x01" * 32, 1, 2, 3, b"\x02" * 32)
    made = signature_instruction(signer, message)
    signature = bytes(made.data)[16 + len(signer.public.public_bytes) :][:64]
    assert signer.public.verify(message.encode(), signature)
    assert bytes(made.data) == signature_instruction_data(signer.public, signature, message.encode())
    assert str(made.program_id) == native_program(signer.public.kind)
    assert made.accounts == []


def test_the_devices_of_a_claim() -> None:
    assert claimed_devices([ELSEWHERE, INSTRUCTIONS_SYSVAR_ID]) == [
        AccountMeta(ELSEWHERE, is_signer=False, is_writable=True),
        AccountMeta(INSTRUCTIONS_SYSVAR_ID, is_signer=False, is_writable=True),
    ]


def test_the_dataclasses_are_the_programs(offline: Program) -> None:
    shared = {each["name"] for each in program_idl()["types"]}
    tagged = {each["name"] for kind in ("accounts", "events") for each in program_idl()[kind]}
    assert set(offline.type) == shared - tagged
    assert [each.name for each in dataclasses.fields(offline.type["Change"])] == ["kind", "class_", "values", "key"]


def test_a_field_named_as_a_keyword_goes_by_either_name(offline: Program) -> None:
    change = {"kind": 1, "values": [0] * 5, "key": ELSEWHERE}
    context = Context(accounts=all_accounts("propose_update"))
    for name in ("class", "class_"):
        built = offline.instruction["propose_update"](change | {name: 7}, ctx=context)
        assert bytes(built.data)[:3] == bytes([1, 1, 7])
