"""What stands in the lab while a campaign runs: the SUT, how to open each meter, and who they are.

Knows what a run needs of the lab. Knows no run.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from harness.measure.lab_file import LabConfig
from harness.measure.material import Inventory
from harness.measure.scenario import Scenario
from harness.record.documents import Json
from harness.record.seal import Sign
from harness.station.register import Register
from harness.sut.machine import Sut
from meters.meter import Meter


@dataclass(frozen=True, slots=True)
class Bench:
    """Handed to every run of a campaign."""

    config: LabConfig
    sut: Sut
    sut_facts: Json
    host_facts: Json
    software: Json
    open_meters: Mapping[str, Callable[[BinaryIO], Meter]]
    register: Register | None
    agent_source: bytes
    marker_source: bytes
    data_folder: str
    inventory: Inventory
    sign: Sign
    """Makes the signature of a seal."""

    def command_of(self, scenario: Scenario) -> list[str]:
        """The argument list that a run of the scenario starts; empty where it only pauses."""
        python = self.sut.python_of(scenario.python)
        return [python if word == "{python}" else word for word in scenario.command]
