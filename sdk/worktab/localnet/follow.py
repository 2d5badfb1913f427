"""Runs a command that ends when standard input does, which it does when whoever started this ends, however that ends.

Run as a file, by any Python: `python follow.py COMMAND [ARGUMENT]...`. Ends with the command's exit code.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress

_PATIENCE = 10.0
"""Seconds the command may take to end before it is killed."""


def main(command: list[str]) -> int:
    """Run the command to its end."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603

    def end() -> None:
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(_PATIENCE)
        child.kill()

    def end_with_stdin() -> None:
        while os.read(0, 4_096):  # sys.stdin would hold a lock, in which this process could not end
            pass
        end()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=end, daemon=True).start())
    threading.Thread(target=end_with_stdin, daemon=True).start()
    code = child.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
