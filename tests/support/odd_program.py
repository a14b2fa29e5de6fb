"""Ends in the way that its argument names: for the tests of the template."""

import atexit
import os
import sys
import time


def main(how: str) -> None:
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # which takes a stream that fits its descriptor
    print("argument", how)
    if how == "code":
        sys.exit(7)
    if how == "words":
        sys.exit("it can't start")
    if how == "fault":
        raise ValueError("a fault")
    if how == "late":
        atexit.register(print, "after the end of main", file=sys.stderr)
    if how == "echo":
        print(f"{os.environ['ODD']}: {sys.stdin.read()}")
    if how == "wait":
        sys.stdout.flush()
        time.sleep(60)


if __name__ == "__main__":
    main(sys.argv[1])
