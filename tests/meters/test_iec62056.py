"""The IEC 62056-21 codec against captured messages, and against the parser of `iec62056-21`."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from iec62056_21.messages import DataBlock, DataLine, DataSet, ReadoutDataMessage

from meters.iec62056 import data_lines as iec62056_data_lines
from meters.iec62056 import messages as iec62056_messages
from meters.iec62056 import registers as iec62056_registers
from meters.meter import (
    MeterError,
    MeterGarbage,
    MeterRefused,
)
from meters.reading import Identity, Reading
from meters.wire import Chunk
from tests.meters.iec62056_samples import (
    CE102M_7E1,
    COMPUTED,
    ISK_EARLIER,
    ISK_IDENTIFICATION,
    ISK_READOUT,
    LGZ_BLOCK,
    Q3D,
    Q3D_DELIVERS,
    SIGN_ON_7E1,
    TELEGRAMS,
    with_even_parity,
)


def reading_of(block: bytes) -> Reading:
    return iec62056_registers.to_reading(iec62056_data_lines.decode_block(block), 5, 41400.0, resynced=False)


# --- captured messages --------------------------------------------------------------------------------------------


def test_a_captured_readout_passes_its_block_check_and_has_energy_but_no_power() -> None:
    reading = reading_of(iec62056_messages.decode_readout(ISK_READOUT))
    assert (reading.power_w, reading.energy_wh, reading.flags) == (None, 502853.0, frozenset({"nan"}))
    assert reading_of(iec62056_messages.decode_readout(ISK_EARLIER)).energy_wh == 501088.0


def test_no_flipped_bit_of_a_captured_readout_passes_its_block_check() -> None:
    for at in range(8 * len(ISK_READOUT)):
        changed = bytearray(ISK_READOUT)
        changed[at // 8] ^= 1 << at % 8
        with pytest.raises(MeterGarbage):
            iec62056_messages.decode_readout(iec62056_messages.from_wire(bytes(changed), "plain"))


def test_a_captured_identification_has_even_parity_and_no_flipped_bit_of_it_passes() -> None:
    assert iec62056_messages.to_wire(iec62056_messages.encode_request(""), "7E1") == SIGN_ON_7E1
    line = iec62056_messages.from_wire(CE102M_7E1, "7E1")
    assert iec62056_messages.decode_identification(line) == iec62056_messages.Identification("EKT", "5", "CE102Mv01")
    for at in range(8 * len(CE102M_7E1)):
        changed = bytearray(CE102M_7E1)
        changed[at // 8] ^= 1 << at % 8
        with pytest.raises(MeterGarbage):
            iec62056_messages.decode_identification(iec62056_messages.from_wire(bytes(changed), "7E1"))


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (ISK_IDENTIFICATION, iec62056_messages.Identification("ISk", "5", "MT174-0002")),
        (b"/ABB5\\@V9.21\r\n", iec62056_messages.Identification("ABB", "5", "\\@V9.21")),
        (b"/Els6\\2EK280\r\n", iec62056_messages.Identification("Els", "6", "\\2EK280")),
    ],
)
def test_identifications_of_public_sources(line: bytes, found: iec62056_messages.Identification) -> None:
    assert iec62056_messages.decode_identification(line) == found


@pytest.mark.parametrize(
    ("telegram", "power_w", "energy_wh", "serial"),
    [(Q3D, 336.45, 26107703.4231, "1ESY1011003684"), (Q3D_DELIVERS, -116.77, 14869259.4317, "1ESY1334001444")],
)
def test_a_pushed_telegram_decodes(telegram: bytes, power_w: float, energy_wh: float, serial: str) -> None:
    identification, block = iec62056_messages.decode_telegram(telegram.removesuffix(b"!\r\n"))
    reading = reading_of(block)
    assert (reading.power_w, reading.energy_wh) == (power_w, energy_wh)
    assert iec62056_registers.identify(identification, iec62056_data_lines.decode_block(block)).serial == serial


def test_a_long_list_gives_the_present_values_and_leaves_stored_ones_out() -> None:
    reading = reading_of(LGZ_BLOCK)
    assert (reading.power_w, reading.energy_wh, reading.voltage_v) == (-7660.0, 18788900.0, 239.9)
    assert reading.current_a is None  # of three phases
    sets = iec62056_data_lines.decode_block(LGZ_BLOCK)
    assert sets["1-1.6.0"] == iec62056_data_lines.DataSet("00.641", "kW")
    assert (
        iec62056_registers.identify(iec62056_messages.Identification("LGZ", "5", "x"), sets).serial
        == "001LGZ0058134272"
    )


def test_tariffs_are_summed_where_there_is_no_total() -> None:
    assert reading_of(b"1.8.1(052481.2*kWh)\r\n1.8.2(000001.1*kWh)\r\n1.7.0(0.5*kW)").energy_wh == 52482300.0


POWER_AND_ENERGY = b"1-0:16.7.0(0000.23*kW)\r\n1-0:1.8.0(0001.5*kWh)"


@pytest.mark.parametrize(
    ("power", "remark"),
    [
        (b"1-0:16.7.0(0000.23*kVA)", "found unit 'kVA', expected one of W, kW"),
        (b"1-0:16.7.0(0000.23)", "found unit '', expected one of W, kW"),
        (b"1-0:16.7.0(0000.23*)", "found unit '', expected"),
        (b"1-0:16.7.0(0000*23*kW)", "found unit '23*kW', expected"),
        (b"1-0:16.7.0(00x0.23*kW)", "found '00x0.23', expected a number"),
        (b"1-0:16.7.0(00.00.23*kW)", "expected a number"),
        (b"1-0:16.7.0(1e3*kW)", "expected a number"),
        (b"1-0:16.7.0(0.23*kW)\r\n1-0:16.7.0(0.24*kW)", "stands twice, with 0.23 and 0.24"),
        (b"1-0:16.7.0(0000.23*kW", "expected data sets"),
        (b"1-0:16.7.0(0000.\x0723*kW)", "expected data sets"),
        (b"1-0:16.7.0)0000.23*kW(", "expected data sets"),
    ],
)
def test_a_data_set_that_is_not_understood_costs_that_quantity_alone(power: bytes, remark: str) -> None:
    sound = reading_of(POWER_AND_ENERGY)
    block = POWER_AND_ENERGY.replace(b"1-0:16.7.0(0000.23*kW)", power)
    assert reading_of(block) == replace(sound, power_w=None, flags=frozenset({"nan"}))
    (said,) = iec62056_registers.describe(iec62056_data_lines.decode_block(block), 0.0, 41400.0, None).remarks
    assert said.startswith("16.7.0 is not read: ")
    assert remark in said


@pytest.mark.parametrize("block", [b"1-0:16.7.0(0000.23*kW", b"1-0:16.7.0(0000.\x8023*kW)", b"\x01\x02", b"no line"])
def test_a_block_without_one_data_set_is_refused(block: bytes) -> None:
    with pytest.raises(MeterGarbage, match="expected data sets"):
        reading_of(block)


@pytest.mark.parametrize("value", [b"", b"------.--", b"----*kW"])
def test_power_without_digits_is_nan(value: bytes) -> None:
    assert reading_of(b"1-0:16.7.0(" + value + b")").flags == {"nan"}


def test_power_above_the_range_is_overrange_and_no_number() -> None:
    sets = iec62056_data_lines.decode_block(b"1-0:16.7.0(0000.23*kW)")
    reading = iec62056_registers.to_reading(sets, 1, 229.9, resynced=True)
    assert (reading.power_w, reading.flags) == (None, frozenset({"overrange", "resynced"}))
    assert iec62056_registers.to_reading(sets, 1, 230.0, resynced=False).power_w == 230.0


@pytest.mark.parametrize(
    "other", [b"7-0:16.7.0(1*kW)", b"1-0:16.7.0*01(1*kW)", b"1-0:16.7.1(1*kW)", b"0-0:16.7.0(1*kW)"]
)
def test_another_medium_a_stored_value_and_a_tariff_are_no_power(other: bytes) -> None:
    assert reading_of(other).power_w is None


def telegram(name: str) -> tuple[iec62056_messages.Identification, dict[str, iec62056_data_lines.DataSet]]:
    (frame,) = iec62056_messages.TelegramSplitter().feed(Chunk(1, (TELEGRAMS / name).read_bytes()))
    identification, block = iec62056_messages.decode_telegram(frame.body)
    return identification, iec62056_data_lines.decode_block(block)


def remarks_of(sets: dict[str, iec62056_data_lines.DataSet]) -> tuple[str, ...]:
    return iec62056_registers.describe(sets, 0.0, 41400.0, None).remarks


def test_power_by_phase_is_summed_and_energy_without_a_unit_is_kwh_and_said() -> None:
    _identification, sets = telegram("iec_no_unit.txt")
    reading = iec62056_registers.to_reading(sets, 1, 41400.0, resynced=False)
    assert (reading.power_w, reading.energy_wh, reading.voltage_v) == (400.0, 1720481.6, 230.0)
    assert reading.current_a is None  # of three phases
    assert remarks_of(sets) == (
        "power is taken from the phases: 21.7.0, 41.7.0, 61.7.0",
        "1.8.1 comes without a unit; it is taken as kWh, as such meters mean it",
    )
    description = iec62056_registers.describe(sets, 0.0, 41400.0, None)
    assert {column.name: column.resolution for column in description.columns}["energy_wh"] == pytest.approx(0.1)


def test_a_gas_meter_on_a_channel_of_its_own_does_not_name_the_power_meter() -> None:
    identification, sets = telegram("iec_gas_serial.txt")
    assert iec62056_registers.identify(identification, sets) == Identity("XXX", "\\2MODEL-1004", "4530303030303031", "")
    reading = iec62056_registers.to_reading(sets, 1, 41400.0, resynced=False)
    assert (reading.power_w, reading.energy_wh) == (1010.0, 1001.0)


def test_a_register_with_storage_00_alone_is_the_present_one() -> None:
    _identification, sets = telegram("iec_register_star00.txt")
    reading = iec62056_registers.to_reading(sets, 1, 41400.0, resynced=False)
    assert (reading.power_w, reading.energy_wh, reading.flags) == (None, 7900580.0, frozenset({"nan"}))
    assert remarks_of(sets)[0] == "the meter sends no active power (16.7.0, 1.7.0, or by phase)"


@pytest.mark.parametrize("other", [b"1.8.0*01(000001.0*kWh)", b"1-0:1.8.0*99(000001.0*kWh)", b"1.8.0*62(0001.0*kWh)"])
def test_a_register_with_storage_00_beside_stored_ones_is_stored_too(other: bytes) -> None:
    assert reading_of(b"1.8.0*00(007900.58*kWh)\r\n" + other).energy_wh is None
    assert reading_of(b"1.8.0*00(007900.58*kWh)\r\n1.8.0(008000.00*kWh)").energy_wh == 8_000_000.0


def test_a_telegram_with_a_check_sum_is_named_as_that_of_a_p1_port() -> None:
    with pytest.raises(
        iec62056_messages.OtherTelegram, match=r"end `!6796` of a telegram of XXX: a DSMR telegram of a P1 port"
    ):
        telegram("iec_p1_crc.txt")


@pytest.mark.parametrize(
    ("block", "power_w"),
    [
        (b"1-0:36.7.0(0.15*kW)\r\n1-0:56.7.0(-0.04*kW)\r\n1-0:76.7.0(0.21*kW)", 320.0),
        (b"1-0:21.7.0(00.150*kW)\r\n1-0:22.7.0(00.000*kW)", 150.0),
        (b"1-0:21.7.0(0.1*kW)\r\n1-0:41.7.0(0*W)\r\n1-0:42.7.0(0.3*kW)\r\n1-0:61.7.0(0*W)", -200.0),
        (b"1-0:1.7.0(00.000*kW)\r\n1-0:2.7.0(00.350*kW)", -350.0),
        (b"1-0:1.7.0(00.500*kW)\r\n1-0:21.7.0(00.100*kW)", 500.0),
        (b"1-0:21.7.0(+00150*W)\r\n1-0:41.7.0(+00040*W)", None),
        (b"1-0:21.7.0(+00150*W)\r\n1-0:52.7.0(231.00*V)", None),
        (b"1-0:21.7.0(150*W)\r\n1-0:41.7.0(4x*W)\r\n1-0:61.7.0(210*W)", None),
        (b"1-0:21.7.0(150*W)\r\n1-0:41.7.0(----)\r\n1-0:61.7.0(210*W)", None),
        (b"1-0:1.7.0(0.1*kW)\r\n1-0:2.7.0(0.1*kVA)", None),
    ],
)
def test_phases_are_summed_where_every_phase_of_the_meter_has_a_power(block: bytes, power_w: float | None) -> None:
    reading = reading_of(block)
    assert reading.power_w == power_w
    assert (power_w is None) == ("nan" in reading.flags)


def test_power_at_some_phases_only_is_said() -> None:
    sets = iec62056_data_lines.decode_block(b"1-0:21.7.0(+00150*W)\r\n1-0:41.7.0(+00040*W)\r\n1-0:72.7.0(231.00*V)")
    assert remarks_of(sets) == ("power stands at 21.7.0, 41.7.0 only, without L3: phases that lack give no sum",)


@pytest.mark.parametrize(
    ("block", "energy_wh"),
    [
        (b"1.8.0(013925.5*)", 13_925_500.0),  # an ACE3000: the mark of a unit without one
        (b"1.8.0(013925*)", None),  # no decimal point: Wh or kWh
        (b"1.8.1(1.5*kWh)\r\n1.8.2(2*MWh)", 2_001_500.0),
        (b"1.8.1(1.5*kWh)\r\n1.8.2(2x*kWh)", None),
        (b"1.8.0(1.5*kvarh)\r\n1.8.1(1.5*kWh)", 1500.0),
        (b"1-1:1.8.0(7.5*kWh)\r\n1-0:1.8.0(1.5*kWh)", 1500.0),  # channel 1 beside the meter's own
        (b"1-1:1.8.0(7.5*kWh)\r\n0-0:C.1.0(12)", 7500.0),
        (b"F.F(00)\r\nC.1.0(12)\r\n1-1:1.8.0(7.5*kWh)", 7500.0),
        (b"1.8.0(7.5*kWh)\r\n1-1:1.8.0(8.5*kWh)", None),  # which of them is the meter's own is not said
        (b"0-1:24.2.1(7.5*kWh)", None),
    ],
)
def test_energy_is_that_of_the_meter_itself(block: bytes, energy_wh: float | None) -> None:
    assert reading_of(block).energy_wh == energy_wh


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_lines_may_end_without_a_carriage_return(end: bytes) -> None:
    splitter = iec62056_messages.TelegramSplitter()
    stream = (b"cut*W)\r\n!\r\n" + Q3D + Q3D_DELIVERS).replace(b"\r\n", end)
    frames = [frame for at in range(0, len(stream), 7) for frame in splitter.feed(Chunk(at, stream[at : at + 7]))]
    assert len(frames) == 3
    with pytest.raises(MeterGarbage, match="expected `/`"):
        iec62056_messages.decode_telegram(frames[0].body)
    powers = [reading_of(iec62056_messages.decode_telegram(frame.body)[1]).power_w for frame in frames[1:]]
    assert powers == [336.45, -116.77]
    assert splitter.held_bytes == 0


def test_a_pushed_telegram_with_a_character_that_is_no_text_is_refused_whole() -> None:
    with pytest.raises(MeterGarbage, match="parity right"):
        iec62056_messages.decode_telegram(Q3D.replace(b"000336.45", b"0003\x0736.45"))


@given(st.lists(st.integers(0, 2), min_size=3, max_size=3), st.booleans())
def test_damaging_other_data_sets_never_changes_the_power(damages: list[int], doubled: bool) -> None:
    lines = [b"1-0:1.8.0(0001.5*kWh)", b"1-0:32.7.0(230.1*V)", b"1-0:14.7.0(50.0*Hz)"]
    ways = [lambda line: line, lambda line: line[:-3], lambda line: line.replace(b"*", b"*x")]
    block = [b"1-0:16.7.0(0000.23*kW)", *(ways[way](line) for way, line in zip(damages, lines, strict=True))]
    found = reading_of(b"\r\n".join(block + block[: int(doubled)]))
    assert found.power_w == 230.0
    assert [found.energy_wh, found.voltage_v, found.frequency_hz] == [
        None if damage else sound for damage, sound in zip(damages, [1500.0, 230.1, 50.0], strict=True)
    ]


# --- what may be sent ---------------------------------------------------------------------------------------------


def test_only_the_sign_on_and_the_acknowledgement_for_a_readout_can_be_sent() -> None:
    assert iec62056_messages.encode_request("45678903") == b"/?45678903!\r\n"
    assert iec62056_messages.encode_acknowledgement("5") == bytes.fromhex("063035300D0A")
    for forbidden in (
        b"\x06051\r\n",
        b"\x06052\r\n",
        b"\x06056\r\n",
        b"\x01P1\x02(00000000)\x03\x61",
        b"\x01W1\x020.9.1(1)\x03\x00",
        b"\x01R1\x021.8.0()\x03\x00",
        b"\x01E2\x02(1)\x03\x00",
        b"\x01B0\x03q",
        b"/?!\r\n\x06051\r\n",
        b"",
    ):
        with pytest.raises(MeterRefused, match="only asks a meter for its data readout"):
            iec62056_messages.check_allowed(forbidden)
    for address in ("!\r\n\x06051\r\n", "1!", "ä", "0" * 33):
        with pytest.raises(MeterRefused):
            iec62056_messages.encode_request(address)
    with pytest.raises(MeterRefused):
        iec62056_messages.encode_acknowledgement("51\r\n\x0605")


# --- against the other parser, and random ---------------------------------------------------------------------------

CODES = st.tuples(st.integers(1, 199), st.integers(1, 95), st.integers(0, 254)).map(
    lambda code: "{}.{}.{}".format(*code)
)

TEXT = st.text("0123456789abcdefABC.:-", max_size=16)

LINES = st.dictionaries(CODES, st.tuples(TEXT, st.sampled_from(["", "kW", "W", "kvarh"])), min_size=1, max_size=12)


@given(LINES)
@settings(deadline=None)
def test_what_the_independent_library_writes_is_read_value_by_value(lines: dict[str, tuple[str, str]]) -> None:
    data_lines = [
        DataLine([DataSet(address="1-0:" + code, value=value, unit=unit or None)])
        for code, (value, unit) in lines.items()
    ]
    message = ReadoutDataMessage(DataBlock(data_lines)).to_bytes()
    found = iec62056_data_lines.decode_block(iec62056_messages.decode_readout(message))
    assert {code.removeprefix("1-"): (one.value, one.unit) for code, one in found.items()} == lines


@pytest.mark.parametrize("message", [ISK_READOUT, ISK_EARLIER, COMPUTED])
def test_the_independent_library_reads_the_same_values_and_finds_the_block_check_right(message: bytes) -> None:
    theirs = ReadoutDataMessage.from_bytes(message).data_block.data_lines
    found = iec62056_data_lines.decode_block(iec62056_messages.decode_readout(message))
    assert [(one.value, one.unit or "") for line in theirs for one in line.data_sets] == [
        (one.value, one.unit) for one in found.values()
    ]


@given(st.binary(max_size=300))
def test_arbitrary_bytes_give_a_value_or_a_typed_error(data: bytes) -> None:
    for characters in ("7E1", "plain"):
        text = iec62056_messages.from_wire(data, characters)
        for decode in (
            iec62056_messages.decode_identification,
            iec62056_messages.decode_readout,
            iec62056_messages.decode_telegram,
            reading_of,
        ):
            try:
                decode(text)
            except MeterError:
                continue


@given(st.binary(max_size=60))
def test_parity_is_there_and_back_and_never_a_wrong_character(data: bytes) -> None:
    seven = bytes(byte & 0x7F for byte in data)
    wire = iec62056_messages.to_wire(seven, "7E1")
    assert wire == with_even_parity(seven)
    assert iec62056_messages.from_wire(wire, "7E1") == seven
    assert set(iec62056_messages.from_wire(bytes(byte ^ 0x10 for byte in wire), "7E1")) <= {
        iec62056_messages.WRONG_PARITY
    }
