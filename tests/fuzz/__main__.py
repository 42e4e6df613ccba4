"""Fuzz one codec of tests/meters/codecs.py with atheris (libFuzzer), or mutate the valid files of one foreign form of
tests/fuzz/forms.py: `python -m tests.fuzz NAME [SECONDS]`.

Of a form every mutation declares what must come of it (tests/fuzz/foreign.py). Prints one line of JSON: form, seconds,
mutations tried by name, those that did not apply, and those that broke what they declared, with the seed to repeat them
(`python -m tests.fuzz NAME --seed MUTATION SEED`).

A codec needs atheris, which is not among the packages of the tests:
`.venv/bin/uv pip install --python .venv/bin/python atheris==3.0.0`. The first byte of an input says where the rest is
cut into chunks. A crash is an exception that is no `MeterError`, more bytes held than the codec's limit, or 5 s without
an end; libFuzzer then prints the input and writes it to a file. Prints one line of JSON: codec, seconds, inputs run,
edges covered.
"""

import importlib
import json
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from random import Random
from re import findall

from meters.meter import MeterError
from tests.fuzz.foreign import Tally, attempt, play
from tests.fuzz.forms import FORMS
from tests.meters.codecs import CODECS


def chunks_of(data: bytes) -> list[bytes]:
    """The stream of an input, cut by its first byte: whole, or into pieces of that many bytes."""
    size, stream = (data[0], data[1:]) if data else (0, b"")
    return [stream[at : at + size] for at in range(0, len(stream), size)] if size else [stream]


def target(name: str, folder: str, seconds: int) -> None:
    """Run libFuzzer in this process until the time is over; never returns."""
    atheris = importlib.import_module("atheris")
    codec = CODECS[name]
    for number, seed in enumerate(codec.seeds):
        for size in (0, 7):
            (Path(folder) / f"seed-{number}-{size}").write_bytes(bytes([size]) + seed)

    def once(data: bytes) -> None:
        with suppress(MeterError):
            held = codec.decode(chunks_of(data))
            if held > codec.limit:
                raise RuntimeError(f"{held} bytes held, limit {codec.limit}")

    atheris.instrument_all()
    limits = ["-max_len=4096", "-timeout=5", "-rss_limit_mb=2048", f"-max_total_time={seconds}", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *limits, folder], once)
    atheris.Fuzz()


def main(name: str, seconds: int) -> int:
    """Fuzz in a process of its own and print what came of it; the exit code is libFuzzer's."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.fuzz", "--inside", name, folder, str(seconds)]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    said = done.stderr
    covered, ran = findall(r"cov: (\d+)", said), findall(r"number_of_executed_units: (\d+)", said)
    if done.returncode:
        print(said[-4000:], file=sys.stderr)
    runs, edges = int(ran[-1]) if ran else 0, int(covered[-1]) if covered else 0
    print(json.dumps({"codec": name, "seconds": seconds, "inputs": runs, "edges": edges, "exit": done.returncode}))
    return done.returncode


def mutate(name: str, seconds: int) -> int:
    """Mutate valid files until the time is over and print what came of it; 1 where a declaration was broken."""
    form, tally, seed = FORMS[name], Tally(), time.time_ns()
    play(form, list(form.mutations), Random(seed), tally, time.monotonic() + seconds)
    said = {"form": name, "seconds": seconds, "seed": seed, "tried": tally.tried.total(), "by_mutation": tally.tried}
    print(json.dumps(said | {"did_not_apply": tally.idle.total(), "broken": tally.broken}))
    return 1 if tally.broken else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        target(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    elif sys.argv[1:2] and sys.argv[1] in CODECS:
        sys.exit(main(sys.argv[1], int(sys.argv[2]) if sys.argv[2:] else 600))
    elif sys.argv[1:2] and sys.argv[1] in FORMS and sys.argv[2:3] == ["--seed"]:
        sys.exit(attempt(FORMS[sys.argv[1]], sys.argv[3], int(sys.argv[4]), Tally()) or 0)
    elif sys.argv[1:2] and sys.argv[1] in FORMS:
        sys.exit(mutate(sys.argv[1], int(sys.argv[2]) if sys.argv[2:] else 600))
    else:
        sys.exit(f"usage: python -m tests.fuzz NAME [SECONDS]; NAME one of {', '.join(sorted([*CODECS, *FORMS]))}")
