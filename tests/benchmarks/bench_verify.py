"""Verification of a campaign of Guldner's size: 120 runs of 1000 s, signed. Target: 15 s whole process.

Run: .venv/bin/python -m tests.benchmarks.bench_verify [CAMPAIGN]

Without CAMPAIGN a synthetic one is written, reported and signed first, not counted. `wattlab verify` runs in a process
of its own, its start, imports and exit included: signature, every digest, the chains, results and report recomputed.
A given CAMPAIGN is verified as it is, without a key.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness.evidence.verification import sign_campaign
from tests.documents import write_report
from tests.reports.make_campaign import GULDNER, make_campaign


def signed_campaign(folder: Path) -> tuple[Path, list[str]]:
    """A signed campaign below `folder`, and the words that name its public key."""
    campaign, key = make_campaign(folder, GULDNER), folder / "key"
    write_report(campaign)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    sign_campaign(campaign, key, None)
    return campaign, ["--public-key", f"{key}.pub"]


def main(campaign: Path | None) -> None:
    """Time one verification and print one JSON line."""
    with tempfile.TemporaryDirectory() as name:
        folder, words = signed_campaign(Path(name)) if campaign is None else (campaign, [])
        before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        command = [sys.executable, "-m", "harness.cli", "verify", str(folder), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wall_s = time.monotonic() - begin
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        files = [path for path in folder.rglob("*") if path.is_file()]
        measured = {
            "wall_s": round(wall_s, 2),
            "cpu_s": round(used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime, 2),
            "peak_mib": round(used.ru_maxrss / 1024),
            "runs": len(list(folder.glob("*/run.jsonl"))),
            "mib": round(sum(path.stat().st_size for path in files) / 2**20),
            "exit_code": done.returncode,
            "said": [line for line in done.stdout.splitlines() if " checks " in line],
        }
    print(json.dumps(measured))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
