"""The `worktab` command as tests run it: in this process, against a served network."""

from __future__ import annotations

import functools
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from solders.keypair import Keypair
from solders.pubkey import Pubkey
from typer import main, testing
from typer.testing import CliRunner, Result

from support.fleet import EPOCH
from support.jobs import increment
from support.served import Served
from worktab.cli.main import app

# Made once: it never changes, and making it takes longer than most commands.
testing._get_command = functools.cache(main.get_command)  # type: ignore[attr-defined]

RUNNER = CliRunner()


def invoke(*args: object, answer: str | None = None, **env: str) -> Result:
    """Run the command, and answer what it asks. Whatever happens, it ends with an exit code and shows no traceback."""
    result = RUNNER.invoke(app, [str(each) for each in args], input=answer, env=env)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result


def utc(unix_time: int) -> str:
    """A time as it is shown to people."""
    return f"{datetime.fromtimestamp(unix_time, UTC):%Y-%m-%d %H:%M:%S} UTC"


class Cli:
    """A user whose wallet is the fleet's payer, with a folder of their own."""

    def __init__(self, served: Served, folder: Path) -> None:
        self.served = served
        self.fleet = served.fleet
        self.folder = folder
        self.payer = self.key_file("payer.json", served.fleet.payer)
        self.authority = self.key_file("authority.json", served.fleet.authority)
        self.env = {
            "ANCHOR_PROVIDER_URL": served.url,
            "ANCHOR_WALLET": str(self.payer),
            "XDG_DATA_HOME": str(folder / "data"),
            "COLUMNS": "80",
        }

    @property
    def network(self) -> str:
        """The network's address."""
        return str(self.fleet.network)

    @property
    def mint(self) -> str:
        """The address of the token it pays in."""
        return str(self.fleet.mint.address)

    def epoch(self, number: int) -> int:
        """When an epoch of the network begins, in Unix seconds."""
        return self.fleet.created_at + number * EPOCH

    def key_file(self, name: str, keypair: Keypair) -> Path:
        """A key file."""
        file = self.folder / name
        file.write_text(keypair.to_json())
        return file

    def file(self, name: str, content: bytes) -> Path:
        """A file."""
        file = self.folder / name
        file.write_bytes(content)
        return file

    def run(self, *args: object, answer: str | None = None, **env: str) -> Result:
        """The command's result; `answer` is typed where it asks."""
        return invoke(*args, answer=answer, **(self.env | env))

    def text(self, *args: object) -> str:
        """What a command that succeeds prints for people; it ends no line in spaces."""
        result = self.run(*args)
        assert (result.exit_code, result.stderr) == (0, "")
        assert not [line for line in result.stdout.splitlines() if line != line.rstrip()]
        return result.stdout

    def json(self, *args: object) -> dict[str, Any]:
        """What a command that succeeds prints with --json."""
        result = self.run(*args, "--json")
        assert (result.exit_code, result.stderr) == (0, "")
        facts: dict[str, Any] = json.loads(result.stdout)
        assert "error" not in facts
        return facts

    def failure(self, *args: object, code: int = 1, facts: dict[str, Any] | None = None) -> dict[str, str]:
        """The error of a command that fails, which it tells people in one line and a next step as well."""
        as_json = self.run(*args, "--json")
        assert (as_json.exit_code, as_json.stderr) == (code, "")
        found = json.loads(as_json.stdout)
        error: dict[str, str] = found.pop("error")
        if facts is None:
            assert found == {}
        else:
            facts.update(found)
        for_people = self.run(*args)
        assert for_people.exit_code == code
        assert (for_people.stdout == "") == (facts is None)
        lines = for_people.stderr.splitlines()
        assert lines[0].startswith(f"error: {error['message']}")
        assert lines[1:] == ([f"next step: {error['next_step']}"] if error["next_step"] else [])
        return error

    def next_epoch(self) -> None:
        """Move the clock to the start of the network's next epoch."""
        self.served.do(self.fleet.next_epoch())

    def pass_time(self, seconds: int) -> None:
        """Move the clock."""
        self.served.do(self.fleet.clock.advance(seconds))

    def airdrop(self, keypair: Keypair, lamports: int) -> None:
        """Give lamports."""
        self.served.do(self.fleet.airdrop(keypair.pubkey(), lamports))

    def give(self, wallet: Pubkey, amount: int) -> Pubkey:
        """Give base units of the network's token; returns the token account that holds them."""
        return self.served.do(self.fleet.mint.give(wallet, amount))

    def device(self, capacity: int = 1_000, kind: str = "ed25519") -> tuple[str, Path]:
        """A registered device, from its first epoch with capacity on: its address and its key file."""
        key = self.folder / f"device-{kind}"
        if not key.exists():
            self.json("device", "keygen", key, "--kind", kind)
        made = self.json("device", "register", self.network, "--key", key, "--capacity", capacity)
        self.next_epoch()
        device: str = made["device"]
        return device, key

    def work(self, device: str, *inputs: bytes) -> dict[str, Any]:
        """Jobs that add one to every byte; three bytes take 71 units."""
        module = self.file("increment.wasm", increment())
        files = [self.file(f"input-{number}", data) for number, data in enumerate(inputs or (b"abc",))]
        return self.json("device", "run", device, module, *files)
