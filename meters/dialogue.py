"""An open meter made of one instrument's dialogue: pacing, deadlines, getting back in step, knowing it again.

Knows: when to ask, what to do after silence and garbage, that the same instrument must answer after reopening.
Does not know: any protocol.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Generic, Protocol, TypeVar

from meters import host
from meters.access import ANYBODY, Access, Peer
from meters.deadline import Deadline
from meters.meter import MeterError, MeterGarbage, MeterMismatch, MeterRefused, MeterTimeout
from meters.options import Option
from meters.origin import attest
from meters.reading import QUANTITIES, Averaging, Description, Identity, Origin, Reading

SHORTEST_INTERVAL_S = 0.001
SAMPLED_WINDOWS = 1.5  # as far as a window may be stretched to the one before (reports.energy.energy)


def interval_option(update_s: float) -> Option:
    """Return the option `interval_s` of a polled meter; its default is how often the meter has a new value."""
    return Option(update_s, "seconds between two questions", low=SHORTEST_INTERVAL_S, high=3600.0)


def refresh_option(refresh_s: float) -> Option:
    """Return the option `refresh_s` of a meter that does not say itself whether a value is new."""
    return Option(
        refresh_s, "how often it has new values, s, as `wattlab meter check` measured it", low=0.01, high=3600.0
    )


def unknown_refresh_option() -> Option:
    """Return the option `refresh_s` of a meter of which nobody knows it: 0, and each answer counts as new."""
    known = refresh_option(0.0)
    return Option(0.0, f"{known.what}; 0: nobody knows, each answer counts as new", low=0.0, high=known.high)


class Repetitions:
    """Tells a value that was asked for too early from a new one: the rule of every meter that does not tell itself.

    A frame (all that the meter answered) is a repetition when it equals the last new one and comes less than one
    refresh time after it; one refresh time later the same values are a new reading of a steady load. A meter that is
    asked once in a refresh time, or more rarely, repeats nothing, whatever the jitter of its replies.
    """

    __slots__ = ("_newest", "_newest_ns", "_refresh_ns", "refresh_s")

    def __init__(self, refresh_s: float, interval_s: float = 0.0) -> None:
        """`refresh_s`: how often the meter has a new value; `interval_s`: how often it is asked, 0 where it pushes."""
        self.refresh_s = refresh_s
        self._refresh_ns = 0.0 if interval_s >= refresh_s else refresh_s * 1e9
        self._newest: object = None
        self._newest_ns = 0

    def is_repeated(self, frame: object, time_ns: int) -> bool:
        """Whether `frame`, which came at `time_ns`, says nothing new; one that does is what later ones are held to."""
        if self._newest is not None and frame == self._newest and time_ns - self._newest_ns < self._refresh_ns:
            return True
        self._newest, self._newest_ns = frame, time_ns
        return False


class Dialogue(Protocol):
    """What one instrument's file supplies: everything that is said on its wire."""

    reply_s: float
    """How long one exchange of a polled meter may take, in seconds."""

    @property
    def port(self) -> str:
        """The port as the lab names it."""
        ...

    @property
    def peer(self) -> Peer | None:
        """Who is at the other end of a network connection."""
        ...

    def greet(self) -> Identity:
        """Drop what is left on the wire, ask who is there, set the meter up for reading.

        Raises `MeterTimeout`, `MeterGarbage`, `MeterMismatch`, `MeterRefused`, `MeterOptionError`, `MeterUnplugged`.
        """
        ...

    def describe(self) -> Description:
        """Return what is fixed about the readings; valid after `greet`."""
        ...

    def sample(self, deadline: Deadline) -> Reading:
        """Return the next reading; raises `MeterTimeout`, `MeterGarbage`, `MeterUnplugged`.

        A meter that pushes keeps a row that has only begun for the next call.
        """
        ...

    def regain(self, deadline: Deadline) -> Identity:
        """Drop what an earlier exchange left, then ask the identity, so that replies answer questions again.

        Raises what `sample` raises.
        """
        ...

    def reopen(self) -> None:
        """Open the port anew; raises `MeterUnavailable`."""
        ...

    def close(self) -> None:
        """Take leave where the protocol has a word for it, and give the port back; never raises."""
        ...


