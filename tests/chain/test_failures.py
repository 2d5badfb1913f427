"""From the runtime's error values to typed errors, and whose error number it is."""

from __future__ import annotations

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.transaction_status import (
    InstructionErrorCustom,
    InstructionErrorFieldless,
    TransactionErrorDuplicateInstruction,
    TransactionErrorFieldless,
    TransactionErrorInstructionError,
    TransactionErrorInsufficientFundsForRent,
    TransactionErrorType,
)

from worktab.chain.failures import error_of, failing_program, failure_of
from worktab.chain.protocol import Failure
from worktab.core.errors import ChainError, SimulationFailed, TransactionFailed

OUTER, INNER, OTHER = (Keypair().pubkey() for _ in range(3))


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (TransactionErrorFieldless.BlockhashNotFound, Failure("BlockhashNotFound")),
        (TransactionErrorDuplicateInstruction(3), Failure("DuplicateInstruction(3)")),
        (TransactionErrorInsufficientFundsForRent(1), Failure("InsufficientFundsForRent { account_index: 1 }")),
        (
            TransactionErrorInstructionError(2, InstructionErrorFieldless.InvalidArgument),
            Failure("InvalidArgument", instruction=2),
        ),
        (
            TransactionErrorInstructionError(0, InstructionErrorCustom(6_007)),
            Failure("Custom(6007)", instruction=0, custom=6_007),
        ),
    ],
    ids=str,
)
def test_the_runtimes_errors_keep_their_names(error: TransactionErrorType, failure: Failure) -> None:
    assert failure_of(error) == failure


def failed(program: Pubkey, number: int) -> str:
    return f"Program {program} failed: custom program error: {number:#x}"


@pytest.mark.parametrize(
    ("logs", "program"),
    [
        ([f"Program {OUTER} invoke [1]", failed(OUTER, 17)], OUTER),
        ([f"Program {OUTER} invoke [1]", f"Program {INNER} invoke [2]", failed(INNER, 17), failed(OUTER, 17)], INNER),
        ([failed(INNER, 16), failed(OUTER, 17)], OUTER),
        ([f"Program log: {failed(INNER, 17)}", failed(OUTER, 17)], OUTER),
        (["Log truncated"], OUTER),
        ([], OUTER),
    ],
    ids=["own", "callee", "another number", "said by a program", "truncated", "native"],
)
def test_a_number_belongs_to_the_innermost_program_that_failed_with_it(logs: list[str], program: Pubkey) -> None:
    assert failing_program(Failure("Custom(17)", 1, 17), [OTHER, OUTER], logs) == program


@pytest.mark.parametrize("instruction", [None, 1])
def test_without_logs_or_instruction_it_is_nobodys(instruction: int | None) -> None:
    assert failing_program(Failure("Custom(17)", instruction, 17), [OTHER], []) is None


def test_the_table_is_asked_for_numbers_only() -> None:
    def table(program: Pubkey, number: int) -> ChainError | None:
        raise AssertionError("not asked")

    failure = Failure("InvalidArgument", instruction=0)
    error = error_of(
        failure, programs=[OTHER], logs=["a line"], table=table, otherwise=TransactionFailed, context="It failed"
    )
    assert type(error) is TransactionFailed
    assert error.as_dict() == {
        "code": "transaction_failed",
        "message": "It failed",
        "expected": "",
        "got": f"InvalidArgument from instruction 0 ({OTHER})",
        "next_step": "",
    }
    assert error.__notes__ == ["a line"]


@pytest.mark.parametrize("text", ["AccountNotFound", "InsufficientFundsForFee"])
def test_a_payer_without_lamports_is_advised(text: str) -> None:
    error = error_of(Failure(text), programs=[], logs=[], table=None, otherwise=SimulationFailed, context="No")
    assert (error.got, error.next_step) == (text, "Give the fee payer enough lamports")
