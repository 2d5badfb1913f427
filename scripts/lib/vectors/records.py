"""records.json"""

from __future__ import annotations

from dataclasses import replace

from vectors.common import I64_MAX, U64_MAX, Json, fixed
from worktab.core.records import ZERO_HEAD, JobRecord, Meter, next_head, record_hash


def vectors() -> Json:
    module, job_input, output, tab = (fixed(label) for label in ("module", "input", "output", "tab"))
    sold = JobRecord(
        meter=Meter.WASM_FUEL,
        work_class=0,
        meter_version=1,
        module=module,
        input=job_input,
        output=output,
        units=184_320,
        amount=2_500,
        started_ms=1_790_000_000_000,
        finished_ms=1_790_000_000_125,
        tab=tab,
    )
    # A device whose clock was never set, then one set back while a job ran: both are recorded as they are.
    unset = replace(sold, meter=Meter.SAMPLES, work_class=7, units=1, amount=0, started_ms=-1, finished_ms=0)
    largest = JobRecord(
        Meter.BYTE_HOURS, 255, 65_535, module, job_input, output, U64_MAX, U64_MAX, I64_MAX, -(2**63), tab
    )
    chain = [("a job a consumer pays for", sold), ("a job nobody pays for", replace(unset, tab=bytes(32)))]
    chain += [("the largest numbers and the earliest time", largest)]
    chain += [(f"meter {meter.name}", replace(sold, meter=meter)) for meter in Meter]
    head, valid = ZERO_HEAD, []
    for number, (description, record) in enumerate(chain, start=1):
        salt = fixed(f"salt {number}")
        head = next_head(head, record_hash(salt, record))
        valid.append(
            {
                "description": description,
                "meter": record.meter.value,
                "class": record.work_class,
                "meter_version": record.meter_version,
                "module": record.module.hex(),
                "input": record.input.hex(),
                "output": record.output.hex(),
                "units": str(record.units),
                "amount": str(record.amount),
                "started_ms": str(record.started_ms),
                "finished_ms": str(record.finished_ms),
                "tab": record.tab.hex(),
                "encoded": record.encode().hex(),
                "salt": salt.hex(),
                "record_hash": record_hash(salt, record).hex(),
                "head": head.hex(),
            }
        )
    encoded = sold.encode()
    invalid = [
        ("length", "one byte short", encoded[:-1]),
        ("length", "one byte long", encoded + b"\0"),
        ("meter", "meter 0", b"\x00" + encoded[1:]),
        ("meter", "meter 7", b"\x07" + encoded[1:]),
        ("zero", "byte 4 set", encoded[:4] + b"\x01" + encoded[5:]),
        ("zero", "byte 7 set", encoded[:7] + b"\x80" + encoded[8:]),
    ]
    return {
        "description": "Job records as one chain; `head` is the head after that record, from 32 zero bytes on.",
        "chain": valid,
        "invalid": [
            {"description": description, "reason": reason, "encoded": data.hex()}
            for reason, description, data in invalid
        ],
    }
