"""Programs within a limit of memory: by ulimit here, by a control group in a kernel of its own, or refused."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workloads.conftest import ROOT

PROGRAM = ROOT / "workloads" / "training" / "within_memory.py"
EATER = """
import sys
sys.path.insert(0, sys.argv[1])
import within_memory
print(within_memory.in_force(), flush=True)
kept = [b"x" * 10_000_000 for _ in range(int(sys.argv[2]))]
print("ate", len(kept), flush=True)
"""


def within(parameters: dict[str, object], *command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "WATTLAB_PARAMETERS": json.dumps(parameters)}
    words = [sys.executable, str(PROGRAM), *command]
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)


def eat(pieces: int) -> list[str]:
    return [sys.executable, "-c", EATER, str(PROGRAM.parent), str(pieces)]


def test_without_a_limit_the_program_takes_its_place() -> None:
    done = within({"ram_limit_gb": 0.0, "ram_limit_by": "ulimit"}, *eat(3))
    assert (done.returncode, done.stdout) == (0, "{'bytes': None, 'by': None}\nate 3\n")
    assert within({}, "sh", "-c", "exit 7").returncode == 7


def test_by_ulimit_the_program_gets_no_more_and_its_status_is_kept() -> None:
    parameters: dict[str, object] = {"ram_limit_gb": 0.2, "ram_limit_by": "ulimit"}
    done = within(parameters, *eat(3))
    assert (done.returncode, done.stdout) == (0, "{'bytes': 200000000, 'by': 'ulimit'}\nate 3\n")
    refused = within(parameters, *eat(30))
    assert refused.returncode == 1
    assert refused.stderr.rstrip().endswith("MemoryError")
    assert within(parameters, "sh", "-c", "exit 7").returncode == 7
    assert within(parameters, "sh", "-c", "kill -TERM $$").returncode == 143


def test_a_program_that_dies_below_its_ulimit_is_told_from_one_that_fails() -> None:
    done = within({"ram_limit_gb": 0.2, "ram_limit_by": "ulimit"}, "sh", "-c", "kill -ABRT $$")
    assert done.returncode == 137
    last = done.stderr.splitlines()[-1]
    assert last == (
        "within_memory.py: out of memory in this cell: the program died of SIGABRT below its limit of 0.2 GB "
        "(RLIMIT_DATA)"
    )


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"ram_limit_gb": "much"}, "WATTLAB_PARAMETERS"),
        ({"ram_limit_gb": -1.0}, "expected GB from 0 on"),
        ({"ram_limit_gb": 1.0, "ram_limit_by": "prayer"}, "ram_limit_by = 'prayer'"),
    ],
)
def test_a_wrong_limit_is_one_sentence(parameters: dict[str, object], sentence: str) -> None:
    done = within(parameters, "true")
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


INIT = """#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
export WATTLAB_PARAMETERS='{{"ram_limit_gb": 0.2, "ram_limit_by": "cgroup"}}'
eat() {{
    python3 "{program}" python3 "{folder}/eat.py" "{program_folder}" "$2" > "{folder}/$1" 2>&1
    echo "rc $?" >> "{folder}/$1"
}}
eat refused 3
mount -t cgroup2 cgroups /sys/fs/cgroup
eat little 3
eat much 30
ls -d /sys/fs/cgroup/wattlab* > "{folder}/left" 2>/dev/null
sync
echo o > /proc/sysrq-trigger
sleep 30
"""


def test_by_a_control_group_the_kernel_ends_the_program_and_without_one_it_is_refused(tmp_path: Path) -> None:
    """In a Linux of its own (user-mode), whose root is this machine's, with /usr/bin/python3."""
    kernel = shutil.which("linux.uml")
    if kernel is None:
        pytest.skip("a kernel of its own takes Debian's user-mode-linux, which `./lab test` does not install")
    (tmp_path / "eat.py").write_text(EATER)
    init = tmp_path / "init"
    init.write_text(INIT.format(program=PROGRAM, program_folder=PROGRAM.parent, folder=tmp_path))
    init.chmod(0o755)
    words = ["mem=512M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "rw", f"init={init}", "quiet"]
    subprocess.run(
        [kernel, *words, "con=null", "con0=null"], stdin=subprocess.DEVNULL, capture_output=True, check=False,
        timeout=300, env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    refused, little, much, left = ((tmp_path / name).read_text() for name in ("refused", "little", "much", "left"))
    assert "no limit of memory can be set here (this machine has no control groups of version 2)" in refused
    assert 'ram_limit_by = "ulimit", which bounds what a program may ask for, not what is resident' in refused
    assert refused.endswith("rc 1\n")
    assert little == "{'bytes': 199999488, 'by': 'cgroup'}\nate 3\nrc 0\n"
    assert much.splitlines() == [
        "{'bytes': 199999488, 'by': 'cgroup'}",
        "within_memory.py: out of memory in this cell: the kernel ended it at its limit of 0.2 GB (memory.max)",
        "rc 137",
    ]
    assert left == ""
