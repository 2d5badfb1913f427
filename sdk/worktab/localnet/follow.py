"""Runs a command that ends when standard input does, which it does when whoever started this ends, however that ends.

Run as a file, by any Python: `python follow.py COMMAND [ARGUMENT]...`. Ends with the command's exit code.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
from contextlib import suppress

_PATIENCE = 10.0
"""Seconds the command may take to end before it is killed."""


def main(command: list[str]) -> int:
    """Run the command to its end."""
    told, tell = os.pipe()
    # Before there is a command that could be left alone.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os.write(tell, b"."))
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603

    def end_when_told() -> None:
        while told not in (ready := select.select([0, told], [], [])[0]):
            if ready and not os.read(0, 4_096):  # sys.stdin would hold a lock, in which this process could not end
                break
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(_PATIENCE)
        child.kill()

    threading.Thread(target=end_when_told, daemon=True).start()
    code = child.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
