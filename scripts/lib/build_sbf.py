"""Compiles the program to SBPF v3 with upstream Rust: build_sbf.py WORKSPACE CACHE OUT.so NIGHTLY

Needs rustup with the nightly and its rust-src, and `sbpf-linker` on the PATH. Nothing else is downloaded but crates.
The bytes do not depend on the folders: the build runs on a copy of the workspace with std's sources inside, because
cargo names crates by their path below the workspace, and paths are remapped.

Upstream's BPF target knows no operating system, and std refuses it; five small edits to a copy of std make it know
`solana`, where the program's own allocator and the VM's panic call stand in for what an operating system gives.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

PANIC_CALL = """    #[cfg(target_os = "solana")]
    {
        unsafe extern "C" { fn sol_panic_(file: *const u8, len: u64, line: u64, column: u64) -> !; }
        %s
        return unsafe { sol_panic_(l.file().as_ptr(), l.file().len() as u64, l.line() as u64, l.column() as u64) };
    }
"""
ALLOCATOR = """use crate::alloc::Layout;
pub unsafe fn alloc(_: Layout) -> *mut u8 { crate::ptr::null_mut() }
pub unsafe fn dealloc(_: *mut u8, _: Layout) {}
pub unsafe fn realloc(p: *mut u8, l: Layout, n: usize) -> *mut u8 { unsafe { super::realloc_fallback(p, l, n) } }
"""
SOLANA_ALLOC_ARM = """    target_os = "solana" => {
        mod solana;
        use solana as imp;
    }
    target_os = "xous" => {"""


def rustc(nightly: str, *args: str) -> str:
    """What `rustc +NIGHTLY ARGS` prints."""
    return subprocess.run(["rustc", f"+{nightly}", *args], check=True, capture_output=True, text=True).stdout.strip()


def target_spec(nightly: str) -> str:
    """Upstream's bpfel target, named solana, with atomics that are plain operations: the VM has one thread."""
    args = ("-Zunstable-options", "--print", "target-spec-json", "--target", "bpfel-unknown-none")
    spec = json.loads(rustc(nightly, *args))
    spec |= {"os": "solana", "vendor": "solana", "env": "", "panic-strategy": "abort"}
    spec |= {"atomic-cas": True, "max-atomic-width": 64, "min-atomic-width": 8}
    return json.dumps(spec, indent=1)


def replace(path: Path, *pairs: tuple[str, str]) -> None:
    """Replaces each text by another; a text that is not there means another std than the one these edits are for."""
    text = path.read_text()
    for old, new in pairs:
        if old not in text:
            sys.exit(f"error: std's {path.name} of this nightly differs: no {old!r}")
        text = text.replace(old, new)
    path.write_text(text)


def replace_body(path: Path, signature: str, on_solana: str) -> None:
    """Gives a function that never returns another body on solana, and keeps its own elsewhere."""
    text = path.read_text()
    start = text.index(" -> ! {\n", text.index(signature)) + len(" -> ! {\n")
    end = text.index("\n}\n", start)
    elsewhere = f'    #[cfg(not(target_os = "solana"))]\n    {{\n{text[start:end]}\n    }}\n}}\n'
    path.write_text(text[:start] + on_solana + elsewhere + text[end + 3 :])


def patch_std(sources: Path) -> None:
    """The five edits."""
    std = sources / "library/std/src"
    for path in ("sys/io/error/mod.rs", "sys/thread_local/mod.rs", "sys/random/mod.rs"):
        replace(std / path, ('target_os = "vexos"', 'any(target_os = "vexos", target_os = "solana")'))
    replace(
        std / "sys/alloc/mod.rs",
        ('    target_arch = "x86_64",\n', '    target_arch = "x86_64",\n    target_arch = "bpf",\n'),
        ('    target_os = "xous" => {', SOLANA_ALLOC_ARM),
        ('any(target_os = "hermit", ', 'any(target_os = "solana", target_os = "hermit", '),
    )
    (std / "sys/alloc/solana.rs").write_text(ALLOCATOR)
    replace_body(std / "panicking.rs", "pub(crate) fn panic_handler(", PANIC_CALL % "let l = info.location().unwrap();")
    hook = "let _ = (payload, can_unwind, force_no_backtrace); let l = location;"
    replace_body(std / "panicking.rs", "fn panic_with_hook(", PANIC_CALL % hook)
    oom = '    #[cfg(target_os = "solana")]\n    { let _ = layout; panic!("out of memory") }\n'
    replace_body(std / "alloc.rs", "pub fn rust_oom(", oom)


def stage_sources(nightly: str, stage: Path) -> Path:
    """A patched copy of rust-src inside the stage, made once for each version of this recipe."""
    recipe = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    sources, made_by = stage / "rust-src", stage / "rust-src.recipe"
    if not made_by.exists() or made_by.read_text() != recipe:
        made_by.unlink(missing_ok=True)
        shutil.rmtree(sources, ignore_errors=True)
        shutil.copytree(Path(rustc(nightly, "--print", "sysroot")) / "lib/rustlib/src/rust", sources)
        patch_std(sources)
        made_by.write_text(recipe)
    return sources


def stage_workspace(workspace: Path, stage: Path) -> None:
    """A copy of the Rust workspace. A file is written only where its bytes differ: cargo goes by times, and those of
    several checkouts that share this stage say nothing about which is newer."""
    wanted = [workspace / name for name in ("Cargo.toml", "Cargo.lock", "rust-toolchain.toml")]
    for folder in ("programs", "tools"):
        wanted += [path for path in (workspace / folder).rglob("*") if path.is_file()]
    names = {path.relative_to(workspace) for path in wanted}
    for folder in ("programs", "tools"):
        for path in (stage / folder).rglob("*"):
            if path.is_file() and path.relative_to(stage) not in names:
                path.unlink()
    for name in names:
        copy, content = stage / name, (workspace / name).read_bytes()
        if not copy.exists() or copy.read_bytes() != content:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)


