"""Feed every door for long: ``python -m tests.fuzz --examples 100000``; the exit status of the tests."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys


def main() -> int:
    """Run the suite's tests with as many examples as are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=100_000, help="for each target")
    given = parser.parse_args()
    environment = {**os.environ, "TFSERVER_FUZZ_EXAMPLES": str(given.examples)}
    trial = [sys.executable, "-m", "twisted.trial", "--temp-directory", "_trial_fuzz"]
    return subprocess.run([*trial, "tests.fuzz.test_fuzz"], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
