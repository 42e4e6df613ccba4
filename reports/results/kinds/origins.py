"""Kinds of findings: whose readings these are. Knows no rule that finds one."""

from collections.abc import Mapping

from reports.results.kinds.code import FindingCode
from reports.results.kinds.kind import FindingKind

KINDS: Mapping[FindingCode, FindingKind] = {
    "emulated": FindingKind(
        ("warn",),
        when=(
            "a power stream is of an emulated meter (a pty, a loopback socket); evidence `meters`, and the remedy "
            "that exists for each"
        ),
        meaning="The power readings come from an emulated meter: they prove the pipeline, not a consumption.",
        remedy="Connect a real meter and name its port in [meters] of lab.toml.",
        is_uncertifiable=True,
        is_of_page=True,
    ),
    "estimated": FindingKind(
        ("warn",),
        when=(
            "a power stream is what software computes from counters of the machine itself (`rapl`, `nvml`) or from a "
            "UPS's load (`nut-load`), and no meter; "
            "evidence `meters`"
        ),
        meaning=(
            "The power is what software estimates, from counters of the machine itself (RAPL, NVML), in which the rest "
            "of it has no part, or from a UPS's load: no meter measured it, and nobody states how wrong it is."
        ),
        remedy="Put a power meter before the machine's plug: `wattlab meter drivers` lists what can be read.",
        since="0.2.0",
        is_uncertifiable=True,
        is_of_page=True,
    ),
    "estimated-qualified": FindingKind(
        ("warn",),
        when=(
            "in place of `estimated`: the power is the wall as a software meter estimates it that a campaign qualified "
            "(`sut.qualification`); evidence `meters`, and of the certificate its digest, campaign, date and the "
            "origin of its wall"
        ),
        meaning=(
            "The energy is estimated by a qualified software meter, and no power meter measured it: its U is that of "
            "the certificate, which holds for this machine, these kinds of load and this range only."
        ),
        remedy="Put a power meter before the machine's plug where the result is to be certified.",
        since="0.2.0",
        is_uncertifiable=True,
        is_of_page=True,
    ),
    "not-qualified": FindingKind(
        ("invalid",),
        when=(
            "a run without a meter for which the certificate does not hold: another machine, firmware, driver, kernel "
            "or sample period, a kind of load or a range that was not qualified, another software meter that never "
            "said so much under such loads, a column of another quantity, a second certificate in one campaign, a "
            "certificate that qualifies nothing; evidence `reasons`, and the certificate by its digest"
        ),
        meaning="The certificate of the software meter does not hold for this run, so the run has no energy.",
        remedy="Do what each reason says: restore what differs, or qualify the machine as it is now.",
        takes_run_out="the certificate of its software meter does not hold for it",
        since="0.2.0",
        is_uncertifiable=True,
    ),
    "outside-qualified": FindingKind(
        ("warn",),
        when=(
            "up to 5 % of the readings of a run's interval lie outside of the range for which the software meter is "
            "qualified, which is widened by 5 % of its width at either end; above that the run is `not-qualified`"
        ),
        meaning="Some readings lie outside of the range for which the software meter is qualified.",
        remedy="Qualify the machine at a level as low, or as high, as this load.",
        since="0.2.0",
    ),
    "unattested": FindingKind(
        ("warn",),
        when=(
            "nothing proves whose the readings of a power stream are; evidence `meters`, and the remedy that exists "
            "for each"
        ),
        meaning=(
            "Nothing proves that the readings come from a real instrument: the meter does not say who it is, or it "
            "was reached by a port or over a network that does not show it."
        ),
        remedy=(
            'Read docs/instruments.md, section "Who is it": it says for each kind of meter what would show which '
            "instrument it is."
        ),
        is_uncertifiable=True,
        is_of_page=True,
    ),
    "declared": FindingKind(
        ("warn",),
        when=(
            "a person declares which instrument a power stream is of; evidence `meters`, `declared`: who declared "
            "what, and the remedy that exists for each"
        ),
        meaning=(
            "That the readings come from the registered instrument is declared by a person of this lab; its serial "
            "number and its address agree, but anybody on that network could answer so."
        ),
        remedy=(
            "Pin the key of the meter, or of a TLS terminator before it (docs/instruments.md); or let the lab decide "
            "to certify on declarations: lab.certify_declared."
        ),
        is_uncertifiable=True,
    ),
    "declared-certified": FindingKind(
        ("warn",),
        when=(
            "in place of `declared` where `lab.certify_declared` is set in every run: the lab certifies on declarations"
        ),
        meaning=(
            "That the readings come from the registered instrument is declared by a person of this lab, and the lab "
            "certifies on declarations; nothing else shows it."
        ),
        remedy="Pin the key of the meter, or of a TLS terminator before it (docs/instruments.md): then it is shown.",
    ),
    "imported": FindingKind(
        ("info",),
        when="a power stream was recorded by another lab; evidence `meters`",
        meaning="The readings were recorded by another lab; wattlab has no evidence of its own for them.",
        remedy="Keep the original files and that lab's own documents beside this report.",
        is_uncertifiable=True,
        is_of_page=True,
    ),
    "publisher-window": FindingKind(
        ("warn",),
        when=(
            "a window that the publisher states has no place among the samples, fits two, or is not covered by them "
            "(`not_recorded_s`)"
        ),
        meaning=(
            "The window that the publisher counts (power_begin to power_end of MLPerf) is nowhere among the samples, "
            "fits in two places, or is not covered by them."
        ),
        remedy=(
            "Compare the clocks of both files, and check that both are of the same run and whole; then import again."
        ),
        since="0.2.0",
        is_noted=True,
    ),
    "publisher-energy": FindingKind(
        ("warn",),
        when=(
            "the energy that the publisher states for its window differs by more than 0.2 % from what its rule gives "
            "of the samples"
        ),
        meaning="The energy that the publisher states for its window is not what its rule gives of these samples.",
        remedy=(
            "Check columns, unit and time zone of the import; if they are right, report the stated energy as not "
            "reproduced."
        ),
        since="0.2.0",
    ),
    "truncated-source": FindingKind(
        ("warn",),
        when="the imported file ends in mid-line",
        meaning="The imported file ends in the middle of a line; the half line was not used.",
        remedy=(
            "Stop the logger before copying its file; if the missing end matters, copy the file again and import it."
        ),
        is_noted=True,
    ),
}
