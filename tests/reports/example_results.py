"""A results.json written by hand, its statistics computed of it, in the shape of docs/results.md, for the tests of the
page. Synthetic."""

from typing import Any

from harness.record.documents import VERSION
from reports.campaign.reference_system import reference_system
from reports.campaign.statistics import evaluate
from reports.results.codec import encoded
from reports.results.label import Label
from tests.campaign_results import read

Part = dict[str, Any]
SCENARIOS = {"cnn": (90.3, 49.2, 6), "idle": (42.2, 1.2, 0), "transfer": (78.1, 37.0, 4)}

NO_LABEL = Label(None, None, usage={}, allocation={}, reference_system=reference_system(None), checks=())


def number(value: float | None, unit: str, **parts: Any) -> Part:  # noqa: ANN401
    """A Number as docs/results.md defines it."""
    return {"value": value, "unit": unit, "sd": None, "n": None, "u": None, "U": None, "dof": None} | parts


def estimate(value: float, unit: str, relative: float = 0.02) -> Part:
    """A Number with everything known, from three runs."""
    u = abs(value) * relative or relative
    return number(value, unit, sd=1.7 * u, n=3, u=u, U=4.3 * u, dof=2.0)


def results(
    origin: str = "emulated", *, gpu: bool = True, scenarios: dict[str, tuple[float, float, int]] | None = None
) -> Part:
    """A whole campaign: five baseline blocks, three runs of each scenario, one of them aborted and repeated."""
    chosen = SCENARIOS if scenarios is None else scenarios
    tree = {
        "schema": 2,
        "computed_by": {"name": "wattlab", "version": VERSION},
        "campaign": campaign(),
        "measurement": measurement(origin),
        "meters": [meter(origin)],
        "sut": {
            "hostname": "sut-01", "os": "Debian GNU/Linux 12", "kernel": "6.8.0", "cpu": "AMD Ryzen 7 1700",
            "cpu_count": 16, "memory_kib": 16_341_872, "board": "MSI B350 PC MATE",
            "boot_id": "5c1d", "python": "3.12.3",
            "gpus": [{"name": "GTX 1060", "driver": "550.1", "memory_mib": 3072}] if gpu else [],
        },
        "host": {"hostname": "wg-01"},
        "indicators": [
            {"name": "cpu_percent", "quantity": "SUT total CPU load", "unit": "%", "method": "psutil", "kind": "gauge"},
            {"name": "ram_used_kib", "quantity": "memory in use", "unit": "KiB", "method": "psutil", "kind": "gauge"},
        ],
        "baseline": baseline(gpu),
        "scenarios": {name: scenario(name, *numbers, gpu=gpu) for name, numbers in sorted(chosen.items())},
        "label": encoded(NO_LABEL),
        "trackers": None,
        "runs": runs(chosen),
        "findings": [
            {"code": "emulated", "severity": "warn", "subject": "meter wall", "evidence": {"port": "/dev/pts/7"}},
            {"code": "few-runs", "severity": "info", "subject": "scenario cnn", "evidence": {"n": 3, "limit": 30}},
            {"code": "few-runs", "severity": "info", "subject": "scenario idle", "evidence": {"n": 3, "limit": 30}},
            {"code": "run-aborted", "severity": "info", "subject": "run 4", "evidence": {"reason": "SIGTERM"}},
        ],
        "inputs": {f"20261121T0800{i:02d}Z-r{i:02d}-{i:08x}": f"{i:x}" * 64 for i in range(1, 4)} | {"cut-off": None},
    }  # fmt: skip
    return with_statistics(tree)


def with_statistics(tree: Part) -> Part:
    """The same with its statistics computed of the rest."""
    return tree | {"statistics": encoded(evaluate(read(tree | {"thresholds": {"half_width_percent": 5.0}})))}


