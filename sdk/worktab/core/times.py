"""Times as people read them."""

from __future__ import annotations

from datetime import UTC, datetime


def utc(unix: int) -> str:
    """Unix seconds as `2026-11-22 09:30:00 UTC`; after the year 9999, which calendars here do not have, the number."""
    try:
        return f"{datetime.fromtimestamp(unix, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):
        return str(unix)
