"""Building the node: once, by one process, nothing half done, and clear words about what is missing.

The compiler takes 15 minutes and is not under test: a script stands in for it, and for rustup.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support.node import LIMIT, eventually, lives
from worktab.core.errors import StorageError
from worktab.localnet import building, tools
from worktab.localnet.building import NAME, build, built_node
from worktab.localnet.errors import BuildFailed, ToolMissing

ROOT = Path(__file__).parents[2]
PACKAGES = (ROOT / "sdk/worktab/localnet/node/Cargo.lock").read_text().count("[[package]]\n")

# What every build does: it leaves a trace, and the finished program where the real compiler leaves it.
COMPILES = """
echo "$@" >> $LOG/builds
pwd >> $LOG/folders
env >> $LOG/environment
mkdir -p $CARGO_TARGET_DIR/release
printf '#!/bin/sh\\necho built\\n' > $CARGO_TARGET_DIR/release/worktab-localnet
chmod +x $CARGO_TARGET_DIR/release/worktab-localnet
"""
BUILDER = """
import sys
from worktab.localnet.building import build
print(build(lambda line: print(line, file=sys.stderr, flush=True)))
"""


class Machine:
    """A machine with stand-ins for the tools, all of which are there, and an empty cache."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.programs, self.cache, self.log = folder / "bin", folder / "cache" / "worktab", folder / "log"
        self.said: list[str] = []
        self.log.mkdir()
        self.programs.mkdir()
        for name in ("sh", "env", "mkdir", "chmod", "sleep", "cat", "grep"):
            found = shutil.which(name)
            assert found is not None
            (self.programs / name).symlink_to(found)
        self.install("cargo", COMPILES)
        self.install("rustup", f"echo {tools.TOOLCHAIN}-x86_64-unknown-linux-gnu")
        for name in ("cc", "protoc", "pkg-config"):
            self.install(name, "exit 0")
        for name in ("OPENSSL_DIR", "PROTOC"):
            monkeypatch.delenv(name, raising=False)
        for name, value in {"PATH": self.programs, "XDG_CACHE_HOME": folder / "cache", "LOG": self.log}.items():
            monkeypatch.setenv(name, str(value))

    def install(self, name: str, script: str) -> None:
        program = self.programs / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def remove(self, name: str) -> None:
        (self.programs / name).unlink()

    def build(self) -> Path:
        return build(self.said.append)

    def logged(self, name: str) -> list[str]:
        file = self.log / name
        return file.read_text().splitlines() if file.exists() else []

    def builder(self) -> subprocess.Popen[str]:
        """Another process that builds."""
        return subprocess.Popen(
            [sys.executable, "-c", BUILDER], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    @property
    def finished(self) -> list[Path]:
        return list(self.cache.glob(f"localnet-*/{NAME}"))


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The node's sources, to be changed at will."""
    copy = tmp_path / "node"
    shutil.copytree(building._SOURCES, copy)
    monkeypatch.setattr(building, "_SOURCES", copy)
    return copy


def test_it_is_built_once(machine: Machine) -> None:
    assert built_node() is None
    node = machine.build()
    assert re.fullmatch(r"localnet-[0-9a-f]{16}", node.parent.name)
    assert (node.parent.parent, node.name) == (machine.cache, NAME)
    assert subprocess.run([node], capture_output=True, check=True).stdout == b"built\n"
    assert built_node() == node
    assert machine.build() == node
    assert machine.logged("builds") == [
        f"+{tools.TOOLCHAIN} build --release --locked --message-format=json-render-diagnostics"
    ]
    assert machine.said == ["Building the local node (once, about 15 minutes)"]


def test_the_compiler_sees_a_copy_and_settings_of_its_own(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RUSTUP_TOOLCHAIN", "RUSTFLAGS", "CARGO_BUILD_TARGET", "CARGO_PROFILE_RELEASE_OPT_LEVEL"):
        monkeypatch.setenv(name, "foreign")
    machine.build()
    copy = machine.cache / "localnet-source"
    assert machine.logged("folders") == [str(copy)]
    environment = machine.logged("environment")
    assert f"CARGO_TARGET_DIR={machine.cache}/localnet-target" in environment
    assert not [line for line in environment if line.endswith("=foreign")]
    found = {file.relative_to(copy).as_posix() for file in copy.rglob("*") if file.is_file()}
    assert found == {"Cargo.toml", "Cargo.lock", "src/main.rs", "src/node.rs", "src/options.rs", "src/time.rs"}
    for name in found:
        assert (copy / name).read_bytes() == (building._SOURCES / name).read_bytes()


def test_a_relative_cache_does_not_count(machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    monkeypatch.setenv("HOME", str(tmp_path))
    node = machine.build()
    assert node.parent.parent == tmp_path / ".cache" / "worktab"
    common = ROOT / "scripts" / "lib" / "common.sh"
    for named, folder in (("cache", tmp_path / ".cache"), ("", tmp_path / ".cache"), ("/somewhere", "/somewhere")):
        monkeypatch.setenv("XDG_CACHE_HOME", named)
        monkeypatch.setenv("PATH", os.defpath)
        said = subprocess.run(["bash", "-c", f'source "{common}"; echo "$CACHE"'], capture_output=True, check=True)
        assert said.stdout.decode() == f"{folder}/worktab\n"


def test_another_source_makes_another_node(machine: Machine, sources: Path) -> None:
    (sources / "src" / "old.rs").write_text("")
    first = machine.build()
    copy = machine.cache / "localnet-source"
    kept = (copy / "src" / "node.rs").stat().st_mtime_ns
    (sources / "src" / "main.rs").write_text("fn main() {}")
    (sources / "src" / "old.rs").unlink()
    assert built_node() is None
    second = machine.build()
    assert first != second
    assert set(machine.finished) == {first, second}
    assert (copy / "src" / "main.rs").read_text() == "fn main() {}"
    assert not (copy / "src" / "old.rs").exists()
    assert (copy / "src" / "node.rs").stat().st_mtime_ns == kept  # so that only what changed is compiled again


@pytest.mark.parametrize("name", ["Cargo.toml", "Cargo.lock", "src/options.rs"])
def test_every_source_counts(machine: Machine, sources: Path, name: str) -> None:
    before = building._place()
    (sources / name).write_bytes((sources / name).read_bytes() + b"\n")
    assert building._place() != before


def test_the_toolchain_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = building._place()
    monkeypatch.setattr(building, "TOOLCHAIN", "1.100.0")
    assert building._place() != before


def test_two_processes_build_once(machine: Machine) -> None:
    machine.install("cargo", "echo >> $LOG/begun; while [ ! -e $LOG/go ]; do sleep 0.02; done\n" + COMPILES)
    first = machine.builder()
    eventually(lambda: machine.logged("begun") != [], "the first one builds")
    second = machine.builder()
    assert second.stderr is not None
    assert second.stderr.readline() == "Waiting for another process, which builds the node\n"
    assert machine.finished == []
    (machine.log / "go").touch()
    (one, _), (other, said) = first.communicate(timeout=LIMIT), second.communicate(timeout=LIMIT)
    assert one == other == f"{built_node()}\n"
    assert len(machine.logged("builds")) == 1
    assert said == ""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_build_leaves_nothing_and_goes_on(machine: Machine, number: signal.Signals) -> None:
    machine.install("cargo", "echo kept >> $CARGO_TARGET_DIR.kept; echo $$ >> $LOG/begun; exec sleep 600")
    with machine.builder() as builder:
        eventually(lambda: machine.logged("begun") != [], "it builds")
        builder.send_signal(number)
        builder.wait(LIMIT)
        [compiler] = map(int, machine.logged("begun"))
        if number == signal.SIGINT:
            assert not lives(compiler)
        else:  # nobody was left to end it
            os.kill(compiler, signal.SIGTERM)
    assert machine.finished == []
    assert built_node() is None
    machine.install("cargo", COMPILES)
    assert machine.build() == built_node()
    assert (machine.cache / "localnet-target.kept").read_text() == "kept\n"


def test_a_copy_that_was_interrupted_is_not_taken(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(source: Path, target: Path) -> None:
        target.write_bytes(b"#!")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copy", cut)
        with pytest.raises(KeyboardInterrupt):
            machine.build()
    assert built_node() is None
    assert subprocess.run([machine.build()], capture_output=True, check=True).stdout == b"built\n"
    assert [file.name for file in machine.finished[0].parent.iterdir()] == [NAME]


def test_what_the_compiler_complains_of_is_told(machine: Machine) -> None:
    machine.install(
        "cargo",
        "echo '   Compiling thing' >&2\necho 'error: linking failed' >&2\necho '  no space' >&2\nexit 101",
    )
    with pytest.raises(BuildFailed) as failed:
        machine.build()
    assert failed.value.got == "error: linking failed\n  no space"
    assert failed.value.next_step == "Try again: it goes on where it stopped"
    machine.install("cargo", "exit 101")
    with pytest.raises(BuildFailed, match="got exit code 101"):
        machine.build()
    assert machine.finished == []


def test_progress_is_told_now_and_then(machine: Machine) -> None:
    step = PACKAGES // 20
    lines = "".join(
        f'echo \'{{"reason":"compiler-artifact","package_id":"p{number // 2}"}}\'\n' for number in range(4 * step + 4)
    )
    machine.install("cargo", f'echo warning\necho \'{{"reason":"build-script-executed"}}\'\n{lines}{COMPILES}')
    machine.build()
    assert machine.said == [
        "Building the local node (once, about 15 minutes)",
        f"Building the local node: {step} of about {PACKAGES} packages",
        f"Building the local node: {2 * step} of about {PACKAGES} packages",
    ]


@pytest.mark.parametrize(
    ("missing", "named", "package"),
    [
        ("cc", "a C compiler", "gcc libc6-dev"),
        ("protoc", "protoc", "protobuf-compiler"),
        ("pkg-config", "pkg-config, OpenSSL's headers, udev's headers", "pkg-config libssl-dev libudev-dev"),
    ],
)
def test_a_missing_tool_is_named(machine: Machine, missing: str, named: str, package: str) -> None:
    machine.remove(missing)
    with pytest.raises(ToolMissing) as told:
        machine.build()
    assert told.value.message == f"The node cannot be built without {named}"
    assert told.value.next_step == f"On Debian or Ubuntu: sudo apt-get install {package}"
    assert machine.logged("builds") == []


@pytest.mark.parametrize(("library", "package"), [("openssl", "libssl-dev"), ("libudev", "libudev-dev")])
def test_missing_headers_are_named(machine: Machine, library: str, package: str) -> None:
    machine.install("pkg-config", f'[ "$*" != "--exists {library}" ]')
    with pytest.raises(ToolMissing, match=f"sudo apt-get install {package}$"):
        machine.build()


def test_tools_in_other_places(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.install("pkg-config", '[ "$*" != "--exists openssl" ]')
    (machine.programs / "protoc").rename(tmp_path / "protoc")
    monkeypatch.setenv("OPENSSL_DIR", "/opt/openssl")
    monkeypatch.setenv("PROTOC", str(tmp_path / "protoc"))
    assert machine.build() == built_node()


@pytest.mark.parametrize("missing", ["rustup", "cargo"])
def test_rustup_is_asked_for(machine: Machine, missing: str) -> None:
    machine.remove(missing)
    with pytest.raises(ToolMissing) as told:
        machine.build()
    assert told.value.message == "rustup is missing, which brings the Rust compiler"
    assert told.value.next_step.endswith("then: rustup toolchain install 1.99.0 --profile minimal")


def test_the_toolchain_is_installed_where_it_is_missing(machine: Machine) -> None:
    machine.install("rustup", 'echo "$@" >> $LOG/rustup\necho stable-x86_64-unknown-linux-gnu')
    machine.build()
    assert machine.logged("rustup") == [
        "toolchain list",
        "toolchain install 1.99.0 --profile minimal --no-self-update",
    ]
    assert machine.said[0] == "Installing Rust 1.99.0 (once, about a minute)"


def test_a_toolchain_that_cannot_be_installed(machine: Machine) -> None:
    machine.install("rustup", '[ "$2" = list ] || { echo trying >&2; echo "error: no route" >&2; exit 1; }')
    with pytest.raises(ToolMissing) as told:
        machine.build()
    assert (told.value.message, told.value.got) == ("Rust 1.99.0 could not be installed", "error: no route")
    assert told.value.next_step == "rustup toolchain install 1.99.0 --profile minimal"
    assert machine.logged("builds") == []


def test_a_cache_that_cannot_be_made(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(StorageError, match=f"The node cannot be built in {tmp_path}/file/worktab; got Not a directory"):
        machine.build()


def test_the_scripts_install_the_same() -> None:
    script = (ROOT / "scripts" / "lib" / "rust.sh").read_text()
    assert f"\nRUST_LOCALNET={tools.TOOLCHAIN}\n" in script
    for package in ("protobuf-compiler", "libssl-dev", "pkg-config", "libudev-dev"):
        assert re.search(rf" {package}\n", script)
