"""Two campaigns at once share no meter and no SUT."""

import subprocess
import sys
from pathlib import Path

import pytest

from harness.record.errors import LabError
from harness.station.occupancy import others, taken, uses_of
from harness.station.station import MeterSection, SutSection


def meter(port: str, **options: object) -> MeterSection:
    return MeterSection(driver="wattsup", port=port, circuit="x", options=options)


def keys(host: str = "h", port: int = 22, **meters: MeterSection) -> set[str]:
    return set(uses_of(SutSection(host=host, python="p", port=port), meters))


def test_what_is_embedded_has_a_lock_of_its_own() -> None:
    assert keys("embedded", wall=meter("embedded")) == set()


def test_a_line_is_one_meter_by_whichever_link_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "tty").touch()
    (tmp_path / "by-id").symlink_to("tty")
    assert keys(a=meter(str(tmp_path / "tty"))) == keys(b=meter(str(tmp_path / "by-id"), baud=9600))
    assert keys(a=meter(str(tmp_path / "tty"))) != keys(b=meter(str(tmp_path / "other")))


def test_channels_of_one_meter_on_a_network_are_two_meters() -> None:
    one = keys(a=meter("http://PDU/", channel=1))
    assert one == keys(b=meter("http://pdu", channel=1))
    assert one != keys(b=meter("http://pdu", channel=2))


def test_a_sut_is_a_machine_and_a_port() -> None:
    assert keys("Bench") == keys("bench") != keys("bench", 2222)


def test_what_is_taken_is_named_with_who_has_it_and_nothing_else_stays_taken(tmp_path: Path) -> None:
    uses, more = {"1": "meter wall (/dev/x)"}, {"2": "meter other (/dev/y)", "1": "meter mine (/dev/x)"}
    said = r"^meter mine \(/dev/x\): another wattlab .* \(runs/c@a\), .* wait for its end"
    with taken(uses, "runs/c@a", tmp_path):
        with pytest.raises(LabError, match=said), taken(more, "runs/d@b", tmp_path):
            pass
        assert list(others({"2": "meter other (/dev/y)"}, tmp_path)) == []
        (sentence,) = others(more, tmp_path)
        assert sentence.startswith("meter mine (/dev/x): another wattlab measures with it (runs/c@a)")
    assert list(others(more, tmp_path)) == []


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    source = (
        "import sys, time; from pathlib import Path; from harness.station.occupancy import taken\n"
        "with taken({'1': 'm'}, 'them', Path(sys.argv[1])):\n    print('taken', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", source, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert [("them" in sentence) for sentence in others({"1": "m"}, tmp_path)] == [True]
        process.kill()
    with taken({"1": "m"}, "us", tmp_path):
        pass


def test_a_place_that_cannot_be_used_is_said_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = r"cannot be opened .* two campaigns could measure with one meter; remove it"
    with pytest.raises(LabError, match=said), taken({"1": "m"}, "us", tmp_path / "file"):
        pass
