"""What spoils a measurement, found in a fake machine's /proc, /sys and commands: the agent reads, the host judges."""

import json
import re
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.record.documents import Json, Thresholds
from harness.station.conditions.changes import of_changes
from harness.station.conditions.clock import of_clock_tools
from harness.station.conditions.diagnosis import Diagnosis
from harness.station.conditions.load import of_foreign_load
from harness.station.conditions.machine import of_state
from harness.sut.agent import survey
from tests.sut.local_agent import agent_command

CPU = "sys/devices/system/cpu"
HORIZON_S = 3 * 3600.0
LIMITS = Thresholds()
CPUINFO = "processor\t: 0\nmodel name\t: AMD Ryzen 9 5950X\nflags\t\t: fpu vme de pse tsc msr pae{}\n"
SWAPS = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
CHRONY = """\
Reference ID    : 0A000001 (ntp.lab.example)
Stratum         : 3
Ref time (UTC)  : Fri Feb  3 15:00:29 2012
System time     : 0.000001501 seconds slow of NTP time
Last offset     : -0.000001632 seconds
RMS offset      : 0.000002360 seconds
Frequency       : 331.898 ppm fast
Residual freq   : 0.004 ppm
Skew            : 0.154 ppm
Root delay      : 0.373169 seconds
Root dispersion : 0.024780 seconds
Update interval : 64.2 seconds
Leap status     : Normal
"""  # the example of the Fedora System Administrator's Guide, 13.3.6.1
TIMEDATECTL = "Timezone=Etc/UTC\nLocalRTC=no\nCanNTP=yes\nNTP=yes\nNTPSynchronized={}\nTimeUSec=x\nRTCTimeUSec=x\n"
APT = 'APT::Periodic "";\nAPT::Periodic::Update-Package-Lists "{0}";\nAPT::Periodic::Unattended-Upgrade "{0}";\n'
QUIET: dict[str, str] = {
    "proc/swaps": SWAPS,
    "proc/cpuinfo": CPUINFO.format(""),
    f"{CPU}/offline": "\n",
    f"{CPU}/cpuidle/current_driver": "acpi_idle\n",
    f"{CPU}/cpufreq/boost": "0\n",
    **{f"{CPU}/cpu0/cpuidle/state{i}/name": f"{name}\n" for i, name in enumerate(("POLL", "C1", "C2"))},
    **{f"{CPU}/cpu0/cpuidle/state{i}/disable": "0\n" for i in range(3)},
    **{f"{CPU}/cpu{i}/cpufreq/scaling_governor": "performance\n" for i in range(2)},
    **{f"{CPU}/cpu{i}/cpufreq/scaling_driver": "acpi-cpufreq\n" for i in range(2)},
    **{f"{CPU}/cpu{i}/cpufreq/scaling_max_freq": "3400000\n" for i in range(2)},
    **{f"{CPU}/cpu{i}/cpufreq/cpuinfo_max_freq": "3400000\n" for i in range(2)},
    "sys/class/hwmon/hwmon0/name": "k10temp\n",
    "sys/class/hwmon/hwmon0/temp1_input": "38250\n",
    "sys/class/hwmon/hwmon0/temp1_label": "Tctl\n",
    "sys/class/hwmon/hwmon1/name": "nvme\n",
    "sys/class/hwmon/hwmon1/temp1_input": "41850\n",
    "sys/class/hwmon/hwmon1/temp1_crit": "84850\n",
    "sys/class/power_supply/hidpp_battery_0/type": "Battery\n",
    "sys/class/power_supply/hidpp_battery_0/scope": "Device\n",
    "sys/class/power_supply/hidpp_battery_0/status": "Discharging\n",
}
COMMANDS: dict[str, str] = {
    "chronyc": CHRONY,
    "who": "",
    "systemctl": "",
    "apt-config": APT.format("0"),
}
PROCESSES: dict[int, tuple[str, str]] = {1: ("systemd", "/sbin/init"), 400: ("chronyd", "/usr/sbin/chronyd\0-F\x001")}


def set_sleep(monkeypatch: pytest.MonkeyPatch, later: Callable[[], None]) -> None:
    """What happens while the agent waits; nobody else's `time.sleep` changes."""
    clock = SimpleNamespace(**vars(time))
    clock.sleep = lambda _seconds: later()
    monkeypatch.setattr(survey, "time", clock)