def campaign() -> Part:
    return {
        "name": "synthetic", "uid": "5e7c0de5", "seed": 7, "design": "randomised complete blocks", "customer": "",
        "lab": "Synthetic lab", "place": "", "operator": "A. Operator",
        "software": {"version": "0.1.0", "commit": "0" * 40, "dirty": True}, "created_utc": "2026-11-21T08:00:00Z",
        "first_utc": "2026-11-21T08:00:00Z", "last_utc": "2026-11-21T08:40:00Z",
        "config": {"thresholds": {"gap_windows": 2.0}}, "source": None, "plan": 14,
        "attachments": [{"path": "photo.jpg", "sha256": "a" * 64, "note": "the bench"}],
    }  # fmt: skip


def measurement(origin: str) -> Part:
    sentence = "the meter wall is an emulator on a pseudo terminal"
    evidence = {"port": "/dev/pts/7", "major": 136}
    return {
        "origin": origin, "sentence": sentence,
        "meters": [{"meter": "wall", "origin": origin, "evidence": evidence, "sentence": sentence}],
    }  # fmt: skip


def meter(origin: str) -> Part:
    accuracy = {"reading_percent": 1.5, "range_percent": 0.0, "counts": 3.0, "source": "operator's manual"}
    return {
        "meter": "wall", "role": "headline", "circuit": "sut-ac-inlet", "origin": origin, "evidence": {},
        "identity": {
            "maker": "Electronic Educational Devices", "model": "Watts up? PRO", "serial": "",
            "firmware": "4.12 (EMULATED), hardware 1.3",
        },
        "averaging": "window", "window_s": 1.0, "stamp": "end", "latency_s": 0.0, "calibration": None, "n_runs": 15,
        "columns": [{"name": "power_w", "unit": "W", "resolution": 0.1, "range": [0.0, 1800.0], "accuracy": accuracy}],
    }  # fmt: skip


def baseline(gpu: bool = True) -> Part:
    blocks = [
        {
            "ordinal": 1 + 3 * block, "folder": f"b{block}", "block": block,
            "start_utc": f"2026-11-21T08:{8 * block:02d}:00Z",
            "midpoint_s": 30.0 + 480 * block, "duration_s": number(60.0, "s"),
            "mean_power_w": number(41.0 + 0.05 * block, "W", sd=0.4, n=60), "modified_z": 0.3 * block,
            "outlier": block == 4,
        }
        for block in range(5)
    ]  # fmt: skip
    return {
        "n_blocks": number(5, "1"), "n_excluded": number(0, "1"),
        "mean_power_w": estimate(41.1, "W", 0.002), "budget": budget(estimate(41.1, "W", 0.002)),
            "duration_s": estimate(60.0, "s", 0),
        "drift_w": number(0.2, "W"), "without_outliers": estimate(41.05, "W", 0.001), "blocks": blocks,
        "hardware": {"cpu_percent": estimate(0.6, "%"), "ram_used_kib": estimate(1.9e6, "KiB")},
        "gpu_power_w": estimate(9.0, "W") if gpu else None,
    }  # fmt: skip


