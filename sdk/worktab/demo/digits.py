"""The demo's work: images of handwritten digits, the WASM job that classifies them, and what it answers.

The files lie in `data/`, whose README tells how they are laid out and where they come from.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from typing import Final

from worktab.core.errors import EncodingError, InputError

SIDE: Final = 8
"""Pixels along each side of an image."""
IMAGE_BYTES: Final = SIDE * SIDE
"""Bytes of an image in the job's input: one per pixel, row by row."""
DIGITS: Final = 10
LARGEST_PIXEL: Final = 16
"""Darkest value a pixel of the shipped images has; 0 is blank paper."""
PREDICTION_BYTES: Final = 1 + 4 * DIGITS
"""Bytes of one image's record in the job's output: the digit, then ten i32 scores."""

_IMAGES_HEADER = struct.Struct("<4sI")
_PREDICTION = struct.Struct(f"<B{DIGITS}i")
_SHADES = " ░▒▓█"


@dataclass(frozen=True, slots=True)
class DigitImage:
    """A handwritten digit of 8x8 pixels and which digit its writer meant.

    `pixels` is 64 bytes of 0..16, row by row; `label` is 0..9. Raises InputError for anything else.
    """

    pixels: bytes
    label: int

    def __post_init__(self) -> None:
        if len(self.pixels) != IMAGE_BYTES or max(self.pixels) > LARGEST_PIXEL or not 0 <= self.label < DIGITS:
            raise InputError(
                "Not an image of a digit",
                expected=f"{IMAGE_BYTES} pixels of 0..{LARGEST_PIXEL} and a label of 0..{DIGITS - 1}",
                got=f"{len(self.pixels)} pixels up to {max(self.pixels, default=0)} and label {self.label}",
            )


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the job says of one image: the digit, and the ten scores it was the highest of."""

    digit: int
    scores: tuple[int, ...]


def load_module() -> bytes:
    """The WASM module of the classifier, as `scripts/build-jobs` wrote it (about 7 KB)."""
    return _data("digits.wasm")


def load_images() -> tuple[DigitImage, ...]:
    """The 360 test images, none of which the classifier was trained on."""
    return parse_images(_data("digits.images"))


def parse_images(data: bytes) -> tuple[DigitImage, ...]:
    """Reads an images file: `WDI1`, u32 count, then 64 pixels and a label for each image.

    Raises EncodingError if the file has another form, InputError if an image in it is no digit.
    """
    if len(data) < _IMAGES_HEADER.size or data[:4] != b"WDI1":
        raise EncodingError("Not an images file", expected="a header that starts with WDI1", got=f"{data[:4]!r}")
    _, count = _IMAGES_HEADER.unpack_from(data)
    size = _IMAGES_HEADER.size + count * (IMAGE_BYTES + 1)
    if len(data) != size:
        raise EncodingError(
            "The images file is not whole", expected=f"{size} bytes for {count} images", got=f"{len(data)} bytes"
        )
    starts = range(_IMAGES_HEADER.size, size, IMAGE_BYTES + 1)
    return tuple(DigitImage(data[i : i + IMAGE_BYTES], data[i + IMAGE_BYTES]) for i in starts)


def encode_input(images: Iterable[DigitImage]) -> bytes:
    """The job's input for these images: their pixels, 64 bytes each, without the labels."""
    return b"".join(image.pixels for image in images)


def decode_output(output: bytes) -> tuple[Prediction, ...]:
    """Reads the job's output, 41 bytes for each image of its input. Raises EncodingError for another length."""
    if not output or len(output) % PREDICTION_BYTES:
        raise EncodingError(
            "Not the output of the digits job",
            expected=f"one or more records of {PREDICTION_BYTES} bytes",
            got=f"{len(output)} bytes",
        )
    return tuple(Prediction(digit, tuple(scores)) for digit, *scores in _PREDICTION.iter_unpack(output))


def render(image: DigitImage) -> str:
    """The image for a terminal: 8 lines of 16 characters, from blank to solid block."""
    steps = len(_SHADES) - 1
    shades = "".join(2 * _SHADES[-(-pixel * steps // LARGEST_PIXEL)] for pixel in image.pixels)
    return "\n".join(shades[row : row + 2 * SIDE] for row in range(0, len(shades), 2 * SIDE))


def _data(name: str) -> bytes:
    return resources.files(__package__).joinpath("data", name).read_bytes()
