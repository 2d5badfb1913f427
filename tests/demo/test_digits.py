"""The digits job: what it answers, what it costs, and that the shipped files are the ones their sources make."""

from __future__ import annotations

import hashlib
import shutil
import struct
import subprocess
from importlib import resources
from pathlib import Path

import pytest
import wasmtime
from hypothesis import given, settings
from hypothesis import strategies as st

from worktab.core.errors import EncodingError, InputError
from worktab.demo import digits
from worktab.demo.digits import DigitImage, Prediction

ROOT = Path(__file__).resolve().parents[2]
FUEL = 10**9

MODULE = digits.load_module()
IMAGES = digits.load_images()
MODEL = resources.files("worktab.demo").joinpath("data", "digits.model").read_bytes()


class Runner:
    """Runs the job in a fresh instance each time, metering fuel."""

    def __init__(self) -> None:
        config = wasmtime.Config()
        config.consume_fuel = True
        self._engine = wasmtime.Engine(config)
        self.module = wasmtime.Module(self._engine, MODULE)

    def instance(self) -> tuple[wasmtime.Store, wasmtime.Instance]:
        store = wasmtime.Store(self._engine)
        store.set_fuel(FUEL)
        return store, wasmtime.Instance(store, self.module, [])

    def __call__(self, data: bytes) -> tuple[bytes, int]:
        """The job's output for this input and the fuel it took."""
        store, instance = self.instance()
        exports = instance.exports(store)
        memory, alloc, run = exports["memory"], exports["alloc"], exports["run"]
        assert isinstance(memory, wasmtime.Memory)
        assert isinstance(alloc, wasmtime.Func)
        assert isinstance(run, wasmtime.Func)
        ptr = alloc(store, len(data))
        memory.write(store, data, ptr)
        result = run(store, ptr, len(data)) & 0xFFFF_FFFF_FFFF_FFFF
        start, length = result >> 32, result & 0xFFFF_FFFF
        return bytes(memory.read(store, start, start + length)), FUEL - store.get_fuel()


@pytest.fixture(scope="module")
def run_job() -> Runner:
    return Runner()


class Reference:
    """The network by the book, from the model file and Python's integers."""

    def __init__(self, model: bytes) -> None:
        magic, self.inputs, self.hidden, self.outputs, self.shift = struct.unpack_from("<4s4H", model)
        assert magic == b"WDM1"
        layout = struct.Struct(
            f"<12x{self.hidden * self.inputs}b{self.hidden}i{self.outputs * self.hidden}b{self.outputs}i"
        )
        assert layout.size == len(model)
        values = iter(layout.unpack(model))
        self.hidden_weights = [[next(values) for _ in range(self.inputs)] for _ in range(self.hidden)]
        self.hidden_bias = [next(values) for _ in range(self.hidden)]
        self.output_weights = [[next(values) for _ in range(self.hidden)] for _ in range(self.outputs)]
        self.output_bias = [next(values) for _ in range(self.outputs)]

    def predict(self, pixels: bytes) -> Prediction:
        hidden = [
            min(max(0, (bias + sum(w * p for w, p in zip(row, pixels, strict=True))) >> self.shift), 255)
            for row, bias in zip(self.hidden_weights, self.hidden_bias, strict=True)
        ]
        scores = tuple(
            bias + sum(w * h for w, h in zip(row, hidden, strict=True))
            for row, bias in zip(self.output_weights, self.output_bias, strict=True)
        )
        return Prediction(scores.index(max(scores)), scores)


REFERENCE = Reference(MODEL)


def test_the_shipped_files_are_the_trained_ones() -> None:
    images = resources.files("worktab.demo").joinpath("data", "digits.images").read_bytes()
    assert hashlib.sha256(MODEL).hexdigest() == "a3c0ddd5b66ad54b8948cd54a676328f7c3ec909b59123735ffd867d0c173a4e"
    assert hashlib.sha256(images).hexdigest() == "a2b8df14ac2e181b402f0fbbdcf4f184de31fab4a247005faaf8f751b4ab9085"


def test_every_prediction_and_score_agrees_with_the_reference(run_job: Runner) -> None:
    output, _ = run_job(digits.encode_input(IMAGES))
    predictions = digits.decode_output(output)
    assert predictions == tuple(REFERENCE.predict(image.pixels) for image in IMAGES)
    right = sum(p.digit == image.label for p, image in zip(predictions, IMAGES, strict=True))
    assert (right, len(IMAGES)) == (356, 360)


@given(st.binary(min_size=64, max_size=64))
@settings(max_examples=200, deadline=None)
def test_any_bytes_as_pixels_agree_with_the_reference(run_job: Runner, pixels: bytes) -> None:
    output, fuel = run_job(pixels)
    assert digits.decode_output(output) == (REFERENCE.predict(pixels),)
    assert fuel == 111 + 64_996


