"""What an import's findings are judged by, and gaps that are none: a long step of a counter."""

from pathlib import Path

import pytest

from harness.cli import main
from reports.campaign.analyse import analyse
from reports.results.document import Results
from tests.importers.power_csvs import imported, mapping, power, stamp, write


def results_of(campaign: Path) -> Results:
    return analyse(campaign).results


def holed() -> str:
    """A reading a second, of which five of a hundred are missing in one piece."""
    return "\n".join(["time,power", *(f"{stamp(n)},{50 + n % 2}" for n in range(1, 101) if not 40 <= n < 45)]) + "\n"


def test_an_import_may_have_limits_of_its_own_and_says_which_are_looser(tmp_path: Path) -> None:
    log, into = write(tmp_path / "in", holed()), tmp_path / "c"
    (tmp_path / "limits.toml").write_text('[lab]\nname = "x"\n[thresholds]\ngap_total_percent = 6.0\n')
    assert main(["import", "power-csv", str(log), "--into", str(tmp_path / "plain")]) == 0
    assert [run.included for run in results_of(tmp_path / "plain").runs] == [False]
    told = ["--into", str(into), "--thresholds", str(tmp_path / "limits.toml")]
    assert main(["import", "power-csv", str(log), *told]) == 0
    results = results_of(into)
    assert [run.included for run in results.runs] == [True]
    (loose,) = [one for one in results.findings if one.code == "limits-loosened"]
    assert loose.evidence == {"gap_total_percent": {"applied": 6.0, "method": 1.0}}
    assert main(["verify", str(into)]) == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"no table \[thresholds\]; name a TOML file with a table"),
        ("[thresholds]\ngap_total = 6.0\n", "thresholds.gap_total: unknown key; did you mean gap_total_percent?"),
        ("[thresholds]\ngap_single_s = -1.0\n", "thresholds.gap_single_s: "),
    ],
)
def test_wrong_limits_are_refused_with_their_place(
    tmp_path: Path, text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log, limits = write(tmp_path / "in", holed()), tmp_path / "limits.toml"
    limits.write_text(text)
    words = ["import", "power-csv", str(log), "--into", str(tmp_path / "c"), "--thresholds"]
    assert main([*words, str(limits)]) == 1
    assert said.replace("\\", "") in capsys.readouterr().err
    assert main([*words, str(tmp_path / "none.toml")]) == 1
    assert "no such file; name a TOML file" in capsys.readouterr().err
    assert not (tmp_path / "c").exists()


def counted() -> str:
    """A counter of kWh, read each 5 s, and once after 65 s; the power is 3600 W."""
    seconds = [*range(5, 305, 5), *range(365, 605, 5)]
    return "\n".join(["time,power", *(f"{stamp(s)},{s / 1000:.3f}" for s in seconds)]) + "\n"


def test_a_counter_that_is_read_late_leaves_no_gap(tmp_path: Path) -> None:
    imported(tmp_path, counted(), mapping(power("kWh", "counter")))
    [run] = results_of(tmp_path / "c").runs
    assert run.included
    assert "gap" not in run.findings
    assert run.energy_wh is not None
    assert run.energy_wh.value == pytest.approx(1000 * (0.6 - 0.005))
