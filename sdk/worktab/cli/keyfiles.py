"""Files of keys, and other files that commands are given."""

from __future__ import annotations

from pathlib import Path

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.chain.wallet import default_keypair_path, load_keypair, write_secret
from worktab.core.errors import KeyFormatError, StorageError
from worktab.core.keys import DeviceKey, Ed25519Signer, P256Signer


def wallet(path: Path | None) -> Keypair:
    """The wallet in a key file, by default the user's. Raises `StorageError`, `KeyFormatError`."""
    file = (path or default_keypair_path()).expanduser()
    if not file.exists():
        raise StorageError(
            f"There is no key file at {file}", next_step=f"Name another one, or make one: worktab device keygen {file}"
        )
    return load_keypair(file)


def public_key(text: str) -> Pubkey:
    """The key that is written in base58, or kept in the key file of this name.

    Raises `StorageError`, `KeyFormatError`.
    """
    try:
        return Pubkey.from_string(text)
    except ValueError:
        return wallet(Path(text)).pubkey()


def device_signer(path: Path) -> Ed25519Signer | P256Signer:
    """The device's key in a Solana key file or a PEM file. Raises `StorageError`, `KeyFormatError`."""
    content = read_file(path, "key file").lstrip()
    if content.startswith(b"["):
        return Ed25519Signer.from_json_bytes(content)
    if content.startswith(b"-----BEGIN"):
        return P256Signer.from_pem(content)
    raise KeyFormatError(
        f"The file {path} holds no key",
        expected="a Solana key file (JSON) or an unencrypted PKCS #8 PEM file",
        next_step="Make one: worktab device keygen FILE",
    )


def as_keypair(signer: Ed25519Signer) -> Keypair:
    """An Ed25519 device key as one that signs transactions."""
    return Keypair.from_json(signer.to_json_bytes().decode())


def save_new_p256_key(path: Path) -> DeviceKey:
    """Make a P-256 key and write it to `path` as a PEM file; as careful as `save_new_keypair`.

    Raises `StorageError` if the file exists or cannot be written.
    """
    file, signer = path.expanduser(), P256Signer.generate()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_secret(file, signer.to_pem().decode())
    except OSError as error:
        raise StorageError(f"The key file {file} cannot be written", got=str(error.strerror)) from error
    return signer.public


def read_file(path: Path, name: str) -> bytes:
    """The bytes of a file. Raises `StorageError`."""
    try:
        return path.expanduser().read_bytes()
    except OSError as error:
        raise StorageError(
            f"The {name} {path} cannot be read", got=str(error.strerror), next_step="Name a file that you may read"
        ) from error


def write_file(path: Path, text: str, name: str, *, force: bool = False) -> None:
    """Write a text file, and the folders that lead to it. Raises `StorageError`, also where it exists.

    force  write over a file that exists
    """
    file = path.expanduser()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w" if force else "x", encoding="utf-8") as out:
            out.write(text)
    except OSError as error:
        exists = isinstance(error, FileExistsError) and file.is_file()
        raise StorageError(
            f"The {name} {path} cannot be written",
            got=str(error.strerror),
            next_step="Name another file, or write over this one with --force"
            if exists
            else "Name a file in a folder that you may write to",
        ) from error