class Link(Protocol):
    """What every wire has, whatever it carries."""

    port: str

    @property
    def peer(self) -> Peer | None:
        """Who is at the other end of a network connection, `None` where there is none."""
        ...

    def reopen(self) -> None:
        """Open the port anew; raises `MeterUnavailable`."""
        ...

    def close(self) -> None:
        """Give the port back; never raises."""
        ...


AnyWire = TypeVar("AnyWire", bound=Link)


class OverWire(Generic[AnyWire]):
    """The part of a `Dialogue` that is the same for all that are held over one wire and know no good-bye."""

    _wire: AnyWire

    @property
    def port(self) -> str:
        """The port as the lab names it."""
        return self._wire.port

    @property
    def peer(self) -> Peer | None:
        """Who is at the other end of a network connection."""
        return self._wire.peer

    def reopen(self) -> None:
        """Open the port anew; raises `MeterUnavailable`."""
        self._wire.reopen()

    def close(self) -> None:
        """Give the port back; the meter goes on as it is."""
        self._wire.close()

    @contextmanager
    def _at_port(self, advice: str = "") -> Iterator[None]:
        """Let an error of a codec name the port and say what to do; one that names it already passes as it is."""
        try:
            yield
        except (MeterGarbage, MeterMismatch, MeterRefused) as error:
            if str(error).startswith(f"{self.port}: "):
                raise
            raise type(error)(f"{self.port}: {error}{advice and '; '}{advice}") from error


