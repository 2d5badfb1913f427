"""What the demo's devices work on: batches of digits, or a module and an input of the user's own."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle, islice
from typing import Final

from worktab.core.errors import InputError
from worktab.demo.digits import DigitImage, decode_output, encode_input, load_images, load_module

IMAGES_PER_JOB: Final = 5
"""Images that one job classifies unless told otherwise."""

OWN_JOBS: Final = 30
"""How often a user's own module runs unless told otherwise."""


@dataclass(frozen=True, slots=True)
class JobPlan:
    """Jobs of one module: an input for each, and the images in it where the job is to classify digits."""

    module: bytes
    inputs: tuple[bytes, ...]
    images: tuple[tuple[DigitImage, ...], ...] | None = None


def digit_jobs(jobs: int | None = None, images_per_job: int = IMAGES_PER_JOB) -> JobPlan:
    """Jobs that classify the shipped images: each image once, or so many jobs, which start over when they run out.

    Raises `InputError` unless both numbers are positive.
    """
    _require_positive("images per job", images_per_job)
    images = load_images()
    if jobs is None:
        chosen = list(images)
    else:
        _require_positive("jobs", jobs)
        chosen = list(islice(cycle(images), jobs * images_per_job))
    batches = tuple(tuple(chosen[at : at + images_per_job]) for at in range(0, len(chosen), images_per_job))
    return JobPlan(load_module(), tuple(encode_input(batch) for batch in batches), batches)


def own_jobs(module: bytes, input: bytes, jobs: int | None = None) -> JobPlan:
    """So many jobs that run a module on an input. Raises `InputError` unless the number is positive."""
    count = OWN_JOBS if jobs is None else jobs
    _require_positive("jobs", count)
    return JobPlan(module, (input,) * count)


def count_correct(images: tuple[DigitImage, ...], output: bytes) -> int:
    """How many images a job's output gets right. Raises `EncodingError` if it is no output of the digits job."""
    return sum(found.digit == image.label for found, image in zip(decode_output(output), images, strict=True))


def _require_positive(name: str, value: int) -> None:
    if value < 1:
        raise InputError(f"The number of {name} is too small", expected="1 or more", got=str(value))
