"""The table of what runs do not say of themselves, and what is said where it is wrong."""

from pathlib import Path

import pytest

from harness.record.errors import AnalysisError
from reports.estimation.facts import read_facts


def table(folder: Path, *lines: str) -> Path:
    """A file of these lines."""
    path = folder / "facts.csv"
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


def test_what_is_said_of_a_run_goes_before_what_is_said_of_its_scenario(tmp_path: Path) -> None:
    facts = read_facts(table(tmp_path, "scenario,repetition,epochs,tdp_w", "cnn,,20,350", "cnn,2,25,", "idle,,,350"))
    assert facts.of("cnn", 1) == {"epochs": 20, "tdp_w": 350}
    assert facts.of("cnn", 2) == {"epochs": 25, "tdp_w": 350}
    assert facts.of("other", 1) == {}


def test_one_size_of_the_pictures_is_height_and_width_unless_they_are_given(tmp_path: Path) -> None:
    facts = read_facts(table(tmp_path, "scenario,image_size,image_width", "cnn,32,", "wide,32,64"))
    assert (facts.of("cnn", 1)["image_height"], facts.of("cnn", 1)["image_width"]) == (32, 32)
    assert (facts.of("wide", 1)["image_height"], facts.of("wide", 1)["image_width"]) == (32, 64)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("name,epochs", "cnn,3"), "expected one named `scenario`"),
        (("scenario,epochs", "cnn,many"), "facts.csv:2: found 'many' as epochs, expected a number"),
        (("scenario,epochs", "cnn,nan"), "facts.csv:2: found 'nan' as epochs"),
        (("scenario,epochs", "cnn,2.5"), "found 2.5 epochs, expected a whole number above 0"),
        (("scenario,epochs", "cnn,0"), "found 0 epochs"),
        (("scenario,epochs", "cnn,3", "cnn,4"), "facts.csv:3: cnn stands in the table twice"),
        (("scenario,repetition", "cnn,1.5"), "found '1.5' as repetition"),
    ],
)
def test_a_wrong_table_is_refused_with_its_line(tmp_path: Path, lines: tuple[str, ...], said: str) -> None:
    with pytest.raises(AnalysisError, match=said):
        read_facts(table(tmp_path, *lines))


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AnalysisError, match="cannot be read"):
        read_facts(tmp_path / "none.csv")
