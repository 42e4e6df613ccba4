"""What is around a question to an agent and its answer, whatever the version; here the communities of v1 and v2c.

Knows: what a dialogue asks of a version's security. Does not know: how v3 has it (`meters.snmp.engine`), wires.
A wrong community is never answered: an agent that is silent may be absent, or not meant to answer this one.
"""

from __future__ import annotations

from typing import Final, Literal, Protocol

from meters.access import Credentials
from meters.snmp.ber import Item
from meters.snmp.messages import Version, decode_message, encode_message, withhold_community

PUBLIC: Final = "public"
Heard = Item | Literal["nothing", "ask again"]
"""What came of a datagram: what an agent answers, nothing that is for us, or that the question must be said again."""


class Security(Protocol):
    """How one agent is spoken to, and who may; one for each wire."""

    first_id: int
    """The number of the first question."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What an operator should know of it."""
        ...

    @property
    def silence(self) -> str:
        """What to check where nothing of use is answered."""
        ...

    def wrap(self, request_id: int, question: bytes) -> bytes:
        """Return the datagram that says a question now."""
        ...

    def unwrap(self, data: bytes) -> Heard:
        """Return what came of a datagram; raises `MeterGarbage`, `MeterRefused`."""
        ...

    def presentable(self, data: bytes) -> bytes:
        """Return what of a datagram, in either direction, may stand in a wire log."""
        ...

    def forget(self, *, entirely: bool) -> None:
        """Begin anew with whoever answers; `entirely`: as before the first question."""
        ...


class Community:
    """SNMP v1 and v2c, where one word lets in whoever knows it (`Security`)."""

    first_id = 1

    def __init__(self, version: Version, login: Credentials | None) -> None:
        """`login` has the community as its password; without one it is `public`."""
        self._version, self._is_secret = version, login is not None and bool(login.password)
        self._community = login.password if login is not None and login.password else PUBLIC

    @property
    def remarks(self) -> tuple[str, ...]:
        """That whoever listens can read it."""
        readable = (
            "the community goes over the network so that whoever listens there can read it: reach the PDU on a network "
            "of its own, or by SNMP v3"
        )
        return (readable,) if self._is_secret else ()

    @property
    def silence(self) -> str:
        """What to check."""
        return (
            f"check its address and network, that SNMP {self._version} is switched on there, and the community "
            "(password_file): a wrong one gets none"
        )

    def wrap(self, request_id: int, question: bytes) -> bytes:
        """Return the question behind version and community."""
        return encode_message(self._version, self._community, question)

    def unwrap(self, data: bytes) -> Heard:
        """Return what stands behind them; raises `MeterGarbage`."""
        return decode_message(data, self._version)

    def presentable(self, data: bytes) -> bytes:
        """Return a datagram without the community, where that is a secret."""
        return withhold_community(data, self._community) if self._is_secret else data

    def forget(self, *, entirely: bool) -> None:
        """Nothing is known of an agent."""