WRAPPER = """#!/bin/sh
compiler=$1
shift
for argument do
  shift
  case $argument in
    metadata=*) argument=metadata=$CARGO_PKG_NAME-$CARGO_PKG_VERSION ;;
  esac
  set -- "$@" "$argument"
done
exec "$compiler" "$@" %s
"""


def rustc_wrapper(stage: Path, sources: Path) -> Path:
    """A script that runs rustc with the paths of this machine remapped, and names crates by package and version alone.

    Cargo's own names are hashes of paths and flags, too, and names decide in which order constants are laid out.
    """
    cargo_home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    remapped = {sources: "/rust", stage: "/src", cargo_home: "/cargo"}
    # The folder of a registry is named after where it was reached.
    remapped |= dict.fromkeys((cargo_home / "registry/src").glob("*"), "/crates")
    flags = " ".join(shlex.quote(f"--remap-path-prefix={path}={name}") for path, name in remapped.items())
    wrapper = stage / "rustc-wrapper"
    wrapper.write_text(WRAPPER % flags)
    wrapper.chmod(0o755)
    return wrapper


def build(workspace: Path, cache: Path, out: Path, nightly: str) -> None:
    """Writes the program's binary to `out`. One build at a time for each cache."""
    stage = cache / "workspace"
    stage.mkdir(parents=True, exist_ok=True)
    sources = stage_sources(nightly, stage)
    stage_workspace(workspace, stage)
    (stage / "sbpf-solana.json").write_text(target_spec(nightly))
    subprocess.run(["cargo", f"+{nightly}", "fetch", "--quiet", "--locked"], cwd=stage, check=True)
    flags = [
        "-Zunstable-options",
        "-Clinker=sbpf-linker",
        "-Cpanic=abort",
        "-Crelocation-model=static",
        "-Ctarget-cpu=v3",
        # The VM allows it, and without it code doubles in size and cost.
        "-Ctarget-feature=+allows-misaligned-mem-access",
        "-Clink-arg=--arch=v3",
        "-Clink-arg=--llvm-args=-bpf-stack-size=4096",
    ]
    env = os.environ | {
        "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(flags),
        "RUSTC_WRAPPER": str(rustc_wrapper(stage, sources)),
        "CARGO_TARGET_DIR": str(cache / "target"),
        # By name, not by path: cargo would name every crate by that path.
        "RUST_TARGET_PATH": str(stage),
        "__CARGO_TESTS_ONLY_SRC_ROOT": str(sources / "library"),
        "RUSTC_BOOTSTRAP_SYNTHETIC_TARGET": "1",
    }
    command = ["cargo", f"+{nightly}", "build", "--quiet", "--release", "--locked", "-p", "worktab"]
    command += ["--target", "sbpf-solana", "-Zbuild-std=core,alloc,std,panic_abort"]
    subprocess.run(command, cwd=stage, env=env, check=True)
    shutil.copyfile(cache / "target/sbpf-solana/release/libworktab.so", out)


if __name__ == "__main__":
    build(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), Path(sys.argv[3]), sys.argv[4])
