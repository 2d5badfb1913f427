"""What a daemon can be told: in a TOML file, or by flags of the same names, which win."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Self, get_args, get_type_hints

from worktab.agent.errors import BadSetting, UnknownSetting
from worktab.core.errors import InputError, StorageError
from worktab.core.money import parse_amount

FUEL_LIMIT: Final = 1 << 48
MODULE_LIMIT: Final = 16 << 20
"""As in `worktab.work.wasm`, which takes long to import."""

LONGEST: Final = 600
"""As in `worktab.epochs.attesting.sampler`: how long attestors run a disputed record."""


@dataclass(frozen=True, slots=True)
class About:
    """What a setting means, the form of its value, and the range of a number."""

    told: str
    form: str = ""
    least: int = 0
    most: int = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Settings:
    """A daemon's settings. Every field is a key of the file and, with dashes, a flag.

    Amounts are text, in whole tokens; times are whole seconds, sizes bytes.
    """

    device: Annotated[str | None, About("Address of the device.", form="ADDRESS")] = None
    key: Annotated[
        Path | None,
        About("The device's key: a Solana key file (Ed25519) or an unencrypted PEM file (P-256).", form="FILE"),
    ] = None
    wallet: Annotated[
        Path | None,
        About(
            "Key file of the wallet that pays fees and rent; by default ANCHOR_WALLET or ~/.config/solana/id.json.",
            form="FILE",
        ),
    ] = None
    state: Annotated[
        Path | None, About("Folder of spool, book and data; by default ~/.local/share/worktab/DEVICE.", form="DIR")
    ] = None
    url: Annotated[
        str | None,
        About("RPC address of the cluster; by default ANCHOR_PROVIDER_URL or http://127.0.0.1:8899.", form="URL"),
    ] = None
    program: Annotated[
        str | None,
        About("Address of the Worktab program, where it is deployed under another than its own.", form="ADDRESS"),
    ] = None
    host: Annotated[str, About("Address to listen on; 0.0.0.0 for all.", form="IP")] = "127.0.0.1"
    port: Annotated[int, About("Port to sell on; 0 chooses a free one.", form="PORT", most=65_535)] = 8402
    metrics_port: Annotated[
        int | None, About("Port for /metrics; by default they are beside the jobs.", form="PORT", most=65_535)
    ] = None
    price: Annotated[
        str | None,
        About("Whole tokens for 1,000,000 work units; by default what the network pays for them.", form="AMOUNT"),
    ] = None
    minimum: Annotated[
        str | None, About("Whole tokens that a job costs at least; by default one base unit.", form="AMOUNT")
    ] = None
    default_units: Annotated[
        int, About("Most work units of a request that names none.", form="UNITS", least=1, most=FUEL_LIMIT)
    ] = 1_000_000_000
    max_units: Annotated[
        int | None,
        About(
            "Most work units that a request may name; by default the device's capacity where the network rewards "
            "receipts, 20_000_000_000 at most.",
            form="UNITS",
            least=1,
            most=FUEL_LIMIT,
        ),
    ] = None
    max_seconds: Annotated[
        int,
        About(
            "Seconds that a job may take; attestors leave records undecided that take them twice the default.",
            form="SECONDS",
            least=1,
        ),
    ] = LONGEST // 2
    input_limit: Annotated[int, About("Largest input in bytes.", form="BYTES", most=1 << 30)] = 8 << 20
    modules: Annotated[tuple[Path, ...], About("The only modules that jobs may use; by default any.", form="FILE")] = ()
    module_limit: Annotated[int, About("Largest module in bytes.", form="BYTES", least=8, most=MODULE_LIMIT)] = (
        MODULE_LIMIT
    )
    module_room: Annotated[
        int, About("Bytes of uploaded modules that are kept.", form="BYTES", least=MODULE_LIMIT, most=1 << 50)
    ] = 1 << 30
    threads: Annotated[
        int | None, About("Jobs at once; by default one for each processor.", form="NUMBER", least=1, most=1_024)
    ] = None
    max_requests: Annotated[
        int, About("Requests at once, those that wait included; more are answered 503.", form="NUMBER", least=1)
    ] = 256
    settle_at: Annotated[str, About("Settle a lane as soon as it owes so many whole tokens.", form="AMOUNT")] = "1"
    settle_least: Annotated[
        str | None,
        About("Leave a lane alone while it owes less: whole tokens, by default one base unit.", form="AMOUNT"),
    ] = None
    settle_after: Annotated[int, About("Settle what has been owed for so long.", form="SECONDS")] = 86_400
    settle_every: Annotated[int, About("Look for what to settle so often.", form="SECONDS", least=1)] = 30
    submit_every: Annotated[
        int, About("Submit a receipt so often, when there is work for one.", form="SECONDS", least=1)
    ] = 300
    ingest: Annotated[
        tuple[str, ...],
        About("Ingests that take the device's receipts once the network pays by roots; all are used.", form="URL"),
    ] = ()
    ingest_least: Annotated[
        int, About("Ingests that must hold a receipt for it to count as submitted.", form="NUMBER", least=1)
    ] = 1
    accept_cut: Annotated[bool, About("Give up what limits cut from rewards, for good.")] = False
    claim_every: Annotated[
        int, About("Claim what the device is owed so often; 0 leaves that to others.", form="SECONDS")
    ] = 0
    grace: Annotated[
        int, About("Seconds that jobs under way have to end when the daemon is stopped.", form="SECONDS")
    ] = 30

    @classmethod
    def load(cls, file: Path | None, given: Mapping[str, Any]) -> Self:
        """The settings in a TOML file, with those `given` in place of its own; None among them is not given.

        Paths in the file are relative to its folder.

        Raises `StorageError` if the file cannot be read, `UnknownSetting` for a key that is none, `BadSetting` for a
        value that does not do.
        """
        known = about()
        values = {} if file is None else _read(file)
        for name in values:
            if name not in known:
                raise UnknownSetting(name, known)
        flags = {name: value for name, value in given.items() if value is not None}
        folder = Path() if file is None else file.parent
        checked = {
            name: _checked(name, *known[name], value, Path() if name in flags else folder)
            for name, value in (values | flags).items()
        }
        settings = cls(**checked)
        if settings.max_units is None or settings.default_units <= settings.max_units:
            return settings
        if "default_units" in checked:
            raise BadSetting("default_units", f"at most max_units, {settings.max_units}", str(settings.default_units))
        return replace(settings, default_units=settings.max_units)

    def to_toml(self) -> str:
        """A file with these settings and a comment for each; those left at their default are commented out."""
        lines = [_HEADER]
        for each, (kind, described) in zip(fields(self), about().values(), strict=True):
            value = getattr(self, each.name)
            # The place of a number has no quotes, for the number has none.
            text = (
                described.form if value is None and kind is int else _toml(described.form if value is None else value)
            )
            shown = f"{each.name} = {text}"
            lines.append(f"\n# {described.told}\n{shown if value != each.default else '# ' + shown}\n")
        return "".join(lines)


_HEADER: Final = """\
# Settings of `worktab agent serve`. Each is a flag, too, which wins: settle_every = 30 is --settle-every 30.
# A line that is commented out shows the default. Amounts are text, in whole tokens; times are in seconds.
"""


@cache
def about() -> dict[str, tuple[type, About]]:
    """Of every setting, in their order: the type of its value, and what it means."""
    hints = get_type_hints(Settings, include_extras=True)
    found = {}
    for name, hint in hints.items():
        kind, described = get_args(hint)
        found[name] = (_KINDS[kind], described)
    return found


_KINDS: Final[dict[object, type]] = {
    bool: bool,
    int: int,
    int | None: int,
    str: str,
    str | None: str,
    Path | None: Path,
    tuple[Path, ...]: tuple,
    tuple[str, ...]: tuple,
}


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise StorageError(f"The config file {file} cannot be read", got=str(error.strerror)) from error
    except ValueError as error:
        raise StorageError(f"The config file {file} is no TOML", got=str(error)) from error


def _checked(name: str, kind: type, described: About, value: Any, folder: Path) -> Any:
    """The value of one setting as its field wants it. Raises `BadSetting`."""
    if kind is bool:
        if isinstance(value, bool):
            return value
        raise BadSetting(name, "true or false", repr(value))
    if kind is int:
        if isinstance(value, int) and not isinstance(value, bool) and described.least <= value <= described.most:
            return value
        raise BadSetting(name, f"a whole number from {described.least} to {described.most}", repr(value))
    if kind is tuple:
        if not (isinstance(value, list | tuple) and all(isinstance(each, str | Path) for each in value)):
            raise BadSetting(name, f"a list of {'files' if described.form == 'FILE' else 'addresses'}", repr(value))
        if described.form == "FILE":
            return tuple(folder / Path(each).expanduser() for each in value)
        return tuple(map(str, value))
    if not isinstance(value, str | Path):
        raise BadSetting(name, 'text in quotes, such as "..."', repr(value))
    if described.form == "AMOUNT":
        _check_amount(name, str(value))
    return folder / Path(value).expanduser() if kind is Path else str(value)


def _check_amount(name: str, text: str) -> None:
    """See that it is an amount; how fine it may be is the token's to say. Raises `BadSetting`."""
    decimals = len(text.partition(".")[2].rstrip("0"))
    try:
        parse_amount(text, min(decimals, 255))
    except InputError as error:
        raise BadSetting(name, error.expected, repr(text)) from error


def _toml(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return f"{value:_}" if value >= 100_000 else str(value)
        case tuple():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case _:
            return json.dumps(str(value), ensure_ascii=False)
