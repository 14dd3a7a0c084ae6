"""The command line in a process that tells at its end which libraries it has loaded.

    python -m tests.cli.whole_command WORDS

does what `autograd-bot WORDS` does, and ends with the line `told at the end: {"torch": false}` on standard error.
"""

from __future__ import annotations

import json
import signal
import sys

from bot.cli.app import exit_code_of

if __name__ == "__main__":
    # As in a terminal: whoever runs the tests in the background has Ctrl-C ignored, here too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    code = exit_code_of(sys.argv[1:])
    told = {name: name in sys.modules for name in ("torch", "numpy", "matplotlib")}
    sys.stderr.write(f"told at the end: {json.dumps(told)}\n")
    sys.exit(code)
