"""A systemd unit for the daemon, as closed as it can run in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from worktab.agent.errors import MissingSetting
from worktab.agent.settings import Settings

_COMMON: Final = """\
Restart=always
RestartSec=5
TimeoutStopSec={stop}
UMask=0077
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
ProtectControlGroups=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectKernelLogs=yes
ProtectClock=yes
ProtectHostname=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
"""

_SYSTEM: Final = """\
DynamicUser=yes
StateDirectory={name}
StateDirectoryMode=0700
CapabilityBoundingSet=
AmbientCapabilities=
PrivateDevices=yes
ProtectProc=invisible
"""


def unit_text(settings: Settings, config: Path, command: Sequence[str], *, state: Path | None = None) -> str:
    """The unit's text.

    settings  what the config file says
    config    the config file
    command   starts the command `worktab`
    state     the folder that the daemon uses without a service, for a user's own service manager; None for the
              system's

    The system's service runs as a user that exists only while it runs; config and keys, which root alone can read, are
    handed to it as credentials, and its state is in /var/lib/worktab-DEVICE. A user's service works in `state`, which
    must be there when it starts. Nothing in it forbids memory that is written and then run: that is what compiled WASM
    is.

    Raises `MissingSetting` without a device or its key, or, for the system's service, without a wallet.
    """
    if settings.device is None:
        raise MissingSetting("device")
    if settings.key is None:
        raise MissingSetting("key")
    user = state is not None
    if settings.wallet is None and not user:
        raise MissingSetting("wallet")
    name = f"worktab-{settings.device}"
    passed = {"config": config, "key": settings.key}
    if settings.wallet is not None:
        passed["wallet"] = settings.wallet
    flags = [f"--{flag} " + (_word(_absolute(path)) if user else f"%d/{flag}") for flag, path in passed.items()]
    # The file's folder is another one for a service that is handed the file.
    flags += [f"--modules {_word(_absolute(each))}" for each in settings.modules]
    body = _COMMON.format(stop=settings.grace + 60)
    if state is not None:
        flags.append(f"--state {_word(_absolute(state))}")
        body += f"ReadWritePaths={_word(_absolute(state))}\n"
    else:
        flags.append(f"--state %S/{name}")
        body += _SYSTEM.format(name=name)
        body += "".join(
            f"LoadCredential={flag}:{_absolute(path).replace('%', '%%')}\n" for flag, path in passed.items()
        )
    start = " ".join([*map(_word, command), "agent", "serve", *flags])
    return (
        "[Unit]\n"
        f"Description=Worktab device {settings.device}\n"
        "Wants=network-online.target\n"
        "After=network-online.target\n"
        "StartLimitIntervalSec=0\n"
        "\n[Service]\n"
        "Type=exec\n"
        f"ExecStart={start}\n"
        f"{body}"
        "\n[Install]\n"
        f"WantedBy={'default' if user else 'multi-user'}.target\n"
    )


def _absolute(path: Path) -> str:
    return str(path.expanduser().absolute())


def _word(text: str) -> str:
    """A word of a command line, as systemd reads it."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{plain}"' if plain != text or any(each.isspace() or each in "'\";" for each in text) else text
