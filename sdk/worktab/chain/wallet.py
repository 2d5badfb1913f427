"""Key files: the JSON form that Solana's tools share, an array of the 64 bytes of an Ed25519 keypair."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from solders.keypair import Keypair

from worktab.chain.durable import sync_folder
from worktab.core.errors import KeyFormatError, StorageError


def default_keypair_path() -> Path:
    """The file ANCHOR_WALLET names, or `~/.config/solana/id.json` when it is not set."""
    named = os.environ.get("ANCHOR_WALLET")
    return Path(named).expanduser() if named else Path.home() / ".config" / "solana" / "id.json"


def load_keypair(path: str | Path | None = None) -> Keypair:
    """Read a key file, by default the one at `default_keypair_path()`.

    Raises `StorageError` if it cannot be read, `KeyFormatError` if it holds no keypair or one whose halves disagree.
    No error repeats what is in the file.
    """
    file = Path(path).expanduser() if path is not None else default_keypair_path()
    try:
        content = file.read_bytes()
    except FileNotFoundError as error:
        raise StorageError(
            f"There is no key file at {file}", next_step="Name another one, or make one with save_new_keypair()"
        ) from error
    except OSError as error:
        raise StorageError(f"The key file {file} cannot be read", got=str(error.strerror)) from error
    try:
        return Keypair.from_json(content.decode())
    except ValueError:
        raise KeyFormatError(
            f"The file {file} holds no keypair", expected="a JSON array of the 64 bytes of an Ed25519 keypair"
        ) from None


def save_new_keypair(path: str | Path) -> Keypair:
    """Make a new keypair and write it to `path`, readable by its owner alone (mode 0600).

    The file appears whole and durable or not at all, and one that is there already is never touched. Folders are
    made as needed. Raises `StorageError` if the file exists or cannot be written.
    """
    file = Path(path).expanduser()
    keypair = Keypair()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_secret(file, keypair.to_json())
    except OSError as error:
        raise StorageError(f"The key file {file} cannot be written", got=str(error.strerror)) from error
    return keypair


def write_secret(file: Path, content: str) -> None:
    """Writes a new file that only its owner can read: all of it or nothing, and never over another file.

    Raises `StorageError` if there is a file already, and `OSError` as the file system does.
    """
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        try:
            os.link(draft, file)  # unlike a rename, fails when the name is taken
        except FileExistsError as error:
            raise StorageError(f"There is a file at {file} already", next_step="Choose another path") from error
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(file.parent)
