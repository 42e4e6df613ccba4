"""The R inside this process: started at the first call, called with numpy vectors, owned by the thread that started it.

Knows rpy2 (no other module imports it), how R is found, and that R is one per process and single-threaded. The R
functions it calls are those of statistics.R beside it. Knows no statistics.

What R prints goes nowhere, an R warning is an error, and neither the user's profile, environment files, saved
workspace, locale nor message language reach it: the same vectors give the same numbers on every machine. Afterwards the
process has its own signal handlers, locale and environment again.
"""

import locale
import logging
import os
import shutil
import signal
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from harness.record.errors import AnalysisError

INSTALL = "apt-get install r-base-core (as root), or give ./lab once, which installs it"
SOURCE = Path(__file__).with_name("statistics.R")
OPTIONS = ("rpy2", "--quiet", "--vanilla", "--no-echo")
QUIET_START = {
    "RPY2_CFFI_MODE": "ABI",  # no compiler, and any R that has libR.so
    "LC_ALL": "C.UTF-8",
    "LANGUAGE": "en",
    "R_ENABLE_JIT": "0",  # to compile statistics.R takes longer (.16 s) than all that it is asked for
    "R_DEFAULT_PACKAGES": "stats,utils",  # what statistics.R calls; graphics, methods and datasets are not loaded
    # Neither R nor the script that says where it lives may read the user's files.
    "R_ENVIRON": os.devnull,
    "R_ENVIRON_USER": os.devnull,
    "R_PROFILE": os.devnull,
    "R_PROFILE_USER": os.devnull,
}
ROOM_BYTES = 1 << 16
"""What R writes at its start fits into so much."""
UNSET = ("R_LIBS", "R_LIBS_USER", "R_LIBS_SITE")


class NoR(AnalysisError):
    """R is not there; the sentence says which command installs it."""

    reason: Literal["r-missing", "r-failed"] = "r-missing"


class RFails(NoR):
    """R is there and cannot be started; the sentence says what hinders it."""

    reason = "r-failed"


@dataclass(frozen=True, slots=True)
class _Session:
    process: int
    thread: int
    functions: Any
    """The R environment of statistics.R."""
    vector: Any
    """rpy2's class of a vector of doubles."""
    failure: type[Exception]
    version: str


_started: _Session | NoR | None = None


def available() -> str | None:
    """None when R works here, else the sentence that says why not and what to do; starts R at the first call."""
    state = _started if _started is not None else _start()
    return str(state) if isinstance(state, NoR) else None


def absence() -> Literal["r-missing", "r-failed"] | None:
    """None when R works here, else `r-missing` or `r-failed`; starts R at the first call."""
    state = _started if _started is not None else _start()
    return state.reason if isinstance(state, NoR) else None


def version() -> str:
    """R's version, as "4.2.2".

    Raises:
        NoR: no R.
    """
    return _session().version


def call(function: str, *arguments: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """The numeric vector, shape (k,), that a function of statistics.R returns for vectors and numbers.

    Raises:
        NoR: no R.
        AnalysisError: called in another thread or process than R was started in, or R could not compute it.
    """
    session = _session()
    if (session.process, session.thread) != (os.getpid(), threading.get_ident()):
        raise AnalysisError(
            f"{function}: R belongs to the thread and process that called it first; call it there, or start a new "
            "process"
        )
    vectors = [_vector(session, argument) for argument in arguments]
    try:
        found = session.functions[function](*vectors)
    except session.failure as error:
        raise AnalysisError(f"R could not compute {function}: {' '.join(str(error).split())}") from None
    # Not by found.memoryview(): rpy2-rinterface 3.6.5 returns None uncounted there, and Python ends after 50,000 calls.
    return np.fromiter(found, np.float64, len(found))


def _vector(session: _Session, argument: NDArray[np.float64] | float) -> object:
    values = np.ascontiguousarray(np.atleast_1d(argument), dtype=np.float64)
    made: object = session.vector.from_memoryview(values.data)
    return made


def _session() -> _Session:
    state = _started if _started is not None else _start()
    if isinstance(state, NoR):
        raise type(state)(str(state))
    return state


def _start() -> _Session | NoR:
    global _started
    if not os.environ.get("R_HOME") and shutil.which("R") is None:
        _started = NoR(f"R, which the statistics need, is not installed here: {INSTALL}")
        return _started
    try:
        with _own_process_kept():
            _started = _embed()
    except Exception as error:  # rpy2 raises whatever it met: ValueError, OSError, CalledProcessError, ImportError, ...
        cause = " ".join(str(error).split()) or type(error).__name__
        where = os.environ.get("R_HOME") or shutil.which("R")
        remedy = _no_room() or f"({cause}): {INSTALL}"
        _started = RFails(f"R, which the statistics need, is there and does not start from {where} {remedy}")
    return _started


def _no_room() -> str | None:
    """What is wrong with the folder in which R makes its own; None where that is in order."""
    try:
        with tempfile.TemporaryFile() as file:
            file.write(bytes(ROOM_BYTES))
            file.flush()
    except OSError as error:
        return (
            f"(no temporary file can be written: {error.strerror}): free some of the disk, or set TMPDIR to a folder "
            "that can be written"
        )
    return None


def _embed() -> _Session:
    for name in ("rpy2", "rpy2.situation"):
        logging.getLogger(name).addHandler(logging.NullHandler())  # what it would log is in the sentence of NoR
    import rpy2.situation

    # rpy2 would start R twice more, as a process, to ask it for its environment (.4 s). Of that LD_LIBRARY_PATH comes
    # too late for a running process, and the rest tells R's scripts where its documents are.
    situation: Any = rpy2.situation
    situation.r_ld_library_path_from_subprocess = lambda r_home: ""

    import rpy2.rinterface
    import rpy2.rinterface_lib.callbacks
    import rpy2.rinterface_lib.embedded

    # Its types are those of any R object, where these are known.
    r: Any = rpy2.rinterface
    r._setrenvvars = lambda action_map: None
    callbacks: Any = rpy2.rinterface_lib.callbacks
    embedded: Any = rpy2.rinterface_lib.embedded
    callbacks.consolewrite_print = callbacks.consolewrite_warnerror = lambda text: None
    embedded.set_initoptions(OPTIONS)
    with warnings.catch_warnings():
        # In another thread than the main one: that R took over Ctrl-C. It did not, rpy2 starts it without its handlers.
        warnings.filterwarnings("ignore", r"\s*R is not initialized by the main thread")
        r.initr(interactive=False)
    r.evalr("options(warn = 2)")
    functions = r.evalr("new.env(parent = asNamespace('stats'))")
    r.evalr(SOURCE.read_text(encoding="ascii"), envir=functions)
    number = str(r.evalr("as.character(getRversion())")[0])
    return _Session(
        os.getpid(), threading.get_ident(), functions, r.FloatSexpVector, embedded.RRuntimeError, number
    )  # fmt: skip


@contextmanager
def _own_process_kept() -> Iterator[None]:
    """Start R in an environment that is the same everywhere; give the process its own back."""
    environment, locales = dict(os.environ), locale.setlocale(locale.LC_ALL)
    in_main = threading.current_thread() is threading.main_thread()
    on_interrupt = signal.getsignal(signal.SIGINT)
    for name in UNSET:
        os.environ.pop(name, None)
    os.environ.update(QUIET_START)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(environment)
        locale.setlocale(locale.LC_ALL, locales)
        if in_main and on_interrupt is not None:
            signal.signal(signal.SIGINT, on_interrupt)