@pytest.mark.parametrize("pixels", [bytes(64), b"\x10" * 64, b"\xff" * 64])
def test_extreme_images_agree_with_the_reference(run_job: Runner, pixels: bytes) -> None:
    output, _ = run_job(pixels)
    assert digits.decode_output(output) == (REFERENCE.predict(pixels),)


def test_fuel_is_the_same_in_every_run_and_for_every_image(run_job: Runner) -> None:
    first = [run_job(image.pixels)[1] for image in IMAGES]
    second = [run_job(image.pixels)[1] for image in IMAGES]
    assert first == second == [111 + 64_996] * len(IMAGES)


@pytest.mark.parametrize("count", [2, 7, 360])
def test_fuel_is_linear_in_the_number_of_images(run_job: Runner, count: int) -> None:
    assert run_job(digits.encode_input(IMAGES[:count]))[1] == 111 + 64_996 * count


def test_a_job_of_many_images_is_the_jobs_of_each(run_job: Runner) -> None:
    together, _ = run_job(digits.encode_input(IMAGES[:5]))
    assert together == b"".join(run_job(image.pixels)[0] for image in IMAGES[:5])


@pytest.mark.parametrize("length", [0, 1, 63, 65, 127])
def test_input_that_is_no_whole_images_traps(run_job: Runner, length: int) -> None:
    with pytest.raises(wasmtime.Trap) as trap:
        run_job(bytes(length))
    assert trap.value.trap_code is wasmtime.TrapCode.UNREACHABLE


@pytest.mark.parametrize(("ptr", "length"), [(0, 64), (-64, 64), (-64, 128), (64, -64), (2**31 - 64, 64)])
def test_input_outside_the_memory_traps(run_job: Runner, ptr: int, length: int) -> None:
    store, instance = run_job.instance()
    run = instance.exports(store)["run"]
    assert isinstance(run, wasmtime.Func)
    with pytest.raises(wasmtime.Trap) as trap:
        run(store, ptr, length)
    assert trap.value.trap_code is wasmtime.TrapCode.UNREACHABLE


def test_the_module_has_the_job_interface_and_nothing_else(run_job: Runner) -> None:
    assert run_job.module.imports == []
    functions = {
        export.name: ([str(p) for p in export.type.params], [str(r) for r in export.type.results])
        for export in run_job.module.exports
        if isinstance(export.type, wasmtime.FuncType)
    }
    assert functions == {"alloc": (["i32"], ["i32"]), "run": (["i32", "i32"], ["i64"])}
    assert [e.name for e in run_job.module.exports if isinstance(e.type, wasmtime.MemoryType)] == ["memory"]
    assert len(MODULE) == 7_097
    assert b"rustc" not in MODULE
    assert b"/src/" not in MODULE


@pytest.mark.rust
def test_the_module_is_what_its_source_builds_to() -> None:
    if shutil.which("rustup") is None:
        pytest.skip("rustup is not installed, so the module cannot be rebuilt")
    built = subprocess.run([ROOT / "scripts" / "build-jobs", "--check"], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr


def test_the_test_images_are_360_different_ones_of_every_digit() -> None:
    assert len({image.pixels for image in IMAGES}) == 360
    counts = [sum(image.label == digit for image in IMAGES) for digit in range(10)]
    assert counts == [28, 38, 31, 38, 37, 43, 41, 35, 33, 36]


def test_an_image_renders_as_shades() -> None:
    pixels = bytes([0, 1, 4, 5, 8, 12, 13, 16]) + bytes(56)
    assert digits.render(DigitImage(pixels, 0)).split("\n") == ["  ░░░░▒▒▒▒▓▓████", *[" " * 16] * 7]


@pytest.mark.parametrize(
    ("pixels", "label"), [(bytes(63), 1), (bytes(65), 1), (b"", 1), (b"\x11" + bytes(63), 1), (bytes(64), 10)]
)
def test_what_is_no_image_is_refused(pixels: bytes, label: int) -> None:
    with pytest.raises(InputError, match="Not an image of a digit"):
        DigitImage(pixels, label)


@pytest.mark.parametrize("data", [b"", b"WDI1", b"WDI2\0\0\0\0", b"WDI1\1\0\0\0" + bytes(64), b"WDI1\0\0\0\0\0"])
def test_a_malformed_images_file_is_refused(data: bytes) -> None:
    with pytest.raises(EncodingError):
        digits.parse_images(data)


def test_an_images_file_is_read_back() -> None:
    data = b"WDI1\2\0\0\0" + bytes(64) + b"\3" + b"\x10" * 64 + b"\7"
    assert digits.parse_images(data) == (DigitImage(bytes(64), 3), DigitImage(b"\x10" * 64, 7))


@pytest.mark.parametrize("length", [0, 1, 40, 42])
def test_output_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(EncodingError, match="Not the output of the digits job"):
        digits.decode_output(bytes(length))


def test_output_is_read_as_digit_and_scores() -> None:
    record = struct.pack("<B10i", 3, *range(-5, 5))
    assert digits.decode_output(record * 2) == (Prediction(3, tuple(range(-5, 5))),) * 2
