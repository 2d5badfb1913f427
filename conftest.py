"""Where Worktab is installed, pytest finds its plugin by itself. In a checkout it has to be named."""

from __future__ import annotations

from importlib.metadata import entry_points

_INSTALLED = bool(entry_points(group="pytest11", name="worktab"))

pytest_plugins = [] if _INSTALLED else ["worktab.testing.plugin"]
