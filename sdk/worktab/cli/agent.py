"""`worktab agent`: the device's daemon, its config file and its systemd unit."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from worktab.cli.options import Json, examples
from worktab.cli.output import emit

app = typer.Typer(
    help="Sell a device's work over HTTP: the daemon, its config file, its systemd unit.",
    epilog=examples(
        "worktab agent init agent.toml --device $DEVICE --key device.json --price 0.5",
        "worktab agent serve --config agent.toml",
    ),
    no_args_is_help=True,
)

Config = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="TOML file of settings; flags win.", show_default=False)
]


def _with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """The command with a flag for every setting in place of its parameter `flags`."""
    from worktab.agent.settings import Settings, about

    shown = []
    for name, parameter in inspect.signature(command, eval_str=True).parameters.items():
        if name == "flags":
            defaults = Settings()
            shown += [_flag(each, *kind, getattr(defaults, each)) for each, kind in about().items()]
        else:
            shown.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))

    names = set(about())

    def run(**given: Any) -> None:
        flags = {name: given.pop(name) for name in names}
        # A list that is not given comes as an empty one.
        flags |= {each: flags[each] or None for each in ("modules", "ingest")}
        command(flags=flags, **given)

    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in shown}
    return run


def _flag(name: str, kind: type, described: Any, default: Any) -> inspect.Parameter:
    flag = "--" + name.replace("_", "-")
    told = described.told
    if default not in (None, False, ()):
        told = f"{told} [default: {default}]"
    metavar = described.form or None
    hint: Any = (list[Path] if described.form == "FILE" else list[str]) if kind is tuple else kind
    option = typer.Option(
        f"{flag}/--no-{flag[2:]}" if kind is bool else flag, metavar=metavar, help=told, show_default=False
    )
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[hint | None, option]
    )


@app.command(
    epilog=examples(
        "worktab agent init agent.toml --device $DEVICE --key device.json --price 0.5",
        "worktab agent init /etc/worktab.toml --device $DEVICE --key /etc/worktab.key --url $URL",
    )
)
@_with_settings
def init(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The config file; one that exists is left alone.", show_default=False)
    ],
    flags: dict[str, Any],
    as_json: Json = False,
) -> None:
    """Write a config file with every setting explained.

    Those given as flags are set, the others commented out with their defaults. Files are named by their full paths.
    """
    from worktab.agent.errors import MissingSetting
    from worktab.agent.settings import Settings
    from worktab.cli.keyfiles import device_signer, read_file, wallet
    from worktab.cli.parsing import address
    from worktab.core.errors import StorageError

    paths: dict[str, Any] = {name: value.absolute() for name, value in flags.items() if isinstance(value, Path)}
    if flags["modules"]:
        paths["modules"] = [each.absolute() for each in flags["modules"]]
    settings = Settings.load(None, flags | paths)
    for name in ("device", "key"):
        if getattr(settings, name) is None:
            raise MissingSetting(name)
    address(str(settings.device), "--device")
    assert settings.key is not None
    # What would keep the daemon from starting is told here.
    device_signer(settings.key)
    if settings.wallet is not None:
        wallet(settings.wallet)
    for each in settings.modules:
        read_file(each, "module")
    target = file.expanduser()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8") as out:
            out.write(settings.to_toml())
    except FileExistsError:
        raise StorageError(f"There is a file at {target} already", next_step="Choose another path") from None
    except OSError as error:
        raise StorageError(f"The config file {target} cannot be written", got=str(error.strerror)) from error
    emit({"device": settings.device, "file": target}, as_json=as_json)


@app.command(
    epilog=examples(
        "worktab agent serve --config agent.toml",
        "worktab agent serve --config agent.toml --host 0.0.0.0 --metrics-port 9402",
        "worktab agent serve --device $DEVICE --key device.json --price 0.5 --claim-every 86400",
    )
)
@_with_settings
def serve(
    flags: dict[str, Any],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Sell WASM jobs, and settle vouchers and submit receipts in the background, until Ctrl-C or SIGTERM.

    Says where it listens once it does; with --json in one line of JSON. Jobs under way are then ended and what is
    worth the fee is settled. It may be killed at any time: nothing is lost, and the next start goes on.
    """
    from worktab.agent.settings import Settings
    from worktab.cli.serving import serve_until_stopped

    serve_until_stopped(Settings.load(config, flags), as_json=as_json)


@app.command(
    epilog=examples(
        "worktab agent unit --config /etc/worktab.toml > /etc/systemd/system/worktab.service",
        "worktab agent unit --config agent.toml --user > ~/.config/systemd/user/worktab.service",
    )
)
def unit(
    config: Annotated[
        Path, typer.Option("--config", metavar="FILE", help="TOML file of settings.", show_default=False)
    ],
    user: Annotated[bool, typer.Option("--user", help="For the service manager of the user.")] = False,
    as_json: Json = False,
) -> None:
    """Print a hardened systemd unit that runs the daemon with a config file.

    With --user it works in the folder that `worktab agent serve` uses, which is made where it is missing.
    """
    from worktab.agent.settings import Settings
    from worktab.agent.unit import unit_text
    from worktab.cli.serving import command_line, state_folder

    settings = Settings.load(config, {})
    text = unit_text(settings, config, command_line(), state=state_folder(settings) if user else None)
    if as_json:
        emit({"unit": text}, as_json=True)
    else:
        typer.echo(text, nl=False)
