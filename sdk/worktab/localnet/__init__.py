"""A full Solana node of one's own, with the program deployed, for tests and for trying things out.

    with Localnet.start() as localnet:
        async with localnet.chain() as chain:
            await chain.advance(3_600)

options   what to start with
running   the localnet: start, stop, kill, restart
chain     its chain over RPC, whose clock can be moved and whose accounts can be written
building  compiling the node, once
backends  the kinds of node it can run
"""

import worktab.chain.releases  # noqa: F401 - refuses older ones

# isort: split

from worktab.localnet.chain import LocalnetChain
from worktab.localnet.options import Options
from worktab.localnet.running import Localnet

__all__ = ["Localnet", "LocalnetChain", "Options"]
