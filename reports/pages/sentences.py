"""Verdicts, limits and terms in words (method.md section 7).

Knows the verdicts and thresholds of results.json. Knows no number, and no finding: the words of each stand in its
catalogue (`reports.results.finding_kinds`).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Advice:
    """The word printed, and what it says of the results."""

    meaning: str
    remedy: str


VERDICTS = {
    "valid": Advice("valid", "No rule of the method found anything."),
    "valid-with-remarks": Advice(
        "valid with remarks", "The results stand. The findings say what to keep in mind with them."
    ),
    "invalid": Advice("invalid", "At least one finding says that results are wrong: they may not be used."),
    "not-certifiable": Advice(
        "not certifiable",
        "No certificate can rest on these results.",
    ),
}
"""Verdict in results.json -> the words printed, and what they say."""
LIMITS = {
    "gap_windows": ("Silence of the meter that counts as a gap", "windows"),
    "gap_total_percent": ("All gaps of a run together", "% of the interval"),
    "gap_single_s": ("A single gap", "s"),
    "stuck_readings": ("Equal readings in a row while the load changes", "readings"),
    "stuck_load_percent": ("Change of the CPU load while the reading stays the same", "% of all CPUs"),
    "odd_readings_percent": ("Negative, zero or unreadable readings that fail a run", "% of its readings"),
    "rate_drift_percent": ("Difference of the rate of readings from the stated one", "%"),
    "quantisation_percent": ("Standard uncertainty by the display's steps", "% of the energy"),
    "limits_of_error_percent": ("The meter's limits of error", "% of the power"),
    "limits_of_error_share_percent": ("Readings with larger limits of error", "% of the readings"),
    "settle_window_s": ("Each of the two stretches before the interval that are compared", "s"),
    "settle_percent": ("Difference of the power in these stretches", "% of the power"),
    "settle_standard_errors": ("Difference of the power in these stretches", "standard errors"),
    "settle_temperature_c_per_min": ("Change of a temperature before the interval", "°C per minute"),
    "foreign_load_percent": ("Load by other processes: warning", "% of all CPUs"),
    "foreign_load_invalid_percent": ("Load by other processes above the baseline's: run left out", "% of all CPUs"),
    "foreign_energy_percent": ("Energy of other processes: warning", "% of U of the induced energy"),
    "foreign_energy_invalid_percent": ("Energy of other processes: run left out", "% of U of the induced energy"),
    "supply_voltage_percent": ("Deviation of the mains voltage", "%"),
    "supply_frequency_percent": ("Deviation of the mains frequency", "%"),
    "supply_thd_percent": ("Distortion of the mains voltage (THD)", "%"),
    "ambient_c": ("Temperature of the room", "°C"),
    "ambient_tolerance_c": ("Deviation from that temperature", "°C"),
    "baseline_drift_percent": ("Drift of the baseline over a run", "% of U of the induced energy"),
    "baseline_unsteady_percent": ("Spread of the baseline blocks over a run", "% of U of the induced energy"),
    "order_delta": ("Cliff's δ between a scenario's place in the order and another's", "from 0 to 1"),
    "autocorrelation_standard_errors": ("Likeness of a value with the one before it", "standard errors"),
    "outlier_modified_z": ("Distance of an outlier from the median", "modified z"),
    "half_width_percent": ("U of the induced energy", "% of the induced energy"),
    "clock_bound_percent": ("Bound of the doubt about clocks", "% of the interval or its energy"),
    "clock_step_ms": ("Step of the SUT's wall clock", "ms"),
    "receipt_late_s": ("Delay until the witness received a head", "s"),
    "frozen_s": ("Standstill of command or machine that fails a run", "s"),
    "agent_late_s": ("Standstill of the agent", "s"),
    "stimulus_q_percent": ("Relative frequencies of chains beside the declared ones", "% of these"),
    "stimulus_h_percent": ("Mean preparation times beside the declared ones", "% of these"),
    "stimulus_s_percent": ("Standard deviations of preparation times beside the declared ones", "% of these"),
    "stimulus_rate_percent": ("Rate of a load, or its number in flight, beside the declared one", "% of this"),
    "stimulus_lag_ms": ("Lateness of 99 % of the tasks: warning", "ms"),
    "stimulus_lag_invalid_ms": ("Lateness of 99 % of the tasks: run left out", "ms"),
    "stimulus_cpu_percent": ("CPU that the emulator took", "% of one CPU"),
    "tasks_failed_percent": ("Tasks that failed", "% of the tasks"),
    "min_success_percent": ("Runs that succeeded, at least", "% of the runs"),
    "min_windows": ("Readings in an interval, at least", "windows of the meter"),
    "min_interval_s": ("Length of the measuring interval, at least", "s"),
    "min_scenario_runs": ("Runs of each scenario, at least", "runs"),
    "min_baseline_runs": ("Runs of the baseline, at least (DE-UZ 215)", "runs"),
    "min_baseline_blocks": ("Baseline blocks, at least (the method)", "blocks"),
}
"""Threshold of results.json -> what it is about and the unit of its value; more than it is a finding, of what must be
`at least` something less."""
RUN_EXCLUDED, SCENARIO_INVALID = "run excluded", "scenario invalid"
"""What is printed of an `invalid` that leaves the campaign's verdict what it is."""
UNCOUNTED = frozenset({"invalid", RUN_EXCLUDED, SCENARIO_INVALID})
"""Words that have no plural."""

GLOSSARY = (
    ("Induced energy", "energy of a run minus the energy the same machine takes in the same time without the software "
     "(baseline, interpolated between the neighbouring baseline blocks)"),
    ("Baseline", "the machine with its operating system and the sampling agent only"),
    ("Efficiency factor", "useful work divided by energy; for example images per joule"),
    ("U", "expanded uncertainty: the interval value ± U covers about 95 % (Student's t at the effective degrees of "
     "freedom); n is the number of runs"),
    ("SD", "standard deviation over the runs"),
    ("SUT", "system under test: the machine whose consumption is measured"),
    ("WG", "workload generator: the host that starts the runs and reads the meter"),
    ("PM", "power meter at the mains inlet of the SUT"),
    ("DAE", "data aggregator and evaluator: the offline half of wattlab, which made this page"),
)  # fmt: skip
