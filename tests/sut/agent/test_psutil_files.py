"""psutil reads the files of /proc through descriptors that stay open, and says what it always said."""

import io
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from harness.sut.agent.psutil_files import KEPT, as_text, keep_files_open, kept_opener
from harness.sut.agent.small_files import KeptFile

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import json, sys, time, psutil
from harness.sut.agent.psutil_files import keep_files_open
from harness.sut.agent.system_sampler import SystemSampler

def asked():
    return (psutil.virtual_memory(), psutil.disk_io_counters(perdisk=True, nowrap=False),
            psutil.net_io_counters(pernic=True, nowrap=False), psutil.cpu_times())

def form(answers):
    memory, disks, nets, times = answers
    return [memory.total, *(sorted(d) for d in (disks, nets)), *(type(a).__name__ for a in (memory, times)),
            *(str(type(f)) for a in (memory, times, *disks.values(), *nets.values()) for f in a)]

opened = []
sys.addaudithook(lambda event, arguments: opened.append(arguments[0]) if event == "open" else None)
before, first = asked(), list(opened)
keep_files_open(psutil)
sampler = SystemSampler(psutil)
for _ in range(3):
    row = sampler.sample()
opened.clear()
rows = [sampler.sample() for _ in range(5)]
time.sleep(0.1)
after, later = asked(), list(opened)
print(json.dumps([form(before) == form(after), first, later, len(row), [b - a for a, b in zip(before[3], after[3])]]))
"""


def test_psutil_says_the_same_and_opens_nothing_more() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)
    is_same, first, later, width, grown = json.loads(done.stdout)
    assert is_same
    assert set(KEPT) <= set(first)
    assert not set(KEPT) & set(later)
    assert width >= 8
    assert sum(grown) > 0


def test_a_psutil_without_these_functions_is_left_as_it_is() -> None:
    for psutil in (SimpleNamespace(), SimpleNamespace(_pslinux=SimpleNamespace(pids=len))):
        before = dict(vars(psutil))
        keep_files_open(psutil)
        assert vars(psutil) == before
    linux = SimpleNamespace(open_binary=len)
    keep_files_open(SimpleNamespace(_pslinux=linux))
    assert set(vars(linux)) == {"open_binary"}


def test_other_files_and_unreadable_ones_are_opened_as_before(tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(b"now\n")
    files = {str(tmp_path / name): KeptFile(str(tmp_path / name)) for name in ("kept", "gone")}
    opens = kept_opener(lambda path, **options: ("opened", path, options), io.BytesIO, files)
    with opens(str(tmp_path / "kept")) as file:
        assert file.readlines() == [b"now\n"]
    assert opens(str(tmp_path / "kept"), buffering=0)[0] == "opened"
    assert opens(str(tmp_path / "gone")) == ("opened", str(tmp_path / "gone"), {})
    assert opens("/elsewhere") == ("opened", "/elsewhere", {})
    files[str(tmp_path / "kept")].close()


def test_text_is_decoded_as_psutil_decodes_it() -> None:
    assert as_text("eth0 ä\n".encode() + b"\xff\n").readlines() == ["eth0 ä\n", "\udcff\n"]
