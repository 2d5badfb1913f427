"""The eight points of small order on the curve of Ed25519, which need no secret to sign for."""

from __future__ import annotations

from typing import Final

FIELD: Final = 2**255 - 19
"""The prime of the curve's field."""

ORDER_8_Y: Final = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
SMALL_ORDER_Y: Final = frozenset({0, 1, FIELD - 1, ORDER_8_Y, FIELD - ORDER_8_Y})
"""Their y."""
