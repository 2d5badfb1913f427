"""What the README prints is what happens."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
CONSOLE = re.findall(r"```console\n(.*?)```", README, re.DOTALL)


def test_the_example_prints_what_the_readme_says() -> None:
    [block] = [each for each in CONSOLE if each.startswith("$ scripts/python")]
    command, printed = block.split("\n", 1)
    script = command.removeprefix("$ scripts/python ")
    environment = os.environ | {"PYTHONPATH": str(ROOT / "sdk")}
    ran = subprocess.run(
        [sys.executable, script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert ran.stdout == printed


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(([\w/.]+\.(?:md|py|json))", README))))
def test_every_link_leads_somewhere(path: str) -> None:
    assert (ROOT / path).is_file()


@pytest.mark.parametrize("script", sorted(set(re.findall(r"scripts/([\w-]+)", README))))
def test_every_script_exists(script: str) -> None:
    assert os.access(ROOT / "scripts" / script, os.X_OK)


@pytest.mark.parametrize(
    "line", [line for block in CONSOLE for line in block.splitlines() if line.startswith("scripts/worktab")]
)
def test_every_command_parses(line: str) -> None:
    """With its arguments and options, up to the point where it would act: its help is asked for at the end."""
    from worktab.cli.main import app

    arguments = [each for each in shlex.split(line, comments=True)[1:] if not each.startswith("$")]
    shown = CliRunner().invoke(app, [*arguments, "--help"])
    assert shown.exit_code == 0, shown.output
    command = get_command(app)
    for name in arguments:
        found = getattr(command, "commands", {}).get(name)
        if found is None:
            break
        command = found
    options = {option for parameter in command.params for option in parameter.opts}
    assert {each for each in arguments if each.startswith("--")} <= options
