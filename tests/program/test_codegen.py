"""What the generator refuses, and its command line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.small_program import IDL_PATH, idl_data
from worktab.program.codegen.client import render
from worktab.program.codegen.idl import IdlError, parse
from worktab.program.codegen.text import camel_case, docstring, identifier, snake_case, sort_key

Change = Callable[[dict[str, Any]], object]


def fields(idl: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = next(item for item in idl["types"] if item["name"] == name)["type"]["fields"]
    return found


def definition(idl: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(item for item in idl["types"] if item["name"] == name)
    return found


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda idl: idl["metadata"].update(spec="0.0.9"), "another version; expected spec 0.1.0; got 0.0.9"),
        (lambda idl: fields(idl, "Slot").pop(), "padding would follow the last field of Slot"),
        (lambda idl: fields(idl, "Box").pop(), "padding would follow the last field of Box"),
        (lambda idl: fields(idl, "Box")[0].update(type="u8"), "padding would stand before Box.amount"),
        (lambda idl: fields(idl, "Box")[0].update(type={"vec": "u8"}), "no fixed size stands in a zero-copy struct"),
        (lambda idl: fields(idl, "Box")[0].update(type={"option": "u8"}), "no fixed size stands in a zero-copy struct"),
        (lambda idl: definition(idl, "Box").pop("serialization"), "account Box is not zero-copy"),
        (lambda idl: fields(idl, "Thing")[0].update(type="u128"), "a type is unknown; .*; got u128"),
        (lambda idl: fields(idl, "Thing")[0].update(type={"array": ["u8", {"generic": "N"}]}), "a type is unknown"),
        (lambda idl: fields(idl, "Thing")[0].update(name="encode"), "field Thing.encode has the name of a method"),
        (
            lambda idl: fields(idl, "Thing")[0].update(type={"defined": {"name": "Box"}}),
            "Box is used as a type, and is none",
        ),
        (
            lambda idl: fields(idl, "Thing")[0].update(type={"defined": {"name": "Nothing"}}),
            "Nothing is used as a type, and is none",
        ),
        (lambda idl: definition(idl, "Thing").update(generics=[{"kind": "type", "name": "T"}]), "Thing is generic"),
        (
            lambda idl: definition(idl, "Thing").update(type={"kind": "enum", "variants": []}),
            "type Thing is no struct; expected struct; got enum",
        ),
        (
            lambda idl: definition(idl, "Thing")["type"].update(fields=["u8", "u16"]),
            "the fields of struct Thing have no names",
        ),
        (
            lambda idl: idl["instructions"][0]["accounts"].append({"name": "group", "accounts": []}),
            "put groups accounts under 'group'",
        ),
        (
            lambda idl: idl["instructions"][0]["args"][0].update(name="accounts"),
            "argument 'accounts' of put has the name of a parameter",
        ),
        (
            lambda idl: idl["instructions"][1].update(discriminator=[7, 1]),
            "the instruction discriminator 07 also begins another instruction's",
        ),
        (
            lambda idl: idl["events"][1].update(discriminator=idl["events"][0]["discriminator"]),
            "the event discriminator 15161718191a1b1c also begins another event's",
        ),
    ],
)
def test_what_no_client_can_be_made_for_is_refused(change: Change, message: str) -> None:
    idl = idl_data()
    change(idl)
    with pytest.raises(IdlError, match=message):
        render(parse(idl))


def generate(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "worktab.program.codegen", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_writes_and_checks(tmp_path: Path) -> None:
    out = tmp_path / "client"
    missing = generate("--idl", IDL_PATH, "--out", out, "--check")
    assert missing.returncode == 1
    assert not out.exists()

    assert generate("--idl", IDL_PATH, "--out", out).returncode == 0
    names = ["__init__.py", "accounts.py", "errors.py", "events.py", "instructions.py", "types.py"]
    assert sorted(path.name for path in out.iterdir()) == names
    assert generate("--idl", IDL_PATH, "--out", out, "--check").returncode == 0

    (out / "events.py").write_text("changed")
    (out / "left_over.py").write_text("")
    stale = generate("--idl", IDL_PATH, "--out", out, "--check")
    assert stale.returncode == 1
    assert stale.stderr == "not what the IDL makes: events.py, left_over.py. Run scripts/generate-client\n"
    assert (out / "events.py").read_text() == "changed"

    assert generate("--idl", IDL_PATH, "--out", out).returncode == 0
    assert sorted(path.name for path in out.iterdir() if path.is_file()) == names


def test_a_refused_idl_leaves_the_client_alone(tmp_path: Path) -> None:
    idl = idl_data()
    idl["metadata"]["spec"] = "9"
    (tmp_path / "idl.json").write_text(json.dumps(idl))
    refused = generate("--idl", tmp_path / "idl.json", "--out", tmp_path / "client")
    assert (refused.returncode, refused.stderr) == (1, "the IDL is of another version; expected spec 0.1.0; got 9\n")
    assert not (tmp_path / "client").exists()


def test_names() -> None:
    assert [snake_case(name) for name in ("RewardLimited", "Full", "InvalidURLPart")] == [
        "reward_limited",
        "full",
        "invalid_url_part",
    ]
    assert camel_case("submit_receipt") == "SubmitReceipt"
    assert (identifier("class"), identifier("klass")) == ("class_", "klass")
    assert sorted(["U64", "Vec", "U8", "vec", "Array"], key=sort_key) == ["U8", "U64", "Array", "Vec", "vec"]


def test_docstrings_are_wrapped_and_safe() -> None:
    assert docstring([]) == ""
    assert docstring([], "Fallback.") == '    """Fallback."""'
    assert docstring(["One line,", "two lines."]) == '    """One line, two lines."""'
    assert docstring(['Says """this""" and \\n.']) == "    \"\"\"Says '''this''' and \\\\n.\"\"\""
    long = docstring(["word " * 60])
    assert max(map(len, long.splitlines())) <= 120
    assert long.endswith('\n    """')
