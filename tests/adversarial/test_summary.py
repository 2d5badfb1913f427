"""The count at the end of a run, in one process and in several."""

from __future__ import annotations

import pytest

_PLUGINS = (
    *("-p", "support.adversarial_summary", "-o", "asyncio_default_fixture_loop_scope=function"),
    *("-p", "no:faulthandler"),  # whose end takes away signal handlers that jobs need
)
_TESTS = """
    import pytest

    @pytest.mark.parametrize("number", range(5))
    def test_attack(number, record_property):
        record_property("adversarial", "missing signer" if number else "closed")
        assert number < 4

    def test_other(record_property):
        record_property("other", "closed")
"""


@pytest.mark.parametrize("options", [(), ("-n2",)], ids=["one process", "several"])
def test_attacks_are_counted_by_kind(pytester: pytest.Pytester, options: tuple[str, ...]) -> None:
    pytester.makepyfile(_TESTS)

    result = pytester.runpytest(*_PLUGINS, *options)

    result.assert_outcomes(passed=5, failed=1)
    result.stdout.fnmatch_lines(["*attacks on accounts*", "     4  missing signer", "     1  closed", "     5  in all"])


def test_a_run_without_attacks_says_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_other(): pass")

    result = pytester.runpytest(*_PLUGINS)

    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*attacks on accounts*")
