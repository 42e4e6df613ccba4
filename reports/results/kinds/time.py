"""Kinds of findings: clocks, markers and standstills. Knows no rule that finds one."""

from collections.abc import Mapping

from reports.results.kinds.code import FindingCode
from reports.results.kinds.kind import FindingKind

KINDS: Mapping[FindingCode, FindingKind] = {
    "frozen": FindingKind(
        ("warn", "invalid"),
        when=(
            "in the rating interval the command, or what stamps its end, was stopped or frozen (`processes_s`), or a "
            "machine stood still (`sut_clock_s`, `host_clock_s`: asleep, or stopped by its hypervisor). Invalid "
            "above `frozen_s`"
        ),
        meaning=(
            "The command, what stamps its end, or a whole machine stood still for a while, so the interval's end or "
            "its length is not the software's."
        ),
        remedy=(
            "Keep both machines awake, end what stops or freezes processes, give the SUT memory; `wattlab run` "
            "repeats it."
        ),
        limits=("frozen_s",),
        takes_run_out="it was frozen, or a machine stood still, while it ran",
        since="0.2.0",
    ),
    "agent-late": FindingKind(
        ("warn", "invalid"),
        when=(
            "samples of the interval came more than `agent_late_s` after they were due: indicators are missing, its "
            "edges stand. In journals of schema 1 the agent stamped the end: away across it, it made the interval "
            "longer: that is invalid"
        ),
        meaning=(
            "The agent did not run for a while: hardware indicators of that stretch are missing. Interval and energy "
            "are not affected, except in runs of older versions, whose end it stamped: these enter no mean."
        ),
        remedy="Look for what held it up: a driver that hangs (NVML), swapping, a stopped process.",
        limits=("agent_late_s",),
        takes_run_out="the agent that stamped its end was late",
        since="0.2.0",
    ),
    "arrival-contradicted": FindingKind(
        ("invalid",),
        when=(
            "an edge of the interval reached the host before it was; or 1 % of the interval (.75 to 2 s) later than "
            "it was, with no lost link, no answer to the host that took as long, and an agent that showed that it "
            "ran; or it lies before the host asked for it"
        ),
        meaning=(
            "The begin or the end of the rating interval has a stamp that cannot be right: the message of it reached "
            "the host before it happened, or long after it although nothing delayed it."
        ),
        remedy="Check the SUT's interpreter and agent (`sut.python`) and its clock; repeat the run.",
        takes_run_out="the stamps of its rating interval contradict when they reached the host",
        since="0.2.0",
    ),
    "clock-bound": FindingKind(
        ("warn",),
        when=(
            "the clock bound times the step of power at the edges is above `clock_bound_percent` of the energy "
            "([method](method.md), sections 5, 7)"
        ),
        meaning="The clocks of SUT and host are not known well enough for intervals of this length.",
        remedy="Bring SUT and host closer together in the network, or measure longer intervals.",
        limits=("clock_bound_percent",),
    ),
    "clock-step": FindingKind(
        ("info",),
        when=(
            "the SUT's or the host's wall clock was set by more than `clock_step_ms` during the run "
            "([method](method.md), sections 5, 7)"
        ),
        meaning="The wall clock of SUT or host was set during a run. No result changes: durations use other clocks.",
        remedy="Stop time synchronisation on that machine during a campaign if the stamps in its own logs matter.",
        limits=("clock_step_ms",),
    ),
    "host-slept": FindingKind(
        ("warn",),
        when="between the starts of two runs of one boot the host slept",
        meaning=(
            "The workload generator slept between two runs; the SUT idled meanwhile, and a baseline before it is older."
        ),
        remedy="Switch suspend off on the host that measures.",
        since="0.2.0",
    ),
    "host-clock-step": FindingKind(
        ("warn",),
        when=(
            "between the starts of two runs of one boot the host's wall clock was set by more than 1 s (beside what "
            "a run's own `clock-step` saw)"
        ),
        meaning=(
            "The host's wall clock was set between two runs. Durations use the monotonic clock; only dates are "
            "affected."
        ),
        remedy="Let the clock settle before a campaign, and keep time synchronisation slewing.",
        since="0.2.0",
    ),
    "action-too-short": FindingKind(
        ("info",),
        when=(
            "actions between momentary readings: shorter than two distances of these (`needed_s`). Evidence: action -> "
            "how many, `of` all, and the longest of them"
        ),
        meaning=(
            "Some actions are shorter than two distances of the meter's readings, which says nothing of them: they "
            "have no energy. The run has one."
        ),
        remedy=(
            "Let an action last five distances or more: mark several steps as one action, give an epoch more to do, or "
            "take a meter that reads more often."
        ),
        since="0.2.0",
        own_effect="These actions have no energy.",
    ),
    "unpaired-action": FindingKind(
        ("warn",),
        when=(
            "a begin without an end, a second begin, an end without a begin; these have no energy. Evidence: reason "
            "-> `{times, actions}`"
        ),
        meaning=(
            "Markers of actions lack their begin or their end, or an action began again before it had ended; these "
            "have no energy."
        ),
        remedy="Mark the begin and the end of each action once, with the same name and index (docs/run-folder.md).",
        since="0.2.0",
        own_effect="These actions have no energy; the run's energy stands.",
    ),
    "action-outside-record": FindingKind(
        ("warn",),
        when=(
            "an action stamped outside its run's record or later than its marker arrived, one that ends before it "
            "begins, numbers that no clock shows; these have no energy. Evidence: reason -> `{times, actions}`"
        ),
        meaning=(
            "Actions, or declarations of work, are stamped outside their run's record, later than their marker "
            "arrived, or end before they begin; these have no energy."
        ),
        remedy="Use wattlab_markers.py, or stamp markers with CLOCK_MONOTONIC of the SUT in ns (docs/run-folder.md).",
        since="0.2.0",
        own_effect="These actions have no energy; the run's energy stands.",
    ),
    "unreadable-values": FindingKind(
        ("warn",),
        when=(
            "cells of an indicator stream (by column) and clock exchanges that are no numbers that can be; each is "
            "left out"
        ),
        meaning="Some values of the SUT's indicators or of its clock are no numbers that can be; they were left out.",
        remedy="Read the named stream of the run; look for a sensor or a driver that answers nonsense.",
        since="0.2.0",
    ),
}
