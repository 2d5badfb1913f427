"""Why a device refuses a job or a module, and what is wrong with a daemon's settings. The codes are stable."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from worktab.core.errors import InputError, StateError
from worktab.market.errors import MarketError


class ModuleUnknown(MarketError):
    """The device does not hold the module; a buyer may upload it. Nothing was charged."""

    code = "module_unknown"
    status = 404
    default_next_step = "Upload it: PUT /v1/modules"


class ModuleRefused(MarketError):
    """The device runs only modules that its owner chose. Nothing was charged."""

    code = "module_refused"
    status = 403
    default_next_step = "Use one that GET /v1/modules lists, or another device"


class UploadTooSlow(MarketError):
    """The module did not come within the time that an upload has."""

    code = "upload_too_slow"
    status = 408
    default_next_step = "Upload it over a faster connection"


class JobFailed(MarketError):
    """The job ended without a result. Nothing was charged."""

    code = "job_failed"
    status = 422


class Stopping(MarketError):
    """The device stopped before the answer was there. What was paid for can be had by the same request later."""

    code = "stopping"
    status = 503
    default_next_step = "Make the same request again"


class WrongKey(StateError):
    """The daemon's key is not the device's: buyers and the chain would refuse all that it signs."""

    code = "wrong_key"
    default_next_step = "Name the file of the device's present key with --key, or the device of this key with --device"


class AccountNeeded(StateError):
    """The device is enrolled, without an account on chain; a consumer's payments go to one."""

    code = "account_needed"
    default_next_step = (
        "Register the device to sell its work; what it does otherwise, `worktab device submit` brings to the ingests"
    )


class UnknownSetting(InputError):
    """A config file has a key that is no setting; `key` is its name."""

    code = "unknown_setting"

    def __init__(self, key: str, known: Iterable[str]) -> None:
        near = get_close_matches(key, list(known), n=1)
        super().__init__(
            f"There is no setting {key!r}",
            expected=near[0] if near else "",
            next_step="`worktab agent init` writes a file with all of them",
        )
        self.key = key


class BadSetting(InputError):
    """A setting's value does not do; `key` is its name."""

    code = "bad_setting"

    def __init__(self, key: str, expected: str, got: str) -> None:
        super().__init__(f"The setting {key!r} is not acceptable", expected=expected, got=got)
        self.key = key


class MissingSetting(InputError):
    """A setting that has no default is missing; `key` is its name."""

    code = "missing_setting"

    def __init__(self, key: str) -> None:
        flag = key.replace("_", "-")
        super().__init__(
            f"The setting {key!r} is missing", next_step=f"Give --{flag}, or the key {key} in the config file"
        )
        self.key = key
