"""Whether an enrolment is taken."""

from __future__ import annotations

from worktab.core.enrolments import FIRST_ENROLLED_INDEX, SignedEnrolment
from worktab.core.errors import VerificationError
from worktab.ingest.facts import Facts
from worktab.ingest.rows import Rows
from worktab.ingest.verdicts import Verdict


def check_enrolment(signed: SignedEnrolment, facts: Facts, registrations: Rows) -> Verdict:
    """`STORED` where a network of these facts takes it; `registrations` are the device's `KEPT` rows that count."""
    class_ = signed.enrolment.class_
    if class_ >= len(facts.used) or not facts.used[class_]:
        return Verdict.CLASS_UNKNOWN
    if facts.bonds[class_]:
        return Verdict.BOND_NEEDED
    if facts.admission and signed.admission not in facts.admitting:
        return Verdict.NOT_ADMITTED
    if (registrations["row"]["index"] < FIRST_ENROLLED_INDEX).any():
        return Verdict.REGISTERED
    try:
        signed.verify(domain=facts.domain, program_id=bytes(facts.program_id), network=bytes(facts.network))
    except VerificationError:
        return Verdict.BAD_ENROLMENT
    return Verdict.STORED