def scenario(name: str, power_w: float, induced_w: float, epochs: int, *, gpu: bool) -> Part:
    induced_wh = estimate(induced_w / 60, "Wh")
    ratios = {"val_accuracy_per_wh": estimate(0.8 / (induced_w / 60), "1/Wh")} if epochs else {}
    part: Part = {
        "title": f"{name} (synthetic)", "n_runs": number(3, "1"), "n_excluded": number(0, "1"),
        "parameters": {"fixed_epochs": epochs},
        "mean_power_w": estimate(power_w, "W"), "energy_wh": estimate(power_w / 60, "Wh"),
        "induced_energy_wh": induced_wh, "induced_power_w": estimate(induced_w, "W"),
        "duration_s": estimate(60.0, "s", 0.001), "gap_energy_wh": number(0.0, "Wh"),
        "budget": {"gross": budget(estimate(power_w / 60, "Wh")), "induced": budget(induced_wh)},
        "alternatives": [{"name": "without-baseline-outliers", "sentence": "without blocks that are outliers",
                          "induced_energy_wh": estimate(induced_w / 59, "Wh")}],
        "efficiency": {
            "suppressed": None if epochs else "no useful work is marked", "per_total": ratios, "per_induced": ratios,
            "values": {"val_accuracy_per_wh": {"total": [0.5, 0.6, 0.55], "induced": [1.0, 1.1, 1.2]}}
                       if epochs else {},
        },
        "success": {"reached": 2, "n": 3, "fraction": number(0.667, "1", n=3),
                    "energy_per_success_wh": number(power_w / 40, "Wh")} if epochs else None,
        "energy_to_accuracy": [{"metric": "val_accuracy", "level": 0.7, "n_reached": 3, "n": 3,
                                "energy_wh": estimate(power_w / 90, "Wh")}] if epochs else [],
        "marginal_energy": [{"metric": "val_accuracy", "low": 0.6, "high": 0.7, "n": 2, "n_not_reached": 0,
                             "n_at_once": 1, "energy_per_point": estimate(0.02, "Wh/pp")}] if epochs else [],
        "epochs": [action("epoch", index, induced_w, gpu) for index in range(epochs)],
        "actions": [action("image_preparation", 0, 4.0, gpu), action("training", 0, induced_w, gpu)],
        "hardware": {
            "cpu_percent": hardware("SUT total CPU load", "%", 30.0), "ram_used_kib": hardware("memory", "KiB", 4e6),
            "net_sent_kb": hardware("sent", "kB", 12.0), "disk_write_kb": hardware("written", "kB", 300.0),
        },
        "gpu": None,
        "oscar": {"rule": "first N rows", "seconds": 60, "reason": None, "mean_power_w": number(power_w, "W"),
                  "sd_over_runs_w": number(0.4, "W"), "energy_wh": number(power_w / 60, "Wh"),
                  "induced_energy_wh": number(induced_w / 59.5, "Wh"), "baseline_mean_power_w": number(41.1, "W"),
                  "hardware": {"cpu_percent": number(30.0, "%")}},
        "registers": None,
    }  # fmt: skip
    if gpu:
        part["hardware"]["gpu0_load_percent"] = hardware("GPU load", "%", 40.0)
        part["gpu"] = {
            "label": "DC board / AC wall", "method": "integrated power",
            "energy_wh": estimate(0.3 * power_w / 60, "Wh"),
            "induced_energy_wh": estimate(0.4 * induced_w / 60, "Wh"), "mean_power_w": estimate(0.3 * power_w, "W"),
            "share": estimate(0.3, "1"), "induced_share": estimate(0.4, "1"),
        }  # fmt: skip
    return part


def budget(result: Part, *, known: bool = True) -> Part:
    """A budget of two lines; not `known`: the meter has no limits of error."""
    lines = [
        {"source": "runs", "meter": None, "type": "A", "distribution": "t", "sensitivity": 1.0,
         "input_u": 0.8 * result["u"], "input_unit": result["unit"], "u": 0.8 * result["u"], "dof": 2.0, "share": 0.64,
         "note": "n=3"},
        {"source": "gain", "meter": "wall", "type": "B", "distribution": "rectangular",
         "sensitivity": result["value"], "input_u": 0.6 * result["u"] / result["value"], "input_unit": "1",
         "u": 0.6 * result["u"], "dof": None, "share": 0.36, "note": "rho_g=1"},
    ]  # fmt: skip
    return {
        "complete": known, "missing": [] if known else [{"what": "limits-of-error", "meter": "wall"}],
        "result": result, "type_a": {**result, "u": 0.8 * result["u"]},
        "type_b": number(result["value"], result["unit"], u=0.6 * result["u"], U=1.2 * result["u"]),
        "dominant": "runs", "lines": lines if known else lines[:1],
    }  # fmt: skip


