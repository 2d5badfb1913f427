"""Many accounts at once: equal to one at a time."""

from __future__ import annotations

import random
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from worktab.core.errors import EncodingError
from worktab.program.bulk import account_dtype, decode_many
from worktab.program.generated.accounts import Device, Network
from worktab.program.structs import Account, Struct


def random_accounts(account: type[Account], count: int) -> list[bytes]:
    chance = random.Random(7)
    return [account.DISCRIMINATOR + chance.randbytes(account.SIZE - 8) for _ in range(count)]


def plain(value: Any) -> Any:
    """A decoded value in the form a numpy row has: lists, ints, and addresses as bytes in a list."""
    if isinstance(value, Struct):
        return tuple(plain(getattr(value, name)) for name, _ in value.FIELDS)
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return value if isinstance(value, int) else list(bytes(value))


def from_row(row: Any) -> Any:
    if isinstance(row, np.void):
        return tuple(from_row(row[name]) for name in row.dtype.names or ())
    if isinstance(row, np.ndarray) and row.dtype.names is not None:
        return [from_row(item) for item in row]
    return row.tolist()


@pytest.mark.parametrize("account", [Device, Network])
def test_equal_to_one_at_a_time(account: type[Account]) -> None:
    data = random_accounts(account, 20)
    rows = decode_many(account, data)
    assert len(rows) == 20
    for item, row in zip(data, rows, strict=True):
        assert from_row(row)[1:] == plain(account.decode(item))


@pytest.mark.parametrize("account", [Device, Network])
def test_the_dtype_covers_the_account(account: type[Account]) -> None:
    dtype = account_dtype(account)
    assert dtype.itemsize == account.SIZE
    assert dtype.fields is not None
    offsets = {name: dtype.fields[name][1] for name in account.OFFSETS}
    assert offsets == account.OFFSETS
    assert dtype.names == ("discriminator", *account.OFFSETS)


def test_columns_add_up() -> None:
    data = random_accounts(Device, 1000)
    rows = decode_many(Device, data)
    assert rows["units"].sum(dtype=object) == sum(Device.decode(item).units for item in data)
    assert rows["key"].shape == (1000, 33)
    assert not rows.flags.writeable


def test_none_at_all() -> None:
    assert len(decode_many(Device, [])) == 0


def test_the_item_that_is_no_such_account_is_named() -> None:
    data = random_accounts(Device, 5)
    with pytest.raises(EncodingError, match="item 3 is no Device; expected 552 bytes; got 551 bytes"):
        decode_many(Device, [*data[:3], data[3][:-1], data[4]])
    with pytest.raises(EncodingError, match="item 0 is no Device; expected 552 bytes; got 1808 bytes"):
        decode_many(Device, random_accounts(Network, 1))
    other = b"\x00" + data[4][1:]
    with pytest.raises(EncodingError) as caught:
        decode_many(Device, [*data, other])
    assert str(caught.value) == ("item 5 is no Device; expected discriminator 99f81727532d4480; got 00f81727532d4480")


def test_numpy_is_not_imported_before_it_is_needed() -> None:
    code = "import sys, worktab.program.bulk, worktab.program.generated.accounts; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
