"""R in the process: found or not, its owner, its silence, and that nothing of the user's reaches it."""

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from harness.record.errors import AnalysisError
from reports.inference import r_session

ROOT = Path(__file__).resolve().parent.parent.parent
VALUES = np.array([3.1, 4.1, 5.9, 2.6, 5.3, 5.8])


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A fresh Python at the root of the house, with these environment variables and an empty home."""
    base = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8"}
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(code)]
    return subprocess.run(command, cwd=ROOT, env=base | environment, capture_output=True, text=True, check=False)


def test_without_r_every_statistic_says_which_command_installs_it(tmp_path: Path) -> None:
    done = run_python(
        """
        import numpy as np
        from reports.inference import effects, intervals, r_session, statistics
        print(r_session.available())
        values = np.arange(9.0)
        for statistic in (statistics.shapiro, intervals.t_interval, statistics.qq):
            try:
                statistic(values)
            except r_session.NoR as error:
                print(error)
        """,
        PATH=str(tmp_path),
    )
    sentences = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert len(sentences) == 4
    assert len(set(sentences)) == 1
    assert "not installed" in sentences[0]
    assert "apt-get install r-base-core" in sentences[0]
    assert not done.stderr


def test_without_r_what_needs_none_still_works(tmp_path: Path) -> None:
    done = run_python(
        """
        import numpy as np
        from reports.inference import effects, intervals, r_session, statistics
        print(effects.eta_squared_h(10.0, 30, 2), statistics.shapiro(np.ones(9)).refused)
        """,
        PATH=str(tmp_path),
    )
    assert done.stdout.split() == [str(9 / 28), "constant"], done.stderr


def test_an_r_that_does_not_start_is_named_with_its_place(tmp_path: Path) -> None:
    done = run_python(
        "from reports.inference import r_session; print(r_session.available())", R_HOME=str(tmp_path / "nowhere")
    )
    assert "does not start" in done.stdout
    assert str(tmp_path / "nowhere") in done.stdout
    assert "apt-get install r-base-core" in done.stdout
    assert not done.stderr


def test_an_r_that_finds_no_room_for_its_temporary_files_is_not_called_missing(tmp_path: Path) -> None:
    done = run_python(
        """
        import tempfile
        tempfile.tempdir = "/dev/full/nowhere"
        from reports.inference import r_session
        r_session._embed = lambda: next(iter(()))
        print(r_session.absence(), r_session.available())
        """
    )
    assert done.stdout.startswith("r-failed R, which the statistics need, is there and does not start"), done.stderr
    assert "TMPDIR" in done.stdout
    assert "apt-get" not in done.stdout


def test_a_second_thread_is_refused_with_a_sentence() -> None:
    done = run_python(
        """
        import threading
        import numpy as np
        from reports.inference import r_session
        r_session.call("t_interval", np.arange(5.0))
        def other():
            try:
                r_session.call("t_interval", np.arange(5.0))
            except r_session.AnalysisError as error:
                print(error)
            print(r_session.available())
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        """
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("t_interval: R belongs to the thread and process that called it first")
    assert done.stdout.endswith("\nNone\n")


def test_the_thread_that_calls_first_owns_r_also_when_it_is_not_the_main_one() -> None:
    done = run_python(
        """
        import threading
        import numpy as np
        from reports.inference import r_session
        thread = threading.Thread(target=lambda: print(r_session.call("t_interval", np.arange(5.0)).size))
        thread.start()
        thread.join()
        try:
            r_session.call("t_interval", np.arange(5.0))
        except r_session.AnalysisError as error:
            print(error)
        """
    )
    assert done.stdout.startswith("2\nt_interval: R belongs to the thread"), done.stderr


def test_a_forked_child_is_refused_with_a_sentence() -> None:
    done = run_python(
        """
        import os
        import numpy as np
        from reports.inference import r_session
        r_session.available()
        if os.fork() == 0:
            try:
                r_session.call("t_interval", np.arange(5.0))
            except r_session.AnalysisError as error:
                print(error, flush=True)
            os._exit(0)
        os.wait()
        """
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("t_interval: R belongs to the thread and process that called it first")


PRINTED = """
import numpy as np
from reports.inference import r_session
values = np.array([3.1, 4.1, 5.9, 2.6, 5.3, 5.8])
print([r_session.call("bca", values, 1.0, 7.0).tolist(), r_session.call("shapiro", values).tolist()])
"""


def test_neither_profile_nor_environment_nor_workspace_nor_locale_of_the_user_reaches_r(tmp_path: Path) -> None:
    (tmp_path / ".Rprofile").write_text(
        'print("hello"); RNGkind("Wichmann-Hill"); options(digits = 3); stop("broken")\n'
    )
    (tmp_path / ".Renviron").write_text("R_DEFAULT_PACKAGES=NULL\n")
    site = tmp_path / "site.R"
    site.write_text('cat("hello"); t.test <- function(...) stop("mine")\n')
    plain = run_python(PRINTED)
    other = run_python(
        PRINTED, HOME=str(tmp_path), R_PROFILE=str(site), R_ENVIRON_USER=str(tmp_path / ".Renviron"),
        R_PROFILE_USER=str(tmp_path / ".Rprofile"), R_DEFAULT_PACKAGES="NULL", R_LIBS=str(tmp_path), LANG="de_DE.UTF-8",
        LC_ALL="tr_TR.UTF-8", LANGUAGE="de",
    )  # fmt: skip
    assert plain.returncode == 0, plain.stderr
    assert plain.stdout == other.stdout
    assert plain.stderr == other.stderr == ""


def test_starting_r_leaves_the_process_its_signals_its_environment_and_its_locale() -> None:
    done = run_python(
        """
        import locale, os, pathlib, signal
        signal.signal(signal.SIGINT, lambda *_: print("mine"))
        def caught():  # but SigQ, which counts what waits for all processes of the user
            lines = pathlib.Path("/proc/self/status").read_text().splitlines()
            return [line for line in lines if line[:3] == "Sig" and line[3] != "Q"]
        from reports.inference import r_session
        before = dict(os.environ), locale.setlocale(locale.LC_ALL), caught()
        assert r_session.available() is None
        assert before == (dict(os.environ), locale.setlocale(locale.LC_ALL), caught())
        os.kill(os.getpid(), signal.SIGINT)
        """
    )
    assert done.stdout == "mine\n", done.stderr


def test_what_r_cannot_compute_is_a_sentence_and_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(AnalysisError, match=r"R could not compute shapiro: .*sample size"):
        r_session.call("shapiro", VALUES[:2])
    assert capfd.readouterr() == ("", "")


def test_a_warning_of_r_is_an_error() -> None:
    with pytest.raises(AnalysisError, match="standard deviation is zero"):
        r_session.call("pearson", np.ones(5), np.arange(5.0), 0.0)


def test_a_call_loses_no_reference_to_none() -> None:
    r_session.call("t_interval", VALUES)
    before = sys.getrefcount(None)
    for _ in range(500):
        r_session.call("t_interval", VALUES)
    assert abs(sys.getrefcount(None) - before) < 250


def test_vectors_reach_r_whatever_their_layout() -> None:
    table = np.asfortranarray(np.column_stack([VALUES, VALUES**2]))
    np.testing.assert_array_equal(
        r_session.call("t_interval", table[::2, 0]), r_session.call("t_interval", VALUES[::2])
    )
    with_ints = r_session.call("t_interval", np.arange(6))  # type: ignore[arg-type]
    np.testing.assert_array_equal(with_ints, r_session.call("t_interval", np.arange(6.0)))


def test_no_other_module_imports_rpy2() -> None:
    sources = [path for room in ("harness", "meters", "reports", "workloads") for path in (ROOT / room).rglob("*.py")]
    assert [path.name for path in sources if "import rpy2" in path.read_text()] == ["r_session.py"]


def test_the_version_of_r_is_known() -> None:
    assert r_session.version()[0].isdigit()
