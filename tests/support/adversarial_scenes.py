"""All scenes, by their names."""

from __future__ import annotations

from functools import cache
from typing import Final

from support import (
    adversarial_scenes_consumers,
    adversarial_scenes_devices,
    adversarial_scenes_disputes,
    adversarial_scenes_epochs,
    adversarial_scenes_networks,
    adversarial_scenes_trust,
)
from support.adversarial_scene import SCENES, Scene, Stage

_REGISTERING: Final = (
    adversarial_scenes_consumers,
    adversarial_scenes_devices,
    adversarial_scenes_disputes,
    adversarial_scenes_epochs,
    adversarial_scenes_networks,
    adversarial_scenes_trust,
)
"""The modules whose import registers their scenes."""

ALL: Final[dict[str, Scene]] = dict(sorted(SCENES.items()))


@cache
def stage_of(name: str) -> Stage:
    """The scene of a name, set up once in each process: whatever is tried on it is undone."""
    return Stage(ALL[name])
