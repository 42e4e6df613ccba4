"""The SML dialogue on a bare pty."""

from __future__ import annotations

import io
import threading
import time

import pytest

from meters.meter import Meter, MeterGarbage, MeterMismatch, MeterOptionError, MeterTimeout
from meters.reading import Identity
from meters.sml import dialogue as sml_dialogue
from meters.wire_log import read_capture
from tests.meters.far_ends import BarePty
from tests.meters.sml_samples import HOLLEY, ISKRA_MT631, with_kermit

# --- the driver ---------------------------------------------------------------------------------------------------


def opened(pty: BarePty, first: bytes, capture: io.BytesIO | None = None, **options: object) -> Meter:
    """The driver on a pty that pushes `first` a moment after the port was opened."""
    push = threading.Timer(0.1, pty.send, (first,))
    push.start()
    try:
        return sml_dialogue.open_sml(pty.path, capture=capture, options=options)
    finally:
        push.join()


def test_dumped_telegrams_through_a_bare_pty_are_readings_and_nothing_is_ever_written(bare_pty: BarePty) -> None:
    sink = io.BytesIO()
    meter = opened(bare_pty, HOLLEY[150:] + ISKRA_MT631, sink, accuracy_class="B")
    try:
        assert meter.identify() == Identity("ISK", "", "1ISK0075126084", "")
        description = meter.describe()
        power, energy = description.columns
        assert (power.name, power.resolution, energy.name, energy.resolution) == ("power_w", 1.0, "energy_wh", 0.1)
        assert power.accuracy is not None
        assert power.accuracy.reading_percent == 1.0
        assert description.latency_s == len(ISKRA_MT631) * 10 / 9600
        first = meter.read(1.0)
        assert (first.power_w, first.flags) == (193.0, frozenset())
        bare_pty.send(ISKRA_MT631)
        repeated = meter.read(1.0)
        assert (repeated.power_w, repeated.flags) == (193.0, frozenset({"stale"}))
        assert repeated.time_ns > first.time_ns
    finally:
        meter.close()
    assert bare_pty.heard == b""
    assert {part.direction for part in read_capture(io.BytesIO(sink.getvalue()), "log")} == {"<"}


def test_the_limits_of_error_are_unknown_unless_the_lab_knows_the_class(bare_pty: BarePty) -> None:
    meter = opened(bare_pty, ISKRA_MT631)
    meter.close()
    assert [column.accuracy for column in meter.describe().columns] == [None, None]


def test_a_telegram_across_two_calls_is_no_garbage_and_one_of_another_meter_is(bare_pty: BarePty) -> None:
    meter = opened(bare_pty, ISKRA_MT631)
    try:
        meter.read(1.0)
        bare_pty.send(ISKRA_MT631[:80])
        with pytest.raises(MeterTimeout):
            meter.read(0.1)
        bare_pty.send(ISKRA_MT631[80:])
        assert meter.read(1.0).power_w == 193.0
        bare_pty.send(HOLLEY)
        with pytest.raises(MeterGarbage, match="expected 0a0149534b00047a5544"):
            meter.read(0.1)
        bare_pty.send(ISKRA_MT631)
        assert meter.read(1.0).flags == {"resynced", "stale"}
        bare_pty.send(ISKRA_MT631 + b"xyz" + ISKRA_MT631)
        assert [meter.read(1.0).flags for _reading in range(2)] == [{"stale"}, {"resynced", "stale"}]
    finally:
        meter.close()


def test_silence_is_a_timeout_and_noise_is_a_mismatch_at_the_start(bare_pty: BarePty) -> None:
    begin = time.monotonic()
    with pytest.raises(MeterTimeout):
        sml_dialogue.open_sml(bare_pty.path, capture=None, options={"wait_s": 0.2})
    with pytest.raises(MeterMismatch, match="26 bytes outside any telegram"):
        opened(bare_pty, b"/EMH5\\@01\r\n" * 3, wait_s=0.3)
    with pytest.raises(MeterMismatch, match="would match checksum 'kermit'"):
        opened(bare_pty, with_kermit(HOLLEY), wait_s=0.3)
    assert time.monotonic() - begin < 20.0


@pytest.mark.parametrize(("name", "value"), [("checksum", "crc32"), ("accuracy_class", "2"), ("baud", "fast")])
def test_an_option_that_is_none_is_refused(name: str, value: str) -> None:
    with pytest.raises(MeterOptionError, match=f"sml: option {name}"):
        sml_dialogue.open_sml("/dev/null", capture=None, options={name: value})
