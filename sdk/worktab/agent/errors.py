"""Why a device refuses a job or a module. The codes are stable; nothing was charged."""

from __future__ import annotations

from worktab.market.errors import MarketError


class ModuleUnknown(MarketError):
    """The device does not hold the module; a buyer may upload it."""

    code = "module_unknown"
    status = 404
    default_next_step = "Upload it: PUT /v1/modules"


class ModuleRefused(MarketError):
    """The device runs only modules that its owner chose."""

    code = "module_refused"
    status = 403
    default_next_step = "Use one that GET /v1/modules lists, or another device"


class JobFailed(MarketError):
    """The job ended without a result."""

    code = "job_failed"
    status = 422
