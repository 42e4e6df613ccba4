"""Clock exchanges between host and SUT, recorded raw.

Knows how one exchange is made: the host's clock, a question to the SUT, the host's clock again. Knows no wire (the
caller asks) and no mapping: that is fitted offline, by `reports.readings.clock`."""

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClockExchange:
    """One exchange, all in ns: host monotonic before (`t0_ns`) and after (`t1_ns`) the SUT read its monotonic clock
    (`t_sut_ns`) and its wall clock (`sut_wall_ns`); `host_wall_ns` is the host's wall clock at `t1_ns`. The `boot`
    clocks (CLOCK_BOOTTIME) go on while a machine sleeps."""

    t0_ns: int
    t_sut_ns: int
    t1_ns: int
    sut_wall_ns: int
    host_wall_ns: int
    sut_boot_ns: int
    host_boot_ns: int


def begin_exchange() -> int:
    """The host's stamp before the question leaves (ns)."""
    return time.monotonic_ns()


def end_exchange(t0_ns: int, t_sut_ns: int, sut_wall_ns: int, sut_boot_ns: int) -> ClockExchange:
    """The exchange, closed now: call it as soon as the SUT's answer has arrived."""
    return ClockExchange(t0_ns, t_sut_ns, time.monotonic_ns(), sut_wall_ns, time.time_ns(), sut_boot_ns, boot_ns())


def boot_ns() -> int:
    """The host's CLOCK_BOOTTIME: monotonic, and it counts the time asleep."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
