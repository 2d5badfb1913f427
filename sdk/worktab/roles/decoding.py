"""Numbers in accounts that name something. A newer program may know more of them than this release does."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, TypeVar

from worktab.core.errors import EncodingError
from worktab.core.keys import DeviceKey, KeyKind
from worktab.program.generated.accounts import Device, Network
from worktab.program.generated.types import Class

K = TypeVar("K", bound=IntEnum)

_NEXT_STEP: Final = "A newer release of this package may know it"


def known(kind: type[K], number: int, name: str) -> K:
    """The member of `kind` that `number` stands for; `name` names it in errors.

    Raises:
        EncodingError: this release does not know it.
    """
    try:
        return kind(number)
    except ValueError:
        numbers = ", ".join(str(each.value) for each in kind)
        raise EncodingError(
            f"The {name} is not known", expected=f"one of {numbers}", got=str(number), next_step=_NEXT_STEP
        ) from None


def key_of(device: Device) -> DeviceKey:
    """A device's present key.

    Raises:
        EncodingError: its kind is not known.
        KeyFormatError: it is no key of that kind.
    """
    return DeviceKey(known(KeyKind, device.key_kind, "key kind"), device.key)


def class_of(network: Network, device: Device) -> Class:
    """The class of a device of `network`.

    Raises:
        EncodingError: its number is above what a network of this release has.
    """
    if device.class_ >= len(network.classes):
        most = len(network.classes) - 1
        raise EncodingError(
            "The class is not known", expected=f"0 to {most}", got=str(device.class_), next_step=_NEXT_STEP
        )
    return network.classes[device.class_]
