"""The section on services under load: what stands in it, and the pictures."""

from dataclasses import replace

import pytest

from reports.figures.population import DrawnChain, DrawnTask, DrawnUsers, population
from reports.figures.sheet import WIDE_IN, Labelled
from reports.pages.blocks import Figure, Paragraph, Table
from reports.pages.ratings import tables
from reports.pages.ratings.section import ratings_blocks
from reports.results.document import Results, results_of
from tests.documents import write_results
from tests.ratings.test_ratings import SERVICES
from tests.reports.served import served_campaign


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Users and a service that gathers batches, one run each."""
    services = {name: SERVICES[name] for name in ("users", "batched")}
    made = served_campaign(tmp_path_factory.mktemp("page"), services, repetitions=1, baseline_blocks=2)
    return results_of(write_results(made).read_bytes())


def test_every_scenario_has_its_picture_tables_and_load(results: Results) -> None:
    blocks = ratings_blocks(results, "emulated")
    names = [block.name for block in blocks if isinstance(block, Figure | Table)]
    assert [name.rsplit("-", 1)[0] for name in names if name.startswith("fig-population")] != []
    for place, _ in enumerate(results.scenarios):
        assert {f"ratings-{place}", f"tasks-{place}", f"latency-{place}", f"energy-per-{place}"} <= set(names)
    assert "stimulus" in names
    assert len(names) == len(set(names))


def test_induced_energy_says_above_which_state(results: Results) -> None:
    assert "beyond what the waiting machine (model loaded) takes" in energy_note(results)
    assert results.baseline is not None
    plain = replace(results, baseline=replace(results.baseline, state=None))
    assert "beyond what the idle machine takes" in energy_note(plain)


def energy_note(results: Results) -> str:
    """What stands below the first table of energies."""
    blocks = ratings_blocks(results, "")
    return next(block.note for block in blocks if isinstance(block, Table) and "energy-per" in block.name)


def test_one_run_has_u_by_its_parts_and_says_so(results: Results) -> None:
    name, place = "batched", list(results.scenarios).index("batched")
    own = results.scenarios[name].ratings
    assert own is not None
    table = tables.latency_table(name, place, own)
    assert table is not None
    assert "it says nothing of another run" in table.note


def test_a_refusal_says_why(results: Results) -> None:
    own = results.scenarios["batched"].ratings
    assert own is not None
    assert own.batches is not None
    refused = replace(own.batches, refused="collinear", sizes=(), parts=None)
    (said,) = tables.batch_blocks("batched", 0, refused)
    assert isinstance(said, Paragraph)
    assert "can hardly be told from each other" in said.text


def test_a_chain_that_is_longer_than_the_page_goes_on_below() -> None:
    task = DrawnTask("a-task-with-a-long-name", "12.5 s", waits=True, style=0)
    chains = [DrawnChain("c", 1.0, [task] * count) for count in (1, 9)]
    drawn = [population(Labelled("f", "t", "d"), [DrawnUsers("users", [chain])]) for chain in chains]
    heights = [float(one.split('viewBox="')[1].split('"')[0].split()[3]) for one in drawn]
    assert heights[1] > heights[0] + 64
    assert f'viewBox="0 0 {WIDE_IN * 72:g} ' in drawn[0]


def test_the_picture_holds_names_that_are_no_xml() -> None:
    task = DrawnTask("a<b>&\x00", "1 s", waits=False, style=1)
    drawn = population(Labelled("f", "t", "d"), [DrawnUsers("u&<", [DrawnChain("c<", 0.5, [task])])])
    assert "a<b>" not in drawn
    assert "a&lt;b&gt;&amp;" in drawn
