"""The session with the agent of one run: its requests, its journal, its heartbeat, over a link that may be lost.

Knows the agent's protocol (drawn in `harness.sut.agent`). Knows no SSH beyond a channel, no run folder and no meter: it
hands every journal record to a callback.
"""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, Protocol

from harness.record.documents import LAST_STAMP_NS, Json, shown
from harness.record.errors import SutError, SutUnreachable
from harness.sut.answers import RatingResult, rating_result, reason_of, stamp
from harness.sut.channel import MAX_LINE, AgentChannel, Channel
from harness.sut.clock import ClockExchange, begin_exchange, end_exchange
from harness.sut.link import COMMAND_S, CONNECT_S, LINK_ERRORS

HEARTBEAT_S = 1.0
LINK_SILENT_S = 4.0
"""A link on which no heartbeat was answered for so long is taken for lost, also where a relay acknowledges the TCP."""
FINISH_S = 90.0
STALL_S = 10.0
"""A journal of which nothing came for so long, while the agent answers, does not come."""
KILL_S = 75.0
"""The agent itself gives a load 5 s to end and 55 s more to be killed."""
ANSWER_S = 3.0
"""So long an agent that is to be left is waited for; it answers within milliseconds, or not at all."""
BACKOFF_S = (0.2, 0.5, 1.0, 2.0)

OnRecord = Callable[[Json], None]
OnExchange = Callable[[ClockExchange], None]


class Machine(Protocol):
    """What a session needs of the machine that its agent runs on."""

    @property
    def name(self) -> str:
        """As errors call it."""

    def attach(self, folder: str) -> Channel:
        """A channel to the agent that serves `folder`."""

    def reopen(self, timeout_s: float) -> None:
        """Replace the lost connection by a new one."""


