"""Which software measures, on which host: for the start documents. Knows git and /proc; knows no SUT and no meter."""

import hashlib
import os
import platform
import subprocess
from pathlib import Path

from harness.record.documents import VERSION, Json

OID = "# branch.oid "
"""What begins the line of `git status` that names the commit."""


def software_facts(application: Path) -> Json:
    """Version, commit, whether the checkout differs from it, and the digest of the lock file."""
    lock = application / "requirements.lock"
    commit, is_changed = _checkout(application)
    return {
        "name": "wattlab",
        "version": VERSION,
        "commit": commit,
        "dirty": is_changed,
        "lock_sha256": hashlib.sha256(lock.read_bytes()).hexdigest() if lock.is_file() else None,
        "python": platform.python_version(),
    }


def in_words(software: Json) -> str:
    """What `software_facts` found, in words."""
    changed = " with changes" if software.get("dirty") else ""
    commit = f", commit {software['commit']}{changed}" if software["commit"] else ", from no checkout"
    return f"wattlab {software['version']}{commit}"


def host_facts() -> Json:
    """The workload generator host: name, system, kernel, boot id."""
    boot_id = Path("/proc/sys/kernel/random/boot_id")
    return {
        "hostname": platform.node(),
        "os": platform.freedesktop_os_release().get("PRETTY_NAME", "unknown"),
        "kernel": platform.release(),
        "cpu_count": os.cpu_count(),
        "boot_id": boot_id.read_text().strip() if boot_id.is_file() else None,
    }


def _checkout(folder: Path) -> tuple[str | None, bool | None]:
    """Commit of a checkout, and whether it differs from it: one call of git for both."""
    status = _git(folder, "status", "--porcelain=v2", "--branch", "--untracked-files=no")
    lines = [] if status is None else status.splitlines()
    oid = next((line.removeprefix(OID) for line in lines if line.startswith(OID)), "(initial)")
    is_changed = None if status is None else any(not line.startswith("#") for line in lines)
    return None if oid == "(initial)" else oid, is_changed


def _git(folder: Path, *words: str) -> str | None:
    """Output of a git command; None where there is no git or no checkout."""
    command = ["git", "-c", f"safe.directory={folder}", "-C", str(folder), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