class DialogueMeter:
    """A meter over a `Dialogue` (`meters.meter.Meter`).

    Asked for (polled): one exchange each `interval_s`, on a grid that does not drift; an exchange that has begun
    may take `reply_s` whatever the caller's timeout. After silence or garbage the dialogue regains its step before
    the next question, and the reading after that is `resynced`. Pushing: `interval_s` is `None`.
    """

    def __init__(
        self, dialogue: Dialogue, interval_s: float | None, access: Access = ANYBODY, *, refresh_s: float | None = None
    ) -> None:
        """Greet the instrument; raises what `greet` raises, `MeterMismatch` if the answer is no answer of its kind.

        `refresh_s` where the dialogue does not tell repetitions itself: a reading whose quantities are those of the
        last new one, less than that after it, is `stale`; 0: nobody knows it.
        """
        self._dialogue, self._access = dialogue, access
        self._interval_s, self._refresh_s = interval_s, refresh_s
        self._repetitions = Repetitions(refresh_s or 0.0, interval_s or 0.0)
        self._out_of_step = False
        self._torn = False
        try:
            self._identity = dialogue.greet()
            self._origin = self._attested(self._identity)
        except MeterGarbage as error:
            dialogue.close()
            raise MeterMismatch(str(error)) from error
        except BaseException:
            dialogue.close()
            raise
        self._due_s = host.monotonic()

    def identify(self) -> Identity:
        """Return who the instrument says it is."""
        return self._identity

    def origin(self) -> Origin:
        """Return where the readings come from."""
        return self._origin

    def describe(self) -> Description:
        """Return window, stamp, ranges and columns, and how often readings come.

        A meter that is asked more rarely than its window is long has seen a part of the time only: its readings are
        those of instants, whatever they average over.
        """
        own = self._dialogue.describe()
        if self._interval_s is None:
            return own
        if self._refresh_s is not None:
            own = replace(own, refresh_s=self._refresh_s)
        averaging: Averaging = "instantaneous" if self._is_sampled(own.window_s) else own.averaging
        return replace(own, averaging=averaging, interval_s=max(self._interval_s, own.window_s))

    def read(self, timeout_s: float) -> Reading:
        """Return the next reading; waits at most `timeout_s` until it is due (polled) or there (pushing).

        Raises `MeterTimeout`, `MeterGarbage`, `MeterUnplugged`.
        """
        if self._interval_s is None:
            reading = self._pushed(Deadline(timeout_s))
        else:
            self._wait_until_due(timeout_s, self._interval_s)
            reading = self._exchanged(Deadline(self._dialogue.reply_s))
            if self._is_sampled(reading.window_s):
                reading = replace(reading, window_s=0.0)
            if self._refresh_s and self._repetitions.is_repeated(_quantities(reading), reading.time_ns):
                reading = replace(reading, flags=reading.flags | {"stale"})
        if self._torn:
            reading = replace(reading, flags=reading.flags | {"resynced"})
            self._torn = False
        return reading

    def reopen(self) -> None:
        """Open the port anew and check that the same instrument answers."""
        self._dialogue.reopen()
        try:
            self._torn, self._out_of_step = True, False
            identity = self._dialogue.greet()
            origin = self._attested(identity)
            self._check_same(identity, origin)
            self._origin = origin
        except BaseException:
            self._dialogue.close()
            raise
        self._due_s = host.monotonic()

    def close(self) -> None:
        """Take leave and give the port back."""
        with suppress(MeterError):
            self._dialogue.close()

    def _attested(self, identity: Identity) -> Origin:
        dialogue = self._dialogue
        return attest(dialogue.port, identity, peer=dialogue.peer, declaration=self._access.declaration)

    def _is_sampled(self, window_s: float) -> bool:
        return self._interval_s is not None and self._interval_s > SAMPLED_WINDOWS * window_s

    def _pushed(self, deadline: Deadline) -> Reading:
        try:
            return self._dialogue.sample(deadline)
        except MeterGarbage:
            self._torn = True
            raise

    def _exchanged(self, deadline: Deadline) -> Reading:
        try:
            if self._out_of_step:
                self._torn = True
                self._check_same(self._dialogue.regain(deadline), self._origin)
                self._out_of_step = False
                deadline = Deadline(self._dialogue.reply_s)
            return self._dialogue.sample(deadline)
        except (MeterTimeout, MeterGarbage):
            self._out_of_step = True
            raise

    def _wait_until_due(self, timeout_s: float, interval_s: float) -> None:
        wait_s = self._due_s - host.monotonic()
        if wait_s > timeout_s:
            host.sleep(timeout_s)
            raise MeterTimeout(f"{self._dialogue.port}: the next reading is due in {wait_s - timeout_s:.2f} s")
        if wait_s > 0:
            host.sleep(wait_s)
        # The grid stays where it is; questions whose time has passed are left out.
        late = max(0.0, host.monotonic() - self._due_s) // interval_s
        self._due_s += (late + 1) * interval_s

    def _check_same(self, identity: Identity, origin: Origin) -> None:
        present, expected = _name_of(identity, origin), _name_of(self._identity, self._origin)
        if present != expected:
            raise MeterMismatch(
                f"{self._dialogue.port}: another meter answers now: found {present}, expected {expected}; "
                "connect the meter the run was started with"
            )


def _quantities(reading: Reading) -> tuple[object, ...]:
    return tuple(getattr(reading, name) for name in QUANTITIES)


def _name_of(identity: Identity, origin: Origin) -> str:
    """Return what must stay the same as long as a run lasts."""
    port_serial = origin.evidence.get("sysfs_serial") or "without serial number"
    key = origin.evidence.get("tls_public_key_sha256")
    names = (identity.maker, identity.model, identity.serial, identity.firmware)
    return (
        f"{' '.join(name for name in names if name) or 'a meter without identity'}, {origin.kind}, port {port_serial}"
        + (f", key {key}" if key else "")
    )
