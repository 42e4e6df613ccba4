"""Imported traces beside each other: what is no difference between them, what their sides are called."""

import json
from pathlib import Path

import pytest

from harness import cli
from harness.foreign.importers.grouping import Grouping
from harness.foreign.importers.nvidia_smi.importer import import_nvidia_smi
from harness.record.errors import AnalysisError
from reports.comparison.comparison import compare
from reports.comparison.selection import Part
from reports.inference import r_session
from reports.pages.comparison.evidence import command_of
from reports.pages.comparison.page import legible
from reports.results.codec import document_text
from reports.results.comparison import Options, comparison_of
from tests.importers.test_grouping import log
from tests.reports.comparisons import SOFTWARE


def campaign(tmp_path: Path, name: str, minute: int, *, step_s: float = 1.0, power_w: float = 100.0) -> Path:
    """A campaign of two runs of one scenario."""
    for nth in range(2):
        log(tmp_path / name / "vgg" / f"{nth}.csv", minute + nth, power_w + nth, step_s)
    import_nvidia_smi([tmp_path / name], tmp_path / f"c-{name}", grouping=Grouping("folder"))
    return tmp_path / f"c-{name}"


def test_traces_whose_spacing_differs_by_a_millisecond_are_pooled_and_compared(tmp_path: Path) -> None:
    a, b = campaign(tmp_path, "a", 0, step_s=1.001), campaign(tmp_path, "b", 4, step_s=1.002)
    c = campaign(tmp_path, "c", 8, power_w=150.0)
    document = compare([[Part(a), Part(b)], [Part(c)]], Options(labels=("small", "")), SOFTWARE, tmp_path / "x")
    [of_set] = document.sets
    assert [(side.label, side.n_runs) for side in of_set.sides] == [("small", 4), ("c-c", 2)]
    assert not [key.name for key in of_set.keys if "period" in key.name]
    assert command_of(document).startswith("wattlab compare small=c-a,c-b c-c")


def test_another_figure_of_the_same_board_is_another_instrument(tmp_path: Path) -> None:
    a, b = campaign(tmp_path, "a", 0), tmp_path / "c-b"
    other = log(tmp_path / "b" / "vgg" / "0.csv", 9)
    other.write_text(other.read_text().replace("power.draw", "power.draw.instant"))
    import_nvidia_smi([other], b, grouping=Grouping("folder"))
    with pytest.raises(
        AnalysisError, match=r"meter\.gpu-dc-board\.figure is power\.draw \(c-a:vgg\) and power\.draw\.instant"
    ):
        compare([[Part(a), Part(b)], [Part(campaign(tmp_path, "z", 20))]], Options(), SOFTWARE, tmp_path / "x")


@pytest.mark.skipif(r_session.available() is not None, reason="R is not there")
def test_a_study_takes_traces_of_both_spacings_as_runs_of_one_kind(tmp_path: Path) -> None:
    campaign(tmp_path, "a", 0, step_s=1.001), campaign(tmp_path, "b", 4, step_s=1.002)
    (tmp_path / "s.toml").write_text(
        'schema = 1\n[study]\nname = "s"\ntitle = "t"\ndescription = "d"\nalpha = 0.05\n'
        + "".join(f'[campaigns.{n}]\nfolder = "c-{n}"\nlevels = {{ model = "vgg" }}\n' for n in ("a", "b"))
        + '[factors.model]\ntitle = "m"\ncolumn = "model"\nlevels = ["vgg"]\n'
        '[responses.energy]\ntitle = "e"\nformula = "energy_wh"\nunit = "Wh"\n'
    )
    assert cli.main(["study", "report", str(tmp_path / "s.toml"), "--into", str(tmp_path / "out")]) == 0
    study = json.loads((tmp_path / "out" / "study.json").read_text())
    assert study["rows"] == {"read": 4, "left_out": 0, "excluded": 0, "used": 4}


def test_a_side_of_many_campaigns_has_a_name_of_one_line_on_the_page_and_in_messages(tmp_path: Path) -> None:
    folders = [campaign(tmp_path, name, 3 * nth) for nth, name in enumerate("abcde")]
    last = campaign(tmp_path, "z", 20, power_w=150.0)
    document = compare([[Part(f) for f in folders], [Part(last)]], Options(), SOFTWARE, tmp_path / "x")
    assert document.sets[0].sides[0].label == "c-a+c-b+c-c+c-d+c-e"
    assert legible(document).sets[0].sides[0].label == "c-a and 4 more"
    written = json.loads(document_text(document))
    assert "labels" not in written["options"]
    assert comparison_of(written) == document


def test_the_verb_takes_a_name_for_a_side_and_verify_recomputes_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = campaign(tmp_path, "a", 0), campaign(tmp_path, "b", 4, power_w=150.0)
    into = str(tmp_path / "out")
    assert cli.main(["compare", f"Small model={a}:vgg", f"big={b}:vgg", "--into", into]) == 0
    assert "big (second) against Small model (first)" in capsys.readouterr().out
    assert cli.main(["verify", into]) == 0
    assert json.loads((Path(into) / "comparison.json").read_text())["options"]["labels"] == ["Small model", "big"]
    assert cli.main(["compare", f"x={a}", f"x={b}"]) == 1
    assert "x=: two sides have this name" in capsys.readouterr().err
    assert cli.main(["compare", f"={a}", str(b)]) == 1
    assert "expected a name of 1 to 60 characters before the =" in capsys.readouterr().err
    assert cli.main(["compare", f"x={a}", f"y={b}"]) == 0
    assert (tmp_path / "compare-x-vs-y" / "report.html").is_file()
