"""Whether an enrolment is taken."""

from __future__ import annotations

from solders.pubkey import Pubkey

from worktab.core.enrolments import SignedEnrolment
from worktab.core.errors import VerificationError
from worktab.ingest.facts import Facts
from worktab.ingest.kept import registered
from worktab.ingest.rows import Rows
from worktab.ingest.verdicts import Verdict


def check_enrolment(signed: SignedEnrolment, facts: Facts, kept: Rows) -> Verdict:
    """`STORED` where a network of these facts takes it; `kept` are all of the device's `KEPT` rows."""
    class_ = signed.enrolment.class_
    if class_ >= len(facts.used) or not facts.used[class_]:
        return Verdict.CLASS_UNKNOWN
    if facts.bonds[class_]:
        return Verdict.BOND_NEEDED
    if signed.enrolment.payout in (Pubkey.default(), facts.network):
        return Verdict.BAD_PAYOUT
    if facts.admission and signed.admission not in facts.admitting:
        return Verdict.NOT_ADMITTED
    if registered(kept):
        return Verdict.REGISTERED
    try:
        signed.verify(domain=facts.domain, program_id=bytes(facts.program_id), network=bytes(facts.network))
    except VerificationError:
        return Verdict.BAD_ENROLMENT
    return Verdict.STORED
