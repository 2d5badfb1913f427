"""Why there is no node of one's own."""

from __future__ import annotations

from typing import ClassVar

from worktab.core.errors import StateError


class LocalnetError(StateError):
    """The node could not be built, started or used as asked."""

    code: ClassVar[str] = "localnet"


class ToolMissing(LocalnetError):
    """A tool is missing that the node is built with, or a node that was asked for is not installed."""

    code: ClassVar[str] = "tool_missing"


class BuildFailed(LocalnetError):
    """The compiler did not build the node. What it built so far is kept, and the next try goes on from there."""

    code: ClassVar[str] = "localnet_build"


class NodeFailed(LocalnetError):
    """The node ended by itself, or did not answer in time."""

    code: ClassVar[str] = "localnet_node"


class PortTaken(LocalnetError):
    """A port that was asked for is in use."""

    code: ClassVar[str] = "port_taken"


class LedgerInUse(LocalnetError):
    """Another node runs on the ledger folder."""

    code: ClassVar[str] = "ledger_in_use"


class NodeCannot(LocalnetError):
    """This kind of node cannot do what was asked of it; the one that Worktab builds can."""

    code: ClassVar[str] = "node_cannot"
    default_next_step: ClassVar[str] = "Use Worktab's own node: node='built', or --node built on the command line"
