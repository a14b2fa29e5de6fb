"""Coverage-guided fuzzing of one decoder by Atheris, in a process of its own: `python -m tests.fuzz.coverage NAME ...`.

`make fuzz` starts it. What is after the name goes to libFuzzer, which keeps the inputs that reach new code in a folder: a
later run begins with them.
"""

import sys

import atheris

with atheris.instrument_imports(
    include=["gateway", "balancer", "substation", "runtime", "admin_ui", "loadtest"]
):
    from tests.fuzz.decoders import DECODERS


def main(arguments: list[str]) -> None:
    """Fuzz the decoder that is named until libFuzzer ends."""
    decoder = DECODERS[arguments[1]]
    atheris.Setup([arguments[0], *arguments[2:]], decoder.try_)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