def hardware(quantity: str, unit: str, value: float) -> Part:
    return {
        "quantity": quantity, "unit": unit, "mean": estimate(value, unit), "baseline": estimate(value / 50, unit),
        "induced": estimate(0.98 * value, unit), "work": estimate(58 * value, f"{unit}·s"),
    }  # fmt: skip


def action(name: str, index: int, power_w: float, gpu: bool) -> Part:
    return {
        "name": name, "index": index, "n": 3, "begin_s": number(9.0 + 8 * index, "s"), "duration_s": estimate(8.0, "s"),
        "energy_wh": estimate((power_w + 41) / 450, "Wh"), "induced_energy_wh": estimate(power_w / 450, "Wh"),
        "mean_power_w": estimate(power_w + 41, "W"), "cumulative_energy_wh": estimate(0.2 * (index + 1), "Wh"),
        "gpu_temperature_c": estimate(40.0 + index, "°C") if gpu else None,
        "metrics": {"val_accuracy": estimate(0.5 + 0.05 * index, "1")} if name == "epoch" else {},
    }  # fmt: skip


def runs(chosen: dict[str, tuple[float, float, int]]) -> list[Part]:
    listed = [run(ordinal, "baseline", 41.0, None, 0) for ordinal in (1, 4)]
    for position, (name, (power_w, induced_w, epochs)) in enumerate(chosen.items()):
        listed += [run(2 + 3 * position + 9 * i, name, power_w, induced_w, epochs) for i in range(3)]
    if chosen:
        aborted = run(14, next(iter(chosen)), 0.0, None, 0)
        aborted |= dict.fromkeys(("duration_s", "mean_power_w", "energy_wh", "induced_energy_wh"))
        aborted |= {"status": "abort", "reason": "SIGTERM", "included": False, "excluded_because": "aborted: SIGTERM"}
        listed.append(aborted | {"findings": ["run-aborted"]})
    return listed


def run(ordinal: int, name: str, power_w: float, induced_w: float | None, epochs: int) -> Part:
    history = {
        "loss": [1.2 - 0.1 * i for i in range(epochs)], "val_loss": [1.3 - 0.1 * i for i in range(epochs)],
        "accuracy": [0.4 + 0.07 * i for i in range(epochs)],
            "val_accuracy": [0.4 + 0.06 * i + 0.001 * ordinal for i in range(epochs)],
    }  # fmt: skip
    is_baseline = name == "baseline"
    return {
        "ordinal": ordinal, "attempt": 1, "kind": "baseline" if is_baseline else "scenario", "scenario": name,
        "repetition": ordinal // 9, "seed": 1000 + ordinal, "block": 0 if is_baseline else None,
        "folder": f"20261121T08{ordinal:02d}00Z-r{ordinal:02d}-{ordinal:08x}", "status": "success", "reason": None,
        "included": True, "excluded_because": None, "start_utc": f"2026-11-21T08:{ordinal:02d}:00Z",
        "duration_s": number(60.0 + 0.1 * ordinal, "s"), "mean_power_w": number(power_w, "W"),
        "energy_wh": number(power_w / 60 + 1e-3 * ordinal, "Wh"),
        "induced_energy_wh": None if induced_w is None else number(induced_w / 60 + 1e-3 * ordinal, "Wh"),
        "gap_s": number(0.0, "s"), "gap_energy_wh": number(0.0, "Wh"), "gpu_energy_wh": None,
        "final_metrics": {"val_accuracy": 0.8, "data": {"kind": "generated", "sha256": "d" * 64}} if epochs else {},
        "actions": [
            {"name": "training", "index": 0, "begin_s": 9.0, "duration_s": 40.0 + ordinal / 10, "energy_wh": 1.0,
             "induced_energy_wh": 0.5, "gpu_temperature_c": 50.0, "metrics": {}, "exit_code": 0}] if epochs else [],
        "history": history if epochs else {}, "manifest": f"{ordinal % 16:x}" * 64, "findings": [],
    }  # fmt: skip
