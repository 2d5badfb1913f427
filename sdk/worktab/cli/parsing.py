"""What people write for addresses, classes, kinds of work and lists of numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from solders.pubkey import Pubkey

from worktab.core.addresses import find_invoice
from worktab.core.errors import InputError
from worktab.core.money import parse_amount
from worktab.core.records import Meter
from worktab.roles.terms import Pause, WorkClass

_CLASS_FORM: Final = "rate=N,max-capacity=N,budget=N and, if wanted, meter=NAME,least-bond=N"
_CLASSES: Final = 8
_DAY: Final = 86_400
_MOST_DAYS: Final = 36_500
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DIGEST: Final = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)
_LENGTH: Final = re.compile(r"(\d{1,9})([smhd])", re.ASCII)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": _DAY}
_NEEDED: Final = {"rate", "max-capacity", "budget"}
_KNOWN: Final = _NEEDED | {"meter", "least-bond"}


def address(text: str, name: str) -> Pubkey:
    """The address written in base58. Raises `InputError` if the text is none."""
    try:
        return Pubkey.from_string(text)
    except ValueError:
        raise InputError(f"{name} is not an address", expected="32 bytes in base58", got=repr(text)) from None


def address_or_none(text: str | None, name: str) -> Pubkey | None:
    """The address written in base58, None for none. Raises `InputError` if the text is no address."""
    return None if text is None else address(text, name)


def invoice_address(text: str, program: Pubkey) -> Pubkey:
    """The address of an invoice that is named by it, or as DEVICE#NUMBER. Raises `InputError`."""
    device, named, number = text.partition("#")
    if not named:
        return address(text, "INVOICE")
    place = whole(number, "NUMBER")
    if place >= 1 << 64:
        raise InputError("NUMBER is out of range", expected="a number below 2^64", got=number)
    return find_invoice(program, address(device, "DEVICE"), place)[0]


def work_class(text: str) -> WorkClass:
    """The class in text such as `rate=2000000,max-capacity=1000000,budget=500000`; amounts in base units.

    Raises `InputError`.
    """
    parts = [part.partition("=") for part in text.split(",")]
    given = {name.strip(): value.strip() for name, _, value in parts}
    if len(given) != len(parts) or not _NEEDED <= set(given) <= _KNOWN:
        raise InputError("This is not a class", expected=_CLASS_FORM, got=repr(text))
    meter = given.pop("meter", Meter.WASM_FUEL.name).replace("-", "_").upper()
    if meter not in Meter.__members__:
        raise InputError("The meter is not known", expected=_choices(Meter.__members__), got=repr(meter.lower()))
    numbers = {name.replace("-", "_"): whole(value, name) for name, value in given.items()}
    return WorkClass(**numbers, meter=Meter[meter])


def numbered_class(text: str) -> tuple[int, WorkClass]:
    """The number and the class in text such as `0:rate=..,max-capacity=..,budget=..`. Raises `InputError`."""
    number, _, terms = text.partition(":")
    return whole(number, "class"), work_class(terms)


def pause_flags(kinds: list[str]) -> Pause:
    """The kinds of new work named. Raises `InputError`."""
    known = Pause.__members__
    flags = Pause.NONE
    for kind in kinds:
        if kind.upper() not in known:
            raise InputError("This kind of work is not known", expected=_choices(known), got=repr(kind))
        flags |= known[kind.upper()]
    return flags


def class_mask(text: str) -> int:
    """Bit n for each class n in text such as `0,2`. Raises `InputError`."""
    mask = 0
    for part in text.split(","):
        number = whole(part.strip(), "class")
        if number >= _CLASSES:
            raise InputError("There is no such class", expected=f"0 to {_CLASSES - 1}", got=part)
        mask |= 1 << number
    return mask


def amount_above_zero(text: str, decimals: int, name: str) -> int:
    """Base units of an amount in whole tokens that may not be nothing. Raises `InputError`."""
    amount = parse_amount(text, decimals)
    if not amount:
        raise InputError(f"{name} is nothing", expected="an amount above 0", got=text, next_step=f"Raise {name}")
    return amount


def numbers(text: str, names: tuple[str, ...]) -> list[int]:
    """As many whole numbers as there are names, with commas between them. Raises `InputError`."""
    parts = text.split(",")
    if len(parts) != len(names):
        raise InputError("These are not the numbers asked for", expected=",".join(names), got=repr(text))
    return [whole(part, name) for part, name in zip(parts, names, strict=True)]


def whole(text: str, name: str) -> int:
    """A whole number, not below 0. Raises `InputError`."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 20):
        raise InputError(f"{name} is not a whole number", expected="digits", got=repr(text))
    return int(text)


def _choices(names: Iterable[str]) -> str:
    return ", ".join(name.lower().replace("_", "-") for name in names)


def unix_time(text: str, name: str) -> int:
    """A time in Unix seconds, or as ISO 8601 writes it, in UTC unless it says otherwise. Raises `InputError`."""
    if text.isdecimal():
        return whole(text, name)
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"{name} is no time", expected="Unix seconds, or such as 2027-06-01T12:00:00Z", got=repr(text)
        ) from None
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp())


def due_time(text: str, now: int) -> int:
    """A date in Unix seconds: so many days after `now`, or as ISO 8601 writes it.

    A number of days, and a date without a time, stand for the last second of that day in UTC: so the same number
    means the same on the same day. Raises `InputError`.
    """
    if text.isdecimal():
        days = whole(text, "--due")
        if not 0 < days <= _MOST_DAYS:
            raise InputError("The date is too far away, or now", expected=f"1 to {_MOST_DAYS} days", got=text)
        return (now // _DAY + days + 1) * _DAY - 1
    due = unix_time(text, "--due")
    return due + _DAY - 1 if _DATE.fullmatch(text) else due


def deadline_time(text: str, now: int, name: str) -> int:
    """A time in Unix seconds: so long after `now`, such as 90m, 36h or 7d, or as ISO 8601 writes it.

    Raises `InputError`.
    """
    found = _LENGTH.fullmatch(text)
    if found:
        return now + int(found[1]) * _SECONDS[found[2]]
    return unix_time(text, name)


def digest(text: str, name: str) -> bytes:
    """32 bytes written in hex. Raises `InputError`."""
    if not _DIGEST.fullmatch(text):
        raise InputError(f"{name} is no hash", expected="64 hexadecimal digits", got=repr(text))
    return bytes.fromhex(text)
