"""Settings: a file, flags that win, and what is not taken."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from worktab.agent import settings as module
from worktab.agent.errors import BadSetting, UnknownSetting
from worktab.agent.settings import Settings, about
from worktab.core.errors import StorageError
from worktab.epochs.attesting import sampler
from worktab.work import wasm


def load(tmp_path: Path, text: str, **given: Any) -> Settings:
    file = tmp_path / "agent.toml"
    file.write_text(text)
    return Settings.load(file, given)


def test_flags_win_over_the_file_and_the_file_over_defaults(tmp_path: Path) -> None:
    held = load(tmp_path, 'port = 1\nhost = "::1"\nprice = "2"', port=2, price=None)
    assert (held.port, held.host, held.price, held.grace) == (2, "::1", "2", Settings().grace)


def test_paths_in_a_file_are_relative_to_it(tmp_path: Path) -> None:
    held = load(tmp_path, 'key = "a"\nmodules = ["b", "/c"]', state=Path("d"))
    assert (held.key, held.modules, held.state) == (tmp_path / "a", (tmp_path / "b", Path("/c")), Path("d"))


def test_ingests_are_addresses_and_no_files(tmp_path: Path) -> None:
    held = load(tmp_path, 'ingest = ["https://a", "http://b:1/c"]\ningest_least = 2')
    assert (held.ingest, held.ingest_least) == (("https://a", "http://b:1/c"), 2)
    assert tomllib.loads(held.to_toml()) == {"ingest": ["https://a", "http://b:1/c"], "ingest_least": 2}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("port = -1", "port"),
        ("port = 65536", "port"),
        ("port = true", "port"),
        ('port = "80"', "port"),
        ("port = 8.0", "port"),
        ("price = 2", "price"),
        ('price = "-3"', "price"),
        ('price = "abc"', "price"),
        ('price = "1."', "price"),
        ('price = "18446744073709551616"', "price"),
        ('minimum = "1,5"', "minimum"),
        ('settle_at = "1e3"', "settle_at"),
        ('settle_least = ""', "settle_least"),
        ("accept_cut = 1", "accept_cut"),
        ('modules = "a"', "modules"),
        ("modules = [1]", "modules"),
        ('ingest = "https://a"', "ingest"),
        ("ingest = [1]", "ingest"),
        ("ingest_least = 0", "ingest_least"),
        ("key = 1", "key"),
        ("max_units = 0", "max_units"),
        ("max_units = 281474976710657", "max_units"),
        ("settle_every = 0", "settle_every"),
        ("max_units = 10\ndefault_units = 11", "default_units"),
    ],
)
def test_a_value_that_does_not_do_is_named(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(BadSetting) as caught:
        load(tmp_path, text)
    assert caught.value.key == key


@pytest.mark.parametrize("amount", ["0", "0.5", "1000000.000000000000000", "0.000000000000000001"])
def test_an_amount_is_taken_however_fine_it_is(tmp_path: Path, amount: str) -> None:
    assert load(tmp_path, f'price = "{amount}"').price == amount


def test_an_unknown_key_is_named_and_the_nearest_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnknownSetting) as caught:
        load(tmp_path, "metric_port = 1")
    assert (caught.value.key, caught.value.expected) == ("metric_port", "metrics_port")
    with pytest.raises(UnknownSetting):
        load(tmp_path, "[table]\nport = 1")


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        Settings.load(tmp_path / "missing", {})
    with pytest.raises(StorageError):
        load(tmp_path, "port")


def test_fewer_units_than_the_default_lower_the_default(tmp_path: Path) -> None:
    assert load(tmp_path, "max_units = 10").default_units == 10


def test_a_written_file_holds_what_is_set_and_explains_the_rest(tmp_path: Path) -> None:
    held = Settings(device="d", key=Path("/k"), modules=(Path("/m"),), port=1, accept_cut=True, host='"\\ü')
    text = held.to_toml()
    assert load(tmp_path, text) == held
    commented = [line[2:] for line in text.splitlines() if line.startswith("# ") and " = " in line][1:]
    for line in commented:
        name, _, shown = line.partition(" = ")
        kind, described = about()[name]
        if shown == described.form:
            assert kind is int  # its place is held without quotes, as a number is written
        else:
            assert tomllib.loads(line).keys() == {name}
    assert "# threads = NUMBER\n" in text
    assert '# wallet = "FILE"\n' in text
    named = {line.partition(" =")[0].removeprefix("# ") for line in text.splitlines() if " = " in line}
    assert {each.name for each in fields(Settings)} <= named
    for _, described in about().values():
        assert f"# {described.told}\n" in text


def test_limits_are_those_of_the_runtime() -> None:
    assert (module.FUEL_LIMIT, module.MODULE_LIMIT) == (wasm.FUEL_LIMIT, wasm.MODULE_LIMIT)
    assert (module.LONGEST, Settings().max_seconds) == (sampler.LONGEST, sampler.LONGEST // 2)
