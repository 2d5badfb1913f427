"""What the node is built with: checking that it is there, and installing the Rust toolchain."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import Final

from worktab.localnet.errors import ToolMissing
from worktab.localnet.options import Report

TOOLCHAIN: Final = "1.99.0"
"""The Rust toolchain, by rustup's name."""

_INSTALL = ("toolchain", "install", TOOLCHAIN, "--profile", "minimal", "--no-self-update")


def prepare_tools(report: Report) -> None:
    """Check for compilers and headers, and let rustup install the toolchain if it is missing.

    Raises `ToolMissing` with everything that is to be installed by hand.
    """
    if shutil.which("rustup") is None or shutil.which("cargo") is None:
        raise ToolMissing(
            "rustup is missing, which brings the Rust compiler",
            next_step=f"Install it as rustup.rs tells, then: rustup toolchain install {TOOLCHAIN} --profile minimal",
        )
    _check_packages()
    if not _has_toolchain():
        report(f"Installing Rust {TOOLCHAIN} (once, about a minute)")
        done = subprocess.run(["rustup", *_INSTALL], capture_output=True, text=True, check=False)  # noqa: S603, S607
        if done.returncode:
            raise ToolMissing(
                f"Rust {TOOLCHAIN} could not be installed",
                got=_last_line(done.stderr),
                next_step=f"rustup toolchain install {TOOLCHAIN} --profile minimal",
            )


def _check_packages() -> None:
    missing = {
        "a C compiler": ("gcc libc6-dev", shutil.which("cc") is None),
        "protoc": ("protobuf-compiler", shutil.which(os.environ.get("PROTOC") or "protoc") is None),
        "pkg-config": ("pkg-config", shutil.which("pkg-config") is None),
        "OpenSSL's headers": ("libssl-dev", "OPENSSL_DIR" not in os.environ and not _has_headers("openssl")),
        "udev's headers": ("libudev-dev", sys.platform == "linux" and not _has_headers("libudev")),
    }
    lacking = {name: packages for name, (packages, is_missing) in missing.items() if is_missing}
    if lacking:
        raise ToolMissing(
            f"The node cannot be built without {', '.join(lacking)}",
            next_step=f"On Debian or Ubuntu: sudo apt-get install {' '.join(lacking.values())}",
        )


def _has_headers(library: str) -> bool:
    try:
        done = subprocess.run(["pkg-config", "--exists", library], capture_output=True, check=False)  # noqa: S603, S607
    except FileNotFoundError:
        return False
    return done.returncode == 0


def _has_toolchain() -> bool:
    listed = subprocess.run(["rustup", "toolchain", "list"], capture_output=True, text=True, check=False)  # noqa: S607
    return any(line.split()[0].startswith(f"{TOOLCHAIN}-") for line in listed.stdout.splitlines() if line.strip())


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""