class AgentSession:
    """The agent of one run: its requests, its journal, its heartbeat. A lost link is taken up again at the journal's
    offset; when that took longer than reconnect_s, or the agent is gone, every method raises what happened (`check`
    does only that)."""

    def __init__(
        self, sut: Machine, folder: str, reconnect_s: float, on_record: OnRecord, on_exchange: OnExchange
    ) -> None:
        self._sut, self._folder, self._reconnect_s = sut, folder, reconnect_s
        self._on_record, self._on_exchange = on_record, on_exchange
        self._changed = threading.Condition()
        self._failure: BaseException | None = None
        self._closing = False
        self._offset = 0
        self._next_id = 0
        self._requests: dict[int, tuple[bytes, Future[Json]]] = {}
        self._pings: dict[int, tuple[int, Future[ClockExchange] | None]] = {}
        self._rating_result: RatingResult | None = None
        self._rating = False
        self._heard_ns = time.monotonic_ns()
        self.links_lost = 0
        self._link = AgentChannel(sut.attach(folder))
        self._send_hello()
        self._thread = threading.Thread(target=self._work, name="agent", daemon=True)
        self._thread.start()

    # --- for the caller ---

    def check(self) -> None:
        """Raise what ended the session for good, if anything did.

        Raises:
            SutUnreachable: the link was down for longer than reconnect_s, or the agent ended. SutError: the SUT's
            disk is full.
        """
        if self._failure is not None:
            raise self._failure

    def exchange(self) -> ClockExchange:
        """One clock exchange now; it is the caller's alone. Waits through a lost link.

        Raises:
            SutUnreachable: no answer. SutError: one that is none.
        """
        limit_s = LINK_SILENT_S + self._reconnect_s + CONNECT_S
        end_s = time.monotonic() + limit_s
        while time.monotonic() < end_s:
            future: Future[ClockExchange] = Future()
            with self._changed:
                self.check()
                self._send_ping(future)
            try:
                return future.result(limit_s)
            except _LinkLost:
                continue
            except FutureTimeout:
                break
        raise SutUnreachable(f"{self._sut.name}: no answer to a clock exchange within {limit_s:g} s")

    def rate(
        self,
        argv: Sequence[str] | None,
        env: Mapping[str, str],
        cwd: str | None,
        duration_s: float | None,
        *,
        is_service: bool = False,
    ) -> None:
        """Begin the rating interval: run a command in `cwd`, or with argv null pause for `duration_s`; or a service."""
        if argv is None and duration_s is None:
            raise ValueError("a pause needs a duration")
        with self._changed:
            self._rating, self._rating_result = True, None
        try:
            words = argv and list(argv)
            self._request("rate", argv=words, env=dict(env), cwd=cwd, duration_s=duration_s, service=is_service)
        except SutError:
            self._rating = False
            raise

    def wait_rated(self, timeout_s: float) -> RatingResult | None:
        """The result of the rating interval; null when it has not ended within `timeout_s`."""
        with self._changed:
            self._changed.wait_for(lambda: self._rating_result is not None or self._failure is not None, timeout_s)
            if self._rating_result is None:
                self.check()
            return self._rating_result

    def kill(self, answer_s: float | None = None) -> None:
        """End the load, if one runs, and wait until it is gone. An agent that does not answer within `answer_s` (None:
        as long as the link may be lost) is not waited for."""
        self._request("kill", answer_s)
        with self._changed:
            if not self._changed.wait_for(lambda: not self._rating or self._failure is not None, KILL_S):
                raise SutError(f"{self._sut.name}: the load was not ended within {KILL_S:g} s; look at the SUT")
            if self._rating:
                self.check()

    def finish(self, answer_s: float | None = None) -> None:
        """Stop sampling, receive the journal to its end, end the agent; `answer_s` as for `kill`."""
        size = self._request("finish", answer_s).get("size")
        if not isinstance(size, int):
            raise SutError(f"{self._sut.name}: the agent answered {shown(size)} to finish, expected its journal's size")
        self._await_journal(size)
        self._closing = True
        self._request("bye", answer_s)
        self._thread.join()
        self.check()

    def _await_journal(self, size: int) -> None:
        """Wait until the journal has arrived up to a size; as long as it comes, or the link is silent."""
        end_s = time.monotonic() + FINISH_S
        with self._changed:
            while self._offset < size and self._failure is None:
                is_told = self._changed.wait(STALL_S)
                is_heard = time.monotonic_ns() - self._heard_ns < LINK_SILENT_S * 1e9
                if (is_heard and not is_told) or time.monotonic() > end_s:
                    break
            self.check()
            if self._offset < size:
                raise SutError(f"{self._sut.name}: the agent's journal stopped at byte {self._offset} of {size}")

    def abandon(self) -> None:
        """Leave the agent to whoever ends it; no request is answered any more."""
        self._closing = True
        self._link.close()
        self._thread.join()

    # --- requests ---

    def _request(self, operation: str, answer_s: float | None = None, **fields: Any) -> Json:  # noqa: ANN401  JSON
        future: Future[Json] = Future()
        with self._changed:
            self.check()
            number = self._number()
            line = json.dumps({"id": number, "op": operation, **fields}).encode() + b"\n"
            self._requests[number] = (line, future)
            self._send(line)
        # The session's thread sets an exception when the link stays away; the time limit is only for a mute agent.
        try:
            answer = future.result(self._reconnect_s + COMMAND_S if answer_s is None else answer_s)
        except FutureTimeout:
            raise SutUnreachable(f"{self._sut.name}: the agent did not answer to {operation}") from None
        if "error" in answer:
            raise SutError(f"{self._sut.name}: the agent refused {operation}: {reason_of(answer['error'])}")
        return answer

    def _number(self) -> int:
        self._next_id += 1
        return self._next_id

    def _send(self, line: bytes) -> None:
        """Send now, or leave it to the thread: a lost link is its business, and it repeats open requests."""
        with contextlib.suppress(*LINK_ERRORS):
            self._link.send(line)

    def _send_ping(self, future: Future[ClockExchange] | None) -> None:
        number = self._number()
        line = b'{"id":%d,"op":"ping"}\n' % number
        self._pings[number] = (begin_exchange(), future)
        self._send(line)

    def _send_hello(self) -> None:
        self._hello_id = self._number()
        self._link.send(b'{"id":%d,"op":"hello","offset":%d}\n' % (self._hello_id, self._offset))
        self._greeted = False

    # --- the thread ---

    def _work(self) -> None:
        try:
            while not self._closing:
                try:
                    self._talk()
                except LINK_ERRORS as error:
                    self._take_up(error)
        except BaseException as error:
            self._fail(error)
        finally:
            self._link.close()
            self._release_waiting()

    def _release_waiting(self) -> None:
        """The agent that got a bye may end before its answer is through; that is no error."""
        with self._changed:
            waiting = [future for _, future in self._requests.values()]
            self._requests.clear()
        for future in waiting:
            future.set_result({})
        self._drop_pings()

    def _talk(self) -> None:
        """Heartbeats out, messages in, until the agent closes the link after a bye."""
        next_ns = time.monotonic_ns()
        while True:
            now_ns = time.monotonic_ns()
            if now_ns >= next_ns:
                with self._changed:
                    self._send_ping(None)
                next_ns = now_ns + int(HEARTBEAT_S * 1e9)
            for message in self._link.receive((next_ns - now_ns) / 1e9 if next_ns > now_ns else 0.0):
                self._heard_ns = time.monotonic_ns()
                self._on_message(message)
            for length in self._link.take_dropped():
                self._note("agent-garbled", f"a line of {length} bytes, more than {MAX_LINE}, was dropped")
            if time.monotonic_ns() - self._heard_ns > LINK_SILENT_S * 1e9:
                raise EOFError(f"no answer for {LINK_SILENT_S:g} s")

    def _take_up(self, cause: BaseException) -> None:
        """A new link from the journal's offset on.

        Raises:
            SutUnreachable: none within reconnect_s since the SUT was last heard, or the agent is gone.
        """
        if self._closing:
            return
        self.links_lost += 1
        heard_ns = self._heard_ns
        self._note("link-lost", f"the link to the SUT was lost ({cause or type(cause).__name__}); trying again")
        self._link.close()
        self._drop_pings()
        for attempt in range(1_000_000):
            silent_s = (time.monotonic_ns() - heard_ns) / 1e9
            if self._closing:
                return
            if silent_s > self._reconnect_s:
                raise SutUnreachable(
                    f"{self._sut.name}: the link was lost for longer than reconnect_s = {self._reconnect_s:g} s "
                    f"({cause or type(cause).__name__}); the agent ends the load there by itself"
                )
            try:
                self._sut.reopen(min(CONNECT_S, LINK_SILENT_S))
                self._link = AgentChannel(self._sut.attach(self._folder))
                self._heard_ns = time.monotonic_ns()
                self._send_hello()
                self._await_greeting()
            except (SutUnreachable, *LINK_ERRORS):
                time.sleep(BACKOFF_S[min(attempt, len(BACKOFF_S) - 1)])
                continue
            self._note(
                "link-restored", f"the link to the SUT is back after {(time.monotonic_ns() - heard_ns) / 1e9:.1f} s"
            )
            return

    def _await_greeting(self) -> None:
        while not self._greeted:
            try:
                messages = self._link.receive(0.5)
            except EOFError:
                if words := self._link.last_words():
                    raise SutError(f"{self._sut.name}: the agent is gone: {words}") from None
                raise
            for message in messages:
                self._heard_ns = time.monotonic_ns()
                self._on_message(message)
            if time.monotonic_ns() - self._heard_ns > LINK_SILENT_S * 1e9:
                raise EOFError("no greeting")

    def _on_message(self, message: Json) -> None:
        number = message.get("id")
        if "journal" in message:
            self._on_journal(message["journal"], message.get("at"))
        elif number is None and "fault" in message:
            raise SutError(f"{self._sut.name}: {reason_of(message['fault'])}; free its disk and run again")
        elif type(number) is not int:
            self._note("agent-garbled", f"neither an answer nor a journal line: {shown(message)}")
        elif number in self._pings:
            self._on_pong(*self._pings.pop(number), message)
        elif number in self._requests:
            self._requests.pop(number)[1].set_result(message)
        elif number == self._hello_id:
            self._on_greeting(message)

    def _on_pong(self, t0_ns: int, waiting: "Future[ClockExchange] | None", message: Json) -> None:
        stamps = [stamp(message, key) for key in ("sut_ns", "sut_wall_ns", "sut_boot_ns")]
        known = [stamp for stamp in stamps if stamp is not None]
        if len(known) < len(stamps):
            problem = f"the agent answered to a clock exchange with {shown(message)}, expected stamps in nanoseconds"
            self._note("agent-garbled", problem)
            if waiting is not None:
                waiting.set_exception(SutError(f"{self._sut.name}: {problem}"))
            return
        exchange = end_exchange(t0_ns, *known)
        if waiting is not None:
            waiting.set_result(exchange)
        else:
            self._call(self._on_exchange, exchange)

    def _on_greeting(self, message: Json) -> None:
        if "error" in message:
            raise SutError(f"{self._sut.name}: the agent refused to go on: {reason_of(message['error'])}")
        if message.get("fault"):
            raise SutError(f"{self._sut.name}: {reason_of(message['fault'])}; free its disk and run again")
        # A clock exchange that was asked on the old link, or between the links, has no answer.
        self._drop_pings()
        with self._changed:
            self._greeted = True
            for line, _ in self._requests.values():
                self._send(line)

    def _on_journal(self, record: object, offset: object) -> None:
        if not isinstance(record, dict) or type(offset) is not int or not self._offset < offset < LAST_STAMP_NS:
            self._note("agent-garbled", f"a journal line at {shown(offset)} that is none: {shown(record)}")
            return
        self._call(self._on_record, record)
        with self._changed:
            self._offset = offset
            if self._rating and record.get("rec") == "phase" and record.get("edge") == "end":
                self._rating_result = rating_result(self._sut.name, record)
                self._rating = False
            self._changed.notify_all()

    def _note(self, code: str, text: str) -> None:
        self._call(self._on_record, {"rec": "note", "code": code, "text": text})

    def _call(self, function: Callable[[Any], None], argument: object) -> None:
        """The caller's errors are not the link's."""
        try:
            function(argument)
        except LINK_ERRORS as error:
            raise _CallbackFailed(error) from error

    def _drop_pings(self) -> None:
        with self._changed:
            waiting = [future for _, future in self._pings.values() if future is not None]
            self._pings.clear()
        for future in waiting:
            future.set_exception(_LinkLost())

    def _fail(self, error: BaseException) -> None:
        cause = error.__cause__ if isinstance(error, _CallbackFailed) and error.__cause__ else error
        with self._changed:
            self._failure = cause
            futures: list[Future[Any]] = [future for _, future in self._requests.values()]
            futures += [future for _, future in self._pings.values() if future is not None]
            self._requests.clear()
            self._pings.clear()
            self._changed.notify_all()
        for future in futures:
            future.set_exception(cause)


class _LinkLost(Exception):
    pass


class _CallbackFailed(Exception):
    pass
