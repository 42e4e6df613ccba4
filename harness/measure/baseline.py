"""The baseline in a declared state: with the service of a scenario started for each block.

Knows the table [baseline] and scenarios. Knows no process: `harness.measure.rating.state` brings the state about.
"""

from collections.abc import Sequence
from dataclasses import replace

from harness.measure.campaign_file import Baseline
from harness.measure.scenario import Scenario
from harness.record.codec import Mistakes
from meters.options import did_you_mean

OF_THE_SERVICE = ("command", "files", "parameters", "packages", "prepared", "directory", "python", "usage")
"""What of a scenario starts its service."""


def in_state(
    where: str, baseline: Scenario, asked: Baseline, scenarios: Sequence[Scenario], mistakes: Mistakes
) -> Scenario:
    """The baseline in the state that the table asks for. `where`: file and TOML path of the table."""
    if asked.state == "os":
        if asked.scenario:
            mistakes.extend([f"{where}.scenario: in the state os nothing is started; remove it, or name another state"])
        return baseline
    served = [one for one in scenarios if one.usage is not None and one.command]
    found = [one for one in served if asked.scenario in (one.name, one.section)]
    if len(found) != 1:
        named = repr(asked.scenario)
        several = f"{named} has {len(found)} cells; name one" if found else f"no scenario {named} with a service"
        one_of = did_you_mean(asked.scenario, [one.name for one in served])
        mistakes.extend([f"{where}.scenario: {several}; {one_of}"])
        return baseline
    return replace(baseline, baseline_state=asked.state, **{key: getattr(found[0], key) for key in OF_THE_SERVICE})
