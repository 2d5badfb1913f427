"""`worktab program`: whether a cluster runs the program of this package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from worktab.cli.options import Cluster, Json, examples, expanded
from worktab.cli.output import emit

app = typer.Typer()


@app.command(
    epilog=examples(
        "worktab program --url https://api.mainnet-beta.solana.com",
        "worktab program --program $ADDRESS --binary target/worktab.so",
    )
)
@expanded
def program(
    binary: Annotated[
        Path | None,
        typer.Option(
            "--binary",
            metavar="FILE",
            help="Compare with this binary, such as one you built; by default with that of this package.",
        ),
    ] = None,
    cluster: Cluster = Cluster(),
    as_json: Json = False,
) -> None:
    """Compare the program on a cluster with the one in this package, byte for byte, and show who can replace it.

    What this package ships is built from the sources beside it: scripts/build-program --check proves that on your own
    machine. Exits with 1 where the bytes differ.
    """
    import hashlib

    from worktab.chain.deployed import deployed_program, trimmed
    from worktab.cli.connecting import read
    from worktab.core.errors import InputError
    from worktab.program.artefacts import program_binary

    try:
        expected = program_binary() if binary is None else binary.read_bytes()
    except OSError as error:
        raise InputError(f"{binary} can't be read", expected="a program's binary", got=str(error)) from error
    found = read(cluster, "Reading the program", lambda session: deployed_program(session.chain, session.program))
    same = found.is_same(expected)
    facts = {
        "program": found.address,
        "same": same,
        "sha256": found.sha256,
        "expected_sha256": hashlib.sha256(trimmed(expected)).hexdigest(),
        "bytes": len(found.binary),
        "upgrade_authority": found.upgrade_authority,
        "deployed_slot": found.slot,
    }
    emit(facts, as_json=as_json)
    if not same:
        raise typer.Exit(1)
