"""A run that was measured once and counted twice is found, wherever in time it was moved."""

from pathlib import Path

import pytest

from harness.evidence.copies import check_copies
from harness.evidence.verification import verify
from harness.record.verify import examine
from tests.evidence.forger import copied, edit_rows, reforge
from tests.reports.make_campaign import LOADS, Shape, make_campaign

DAY_NS = 86_400_000_000_000


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shape = Shape(name="study", repetitions=3, baseline_blocks=2, duration_s=20, loads={"cnn": LOADS["cnn"]})
    return make_campaign(tmp_path_factory.mktemp("copies"), shape)


def ordinal_of(run: Path) -> int:
    return int(run.name.split("-r")[1][:2])


def jittered(run: Path, grain_ns: int, seed: int) -> None:
    """Stamps as a host makes them, each a little late."""

    def late(index: int, cells: list[str]) -> list[str]:
        later_ns = (7919 * (index + 1) ** 2 * (seed + 3)) % 9973 * grain_ns
        return [str(int(cells[0]) // 1_000_000_000 * 1_000_000_000 + later_ns), *cells[1:]]

    edit_rows(run, late)


def found(campaign: Path) -> list[str]:
    check = check_copies("study", examine(campaign))
    return [] if check.passed else check.detail.split("; ")


@pytest.mark.parametrize(
    ("grain_ns", "recordings", "n"),
    [(1, {}, 0), (1, {3: 2}, 1), (1, {3: 2, 4: 2}, 2), (100_000, {3: 2}, 0)],
    ids=["each its own", "a copy", "two copies", "stamps of a coarser clock"],
)
def test_recordings_that_two_runs_hold(
    campaign: Path, tmp_path: Path, grain_ns: int, recordings: dict[int, int], n: int
) -> None:
    """`recordings`: ordinal -> ordinal of the run whose recording it holds, moved in time."""
    copy = copied(campaign, tmp_path)
    reforge(copy, lambda run: jittered(run, grain_ns, recordings.get(ordinal_of(run), ordinal_of(run))), results=False)
    problems = found(copy)
    assert len(problems) == n
    assert all("holds readings of" in problem and "-r02-" in problem for problem in problems)
    assert ("copies" in {check.name for check in verify(copy, None).failed}) == bool(n)


def test_a_copy_of_a_part_is_found_and_even_pauses_are_none(campaign: Path, tmp_path: Path) -> None:
    assert found(campaign) == [], "stamps of whole seconds"
    copy = copied(campaign, tmp_path)

    def edit(run: Path) -> None:
        jittered(run, 1, ordinal_of(run))
        if ordinal_of(run) == 4:
            other = next(copy.glob("*-r02-*")) / "readings-wall.csv"
            rows, own = (file.read_text().splitlines() for file in (other, run / "readings-wall.csv"))
            moved = [f"{int(row.split(',')[0]) + DAY_NS},{row.partition(',')[2]}" for row in rows[5:15]]
            (run / "readings-wall.csv").write_text("\n".join([*own[:5], *moved, ""]))

    reforge(copy, edit, results=False)
    [problem] = found(copy)
    assert "-r04-" in problem
    assert "-r02-" in problem
