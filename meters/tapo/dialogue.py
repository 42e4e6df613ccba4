"""The driver of TP-Link's Tapo plugs and newer Kasa plugs: one sealed question, one reading.

Knows: which questions a plug understands, which of them tells the best power, the socket of a strip. Does not know:
seals (`meters.tapo.klap`), what the questions are (`meters.tapo.messages`, `meters.kasa`).

The power is that of the socket. How it is averaged, how often it is new and below which power it is cut to 0 is
written nowhere: `meter check` measures how often it is new. Real answers have 0 W beside 30 mA (a P115 at 122 V).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from meters import kasa
from meters.access import ANYBODY, Access
from meters.deadline import Deadline
from meters.dialogue import DialogueMeter
from meters.meter import MeterGarbage, MeterOptionError
from meters.options import Option, number, read_options, whole
from meters.polled_http import PACE, RANGE, Field, PolledHttp, Settings, Value, reading_of, settings_of
from meters.reading import Identity, Reading
from meters.tapo import messages
from meters.tapo.link import TapoLink
from meters.wire_log import Sink

DRIVER = "tapo"
OPTIONS: Mapping[str, Option] = {
    **PACE,
    "outlet": Option(0.0, "which socket of a strip, from 1; 0: a plug", low=0.0, high=16.0, whole=True),
    **RANGE,
}
FIELDS = (
    Field("power_w", (), "W", -1e6, 1e6),
    Field("voltage_v", (), "V", 0.0, 1000.0),
    Field("current_a", (), "A", 0.0, 1000.0),
    Field("energy_wh", (), "Wh", 0.0, 1e12),
)


class Tapo(PolledHttp[Mapping[str, Value]]):
    """The dialogue with one plug, or one socket of a strip (`meters.dialogue.Dialogue`)."""

    driver, tier, fields, eager = DRIVER, "uncalibrated", FIELDS, "own"
    advice = "check that this is a Tapo or Kasa plug that meters, and the option outlet"

    def __init__(self, port: str, outlet: int, settings: Settings, sink: Sink | None, access: Access) -> None:
        """Connect; raises `MeterOptionError`, `MeterUnavailable`, `MeterMismatch`."""
        self._link = TapoLink(port, sink, access)
        super().__init__(port, settings, sink, access, wire=self._link.wire)
        self._outlet, self._socket = outlet, ""
        self._source: messages.Source | None = None
        self._kasa: kasa.Device | None = None
        self._way: Callable[[Deadline], Identity] | None = None

    def reopen(self) -> None:
        """Connect anew; an account that was not known may be tried again."""
        self._link.forget()
        super().reopen()

    def _ask_identity(self, deadline: Deadline) -> Identity:
        """Ask in the words that the plug has understood; at first in those that its kind of log-in goes with."""
        if self._way is not None:
            return self._way(deadline)
        self._link.log_in(deadline)
        ways = [self._ask_tapo, self._ask_kasa]
        if self._link.kind == "v1":
            ways.reverse()
        refusals = []
        for way in ways:
            try:
                identity = way(deadline)
            except MeterGarbage as error:
                refusals.append(error)
            else:
                self._way = way
                return identity
        raise refusals[0]

    def _ask_tapo(self, deadline: Deadline) -> Identity:
        identity = messages.decode_identity(self._link.ask(messages.encode_question(messages.INFO), deadline).data)
        if self._outlet and not self._socket:
            answer = self._link.ask(messages.encode_question(messages.CHILDREN), deadline)
            sockets = messages.decode_sockets(answer.data)
            if self._outlet > len(sockets):
                raise MeterOptionError(
                    f"option outlet is {self._outlet}, expected 1 to {len(sockets)}, for so many "
                    "sockets does this strip have"
                )
            self._socket = sockets[self._outlet - 1]
        return identity

    def _ask_kasa(self, deadline: Deadline) -> Identity:
        self._kasa = kasa.decode_device(self._link.ask(kasa.WHO_IS_THERE, deadline).data)
        return self._kasa.identity

    def _first_answer(self) -> Mapping[str, Value]:
        """Find the method that tells the best power: the first that this plug answers."""
        refusals = []
        for source in (None,) if self._kasa is not None else messages.SOURCES:
            self._source = source
            try:
                return super()._first_answer()
            except MeterGarbage as error:
                refusals.append(str(error))
        raise MeterGarbage(f"{'; '.join(refusals)}: this device tells no power")

    def _ask(self, deadline: Deadline) -> tuple[int, Mapping[str, Value]]:
        if self._kasa is not None:
            chunk = self._link.ask(kasa.realtime_question(self._kasa, self._outlet), deadline)
            return chunk.time_ns, kasa.decode_values(chunk.data, self._kasa.module)
        source = self._source or messages.SOURCES[0]
        chunk = self._link.ask(messages.encode_question(source.method, self._socket), deadline)
        return chunk.time_ns, messages.decode_values(chunk.data, source, self._socket)

    def _values(self, answer: Mapping[str, Value]) -> Mapping[str, Value]:
        return answer

    def _reading(self, answer: Mapping[str, Value], time_ns: int, *, stale: bool) -> Reading:
        return reading_of(answer, time_ns, self._range_w, stale=stale)


def open_tapo(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the plug at `port`, `http://HOST`, with the account of `access`.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterUnplugged`, `MeterMismatch`, `MeterRefused`.
    """
    values = read_options(DRIVER, OPTIONS, options)
    settings = settings_of(values)
    return DialogueMeter(
        Tapo(port, whole(values, "outlet"), settings, capture, access), number(values, "interval_s"), access
    )
