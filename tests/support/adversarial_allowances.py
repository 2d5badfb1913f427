"""Every attack that is not refused, and why it need not be. Anything that is not in these tables must be refused."""

from __future__ import annotations

from typing import Final

from support import (
    adversarial_allowances_calls,
    adversarial_allowances_pairs,
    adversarial_allowances_trust,
    adversarial_allowances_wallets,
)
from support.adversarial_allowance import Allowance
from support.adversarial_cases import Case

ALLOWANCES: Final[tuple[Allowance, ...]] = (
    *adversarial_allowances_wallets.ALLOWANCES,
    *adversarial_allowances_calls.ALLOWANCES,
    *adversarial_allowances_trust.ALLOWANCES,
    *adversarial_allowances_pairs.ALLOWANCES,
)
ALLOWED: Final[dict[Case, Allowance]] = {case: each for each in ALLOWANCES for case in each.cases()}
