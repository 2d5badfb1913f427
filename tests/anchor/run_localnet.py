"""Runs a localnet until its input ends; prints a line of JSON that tells of it. For the main environment's Python."""

from __future__ import annotations

import json
import sys

from worktab.localnet import Localnet

with Localnet.start() as localnet:
    facts = {
        "rpc": localnet.rpc_url,
        "genesis_hash": localnet.genesis_hash.hex(),
        "wallet": list(bytes(localnet.wallet)),
        "mint": str(localnet.mint),
    }
    print(json.dumps(facts), flush=True)
    sys.stdin.read()
