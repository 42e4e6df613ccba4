"""What each of the three instruments says differently, and what may be said at all.

Knows: commands by their first words, what stands in a row. Does not know: how a message is made of it
(`meters.zes.codec`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one instrument says differently."""

    driver: str
    model: re.Pattern[str]
    end: bytes
    short: str
    scpi: str
    identity_items: tuple[str, ...]
    channel_items: tuple[str, ...]
    channels: int
    first_suffix: str
    rtscts: bool
    by_channel: bool  # ranges are set for each channel; a second TCP port takes the break

    def items(self, channel: int) -> tuple[str, ...]:
        """Return what a row holds, in order; the names of a row's values without their channel are `names`."""
        suffix = self.first_suffix if channel == 1 else str(channel)
        return (*self.identity_items, *(item + suffix for item in self.channel_items))

    @property
    def names(self) -> tuple[str, ...]:
        """What a row holds, in order, whatever the channel."""
        return self.identity_items + self.channel_items


CHANNEL_ITEMS = ("utrms", "itrms", "p", "s", "pf")

LMG95 = Dialect(
    driver="lmg95",
    model=re.compile(r"LMG\s?95", re.IGNORECASE),
    end=b"\r\n",
    short="syst:lang short",
    scpi="lang scpi",
    identity_items=("count", "sctc", "cycr", "freq"),
    channel_items=CHANNEL_ITEMS,
    channels=1,
    first_suffix="",
    rtscts=True,
    by_channel=False,
)
LMG450 = replace(LMG95, driver="lmg450", model=re.compile(r"LMG\s?(450|500)", re.IGNORECASE), channels=4)
LMG670 = Dialect(
    driver="lmg670",
    model=re.compile(r"LMG\s?6\d\d", re.IGNORECASE),
    end=b"\n",
    short="*zlang short",
    scpi="*zlang scpi",
    identity_items=(),
    channel_items=("tsnorm", "durnorm", "fcyc", *CHANNEL_ITEMS),
    channels=7,
    first_suffix="1",
    rtscts=False,
    by_channel=True,
)
DIALECTS = (LMG95, LMG450, LMG670)

# Everything the driver may send: each command's first word, the channel's digit left out.
ALLOWED = frozenset(
    {"*idn?", "*rst", "*cls", "*opc?", "syst:lang", "lang", "*zlang", "syst:err:all?", "cycl", "cont", "actn", "gtl"}
    | {"iam", "irng", "uam", "urng", "iauto", "uauto"}
    | {name + "?" for dialect in DIALECTS for name in dialect.names}
)
