"""What a finding means and what to do about it, in words, by the finding's code (method.md section 7).

Knows the codes of `reports/findings`. Knows no numbers: the evidence is printed beside the sentence.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Advice:
    """One sentence on what was found, one on what to do next."""

    meaning: str
    remedy: str


ADVICE = {
    "emulated": Advice(
        "The power readings come from an emulated meter: they prove the pipeline, not a consumption.",
        "Connect a real meter and name its port in [meters] of lab.toml.",
    ),
    "unattested": Advice(
        "Nothing proves that the readings come from a real instrument: the meter does not say who it is, or it was "
        "reached by a port or over a network that does not show it.",
        "What can be done depends on the meter: docs/instruments.md, section Who is it.",
    ),
    "declared": Advice(
        "That the readings come from the registered instrument is declared by a person of this lab; its serial number "
        "and its address agree, but anybody on that network could answer so.",
        "Pin the key of the meter, or of a TLS terminator before it (docs/instruments.md); or let the lab decide to "
        "certify on declarations: lab.certify_declared.",
    ),
    "declared-certified": Advice(
        "That the readings come from the registered instrument is declared by a person of this lab, and the lab "
        "certifies on declarations; nothing else shows it.",
        "Pin the key of the meter, or of a TLS terminator before it (docs/instruments.md): then it is shown.",
    ),
    "imported": Advice(
        "The readings were recorded by another lab; wattlab has no evidence of its own for them.",
        "Keep the original files and that lab's own documents beside this report.",
    ),
    "run-aborted": Advice(
        "The run was ended by the lab's side, not by the workload; it is listed and enters no mean.",
        "Nothing, if it was repeated; otherwise `wattlab run` repeats it.",
    ),
    "run-lost": Advice(
        "The log saw this run begin, and somebody removed what had been recorded of it: what it came to is not known.",
        "Ask who removed it and why; put the folder back from a copy, or measure the campaign again.",
    ),
    "seal-unsigned": Advice(
        "The seal of this run was to be signed when it was made, and was not; the evidence gives the reason.",
        "Make the key usable ([seal] in lab.toml: agent loaded, token plugged in) before the next run.",
    ),
    "receipt-missing": Advice(
        "The witness did not receive this head; until it does, nobody but the laboratory knows of it.",
        "`wattlab witness send` sends what is missing; the receipt then says how late it is.",
    ),
    "receipt-late": Advice(
        "The witness received this head late; until then nobody but the laboratory knew of it.",
        "Find out why the witness could not be reached then; the longer the span, the less the receipt proves.",
    ),
    "witness-clock": Advice(
        "The witness received this head before it was written, so the clocks of host and witness disagree.",
        "Set the host's clock by NTP, and ask the witness for the state of its own.",
    ),
    "aborted-after-rating": Advice(
        "The run was ended by the lab's side when its rating interval was over, so its energy was known; it enters no "
        "mean. The table of other rules gives the mean with it.",
        "State why it was aborted. Runs that are given up for what they showed make the mean of the others wrong.",
    ),
    "thrown-out": Advice(
        "The run was thrown out and repeated when it was measured, by that day's rules; by today's it would count.",
        "Compare its value with the repeated one's; the evidence gives the reason.",
    ),
    "frozen": Advice(
        "The command, what stamps its end, or a whole machine stood still for a while, so the interval's end or its "
        "length is not the software's.",
        "Keep both machines awake, end what stops or freezes processes, give the SUT memory; `wattlab run` repeats it.",
    ),
    "agent-late": Advice(
        "The agent did not run for a while: hardware indicators of that stretch are missing. Interval and energy are "
        "not affected, except in runs of older versions, whose end it stamped: these enter no mean.",
        "Look for what held it: a driver that hangs (NVML), swapping, a stopped process.",
    ),
    "arrival-contradicted": Advice(
        "The stamps of the rating interval cannot be what the host saw: an edge came before it was, or long after it "
        "while nothing hindered it.",
        "Check the SUT's interpreter and agent (`sut.python`) and its clock; repeat the run.",
    ),
    "artifact-missing": Advice(
        "The run did not leave all the files that its scenario promises.",
        "Read the run's artifacts/stdout.txt, mend the command, or take the names out of `artifacts`.",
    ),
    "host-slept": Advice(
        "The workload generator slept between two runs; the SUT idled meanwhile, and a baseline before it is older.",
        "Switch suspend off on the host that measures.",
    ),
    "host-clock-step": Advice(
        "The host's wall clock was set between two runs. Durations use the monotonic clock; only dates are affected.",
        "Let the clock settle before a campaign, and keep time synchronisation slewing.",
    ),
    "run-failed": Advice(
        "The workload failed; the run is listed and enters no mean.",
        "Read artifacts/stdout.txt of the run, mend the workload, then `wattlab run` repeats it.",
    ),
    "broken-seal": Advice(
        "A sealed file, the chain of runs or the campaign's log is not as it was written.",
        "Restore the campaign from a copy made after measuring; `wattlab verify` names every file.",
    ),
    "unreadable": Advice(
        "A journal or a stream of the run is not what it should be, so nothing of this run was used.",
        "`wattlab verify` names every file that changed; restore it from a copy, or repeat the run.",
    ),
    "gap": Advice(
        "No reading covers part of the interval. Between readings its power is interpolated; before the first and "
        "behind the last one that reading stands for it, and U reaches over the range of all readings and the "
        "baseline. The energy so filled in is part of the run's, and is given separately.",
        "Check cable, adapter and the meter's logging interval; repeat the run when gaps exceed the limit.",
    ),
    "duplicate": Advice(
        "The meter sent the same reading twice for one moment.",
        "Check the adapter and that nothing else reads the same port.",
    ),
    "stuck": Advice(
        "The reading stayed the same while the load changed.",
        "Check that the SUT is really plugged into this meter and that the meter is not on hold.",
    ),
    "overrange": Advice(
        "The power, or what it is made of, was outside the meter's range; such readings are no numbers, and the "
        "energy lacks them.",
        "Choose a range of at least 1.1 times the highest current (`wattlab run --ranging` finds it), repeat the run.",
    ),
    "auto-range": Advice(
        "The meter could change its range during a rated run; while it does, it measures nothing, and its limits of "
        "error change with the range.",
        "Let `wattlab run --ranging` find the range, fix it in lab.toml, repeat the campaign.",
    ),
    "calibration-expired": Advice(
        "The meter measured with an expired certificate, or without one.",
        "Have it calibrated, and write the certificate into the instrument register (docs/instruments.md).",
    ),
    "check-load-due": Advice(
        "The meter's last check load had failed or was older than the lab allows, or there was none.",
        "`wattlab check --check-load NAME` before the campaign; a wrong transformer ratio shows there.",
    ),
    "cross-check": Advice(
        "Two meters on one circuit disagree by more than their limits of error together.",
        "One of them is wrong, or is not on this circuit: check wiring and transformer ratios with a known load.",
    ),
    "cross-check-open": Advice(
        "Two meters measured one circuit, but for one of them no limits of error are known, so nothing follows from "
        "their difference.",
        "Use a meter with stated limits of error, or calibrate this one.",
    ),
    "limits-unknown": Advice(
        "Nobody states how wrong this meter may be: U assumes at the least what meters of its kind are wrong by, and "
        "is not complete.",
        "State its limits in lab.toml (`[meters.NAME] limits_percent`), or have it calibrated and register its "
        "certificate.",
    ),
    "negative": Advice(
        "Readings were negative: a machine that only takes power from the mains has none.",
        "Check polarity and wiring of the meter's current path; repeat the run.",
    ),
    "zero": Advice(
        "Readings were exactly zero while the machine ran.",
        "Check that the SUT is plugged into this meter and draws more than it can see; repeat the run.",
    ),
    "nan": Advice(
        "The meter sent readings that are no numbers; the energy lacks them.",
        "Read the run's wire log for what it sent; check the meter's settings; repeat the run.",
    ),
    "rate-drift": Advice(
        "Readings came more seldom or more often than this meter sends them.",
        "Check that no reading was lost or added on the way, and the meter's logging interval.",
    ),
    "quantisation": Advice(
        "The steps of the meter's display are too coarse for this energy.",
        "Use a meter or a range with a finer resolution, or measure longer.",
    ),
    "meter-uncertainty": Advice(
        "The meter's limits of error are above the allowed part of the power.",
        "Choose a smaller range or a more accurate meter; a load near the range's end helps.",
    ),
    "not-settled": Advice(
        "The machine had not settled: its power or a temperature still moved before the interval, or in the block.",
        "Raise `stabilization_s` and `pause_s`, or let the thermal gate wait longer.",
    ),
    "foreign-load": Advice(
        "Other processes than the load and the agent kept the CPUs busy, otherwise than in the baseline. Where that "
        "took more energy than the result may be wrong by, or more of the CPUs than the limit, the run enters no mean.",
        "End services, updates and other users' programs on the SUT; `wattlab check` lists what runs there. Work that "
        "the command hands to a service (a container's) counts as foreign: start it as a child of the command.",
    ),
    "throttled": Advice(
        "The machine was slowed down by heat or by its supply, so it did its work in another way than it could.",
        "Clean and cool it, check fans and supply; let it cool down between runs.",
    ),
    "oom": Advice(
        "The SUT killed processes for want of memory; the run enters no mean.",
        "Use a smaller batch or another machine, end other programs; repeat the run.",
    ),
    "supply": Advice(
        "The mains were outside the tolerance: voltage, frequency or harmonics.",
        "Use a stabilised source, or state the mains' values beside the result; [supply] has the nominal ones.",
    ),
    "ambient": Advice(
        "The room was warmer or colder than the method allows; fans and leakage currents follow it.",
        "Measure in a room of 23 ± 5 °C.",
    ),
    "not-monitored": Advice(
        "Nothing recorded these quantities, so their rules could not be judged. The evidence counts the runs of each.",
        "Use a meter that reports the mains, a thermometer ([ambient] in lab.toml), a stabilization of a minute.",
    ),
    "computational-incorrect": Advice(
        "The workload did not do the work it was to do, so its energy is not that of this work; it enters no mean.",
        "Compare found and expected, read the run's artifacts/stdout.txt, mend the workload, repeat the run.",
    ),
    "order-confounded": Advice(
        "Scenarios were measured one after the other, so whatever changed with time looks like a difference of them.",
        'Set `order = "shuffled"` in lab.toml and repeat the campaign.',
    ),
    "autocorrelated": Advice(
        "A value resembles the one before it, so these runs say less than as many independent ones.",
        "Lengthen the pause and the gate, keep the room's temperature; the uncertainty counts fewer runs.",
    ),
    "success-fraction": Advice(
        "Many runs of this scenario were lost or missed their target, so those that count may not stand for all.",
        "Find out why the runs failed before using the mean; report the energy per success.",
    ),
    "underpowered": Advice(
        "The uncertainty is a larger part of the result than was wanted, or not known at all.",
        "Measure more runs and more baseline blocks; the half width falls with the root of their number.",
    ),
    "pooled-incomparable": Advice(
        "Runs of one mean, or of its baseline, were not made alike. The evidence names what differs, with its digests.",
        "Repeat the runs with one program, packages and parameters, on one machine, with one meter and certificate.",
    ),
    "baseline-short": Advice(
        "Baseline blocks are shorter than the runs they are subtracted from.",
        "Raise `baseline.duration_s` in lab.toml to the length of the longest run.",
    ),
    "baseline-outside": Advice(
        "Runs lie before the first or after the last baseline block of their session, so drift there is not seen.",
        "Measure baseline blocks before, between and after the runs.",
    ),
    "limits-loosened": Advice(
        "The laboratory judged by limits that are looser than the method's. The evidence gives both.",
        "Remove these lines from [thresholds] of lab.toml, or state why they are right here.",
    ),
    "no-result": Advice(
        "No scenario run is in a mean, so there is no result.",
        "Every run is listed with its reason; mend it and let `wattlab run` repeat them.",
    ),
    "no-power": Advice(
        "There is no power reading in the run's interval, so it has no energy.",
        "Check the meter; `wattlab meter read` shows its readings as they come.",
    ),
    "no-rating": Advice(
        "The run's rating interval was never marked, so nothing says which readings belong to it.",
        "Read the run's journal for the reason, then repeat the run.",
    ),
    "baseline-missing": Advice(
        "There is no baseline, so the energy that the software itself causes cannot be separated.",
        "Measure baseline blocks in the same session as the scenario runs.",
    ),
    "baseline-drift": Advice(
        "The power of the idle machine changed between baseline blocks by more than the result can ignore.",
        "Let the machine settle longer, keep the room's temperature, spread more baseline blocks between the runs.",
    ),
    "baseline-unsteady": Advice(
        "The baseline blocks differ from each other by more than the induced energy may be wrong by, or by more than "
        "it is: the idle machine was not one and the same.",
        "End what wakes up by itself on the SUT, let it settle (`campaign.settle`, `gate`), then repeat the campaign.",
    ),
    "baseline-other-session": Advice(
        "The baseline was not measured in the same session as the runs it is subtracted from.",
        "Measure baseline blocks before, between and after the runs, on the same day and without a restart.",
    ),
    "induced-negative": Advice(
        "The induced energy is below zero by more than its uncertainty: this baseline does not belong to these runs.",
        "Measure the baseline again in the same session; do not use the value.",
    ),
    "induced-indistinguishable-from-zero": Advice(
        "The induced energy cannot be told from zero, so no efficiency factor is given.",
        "Measure longer or more runs, or more baseline blocks.",
    ),
    "outlier": Advice(
        "A value lies far from the median of its group; the headline includes it; the page also gives it without it.",
        "Look at the run's power trace for a technical reason; exclude a run only for such a reason, with a note.",
    ),
    "clock-bound": Advice(
        "The clocks of SUT and host are not known well enough for intervals of this length.",
        "Bring SUT and host closer together in the network, or measure longer intervals.",
    ),
    "clock-step": Advice(
        "The SUT's wall clock was set during a run; durations use its monotonic clock and are not affected.",
        "Stop time synchronisation on the SUT during a campaign if the stamps in its own logs matter.",
    ),
    "stamp-contradicted": Advice(
        "The sync pulse puts this meter's readings elsewhere in time than its description says.",
        "Check driver, logging interval and the meter's manual; `wattlab meter check` shows window and stamp.",
    ),
    "sync-failed": Advice(
        "The sync pulse did not show where this meter's readings stand in time.",
        "Repeat it on an idle machine with a load of more watts; until then the stamps' place is in the budget.",
    ),
    "publisher-window": Advice(
        "The window that the publisher counts (MLPerf: power_begin to power_end) has no place among the samples, fits "
        "two, or is not covered by them.",
        "Compare the clocks of both files, and whether both are of the same run and whole; then import again.",
    ),
    "truncated-source": Advice(
        "The imported file ends in the middle of a line; the half line was not used.",
        "Stop the logger before copying its file.",
    ),
    "too-short-to-resolve": Advice(
        "The interval spans few readings of the meter. Below two windows its energy is the sum of the windows that it "
        "touches, less the baseline; where the load does not stand alone in them, U is as large as their energy; "
        "between instantaneous values a load is not seen, and the run enters no mean.",
        "Use a faster meter, or repeat the work within one run so that it lasts longer.",
    ),
    "stale": Advice(
        "The meter gave the same indication again before it had a new one; it holds its value, and nothing is missing.",
        "Nothing; where it never changes, check that the meter is not on hold.",
    ),
    "moving-average": Advice(
        "Each reading is the mean over more time than passes until the next one. The average was taken apart; what its "
        "shape leaves open at both edges of the run is in U.",
        'Switch averaging off in the meter\'s options (`averaging = "off"`), and repeat the run.',
    ),
    "unpaired-action": Advice(
        "Markers of actions lack their begin or their end, or an action began again before it had ended; these have no "
        "energy.",
        "Mark the begin and the end of each action once, with the same name and index (docs/run-folder.md).",
    ),
    "action-outside-record": Advice(
        "Actions, or declarations of work, are stamped outside their run's record, later than their marker arrived, or "
        "end before they begin; these have no energy.",
        "Stamp markers with CLOCK_MONOTONIC of the SUT in nanoseconds (docs/run-folder.md), or use wattlab_markers.py.",
    ),
    "work-contradicted": Advice(
        "The program marked another amount of useful work than its summary.json says; the marks count.",
        "Count each unit in one place: by `work(...)`, or in summary.json (docs/markers.md).",
    ),
    "work-missing": Advice(
        "Some runs mark a unit of useful work that others of the same scenario do not; its energy per unit and its "
        "efficiency factor are of the runs that do.",
        "Mark every unit in every run, also where it is 0: `work(tokens=0)` (docs/markers.md).",
    ),
    "unreadable-values": Advice(
        "Some values of the SUT's indicators or of its clock are no numbers that can be; they were left out.",
        "Read the named stream of the run; look for a sensor or a driver that answers nonsense.",
    ),
    "shortened-interval": Advice(
        "The measuring interval is shorter than the five minutes that DE-UZ 215 asks for.",
        "Lengthen the scenario, or repeat it within one run.",
    ),
    "few-runs": Advice(
        "There are fewer scenario runs than the 30 that the core study and DE-UZ 215 use.",
        "Raise `repetitions` in lab.toml.",
    ),
    "few-baseline-runs": Advice(
        "There are fewer baseline runs than the 10 that DE-UZ 215 asks for.",
        "Raise `baseline.blocks` in lab.toml.",
    ),
    "few-baseline-blocks": Advice(
        "There are fewer baseline blocks than the method asks for: they hardly know their own spread and do not see "
        "what happens between them. U of every induced energy is wider for it.",
        "Raise `baseline.blocks` in lab.toml.",
    ),
    "fixed-epochs": Advice(
        "Training ended after a fixed number of epochs, not at a target accuracy as in the core study.",
        "Set `fixed_epochs = 0` in the scenario's parameters, or use workloads/campaigns/guldner.toml.",
    ),
    "generated-data": Advice(
        "The images are generated, not photographs of the published data set.",
        "Give `wattlab sut prepare` the flower_photos archive.",
    ),
    "generated-weights": Advice(
        "The frozen network carries weights trained on generated images, not on ImageNet.",
        "Let `wattlab sut prepare` reach the ImageNet weights, or give it the file.",
    ),
    "target-not-reached": Advice(
        "A run ended without reaching its target accuracy; it stays in, and the fraction of successes is given.",
        "Report the energy per success beside the energy per run.",
    ),
    "agent-missing": Advice(
        "There are no hardware indicators for this run.",
        "`wattlab sut prepare` puts the agent and its requirements onto the SUT.",
    ),
    "tracker-no-number": Advice(
        "A tracker that was to run beside the meter gave no energy for this run, so nothing can be compared.",
        "Read the run's artifacts/tracker-*.json and stdout.txt; docs/trackers.md says what each tracker needs.",
    ),
    "tracker-unplaced": Advice(
        "A tracker's interval cannot be put on the time base of this run: nothing maps its clock, or it ends before it "
        "begins.",
        "Let the tracker run inside a run of wattlab; of an attached file, say `--over-run` if it is of the whole run.",
    ),
    "tracker-outside-record": Advice(
        "A tracker's interval reaches beyond the meter's readings of this run; it enters no comparison.",
        "Raise `stabilization_s` and `supplementary_s`, so that the meter reads before and after the tracker.",
    ),
    "tracker-unresolved": Advice(
        "A tracker's interval is shorter than the meter resolves (below two steps between its readings), or the meter "
        "shows no energy in it; the figure stands alone and enters no comparison.",
        "Compare longer runs, or read a meter that gives more readings a second.",
    ),
    "tracker-clock-bound": Advice(
        "The clocks are not known well enough for a tracker's interval of this length; the doubt is in U.",
        "Bring SUT and host closer together in the network, measure longer, or let wattlab start the tracker.",
    ),
    "excluded-by-operator": Advice(
        "The operator took this run out of the means after it was measured. The evidence says who did so and why.",
        "Judge the reason: it must be a technical one. The run's own figures stay in the table of all runs.",
    ),
    "annotation": Advice(
        "The operator added a note to the campaign.",
        "Judge whether what the note says touches a result; where it does, measure those runs again.",
    ),
    "note": Advice(
        "wattlab noted something that it could not read or do while it measured.",
        "Where the evidence names something that is missing, install or connect it before the next campaign; a note "
        "about what the machine does not have needs nothing.",
    ),
}
UNKNOWN = Advice(
    "This version of wattlab has no sentence for this finding.",
    "Make the report with the version that found it, or look its code up in that version's docs/results.md.",
)
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
    "min_success_percent": ("Runs that succeeded, at least", "% of the runs"),
    "min_windows": ("Readings in an interval, at least", "windows of the meter"),
    "min_interval_s": ("Length of the measuring interval, at least", "s"),
    "min_scenario_runs": ("Runs of each scenario, at least", "runs"),
    "min_baseline_runs": ("Runs of the baseline, at least (DE-UZ 215)", "runs"),
    "min_baseline_blocks": ("Baseline blocks, at least (the method)", "blocks"),
}
"""Threshold of results.json -> what it is about and the unit of its value; more than it is a finding, of what must be
`at least` something less."""
SEVERITIES = {"invalid": "invalid", "warn": "warning", "info": "remark"}
"""Severity in results.json -> the word printed, worst first."""
RUN_EXCLUDED, SCENARIO_INVALID = "run excluded", "scenario invalid"
"""What is printed of an `invalid` that leaves the campaign's verdict what it is."""
UNCOUNTED = frozenset({"invalid", RUN_EXCLUDED, SCENARIO_INVALID})
"""Words that have no plural."""

GLOSSARY = (
    ("Induced energy", "energy of a run minus the energy the same machine takes in the same time without the software "
     "(baseline, interpolated between the neighbouring baseline blocks)"),
    ("Baseline", "the machine with its operating system and the sampling agent only"),
    ("Efficiency factor", "useful work divided by energy; here for example validation accuracy per watt hour"),
    ("U", "expanded uncertainty: the interval value ± U covers about 95 % (Student's t at the effective degrees of "
     "freedom); n is the number of runs"),
    ("SD", "standard deviation over the runs"),
    ("SUT", "system under test: the machine whose consumption is measured"),
    ("WG", "workload generator: the host that starts the runs and reads the meter"),
    ("PM", "power meter at the mains inlet of the SUT"),
    ("DAE", "data aggregator and evaluator: the offline half of wattlab, which made this page"),
)  # fmt: skip
