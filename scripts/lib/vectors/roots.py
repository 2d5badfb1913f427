"""roots.json"""

from __future__ import annotations

from vectors.common import U32_MAX, U64_MAX, Json, fixed
from worktab.core.commitments import EpochCommitment
from worktab.core.merkle import EMPTY, Tree, depth, device_leaf, node, payee_leaf, proof_argument

EPOCH = 41


def vectors() -> Json:
    domain = fixed("domain")
    payees = [
        ("the first payee of the first epoch", 0, 0, fixed("payout"), 0, EMPTY),
        ("an ordinary payee", EPOCH, 70_000, fixed("payout"), 1_250_000, fixed("devices root")),
        ("the largest numbers", U64_MAX, U32_MAX, b"\xff" * 32, U64_MAX, b"\xff" * 32),
    ]
    devices = [
        ("a device without work", 0, 0, 0, EMPTY),
        ("an enrolled device", 2**31 + 5, 3_450_000, 6_900, fixed("head")),
        ("the largest numbers", U32_MAX, U64_MAX, U64_MAX, b"\xff" * 32),
    ]
    return {
        "description": "Trees of payees and devices, proofs of payees, and commitments to roots. A proof's argument is"
        " what claim_root takes: 33 bytes a level.",
        "payees": [
            {
                "description": description,
                "domain": domain.hex(),
                "epoch": str(epoch),
                "position": position,
                "payout": payout.hex(),
                "lifetime_reward": str(reward),
                "devices_root": devices_root.hex(),
                "leaf": payee_leaf(domain, epoch, position, payout, reward, devices_root).hex(),
            }
            for description, epoch, position, payout, reward, devices_root in payees
        ],
        "devices": [
            {
                "description": description,
                "index": index,
                "lifetime_units": str(units),
                "lifetime_reward": str(reward),
                "head": head.hex(),
                "leaf": device_leaf(index, units, reward, head).hex(),
            }
            for description, index, units, reward, head in devices
        ],
        "depths": [
            {"description": f"{count} positions", "count": count, "depth": depth(count)}
            for count in (1, 2, 3, 4, 5, 1_024, 1_025, 2**20, 2**20 + 1, U32_MAX)
        ],
        "trees": [_tree(name, positions) for name, positions in _TREES.items()],
        "proofs": [_case(*each) for each in _proofs()],
        "commitments": [
            {
                "description": description,
                "epoch": str(made.epoch),
                "root": made.root.hex(),
                "count": made.count,
                "total": str(made.total),
                "units": str(made.units),
                "records_checked": str(made.records_checked),
                "records_failed": str(made.records_failed),
                "check_ms": str(made.check_ms),
                "data": made.data.hex(),
                "hash": made.hash().hex(),
            }
            for description, made in _commitments()
        ],
    }


_TREES = {
    "one leaf is the root": "x",
    "two leaves": "xx",
    "an odd level": "xxx",
    "a position in the middle that nobody holds": "x.x",
    "odd levels twice": "xxxxx",
    "the first half is empty": "....x",
    "a full tree": "xxxxxxxx",
    "two odd levels above each other": "xxxxxxxxxxx",
}
"""Trees by the positions that are held: x a payee, . nobody."""


def _leaf(position: int, *, domain: str = "domain", epoch: int = EPOCH, payee: int | None = None) -> bytes:
    payee = position if payee is None else payee
    return payee_leaf(
        fixed(domain), epoch, position, fixed(f"payout {payee}"), 1_000 + payee, fixed(f"devices root {payee}")
    )


def _made(positions: str) -> Tree:
    return Tree(b"".join(_leaf(at) if held == "x" else EMPTY for at, held in enumerate(positions)))


def _tree(description: str, positions: str) -> Json:
    leaves = [_leaf(at) if held == "x" else EMPTY for at, held in enumerate(positions)]
    tree = Tree(b"".join(leaves))
    return {
        "description": description,
        "leaves": [leaf.hex() for leaf in leaves],
        "count": tree.count,
        "depth": tree.depth,
        "root": tree.root.hex(),
    }


def _case(description: str, tree: Tree, leaf: bytes, position: int, argument: bytes, valid: bool) -> Json:
    return {
        "description": description,
        "root": tree.root.hex(),
        "count": tree.count,
        "leaf": leaf.hex(),
        "position": position,
        "argument": argument.hex(),
        "valid": valid,
    }


def _proofs() -> list[tuple[str, Tree, bytes, int, bytes, bool]]:
    good: list[tuple[str, Tree, bytes, int, bytes, bool]] = []
    for description, positions in _TREES.items():
        tree = _made(positions)
        held = [at for at, each in enumerate(positions) if each == "x"]
        good += [
            (f"position {at}: {description}", tree, _leaf(at), at, proof_argument(tree.siblings(at)), True)
            for at in held
        ]
    tree = _made(_TREES["odd levels twice"])
    siblings = tree.siblings(2)
    argument = proof_argument(siblings)
    leaf = _leaf(2)
    inner = node(_leaf(2), _leaf(3))
    bad = [
        ("a node for a leaf", inner, 1, proof_argument(siblings[1:])),
        ("a node for a leaf, with the depth of a leaf", inner, 2, proof_argument((siblings[1], *siblings[1:]))),
        ("the root for a leaf", tree.root, 0, b""),
        ("a foreign position", leaf, 3, argument),
        ("a position beyond the tree that has the same low bits", leaf, 2 + 8, argument),
        ("an odd level's leaf at the position of its missing twin", _leaf(4), 5, proof_argument(tree.siblings(4))),
        ("a leaf doubled where nobody is", _leaf(5, payee=4), 5, proof_argument((_leaf(4), *tree.siblings(4)[1:]))),
        ("a leaf of another epoch", _leaf(2, epoch=EPOCH + 1), 2, argument),
        ("a leaf of another network", _leaf(2, domain="another domain"), 2, argument),
        ("another payee's leaf", _leaf(2, payee=3), 2, argument),
        ("a level short", leaf, 2, argument[:-33]),
        ("a level long", leaf, 2, argument + proof_argument([EMPTY])),
        ("a byte short", leaf, 2, argument[:-1]),
        ("a byte long", leaf, 2, argument + b"\1"),
        ("siblings in another order", leaf, 2, proof_argument(tuple(reversed(siblings)))),
        ("a sibling behind the prefix of leaves", leaf, 2, b"\0" + argument[1:]),
    ]
    return good + [(description, tree, leaf, at, told, False) for description, leaf, at, told in bad]


def _commitments() -> list[tuple[str, EpochCommitment]]:
    return [
        ("the least", EpochCommitment(0, EMPTY, 1, 0, 0, EMPTY)),
        (
            "an ordinary one",
            EpochCommitment(EPOCH, fixed("root"), 1_000, 2_500_000, 90_000_000, fixed("data"), 400, 1, 93_000),
        ),
        (
            "the largest numbers",
            EpochCommitment(U64_MAX, b"\xff" * 32, U32_MAX, U64_MAX, U64_MAX, b"\xff" * 32, U64_MAX, U64_MAX, U64_MAX),
        ),
    ]
