"""Whatever stands in a campaign's files, verification says what is wrong: it neither crashes nor reads outside."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from harness.attest.signer import PublicKey, read_public_key
from harness.evidence.verification import verify
from harness.record.campaign_folder import ANNOTATIONS, STATEMENT, CampaignFolder
from harness.record.errors import LabError
from harness.record.verify import examine
from reports.campaign.analyse import analyse
from tests.campaign_results import complete
from tests.evidence.forger import append_plainly, copied, journal_of, reforge, write_journal

NONSENSE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ["", "..", "/etc/passwd", "../../x", "\0", "x" * 3000, "<script>", "2026-13-41T00:00:00Z", "1e999"]
    ),
    st.just([]),
    st.just({}),
    st.just([{}]),
)
SLOW = settings(max_examples=12, suppress_health_check=list(HealthCheck))


def public(key: Path) -> PublicKey:
    return read_public_key(key.with_name(key.name + ".pub"))


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:  # noqa: ANN401  JSON
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def put(value: Any, path: tuple[str | int, ...], new: object) -> None:  # noqa: ANN401  JSON is anything
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = new


def drawn(data: st.DataObject, value: Any) -> None:  # noqa: ANN401  JSON is anything
    place = data.draw(st.sampled_from(sorted(places(value), key=str)))
    put(value, place, data.draw(NONSENSE))


@SLOW
@given(data=st.data())
def test_a_statement_of_nonsense_is_found(signed: Path, key: Path, data: st.DataObject) -> None:
    file = signed / STATEMENT
    content = file.read_bytes()
    statement = json.loads(content)
    drawn(data, statement)
    try:
        file.write_text(json.dumps(statement))
        assert verify(signed, public(key)).failed
    finally:
        file.write_bytes(content)


@SLOW
@given(data=st.data())
def test_results_of_nonsense_are_found(signed: Path, key: Path, data: st.DataObject) -> None:
    file = signed / "derived" / "results.json"
    content = file.read_bytes()
    results = json.loads(content)
    drawn(data, results)
    try:
        file.write_text(json.dumps(results))
        assert verify(signed, public(key)).failed
    finally:
        file.write_bytes(content)


@SLOW
@given(data=st.data())
def test_a_journal_of_nonsense_that_is_sealed_and_chained_is_found(
    signed: Path, key: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    campaign = copied(signed, tmp_path_factory.mktemp("c"))
    target = CampaignFolder(campaign).run_paths()[data.draw(st.integers(0, 5))]

    def edit(run: Path) -> None:
        if run == target:
            documents = journal_of(run)
            number = data.draw(st.sampled_from([0, 1, 2, len(documents) // 2, len(documents) - 1]))
            drawn(data, documents[number])
            write_journal(run, documents)

    try:
        reforge(campaign, edit, results=False)
    except (AttributeError, KeyError, OSError, TypeError, ValueError, LabError):
        return  # the forger's own tools stumble over it
    assume(CampaignFolder(campaign).head() != CampaignFolder(signed).head())
    assert verify(campaign, public(key)).failed


@SLOW
@given(data=st.data())
def test_a_log_of_nonsense_that_is_chained_is_found(
    signed: Path, key: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    campaign = copied(signed, tmp_path_factory.mktemp("c"))

    def rewrite(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        drawn(data, entries[data.draw(st.integers(0, len(entries) - 1))])
        return entries

    try:
        reforge(campaign, rewrite=rewrite, results=False)
    except (AttributeError, KeyError, OSError, TypeError, ValueError, LabError):
        return  # the forger's own tools stumble over it
    assume(CampaignFolder(campaign).head() != CampaignFolder(signed).head())
    assert verify(campaign, public(key)).failed


@SLOW
@given(note=st.dictionaries(st.sampled_from(["operator", "run", "text", "exclude"]), NONSENSE, min_size=4))
def test_a_note_of_nonsense_is_found(
    signed: Path, key: Path, tmp_path_factory: pytest.TempPathFactory, note: dict[str, Any]
) -> None:
    campaign = copied(signed, tmp_path_factory.mktemp("c"))
    append_plainly(CampaignFolder(campaign).annotations, "annotation", "2026-11-22T10:00:00Z", note)
    assert (campaign / ANNOTATIONS).is_file()
    assert verify(campaign, public(key)).failed


@pytest.mark.parametrize("name", ["../secret.csv", "/etc/hostname", "artifacts/x.csv", "..", ""])
@pytest.mark.parametrize("field", ["stream", "meter"])
def test_a_descriptor_that_names_a_file_elsewhere_is_refused(
    unsigned: Path, tmp_path: Path, field: str, name: str
) -> None:
    campaign = copied(unsigned, tmp_path)
    target = CampaignFolder(campaign).run_paths()[1]

    def edit(run: Path) -> None:
        if run == target:
            documents = journal_of(run)
            documents[1][field] = name
            write_journal(run, documents)

    reforge(campaign, edit)
    assert "is no name of a stream or meter inside the run" in examine(campaign).unreadable[target.name]


def test_nothing_of_a_run_with_a_link_in_it_is_read(unsigned: Path, tmp_path: Path) -> None:
    campaign = copied(unsigned, tmp_path)
    target = CampaignFolder(campaign).run_paths()[1]
    shutil.rmtree(target / "artifacts")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "summary.json").write_text('{"secret": 1}')
    (target / "artifacts").symlink_to(tmp_path / "elsewhere")
    assert target.name in examine(campaign).unreadable
    assert "secret" not in json.dumps(complete(analyse(campaign)))
    assert any("only plain files can be sealed" in one.detail for one in verify(campaign, None).failed)


def test_an_attachment_behind_a_link_is_not_read(unsigned: Path, tmp_path: Path) -> None:
    campaign = copied(unsigned, tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x").write_text("x")
    (campaign / "photos").symlink_to(tmp_path / "elsewhere")
    body = {"path": "photos/x", "sha256": "0" * 64, "note": ""}
    CampaignFolder(campaign).append("attachment", "2026-11-22T10:00:00Z", body)
    assert any("behind a link" in one.detail for one in examine(campaign).checks if one.name == "attachment")
