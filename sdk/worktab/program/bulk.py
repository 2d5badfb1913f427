"""Many accounts at once, as a numpy array with a column for each field.

numpy is imported at the first call: who needs no bulk does not pay for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from worktab.core.errors import EncodingError
from worktab.program.codec import Address, Array, Boolean, Codec, FixedBytes, Integer
from worktab.program.structs import Account, Nested, Struct

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def account_dtype(account: type[Account]) -> np.dtype[Any]:
    """The numpy type of an account's data: `discriminator`, then its fields by name.

    Integers are little-endian, addresses and byte strings are subarrays of `u1`, structs are nested.
    """
    import numpy as np

    tag = ("discriminator", "u1", (len(account.DISCRIMINATOR),))
    return np.dtype([tag, *_columns(account)])


def decode_many(account: type[Account], data: Sequence[bytes]) -> NDArray[Any]:
    """The data of many accounts of one type, as a read-only array of `account_dtype(account)`, in the order given.

    Raises:
        EncodingError: an item has another size or another discriminator; it is named by its index.
    """
    import numpy as np

    for index, item in enumerate(data):
        if len(item) != account.SIZE:
            raise EncodingError(
                f"item {index} is no {account.__name__}", expected=f"{account.SIZE} bytes", got=f"{len(item)} bytes"
            )
    rows = np.frombuffer(b"".join(data), dtype=account_dtype(account))
    other = (rows["discriminator"] != np.frombuffer(account.DISCRIMINATOR, dtype="u1")).any(axis=1)
    if other.any():
        index = int(other.argmax())
        raise EncodingError(
            f"item {index} is no {account.__name__}",
            expected=f"discriminator {account.DISCRIMINATOR.hex()}",
            got=rows["discriminator"][index].tobytes().hex(),
        )
    return rows


def _columns(struct: type[Struct]) -> list[tuple[str, Any, tuple[int, ...]]]:
    return [(name, *_column(codec)) for name, codec in struct.FIELDS]


def _column(codec: Codec[Any]) -> tuple[Any, tuple[int, ...]]:
    """A field's numpy type and shape."""
    match codec:
        case Integer(bits=bits, signed=signed):
            return f"<{'i' if signed else 'u'}{bits // 8}", ()
        case Boolean():
            return "?", ()
        case Address():
            return "u1", (32,)
        case FixedBytes(length=length):
            return "u1", (length,)
        case Array(item=item, length=length):
            base, shape = _column(item)
            return base, (length, *shape)
        case Nested(struct=struct):
            return _columns(struct), ()
    raise EncodingError("a field of varying size has no place in an account", got=repr(codec))
