"""Packages that change: tools that run, updates that come by themselves, a restart that is due.

Knows apt's settings and the names of package tools.
"""

import re
from collections.abc import Iterator

from harness.record.documents import Json
from harness.station.conditions.diagnosis import HIDDEN, Diagnosis, some, unknown

PACKAGE_TOOLS = frozenset(
    {"apt", "apt-get", "aptitude", "dpkg", "dnf", "yum", "rpm", "zypper", "pacman", "packagekitd"}
)


def of_updates(state: Json) -> Iterator[Diagnosis]:
    """Package tools that run, updates that come by themselves, a restart that is due."""
    running = sorted({p["name"] for p in state["processes"] if p["name"] in PACKAGE_TOOLS or _is_upgrading(p)})
    if running:
        text = f"packages are being changed ({', '.join(running)}); wait for the end"
        yield Diagnosis("updates-running", "warn", text)
    elif not state["sees_all"]:
        yield unknown("updates-running", "whether packages are being changed", HIDDEN)
    automatic = []
    apt = state["commands"]["apt"]
    for setting in re.findall(r'^APT::Periodic::(\S+) "([^"]*)";$', apt["output"], re.MULTILINE):
        if setting[0] in ("Unattended-Upgrade", "Update-Package-Lists", "Download-Upgradeable-Packages"):
            automatic += [f"APT::Periodic::{setting[0]}"] if setting[1] not in ("", "0") else []
    automatic += ["snapd"] if any(p["name"] == "snapd" for p in state["processes"]) else []
    if automatic:
        text = f"updates come by themselves ({', '.join(automatic)}); switch them off while the campaign lasts"
        yield Diagnosis("updates-automatic", "warn", text)
    elif apt["code"] is None:
        yield unknown("updates-automatic", "automatic updates", "no apt; timers of other tools are listed with timers")
    else:
        yield Diagnosis("updates-automatic", "info", "no automatic updates")
    if "/run/reboot-required" in state["texts"]:
        wanted = state["texts"].get("/run/reboot-required.pkgs", "").split()
        by = f" ({some(sorted(set(wanted)))})" if wanted else ""
        text = f"it waits for a restart{by}: the kernel that runs is not the installed one; restart it first"
        yield Diagnosis("reboot", "warn", text)


def _is_upgrading(process: Json) -> bool:
    """unattended-upgrades at work; its watcher `unattended-upgrade-shutdown` waits on every Debian and Ubuntu."""
    return any(word in ("unattended-upgrade", "unattended-upgrades") for word in process["words"])
