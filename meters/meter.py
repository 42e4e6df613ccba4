"""The contract every meter keeps, and everything that can go wrong with one.

Knows: the `Meter` protocol and the error tree. Does not know: any concrete meter, any wire.

```
MeterError
|-- MeterOptionError       the lab asked for something this driver does not have
|-- MeterUnavailable       the port cannot be opened: absent, no permission, in use by another program
|-- MeterTimeout           nothing (of use) arrived before the deadline
|-- MeterUnplugged         the port went away while it was open; `reopen()` when it is back
|-- MeterGarbage           bytes arrived that are no valid reading, and nothing better before the deadline
|-- MeterMismatch          something else answers: another instrument, or the same port with another meter
|-- MeterRefused           the meter refused a command, or the driver refuses to send it
`-- CaptureError           a wire log cannot be read back
```
Every message names the port, what was found, what was expected and what to do next.
"""

from __future__ import annotations

from typing import Protocol

from meters.reading import Description, Identity, Origin, Reading


class MeterError(Exception):
    """Root of all errors of this package."""


class MeterOptionError(MeterError):
    """The lab asked for something this driver does not have."""


class MeterUnavailable(MeterError):
    """The port cannot be opened."""


class MeterTimeout(MeterError):
    """Nothing (of use) arrived before the deadline."""


class MeterUnplugged(MeterError):
    """The port went away while it was open."""


class MeterGarbage(MeterError):
    """Bytes arrived that are no valid reading."""


class MeterMismatch(MeterError):
    """Something else answers at this port."""


class MeterRefused(MeterError):
    """A command was refused, by the meter or by the driver."""


class CaptureError(MeterError):
    """A wire log cannot be read back."""


class Meter(Protocol):
    """An open meter that delivers readings.

    One thread at a time. After `MeterUnplugged`, and after a silence that lasts, `reopen()` connects anew and
    resynchronises: what was cut is dropped, and the first reading after it carries the flag `resynced`.
    """

    def identify(self) -> Identity:
        """Return the identity the instrument gave when it was (re)opened."""
        ...

    def origin(self) -> Origin:
        """Return where the readings come from, with the evidence taken when the port was (re)opened."""
        ...

    def describe(self) -> Description:
        """Return window, stamp convention, columns with limits of error."""
        ...

    def read(self, timeout_s: float) -> Reading:
        """Return the next reading, waiting at most `timeout_s` seconds.

        Raises `MeterTimeout`, `MeterUnplugged`, `MeterGarbage`.
        """
        ...

    def reopen(self) -> None:
        """Connect anew to the same instrument; raises `MeterMismatch` if another one answers now.

        Also raises `MeterUnavailable`, `MeterTimeout`, `MeterUnplugged`, `MeterGarbage`: then it may be tried again.
        """
        ...

    def close(self) -> None:
        """Give the port back; never raises, may be called twice."""
        ...