class Machine:
    """A fake machine: the files below `root`, the commands in `bin`, and what happens while it is looked at."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.bin = folder / "root", folder / "bin"
        self.bin.mkdir(parents=True)
        self._ticks: dict[int, int] = {}
        monkeypatch.setenv("PATH", str(self.bin))
        set_sleep(monkeypatch, self.later)
        self.busy_ticks, self.idle_ticks = 2, 398
        self._busy, self._idle = 1000, 90000
        self._write_stat()
        for path, text in QUIET.items():
            self.write(path, text)
        for name, output in COMMANDS.items():
            self.command(name, output)
        for pid, (name, words) in PROCESSES.items():
            self.process(pid, name, words)

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def _write_stat(self) -> None:
        self.write("proc/stat", f"cpu  {self._busy} 0 500 {self._idle} 100 0 50 0 0 0\ncpu0 1 2 3\n")

    def command(self, name: str, output: str, code: int = 0) -> None:
        (self.bin / f"{name}.txt").write_text(output)
        script = self.bin / name
        script.write_text(
            f'#!/bin/sh\nwhile IFS= read -r line; do printf "%s\\n" "$line"; done < "$0.txt"\nexit {code}\n'
        )
        script.chmod(0o755)

    def process(self, pid: int, name: str, words: str, ticks: int = 0, later: int = 0) -> None:
        # proc(5): pid (comm) state ppid pgrp session tty tpgid flags minflt cminflt majflt cmajflt utime stime ...
        self.write(f"proc/{pid}/stat", f"{pid} ({name}) S 1 1 1 0 -1 4194560 0 0 0 0 {ticks} 0 0 0 20 0 1 0 5 0 0\n")
        self.write(f"proc/{pid}/cmdline", words)
        self._ticks[pid] = later

    def hide(self, pid: int) -> None:
        (self.root / f"proc/{pid}/stat").unlink()
        del self._ticks[pid]

    def later(self) -> None:
        """Two seconds have passed."""
        self._busy, self._idle = self._busy + self.busy_ticks, self._idle + self.idle_ticks
        self._write_stat()
        for pid, ticks in self._ticks.items():
            file = self.root / f"proc/{pid}/stat"
            words = file.read_text().split(" ")
            # the name may hold spaces: the field is counted from the end
            words[-11] = str(int(words[-11]) + ticks)
            file.write_text(" ".join(words))

    def state(self) -> Json:
        return survey.machine_state(str(self.root))

    def found(self, horizon_s: float = HORIZON_S) -> dict[str, Diagnosis]:
        return {one.code: one for one in of_state(self.state(), horizon_s, LIMITS)}

    def severities(self) -> dict[str, str]:
        return {code: one.severity for code, one in self.found().items() if one.severity != "info"}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_a_quiet_machine_has_no_remark_and_says_what_it_is(machine: Machine) -> None:
    found = machine.found()
    assert {code: one.text for code, one in found.items() if one.severity != "info"} == {}
    assert found["governor"].text == "CPU governor performance on all CPUs (acpi-cpufreq)"
    assert found["temperature"].text == "nvme temp1 42 °C, k10temp Tctl 38 °C"
    assert found["clock-sync"].text == "the clock is synchronised by chrony"
    assert found["idle-states"].text == "C-states POLL, C1, C2 (acpi_idle)"
    assert re.fullmatch(r"other processes take 0\.\d % of all cores", found["foreign-load"].text)


def test_a_machine_that_says_nothing_is_not_guessed_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    set_sleep(monkeypatch, lambda: None)
    (tmp_path / "proc").mkdir()
    found = {one.code: one for one in of_state(survey.machine_state(str(tmp_path)), HORIZON_S, LIMITS)}
    unknown = {code for code, one in found.items() if one.severity == "unknown"}
    assert unknown == {
        "governor", "turbo", "idle-states", "temperature", "clock-sync", "foreign-load", "swap", "updates-automatic",
        "users", "timers", "updates-running", "cron",
    }  # fmt: skip
    assert all("not known" in found[code].text for code in unknown)
    assert {one.severity for one in found.values()} == {"unknown", "info"}


@pytest.mark.parametrize(
    ("files", "code", "said"),
    [
        ({f"{CPU}/cpu{i}/cpufreq/scaling_governor": "schedutil\n" for i in (0, 1)}, "governor", "schedutil (acpi-cpuf"),
        ({f"{CPU}/cpu1/cpufreq/scaling_governor": "powersave\n"}, "governor", "1 x performance, 1 x powersave"),
        ({f"{CPU}/cpufreq/boost": "1\n"}, "turbo", f"write 0 to /{CPU}/cpufreq/boost"),
        ({f"{CPU}/intel_pstate/no_turbo": "0\n"}, "turbo", f"write 1 to /{CPU}/intel_pstate/no_turbo"),
        ({f"{CPU}/cpu1/cpufreq/scaling_max_freq": "2200000\n"}, "frequency-limit", "cpu1 at 2.20 of 3.40 GHz"),
        ({f"{CPU}/intel_pstate/max_perf_pct": "80\n"}, "frequency-limit", "intel_pstate at 80 %"),
        ({f"{CPU}/offline": "8-15\n"}, "cpus-offline", "CPUs 8-15 are offline"),
        ({f"{CPU}/cpu0/cpuidle/state2/disable": "1\n"}, "idle-states", "C-states C2 are switched off"),
        ({"proc/cpuinfo": CPUINFO.format(" hypervisor lahf_lm")}, "virtual", "virtual machine"),
        ({"proc/swaps": SWAPS + "/dev/nvme0n1p3 partition 8388604\t52480\t-2\n"}, "swap", "51 MiB of swap"),
        ({"sys/class/hwmon/hwmon0/temp1_input": "76500\n"}, "temperature", "k10temp Tctl 76 °C: let it cool"),
        ({"sys/class/hwmon/hwmon1/temp1_crit": "50000\n"}, "temperature", "nvme temp1 42 °C: let it cool"),
        ({"sys/class/thermal/thermal_zone0/type": "x86_pkg_temp\n", "sys/class/thermal/thermal_zone0/temp": "91000\n"},
         "temperature", "x86_pkg_temp 91 °C"),
        ({"run/reboot-required": "*** System restart required ***\n", "run/reboot-required.pkgs": "linux-base\n"},
         "reboot", "waits for a restart (linux-base)"),
    ],
)  # fmt: skip
def test_each_state_that_spoils_a_measurement_is_a_remark_with_its_remedy(
    machine: Machine, files: Mapping[str, str], code: str, said: str
) -> None:
    for path, text in files.items():
        machine.write(path, text)
    found = machine.found()
    assert machine.severities() == {code: "warn"}
    assert said in found[code].text


BATTERY = "sys/class/power_supply/BAT0"
MAINS = "sys/class/power_supply/AC"


@pytest.mark.parametrize(
    ("status", "online", "severity", "said"),
    [
        ("Discharging", "0", "refuse", "it runs on its battery (57 %)"),
        ("Unknown", "0", "refuse", "it runs on its battery"),
        ("Charging", "1", "warn", "its battery is charging (57 %)"),
        ("Full", "1", "warn", "can hide load"),
    ],
)
def test_a_laptop_on_its_battery_is_refused_and_a_charging_one_remarked(
    machine: Machine, status: str, online: str, severity: str, said: str
) -> None:
    machine.write(f"{BATTERY}/type", "Battery\n")
    machine.write(f"{BATTERY}/capacity", "57\n")
    machine.write(f"{BATTERY}/status", f"{status}\n")
    machine.write(f"{MAINS}/type", "Mains\n")
    machine.write(f"{MAINS}/online", f"{online}\n")
    assert machine.severities() == {"battery": severity}
    assert said in machine.found()["battery"].text


def test_two_programs_that_set_the_clock_fight_and_an_unsynchronised_one_is_remarked(machine: Machine) -> None:
    machine.process(401, "systemd-timesyn", "/lib/systemd/systemd-timesyncd")
    machine.command("chronyc", CHRONY.replace("Normal", "Not synchronised"))
    assert machine.severities() == {"clock-tools": "warn", "clock-sync": "warn"}
    assert "chrony and systemd-timesyncd both set the clock" in machine.found()["clock-tools"].text


@pytest.mark.parametrize(("said", "severity"), [("yes", "info"), ("no", "warn")])
def test_without_chrony_timedatectl_says_whether_the_clock_is_synchronised(
    machine: Machine, said: str, severity: str
) -> None:
    (machine.bin / "chronyc").unlink()
    machine.command("timedatectl", TIMEDATECTL.format(said))
    found = {one.code: one for one in of_clock_tools(machine.state())}
    assert found["clock-sync"].severity == severity


def test_foreign_load_is_named_and_the_question_itself_does_not_count(machine: Machine) -> None:
    machine.busy_ticks, machine.idle_ticks = 60, 340
    machine.process(900, "cc1 plus) (x", "/usr/lib/gcc/cc1plus", ticks=7, later=52)
    state = machine.state() | {"children_cpu_s": 0.0}
    (found,) = of_foreign_load(state, replace(LIMITS, foreign_load_invalid_percent=15.0))
    assert found.severity == "warn"
    assert "other processes take 15.0 % of all cores (cc1 plus) (x 13.0 %);" in found.text
    (found,) = of_foreign_load(state, LIMITS)
    assert found.severity == "refuse"
    assert "above 10 % (thresholds.foreign_load_invalid_percent) no run is begun" in found.text
    assert "allow them by `[thresholds] foreign_load_invalid_percent = 100`" in found.text
    for process in state["processes"]:
        process["own"] = True
        process["cpu_s"] = 0.6 if process["name"] == "systemd" else 0.0
    state["stat"] = ["cpu  0 0 0 0 0 0 0 0 0 0", "cpu  60 0 0 340 0 0 0 0 0 0"]
    assert [one.severity for one in of_foreign_load(state, LIMITS)] == ["info"]


def test_packages_that_change_and_updates_that_come_by_themselves_are_remarked(machine: Machine) -> None:
    # The watcher of unattended-upgrades waits on every Debian; it is no update.
    machine.process(
        500, "unattended-upgr", "/usr/bin/python3\0/usr/share/unattended-upgrades/unattended-upgrade-shutdown"
    )
    assert machine.severities() == {}
    machine.process(501, "unattended-upgr", "/usr/bin/python3\0/usr/bin/unattended-upgrade")
    machine.process(502, "dpkg", "/usr/bin/dpkg\0--unpack")
    machine.command("apt-config", APT.format("1"))
    assert machine.severities() == {"updates-running": "warn", "updates-automatic": "warn"}
    assert "(dpkg, unattended-upgr)" in machine.found()["updates-running"].text


def test_where_processes_of_others_are_hidden_nothing_is_said_of_them(machine: Machine) -> None:
    machine.hide(1)
    assert machine.severities() == {"updates-running": "unknown", "cron": "unknown"}
    machine.command("chronyc", "")
    assert machine.severities()["clock-sync"] == "unknown"


def test_people_at_terminals_are_named_once_each(machine: Machine) -> None:
    machine.command(
        "who", "ada      tty2         2026-11-21 08:14 (tty2)\nada      pts/0        2026-11-21 08:15\nbob x\n"
    )
    assert machine.severities() == {"users": "warn"}
    assert "logged in: ada (2 terminals), bob;" in machine.found()["users"].text


def test_timers_and_cron_count_only_within_the_campaign(machine: Machine) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    machine.command("systemctl", f"{soon:%a %Y-%m-%d %H:%M:%S} UTC 59min left - - apt-daily.timer apt-daily.service\n")
    machine.write("etc/cron.d/backup", f"{soon.minute} {soon.hour} * * * root rsync --password hunter2\n")
    state = machine.state() | {"utc_offset_s": 0}
    assert next(one for one in of_state(state, HORIZON_S, LIMITS) if one.code == "cron").text == "no cron runs"
    machine.process(600, "cron", "/usr/sbin/cron\0-f")
    state = machine.state() | {"utc_offset_s": 0}
    found = {one.code: one for one in of_state(state, HORIZON_S, LIMITS) if one.severity != "info"}
    assert list(found) == ["timers", "cron"]
    assert f"apt-daily.timer at {soon:%a %H:%M} UTC" in found["timers"].text
    assert f"/etc/cron.d/backup line 1 at {soon:%a %H:%M} UTC" in found["cron"].text
    assert "hunter2" not in found["cron"].text
    assert [one.code for one in of_state(state, 600.0, LIMITS) if one.severity != "info"] == []


def test_a_cron_table_that_is_no_schedule_or_cannot_be_read_is_not_known(machine: Machine) -> None:
    machine.process(600, "crond", "/usr/sbin/crond\0-n")
    machine.write("etc/crontab", "some day soon now * * root x\n")
    state = machine.state()
    state["unreadable"]["/var/spool/cron/crontabs"] = "Permission denied"
    found = {one.code: one for one in of_state(state, HORIZON_S, LIMITS)}
    assert found["cron-hidden"].severity == "unknown"
    assert "/etc/crontab line 1 is no schedule" in found["cron-hidden"].text
    assert "/var/spool/cron/crontabs cannot be read" in found["cron-hidden"].text


def test_a_command_that_hangs_or_fails_is_not_known(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "SURVEY_COMMAND_S", 0.2)
    (machine.bin / "systemctl").write_text("#!/bin/sh\nwhile :; do :; done\n")
    machine.command("who", "", code=1)
    assert machine.severities() == {"timers": "unknown", "users": "unknown"}
    assert "no answer within 0.2 s" in machine.found()["timers"].text


GPU = {
    "index": 0, "persistence": 1, "applications_clock_mhz": 1980, "default_clock_mhz": 1980,
    "throttle_reasons": 1, "temperature_c": 31, "power_limit_w": 700.0, "default_limit_w": 700.0,
    "compute_processes": 0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("persistence", 0, "gpu-persistence"),
        ("applications_clock_mhz", 1200, "gpu-clock"),
        ("power_limit_w", 350.0, "gpu-power-limit"),
        ("throttle_reasons", 0x40, "gpu-throttled"),
        ("temperature_c", 82, "gpu-temperature"),
        ("compute_processes", 2, "gpu-in-use"),
        ("throttle_reasons", None, None),
        ("throttle_reasons", 0x4, "gpu-throttled"),
    ],
)
def test_a_gpu_is_remarked_for_what_changes_its_speed_or_power(
    machine: Machine, key: str, value: float | None, code: str | None
) -> None:
    def remarks(gpu: dict[str, Any]) -> list[tuple[str, str]]:
        state = machine.state() | {"gpus": [gpu]}
        return [(one.code, one.severity) for one in of_state(state, HORIZON_S, LIMITS) if one.severity != "info"]

    assert remarks(GPU) == []
    assert remarks(GPU | {key: value}) == ([] if code is None else [(code, "warn")])
    assert ("gpu-state", "unknown") in remarks(GPU | {"persistence": None, "applications_clock_mhz": None})


BEGUN: Json = {
    "hostname": "sut1", "board": "ASUS X570", "cpu": "Ryzen", "memory_kib": 32_768_000, "kernel": "6.1.0-40",
    "os": "Debian 12", "firmware": "AMI 4021", "cpu_governor": "performance",
    "gpus": [{"name": "RTX 3090", "uuid": "GPU-1", "driver": "550.54"}],
}  # fmt: skip


def test_another_machine_is_refused_and_another_kernel_or_driver_remarked() -> None:
    def of(**changed: object) -> list[tuple[str, str]]:
        return [(one.code, one.severity) for one in of_changes(BEGUN, BEGUN | changed)]

    assert of() == []
    assert of(memory_kib=32_700_000) == []
    assert of(memory_kib=16_384_000) == [("machine-changed", "refuse")]
    assert of(hostname="sut2") == [("machine-changed", "refuse")]
    assert of(gpus=[]) == [("machine-changed", "refuse"), ("software-changed", "warn")]
    assert of(kernel="6.1.0-41") == [("software-changed", "warn")]
    driver = BEGUN["gpus"][0] | {"driver": "560.1"}
    (found,) = of_changes(BEGUN, BEGUN | {"gpus": [driver]})
    assert "GPU driver 550.54 -> 560.1" in found.text
    older = {"memory_kb" if key == "memory_kib" else key: value for key, value in BEGUN.items()}
    assert list(of_changes(older, BEGUN)) == []


def test_the_agent_surveys_this_machine_in_one_answer_that_holds_no_command_lines(tmp_path: Path) -> None:
    command = agent_command("survey", "--folder", str(tmp_path), "--root", str(tmp_path / "no"))
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    assert set(answer) == {"facts", "runs", "state"}
    assert answer["runs"] == {"busy": [], "left": []}
    state = answer["state"]
    assert any(process["own"] for process in state["processes"])
    assert all(len(process["words"]) <= 2 for process in state["processes"])
    found = {one.code: one for one in of_state(state, HORIZON_S, LIMITS)}
    assert found["foreign-load"].severity in ("info", "warn", "refuse")  # other tests run beside
    assert found["swap"].severity in ("info", "warn")
