"""Kinds of findings: what surrounds a run. Knows no rule that finds one."""

from collections.abc import Mapping

from reports.results.kinds.code import FindingCode
from reports.results.kinds.kind import FindingKind

KINDS: Mapping[FindingCode, FindingKind] = {
    "host-on-sut": FindingKind(
        ("warn",),
        when=(
            'host and SUT are one machine (`sut.host = "local"`); evidence: CPU seconds a second of agent and host in '
            "runs (`busy_cpus_in_runs`), in the baseline and above it; where the campaign shows what a busy CPU takes, "
            "also in W"
        ),
        meaning=(
            "The machine that measures is the machine that is measured: what measuring takes of its CPUs stands in "
            "every gross energy, and what the runs have of it above the baseline in the induced ones."
        ),
        remedy=(
            "Measure from another machine by SSH ([sut] host in lab.toml); campaign.sync_pulse = true shows what a "
            "busy CPU takes, and so what this costs."
        ),
        since="0.2.0",
        is_deviation=True,
    ),
    "not-settled": FindingKind(
        ("warn",),
        when=(
            "the two `settle_window_s` before the interval (of a baseline block also its own first two) differ by "
            "more than `settle_percent` and `settle_standard_errors`; or a temperature moved faster than "
            "`settle_temperature_c_per_min`"
        ),
        meaning=(
            "The machine had not settled: its power or a temperature still moved before the interval, or in the block."
        ),
        remedy="Raise `stabilization_s` and `pause_s`, or let the thermal gate wait longer.",
        limits=("settle_window_s", "settle_percent", "settle_standard_errors", "settle_temperature_c_per_min"),
    ),
    "foreign-load": FindingKind(
        ("warn", "invalid"),
        when=(
            "CPU time of neither the command with its descendants nor the agent, less what it was in the baseline, "
            "times the watts of a busy CPU (sync pulse, observer effect or scenario `full-load` of this campaign) "
            "and the duration: above `foreign_energy_percent` of U of the run's induced energy (warn), above "
            "`foreign_energy_invalid_percent` (invalid). Where watts or U are not known, and of baseline blocks "
            "(against the median block), conventions: above `foreign_load_percent` of all CPUs (warn), more than "
            "`foreign_load_invalid_percent` away from the baseline (invalid). When a run was made it is judged so by "
            "what the campaign holds until then, and made again where it has more of it than the baseline"
        ),
        meaning=(
            "Other processes than the load and the agent kept the CPUs busy, more than the limit allows or otherwise "
            "than in the baseline. A baseline block is held against the median block. Where that took more energy than "
            "the result may be wrong by, or more of the CPUs than the limit, the run enters no mean."
        ),
        remedy=(
            "End services, updates and other users' programs on the SUT; `wattlab check` lists what runs there. Work "
            "that the command hands to a service (a container's) counts as foreign: start it as a child of the "
            "command."
        ),
        limits=(
            "foreign_energy_percent",
            "foreign_energy_invalid_percent",
            "foreign_load_percent",
            "foreign_load_invalid_percent",
        ),
        takes_run_out="other processes took too much of its CPUs",
    ),
    "throttled": FindingKind(
        ("warn",),
        when="the CPU's or a GPU's slow-downs by heat or supply during the interval",
        meaning=(
            "The machine was slowed down by heat or by its supply, so it did its work in another way than it could."
        ),
        remedy="Clean and cool it, check fans and supply; let it cool down between runs.",
    ),
    "oom": FindingKind(
        ("invalid",),
        when="the kernel killed processes for want of memory during the interval",
        meaning="The SUT killed processes for want of memory; the run enters no mean.",
        remedy="Use a smaller batch or another machine, end other programs; repeat the run.",
        takes_run_out="processes were killed for want of memory while it ran",
    ),
    "supply": FindingKind(
        ("warn",),
        when=(
            "readings of voltage, frequency or THD further than `supply_voltage_percent`, "
            "`supply_frequency_percent`, `supply_thd_percent` from [supply] of lab.toml"
        ),
        meaning="The mains were outside the tolerance: voltage, frequency or harmonics.",
        remedy="Use a stabilised source, or state the mains' values beside the result; [supply] has the nominal ones.",
        limits=("supply_voltage_percent", "supply_frequency_percent", "supply_thd_percent"),
    ),
    "ambient": FindingKind(
        ("warn",),
        when="`[ambient]` sensor outside `ambient_c` ± `ambient_tolerance_c`",
        meaning="The room was warmer or colder than the method allows; fans and leakage currents follow it.",
        remedy="Measure in a room of the temperature that the limits name (the method's: 23 ± 5 °C).",
        limits=("ambient_c", "ambient_tolerance_c"),
    ),
    "not-monitored": FindingKind(
        ("info",),
        when="which rules about the surroundings could not be judged in how many runs",
        meaning=(
            "Nothing recorded these quantities, so the rules about them could not be judged. The evidence counts the "
            "runs of each."
        ),
        remedy=(
            "To have them judged, use a meter that reports the mains, a thermometer ([ambient] in lab.toml), and a "
            "stabilization of a minute."
        ),
    ),
}
